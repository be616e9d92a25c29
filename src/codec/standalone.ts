/**
 * Values as bytes that need nothing beside them: format number, the shapes used, then one value in the record layout.
 * For messages and export files; records in a database share a table instead (record-codec.ts).
 */
import { BlazeError } from '../base/errors.ts'
import type { Value } from '../base/values.ts'
import { BodyReader, beginSlabs, damaged, endBody, readVarint, take } from './body-reader.ts'
import { assembleBody, BodyWriter, beginBody } from './body-writer.ts'
import { formatDefinitions, takeDefinitions } from './definitions.ts'
import { FORMAT_NUMBER, MAX_SHAPES } from './format.ts'
import { readValue } from './read-value.ts'
import { type DecodedRecord, RecordCodec } from './record-codec.ts'
import { ShapeTable } from './shapes.ts'
import { MAX_VARINT_SIZE, varintSize, writeVarint } from './varint.ts'
import { writeValue } from './write-value.ts'

/** The bytes of a value: a copy, the caller's own. INVALID_VALUE with the path of what cannot be stored. */
export function encode(value: Value): Uint8Array {
  // Every key set becomes a shape at first sight: spelt once here, it costs no more than in the generic form.
  const shapes = new ShapeTable(MAX_SHAPES)
  const w = new BodyWriter(shapes)
  beginBody(w, '')
  writeValue(w, value, 0)
  const { start, end } = assembleBody(w)
  const head = formatHead(shapes)
  const bytes = new Uint8Array(head.length + end - start)
  bytes.set(head)
  bytes.set(w.narrow.subarray(start, end), head.length)
  return bytes
}

/** The value that {@link encode} was given. CODEC for bytes that are damaged, not all used or of a later format. */
export function decode(bytes: Uint8Array): Value {
  checkFormat(bytes)
  const shapes = new ShapeTable()
  const r = new BodyReader(shapes, undefined)
  r.bytes = bytes
  r.end = bytes.length
  take(r, 1)
  readShapes(r)
  beginSlabs(r, true)
  const value = readValue(r, 0)
  endBody(r)
  // The whole value is an extension that this version does not know.
  if (value === undefined) throw damaged(r, 'only a value of a later version')
  return value
}

function checkFormat(bytes: Uint8Array): void {
  const found = bytes[0]
  if (found === undefined || found === FORMAT_NUMBER) return
  const text = `These bytes have format ${found}; this version reads ${FORMAT_NUMBER}.`
  throw new BlazeError('CODEC', text, { offset: 0 })
}

function formatHead(shapes: ShapeTable): Uint8Array {
  const definitions = Array.from({ length: shapes.count }, (_, id) => shapes.definition(id))
  const size = definitions.reduce((sum, d) => sum + varintSize(d.length) + d.length, 1 + varintSize(shapes.count))
  const head = new Uint8Array(size + MAX_VARINT_SIZE)
  head[0] = FORMAT_NUMBER
  let at = writeVarint(head, 1, shapes.count)
  for (const definition of definitions) {
    at = writeVarint(head, at, definition.length)
    head.set(definition, at)
    at += definition.length
  }
  return head.subarray(0, at)
}

function readShapes(r: BodyReader): void {
  const count = readVarint(r)
  if (count > MAX_SHAPES) throw damaged(r, `${count} shapes`)
  for (let id = 0; id < count; id++) {
    const size = readVarint(r)
    const at = take(r, size)
    try {
      r.shapes.define(id, r.bytes.subarray(at, at + size))
    } catch (cause) {
      throw new BlazeError(
        'CODEC',
        `The encoded bytes are damaged at byte ${at}: found a shape that is none.`,
        { offset: at },
        { cause },
      )
    }
  }
}

/** The bytes of many records, definitions included: a copy, the caller's own. INVALID_VALUE as {@link encode}. */
export function encodeArray(records: readonly object[]): Uint8Array {
  const codec = new RecordCodec()
  const batch = codec.encodeMany(records)
  const definitions = formatDefinitions(codec.shapes, 0)
  const bytes = new Uint8Array(1 + definitions.length + batch.length)
  bytes[0] = FORMAT_NUMBER
  bytes.set(definitions, 1)
  bytes.set(batch, 1 + definitions.length)
  return bytes
}

/** The records that {@link encodeArray} was given. CODEC for bytes that are damaged, not all used or of a later format. */
export function decodeArray(bytes: Uint8Array): DecodedRecord[] {
  checkFormat(bytes)
  const codec = new RecordCodec()
  const start = takeDefinitions(codec.shapes, bytes, 1)
  return codec.decodeMany(bytes, start, bytes.length)
}
