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
import * as f from './format.ts'
import { fillVector, type Vector } from './kinds.ts'
import type { Shape } from './shapes.ts'

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
      return readFloat(r, 4)
    case f.TAG_FLOAT64:
      return readFloat(r, 8)
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
const floatBytes = new Uint8Array(8)
const floatView = new DataView(floatBytes.buffer)

function readFloat(r: BodyReader, size: number): number {
  const at = take(r, size)
  for (let i = 0; i < size; i++) floatBytes[i] = r.bytes[at + i]!
  return size === 4 ? floatView.getFloat32(0, true) : floatView.getFloat64(0, true)
}

function readDate48(r: BodyReader): Date {
  const at = take(r, 6)
  const { bytes } = r
  const low = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  const high = ((bytes[at + 4]! | (bytes[at + 5]! << 8)) << 16) >> 16
  return new Date(high * f.LIMIT_32 + low)
}

function readDate64(r: BodyReader): Date {
  const date = new Date(readFloat(r, 8))
  if (Number.isNaN(date.getTime())) throw damaged(r, 'an invalid date')
  return date
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
  enter(r, shape.names.length, depth)
  const skipped = r.skipped
  const generated = r.generated?.(shape)
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
  const { names } = shape
  const object: Fields = {}
  for (let i = 0; i < names.length; i++) {
    const value = i === keyIndex ? key : readValue(r, depth + 1)
    if (value !== undefined) setField(object, names[i]!, value)
  }
  return object
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
  if (tag !== f.TAG_NARROW8 && tag !== f.TAG_NARROW && tag !== f.TAG_WIDE8 && tag !== f.TAG_WIDE) {
    throw damaged(r, `the tag ${tag} where a name should be`)
  }
  return readTagged(r, tag, 0) as string
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
