/**
 * Values as bytes that need nothing beside them: format number, the shapes used, then one value in the record layout.
 * For messages and export files; records in a database share a table instead (record-codec.ts).
 */
import { BlazeError } from '../base/errors.ts'
import type { Value } from '../base/values.ts'
import { BodyReader, beginSlabs, damaged, endBody, take } from './body-reader.ts'
import { assembleBody, BodyWriter, beginBody } from './body-writer.ts'
import { formatDefinitions, formatList, takeDefinitions, takeList } from './definitions.ts'
import { FORMAT_NUMBER, MAX_SHAPES } from './format.ts'
import { readValue } from './read-value.ts'
import { type DecodedRecord, RecordCodec } from './record-codec.ts'
import { ShapeTable } from './shapes.ts'
import { writeValue } from './write-value.ts'

/** The bytes of a value: a copy, the caller's own. INVALID_VALUE with the path of what cannot be stored. */
export function encode(value: Value): Uint8Array {
  // Every key set becomes a shape at first sight: spelt once here, it costs no more than in the generic form.
  const shapes = new ShapeTable(MAX_SHAPES)
  const w = new BodyWriter(shapes)
  beginBody(w, '')
  writeValue(w, value, 0)
  const { start, end } = assembleBody(w)
  return joined(formatList(shapes, 0), w.narrow.subarray(start, end))
}

/** The value that {@link encode} was given. CODEC for bytes that are damaged, not all used or of a later format. */
export function decode(bytes: Uint8Array): Value {
  checkFormat(bytes)
  const shapes = new ShapeTable()
  const r = new BodyReader(shapes, undefined)
  r.bytes = bytes
  r.end = bytes.length
  take(r, 1)
  r.at = takeList(shapes, 0, bytes, r.at)
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

/** The format number, then both. */
function joined(definitions: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + definitions.length + body.length)
  bytes[0] = FORMAT_NUMBER
  bytes.set(definitions, 1)
  bytes.set(body, 1 + definitions.length)
  return bytes
}

/** The bytes of many records, definitions included: a copy, the caller's own. INVALID_VALUE as {@link encode}. */
export function encodeArray(records: readonly object[]): Uint8Array {
  const codec = new RecordCodec()
  const batch = codec.encodeMany(records)
  return joined(formatDefinitions(codec.shapes, 0), batch)
}

/** The records that {@link encodeArray} was given. CODEC for bytes that are damaged, not all used or of a later format. */
export function decodeArray(bytes: Uint8Array): DecodedRecord[] {
  checkFormat(bytes)
  const codec = new RecordCodec()
  const start = takeDefinitions(codec.shapes, bytes, 1)
  return codec.decodeMany(bytes, start, bytes.length)
}
