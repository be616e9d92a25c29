/**
 * The numbers of the format. FORMAT.md is the grammar that they belong to; a change there is a new format number.
 *
 * The first byte of a value is its tag. Small integers, short narrow strings and short arrays are their tag alone.
 */

/** Number of this format: the first byte of stand-alone bytes; the engine may keep it beside its records. */
export const FORMAT_NUMBER = 0

/** Tags below this are the integers 0 to 111 themselves. */
export const SMALL_INTEGERS = 0x70
/** Tags from SMALL_INTEGERS to below this are narrow strings of 0 to 63 units. */
export const SHORT_STRINGS = 0xb0
/** Tags from SHORT_STRINGS to below this are arrays of 0 to 15 elements. */
export const SHORT_ARRAYS = 0xc0

export const TAG_NULL = 0xc0
export const TAG_FALSE = 0xc1
export const TAG_TRUE = 0xc2
/** The record's own key, in the generic form of a keyed record: it stands where the key belongs and holds nothing. */
export const TAG_KEY = 0xc3
export const TAG_UINT8 = 0xc4
export const TAG_UINT16 = 0xc5
export const TAG_UINT32 = 0xc6
export const TAG_UINT48 = 0xc7
export const TAG_NEGATIVE8 = 0xc8
export const TAG_NEGATIVE16 = 0xc9
export const TAG_NEGATIVE32 = 0xca
export const TAG_NEGATIVE48 = 0xcb
export const TAG_FLOAT32 = 0xcc
export const TAG_FLOAT64 = 0xcd
export const TAG_TENTHS16 = 0xce
export const TAG_HUNDREDTHS16 = 0xcf
export const TAG_HUNDREDTHS32 = 0xd0
export const TAG_NARROW8 = 0xd1
export const TAG_NARROW = 0xd2
export const TAG_WIDE8 = 0xd3
export const TAG_WIDE = 0xd4
export const TAG_UUID = 0xd5
// 0xd6 is reserved for strings of a dictionary; this reader refuses it.
export const TAG_BYTES = 0xd7
export const TAG_DATE48 = 0xd8
export const TAG_DATE64 = 0xd9
export const TAG_BIGINT = 0xda
export const TAG_FLOAT32S = 0xdb
export const TAG_FLOAT64S = 0xdc
export const TAG_ARRAY = 0xdd
export const TAG_OBJECT = 0xde
export const TAG_SHAPED = 0xdf
/** Tags from here to below EXTENSIONS_END carry their size: a reader that does not know one skips it. */
export const EXTENSIONS = 0xe0
/** From here on tags are unknown and fatal. */
export const EXTENSIONS_END = 0xf0

/** UINT8 continues where the small integers end. */
export const UINT8_END: number = SMALL_INTEGERS + 256
/** NARROW8 continues where the short strings end. */
export const SHORT_STRING_UNITS: number = SHORT_STRINGS - SMALL_INTEGERS
export const NARROW8_END: number = SHORT_STRING_UNITS + 256
/** Elements a short array can have, plus one. */
export const SHORT_ARRAY_COUNT: number = SHORT_ARRAYS - SHORT_STRINGS

/** Integers and dates of 48 bits, two's complement for dates. */
export const LIMIT_32 = 0x100000000
export const LIMIT_48 = 0x1000000000000
export const LIMIT_47 = 0x800000000000

/** Shapes a table can hold: enough for any set of record types; key sets beyond it use the generic form. */
export const MAX_SHAPES = 4096
/** Definitions a table can hold: shapes, and dictionaries with what is added to them. */
export const MAX_DEFINITIONS = 8192
/** Names that dictionary 0 can hold. */
export const MAX_NAMES = 2048
/** Keys in a shape: records wider than this are maps, whose keys are data. */
export const MAX_SHAPE_KEYS = 256
/** UTF-16 units of a name in a shape: a longer one is data. */
export const MAX_SHAPE_NAME = 128
