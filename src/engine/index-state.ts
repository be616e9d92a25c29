/**
 * One index of a collection, as the engine works with it: key changes of a write, upkeep at commit, unique keys, scans at
 * a snapshot, and what the planner is told.
 */
import { toHex } from '../base/bytes.ts'
import { BlazeError, isBlazeError, isDamage } from '../base/errors.ts'
import type { CommitNumber, RecordId } from '../base/ids.ts'
import { valueAt } from '../base/path.ts'
import type { StoredRecord, Value } from '../base/values.ts'
import { toJsonForm } from '../codec/json-form.ts'
import type { BTreeMeta } from '../indexes/btree.ts'
import type { IndexSpec } from '../indexes/index-spec.ts'
import type { KeyBounds } from '../indexes/key-bounds.ts'
import { type ExtractedKey, KeyExtractor } from '../indexes/key-extractor.ts'
import type { IndexScan, OrderedIndex } from '../indexes/ordered-index.ts'
import { IndexStatistics } from '../indexes/statistics.ts'
import type { VersionHeap } from '../mvcc/version-heap.ts'
import type { PageSpace, SpaceMeta } from '../pages/page-table.ts'
import { compilePredicate } from '../query/predicate.ts'
import type { Predicate } from '../query/query-data.ts'
import type { IndexInfo } from '../query/source.ts'

/** A key of a record in one index: its own bytes. */
export interface IndexKey {
  readonly bytes: Uint8Array
  /** No part is missing or null: it counts for uniqueness. */
  readonly complete: boolean
}

/** The keys that one write adds to and drops from one index. */
export interface KeyChange {
  readonly index: IndexState
  readonly added: readonly IndexKey[]
  readonly dropped: readonly IndexKey[]
}

const NO_KEYS: readonly IndexKey[] = []

export interface IndexOptions {
  readonly spec: IndexSpec
  readonly where: Predicate | undefined
  readonly index: OrderedIndex
  /** The pages of the main tree, and of the history. */
  readonly space: PageSpace
  readonly historySpace: PageSpace
  readonly heap: VersionHeap
  /** Reads the record of a slot at a snapshot, to decide what its keys were then. */
  readonly readSlot: (slot: number, snapshot: number) => StoredRecord | undefined
  readonly readNewest: (slot: number) => StoredRecord
  readonly collection: string
  /** Declared with the collection: dropped when a later open does not declare it. */
  readonly declared: boolean
  /** The structure number's last part. */
  readonly part: number
}

export class IndexState {
  readonly spec: IndexSpec
  readonly index: OrderedIndex
  readonly declared: boolean
  readonly part: number
  readonly info: IndexInfo
  readonly where: Predicate | undefined
  readonly #collection: string
  readonly #heap: VersionHeap
  readonly #readSlot: (slot: number, snapshot: number) => StoredRecord | undefined
  readonly #readNewest: (slot: number) => StoredRecord
  readonly #extractor: KeyExtractor
  readonly space: PageSpace
  readonly #historySpace: PageSpace
  /** Keys of the unique index being built that two records may have. */
  readonly #suspects = new Map<string, Uint8Array>()
  /** While it is built commits maintain it and nobody reads it. */
  building = false
  /** Its pages are gone, or about to go. */
  dropped = false
  /** A page of it is damaged: nobody reads it, and it is made again. */
  broken = false
  #brokenBy: BlazeError | undefined
  /** Told once when it breaks. */
  onBroken: () => void = () => undefined
  /** Readers at older snapshots cannot use it: it does not hold what they see. */
  readyAt = 0

  constructor(options: IndexOptions) {
    this.spec = options.spec
    this.index = options.index
    this.declared = options.declared
    this.part = options.part
    this.where = options.where
    this.#collection = options.collection
    this.#heap = options.heap
    this.#readSlot = options.readSlot
    this.#readNewest = options.readNewest
    this.space = options.space
    this.#historySpace = options.historySpace
    const { spec, index } = options
    this.#extractor =
      options.where === undefined ? new KeyExtractor(spec) : new KeyExtractor(spec, compilePredicate(options.where))
    const statistics = new IndexStatistics(index.main, spec)
    this.info = {
      name: spec.name,
      parts: spec.parts,
      unique: spec.unique,
      each: spec.each,
      nocase: spec.nocase,
      where: options.where,
      estimate: (bounds) => index.estimateCount(bounds),
      get entryCount() {
        return index.count
      },
      get distinctEstimate() {
        return statistics.distinctKeys()
      },
    }
  }

