import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import { EXTENSIONS, EXTENSIONS_END } from '../../src/codec/format.ts'
import { RecordCodec } from '../../src/codec/record-codec.ts'
import { ShapeTable } from '../../src/codec/shapes.ts'
import { decode, encode } from '../../src/codec/standalone.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { expectSame } from './same.ts'

test('every value comes back exactly', () => {
  fc.assert(
    fc.property(arbitraries.value({ vectors: true }), (value) => {
      expectSame(decode(encode(value)), value)
    }),
    { numRuns: 2000, seed: 1 },
  )
})

test('names are written once, however many objects have them', () => {
  const list = Array.from({ length: 100 }, (_, i) => ({ aLongNameOfAField: i, another: true }))
  expect(encode(list).length).toBeLessThan(5 * 100 + 60)
  expectSame(decode(encode(list)), list)
})

test('refusals name the path from the value', () => {
  expect(() => encode({ a: [{ b: (() => 1) as unknown as Value }] })).toThrow(
    expect.objectContaining({ code: 'INVALID_VALUE', details: { path: 'a[0].b' } }),
  )
  expect(() => encode(undefined as unknown as Value)).toThrow(expect.objectContaining({ details: { path: '' } }))
})

test('every prefix and every continuation of good bytes is refused', () => {
  const bytes = encode({ a: 'text', wide: 'ж', list: [1, 2.5, { a: 1n }], when: new Date(0) })
  for (let end = 0; end < bytes.length; end++) {
    expect(() => decode(bytes.slice(0, end))).toThrow(expect.objectContaining({ code: 'CODEC' }))
  }
  const longer = Uint8Array.of(...bytes, 0)
  expect(() => decode(longer)).toThrow(expect.objectContaining({ code: 'CODEC', details: { offset: bytes.length } }))
})

test('bytes of a later format are refused as such', () => {
  expect(() => decode(Uint8Array.of(1, 0, 0, 5))).toThrow(/format 1/)
})

test('a reader skips extensions of later versions and keeps all the rest', () => {
  // {a: <extension>, b: "x"} and [1, <extension>, 2], for every tag that may come.
  const definition = [0, 2, 2, 97, 2, 98]
  const table = new ShapeTable()
  table.define(0, Uint8Array.from(definition))
  for (let tag = EXTENSIONS; tag < EXTENSIONS_END; tag++) {
    const extension = [tag, 3, 0xde, 0xad, 0xff]
    const object = Uint8Array.of(0, 1, definition.length, ...definition, 2, 120, 0xdf, 0, ...extension, 0x71)
    const generic = Uint8Array.of(0, 0, 6, 97, 98, 120, 0xde, 2, 0x71, ...extension, 0x71, 0x71)
    expectSame(decode(object), { b: 'x' })
    expectSame(decode(generic), { b: 'x' })
    expectSame(decode(Uint8Array.of(0, 0, 0, 0xb3, 1, ...extension, 2)), [1, null, 2])
    const record = Uint8Array.of(1, 2, 120, ...extension, 0x71)
    for (const codeGeneration of [true, false]) {
      const codec = new RecordCodec({ shapes: table, codeGeneration })
      for (let i = 0; i < 40; i++) {
        const found = codec.decode(record, 0, record.length)
        expectSame(found, { b: 'x' })
        expect(Object.keys(found)).toEqual(['b'])
      }
      expect(codec.field(record, 0, record.length, ['b'])).toBe('x')
      expect(codec.field(record, 0, record.length, ['a'])).toBeUndefined()
    }
  }
})

test('what a reader cannot skip is refused', () => {
  for (const tag of [0xc3, 0xd6, 0xf0, 0xff]) {
    expect(() => decode(Uint8Array.of(0, 0, 0, tag))).toThrow(expect.objectContaining({ code: 'CODEC' }))
  }
})

test('counts and sizes that the bytes cannot hold are refused before anything is allocated', () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
  for (const tag of [0xd2, 0xd4, 0xd7, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0]) {
    expect(() => decode(Uint8Array.of(0, 0, 0, tag, ...huge))).toThrow(expect.objectContaining({ code: 'CODEC' }))
  }
  const endless = new Uint8Array(40).fill(0xff)
  const starts = [[0], [0, 0], [0, 1], [0, 0, 1]]
  for (const start of starts)
    expect(() => decode(Uint8Array.of(...start, ...endless))).toThrow(expect.objectContaining({ code: 'CODEC' }))
})

test('bytes cannot nest deeper than values', () => {
  const nested = (levels: number): Uint8Array => Uint8Array.of(0, 0, 0, ...new Array<number>(levels).fill(0xb1), 5)
  expect(JSON.stringify(decode(nested(64)))).toBe(`${'['.repeat(64)}5${']'.repeat(64)}`)
  for (const levels of [65, 100_000])
    expect(() => decode(nested(levels))).toThrow(expect.objectContaining({ code: 'CODEC' }))
})

test('invalid dates, doubled names and unused strings are damage', () => {
  const notANumber = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]
  const bad = [
    [0, 0, 0, 0xd9, ...notANumber],
    [0, 0, 4, 97, 97, 0xde, 2, 0x71, 1, 0x71, 2],
    [0, 0, 4, 97, 97, 0x71],
    [0, 0, 3, 1, 97, 0, 97, 0x71],
  ]
  for (const bytes of bad)
    expect(() => decode(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'CODEC' }))
})
