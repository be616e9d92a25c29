/** Typed shapes: what is learnt, what does not fit, and that generated code and interpreter are one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import * as t from '../../src/codec/field-type.ts'
import { layoutOf, SMALL_END } from '../../src/codec/field-type.ts'
import { LEARN_COUNT } from '../../src/codec/learn.ts'
import { Projection } from '../../src/codec/projection.ts'
import { RecordCodec } from '../../src/codec/record-codec.ts'
import { ShapeTable } from '../../src/codec/shapes.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { expectSame } from './same.ts'

const numbers = arbitraries.number()
const texts = arbitraries.text()

/** Kinds of fields as records have them, and what each becomes. */
const FIELDS: { readonly [name: string]: fc.Arbitrary<unknown> } = {
  flag: fc.boolean(),
  uuid: fc.uuid(),
  when: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(2e12) }),
  text: fc.string({ maxLength: 60 }),
  long: fc.integer({ min: 200, max: 600 }).map((count) => 'y'.repeat(count)),
  wide: fc.string({ unit: fc.constantFrom('ж', 'и', 'з'), minLength: 1, maxLength: 80 }),
  status: fc.constantFrom('open', 'closed', 'жду'),
  tags: fc.array(fc.constantFrom('ui', 'io', 'db'), { maxLength: 5 }),
  votes: fc.integer({ min: 0, max: 5000 }),
  delta: fc.integer({ min: -3000, max: 3000 }),
  half: fc.integer({ min: 0, max: 80 }).map((n) => n / 2),
  cents: fc.integer({ min: 0, max: 4_000_000 }).map((n) => n / 100),
  large: fc.integer({ min: -1e9, max: 1e9 }),
  millis: fc.integer({ min: 1.6e12, max: 1.8e12 }),
  single: fc.float({ noNaN: true }),
  double: fc.double(),
  mixed: fc.oneof(fc.integer(), fc.string()),
  nested: fc.record({ a: fc.integer({ min: 0, max: 9 }), b: fc.constantFrom('x', 'y') }),
  list: fc.array(fc.record({ sku: fc.string(), count: fc.integer({ min: 0, max: 99 }) }), { maxLength: 4 }),
  ['__proto__']: fc.integer({ min: 0, max: 9 }),
}

/** Arrays cannot hold a field that is not there. */
function orMissing(value: unknown): unknown {
  return value === undefined ? 'missing' : value
}

/** What may stand in a field that was something else so far. */
const surprises: fc.Arbitrary<unknown> = fc.oneof(
  arbitraries.value({ vectors: true }),
  texts,
  numbers,
  fc.constantFrom(
    null,
    undefined,
    true,
    -0,
    Number.NaN,
    SMALL_END - 1,
    SMALL_END,
    2 ** 47,
    -(2 ** 47),
    -(2 ** 23),
    2 ** 31,
  ),
  fc.constantFrom(new Date(8.64e15), new Date(-8.64e15), new Date(-(2 ** 47)), new Date(-(2 ** 47) + 2 ** 32)),
  fc.constantFrom(
    [],
    ['ui', 'new'],
    ['ui', 7],
    Array.from({ length: 300 }, () => 'ui'),
  ),
)

const schemas = fc.shuffledSubarray(Object.keys(FIELDS), { minLength: 1 })

function record(names: readonly string[], of: (name: string) => fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  return fc.tuple(...names.map(of)).map((list) => {
    const made = {}
    for (const [i, name] of names.entries()) {
      Object.defineProperty(made, name, { value: list[i], writable: true, enumerable: true, configurable: true })
    }
    return made
  })
}

