/**
 * Where writes are evaluated: against the newest installed state (single calls and batches, installed in the same turn)
 * or against a transaction's snapshot with its own writes laid over it.
 */
import { BlazeError } from '../base/errors.ts'
import type { CommitNumber, RecordId } from '../base/ids.ts'
import { RecordKey } from '../base/record-key.ts'
import type { StoredRecord } from '../base/values.ts'
import type { CollectionState } from './collection-state.ts'
import type { ReadSet } from './conflict.ts'
import type { Core } from './core.ts'
import type { IndexKey, IndexState } from './index-state.ts'
import { type WriteEntry, WriteSet } from './write-set.ts'
import { MAX_WRITE_SET_BYTES, type WriteContext } from './writes.ts'

const key = new RecordKey()

abstract class BaseContext implements WriteContext {
  readonly core: Core
  readonly writes: WriteSet = new WriteSet()
  readonly maxRecordBytes: number
  readonly newId: () => string
  /**
   * By unique index: ids whose own write took a key, by the key's name. Made when an index is first asked, kept up by
   * each put. An id stays when its write is replaced or undone: whoever asks looks at the write itself.
   */
  #takers: Map<IndexState, Map<string, RecordId[]>> | undefined

  constructor(core: Core) {
    this.core = core
    this.maxRecordBytes = core.options.maxRecordBytes
    this.newId = core.newId
  }

  current(collection: CollectionState, id: RecordId): StoredRecord | undefined {
    const own = this.writes.find(collection, id)
    return own === undefined ? this.committed(collection, id) : own.after
  }

  /** It is done with; what it held is given up. */
  release(): void {
    this.writes.release()
    this.#takers = undefined
  }

  findUnique(collection: CollectionState, name: string, record: StoredRecord): RecordId | undefined {
    const index = collection.indexes.find((each) => each.spec.name === name)
    if (index === undefined || !index.spec.unique) {
      throw new BlazeError(
        'INVALID_ARGUMENT',
        `upsert on '${name}': ${collection.name} has no unique index of that name; nothing was written`,
        { argument: 'on' },
      )
    }
    for (const each of index.keysOf(record)) {
      if (!each.complete) continue
      const holder = this.holderOf(collection, index, each)
      if (holder !== undefined) return holder
    }
    return undefined
  }

  admit(bytes: number): void {
    const { memoryBytes, maxRecordBytes } = this.core.options
    const limit = Math.min(MAX_WRITE_SET_BYTES, Math.max(memoryBytes, 2 * maxRecordBytes))
    const actual = this.writes.sizeBytes + bytes
    if (actual <= limit) return
    throw new BlazeError(
      'MEMORY_LIMIT',
      `one transaction or batch may write ${limit} bytes, which is what memoryBytes allows; nothing was written. Do it in parts.`,
      { limit, actual },
    )
  }

  abstract checkUnique(
    collection: CollectionState,
    id: RecordId,
    before: StoredRecord | undefined,
    bytes: Uint8Array,
  ): void

  abstract result(entry: WriteEntry): StoredRecord | undefined

  protected abstract committed(collection: CollectionState, id: RecordId): StoredRecord | undefined

  /** The record that holds a unique key as this context sees it. */
  protected holderOf(collection: CollectionState, index: IndexState, wanted: IndexKey): RecordId | undefined {
    const name = index.uniqueName(wanted)
    for (const id of this.#takersOf(collection, index).get(name) ?? []) {
      const after = this.writes.find(collection, id)?.after
      if (after !== undefined && index.keysOf(after).some((each) => index.uniqueName(each) === name)) return id
    }
    const holder = this.committedHolder(collection, index, wanted)
    // An own write of the holder that keeps the key was found above; any other one gives it up.
    return holder === undefined || this.writes.find(collection, holder) !== undefined ? undefined : holder
  }

