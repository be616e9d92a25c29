/**
 * Reads what write-value.ts writes. Counts are checked against the bytes that are left before anything is allocated
 * (each element takes at least one), depth against the limit.
 *
 * `readValue` gives `undefined` for an extension that this version does not know: in an object the field is then left
 * out, in an array it is null; the reader's `skipped` counts them.
 */

import { formatUuid, UUID_SIZE } from '../base/uuid.ts'
import type { Value } from '../base/values.ts'
import {
  type BodyReader,
  damaged,
  enter,
  type Fields,
  readInteger,
  readNarrowText,
  readShape,
  readVarint,
  readWideText,
  take,
} from './body-reader.ts'
import { KEY, type Layout, type TypedField } from './field-type.ts'
import { readFloat } from './floats.ts'
import * as f from './format.ts'
import { fillVector, type Vector } from './kinds.ts'
import { choice, readCell, readInteger48 } from './read-cell.ts'
import { NAMES, type Shape } from './shapes.ts'

/** Reads one value; `depth` containers are around it. */
export function readValue(r: BodyReader, depth: number): Value | undefined {
  if (r.at >= r.end) throw damaged(r, 'the end')
  const tag = r.bytes[r.at++]!
  if (tag < f.SMALL_INTEGERS) return tag
  if (tag < f.SHORT_STRINGS) return readNarrowText(r, tag - f.SMALL_INTEGERS)
  if (tag < f.SHORT_ARRAYS) return readArray(r, tag - f.SHORT_STRINGS, depth)
  return readTagged(r, tag, depth)
}

function readTagged(r: BodyReader, tag: number, depth: number): Value | undefined {
  switch (tag) {
    case f.TAG_NULL:
      return null
    case f.TAG_FALSE:
      return false
    case f.TAG_TRUE:
      return true
    case f.TAG_DATE48:
      return readDate48(r)
    case f.TAG_NARROW8:
      return readNarrowText(r, readInteger(r, 1) + f.SHORT_STRING_UNITS)
    case f.TAG_UINT8:
      return readInteger(r, 1) + f.SMALL_INTEGERS
    case f.TAG_UINT16:
      return readInteger(r, 2)
    case f.TAG_UINT32:
      return readInteger(r, 4)
    case f.TAG_UINT48:
      return readInteger(r, 6)
    case f.TAG_NEGATIVE8:
      return -1 - readInteger(r, 1)
    case f.TAG_NEGATIVE16:
      return -1 - readInteger(r, 2)
    case f.TAG_NEGATIVE32:
      return -1 - readInteger(r, 4)
    case f.TAG_NEGATIVE48:
      return -1 - readInteger(r, 6)
    case f.TAG_TENTHS16:
      return ((readInteger(r, 2) << 16) >> 16) / 10
    case f.TAG_HUNDREDTHS16:
      return ((readInteger(r, 2) << 16) >> 16) / 100
    case f.TAG_HUNDREDTHS32:
      return (readInteger(r, 4) | 0) / 100
    case f.TAG_FLOAT32:
      return readFloat(r.bytes, take(r, 4), 4)
    case f.TAG_FLOAT64:
      return readFloat(r.bytes, take(r, 8), 8)
    case f.TAG_UUID:
      return formatUuid(r.bytes, take(r, UUID_SIZE))
    case f.TAG_SHAPED:
      return readShaped(r, depth)
    case f.TAG_NARROW:
      return readNarrowText(r, readVarint(r))
    case f.TAG_WIDE8:
      return readWideText(r, readInteger(r, 1))
    case f.TAG_WIDE:
      return readWideText(r, readVarint(r))
    case f.TAG_ARRAY:
      return readArray(r, readVarint(r), depth)
    case f.TAG_OBJECT:
      return readGeneric(r, depth, false, undefined)
    case f.TAG_BYTES:
      return readBlob(r, readVarint(r))
    case f.TAG_DATE64:
      return readDate64(r)
    case f.TAG_BIGINT:
      return readBigint(r)
    case f.TAG_FLOAT32S:
      return readVector(r, 4)
    case f.TAG_FLOAT64S:
      return readVector(r, 8)
    default:
      if (tag < f.EXTENSIONS || tag >= f.EXTENSIONS_END) throw damaged(r, `the unknown tag ${tag}`)
      take(r, readVarint(r))
      r.skipped++
      return undefined
  }
}
function readDate48(r: BodyReader): Date | number {
  const ms = readInteger48(r.bytes, take(r, 6))
  return r.datesAsNumbers ? ms : new Date(ms)
}

function readDate64(r: BodyReader): Date | number {
  const date = new Date(readFloat(r.bytes, take(r, 8), 8))
  if (Number.isNaN(date.getTime())) throw damaged(r, 'an invalid date')
  return r.datesAsNumbers ? date.getTime() : date
}
function readArray(r: BodyReader, count: number, depth: number): Value[] {
  enter(r, count, depth)
  const array: Value[] = []
  for (let i = 0; i < count; i++) array.push(readValue(r, depth + 1) ?? null)
  return array
}

function readShaped(r: BodyReader, depth: number): Fields {
  return readFields(r, readShape(r, readVarint(r)), depth)
}

