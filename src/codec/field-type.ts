/**
 * The types that the fields of a typed shape can have, and where each field's cell lies.
 *
 *   body := fixed variable
 *
 *   fixed      flags (a bit for each boolean) and one cell a field, each at a place that the shape alone decides: a view
 *              finds it without reading anything before it
 *   variable   what did not fit its cell, in the order of the fields
 *
 * A value that its field did not expect is no error: the cell holds the mark of an escape, and the value stands tagged in
 * the variable part. Only booleans, UUIDs and floats have no such mark; a record with another value there is written
 * with the untyped shape of the same names.
 */

/** No cell: always tagged in the variable part. */
export const ANY = 0
/** The record's key: no bytes at all. */
export const KEY = 1
/** A bit of the flags. */
export const BOOLEAN = 2
/** 16 bytes. */
export const UUID = 3
/** 6 bytes: milliseconds, two's complement. */
export const DATE = 4
/** 1 byte: units in the narrow slab. */
export const TEXT = 5
/** 1 byte: units in the wide slab. */
export const WIDE_TEXT = 6
/** 1 byte: a string of the field's dictionary. */
export const CHOICE = 7
/** 1 byte: how many strings of the dictionary the variable part has, a byte each. */
export const CHOICES = 8
/** 1 byte, and for larger values one of the variable part: an integer, after a scale. */
export const SMALL = 9
/** 3, 4 or 6 bytes: an integer, after a scale. */
export const FIXED = 10
export const FLOAT32 = 11
export const FLOAT64 = 12

/** Marks a value that stands tagged in the variable part, in cells of one byte. */
export const ESCAPE = 255
/** Marks a text whose length stands in the variable part. */
export const LONG_TEXT = 254
/** Strings of a dictionary that CHOICE and CHOICES can name. */
export const MAX_CHOICES = 255
/** SMALL: from this byte on a second byte follows. */
export const SMALL_BYTES = 192
/** SMALL: values below this fit. */
export const SMALL_END: number = SMALL_BYTES + (ESCAPE - SMALL_BYTES) * 256
/** What a number is multiplied with before it is stored as an integer. */
export const SCALES: readonly number[] = [1, 2, 10, 100]

/** A field's type with what belongs to it. */
export type FieldType =
  | {
      readonly type:
        | typeof ANY
        | typeof KEY
        | typeof BOOLEAN
        | typeof UUID
        | typeof DATE
        | typeof TEXT
        | typeof WIDE_TEXT
        | typeof FLOAT32
        | typeof FLOAT64
    }
  | { readonly type: typeof CHOICE | typeof CHOICES; readonly dictionary: number }
  | { readonly type: typeof SMALL; readonly scale: number; readonly signed: boolean }
  | { readonly type: typeof FIXED; readonly scale: number; readonly size: number }

/** A field of a typed shape. Plain fields, all of them in every field: interpreters read them in hot loops. */
export interface TypedField {
  readonly name: string
  readonly type: number
  /** Where its cell begins in the fixed part; for a boolean, of its byte. */
  readonly cell: number
  /** A boolean's bit in its byte. */
  readonly mask: number
  /** Number of the dictionary, or -1. */
  readonly dictionary: number
  /** SMALL, FIXED: what the number is multiplied with; 1 elsewhere. */
  readonly scale: number
  readonly signed: boolean
  /** Bytes of its cell. */
  readonly size: number
}

/** The cells of a shape. */
export interface Layout {
  readonly fields: readonly TypedField[]
  /** Bytes of the fixed part. */
  readonly fixedSize: number
  /** True when the variable part never holds a tagged value but by escape. */
  readonly flat: boolean
  /** Bytes that a record without escapes can take beside its slabs. */
  readonly flatSize: number
}

/** Cells of types whose size does not vary. */
const CELL_SIZES: { readonly [type: number]: number } = {
  [UUID]: 16,
  [DATE]: 6,
  [TEXT]: 1,
  [WIDE_TEXT]: 1,
  [CHOICE]: 1,
  [CHOICES]: 1,
  [SMALL]: 1,
  [FLOAT32]: 4,
  [FLOAT64]: 8,
}

/** Lays the cells out: flags first, then the cells in order of the fields. */
export function layoutOf(names: readonly string[], types: readonly FieldType[]): Layout {
  const booleans = types.filter(({ type }) => type === BOOLEAN).length
  const flagsSize = (booleans + 7) >>> 3
  let cell = flagsSize
  let flag = 0
  const fields = types.map((of, i): TypedField => {
    const size = of.type === FIXED ? of.size : (CELL_SIZES[of.type] ?? 0)
    const isFlag = of.type === BOOLEAN
    const field: TypedField = {
      name: names[i]!,
      type: of.type,
      cell: isFlag ? flag >>> 3 : cell,
      mask: isFlag ? 1 << (flag & 7) : 0,
      dictionary: of.type === CHOICE || of.type === CHOICES ? of.dictionary : -1,
      scale: of.type === SMALL || of.type === FIXED ? of.scale : 1,
      signed: of.type === SMALL && of.signed,
      size,
    }
    if (isFlag) flag++
    cell += size
    return field
  })
  const variable = types.reduce((sum, { type }) => sum + (VARIABLE_SIZES[type] ?? 0), 0)
  return { fields, fixedSize: cell, flat: !types.some(({ type }) => type === ANY), flatSize: cell + variable }
}

/** Bytes that a cell without escape can add to the variable part: a length of a long text, a second byte, choices. */
const VARIABLE_SIZES: { readonly [type: number]: number } = {
  [TEXT]: 8,
  [WIDE_TEXT]: 8,
  [CHOICES]: ESCAPE,
  [SMALL]: 1,
}