  /** True when checkpoints hold its pages. */
  get persistent(): boolean {
    return !this.building && !this.broken
  }

  /** Marks it as damaged, or not to be read. */
  break(cause: BlazeError): void {
    if (this.broken) return
    this.broken = true
    this.#brokenBy = cause
    this.onBroken()
  }

  /** Refuses a write that a unique index cannot check while it is damaged. */
  assertCheckable(): void {
    if (!this.broken || !this.spec.unique) return
    const cause = this.#brokenBy
    const text = `the unique index ${this.#collection}.${this.spec.name} cannot be read and is being made again (${cause?.message}); nothing was written. Try again in a moment.`
    if (isBlazeError(cause, 'IO')) throw new BlazeError('IO', text, cause.details, { cause })
    const details = isDamage(cause) ? cause.details : undefined
    throw new BlazeError(
      'CORRUPT',
      text,
      details ?? { file: this.spec.name, offset: 0, expected: 'a sound index', found: 'a damaged page' },
      { cause },
    )
  }

  /** What the catalogue holds. */
  describe(): { readonly [name: string]: Value } {
    const { spec } = this
    return {
      name: spec.name,
      parts: spec.parts.map(({ path, descending }) => ({ path: [...path], descending })),
      unique: spec.unique,
      each: spec.each,
      nocase: spec.nocase,
      declared: this.declared,
      part: this.part,
      where: this.where === undefined ? null : JSON.stringify(toJsonForm(this.where as unknown as Value)),
    }
  }

  usableAt(snapshot: number): boolean {
    return !this.building && !this.broken && this.readyAt <= snapshot
  }

  /** The keys of a record; none when a partial index leaves it out. TOO_LARGE, UNSUPPORTED. */
  keysOf(record: StoredRecord): readonly IndexKey[] {
    const count = this.#extractor.extract(record)
    if (count === 0) return NO_KEYS
    const keys: IndexKey[] = []
    for (let i = 0; i < count; i++) {
      const { bytes, size, complete } = this.#extractor.key(i)
      keys.push({ bytes: bytes.slice(0, size), complete })
    }
    return keys
  }

  /** True when a record has one of these keys. */
  hasAny(record: StoredRecord, keys: readonly IndexKey[]): boolean {
    return keys.length > 0 && without(keys, this.keysOf(record)).length < keys.length
  }

  changes(before: StoredRecord | undefined, after: StoredRecord | undefined): KeyChange {
    const dropped = before === undefined ? NO_KEYS : this.keysOf(before)
    const added = after === undefined ? NO_KEYS : this.keysOf(after)
    if (dropped.length === 0 || added.length === 0) return { index: this, added, dropped }
    return { index: this, added: without(added, dropped), dropped: without(dropped, added) }
  }

  /** As `keysOf`, without an object for each: how many there are, to be looked at by `extracted` before the next call. */
  extract(record: StoredRecord): number {
    return this.#extractor.extract(record)
  }

  /** A key of the record extracted last: the extractor's own buffer. */
  extracted(at: number): ExtractedKey {
    return this.#extractor.key(at)
  }

  /** At a commit: the record in `slot` has the key from now on. */
  add(key: Uint8Array, size: number, complete: boolean, slot: number): void {
    if (this.broken) return
    try {
      if (this.building) this.watchUnique({ bytes: key.slice(0, size), complete }, slot)
      this.index.insert(key, size, slot)
    } catch (error) {
      this.#breakBy(error)
    }
  }

  /**
   * At commit `end`: the record in `slot` no longer has the key, and the entry goes into history. `begin` is the commit
   * since which it had it without a break, 0 when that is not known, so that older versions must be asked.
   */
  supersede(key: Uint8Array, size: number, slot: number, begin: CommitNumber, end: CommitNumber): void {
    if (this.broken) return
    try {
      // An entry that the builder has not made yet was never seen by anybody.
      if (this.building) this.index.remove(key, size, slot)
      else this.index.supersede(key, size, slot, begin, end)
    } catch (error) {
      this.#breakBy(error)
    }
  }

