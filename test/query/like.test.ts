import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { likePrefix, matchLike, parseLike } from '../../src/query/like.ts'
import { seed } from '../support/seed.ts'

const same = (text: string): string => text

function like(pattern: string, text: string): boolean {
  return matchLike(parseLike(pattern, same)!, text)
}

/** The same by the language's own regular expressions. */
function oracle(pattern: string, text: string): boolean {
  let source = ''
  const chars = Array.from(pattern)
  for (let i = 0; i < chars.length; i++) {
    if (chars[i] === '%') source += '.*'
    else if (chars[i] === '_') source += '.'
    else source += (chars[i] === '\\' ? chars[++i]! : chars[i]!).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  }
  return new RegExp(`^${source}$`, 'su').test(text)
}

describe('like', () => {
  it('matches the whole string as its regular expression does', () => {
    const pattern = fc.string({
      unit: fc.constantFrom('a', 'b', '%', '%', '_', '\\%', '\\_', '\\\\', '.', '😀'),
      maxLength: 8,
    })
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_', '\\', '.', '😀', '\n'), maxLength: 10 })
    fc.assert(
      fc.property(pattern, text, (p, t) => {
        expect(like(p, t), `${p} on ${t}`).toBe(oracle(p, t))
      }),
      { seed: seed(), numRuns: 5_000 },
    )
  })

  it('takes no longer for many wildcards than text times pattern', () => {
    const pattern = `${'%a_'.repeat(30)}%b`
    expect(like(pattern, 'a'.repeat(50_000))).toBe(false)
  })

  it('refuses a lone backslash at the end', () => {
    expect(parseLike('abc\\', same)).toBeUndefined()
    expect(parseLike('abc\\\\', same)).toBeDefined()
  })

  it.each([
    ['abc', 'abc', true],
    ['abc%', 'abc', false],
    ['ab_c', 'ab', false],
    ['%abc', '', false],
    ['', '', true],
    ['_', '', false],
    ['a\\%b', 'a%b', true],
  ])('knows what every match of %s begins with', (pattern, prefix, whole) => {
    expect(likePrefix(parseLike(pattern, same)!)).toEqual({ prefix, whole })
  })
})
