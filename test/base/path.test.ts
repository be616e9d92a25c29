import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { formatPath, parsePath, valueAt } from '../../src/base/path.ts'

describe('a path', () => {
  it('names fields of fields; an escaped dot belongs to a name', () => {
    expect(parsePath('a')).toEqual(['a'])
    expect(parsePath('a.b.0')).toEqual(['a', 'b', '0'])
    expect(parsePath('a\\.b.c')).toEqual(['a.b', 'c'])
    expect(parsePath('a\\\\.b')).toEqual(['a\\', 'b'])
    expect(parsePath('c:\\x')).toEqual(['c:\\x'])
  })

  it('has a text that reads back as the same path', () => {
    const segment = fc.string({ minLength: 1, unit: fc.constantFrom('a', '.', '\\', '-', 'é', '0') })
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (path) => {
        const text = formatPath(path)
        expect(parsePath(text)).toEqual(path)
        expect(text.startsWith('-')).toBe(false)
      }),
      { seed: 3, numRuns: 2000 },
    )
  })

  it.each(['', '.', 'a.', '.a', 'a..b', 'a.'.repeat(64).concat('a')])(
    'is refused when it names nothing: %j',
    (text) => {
      let error: unknown
      try {
        parsePath(text)
      } catch (thrown) {
        error = thrown
      }
      expect(isBlazeError(error, 'INVALID_ARGUMENT')).toBe(true)
    },
  )

  it('finds own properties and elements by their index, and nothing else', () => {
    const at = new Date(0)
    const record = {
      id: 1,
      a: { b: [10, { c: null }], '': 1 },
      at,
      bytes: new Uint8Array([7]),
      text: 'abc',
      no: undefined,
    }
    const find = (text: string) => valueAt(record, parsePath(text))
    expect(find('a.b.0')).toBe(10)
    expect(find('a.b.1.c')).toBeNull()
    expect(find('a.b')).toBe(record.a.b)
    expect(find('at')).toBe(at)
    for (const text of [
      'x',
      'x.y',
      'a.b.2',
      'a.b.-1',
      'a.b.00',
      'a.b.1e0',
      'a.b.length',
      'a.b.c',
      'a.toString',
      'a.__proto__',
      'constructor',
      'at.getTime',
      'bytes.0',
      'text.0',
      'text.length',
      'no.x',
    ]) {
      expect(find(text)).toBeUndefined()
    }
  })
})