/** Records of one kind, of which later ones have surprises. */
const histories = schemas.chain((names) =>
  fc.tuple(
    fc.array(
      record(names, (name) => FIELDS[name]!),
      { minLength: 56, maxLength: 70 },
    ),
    fc.array(
      record(names, (name) => fc.oneof({ weight: 4, arbitrary: FIELDS[name]! }, { weight: 1, arbitrary: surprises })),
      { minLength: 10, maxLength: 50 },
    ),
    fc.array(
      record(names, (name) => FIELDS[name]!),
      { minLength: 5, maxLength: 5 },
    ),
  ),
)

test('generated code and interpreter give the same bytes, and everything comes back, however types change', () => {
  fc.assert(
    fc.property(histories, (parts) => {
      const generated = new RecordCodec()
      const interpreted = new RecordCodec({ codeGeneration: false })
      const page = new Uint8Array(1 << 16)
      const wanted = new Set(Object.keys(parts[0][0]!).filter((_, i) => i % 3 === parts.length % 3 || i % 5 === 2))
      const projections = [true, false].map(
        (codeGeneration) => new Projection(generated.shapes, wanted, { keyed: false, codeGeneration }),
      )
      const names = ['none', ...Object.keys(parts[0][0]!)]
      const readers = [generated, interpreted].map((codec) => codec.fieldsReader(names.map((name) => [name])))
      for (const item of parts.flat()) {
        const bytes = generated.encode(item, '').slice()
        expect(interpreted.encode(item, '')).toEqual(bytes)
        const end = generated.encodeInto(item, page, 3, '')
        if (end >= 0) expectSame(generated.decode(page, 3, end), item)
        expect(interpreted.encodeInto(item, new Uint8Array(page.length), 3, '')).toBe(end)
        expectSame(generated.decode(bytes, 0, bytes.length), item)
        expectSame(interpreted.decode(bytes, 0, bytes.length), item)
        if (bytes[0] !== 0) {
          const some = Object.fromEntries(Object.entries(item).filter(([name]) => wanted.has(name)))
          for (const projection of projections) expectSame(projection.read(bytes, 0, bytes.length, ''), some)
        }
        for (const [i, read] of readers.entries()) {
          // The interpreted codec has shapes of its own, which the same records have made the same.
          const found: (Value | undefined)[] = []
          read(bytes, 0, bytes.length, found)
          const expected = names.map((name) => (Object.hasOwn(item, name) ? Reflect.get(item, name) : undefined))
          expectSame([i, ...found.map(orMissing)], [i, ...expected.map(orMissing)])
        }
        for (const name of Object.keys(item)) {
          const value = (item as { readonly [name: string]: unknown })[name]
          expectSame(generated.field(bytes, 0, bytes.length, [name]), value)
          expectSame(generated.readerOf(name)(bytes, 0, bytes.length), value)
        }
      }
    }),
    { numRuns: 30, seed: 1 },
  )
})

test('a batch gives the records back, from generated code and interpreter alike', () => {
  fc.assert(
    fc.property(
      histories,
      fc.array(fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.integer()), { maxLength: 9 }),
      (parts, others) => {
        const items = [...parts.flat(), ...others.map((other) => other as object), {}, {}, ...parts[0]]
        const generated = new RecordCodec()
        const interpreted = new RecordCodec({ codeGeneration: false })
        for (let round = 0; round < 2; round++) {
          const bytes = generated.encodeMany(items)
          expect(interpreted.encodeMany(items)).toEqual(bytes)
          expectSame(generated.decodeMany(bytes, 0, bytes.length), items)
          expectSame(interpreted.decodeMany(bytes, 0, bytes.length), items)
        }
      },
    ),
    { numRuns: 20, seed: 2 },
  )
})

