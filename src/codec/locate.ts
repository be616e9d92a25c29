/**
 * Finds one field in encoded bytes without decoding what is before it: values are passed over by their tags, only
 * counting how much of each slab they use.
 */

import { UUID_SIZE } from '../base/uuid.ts'
import { MAX_DEPTH, type Path, type Value } from '../base/values.ts'
import { type BodyReader, damaged, enter, readInteger, readShape, readVarint, take } from './body-reader.ts'
import {
  ANY,
  BOOLEAN,
  CHOICE,
  DATE,
  ESCAPE,
  FIXED,
  FLOAT32,
  FLOAT64,
  KEY,
  type Layout,
  SMALL,
  SMALL_BYTES,
  type TypedField,
  UUID,
} from './field-type.ts'
import * as f from './format.ts'
import { readCell, skipCell } from './read-cell.ts'
import { readName, readValue } from './read-value.ts'
import type { Shape } from './shapes.ts'

/** An array index as a path writes it: no sign, no leading zero. */
const INDEX = /^(?:0|[1-9]\d{0,15})$/

/** What a path leads to in a record whose layout is known. `key` stands for the id of a keyed record. */
export function readRecordPath(
  r: BodyReader,
  shape: Shape | undefined,
  path: Path,
  keyed: boolean,
  key: string | number | undefined,
): Value | undefined {
  const name = path[0]!
  if (shape !== undefined) {
    const skip = keyed && shape.layout === undefined ? shape.idIndex : -1
    if (keyed && name === 'id' && shape.idIndex >= 0) return path.length === 1 ? key : undefined
    return readShapedPath(r, shape, path, 0, skip)
  }
  if (!enterGeneric(r, name, 0)) return undefined
  if (keyed && name === 'id' && r.bytes[r.at] === f.TAG_KEY) return path.length === 1 ? key : undefined
  return readPath(r, path, 1)
}

/** What the rest of a path, from its element `depth`, leads to in the tagged value at the reader's position. */
function readPath(r: BodyReader, path: Path, depth: number): Value | undefined {
  if (depth === path.length) return readValue(r, depth)
  const name = path[depth]!
  const tag = readInteger(r, 1)
  if (tag === f.TAG_SHAPED) return readShapedPath(r, readShape(r, readVarint(r)), path, depth, -1)
  const found =
    tag === f.TAG_OBJECT
      ? enterGeneric(r, name, depth)
      : tag === f.TAG_ARRAY
        ? enterElement(r, readVarint(r), name, depth)
        : tag >= f.SHORT_STRINGS && tag < f.SHORT_ARRAYS && enterElement(r, tag - f.SHORT_STRINGS, name, depth)
  return found ? readPath(r, path, depth + 1) : undefined
}

/** The same in the fields of a shape; `skip` is the field that takes no bytes. */
function readShapedPath(r: BodyReader, shape: Shape, path: Path, depth: number, skip: number): Value | undefined {
  const index = shape.names.indexOf(path[depth]!)
  if (index < 0) return undefined
  if (shape.layout !== undefined) return readTypedPath(r, shape.layout, index, path, depth)
  for (let i = 0; i < index; i++) if (i !== skip) skipValue(r, depth + 1)
  return readPath(r, path, depth + 1)
}

/** The same in the fields of a typed shape: what is before the field is only looked at when it can matter. */
function readTypedPath(r: BodyReader, layout: Layout, index: number, path: Path, depth: number): Value | undefined {
  const start = take(r, layout.fixedSize)
  const field = layout.fields[index]!
  if (!isPlain(r, field, start + field.cell)) skipTypedFields(r, layout, start, index, depth)
  const value = field.type === ANY ? undefined : readCell(r, field, start + field.cell)
  if (value === undefined) return readPath(r, path, depth + 1)
  if (depth + 1 === path.length) return value
  const element = path[depth + 1]!
  return Array.isArray(value) && depth + 2 === path.length && INDEX.test(element) ? value[Number(element)] : undefined
}

/** True when the value is in its cell alone. */
function isPlain(r: BodyReader, field: TypedField, cell: number): boolean {
  switch (field.type) {
    case BOOLEAN:
    case UUID:
    case FLOAT32:
    case FLOAT64:
      return true
    case CHOICE:
      return r.bytes[cell]! !== ESCAPE
    case SMALL:
      return r.bytes[cell]! < SMALL_BYTES
    case DATE:
    case FIXED:
      return skipCell(r, field, cell)
    default:
      return false
  }
}

function skipTypedFields(r: BodyReader, layout: Layout, start: number, end: number, depth: number): void {
  for (let i = 0; i < end; i++) {
    const field = layout.fields[i]!
    if (field.type !== KEY && !skipCell(r, field, start + field.cell)) skipValue(r, depth + 1)
  }
  if (r.narrowAt > r.narrowCount || r.wideAt > r.wideCount) throw damaged(r, 'a string beyond its slab')
}

