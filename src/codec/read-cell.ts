/**
 * Reads the cell of one field of a typed shape (field-type.ts): what write-cell.ts wrote. Generated readers
 * (generate-reader.ts) do the same without asking for the type; a property test holds the two to each other.
 *
 * The reader stands in the variable part; the fixed part was checked to be there.
 */
import { formatUuid } from '../base/uuid.ts'
import type { Value } from '../base/values.ts'
import { type BodyReader, damaged, readNarrowText, readVarint, readWideText, take } from './body-reader.ts'
import * as t from './field-type.ts'
import { readFloat } from './floats.ts'
import { LIMIT_32 } from './format.ts'

/** The value of the cell at `cell`, or undefined when a tagged value stands for it at the reader's position. */
export function readCell(r: BodyReader, field: t.TypedField, cell: number): Value | undefined {
  const { bytes } = r
  const head = bytes[cell]!
  switch (field.type) {
    case t.BOOLEAN:
      return (head & field.mask) !== 0
    case t.UUID:
      return formatUuid(bytes, cell)
    case t.DATE: {
      const ms = readInteger48(bytes, cell)
      return ms < -DATE_LIMIT ? undefined : r.datesAsNumbers ? ms : new Date(ms)
    }
    case t.TEXT:
      return head < t.LONG_TEXT
        ? readNarrowText(r, head)
        : head === t.LONG_TEXT
          ? readNarrowText(r, readVarint(r))
          : undefined
    case t.WIDE_TEXT:
      return head < t.LONG_TEXT
        ? readWideText(r, head)
        : head === t.LONG_TEXT
          ? readWideText(r, readVarint(r))
          : undefined
    case t.CHOICE:
      return head === t.ESCAPE ? undefined : choice(r, r.shapes.dictionary(field.dictionary).strings, head)
    case t.CHOICES:
      return head === t.ESCAPE ? undefined : readChoices(r, r.shapes.dictionary(field.dictionary).strings, head)
    case t.SMALL:
      return head === t.ESCAPE ? undefined : readSmall(r, field, head)
    case t.FIXED:
      return readFixed(r.bytes, field, cell)
    case t.FLOAT32:
      return readFloat(bytes, cell, 4)
    case t.FLOAT64:
      return readFloat(bytes, cell, 8)
    default:
      return undefined
  }
}

/** Cells below hold the mark of an escape. */
const DATE_LIMIT = 0x7fff * LIMIT_32

/** Passes over what the cell's value has in the variable part and the slabs; false when a tagged value is there. */
export function skipCell(r: BodyReader, field: t.TypedField, cell: number): boolean {
  const head = r.bytes[cell]!
  switch (field.type) {
    case t.ANY:
      return false
    case t.DATE:
      return readInteger48(r.bytes, cell) >= -DATE_LIMIT
    case t.TEXT:
    case t.WIDE_TEXT: {
      if (head === t.ESCAPE) return false
      const count = head === t.LONG_TEXT ? readVarint(r) : head
      if (field.type === t.TEXT) r.narrowAt += count
      else r.wideAt += count
      return true
    }
    case t.CHOICE:
      return head !== t.ESCAPE
    case t.CHOICES:
      if (head === t.ESCAPE) return false
      take(r, head)
      return true
    case t.SMALL:
      if (head >= t.SMALL_BYTES && head !== t.ESCAPE) take(r, 1)
      return head !== t.ESCAPE
    case t.FIXED:
      return readFixed(r.bytes, field, cell) !== undefined
    default:
      return true
  }
}

/** The string of a dictionary. */
export function choice(r: BodyReader, strings: readonly string[], number: number): string {
  const text = strings[number]
  if (text === undefined) throw damaged(r, `string ${number} of a dictionary that has ${strings.length}`)
  return text
}

/** `count` strings of a dictionary. */
export function readChoices(r: BodyReader, strings: readonly string[], count: number): string[] {
  const at = take(r, count)
  const array: string[] = []
  for (let i = 0; i < count; i++) array.push(choice(r, strings, r.bytes[at + i]!))
  return array
}

function readSmall(r: BodyReader, field: t.TypedField, head: number): number {
  const stored = head < t.SMALL_BYTES ? head : t.SMALL_BYTES + ((head - t.SMALL_BYTES) << 8) + r.bytes[take(r, 1)]!
  const integer = field.signed && (stored & 1) === 1 ? -((stored + 1) >>> 1) : field.signed ? stored >>> 1 : stored
  return integer / field.scale
}

function readFixed(bytes: Uint8Array, field: t.TypedField, cell: number): number | undefined {
  const low = bytes[cell]! | (bytes[cell + 1]! << 8) | (bytes[cell + 2]! << 16)
  if (field.size === 6) {
    const integer = readInteger48(bytes, cell)
    return integer === -0x800000000000 ? undefined : integer / field.scale
  }
  const integer = field.size === 3 ? (low << 8) >> 8 : low | (bytes[cell + 3]! << 24)
  if (integer === (field.size === 3 ? -0x800000 : -0x80000000)) return undefined
  return integer / field.scale
}

/** The two's complement integer of 6 bytes. */
export function readInteger48(bytes: Uint8Array, at: number): number {
  const low = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  return (((bytes[at + 4]! | (bytes[at + 5]! << 8)) << 16) >> 16) * LIMIT_32 + low
}
