import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_SHAPE_KEYS, MAX_SHAPE_NAME, MAX_SHAPES } from '../../src/codec/format.ts'
import { RecordCodec } from '../../src/codec/record-codec.ts'
import { EAGER_SHAPES, PROMOTE_AFTER, ShapeTable } from '../../src/codec/shapes.ts'
import { fields } from '../../src/testing/arbitraries/record.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { expectSame } from './same.ts'

const names = arbitraries.name()
const records = fields()

test('a table built from the definitions reads what the first one wrote', () => {
  fc.assert(
    fc.property(fc.array(records, { maxLength: 8 }), (list) => {
      const writer = new RecordCodec()
      const other = new ShapeTable()
      const reader = new RecordCodec({ shapes: other })
      for (const record of list) {
        const known = writer.shapes.count
        const bytes = writer.encode(record, '')
        for (const { id, definition } of writer.newShapesSince(known)) other.define(id, definition)
        expectSame(reader.decode(bytes, 0, bytes.length), record)
      }
      expect(other.count).toBe(writer.shapes.count)
    }),
    { numRuns: 300, seed: 1 },
  )
})

test('names of every kind survive their definition', () => {
  fc.assert(
    fc.property(fc.uniqueArray(names.filter((name) => name.length <= MAX_SHAPE_NAME)), (list) => {
      const table = new ShapeTable()
      expect(table.shapeOf(list)?.names).toEqual(list)
      const copy = new ShapeTable()
      copy.define(0, table.definition(0))
      expect(copy.get(0)?.names).toEqual(list)
    }),
    { numRuns: 300, seed: 2 },
  )
})

test('definitions come in order, may repeat, and never change', () => {
  const source = new ShapeTable()
  source.shapeOf(['a'])
  source.shapeOf(['b'])
  const table = new ShapeTable()
  expect(() => table.define(1, source.definition(1))).toThrow(expect.objectContaining({ code: 'CODEC' }))
  table.define(0, source.definition(0))
  table.define(0, source.definition(0))
  expect(() => table.define(0, source.definition(1))).toThrow(expect.objectContaining({ code: 'CODEC' }))
  table.define(1, source.definition(1))
  expect(table.count).toBe(2)
})

test('damaged definitions are refused and leave the table as it was', () => {
  const source = new ShapeTable()
  source.shapeOf(['a', 'name', 'ключ'])
  const good = source.definition(0)
  const table = new ShapeTable()
  const twice = Uint8Array.of(0, 2, 2, 97, 2, 97)
  const kind = Uint8Array.of(9, 0)
  const counts = [Uint8Array.of(0, 255, 255, 255), Uint8Array.of(0, 1, 0xff), Uint8Array.of(0)]
  const cut = Array.from({ length: good.length }, (_, end) => good.slice(0, end))
  for (const bad of [twice, kind, ...counts, ...cut, Uint8Array.of(...good, 0)]) {
    expect(() => table.define(0, bad)).toThrow(expect.objectContaining({ code: 'CODEC' }))
  }
  expect(table.count).toBe(0)
})

test('sparse records do not fill the table, and a type that returns still gets its shape', () => {
  const codec = new RecordCodec()
  for (let i = 0; i < 3000; i++) codec.encode({ [`only${i}`]: i }, '')
  expect(codec.shapes.shapeCount).toBe(EAGER_SHAPES)
  for (let i = 1; i <= PROMOTE_AFTER; i++) {
    expect(codec.shapes.shapeCount).toBe(EAGER_SHAPES)
    codec.encode({ often: i, used: true }, '')
  }
  expect(codec.shapes.shapeCount).toBe(EAGER_SHAPES + 1)
})

test('at its limit the table stays, and records go on in the generic form', () => {
  const codec = new RecordCodec({ shapes: new ShapeTable(MAX_SHAPES) })
  for (let i = 0; i < MAX_SHAPES + 10; i++) {
    const record = { [`f${i}`]: i, nested: { [`g${i}`]: 'x' } }
    const bytes = codec.encode(record, '')
    expectSame(codec.decode(bytes, 0, bytes.length), record)
  }
  expect(codec.shapes.shapeCount).toBe(MAX_SHAPES)
  const one = new ShapeTable()
  one.shapeOf(['another'])
  expect(() => codec.shapes.define(codec.shapes.count, one.definition(0))).toThrow(
    expect.objectContaining({ code: 'CODEC' }),
  )
})

test('wide records and long names are data, not shapes', () => {
  const codec = new RecordCodec()
  const wide = Object.fromEntries(Array.from({ length: MAX_SHAPE_KEYS + 1 }, (_, i) => [`k${i}`, i]))
  for (const record of [wide, { ['n'.repeat(MAX_SHAPE_NAME + 1)]: 1 }]) {
    const bytes = codec.encode(record, '')
    expectSame(codec.decode(bytes, 0, bytes.length), record)
  }
  expect(codec.shapes.shapeCount).toBe(0)
})

test("a definition that was given as a Buffer is the table's own", () => {
  const source = new ShapeTable()
  source.shapeOf(['name'])
  const buffer = Buffer.from(source.definition(0))
  const table = new ShapeTable()
  table.define(0, buffer)
  buffer.fill(0)
  expect(table.definition(0)).toEqual(source.definition(0))
})