test('another codec with the same definitions reads and writes the same', () => {
  fc.assert(
    fc.property(histories, (parts) => {
      const first = new RecordCodec({ keyed: true })
      const withId = (item: object): object => ({ ...item, id: 'k' })
      for (const item of parts.flat()) first.encode(withId(item), '')
      const table = new ShapeTable()
      for (const { id, definition } of first.newShapesSince(0)) table.define(id, definition)
      expect(table.count).toBe(first.shapes.count)
      const second = new RecordCodec({ keyed: true, shapes: table })
      for (const item of parts[2]) {
        const bytes = first.encode(withId(item), '').slice()
        expect(Buffer.from(bytes).equals(second.encode(withId(item), ''))).toBe(true)
        expectSame(second.decode(bytes, 0, bytes.length, 'k'), withId(item))
        expect(second.field(bytes, 0, bytes.length, ['id'], 'k')).toBe('k')
      }
    }),
    { numRuns: 40, seed: 3 },
  )
})

test('a getter finds a text behind a wide field that holds a narrow one', () => {
  const codec = new RecordCodec()
  for (let i = 0; i < 2 * LEARN_COUNT; i++) codec.encode({ wide: `ж${i}`, text: `text ${i}`, votes: i * 9 }, '')
  const read = codec.readerOf('text')
  for (const item of [
    { wide: 'ж', text: 'one', votes: 1 },
    { wide: 'narrow', text: 'two', votes: 1000 },
  ]) {
    for (let i = 0; i < 3; i++) {
      const bytes = codec.encode(item, '').slice()
      expect(read(bytes, 0, bytes.length)).toBe(item.text)
      expect(codec.readerOf('votes')(bytes, 0, bytes.length)).toBe(item.votes)
    }
  }
})

test('records of few values take a byte a field', () => {
  const codec = new RecordCodec()
  const item = (i: number) => ({
    status: ['open', 'closed'][i % 2],
    votes: i % 100,
    half: i / 2,
    flag: i % 3 === 0,
    ok: true,
  })
  for (let i = 0; i < LEARN_COUNT; i++) codec.encode(item(i), '')
  // Layout, no strings, two flags in a byte, three cells.
  expect(codec.encode(item(7), '').length).toBe(1 + 1 + 1 + 3)
})

test('a string that comes again is taken into its dictionary; one that comes once is not', () => {
  const codec = new RecordCodec()
  for (let i = 0; i < LEARN_COUNT; i++) codec.encode({ s: i % 2 === 0 ? 'open' : 'closed' }, '')
  const size = (s: string): number => codec.encode({ s }, '').length
  const known = size('open')
  expect(size('resolved')).toBeGreaterThan(known)
  const count = codec.shapes.count
  expect(size('resolved')).toBe(known)
  expect(codec.shapes.count).toBe(count + 1)
})

test('types are given up when records go on not fitting them', () => {
  const codec = new RecordCodec()
  for (let i = 0; i < LEARN_COUNT; i++) codec.encode({ a: true, b: i }, '')
  const typed = codec.shapes.shapeCount
  for (let i = 0; i < 2 * LEARN_COUNT; i++) codec.encode({ a: 'no', b: i }, '')
  expect(codec.shapes.shapeCount).toBe(typed + 1)
  const bytes = codec.encode({ a: 'no', b: 3 }, '').slice()
  expectSame(codec.decode(bytes, 0, bytes.length), { a: 'no', b: 3 })
  // Kinds that change for ever do not fill the table.
  for (let i = 0; i < 100 * LEARN_COUNT; i++)
    codec.encode({ a: i % 2 === 0 ? true : 'no', b: i % 3 === 0 ? 'x' : i }, '')
  expect(codec.shapes.shapeCount).toBeLessThanOrEqual(typed + 3)
})

test('refusals in typed records name their path', () => {
  const codec = new RecordCodec()
  for (let i = 0; i < 2 * LEARN_COUNT; i++) codec.encode({ when: new Date(i), list: ['a'], n: { m: i } }, 'bugs')
  const path = (item: object): unknown => {
    try {
      codec.encode(item, 'bugs')
      return undefined
    } catch (error) {
      return (error as { details?: { path?: string } }).details?.path
    }
  }
  expect(path({ when: new Date(Number.NaN), list: ['a'], n: { m: 1 } })).toBe('bugs.when')
  expect(path({ when: new Date(1), list: ['a', undefined], n: { m: 1 } })).toBe('bugs.list[1]')
  expect(path({ when: new Date(1), list: ['a'], n: { m: () => 1 } })).toBe('bugs.n.m')
  expect(() => codec.encodeMany([{ when: new Date(1), list: ['a'], n: { m: 1 } }, { when: Symbol('x') }])).toThrow(
    expect.objectContaining({ code: 'INVALID_VALUE', details: { path: '[1].when' } }),
  )
})

