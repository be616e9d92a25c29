import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareKeys } from '../../src/base/bytes.ts'
import { isBlazeError } from '../../src/base/errors.ts'
import type { Value } from '../../src/base/values.ts'
import { type KeyPartOptions, KeyWriter } from '../../src/codec/key.ts'
import { compareValues, foldValue } from '../../src/codec/order.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'

const bigints = arbitraries.bigint()
const numbers = arbitraries.number()
const texts = arbitraries.text()

const writer = new KeyWriter()

function keyOf(parts: readonly (Value | undefined)[], options: readonly KeyPartOptions[] = []): Uint8Array {
  writer.reset()
  parts.forEach((part, i) => {
    writer.append(part, options[i])
  })
  return writer.finish()
}

/** Values with neighbours that are likely to be close to them in order. */
const part: fc.Arbitrary<Value | undefined> = fc.oneof(
  fc.constant(undefined),
  arbitraries.value({ vectors: false }),
  fc.constantFrom('', '\0', 'a', 'a\0', 'a\u0001', 'ab', 'a\ud800', 'a\u{10000}'),
  fc.constantFrom<Value>([], [[]], [null], [null, null], {}, { a: [] }, { a: {} }, { '': 1 }, { a: null, b: 1 }),
)

test('one part orders as its value', () => {
  fc.assert(
    fc.property(part, part, (a, b) => {
      expect(Math.sign(compareKeys(keyOf([a]), keyOf([b])))).toBe(Math.sign(compareValues(a, b)))
    }),
    { numRuns: 4000, seed: 1 },
  )
})

test('numbers of any size order exactly, and equal ones have one key', () => {
  const number = fc.oneof(numbers, bigints)
  fc.assert(
    fc.property(number, fc.oneof(number, fc.constant('same'), fc.constant('next')), (a, chosen) => {
      const integer = typeof a === 'bigint' ? a : Number.isInteger(a) ? BigInt(a) : 0n
      const b = chosen === 'same' ? integer : chosen === 'next' ? integer + 1n : (chosen as number | bigint)
      expect(Math.sign(compareKeys(keyOf([a]), keyOf([b])))).toBe(Math.sign(compareValues(a, b)))
    }),
    { numRuns: 4000, seed: 2 },
  )
})

test('dates order to the millisecond, as far as dates go', () => {
  const edges = fc.constantFrom(-8.64e15, -1, 0, 2 ** 32, 2 ** 47, 2 ** 53 - 8.64e15, 8.64e15 - 2)
  const time = fc.oneof(edges, fc.integer({ min: -8.64e15, max: 8.64e15 - 1 }))
  fc.assert(
    fc.property(time, fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 2 ** 33 })), (ms, distance) => {
      const a = new Date(ms)
      const b = new Date(Math.min(ms + distance, 8.64e15))
      expect(Math.sign(compareKeys(keyOf([a]), keyOf([b])))).toBe(Math.sign(a.getTime() - b.getTime()))
      expect(keyOf([a])).toHaveLength(8)
    }),
    { numRuns: 4000, seed: 5 },
  )
  expect(Buffer.from(keyOf([new Date(0)])).toString('hex')).toBe('181eb208c2dc0000')
})

test('strings order by code point in keys too', () => {
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      expect(Math.sign(compareKeys(keyOf([a]), keyOf([b])))).toBe(Math.sign(compareValues(a, b)))
    }),
    { numRuns: 3000, seed: 3 },
  )
})

test('compound keys compare part by part, descending and folded parts included', () => {
  const options = fc.record({ descending: fc.boolean(), nocase: fc.boolean() })
  const near = fc.oneof(part, fc.constantFrom<Value>('a', 'A', 'a\0', 1, 2, 'ab', 'AB'))
  fc.assert(
    fc.property(fc.array(fc.tuple(near, near, options), { minLength: 1, maxLength: 4 }), (columns) => {
      const settings = columns.map(([, , option]) => option)
      let expected = 0
      for (const [a, b, option] of columns) {
        if (expected !== 0) break
        const order = option.nocase ? compareValues(foldValue(a), foldValue(b)) : compareValues(a, b)
        expected = option.descending ? 0 - Math.sign(order) : Math.sign(order)
      }
      const left = keyOf(
        columns.map(([a]) => a),
        settings,
      )
      const right = keyOf(
        columns.map(([, b]) => b),
        settings,
      )
      expect(Math.sign(compareKeys(left, right))).toBe(expected)
    }),
    { numRuns: 3000, seed: 4 },
  )
})

test('a shorter compound key is the beginning of the keys that continue it', () => {
  fc.assert(
    fc.property(part, part, fc.boolean(), (a, b, descending) => {
      const short = keyOf([a], [{ descending }])
      const long = keyOf([a, b], [{ descending }])
      expect(Array.from(long.subarray(0, short.length))).toEqual(Array.from(short))
    }),
    { numRuns: 500, seed: 5 },
  )
})

test('a vector has no key, and the parts before it stay', () => {
  writer.reset()
  writer.append('a')
  const before = writer.finish()
  for (const vector of [Float32Array.of(1), new Float64Array(0), [[Float32Array.of(1)]]]) {
    let caught: unknown
    try {
      writer.append(vector)
    } catch (error) {
      caught = error
    }
    expect(isBlazeError(caught, 'UNSUPPORTED')).toBe(true)
    expect(writer.finish()).toEqual(before)
  }
})

test('invalid dates and endless nesting have no key', () => {
  const cycle: Value[] = []
  cycle.push(cycle)
  for (const value of [new Date(Number.NaN), cycle]) {
    expect(() => keyOf([value])).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }))
  }
})

test('finished keys are copies', () => {
  const key = keyOf(['abc'])
  const same = key.slice()
  keyOf(['xyz'])
  expect(key).toEqual(same)
})
