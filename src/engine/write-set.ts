/**
 * What a transaction, a batch or a single call wants to write: at most one entry per record, with its encoded bytes in
 * one arena. Later writes of a record replace earlier ones; a journal undoes them back to a savepoint.
 *
 *   entries   one for each record, in the order of first write        arena   bytes bytes bytes …
 *   journal   what was replaced, and as which write
 *
 * A set holds bytes only. Whoever needs a record decodes it, so nobody holds an object that somebody else may change,
 * and a batch leaves no thousand records behind for the garbage collector.
 */
import type { RecordId } from '../base/ids.ts'
import type { StoredRecord } from '../base/values.ts'
import type { CollectionState } from './collection-state.ts'

/** One record's new state. */
export class WriteEntry {
  readonly collection: CollectionState
  readonly id: RecordId
  /** Its bytes in the arena, [start, end); both 0 for a delete. */
  readonly start: number
  readonly end: number
  readonly #writes: WriteSet

  constructor(writes: WriteSet, collection: CollectionState, id: RecordId, start: number, end: number) {
    this.#writes = writes
    this.collection = collection
    this.id = id
    this.start = start
    this.end = end
  }

  /** False for a delete. */
  get isPut(): boolean {
    return this.end > 0
  }

  /** The record: a fresh object, but for one that was shared; undefined for a delete. */
  get after(): StoredRecord | undefined {
    return this.#writes.recordOf(this)
  }
}

interface Undo {
  /** Which write of the set it was. */
  readonly write: number
  readonly at: number
  readonly previous: WriteEntry
}

const NO_BYTES: Uint8Array = new Uint8Array(0)
const MIN_ARENA = 4096

/**
 * Arenas of sets that were released: single calls and small transactions come and go, and a buffer for each would be
 * most of what the garbage collector sees of them.
 */
const spares: Uint8Array[] = []
/** As many as transactions are usually open at once. */
const MAX_SPARES = 16
/** A larger arena is not kept. */
const SPARE_BYTES = 0x100000

/** Below this many entries a look through the list beats two maps. */
const INDEX_FROM = 8

export class WriteSet {
  readonly #entries: WriteEntry[] = []
  #index: Map<CollectionState, Map<RecordId, number>> | undefined
  readonly #journal: Undo[] = []
  #arena: Uint8Array = NO_BYTES
  #size = 0
  #sharedOf: WriteEntry | undefined
  #shared: StoredRecord | undefined

  /** The arena; entries point into it. It is another one after a `put`. */
  get arena(): Uint8Array {
    return this.#arena
  }

