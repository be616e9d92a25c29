/**
 * One collection at one snapshot, as a query reads it, with a transaction's own writes laid over it: own rows are merged
 * in, the rows they replace are masked, in a scan and in an index range alike. Cursors hold record numbers and keys,
 * never places, so they survive awaits.
 */

import { compareKeys } from '../base/bytes.ts'
import { copyValue } from '../base/copy-value.ts'
import { BlazeError } from '../base/errors.ts'
import type { Lsn, RecordId } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import { RecordKey } from '../base/record-key.ts'
import type { StoredRecord } from '../base/values.ts'
import type { KeyBounds } from '../indexes/key-bounds.ts'
import { NO_PLACE } from '../mvcc/version-heap.ts'
import {
  type DerivedSource,
  type EarlyTest,
  END,
  type IndexInfo,
  type ReadPredicate,
  type RecordSource,
  type Row,
  type RowCursor,
} from '../query/source.ts'
import { type CollectionState, type FieldsReader, IN_PIECES } from './collection-state.ts'
import type { ReadSet } from './conflict.ts'
import type { Core } from './core.ts'
import { SnapshotDerived } from './derived-source.ts'
import type { IndexState } from './index-state.ts'
import type { WriteEntry, WriteSet } from './write-set.ts'

const key = new RecordKey()

export interface SourceOptions {
  readonly snapshot: number
  readonly writes?: WriteSet | undefined
  readonly reads?: ReadSet | undefined
  /** Ends the hold on the snapshot, when the source has one of its own. */
  readonly release?: () => void
  /** Throws when the handle that the source reads for has ended. */
  readonly assertAlive: () => void
  /** Reads some fields of a record: all that is asked for. */
  readonly read?: FieldsReader
}

export class SnapshotSource implements RecordSource {
  readonly collection: string
  readonly indexes: readonly IndexInfo[]
  readonly tracksReads: boolean
  readonly #core: Core
  readonly #state: CollectionState
  readonly #options: SourceOptions
  /** Own writes of this collection; undefined when there are none, which is the common case. */
  readonly #writes: WriteSet | undefined
  /** Reads some fields of a record; undefined: all. */
  readonly #read: FieldsReader | undefined
  #derived: SnapshotDerived | undefined
  #open = true

  constructor(core: Core, state: CollectionState, options: SourceOptions) {
    this.#core = core
    this.#state = state
    this.#options = options
    this.#writes = options.writes?.touches(state) === true ? options.writes : undefined
    this.#read = options.read
    this.collection = state.name
    this.tracksReads = options.reads !== undefined
    this.indexes = state.indexes.filter((index) => index.usableAt(options.snapshot)).map((index) => index.info)
  }

  get fields(): ReadonlySet<string> | undefined {
    return this.#state.rules?.fields
  }

  rowCount(): number {
    return this.#state.heap.liveCount
  }

