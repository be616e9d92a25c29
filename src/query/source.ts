/**
 * What a query is given: one collection at one snapshot, with the transaction's own writes laid over it. The engine
 * implements these; a query never finds a snapshot and never learns of pages, versions or locks.
 */
import type { RecordId } from '../base/ids.ts'
import type { Path, StoredRecord, Value } from '../base/values.ts'
import type { ColumnRows } from '../columns/column.ts'
import type { ColumnSet } from '../columns/column-set.ts'
import type { KeyBounds } from '../indexes/key-bounds.ts'
import type { TextView } from '../text/prepared-search.ts'
import type { FieldText, TextSpec } from '../text/text-fields.ts'
import type { TextIndex } from '../text/text-index.ts'
import type { Predicate, QueryData } from './query-data.ts'

/** A record decoded for the caller: a fresh object, his to keep and change. */
export type Row = StoredRecord

/** One index as the planner sees it. */
export interface IndexInfo {
  readonly name: string
  readonly parts: readonly { readonly path: Path; readonly descending: boolean }[]
  readonly unique: boolean
  /** One entry per distinct element of an array; records without an array there have none. */
  readonly each: boolean
  /** Strings are keyed by their folded form. */
  readonly nocase: boolean
  /** A partial index holds only the records for which this is true. */
  readonly where: Predicate | undefined
  /** About how many entries lie in the bounds, found without a scan. */
  estimate(bounds: KeyBounds): number
  readonly entryCount: number
  /** About how many different whole keys there are. */
  readonly distinctEstimate: number
}

/** Hands out records some at a time, and survives awaits between two calls. */
export interface RowCursor {
  /**
   * Appends the next records to `rows`, at most `most`. Returns how many: END when there are no more (and after close);
   * 0 when there may be, but the call has worked long enough to find none.
   */
  read(rows: Row[], most: number): number
  /** As `read`, but only counts: a record that is surely there is not read for it. */
  skip(most: number): number
  close(): void
}

/** A test of one field at the top of a record, which is not `id`. */
export interface EarlyTest {
  readonly path: Path
  readonly test: (value: Value | undefined) => boolean
}

/** What a cursor gives when there are no more records. */
export const END = -1

/**
 * What a read saw, for serializable validation: a later write conflicts if and only if the record before it or after
 * it matches. `matches` looks at how far the read has come when it is called, so it stays exact while an iteration is
 * under way.
 */
export interface ReadPredicate {
  readonly kind: 'filter'
  matches(record: StoredRecord): boolean
  readonly describe: string
}

/** One collection at one snapshot. */
export interface RecordSource {
  readonly collection: string
  readonly indexes: readonly IndexInfo[]
  /** The names that records may have at their top, where a schema refuses all others. */
  readonly fields?: ReadonlySet<string> | undefined
  /** About how many records there are. */
  rowCount(): number
  get(id: RecordId): StoredRecord | undefined
  /**
   * Every visible record, in no particular order. Those that fail `early` may be left out: testing one field in the
   * bytes is cheaper than decoding a record to throw it away.
   */
  scan(early?: EarlyTest): RowCursor
  /**
   * The visible records with an entry in the bounds, in index order (backwards with `reverse`), equal keys in any order.
   * `proves` is what the bounds say of each of them: a record whose entry alone does not settle what the snapshot sees
   * is tested by it.
   */
  scanIndex(index: IndexInfo, bounds: KeyBounds, reverse: boolean, proves: (record: StoredRecord) => boolean): RowCursor
  /**
   * The record numbers of the entries in these ranges, in no order, some more than once; undefined when the snapshot does
   * not see all records as they are installed. All at once: for ranges of some hundred thousand entries at most.
   */
  slotsIn?(index: IndexInfo, ranges: readonly KeyBounds[]): Uint32Array | undefined
  /** The exact number of visible records where that is cheap to know. */
  countAll(): number | undefined
  /** False where nobody asks what was read, so that it need not be noted: outside read-write transactions. */
  readonly tracksReads?: boolean
  /** Tells what is read from here on. Does nothing outside read-write transactions. */
  readPredicate(read: ReadPredicate): void
  /**
   * The same records with these fields at their top, and perhaps others: reading less of them is cheaper. Not to be closed
   * by itself. Without: they are read whole.
   */
  narrowed?(fields: ReadonlySet<string>): RecordSource
  /** The structures derived from the newest state, and what makes them exact for this snapshot. Without: there are none. */
  readonly derived?: DerivedSource
  /** Releases the snapshot. Idempotent. */
  close(): void
}

