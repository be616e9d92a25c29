import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineParser } from '../../src/codec/text-lines.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

function parse(pieces: readonly string[], maxLength = 1000): unknown[] {
  const parser = new LineParser({ maxLength })
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()]
}

test('lines are those of the whole text, however it is cut, and blank ones are none', () => {
  const piece = fc.array(fc.constantFrom('a', '\n', '\r', ' ', 'b\n'), { maxLength: 5 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const expected = pieces
        .join('')
        .split('\n')
        .map((text, i) => ({ line: i + 1, text }))
        .filter(({ text }) => text.trim() !== '')
      expect(parse(pieces)).toEqual(expected)
    }),
    { seed: seed(), numRuns: effort(500) },
  )
})

test('a line that is too long is refused before it is held', () => {
  expect(parse(['x'.repeat(1000), '\n'])).toHaveLength(1)
  for (const pieces of [[`a\n${'x'.repeat(1001)}`], ['a\n', 'x'.repeat(600), 'x'.repeat(600)]]) {
    expect(() => parse(pieces)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE', message: expect.stringContaining('line 2') }),
    )
  }
})
