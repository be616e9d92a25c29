/**
 * Writes the cell of one field of a typed shape (field-type.ts). Generated writers (generate-writer.ts) do the same, field
 * by field, without asking for the type; a property test holds the two to equal bytes.
 */
import { parseUuid, UUID_LENGTH } from '../base/uuid.ts'
import { type BodyWriter, grown, reserveBody, VALUE_RESERVE } from './body-writer.ts'
import type { Dictionary } from './dictionary.ts'
import * as t from './field-type.ts'
import { LIMIT_32, LIMIT_47 } from './format.ts'
import type { ShapeTable } from './shapes.ts'
import { WIDE_UNIT, writeNarrow, writeNarrowSlowly } from './text.ts'
import { writeVarint } from './varint.ts'
import { appendWide, dateMs, LOOP_UNITS } from './write-scalar.ts'

/** The value is in its cell, and in the variable part where its type says so. */
export const FITS = 0
/** The cell is marked; the value is to follow, tagged, in the variable part. */
export const ESCAPES = 1
/** The cell has no mark: the record cannot be written with this shape. */
export const MISFITS = 2

/** Writes the cell at `cell`; w.bodyEnd is the end of the variable part, with room for VALUE_RESERVE bytes. */
export function writeCell(w: BodyWriter, field: t.TypedField, cell: number, value: unknown): number {
  switch (field.type) {
    case t.ANY:
      return ESCAPES
    case t.KEY:
      return FITS
    case t.BOOLEAN:
      if (typeof value !== 'boolean') return MISFITS
      if (value) w.body[cell]! |= field.mask
      return FITS
    case t.UUID:
      return typeof value === 'string' && value.length === UUID_LENGTH && parseUuid(value, w.body, cell)
        ? FITS
        : MISFITS
    case t.DATE:
      return writeDateCell(w, cell, value)
    case t.TEXT:
      return typeof value === 'string' && writeTextCell(w, cell, value) ? FITS : mark(w, cell)
    case t.WIDE_TEXT:
      return typeof value === 'string' && WIDE_UNIT.test(value) ? writeWideCell(w, cell, value) : mark(w, cell)
    case t.CHOICE: {
      const choice = typeof value === 'string' ? choiceOf(w.shapes, w.shapes.dictionary(field.dictionary), value) : -1
      if (choice < 0) return mark(w, cell)
      w.body[cell] = choice
      return FITS
    }
    case t.CHOICES:
      return writeChoicesCell(w, field, cell, value)
    case t.SMALL: {
      const integer = typeof value === 'number' ? smallOf(value, field.scale, field.signed) : -1
      if (integer < 0) return mark(w, cell)
      if (integer < t.SMALL_BYTES) w.body[cell] = integer
      else {
        w.body[cell] = t.SMALL_BYTES + ((integer - t.SMALL_BYTES) >>> 8)
        w.body[w.bodyEnd++] = integer - t.SMALL_BYTES
      }
      return FITS
    }
    case t.FIXED:
      return writeFixedCell(w, field, cell, value)
    case t.FLOAT32:
      if (typeof value !== 'number' || !(Math.fround(value) === value || Number.isNaN(value))) return MISFITS
      w.bodyView.setFloat32(cell, Number.isNaN(value) ? Number.NaN : value, true)
      return FITS
    default:
      if (typeof value !== 'number') return MISFITS
      w.bodyView.setFloat64(cell, Number.isNaN(value) ? Number.NaN : value, true)
      return FITS
  }
}

function mark(w: BodyWriter, cell: number): number {
  w.body[cell] = t.ESCAPE
  return ESCAPES
}

/** The number of a string in a dictionary, which may take it in now; -1 when it is not there. */
export function choiceOf(shapes: ShapeTable, dictionary: Dictionary, text: string): number {
  const known = dictionary.numbers.get(text)
  return known ?? shapes.offer(dictionary, text)
}

