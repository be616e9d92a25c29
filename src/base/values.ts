/** What a record may hold. Everything else is refused with INVALID_VALUE and the path. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | Float32Array
  | Float64Array
  | readonly Value[]
  | { readonly [name: string]: Value | undefined }

/** A record as the engine handles it: a plain object with its key in `id`. */
export type StoredRecord = { readonly id: string | number; readonly [name: string]: Value | undefined }

/** The deepest nesting of arrays and objects in a record. */
export const MAX_DEPTH = 64

/** A path into a record, parsed: `a.b` is ['a', 'b']; `\.` in the text is a dot in a name. */
export type Path = readonly string[]
