/**
 * Golden vectors: bytes of format 0 that every later version reads, and that this version writes. `vectors/format-0.json`
 * holds values in their JSON form beside their bytes in hexadecimal.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { fromJsonForm } from '../../src/codec/json-form.ts'
import { KeyWriter } from '../../src/codec/key.ts'
import { RecordCodec } from '../../src/codec/record-codec.ts'
import { ShapeTable } from '../../src/codec/shapes.ts'
import { decode, encode } from '../../src/codec/standalone.ts'
import { expectSame } from './same.ts'

interface Vectors {
  readonly standalone: readonly { readonly value: unknown; readonly bytes: string }[]
  readonly keys: readonly { readonly value: unknown; readonly bytes: string }[]
  readonly keyedRecord: {
    readonly id: string
    readonly value: unknown
    readonly shapes: readonly string[]
    readonly bytes: string
  }
}

const file = new URL('./vectors/format-0.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors

interface TypedVectors {
  readonly learnt: readonly unknown[]
  readonly definitions: readonly string[]
  readonly records: readonly { readonly value: unknown; readonly bytes: string }[]
  readonly batch: { readonly values: readonly unknown[]; readonly bytes: string }
}

const typedFile = new URL('./vectors/format-0-typed.json', import.meta.url)
const typed = JSON.parse(readFileSync(typedFile, 'utf8')) as TypedVectors

const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

test('stand-alone bytes of format 0 are read and written the same', () => {
  expect(vectors.standalone.length).toBeGreaterThan(10)
  for (const { value, bytes } of vectors.standalone) {
    expectSame(decode(fromHex(bytes)), fromJsonForm(value))
    expect(toHex(encode(fromJsonForm(value)))).toBe(bytes)
  }
})

test('a keyed record of format 0 is read and written the same', () => {
  const { id, value, shapes, bytes } = vectors.keyedRecord
  const table = new ShapeTable()
  shapes.forEach((definition, i) => {
    table.define(i, fromHex(definition))
  })
  const codec = new RecordCodec({ shapes: table, keyed: true })
  const source = fromHex(bytes)
  expectSame(codec.decode(source, 0, source.length, id), fromJsonForm(value))
  const fresh = new RecordCodec({ keyed: true })
  expect(toHex(fresh.encode(fromJsonForm(value) as object, ''))).toBe(bytes)
  expect(fresh.newShapesSince(0).map(({ definition }) => toHex(definition))).toEqual(shapes)
})

test('index keys of format 0 are written the same', () => {
  const writer = new KeyWriter()
  for (const { value, bytes } of vectors.keys) {
    writer.reset()
    writer.append(fromJsonForm(value))
    expect(toHex(writer.finish())).toBe(bytes)
  }
})

test('typed records and batches of format 0 are read from their definitions', () => {
  const table = new ShapeTable()
  typed.definitions.forEach((definition, i) => {
    table.define(i, fromHex(definition))
  })
  for (const codeGeneration of [true, false]) {
    const codec = new RecordCodec({ shapes: table, codeGeneration })
    for (let round = 0; round < 20; round++) {
      for (const { value, bytes } of typed.records) {
        const source = fromHex(bytes)
        expectSame(codec.decode(source, 0, source.length), fromJsonForm(value))
      }
      const batch = fromHex(typed.batch.bytes)
      expectSame(codec.decodeMany(batch, 0, batch.length), typed.batch.values.map(fromJsonForm))
    }
  }
})

test('records that were written in this order have the same bytes and definitions', () => {
  for (const codeGeneration of [true, false]) {
    const codec = new RecordCodec({ codeGeneration })
    for (const value of typed.learnt) codec.encode(fromJsonForm(value) as object, '')
    for (const { value, bytes } of typed.records) {
      expect(toHex(codec.encode(fromJsonForm(value) as object, ''))).toBe(bytes)
    }
    expect(toHex(codec.encodeMany(typed.batch.values.map((value) => fromJsonForm(value) as object)))).toBe(
      typed.batch.bytes,
    )
    expect(codec.newShapesSince(0).map(({ definition }) => toHex(definition))).toEqual(typed.definitions)
  }
})
