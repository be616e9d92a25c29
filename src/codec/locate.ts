/**
 * Finds one field in encoded bytes without decoding what is before it: values are passed over by their tags, only
 * counting how much of each slab they use.
 */

import { UUID_SIZE } from '../base/uuid.ts'
import { MAX_DEPTH } from '../base/values.ts'
import { type BodyReader, damaged, enter, readInteger, readShape, readVarint, take } from './body-reader.ts'
import * as f from './format.ts'
import { readName } from './read-value.ts'
import type { Shape } from './shapes.ts'

/** An array index as a path writes it: no sign, no leading zero. */
const INDEX = /^(?:0|[1-9]\d{0,15})$/

/** Goes to the value of `name` in the value that begins at the reader's position; false when it has no such field. */
export function enterField(r: BodyReader, name: string, depth: number): boolean {
  const tag = readInteger(r, 1)
  if (tag === f.TAG_SHAPED) return enterShaped(r, readShape(r, readVarint(r)), name, depth)
  if (tag === f.TAG_OBJECT) return enterGeneric(r, name, depth)
  if (tag >= f.SHORT_STRINGS && tag < f.SHORT_ARRAYS) return enterElement(r, tag - f.SHORT_STRINGS, name, depth)
  if (tag === f.TAG_ARRAY) return enterElement(r, readVarint(r), name, depth)
  return false
}

/** As {@link enterField}, at the fields of a shape. */
export function enterShaped(r: BodyReader, shape: Shape, name: string, depth: number, skip = -1): boolean {
  const index = shape.names.indexOf(name)
  for (let i = 0; i < index; i++) if (i !== skip) skipValue(r, depth + 1)
  return index >= 0
}

/** As {@link enterField}, at the count of an object without a shape. */
export function enterGeneric(r: BodyReader, name: string, depth: number): boolean {
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
      skipElements(r, readShape(r, readVarint(r)).names.length, depth)
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
