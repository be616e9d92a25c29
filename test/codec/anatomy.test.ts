/** What each byte is for: the parts are all of the bytes, and each byte is where it belongs. Hostile bytes: fuzz.test.ts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import type { AnatomyPart } from '../../src/codec/anatomy.ts'
import { Codec } from '../../src/codec/codec.ts'
import { LEARN_COUNT } from '../../src/codec/learn.ts'
import { fields } from '../../src/testing/arbitraries/record.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { bugs } from './bugs.ts'

const bigints = arbitraries.bigint()
const bytes = arbitraries.bytes()
const dates = arbitraries.date()
const numbers = arbitraries.number()
const records = fields()
const texts = arbitraries.text()
const vectors = arbitraries.vector()

/** `{ 'author.name length': 1, … }` */
function told(parts: readonly AnatomyPart[]): { [part: string]: number } {
  return Object.fromEntries(parts.map(({ path, kind, bytes }) => [`${path.join('.')} ${kind}`, bytes]))
}

function sumOf(parts: readonly AnatomyPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** A codec that has learnt from records like this one. */
function learnt(of: (i: number) => object): Codec {
  const codec = new Codec()
  for (let i = 0; i <= LEARN_COUNT; i++) codec.encode(of(i))
  return codec
}

const UUID = '01234567-89ab-4def-8123-456789abcdef'

const everything = (i: number) => ({
  ok: i % 2 === 0,
  uuid: UUID,
  at: new Date(1.7e12 + i * 1e7),
  title: `number ${i} ${'x'.repeat(i)}`,
  wide: `ж${i}`,
  status: ['open', 'closed'][i % 2],
  tags: ['ui', 'io', 'db'].slice(0, 1 + (i % 3)),
  votes: i * 40,
  large: i * 1e7,
  single: Math.fround(i / 3),
  double: i / 7,
  mixed: i % 3 === 0 ? null : i % 3 === 1 ? 'x' : i,
  author: { name: `n${i}`, age: i },
  items: Array.from({ length: 1 + (i % 2) }, () => ({ price: 200 + i })),
})

test('a record with types: cells, texts, second bytes, and the bits of flags', () => {
  const codec = learnt(everything)
  const encoded = codec.encode(everything(20))
  const parts = codec.anatomy(encoded)
  expect(sumOf(parts)).toBe(encoded.length)
  expect(told(parts)).toEqual({
    ' shape': 1,
    ' length': 2,
    ' flag': 7 / 8,
    'ok flag': 1 / 8,
    'uuid uuid': 16,
    'at date': 6,
    'title length': 1,
    'title text': 30,
    'wide length': 1,
    'wide text': 6,
    'status choice': 1,
    'tags length': 1,
    'tags choice': 3,
    'votes number': 2,
    'large number': 4,
    'single number': 4,
    'double number': 8,
    'mixed number': 1,
    'author tag': 1,
    'author shape': 1,
    'author.name length': 1,
    'author.name text': 3,
    'author.age number': 1,
    'items length': 1,
    'items tag': 1,
    'items shape': 1,
    'items.price number': 2,
  })
})

test('values that their fields did not expect: the cell is a tag, and the value stands behind', () => {
  const codec = learnt(everything)
  const odd = {
    ...everything(20),
    at: null,
    title: 'ж',
    wide: 'w',
    status: 'x'.repeat(70),
    tags: 'ui',
    votes: -5,
    large: 0.5,
  }
  const encoded = codec.encode(odd)
  const parts = codec.anatomy(encoded)
  expect(sumOf(parts)).toBe(encoded.length)
  expect(told(parts)).toMatchObject({
    'at tag': 6,
    'at flag': 1,
    // The cell, the tag of a wide string, its length.
    'title tag': 2,
    'title length': 1,
    'title text': 2,
    'wide tag': 1,
    'wide length': 1,
    'wide text': 1,
    'status tag': 2,
    'status length': 1,
    'status text': 70,
    'tags tag': 1,
    'tags length': 1,
    'tags text': 2,
    'votes tag': 2,
    'votes number': 1,
    'large tag': 5,
    'large number': 2,
  })
  const long = codec.encode({ ...everything(20), title: 'x'.repeat(300) })
  expect(told(codec.anatomy(long))).toMatchObject({ 'title length': 3, 'title text': 300 })
})

test('a record without a shape: its names stand in the bytes', () => {
  const codec = new Codec()
  for (let i = 0; i < 16; i++) codec.encode({ [`eager${i}`]: 1 })
  const encoded = codec.encode({ first: 1, ключ: { second: [true, 'b'] } })
  expect(told(codec.anatomy(encoded))).toEqual({
    ' shape': 1,
    // Of the slabs, which have two sizes, and of the names.
    ' length': 3,
    'first name': 6,
    'first number': 1,
    'ключ name': 10,
    'ключ tag': 1,
    'ключ length': 1,
    'ключ.second name': 7,
    'ключ.second length': 2,
    'ключ.second flag': 1,
    'ключ.second text': 1,
  })
})

type Told = { [kind: string]: number }

/** What a value without types takes, said without the codec; undefined where tags may differ in size. */
function expected(value: Value, into: Told = {}): Told {
  const add = (kind: string, size: number): void => {
    into[kind] = (into[kind] ?? 0) + size
  }
  if (Array.isArray(value)) for (const element of value) expected(element, into)
  else if (value === null || typeof value === 'boolean') add('flag', 1)
  else if (value instanceof Date) add('date', Math.abs(value.getTime() + 0.5) < 2 ** 47 ? 6 : 8)
  else if (ArrayBuffer.isView(value)) add('bytes', value.byteLength)
  else if (typeof value === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)) add('uuid', 16)
  else if (typeof value === 'string') add('text', (/[\u0100-\uffff]/.test(value) ? 2 : 1) * value.length)
  return into
}