/** Goes to the value of `name`, at the count of an object without a shape. */
function enterGeneric(r: BodyReader, name: string, depth: number): boolean {
  const count = readVarint(r)
  enter(r, 2 * count, depth)
  for (let i = 0; i < count; i++) {
    if (readName(r) === name) return true
    skipValue(r, depth + 1)
  }
  return false
}

function enterElement(r: BodyReader, count: number, name: string, depth: number): boolean {
  enter(r, count, depth)
  if (!INDEX.test(name)) return false
  const index = Number(name)
  if (index >= count) return false
  for (let i = 0; i < index; i++) skipValue(r, depth + 1)
  return true
}

/** Passes over one value. */
export function skipValue(r: BodyReader, depth: number): void {
  if (depth > MAX_DEPTH) throw damaged(r, `nesting deeper than ${MAX_DEPTH} levels`)
  const tag = readInteger(r, 1)
  if (tag < f.SMALL_INTEGERS) return
  if (tag < f.SHORT_STRINGS) skipNarrow(r, tag - f.SMALL_INTEGERS)
  else if (tag < f.SHORT_ARRAYS) skipElements(r, tag - f.SHORT_STRINGS, depth)
  else skipTagged(r, tag, depth)
}

function skipTagged(r: BodyReader, tag: number, depth: number): void {
  switch (tag) {
    case f.TAG_NULL:
    case f.TAG_FALSE:
    case f.TAG_TRUE:
    case f.TAG_KEY:
      return
    case f.TAG_UINT8:
    case f.TAG_NEGATIVE8:
      take(r, 1)
      return
    case f.TAG_UINT16:
    case f.TAG_NEGATIVE16:
    case f.TAG_TENTHS16:
    case f.TAG_HUNDREDTHS16:
      take(r, 2)
      return
    case f.TAG_UINT32:
    case f.TAG_NEGATIVE32:
    case f.TAG_HUNDREDTHS32:
    case f.TAG_FLOAT32:
      take(r, 4)
      return
    case f.TAG_UINT48:
    case f.TAG_NEGATIVE48:
    case f.TAG_DATE48:
      take(r, 6)
      return
    case f.TAG_FLOAT64:
    case f.TAG_DATE64:
      take(r, 8)
      return
    case f.TAG_UUID:
      take(r, UUID_SIZE)
      return
    case f.TAG_NARROW8:
      skipNarrow(r, readInteger(r, 1) + f.SHORT_STRING_UNITS)
      return
    case f.TAG_NARROW:
      skipNarrow(r, readVarint(r))
      return
    case f.TAG_WIDE8:
      skipWide(r, readInteger(r, 1))
      return
    case f.TAG_WIDE:
      skipWide(r, readVarint(r))
      return
    case f.TAG_BYTES:
      take(r, readVarint(r))
      return
    case f.TAG_BIGINT:
      take(r, Math.floor(readVarint(r) / 2))
      return
    case f.TAG_FLOAT32S:
      take(r, 4 * readVarint(r))
      return
    case f.TAG_FLOAT64S:
      take(r, 8 * readVarint(r))
      return
    case f.TAG_ARRAY:
      skipElements(r, readVarint(r), depth)
      return
    case f.TAG_SHAPED:
      skipShaped(r, readShape(r, readVarint(r)), depth)
      return
    case f.TAG_OBJECT:
      skipGeneric(r, depth)
      return
    default:
      if (tag < f.EXTENSIONS || tag >= f.EXTENSIONS_END) throw damaged(r, `the unknown tag ${tag}`)
      take(r, readVarint(r))
  }
}

function skipElements(r: BodyReader, count: number, depth: number): void {
  enter(r, count, depth)
  for (let i = 0; i < count; i++) skipValue(r, depth + 1)
}

function skipShaped(r: BodyReader, shape: Shape, depth: number): void {
  if (shape.layout === undefined) skipElements(r, shape.names.length, depth)
  else {
    enter(r, 0, depth)
    skipTypedFields(r, shape.layout, take(r, shape.layout.fixedSize), shape.names.length, depth)
  }
}

function skipGeneric(r: BodyReader, depth: number): void {
  const count = readVarint(r)
  enter(r, 2 * count, depth)
  for (let i = 0; i < count; i++) {
    skipValue(r, depth + 1)
    skipValue(r, depth + 1)
  }
}

function skipNarrow(r: BodyReader, count: number): void {
  if (count > r.narrowCount - r.narrowAt) throw damaged(r, 'a string beyond its slab')
  r.narrowAt += count
}

function skipWide(r: BodyReader, count: number): void {
  if (count > r.wideCount - r.wideAt) throw damaged(r, 'a string beyond its slab')
  r.wideAt += count
}