  notePut(entry: WriteEntry): void {
    if (this.#takers === undefined) return
    for (const index of entry.collection.indexes) {
      const takers = this.#takers.get(index)
      if (takers !== undefined) noteTaker(takers, index, entry)
    }
  }

  protected abstract committedHolder(
    collection: CollectionState,
    index: IndexState,
    wanted: IndexKey,
  ): RecordId | undefined

  #takersOf(collection: CollectionState, index: IndexState): Map<string, RecordId[]> {
    this.#takers ??= new Map()
    let takers = this.#takers.get(index)
    if (takers !== undefined) return takers
    takers = new Map()
    this.#takers.set(index, takers)
    for (const entry of this.writes.of(collection)) noteTaker(takers, index, entry)
    return takers
  }
}

function noteTaker(takers: Map<string, RecordId[]>, index: IndexState, { id, after }: WriteEntry): void {
  if (after === undefined) return
  for (const each of index.keysOf(after)) {
    const name = index.uniqueName(each)
    const ids = takers.get(name)
    if (ids === undefined) takers.set(name, [id])
    else if (!ids.includes(id)) ids.push(id)
  }
}

/** A single call or a batch: evaluated and installed in one turn, so it never conflicts. */
export class DirectContext extends BaseContext {
  /** Begins another call after a release. */
  reset(): this {
    this.writes.reset()
    return this
  }

  /** The commit checks unique keys in this same turn. */
  override checkUnique(): void {
    return
  }

  override result(entry: WriteEntry): StoredRecord | undefined {
    return this.writes.share(entry)
  }

  protected override committed(collection: CollectionState, id: RecordId): StoredRecord | undefined {
    if (!key.set(id)) return undefined
    const slot = collection.heap.find(key)
    return slot >= 0 && collection.heap.isLive(slot) ? collection.readNewest(slot, id) : undefined
  }

  protected override committedHolder(
    collection: CollectionState,
    index: IndexState,
    wanted: IndexKey,
  ): RecordId | undefined {
    const slot = index.holderOf(wanted)
    return slot < 0 ? undefined : collection.idAt(collection.heap.slots.placeOf(slot))
  }
}

/** A transaction: its snapshot, its own writes, and what it read. */
export class TransactionContext extends BaseContext {
  readonly snapshot: CommitNumber
  /** Undefined at isolation `snapshot` and in read-only transactions. */
  readonly reads: ReadSet | undefined

  constructor(core: Core, snapshot: CommitNumber, reads: ReadSet | undefined) {
    super(core)
    this.snapshot = snapshot
    this.reads = reads
  }

  override release(): void {
    super.release()
    this.reads?.clear()
  }

  override checkUnique(
    collection: CollectionState,
    id: RecordId,
    before: StoredRecord | undefined,
    bytes: Uint8Array,
  ): void {
    if (!collection.indexes.some(({ spec }) => spec.unique)) return
    const after = collection.codec.decode(bytes, 0, bytes.length, id)
    for (const index of collection.indexes) {
      if (!index.spec.unique) continue
      for (const each of index.changes(before, after).added) {
        if (!each.complete) continue
        const holder = this.holderOf(collection, index, each)
        if (holder !== undefined && holder !== id) throw index.uniqueError(after, holder)
      }
    }
  }

  /** The set lives on, and so does the caller's object. */
  override result(entry: WriteEntry): StoredRecord | undefined {
    return entry.after
  }

  protected override committed(collection: CollectionState, id: RecordId): StoredRecord | undefined {
    this.reads?.notePoint(collection, id)
    return key.set(id) ? collection.get(key, this.snapshot, id) : undefined
  }

  /** Only a holder that the snapshot has: one that came since is a conflict, which the commit finds. */
  protected override committedHolder(
    collection: CollectionState,
    index: IndexState,
    wanted: IndexKey,
  ): RecordId | undefined {
    const slot = index.holderOf(wanted)
    if (slot < 0 || collection.heap.slots.commitOf(slot) > this.snapshot) return undefined
    const id = collection.idAt(collection.heap.slots.placeOf(slot))
    // A refusal that the user's function catches rests on this record.
    this.reads?.notePoint(collection, id)
    return id
  }
}
