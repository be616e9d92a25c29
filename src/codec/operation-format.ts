/** The constants of the bytes of operations; operation.ts has the grammar. */
import type { ChangeKind } from '../base/operation.ts'

/** The first byte. */
export const VERSION = 0

/** The flags of a head. */
export const NEXT_OF_REPLICA = 1
export const COUNTER_ZERO = 2
export const SAME_SCHEMA = 4
export const ONE_CHANGE = 8
export const KNOWN_FLAGS = 15

/** The kinds of change, by number. */
export const KINDS: readonly ChangeKind[] = ['insert', 'update', 'delete']
/** The first byte of a change. */
export const KIND_BITS = 3
export const HAS_ROW = 4
export const ROW_HAS_ID = 8
export const HAS_REMOVED = 16
export const ID_KIND_SHIFT = 5
export const SAME_COLLECTION = 128

/** The kinds of id. */
export const UUID = 0
export const INTEGER = 1
export const FLOAT = 2
export const TEXT = 3

/** Sequence numbers, times and schema versions end here: at a million operations a second, after nine years. */
export const LIMIT_48: number = 2 ** 48
export const LIMIT_16: number = 2 ** 16

/** What a head is a difference from. */
export interface Before {
  replica: number
  seq: number
  hlcMs: number
  schema: number
  collection: number
}

/** Before the first operation. */
export function nothingBefore(): Before {
  return { replica: -1, seq: 0, hlcMs: 0, schema: 0, collection: -1 }
}
