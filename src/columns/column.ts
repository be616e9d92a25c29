/**
 * Columns: for paths that queries scan, the newest installed values of a collection side by side in typed arrays, and
 * kernels that run over them. Everything here is derived, volatile, pure and synchronous; it can be dropped at any time.
 *
 *   slot         0   1   2   3   4  …                     a slot is the record number, 512 slots are a zone
 *   live         1   1   0   1   1                        live-slots: is there a record
 *   priority     3   2   0   3   1   codes 2,3,… of a dictionary; 0 is missing, 1 is null      coded
 *   createdAt    t   t   -   t   -   float64 and a tag: missing, null, value                   number
 *   embedding    [768 × float32] and a tag                                                     vector
 *
 * A column starts coded. When its values are numbers (or dates) of too many kinds it becomes a number column; float32
 * vectors of one length are a vector column; what fits nothing is refused with a reason, and the query takes another
 * way. Small numbers stay coded because a byte or two a row with a table in the cache beats eight bytes a row, and
 * because a test, a group, an order or a join of a coded column is then always the same thing: a table by code.
 *
 * The engine describes a collection by `ColumnRows`. `ColumnSet.prepare(paths)` makes a stepper that builds what is
 * missing and catches up what is late, by the commits of the zones: an update costs nothing at commit, and at the next
 * query a look at its zone. After that come the kernels, each made once for a query and then run over ranges of slots:
 *
 *   compileFilter  count and select the slots that pass a `ColumnTest`        filter.ts
 *   GroupRun       groups and aggregates                                      group.ts
 *   TopRun         the first k slots of an order                              top.ts
 *   ArrangeRun     slots parted and ordered, for windows                      arrange.ts
 *   joinColumns    a foreign key column → slots of another collection         join.ts: `ColumnRef`s go through it
 *   NearestRun     the k nearest vectors                                      nearest.ts
 *   withinRadius,  points on the globe: tests of two columns,                 geo.ts
 *   withinBox, NearestPointsRun    and the k nearest
 *
 * **Snapshots.** A column holds the newest state, a reader has a snapshot S. A kernel may only visit slots that are sure:
 * `readableSlots` (readable.ts) parts the slots of a range into ranges that are, and slots that are not (their zone had a
 * commit after S and so had they, or there is no live record, or the reader's own writes mask them). The reader takes the version of an unsure slot at
 * S from where versions are, and adds it by value (`GroupRun.addRow`, or its own test).
 *
 * What must hold:
 * - Where prepare ended at commit C, kernels may serve every snapshot S ≤ C, then and later: a slot that is sure for S has
 *   not changed since before C, so later catching up writes to no slot that such a kernel visits. Arrays that grow or
 *   change their width are new arrays, codes are never given a second meaning, and a `Column` never changes what it
 *   points to; so a kernel stays right while other queries prepare between its slices.
 * - A slot without a live record is missing in every column.
 * - Generated and interpreted kernels give the same answers; so do a column and the values it was made of. Two liberties:
 *   a group's key and what a window takes from another row stand for their equals (0 for -0), and a column that mixes numbers with bigints is refused.
 *
 * What it does not do: read records, know versions, decide plans.
 */
import type { Path, Value } from '../base/values.ts'
import type { Dictionary } from './dictionary.ts'

/** Slots of a zone: those of one page of the record table. */
export const ZONE_SLOTS = 512

/** What columns need to know of a collection. */
export interface ColumnRows {
  /** All slots are below it. */
  readonly highSlot: number
  /** The newest commit of anything installed in the collection. */
  readonly newestCommit: number
  /** At least the newest commit that installed, deleted or freed anything in slots of the zone. */
  zoneCommit(zone: number): number
  /** Of the newest installed version; 0 when the slot has no live record. */
  commitOf(slot: number): number
  /** A reader of these paths: it sets values[i] to what is at paths[i], undefined for missing, of a live slot. */
  reader(paths: readonly Path[]): (slot: number, values: (Value | undefined)[]) => void
}

/** Codes of a dictionary by slot. */
export type Codes = Uint8Array | Uint16Array | Uint32Array

/** What a tag of a number or vector column says; the first two are the codes of a dictionary too. */
export const MISSING = 0
export const NULL = 1
export const PRESENT = 2

export interface CodedColumn {
  readonly kind: 'coded'
  readonly codes: Codes
  readonly dictionary: Dictionary
}

export interface NumberColumn {
  readonly kind: 'number'
  /** NaN where there is no number, so that every comparison there is false. Dates are their milliseconds. */
  readonly values: Float64Array
  readonly tags: Uint8Array
  readonly isDate: boolean
  /** By zone, bounds of its values other than NaN; min is above max where there are none. */
  readonly zoneMin: Float64Array
  readonly zoneMax: Float64Array
  /** By zone, 1 where some slot may have no number, or NaN. */
  readonly zoneGaps: Uint8Array
}

export interface VectorColumn {
  readonly kind: 'vector'
  readonly dimension: number
  readonly vectors: Float32Array
  readonly tags: Uint8Array
}

/** A path that has no column, and why. */
export interface RefusedColumn {
  readonly kind: 'refused'
  readonly reason: string
}

/** A column that kernels run over. */
export type Column = CodedColumn | NumberColumn | VectorColumn

/** Which slots have a record. */
export interface LiveSlots {
  /** 1 or 0 by slot. */
  readonly bytes: Uint8Array
  readonly count: number
  /** True when every slot below the mark had one. */
  readonly all: boolean
}

/**
 * From the slots of a collection to those of another: `codes` by slot of the base, `slotOf` by code (-1: nothing). Made in
 * join.ts. Where a row joins nothing, everything of the other side is missing, as a left join has it; an inner join is
 * that with the test `joins`.
 */
export interface Join {
  readonly codes: Codes | Int32Array
  readonly slotOf: Int32Array
}

/** A column of the collection itself, or of another one through a join. */
export interface ColumnRef {
  readonly column: Column
  readonly via?: Join
}

/** A test of a row, true or false for each; the same tests apply to every kind of column. */
export type ColumnTest =
  | {
      readonly kind: 'compare'
      readonly ref: ColumnRef
      readonly op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'
      readonly operand: Value
    }
  | { readonly kind: 'between'; readonly ref: ColumnRef; readonly low: Value; readonly high: Value }
  /** True for the named ones of missing, null and other values. */
  | {
      readonly kind: 'presence'
      readonly ref: ColumnRef
      readonly missing: boolean
      readonly null: boolean
      readonly present: boolean
    }
  /** Any pure function of the value. Asked once for each distinct value of a coded column, for each row of others. */
  | { readonly kind: 'accepts'; readonly ref: ColumnRef; readonly accepts: (value: Value | undefined) => boolean }
  /** The row's partner in the other collection exists. */
  | { readonly kind: 'joins'; readonly via: Join }
  /** A pure function of the row: what needs two columns. `missing` is what it says where everything is missing. */
  | { readonly kind: 'slot'; readonly passes: (slot: number) => boolean; readonly missing: boolean }
  | { readonly kind: 'and' | 'or'; readonly of: readonly ColumnTest[] }
  | { readonly kind: 'not'; readonly of: ColumnTest }

/** How kernels run: generated where the runtime allows it, unless told. */
export interface KernelOptions {
  readonly generate?: boolean
}