const plain = fc.oneof(fc.constant(null), fc.boolean(), numbers, bigints, texts, dates, bytes, vectors)
const nestedLists = fc.oneof(plain, fc.array(fc.oneof(plain, fc.array(plain, { maxLength: 20 })), { maxLength: 20 }))

test('texts, dates, UUIDs, bytes, booleans and nulls take what they take, and a field takes it whatever is beside it', () => {
  fc.assert(
    fc.property(nestedLists, nestedLists, (a, b) => {
      const codec = new Codec()
      const both = codec.anatomy(codec.encode({ a, b }))
      for (const [name, value] of Object.entries({ a, b })) {
        const parts = both.filter(({ path }) => path[0] === name).map((part) => ({ ...part, path: [] }))
        const kinds = told(parts)
        for (const kind of ['flag', 'date', 'bytes', 'uuid', 'text'])
          expect(kinds[` ${kind}`] ?? 0).toBe(expected(value)[kind] ?? 0)
        const alone = codec.anatomy(codec.encode({ [name]: value })).filter(({ path }) => path[0] === name)
        expect(kinds).toEqual(told(alone.map((part) => ({ ...part, path: [] }))))
      }
    }),
    { numRuns: effort(200), seed: seed() },
  )
})

test('the parts of any records are all of their bytes, one by one and together, while types are learnt', () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 6 }), (list) => {
      const codec = new Codec()
      for (let i = 0; i < 80; i++) {
        const item = list[i % 7 === 3 ? i % list.length : 0]!
        const encoded = codec.encode(item)
        const parts = codec.anatomy(encoded)
        expect(sumOf(parts)).toBe(encoded.length)
        for (const { path } of parts) if (path.length > 0) expect(Object.keys(item)).toContain(path[0])
      }
      const batch = codec.encodeArray([...list, ...list])
      expect(sumOf(codec.anatomyOfArray(batch))).toBe(batch.length)
    }),
    { numRuns: effort(40), seed: seed() },
  )
})

test('a field takes in an array what it takes in all the records', () => {
  const codec = new Codec()
  const list = bugs(300)
  for (const bug of list) codec.encode(bug)
  const sums = new Map<string, number>()
  for (const bug of list) {
    for (const [part, size] of Object.entries(told(codec.anatomy(codec.encode(bug)))))
      sums.set(part, (sums.get(part) ?? 0) + size)
  }
  const own = ([part]: [string, number]): boolean => !part.startsWith(' ')
  const together = told(codec.anatomyOfArray(codec.encodeArray(list)))
  expect(Object.entries(together).filter(own)).toEqual([...sums].filter(own))
  // Heads are what the rows share.
  expect(together[' length']).toBeLessThan(sums.get(' length')! / 4)
})

test('what is not at the start of its bytes, or not all of them, is looked at where it is', () => {
  const codec = learnt(everything)
  const encoded = codec.encode(everything(5))
  const framed = Uint8Array.of(9, 9, ...encoded, 9)
  expect(codec.anatomy(framed, 2, 2 + encoded.length)).toEqual(codec.anatomy(encoded))
})