test('getters that change their mind, or use the codec meanwhile, cannot break a record', () => {
  const codec = new RecordCodec()
  for (let i = 0; i < 2 * LEARN_COUNT; i++) codec.encode({ a: i, text: 'x', tags: ['u'] }, '')
  let calls = 0
  const moody = {
    a: 1,
    get text(): unknown {
      codec.encode({ a: 2, text: 'inner'.repeat(100), tags: ['u'] }, '')
      return calls++ % 2 === 0 ? 'short' : 'long'.repeat(500)
    },
    tags: ['u'],
  }
  for (let i = 0; i < 10; i++) {
    const bytes = codec.encode(moody, '').slice()
    expect(codec.decode(bytes, 0, bytes.length)).toMatchObject({ a: 1, tags: ['u'] })
  }
})

test('every cell lies at its own place', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(t.ANY, t.BOOLEAN, t.UUID, t.DATE, t.TEXT, t.FLOAT64), { maxLength: 40 }),
      (types) => {
        const names = types.map((_, i) => `f${i}`)
        const { fields, fixedSize } = layoutOf(
          names,
          types.map((type) => ({ type })),
        )
        const taken = new Set<number>()
        for (const field of fields) {
          if (field.type === t.BOOLEAN) {
            const bit = field.cell * 8 + Math.log2(field.mask)
            expect(taken.has(-1 - bit)).toBe(false)
            taken.add(-1 - bit)
          }
          for (let at = field.cell; at < field.cell + field.size; at++) {
            expect(taken.has(at)).toBe(false)
            expect(at).toBeLessThan(fixedSize)
            taken.add(at)
          }
        }
      },
    ),
    { numRuns: 200, seed: 4 },
  )
})

test('mutated bytes of typed records give CODEC or a value, from both readers', () => {
  fc.assert(
    fc.property(histories, fc.infiniteStream(fc.nat()), (parts, random) => {
      const next = (): number => random.next().value as number
      const generated = new RecordCodec()
      const interpreted = new RecordCodec({ shapes: generated.shapes, codeGeneration: false })
      const items = parts.flat()
      for (const item of items) generated.encode(item, '')
      const batch = generated.encodeMany(items)
      const attempt = (read: () => unknown): 'CODEC' | 'value' => {
        try {
          read()
          return 'value'
        } catch (error) {
          expect(error).toMatchObject({ code: 'CODEC', details: { offset: expect.any(Number) } })
          return 'CODEC'
        }
      }
      for (let i = 0; i < 60; i++) {
        const bytes = generated.encode(items[next() % items.length]!, '').slice()
        for (let j = next() % 3; j >= 0; j--) bytes[next() % bytes.length] = next() % 256
        const end = next() % 4 === 0 ? next() % bytes.length : bytes.length
        expect(attempt(() => generated.decode(bytes, 0, end))).toBe(attempt(() => interpreted.decode(bytes, 0, end)))
        attempt(() => generated.readerOf(Object.keys(items[0]!)[0]!)(bytes, 0, end))
        const broken = batch.slice()
        for (let j = next() % 3; j >= 0; j--) broken[next() % broken.length] = next() % 256
        expect(attempt(() => generated.decodeMany(broken, 0, broken.length))).toBe(
          attempt(() => interpreted.decodeMany(broken, 0, broken.length)),
        )
      }
    }),
    { numRuns: 25, seed: 5 },
  )
})