  /** Bytes of encoded records held, replaced ones included. */
  get sizeBytes(): number {
    return this.#size
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** The entries, in order of first write: the set's own array, to be read at once. */
  entries(): readonly WriteEntry[] {
    return this.#entries
  }

  /** The entry for a record. */
  find(collection: CollectionState, id: RecordId): WriteEntry | undefined {
    const at = this.#placeOf(collection, id)
    return at < 0 ? undefined : this.#entries[at]
  }

  /** True when anything of this collection is written. */
  touches(collection: CollectionState): boolean {
    return this.#entries.some((entry) => entry.collection === collection)
  }

  /** The entries of one collection. */
  *of(collection: CollectionState): Generator<WriteEntry> {
    for (const entry of this.#entries) if (entry.collection === collection) yield entry
  }

  /** Writes a record: `bytes` are copied. */
  put(collection: CollectionState, id: RecordId, bytes: Uint8Array): WriteEntry {
    const start = this.#size
    const end = start + bytes.length
    if (end > this.#arena.length) this.#grow(end)
    this.#arena.set(bytes, start)
    this.#size = end
    return this.#set(new WriteEntry(this, collection, id, start, end))
  }

  /** Deletes a record. */
  remove(collection: CollectionState, id: RecordId): void {
    this.#set(new WriteEntry(this, collection, id, 0, 0))
  }

  /** The record of an entry: a fresh object, but for one that was shared; undefined for a delete. */
  recordOf(entry: WriteEntry): StoredRecord | undefined {
    if (!entry.isPut) return undefined
    if (entry === this.#sharedOf) return this.#shared
    return entry.collection.codec.decode(this.#arena, entry.start, entry.end, entry.id)
  }

  /**
   * The record as it will be the caller's, who gets it when the commit is made: until then, in this turn, `recordOf` gives
   * the same object, and nobody looks at it afterwards.
   */
  share(entry: WriteEntry): StoredRecord | undefined {
    this.#shared = this.recordOf(entry)
    this.#sharedOf = entry
    return this.#shared
  }

  /**
   * The set is done with: its arena may serve another one. What looks into it afterwards finds nothing. One entry stays,
   * for the sake of its hidden class: see `Collection.#spare`.
   */
  release(): void {
    keepSpare(this.#arena)
    this.#arena = NO_BYTES
    this.#sharedOf = undefined
    this.#shared = undefined
    this.#index = undefined
    if (this.#entries.length > 1) this.#entries.length = 1
    this.#journal.length = 0
  }

  /** Begins anew after a release. */
  reset(): void {
    this.#entries.length = 0
    this.#size = 0
  }

  #grow(size: number): void {
    const arena = takeSpare(size) ?? new Uint8Array(Math.max(MIN_ARENA, size, this.#arena.length * 2))
    arena.set(this.#arena.subarray(0, this.#size))
    keepSpare(this.#arena)
    this.#arena = arena
  }

  /** A mark to undo to: how many writes there were. */
  savepoint(): number {
    return this.#entries.length + this.#journal.length
  }

  /** Undoes everything written since the mark. */
  undoTo(mark: number): void {
    const journal = this.#journal
    while (journal.length > 0 && journal[journal.length - 1]!.write >= mark) {
      const { at, previous } = journal.pop()!
      this.#entries[at] = previous
    }
    // Each write that replaced nothing added an entry behind all others.
    const count = mark - journal.length
    while (this.#entries.length > count) {
      const gone = this.#entries.pop()!
      this.#index?.get(gone.collection)?.delete(gone.id)
    }
  }

  #set(entry: WriteEntry): WriteEntry {
    const at = this.#placeOf(entry.collection, entry.id)
    if (at >= 0) {
      this.#journal.push({ write: this.savepoint(), at, previous: this.#entries[at]! })
      this.#entries[at] = entry
      return entry
    }
    const next = this.#entries.push(entry) - 1
    if (this.#index !== undefined) this.#note(entry, next)
    else if (next >= INDEX_FROM) {
      this.#index = new Map()
      for (const [position, each] of this.#entries.entries()) this.#note(each, position)
    }
    return entry
  }

  #placeOf(collection: CollectionState, id: RecordId): number {
    if (this.#index !== undefined) return this.#index.get(collection)?.get(id) ?? -1
    const entries = this.#entries
    for (let at = 0; at < entries.length; at++) {
      if (entries[at]!.id === id && entries[at]!.collection === collection) return at
    }
    return -1
  }

  #note(entry: WriteEntry, at: number): void {
    let ids = this.#index!.get(entry.collection)
    if (ids === undefined) {
      ids = new Map()
      this.#index!.set(entry.collection, ids)
    }
    ids.set(entry.id, at)
  }
}

function keepSpare(arena: Uint8Array): void {
  if (arena.length > 0 && arena.length <= SPARE_BYTES && spares.length < MAX_SPARES) spares.push(arena)
}

function takeSpare(size: number): Uint8Array | undefined {
  for (let at = spares.length - 1; at >= 0; at--) {
    const arena = spares[at]!
    if (arena.length < size) continue
    spares[at] = spares[spares.length - 1]!
    spares.pop()
    return arena
  }
  return undefined
}