  get(id: RecordId): StoredRecord | undefined {
    const own = this.#writes?.find(this.#state, id)
    if (own !== undefined) return own.after === undefined ? undefined : copyValue(own.after)
    if (!key.set(id)) return undefined
    const slot = this.#state.heap.find(key)
    return slot < 0 ? undefined : recordIn(this.#state, slot, this.#options, id)
  }

  narrowed(fields: ReadonlySet<string>): RecordSource {
    // What a read-write transaction has read is noted by whole records.
    if (this.tracksReads) return this
    const { snapshot, writes, assertAlive } = this.#options
    const read = this.#state.readerOf(fields)
    return new SnapshotSource(this.#core, this.#state, { snapshot, writes, assertAlive, read })
  }

  scan(early?: EarlyTest): RowCursor {
    return new ScanCursor(this.#core, this.#state, this.#options, overlayOf(this.#writes, this.#state), early)
  }

  scanIndex(
    info: IndexInfo,
    bounds: KeyBounds,
    reverse: boolean,
    proves: (record: StoredRecord) => boolean,
  ): RowCursor {
    const index = this.#indexOf(info)
    const base = new IndexCursor(this.#core, this.#state, this.#options, index, { bounds, reverse }, proves)
    return this.#writes === undefined
      ? base
      : new MergedIndexCursor(base, overlayOf(this.#writes, this.#state)!, index, bounds, reverse)
  }

  slotsIn(info: IndexInfo, ranges: readonly KeyBounds[]): Uint32Array | undefined {
    if (this.#writes !== undefined || this.#state.heap.newestCommit > this.#options.snapshot) return undefined
    this.#options.assertAlive()
    const index = this.#indexOf(info)
    assertThere(this.#state, index)
    let slots = new Uint32Array(1024)
    let count = 0
    for (const bounds of ranges) {
      const entries = index.scan(bounds, false, this.#options.snapshot)
      for (;;) {
        this.#core.safePoint()
        const found = entries.nextNewest(entrySlots, MOST_ENTRIES)
        if (found === 0) break
        if (count + found > slots.length) {
          const longer = new Uint32Array(2 * slots.length)
          longer.set(slots)
          slots = longer
        }
        slots.set(entrySlots.subarray(0, found), count)
        count += found
      }
    }
    return slots.subarray(0, count)
  }

  #indexOf(info: IndexInfo): IndexState {
    const index = this.#state.indexes.find((each) => each.info === info)
    if (index === undefined) throw new Error(`index ${info.name} is not of ${this.collection}`)
    return index
  }

  countAll(): number | undefined {
    if (this.#writes !== undefined || this.#state.heap.newestCommit > this.#options.snapshot) return undefined
    return this.#state.heap.liveCount
  }

  readPredicate(read: ReadPredicate): void {
    this.#options.reads?.predicates.push({ collection: this.#state, matches: (record) => read.matches(record) })
  }

  get derived(): DerivedSource {
    const { snapshot, assertAlive } = this.#options
    const state = this.#state
    this.#derived ??= new SnapshotDerived(this.#core, state, {
      snapshot,
      writes: this.#writes,
      read: this.#read,
      assertAlive: () => {
        assertAlive()
        assertThere(state)
      },
    })
    return this.#derived
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#options.release?.()
  }
}

/** A collection that does not exist: empty. */
export class EmptySource implements RecordSource {
  readonly collection: string
  readonly indexes: readonly IndexInfo[] = []
  readonly tracksReads = false

  constructor(collection: string) {
    this.collection = collection
  }

  rowCount(): number {
    return 0
  }

  get(): undefined {
    return undefined
  }

  scan(): RowCursor {
    return { read: () => END, skip: () => END, close: () => undefined }
  }

  scanIndex(): RowCursor {
    return this.scan()
  }

  countAll(): number {
    return 0
  }

  readPredicate(): void {
    return
  }

  close(): void {
    return
  }
}

/** The record at a place, or as much of it as is asked for. */
function recordAt(state: CollectionState, place: Lsn, { snapshot, read }: SourceOptions, id?: RecordId): StoredRecord {
  return read === undefined ? state.readPlace(place, snapshot, id) : state.readFields(place, snapshot, read, true)
}

/** The record that the snapshot sees in a slot. */
function recordIn(
  state: CollectionState,
  slot: number,
  options: SourceOptions,
  id?: RecordId,
): StoredRecord | undefined {
  const place = state.heap.placeAt(slot, options.snapshot)
  return place === NO_PLACE ? undefined : recordAt(state, place, options, id)
}

/** Refuses to read what was dropped since the query began. */
function assertThere(state: CollectionState, index?: IndexState): void {
  if (!state.dropped && index?.dropped !== true) return
  const what = state.dropped ? `the collection ${state.name}` : `the index ${index?.spec.name ?? ''} of ${state.name}`
  throw new BlazeError('CONFLICT', `${what} was dropped while this query read it; run the query again`, { records: [] })
}

/**
 * Own writes of a collection as they are when a cursor begins: it sees neither what the transaction writes while it
 * iterates nor a row twice.
 */
type Overlay = ReadonlyMap<RecordId, WriteEntry>

function overlayOf(writes: WriteSet | undefined, state: CollectionState): Overlay | undefined {
  if (writes === undefined) return undefined
  const overlay = new Map<RecordId, WriteEntry>()
  for (const entry of writes.of(state)) overlay.set(entry.id, entry)
  return overlay
}

/** Index entries looked at by one call: with the records of as many places read, well below a millisecond. */
const MOST_ENTRIES = 64

/** Records after which an early test is judged, and the part that it must have rejected: it costs a third of a decoding. */
const EARLY_TRIAL = 256
const EARLY_WORTH = 0.4

/** Record numbers of the entries that are being read: used within one call only. */
const entrySlots = new Uint32Array(MOST_ENTRIES)

/** Record numbers in their order, below the mark at the start; then the transaction's own records. */
class ScanCursor implements RowCursor {
  readonly #core: Core
  readonly #state: CollectionState
  readonly #options: SourceOptions
  readonly #overlay: Overlay | undefined
  readonly #own: Iterator<WriteEntry> | undefined
  readonly #end: number
  /** Taken away when it rejects too little for what it costs. */
  #early: EarlyTest | undefined
  #tested = 0
  #rejected = 0
  #slot = 0
  #open = true

  constructor(
    core: Core,
    state: CollectionState,
    options: SourceOptions,
    overlay: Overlay | undefined,
    early: EarlyTest | undefined,
  ) {
    this.#core = core
    this.#early = early
    this.#state = state
    this.#options = options
    this.#overlay = overlay
    this.#own = overlay?.values()
    this.#end = state.heap.slots.highSlot
  }

  read(rows: Row[], most: number): number {
    if (!this.#open) return END
    this.#options.assertAlive()
    assertThere(this.#state)
    const { snapshot } = this.#options
    const overlay = this.#overlay
    const lastSlot = Math.min(this.#end, this.#slot + MOST_ENTRIES)
    let count = 0
    while (this.#slot < lastSlot && count < most) {
      this.#core.safePoint()
      const place = this.#state.heap.placeAt(this.#slot++, snapshot)
      if (place === NO_PLACE || this.#isRejected(place)) continue
      const record = recordAt(this.#state, place, this.#options)
      if (overlay?.has(record.id) === true) continue
      rows.push(record)
      count++
    }
    if (count > 0 || this.#slot < this.#end) return count
    for (; count < most; count++) {
      const own = this.#nextOwn()
      if (own === undefined) break
      rows.push(copyValue(own))
    }
    return count > 0 ? count : END
  }

  skip(most: number): number {
    if (!this.#open) return END
    this.#options.assertAlive()
    assertThere(this.#state)
    if (this.#slot === this.#end) return this.#nextOwn() === undefined ? END : 1
    const { snapshot } = this.#options
    const { heap } = this.#state
    const lastSlot = Math.min(this.#end, this.#slot + most)
    let count = 0
    while (this.#slot < lastSlot) {
      this.#core.safePoint()
      const place = heap.placeAt(this.#slot++, snapshot)
      if (place !== NO_PLACE && !this.#isMasked(place)) count++
    }
    return count
  }

  close(): void {
    this.#open = false
  }

  /** The transaction's next own record that it did not delete. */
  #nextOwn(): StoredRecord | undefined {
    for (let own = this.#own?.next(); own !== undefined && own.done !== true; own = this.#own?.next()) {
      if (own.value.after !== undefined) return own.value.after
    }
    return undefined
  }

  /** True when the record at the place fails the early test. */
  #isRejected(place: Lsn): boolean {
    const early = this.#early
    if (early === undefined) return false
    const value = this.#state.fieldAt(place, early.path)
    if (value === IN_PIECES) return false
    const isRejected = !early.test(value)
    if (isRejected) this.#rejected++
    if (++this.#tested === EARLY_TRIAL) {
      if (this.#rejected < EARLY_TRIAL * EARLY_WORTH) this.#early = undefined
      this.#tested = 0
      this.#rejected = 0
    }
    return isRejected
  }

  /** True when the transaction wrote the record at the place. */
  #isMasked(place: Lsn): boolean {
    return this.#overlay?.has(this.#state.idAt(place)) === true
  }
}

/** Records by an index. */
class IndexCursor implements RowCursor {
  readonly #core: Core
  readonly #state: CollectionState
  readonly #options: SourceOptions
  readonly #index: IndexState
  readonly #entries: ReturnType<IndexState['scan']>
  readonly #proves: (record: StoredRecord) => boolean
  #open = true

  constructor(
    core: Core,
    state: CollectionState,
    options: SourceOptions,
    index: IndexState,
    range: { readonly bounds: KeyBounds; readonly reverse: boolean },
    proves: (record: StoredRecord) => boolean,
  ) {
    this.#core = core
    this.#state = state
    this.#options = options
    this.#index = index
    this.#entries = index.scan(range.bounds, range.reverse, options.snapshot)
    this.#proves = proves
  }

  read(rows: Row[], most: number): number {
    if (!this.#begin()) return END
    if (this.#isNewest()) return this.#readNewest(rows, most)
    let looked = 0
    let count = 0
    while (looked++ < MOST_ENTRIES && count < most) {
      this.#core.safePoint()
      if (!this.#entries.next()) return count > 0 ? count : END
      const record = this.#current()
      if (record === undefined) continue
      rows.push(record)
      count++
    }
    return count
  }

  skip(most: number): number {
    if (!this.#begin()) return END
    if (this.#isNewest()) {
      this.#core.safePoint()
      const count = this.#entries.nextNewest(entrySlots, Math.min(most, MOST_ENTRIES))
      return count === 0 ? END : count
    }
    let count = 0
    for (let looked = 0; looked < most; looked++) {
      this.#core.safePoint()
      if (!this.#entries.next()) return count > 0 ? count : END
      if (this.#entries.isSure || this.#current() !== undefined) count++
    }
    return count
  }

  /** The next row alone, for who also wants its key. */
  next(): Row | undefined {
    if (!this.#begin()) return undefined
    for (;;) {
      this.#core.safePoint()
      if (!this.#entries.next()) return undefined
      const record = this.#current()
      if (record !== undefined) return record
    }
  }

  /** The key of the row that `next` gave. */
  key(): Uint8Array {
    return this.#entries.keyBytes.subarray(0, this.#entries.keySize)
  }

  close(): void {
    this.#open = false
  }

  /** False after the end; throws when what is read has gone. */
  #begin(): boolean {
    if (!this.#open) return false
    this.#options.assertAlive()
    assertThere(this.#state, this.#index)
    return true
  }

  /** True while the snapshot sees every record of the collection as it is installed. */
  #isNewest(): boolean {
    return this.#state.heap.newestCommit <= this.#options.snapshot
  }

  #readNewest(rows: Row[], most: number): number {
    const count = this.#entries.nextNewest(entrySlots, Math.min(most, MOST_ENTRIES))
    if (count === 0) return END
    for (let i = 0; i < count; i++) {
      this.#core.safePoint()
      const record = recordIn(this.#state, entrySlots[i]!, this.#options)
      invariant(record !== undefined, () => `an entry of ${this.#index.spec.name} has no record`)
      rows.push(record)
    }
    return count
  }

  /** The record of the entry that `entries` is at. Unless it is sure, the version that the snapshot sees decides. */
  #current(): StoredRecord | undefined {
    const record = recordIn(this.#state, this.#entries.record, this.#options)
    return record === undefined || this.#entries.isSure || this.#proves(record) ? record : undefined
  }
}

interface OwnEntry {
  readonly key: Uint8Array
  readonly record: StoredRecord
}

/** An index range with a transaction's own rows merged in by key. */
class MergedIndexCursor implements RowCursor {
  readonly #base: IndexCursor
  readonly #overlay: Overlay
  readonly #own: readonly OwnEntry[]
  readonly #reverse: boolean
  #at = 0
  #row: Row | undefined
  #rowKey: Uint8Array | undefined
  #started = false

  constructor(base: IndexCursor, overlay: Overlay, index: IndexState, bounds: KeyBounds, reverse: boolean) {
    this.#base = base
    this.#overlay = overlay
    this.#reverse = reverse
    this.#own = ownEntries(overlay, index, bounds, reverse)
  }

  read(rows: Row[], most: number): number {
    let count = 0
    for (; count < most; count++) {
      const row = this.#next()
      if (row === undefined) return count > 0 ? count : END
      rows.push(row)
    }
    return count
  }

  skip(): number {
    return this.#next() === undefined ? END : 1
  }

  close(): void {
    this.#base.close()
  }

  #next(): Row | undefined {
    if (!this.#started) this.#advance()
    const own = this.#own[this.#at]
    if (own === undefined && this.#row === undefined) return undefined
    if (own !== undefined && (this.#rowKey === undefined || this.#before(own.key, this.#rowKey))) {
      this.#at++
      return copyValue(own.record)
    }
    const row = this.#row
    this.#advance()
    return row
  }

  /** The next row of the base that is not masked by an own write. */
  #advance(): void {
    this.#started = true
    do this.#row = this.#base.next()
    while (this.#row !== undefined && this.#overlay.has(this.#row.id))
    this.#rowKey = this.#row === undefined ? undefined : this.#base.key().slice()
  }

  #before(a: Uint8Array, b: Uint8Array): boolean {
    return this.#reverse ? compareKeys(a, b) > 0 : compareKeys(a, b) < 0
  }
}

function ownEntries(overlay: Overlay, index: IndexState, bounds: KeyBounds, reverse: boolean): OwnEntry[] {
  const own: OwnEntry[] = []
  for (const { after } of overlay.values()) {
    if (after === undefined) continue
    for (const { bytes } of index.keysOf(after)) if (within(bytes, bounds)) own.push({ key: bytes, record: after })
  }
  return own.sort((a, b) => (reverse ? compareKeys(b.key, a.key) : compareKeys(a.key, b.key)))
}

function within(each: Uint8Array, { lower, lowerOpen, upper, upperOpen }: KeyBounds): boolean {
  if (lower !== undefined) {
    const order = compareKeys(each, lower)
    if (order < 0 || (order === 0 && lowerOpen === true)) return false
  }
  if (upper === undefined) return true
  const order = compareKeys(each, upper)
  return order < 0 || (order === 0 && upperOpen !== true)
}
