import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import {
  compareStrings,
  compareValues,
  equalValues,
  foldCase,
  foldValue,
  TYPE_CLASS,
  typeClass,
} from '../../src/codec/order.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { fingerprint } from './same.ts'

const bigints = arbitraries.bigint()
const numbers = arbitraries.number()
const texts = arbitraries.text()

/** One ascending list of unequal values; each entry holds equals. */
const ASCENDING: readonly (readonly (Value | undefined)[])[] = [
  [undefined],
  [null],
  [false],
  [true],
  [Number.NaN],
  [-Infinity],
  [-(2n ** 2000n)],
  [-Number.MAX_VALUE, -(2n ** 1024n - 2n ** 971n)],
  [-(2n ** 53n) - 1n],
  [-(2 ** 53), -(2n ** 53n)],
  [-1.5],
  [-1, -1n],
  [-Number.MIN_VALUE],
  [0, -0, 0n],
  [Number.MIN_VALUE],
  [0.5],
  [5, 5n],
  [2 ** 53, 2n ** 53n],
  [2n ** 53n + 1n],
  [2 ** 53 + 2, 2n ** 53n + 2n],
  [Number.MAX_VALUE],
  [2n ** 1024n],
  [2n ** 5000n],
  [Infinity],
  [''],
  ['\0'],
  ['\0\0'],
  ['\0a'],
  ['\u0001'],
  ['a'],
  ['a\0'],
  ['ab'],
  ['é'],
  ['\ud800'],
  ['\ud800a'],
  ['\ud800\ud800'],
  ['\ud800\uffff'],
  ['\udc00'],
  ['\ue000'],
  ['\uffff'],
  ['\u{10000}'],
  ['\u{10ffff}'],
  [new Date(-8.64e15)],
  [new Date(-1)],
  [new Date(0)],
  [new Date(8.64e15)],
  [new Uint8Array(0)],
  [Uint8Array.of(0)],
  [Uint8Array.of(0, 0)],
  [Uint8Array.of(1), Buffer.from([1])],
  [Uint8Array.of(255)],
  [[]],
  [[null]],
  [[null, null]],
  [[1], [1n]],
  [[1, 2]],
  [['a']],
  [[[]]],
  [{}, { a: undefined }, Object.create(null)],
  [{ a: null }],
  [{ a: 1 }],
  [
    { a: 1, b: 2 },
    { b: 2, a: 1n },
  ],
  [{ a: 2 }],
  [{ b: 0 }],
  [new Float32Array(0), new Float64Array(0)],
  [Float32Array.of(2), Float64Array.of(2)],
  [Float64Array.of(1, 1)],
]

test('the total order is the one of SEMANTICS', () => {
  const flat = ASCENDING.flatMap((equals, rank) => equals.map((value) => ({ value, rank })))
  for (const a of flat) {
    for (const b of flat) {
      const text = `${a.rank} ${fingerprint(a.value)} against ${b.rank} ${fingerprint(b.value)}`
      expect(Math.sign(compareValues(a.value, b.value)), text).toBe(Math.sign(a.rank - b.rank))
      expect(equalValues(a.value, b.value), text).toBe(a.rank === b.rank)
    }
  }
})

test('every class is named and ascends', () => {
  const samples: (Value | undefined)[] = [
    undefined,
    null,
    true,
    1n,
    '',
    new Date(),
    new Uint8Array(),
    [],
    {},
    new Float64Array(),
  ]
  expect(samples.map(typeClass)).toEqual(Object.values(TYPE_CLASS))
})

test('the order is antisymmetric and transitive', () => {
  const any = arbitraries.value({ vectors: true })
  fc.assert(
    fc.property(any, any, any, (a, b, c) => {
      expect(compareValues(a, a)).toBe(0)
      expect(Math.sign(compareValues(a, b))).toBe(0 - Math.sign(compareValues(b, a)))
      const [x, y, z] = [a, b, c].sort(compareValues)
      expect(compareValues(x, y)).toBeLessThanOrEqual(0)
      expect(compareValues(y, z)).toBeLessThanOrEqual(0)
      expect(compareValues(x, z)).toBeLessThanOrEqual(0)
    }),
    { numRuns: 1000, seed: 1 },
  )
})

test('strings compare as their lists of code points', () => {
  const naive = (a: string, b: string) => {
    const [x, y] = [Array.from(a, (c) => c.codePointAt(0)!), Array.from(b, (c) => c.codePointAt(0)!)]
    for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i]! - y[i]!
    return x.length - y.length
  }
  fc.assert(
    fc.property(texts, texts, fc.string({ unit: 'binary', maxLength: 3 }), (a, b, start) => {
      expect(Math.sign(compareStrings(a, b))).toBe(Math.sign(naive(a, b)))
      expect(Math.sign(compareStrings(start + a, start + b))).toBe(Math.sign(naive(start + a, start + b)))
    }),
    { numRuns: 3000, seed: 2 },
  )
})

test('numbers and bigints compare by exact value', () => {
  fc.assert(
    fc.property(numbers, bigints, (n, big) => {
      const expected = Number.isNaN(n) ? -1 : Number(n > big) - Number(n < big)
      expect(Math.sign(compareValues(n, big))).toBe(expected)
    }),
    { numRuns: 2000, seed: 3 },
  )
})

test('case folding is simple case folding for every code point', () => {
  for (let code = 0; code <= 0x1ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const char = String.fromCodePoint(code)
    const folded = foldCase(char)
    if (foldCase(folded) !== folded) expect.fail(`folding ${code.toString(16)} twice differs`)
    const others = [char.toLowerCase(), char.toUpperCase()].filter((other) => other !== char)
    if (folded === char && others.length === 0) continue
    const pattern = new RegExp(`^\\u{${code.toString(16)}}$`, 'iu')
    if (folded !== char && !pattern.test(folded)) expect.fail(`${code.toString(16)} is not its folding but for case`)
    for (const other of others) {
      if (pattern.test(other) && foldCase(other) !== folded)
        expect.fail(`${code.toString(16)} and its other case differ`)
    }
  }
})

test('case folding keeps length and lone surrogates and knows no locale', () => {
  expect(foldCase('İIıi ΣΑΣ ẞ ß ſK \ud800X\udc00 \u{10400}')).toBe('İiıi σασ ß ß sk \ud800x\udc00 \u{10428}')
  expect(foldValue({ A: ['B', { C: 'D' }], n: 1 })).toEqual({ A: ['b', { C: 'd' }], n: 1 })
})
