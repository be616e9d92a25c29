/**
 * Operations: what devices exchange. One local transaction is one operation, with a dot `(replica, seq)` that nobody
 * else uses and a stamp of a hybrid clock; it says what changed, field by field, and is never changed itself.
 *
 * Here is the shape alone. Its bytes are in codec/operation.ts.
 */
import type { RecordId } from './ids.ts'
import type { Value } from './values.ts'

/** One transaction as data. */
export interface Operation {
  /** Who wrote it: 16 bytes. */
  readonly replica: Uint8Array
  /** Its number at that replica: from 1, without gaps. */
  readonly seq: number
  /** The stamp: milliseconds since 1970, 48 bits. */
  readonly hlcMs: number
  /** The stamp: what tells those of one millisecond apart, 16 bits. */
  readonly hlcCounter: number
  /** The version of the schema it was written with. */
  readonly schema: number
  /** What it did, in order. */
  readonly changes: readonly Change[]
}

/** What an operation did to one record. */
export interface Change {
  readonly collection: string
  readonly id: RecordId
  readonly kind: ChangeKind
  /** The fields that were written, with their new values. Not in a deletion. */
  readonly fields?: Readonly<Record<string, Value>>
  /** The names of the fields that were removed. In an update only. */
  readonly removed?: readonly string[]
}

/** The kinds of change. */
export type ChangeKind = 'insert' | 'update' | 'delete'

/** Bytes of a replica's id. */
export const REPLICA_SIZE = 16
