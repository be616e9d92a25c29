import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../src/base/values.ts'
import { equalValues } from '../../src/codec/order.ts'
import { compileGetter } from '../../src/query/getter.ts'
import { compileJoinKey, compileKey, sameKey, valueKey } from '../../src/query/value-key.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { anyValue } from './support/rows.ts'

const maybe = fc.option(anyValue, { nil: undefined, freq: 8 })
const nested = fc.oneof(
  maybe,
  fc.array(anyValue, { maxLength: 3 }),
  fc.record({ x: anyValue, y: anyValue }, { requiredKeys: [] }),
)
const both = [compileGetter(['x']), compileGetter(['y'])]
const rowKey = compileKey(both)
const joinKey = compileJoinKey(both)
const joinKeyOfOne = compileJoinKey(both.slice(1))

describe('keys of values', () => {
  it('are the same for a Map exactly when the values are equal', () => {
    let equal = 0
    fc.assert(
      fc.property(nested, nested, (a, b) => {
        const expected = equalValues(a, b)
        if (expected) equal++
        expect(new Set([valueKey(a), valueKey(b)]).size === 1).toBe(expected)
        expect(sameKey(valueKey(a), valueKey(b))).toBe(expected)
      }),
      { seed: seed(), numRuns: effort(8_000) },
    )
    expect(equal).toBeGreaterThan(50)
  })

  it('of several values are the same exactly when all values are, and a join has none for null and missing', () => {
    fc.assert(
      fc.property(maybe, maybe, maybe, maybe, (ax, ay, bx, by) => {
        const a = { id: 1, x: ax, y: ay } as StoredRecord
        const b = { id: 2, x: bx, y: by } as StoredRecord
        const expected = equalValues(ax, bx) && equalValues(ay, by)
        expect(sameKey(rowKey(a), rowKey(b))).toBe(expected)
        expect(joinKey(a) === undefined).toBe((ax ?? null) === null || (ay ?? null) === null)
        expect(joinKeyOfOne(a) === undefined).toBe((ay ?? null) === null)
      }),
      { seed: seed(), numRuns: effort(4_000) },
    )
  })
})
