import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/base/bytes.ts'
import { isBlazeError } from '../../src/base/errors.ts'
import type { StoredRecord, Value } from '../../src/base/values.ts'
import { type KeyPartOptions, KeyWriter } from '../../src/codec/key.ts'
import { type IndexForm, parseIndexSpec } from '../../src/indexes/index-spec.ts'
import { KeyExtractor } from '../../src/indexes/key-extractor.ts'

function keyOf(...parts: readonly (readonly [Value | undefined, KeyPartOptions?])[]): Uint8Array {
  const writer = new KeyWriter()
  for (const [value, options] of parts) writer.append(value, options)
  return writer.finish()
}

function keysOf(form: IndexForm, record: StoredRecord): { keys: Uint8Array[]; complete: boolean[] } {
  const extractor = new KeyExtractor(parseIndexSpec(form, 1))
  const count = extractor.extract(record)
  expect(extractor.count).toBe(count)
  const found = Array.from({ length: count }, (_, i) => extractor.key(i))
  return { keys: found.map(({ bytes, size }) => bytes.slice(0, size)), complete: found.map((key) => key.complete) }
}

function errorOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

describe('a key extractor', () => {
  it('writes one key of all parts in their order and direction', () => {
    const { keys, complete } = keysOf(['a.b', '-c'], { id: 1, a: { b: 5 }, c: 'x' })
    expect(keys).toEqual([keyOf([5], ['x', { descending: true }])])
    expect(complete).toEqual([true])
  })

  it('writes a key for missing and null parts and does not call it complete', () => {
    expect(keysOf(['a', 'b'], { id: 1, a: 1 })).toEqual({ keys: [keyOf([1], [undefined])], complete: [false] })
    expect(keysOf('a', { id: 1, a: null })).toEqual({ keys: [keyOf([null])], complete: [false] })
    expect(compareKeys(keyOf([undefined]), keyOf([null]))).toBeLessThan(0)
  })

  it('folds case where the index says so', () => {
    const form = { on: 'name', collation: 'nocase' } as const
    expect(keysOf(form, { id: 1, name: 'Ada' })).toEqual(keysOf(form, { id: 2, name: 'aDA' }))
    expect(keysOf('name', { id: 1, name: 'Ada' })).not.toEqual(keysOf('name', { id: 2, name: 'aDA' }))
  })

  it('writes one key for each distinct element, ascending, and none for what is no array', () => {
    const form = { on: 'tags', each: true } as const
    const { keys, complete } = keysOf(form, { id: 1, tags: ['b', 'a', null, 'b', 'a', 'b'] })
    expect(keys).toEqual([keyOf([null]), keyOf(['a']), keyOf(['b'])])
    expect(complete).toEqual([false, true, true])
    for (const tags of [undefined, null, 'a', 5, { 0: 'a' }, new Float32Array([1]), []]) {
      expect(keysOf(form, { id: 1, tags }).keys).toEqual([])
    }
  })

  it('writes the same keys for a record whatever it wrote before', () => {
    const extractor = new KeyExtractor(parseIndexSpec({ on: 'tags', each: true }, 1))
    const record = { id: 1, tags: ['x', 'y', 'x', 'z'.repeat(300)] }
    const written = (): string[] => {
      const count = extractor.extract(record)
      return Array.from({ length: count }, (_, i) => {
        const { bytes, size } = extractor.key(i)
        return Buffer.from(bytes.subarray(0, size)).toString('hex')
      })
    }
    const first = written()
    extractor.extract({ id: 2, tags: Array.from({ length: 40 }, (_, i) => `t${i % 13}`) })
    expect(written()).toEqual(first)
  })

  it('writes no key for a record that does not meet the condition', () => {
    const spec = parseIndexSpec({ on: 'a', where: { live: true } }, 1)
    const extractor = new KeyExtractor(spec, (record) => record.live === true)
    expect(extractor.extract({ id: 1, a: 1, live: false })).toBe(0)
    expect(extractor.extract({ id: 1, a: 1, live: true })).toBe(1)
  })

  it('refuses keys above 4,096 bytes with TOO_LARGE and works on', () => {
    const extractor = new KeyExtractor(parseIndexSpec('a', 1))
    // Tag and terminator take two bytes.
    expect(extractor.extract({ id: 1, a: 'x'.repeat(4094) })).toBe(1)
    expect(extractor.key(0).size).toBe(4096)
    const error = errorOf(() => extractor.extract({ id: 1, a: 'x'.repeat(4095) }))
    expect(isBlazeError(error, 'TOO_LARGE') && error.details).toEqual({ limit: 4096, actual: 4097 })
    expect(
      isBlazeError(
        errorOf(() => extractor.extract({ id: 1, a: 'x'.repeat(100_000) })),
        'TOO_LARGE',
      ),
    ).toBe(true)
    expect(extractor.count).toBe(0)
    expect(extractor.extract({ id: 1, a: 'y' })).toBe(1)
  })

  it('refuses vectors', () => {
    const extractor = new KeyExtractor(parseIndexSpec('a', 1))
    expect(
      isBlazeError(
        errorOf(() => extractor.extract({ id: 1, a: new Float32Array(3) })),
        'UNSUPPORTED',
      ),
    ).toBe(true)
  })
})
