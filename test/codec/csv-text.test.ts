import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CsvParser, csvRow, MAX_CELLS } from '../../src/codec/csv-text.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

function parse(
  pieces: readonly string[],
  delimiter = ',',
  maxRowLength = 1e6,
): { line: number; cells: readonly string[] }[] {
  const parser = new CsvParser({ delimiter, maxRowLength })
  const rows = pieces.flatMap((piece) => parser.push(piece))
  return [...rows, ...parser.end()].map(({ line, cells }) => ({ line, cells }))
}

function cellsOf(text: string, delimiter = ','): (readonly string[])[] {
  return parse([text], delimiter).map(({ cells }) => cells)
}

const cell = fc
  .array(fc.constantFrom('a', 'ü', '"', ',', ';', '\n', '\r', '\r\n', ' ', '\t', '\\', '\0', '😀', '\ufeff'), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''))
const rows = fc.array(fc.array(cell, { minLength: 1, maxLength: 5 }), { maxLength: 6 })
const delimiter = fc.constantFrom(',', ';', '\t', '|')

/** The same text in other pieces. */
function cut(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = []
  let at = 0
  for (const size of sizes) {
    pieces.push(text.slice(at, at + size))
    at += size
  }
  return [...pieces, text.slice(at)]
}

test('rows that are written come back, however the text is cut', () => {
  fc.assert(
    fc.property(rows, delimiter, fc.array(fc.nat(7)), (written, sign, sizes) => {
      const text = written.map((cells) => csvRow(cells, sign)).join('')
      // One empty cell alone is a blank line, which is no row.
      const expected = written.filter((cells) => cells.length > 1 || cells[0] !== '')
      expect(parse(cut(text, sizes), sign).map(({ cells }) => cells)).toEqual(expected)
    }),
    { seed: seed(), numRuns: effort(500) },
  )
})

test('any text gives the same rows, or the same refusal, however it is cut', () => {
  const outcome = (pieces: readonly string[]): unknown => {
    try {
      return parse(pieces)
    } catch (error) {
      return String(error)
    }
  }
  fc.assert(
    fc.property(cell, cell, cell, fc.array(fc.nat(3)), (a, b, c, sizes) => {
      const text = `${a}${b}${c}`
      expect(outcome(cut(text, sizes))).toEqual(outcome([text]))
    }),
    { seed: seed(), numRuns: effort(1000) },
  )
})

test('the ends of lines are LF, CRLF and CR, and the last row needs none', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    expect(cellsOf(`a,b${end}1,2${end}`)).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ])
    expect(cellsOf(`a,b${end}1,2`)).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ])
    expect(cellsOf(`a${end}${end}${end}b`)).toEqual([['a'], ['b']])
  }
  expect(parse(['a\r', '\nb\r', '\r\nc']).map(({ line }) => line)).toEqual([1, 2, 4])
})

test('quotes hold delimiters, ends of lines and doubled quotes, and rows know the line they begin in', () => {
  expect(parse(['a,"x\ny ""z"", w",\n"",b,c'])).toEqual([
    { line: 1, cells: ['a', 'x\ny "z", w', ''] },
    { line: 3, cells: ['', 'b', 'c'] },
  ])
  expect(cellsOf('a;b,c\td', ';')).toEqual([['a', 'b,c\td']])
})

test('what is no CSV is refused with its line', () => {
  const wrong: [string, string][] = [
    ['a\nb"c', 'line 2: this is no CSV: a quote stands inside a cell that is not quoted'],
    ['a\n"b"c', 'line 2: this is no CSV: text follows a closing quote'],
    ['a\n\n"b\n\n\n', 'line 3: this is no CSV: a quote that is opened here is never closed'],
    ['"a"b', 'line 1: this is no CSV: text follows a closing quote'],
  ]
  for (const [text, message] of wrong) {
    expect(() => cellsOf(text)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE', message }))
  }
})

test('a row that is too long, or has too many cells, is refused before it is held', () => {
  expect(() => parse(['ok\n', 'x'.repeat(60), 'x'.repeat(60)], ',', 100)).toThrow(
    expect.objectContaining({ code: 'TOO_LARGE', message: expect.stringContaining('line 2') }),
  )
  expect(() => parse([`"${'x\n'.repeat(60)}`], ',', 100)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
  expect(() => parse([','.repeat(200)], ',', 100_000)).not.toThrow()
  expect(() => parse([','.repeat(MAX_CELLS + 1)], ',', 100_000)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
})