  #breakBy(error: unknown): void {
    if (!isBlazeError(error)) throw error
    this.break(error)
  }

  /** At recovery: without history. */
  replay({ added, dropped }: KeyChange, slot: number): void {
    for (const { bytes } of dropped) this.index.remove(bytes, bytes.length, slot)
    for (const { bytes } of added) this.index.insert(bytes, bytes.length, slot)
  }

  /** Enters the keys of a record whose newest installed version is this; entering them twice does nothing. */
  enter(record: StoredRecord, slot: number): void {
    for (const key of this.keysOf(record)) {
      if (this.building) this.watchUnique(key, slot)
      this.index.insert(key.bytes, key.bytes.length, slot)
    }
  }

  /** While a unique index is built: a key that a second record takes is looked at again when the turn is over. */
  watchUnique(key: IndexKey, slot: number): void {
    if (!this.spec.unique || !key.complete) return
    const holder = this.index.lookupUnique(key.bytes, key.bytes.length)
    if (holder >= 0 && holder !== slot) this.#suspects.set(toHex(key.bytes), key.bytes)
  }

  /** Throws UNIQUE when two records have one key of the unique index that is being built. */
  assertUnique(): void {
    for (const bytes of this.#suspects.values()) {
      const cursor = this.index.main.cursor({ lower: bytes, upper: bytes }, false)
      const first = cursor.next() ? cursor.record : -1
      if (first >= 0 && cursor.next()) {
        throw this.uniqueError(this.#readNewest(cursor.record), this.#readNewest(first).id)
      }
    }
    this.#suspects.clear()
  }

  /** The index takes part in checkpoints from here. */
  persist(): void {
    this.space.persist()
  }

  /** Gives its pages back; it must not be used again. */
  drop(): void {
    this.space.drop()
    this.#historySpace.drop()
  }

  /** What a checkpoint keeps beside the pages. */
  image(): { readonly space: SpaceMeta; readonly numbers: readonly number[] } {
    const { rootPage, height, count, leafCount, interiorCount, leafWords } = this.index.meta()
    return { space: this.space.meta(), numbers: [rootPage, height, count, leafCount, interiorCount, leafWords] }
  }

  /** The record number that has a unique key in the newest installed state, or -1. */
  holderOf({ bytes }: IndexKey): number {
    return this.building ? -1 : this.index.lookupUnique(bytes, bytes.length)
  }

  /** A key's name among all indexes of a database, for maps. */
  uniqueName({ bytes }: IndexKey): string {
    return `${this.space.structure}/${toHex(bytes)}`
  }

  uniqueError(record: StoredRecord | undefined, holder: RecordId): BlazeError<'UNIQUE'> {
    const values = this.spec.parts.map(({ path }) => (record === undefined ? undefined : valueAt(record, path)))
    return new BlazeError(
      'UNIQUE',
      `${this.#collection}.${this.spec.name} is unique and ${JSON.stringify(holder)} has this key already; nothing was written`,
      { index: this.spec.name, key: values, id: holder },
    )
  }

  scan(bounds: KeyBounds, reverse: boolean, snapshot: number): IndexScan {
    return this.index.scan(bounds, reverse, snapshot, {
      newestCommit: (slot) => this.#heap.slots.commitOf(slot),
      keyedAt: (slot, at, key, size) => this.#keyedAt(slot, at, key, size),
    })
  }

  /** Had the record this key at the snapshot? Decides entries whose record has changed since. */
  #keyedAt(slot: number, snapshot: number, key: Uint8Array, size: number): boolean {
    const record = this.#readSlot(slot, snapshot)
    return record !== undefined && this.keysOf(record).some(({ bytes }) => sameKey(bytes, key, size))
  }
}

function without(keys: readonly IndexKey[], others: readonly IndexKey[]): readonly IndexKey[] {
  return keys.filter(({ bytes }) => !others.some((other) => sameKey(other.bytes, bytes, bytes.length)))
}

function sameKey(a: Uint8Array, b: Uint8Array, size: number): boolean {
  if (a.length !== size) return false
  for (let i = 0; i < size; i++) if (a[i] !== b[i]) return false
  return true
}

/** A tree's meta from the numbers of `image`. */
export function treeMeta(numbers: readonly number[]): BTreeMeta {
  const [rootPage = -1, height = 0, count = 0, leafCount = 0, interiorCount = 0, leafWords = 0] = numbers
  return { rootPage, height, count, leafCount, interiorCount, leafWords }
}
