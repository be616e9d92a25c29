import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import { compareValues, equalValues } from '../../src/codec/order.ts'
import { Dictionary, structureKey } from '../../src/columns/dictionary.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

const runs = { seed: seed(), numRuns: effort(300) }
const values = arbitraries.value({ vectors: true })

describe('a dictionary', () => {
  it('gives two values one code exactly when the total order calls them equal', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(structureKey(a) === structureKey(b)).toBe(equalValues(a, b))
        const dictionary = new Dictionary()
        const code = dictionary.codeOf(a)
        expect(dictionary.codeOf(a)).toBe(code)
        expect(equalValues(dictionary.values[code], a)).toBe(true)
        if (typeof a === typeof b) expect(dictionary.codeOf(b) === code).toBe(equalValues(a, b))
        expect(dictionary.find(b) >= 0 || !equalValues(a, b)).toBe(true)
      }),
      runs,
    )
  })

  it('has the order of its values however they came', () => {
    fc.assert(
      fc.property(fc.array(values, { maxLength: 40 }), fc.array(values, { maxLength: 3 }), (first, then) => {
        const dictionary = new Dictionary()
        for (const value of first) dictionary.codeOf(value)
        dictionary.order()
        for (const value of then) {
          dictionary.codeOf(value)
          dictionary.order()
        }
        const order = [...dictionary.order()]
        expect(new Set(order).size).toBe(dictionary.size - 2)
        for (let i = 1; i < order.length; i++) {
          const [a, b] = [dictionary.values[order[i - 1]!], dictionary.values[order[i]!]]
          expect(compareValues(a, b)).toBeLessThanOrEqual(0)
          expect(dictionary.ranks()[order[i]!]).toBe(i)
        }
      }),
      runs,
    )
  })

  it('finds a number by the bigint that is equal to it, and the other way round', () => {
    const dictionary = new Dictionary()
    const five = dictionary.codeOf(5)
    const large = dictionary.codeOf(2n ** 60n)
    expect([dictionary.find(5n), dictionary.find(2 ** 60), dictionary.find(6n), dictionary.find(0.5)]).toEqual([
      five,
      large,
      -1,
      -1,
    ])
  })

  it('keeps its own copy of what it was given, and -0 as 0', () => {
    const dictionary = new Dictionary()
    const bytes = Uint8Array.of(1)
    const nested: Value[] = [bytes]
    const code = dictionary.codeOf(nested)
    bytes[0] = 2
    expect(dictionary.values[code]).toEqual([Uint8Array.of(1)])
    expect(Object.is(dictionary.values[dictionary.codeOf(-0)], 0)).toBe(true)
  })
})