/** The integer that SMALL stores for a number; -1 when it does not fit. */
function smallOf(value: number, scale: number, signed: boolean): number {
  const integer = scale === 1 ? value : Math.round(value * scale)
  if (integer / scale !== value || (integer | 0) !== integer || (integer === 0 && 1 / value < 0)) return -1
  const stored = signed ? (integer < 0 ? -2 * integer - 1 : 2 * integer) : integer
  return stored >= 0 && stored < t.SMALL_END ? stored : -1
}

function writeDateCell(w: BodyWriter, cell: number, value: unknown): number {
  const ms = value instanceof Date ? dateMs(value) : Number.NaN
  if (ms > -LIMIT_47 + LIMIT_32 && ms < LIMIT_47) {
    const high = Math.floor(ms / LIMIT_32)
    w.bodyView.setUint32(cell, ms - high * LIMIT_32, true)
    w.bodyView.setInt16(cell + 4, high, true)
    return FITS
  }
  w.bodyView.setInt16(cell + 4, -0x8000, true)
  w.bodyView.setUint32(cell, 0, true)
  return ESCAPES
}

function writeFixedCell(w: BodyWriter, field: t.TypedField, cell: number, value: unknown): number {
  const { size, scale } = field
  const limit = size === 3 ? 2 ** 23 : size === 4 ? 2 ** 31 : LIMIT_47
  const integer = typeof value === 'number' ? fixedOf(value, scale, limit) : -limit
  let rest = integer
  const { body } = w
  if (size === 6) {
    const high = Math.floor(integer / LIMIT_32)
    body[cell + 4] = high
    body[cell + 5] = high >> 8
    rest = integer - high * LIMIT_32
  }
  body[cell] = rest
  body[cell + 1] = rest >>> 8
  body[cell + 2] = rest >>> 16
  if (size !== 3) body[cell + 3] = rest >>> 24
  return integer === -limit ? ESCAPES : FITS
}

/** The integer that FIXED stores for a number; -limit, the mark of an escape, when it does not fit. */
function fixedOf(value: number, scale: number, limit: number): number {
  const integer = scale === 1 ? value : Math.round(value * scale)
  const fits =
    integer / scale === value &&
    integer > -limit &&
    integer < limit &&
    Number.isInteger(integer) &&
    (integer !== 0 || 1 / value > 0)
  return fits ? integer : -limit
}

/** A narrow string: its units into the narrow slab, their count into the cell. False, nothing written, for a wide one. */
function writeTextCell(w: BodyWriter, cell: number, text: string): boolean {
  if (WIDE_UNIT.test(text)) return false
  const count = text.length
  const { narrowEnd } = w
  if (narrowEnd + count > w.narrow.length) w.narrow = grown(w.narrow, narrowEnd, narrowEnd + count)
  if (count <= LOOP_UNITS) writeNarrowSlowly(w.narrow, text, narrowEnd)
  else writeNarrow(w.narrow, text, narrowEnd)
  w.narrowEnd = narrowEnd + count
  writeTextSize(w, cell, count)
  return true
}

function writeWideCell(w: BodyWriter, cell: number, text: string): number {
  appendWide(w, text)
  writeTextSize(w, cell, text.length)
  return FITS
}

function writeTextSize(w: BodyWriter, cell: number, count: number): void {
  if (count < t.LONG_TEXT) w.body[cell] = count
  else {
    w.body[cell] = t.LONG_TEXT
    w.bodyEnd = writeVarint(w.body, w.bodyEnd, count)
  }
}

function writeChoicesCell(w: BodyWriter, field: t.TypedField, cell: number, value: unknown): number {
  if (!Array.isArray(value) || value.length >= t.ESCAPE) return mark(w, cell)
  const dictionary = w.shapes.dictionary(field.dictionary)
  const count = value.length
  reserveBody(w, count + VALUE_RESERVE)
  const { body, bodyEnd } = w
  for (let i = 0; i < count; i++) {
    const element: unknown = value[i]
    const choice = typeof element === 'string' ? choiceOf(w.shapes, dictionary, element) : -1
    if (choice < 0) return mark(w, cell)
    body[bodyEnd + i] = choice
  }
  body[cell] = count
  w.bodyEnd = bodyEnd + count
  return FITS
}
