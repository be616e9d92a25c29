import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { type IndexForm, parseIndexSpec, sameIndex } from '../../src/indexes/index-spec.ts'

describe('an index form', () => {
  it('may be a path, a list of paths, or options', () => {
    const plain = { id: 3, unique: false, each: false, nocase: false }
    expect(parseIndexSpec('status', 3)).toEqual({
      ...plain,
      name: 'status',
      parts: [{ path: ['status'], descending: false }],
    })
    expect(parseIndexSpec(['a.b', '-c'], 3)).toEqual({
      ...plain,
      name: 'a.b,-c',
      parts: [
        { path: ['a', 'b'], descending: false },
        { path: ['c'], descending: true },
      ],
    })
    const where = { live: true }
    expect(parseIndexSpec({ on: 'e', name: 'mail', unique: true, collation: 'nocase', where }, 3)).toEqual({
      id: 3,
      name: 'mail',
      parts: [{ path: ['e'], descending: false }],
      unique: true,
      each: false,
      nocase: true,
      where,
    })
    expect(parseIndexSpec({ on: 'tags', each: true }, 3).each).toBe(true)
    expect(parseIndexSpec({ on: 'ownerId', unique: true }, 3).name).toBe('ownerId')
  })

  it('keeps dots and leading dashes that belong to names', () => {
    expect(parseIndexSpec('a\\.b', 1).parts[0]).toEqual({ path: ['a.b'], descending: false })
    expect(parseIndexSpec('-\\-x', 1).parts[0]).toEqual({ path: ['-x'], descending: true })
    expect(parseIndexSpec('\\-x', 1).name).toBe('\\-x')
  })

  // Each is what an untyped caller may pass.
  const nonsense: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['a number', 5],
    ['no part', []],
    ['an empty path', ''],
    ['an empty name in a path', 'a..b'],
    ['only a dash', '-'],
    ['a path that is no string', ['a', 5]],
    ['a path twice', ['a', '-a']],
    ['too many parts', Array.from({ length: 17 }, (_, i) => `p${i}`)],
    ['options without on', { unique: true }],
    ['an unknown option', { on: 'a', uniqe: true }],
    ['a flag that is no boolean', { on: 'a', unique: 1 }],
    ['an unknown collation', { on: 'a', collation: 'de' }],
    ['an empty name', { on: 'a', name: '' }],
    ['a condition that is no object', { on: 'a', where: 'live' }],
    ['each with two parts', { on: ['a', 'b'], each: true }],
  ]
  it.each(nonsense)('is refused with INVALID_ARGUMENT when it is %s', (_, form) => {
    let error: unknown
    try {
      // The test's point is what the types forbid.
      parseIndexSpec(form as IndexForm, 1)
    } catch (thrown) {
      error = thrown
    }
    expect(isBlazeError(error, 'INVALID_ARGUMENT')).toBe(true)
  })

  it('is the same index exactly when it gives the same entries under the same rules', () => {
    const forms: readonly IndexForm[] = [
      'a',
      '-a',
      ['a', 'b'],
      { on: 'a', unique: true },
      { on: 'a', each: true },
      { on: 'a', collation: 'nocase' },
      { on: 'a', where: { b: 1 } },
      { on: 'a', where: { b: 2 } },
      { on: 'a', name: 'b' },
    ]
    forms.forEach((a, i) => {
      forms.forEach((b, j) => {
        expect(sameIndex(parseIndexSpec(a, 1), parseIndexSpec(b, 2))).toBe(i === j)
      })
    })
  })
})