/** Reads the fields of a nested object of this shape. */
function readFields(r: BodyReader, shape: Shape, depth: number): Fields {
  enter(r, shape.layout === undefined ? shape.names.length : 0, depth)
  const skipped = r.skipped
  // Generated readers take their strings from the slab that was read whole.
  const generated = r.narrowText === undefined ? undefined : r.generated?.(shape)
  if (generated === undefined) return interpretShape(r, shape, depth, -1, undefined)
  const object = generated(r, depth + 1, undefined)
  return r.skipped === skipped ? object : withoutUndefined(object)
}

/** Reads the fields of a shape one by one; `key` is the value of the name at `keyIndex`, which the bytes do not hold. */
export function interpretShape(
  r: BodyReader,
  shape: Shape,
  depth: number,
  keyIndex: number,
  key: string | number | undefined,
): Fields {
  if (shape.layout !== undefined) return interpretTyped(r, shape.layout, depth, key)
  const { names } = shape
  const object: Fields = {}
  for (let i = 0; i < names.length; i++) {
    const value = i === keyIndex ? key : readValue(r, depth + 1)
    if (value !== undefined) setField(object, names[i]!, value)
  }
  return object
}

/** Reads the fields of a typed shape one by one. */
function interpretTyped(r: BodyReader, layout: Layout, depth: number, key: string | number | undefined): Fields {
  const start = take(r, layout.fixedSize)
  const object: Fields = {}
  for (const field of layout.fields) {
    const value = field.type === KEY ? key : (readCell(r, field, start + field.cell) ?? readValue(r, depth + 1))
    if (value !== undefined) setField(object, field.name, value)
  }
  return object
}

/** The value of a cell, wherever it stands: what generated readers call when it is not plainly in its cell. */
export function readCellOrValue(r: BodyReader, field: TypedField, cell: number, depth: number): Value | undefined {
  return readCell(r, field, cell) ?? readValue(r, depth)
}

/** Reads an object without a shape. In a keyed record's top, TAG_KEY stands for `key`; elsewhere it is an error. */
export function readGeneric(r: BodyReader, depth: number, keyed: boolean, key: string | number | undefined): Fields {
  const count = readVarint(r)
  enter(r, 2 * count, depth)
  const object: Fields = {}
  for (let i = 0; i < count; i++) {
    const name = readName(r)
    if (Object.hasOwn(object, name)) throw damaged(r, 'a name twice')
    const value = keyed && atKey(r) ? key : readValue(r, depth + 1)
    if (value !== undefined) setField(object, name, value)
  }
  return object
}

/** Passes over TAG_KEY when it is next. */
function atKey(r: BodyReader): boolean {
  if (r.at >= r.end || r.bytes[r.at] !== f.TAG_KEY) return false
  r.at++
  return true
}

/** Reads the name of a field in the generic form: a string that is never packed as a UUID. */
export function readName(r: BodyReader): string {
  const tag = readInteger(r, 1)
  if (tag >= f.SMALL_INTEGERS && tag < f.SHORT_STRINGS) return readNarrowText(r, tag - f.SMALL_INTEGERS)
  if (tag < f.SMALL_INTEGERS) return knownName(r, tag)
  if (tag === f.TAG_UINT8) return knownName(r, readInteger(r, 1) + f.SMALL_INTEGERS)
  if (tag === f.TAG_UINT16) return knownName(r, readInteger(r, 2))
  if (tag !== f.TAG_NARROW8 && tag !== f.TAG_NARROW && tag !== f.TAG_WIDE8 && tag !== f.TAG_WIDE) {
    throw damaged(r, `the tag ${tag} where a name should be`)
  }
  return readTagged(r, tag, 0) as string
}

/** A name of the table. */
function knownName(r: BodyReader, number: number): string {
  return choice(r, r.shapes.dictionary(NAMES).strings, number)
}

/** Sets an own field; a plain assignment of `__proto__` would set the prototype instead. */
export function setField(object: Fields, name: string, value: Value): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
  } else object[name] = value
}

/** Removes the fields that were skipped. */
export function withoutUndefined(object: Fields): Fields {
  for (const name of Object.keys(object)) if (object[name] === undefined) delete object[name]
  return object
}

function readBlob(r: BodyReader, size: number): Uint8Array {
  const at = take(r, size)
  // Not bytes.slice: on a Buffer that would be a view.
  return new Uint8Array(r.bytes.subarray(at, at + size))
}

function readVector(r: BodyReader, elementSize: number): Vector {
  const count = readVarint(r)
  const at = take(r, count * elementSize)
  const vector = elementSize === 4 ? new Float32Array(count) : new Float64Array(count)
  fillVector(vector, r.bytes.subarray(at, at + count * elementSize))
  return vector
}

function readBigint(r: BodyReader): bigint {
  const head = readVarint(r)
  const size = Math.floor(head / 2)
  const at = take(r, size)
  let digits = '0x0'
  for (let i = 0; i < size; i++) digits += r.bytes[at + i]!.toString(16).padStart(2, '0')
  const magnitude = BigInt(digits)
  return head % 2 === 1 ? -magnitude : magnitude
}
