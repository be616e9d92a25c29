/**
 * Whatever bytes come, the answer is a value or CODEC with an offset, and no larger than the bytes allow.
 * `npm run fuzz:codec` gives it a million inputs.
 */
import { expect, test } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { RecordCodec } from '../../src/codec/record-codec.ts'
import { ShapeTable } from '../../src/codec/shapes.ts'
import { decode, decodeArray, encode, encodeArray } from '../../src/codec/standalone.ts'
import { effort } from '../support/effort.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'
import { mutate, type Random, randomOf } from './mutate.ts'

/** Inputs of all targets together at an effort of 1. */
const INPUTS = 20_000
/** Values that a byte can stand for, with some to spare: an element, or a small object of a chunk. */
const VALUES_PER_BYTE = 4
/** A chunk of 64 rows of a shape with many fields: what a few bytes may honestly be. */
const VALUES_FREE = 4096

const people = ['ada', 'barbara', 'claude', 'dennis']

function record(i: number): { [name: string]: unknown } {
  return {
    id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    title: `number ${i} ${'x'.repeat(i % 50)}`,
    wide: `ж${i}`,
    assignee: people[i % 4],
    tags: people.slice(0, i % 4),
    at: new Date(1.7e12 + i * 1e7),
    votes: i * 40,
    price: i / 100,
    large: i * 1e9,
    double: i / 7,
    single: Math.fround(i / 3),
    open: i % 2 === 0,
    mixed: i % 3 === 0 ? null : i,
    big: BigInt(i) ** 9n,
    bytes: Uint8Array.of(i, i + 1),
    vector: Float32Array.of(i, 2),
    nested: { a: i, b: [{ c: 'd' }, { c: 'e' }] },
  }
}

interface Target {
  readonly samples: readonly Uint8Array[]
  readonly read: (bytes: Uint8Array, random: Random) => unknown
}

function targets(): { readonly [name: string]: Target } {
  const records = Array.from({ length: 100 }, (_, i) => record(i))
  const generated = new RecordCodec()
  for (const item of records) generated.encode(item, '')
  const interpreted = new RecordCodec({ shapes: generated.shapes, codeGeneration: false })
  const odd = [
    { a: 1, votes: 'x' },
    { ...record(3), votes: 'x', at: null, title: 'ж', open: 1 },
    {},
    { many: people, x: { y: { z: 1 } } },
  ]
  const samples = [...records.slice(0, 10), ...odd].map((item) => generated.encode(item, '').slice())
  for (const bytes of samples) for (let i = 0; i < 20; i++) generated.decode(bytes, 0, bytes.length)
  const names = [...Object.keys(record(0)), 'none', 'a']
  const batches = [generated.encodeMany(records), generated.encodeMany([...odd, ...records.slice(0, 3)])]
  return {
    'a record, generated code': { samples, read: (bytes) => generated.decode(bytes, 0, bytes.length) },
    'a record, interpreted': { samples, read: (bytes) => interpreted.decode(bytes, 0, bytes.length) },
    'a field': {
      samples,
      read: (bytes, random) =>
        generated.field(bytes, 0, bytes.length, [names[random(names.length)]!, ...(random(3) === 0 ? ['a'] : [])]),
    },
    'a field by its getter': {
      samples,
      read: (bytes, random) => generated.readerOf(names[random(names.length)]!)(bytes, 0, bytes.length),
    },
    'a batch': { samples: batches, read: (bytes) => generated.decodeMany(bytes, 0, bytes.length) },
    'a batch, interpreted': { samples: batches, read: (bytes) => interpreted.decodeMany(bytes, 0, bytes.length) },
    // That the parts add up to the bytes is asserted there.
    'the anatomy of a record': {
      samples,
      read: (bytes) => generated.anatomy(bytes, 0, bytes.length).map(({ kind }) => kind),
    },
    'the anatomy of a batch': {
      samples: batches,
      read: (bytes) => generated.anatomyOfMany(bytes, 0, bytes.length).map(({ kind }) => kind),
    },
    'stand-alone bytes': {
      samples: [encode(records as never), encode({ a: [1n, 'ж'] })],
      read: (bytes) => decode(bytes),
    },
    'a stand-alone array': { samples: [encodeArray(records), encodeArray(odd)], read: (bytes) => decodeArray(bytes) },
    'a definition': {
      samples: generated.newShapesSince(0).map(({ definition }) => definition),
      read: (bytes) => {
        const table = new ShapeTable()
        for (const { id, definition } of generated.newShapesSince(0).slice(0, 3)) table.define(id, definition)
        table.define(table.count, bytes)
      },
    },
  }
}

/** Values in a value; counts what was allocated, so a string of a dictionary counts as one. */
function countOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Date) return 1
  if (ArrayBuffer.isView(value)) return 1 + value.byteLength / 8
  let count = 1
  for (const part of Object.values(value)) count += countOf(part)
  return count
}

const prototypeNames = Object.getOwnPropertyNames(Object.prototype).length

const all = Object.entries(targets())
for (const [name, { samples, read }] of all) {
  test(`${name}: mutated bytes give a value or CODEC`, { timeout: 60 * 60 * 1000 }, () => {
    const random = randomOf(seed() ^ name.length)
    const inputs = effort(Math.ceil(INPUTS / all.length))
    let values = 0
    for (let i = 0; i < inputs; i++) {
      const bytes = mutate(samples[random(samples.length)]!, samples, random)
      try {
        const value = read(bytes, random)
        values++
        expect(countOf(value)).toBeLessThan(VALUES_PER_BYTE * bytes.length + VALUES_FREE)
      } catch (error) {
        if (!isBlazeError(error) || error.code !== 'CODEC')
          throw new Error(`input ${Buffer.from(bytes).toString('hex')}`, { cause: error })
        expect(error.details).toEqual({ offset: expect.any(Number) })
      }
    }
    expect(Object.getOwnPropertyNames(Object.prototype).length).toBe(prototypeNames)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    // A mutator that only ever broke the first byte would prove little.
    expect(values).toBeGreaterThan(inputs / 1000)
    figure('codec', 'mutated inputs, each a value or CODEC', inputs)
  })
}