/**
 * What is kept of a collection beside its records, all of it by slot (record number): columns, a text index, the order
 * of ids. These hold the newest installed state and are caught up by their users before they are read; the snapshot may
 * be older, and a transaction lays its own writes over it. So a reader
 *
 *   1. takes from them what is sure: slots whose `rows.commitOf(slot)` is not 0 and not above `snapshot`, and which are not
 *      in `maskedSlots` (columns: readableSlots; while `isNewest`, all of them);
 *   2. adds the versions of `changedSlots`, where `recordAt` gives one, without those in `maskedSlots`;
 *   3. adds `ownRows`.
 *
 * That holds for every slot that a structure caught up to `snapshot` or beyond says anything of, and however far it or the
 * collection has come since. A slot that the snapshot sees a record in keeps it until the source is closed, also across
 * awaits. All calls throw CONFLICT when the collection has been dropped; `rows`, `columns` and `text`, which know no
 * snapshot, do not, so each slice of work begins with `assertAlive`.
 */
export interface DerivedSource {
  /** The newest installed records: what `columns` are made of. */
  readonly rows: ColumnRows
  /** The columns of the collection, shared by all its queries. */
  readonly columns: ColumnSet
  /** The text index of the collection, shared by all its queries; undefined where none is declared. */
  readonly text: TextSource | undefined
  readonly snapshot: number
  /** True while the snapshot sees every record as it is installed and nothing is laid over it: step 1 is then all. */
  readonly isNewest: boolean
  /** Ascending: slots of the records that the transaction has written to itself, as they were when they were first asked for. */
  readonly maskedSlots: readonly number[]
  /** The transaction's own records, as they were when `maskedSlots` or they were first asked for. Fresh objects. */
  ownRows(): Row[]
  /**
   * Ascending: the slots from `from` to before `to` whose newest version is newer than the snapshot, or gone, and which
   * have a version that it sees. A look at each zone, and at the slots of those with a commit since.
   */
  changedSlots(from: number, to: number): number[]
  /** The record that the snapshot sees in a slot, own writes apart: a fresh object. */
  recordAt(slot: number): Row | undefined
  /** Appends the records that the snapshot sees in slots[from] … slots[to - 1], in that order. Returns how many. */
  readRows(slots: ArrayLike<number>, from: number, to: number, rows: Row[]): number
  /** The slot of the record that is installed with the id, or was last; -1 when there is none. */
  slotOf(id: RecordId): number
  /** The id of a slot that the snapshot sees a record in. */
  idAt(slot: number): RecordId
  /** The order of the ids of two such slots: no record is read for UUIDs, integers and strings of up to 15 bytes. */
  compareSlots(a: number, b: number): number
  /** Throws when the handle has ended or the collection has been dropped. */
  assertAlive(): void
}

/**
 * The text index of a collection for one snapshot. A search is prepared in steps, and run in the turn in which the last
 * step was done, `changedSlots` too: of what is installed later a document of the index may tell nothing any more. It is
 * itself the view that a search takes.
 */
export interface TextSource extends TextView {
  readonly spec: TextSpec
  /** Begins to make the index, to load it, or to catch it up. */
  prepare(): TextPreparation
  /** Is the document of that commit what the snapshot sees of the record in the slot? False for masked slots. */
  isSure(slot: number, commit: number): boolean
  /** The texts of a record, in the order of the declared fields. */
  textsOf(record: StoredRecord): FieldText[]
}

/** The work before one search. */
export interface TextPreparation {
  /** Works on about so many records. True when all is done. */
  step(mostRecords: number): boolean
  /** All of it at once. */
  finish(): TextIndex
  /** Once it is done. */
  readonly index: TextIndex
}

/** A synchronous query that blocked the event loop for longer than `slowQueryMs`. */
export interface SlowQuery {
  readonly query: QueryData
  readonly elapsedMs: number
  readonly plan: string
}

/** Where queries of a handle run: the database, a transaction, a snapshot. */
export interface QueryRunner {
  /** Opens the collection at the handle's snapshot; the query closes it. A name that does not exist is an empty collection. */
  open(collection: string): RecordSource
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  /** Gives the event loop a turn (as setImmediate does). */
  yield(): Promise<void>
  readonly slowQueryMs: number | undefined
  /** What one query may collect; undefined: all there is. */
  readonly memoryBytes?: number
  onSlowQuery?(slow: SlowQuery): void
}
