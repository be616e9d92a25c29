import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareKeys } from '../../src/base/bytes.ts'
import { encodeKey } from '../../src/codec/encode-key.ts'
import { compareValues } from '../../src/codec/order.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'

test('keys compare as their parts do, one after the other, and descending parts the other way', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(arbitraries.value({ vectors: false }), arbitraries.value({ vectors: false }), fc.boolean()), {
        minLength: 1,
        maxLength: 3,
      }),
      (parts) => {
        const options = parts.map(([, , descending]) => ({ descending }))
        const a = encodeKey(
          parts.map(([left]) => left),
          options,
        )
        const b = encodeKey(
          parts.map(([, right]) => right),
          options,
        )
        const decisive = parts.find(([left, right]) => compareValues(left, right) !== 0)
        const order = decisive === undefined ? 0 : compareValues(decisive[0], decisive[1]) * (decisive[2] ? -1 : 1)
        expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(order))
      },
    ),
    { numRuns: 500, seed: 1 },
  )
})

test('a key is a copy, and what has no order is refused', () => {
  const first = encodeKey(['a'])
  const copy = first.slice()
  encodeKey(['b'])
  expect(first).toEqual(copy)
  expect(() => encodeKey([Float32Array.of(1)])).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  for (const no of [() => 1, Symbol('x'), new Map(), new Date(Number.NaN), [undefined], { a: () => 1 }]) {
    expect(() => encodeKey([no as never])).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }))
  }
})
