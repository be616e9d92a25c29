/**
 * What a transaction, a batch or a single call wants to write: at most one entry per record, with its encoded bytes in
 * one arena. Later writes of a record replace earlier ones; a journal undoes them back to a savepoint.
 */
import type { RecordId } from '../base/ids.ts'
import type { StoredRecord } from '../base/values.ts'
import type { CollectionState } from './collection-state.ts'

/** One record's new state. */
export interface WriteEntry {
  readonly collection: CollectionState
  readonly id: RecordId
  /** Undefined for a delete. The engine's own object: never handed out. */
  readonly after: StoredRecord | undefined
  /** Its bytes in the arena, [start, end); both 0 for a delete. */
  readonly start: number
  readonly end: number
}

interface Undo {
  readonly at: number
  readonly previous: WriteEntry | undefined
}

/**
 * The arena of a set that was released: single calls come and go in one turn, and a buffer for each would be most of what
 * the garbage collector sees of them.
 */
let spare: Uint8Array | undefined
const NO_BYTES: Uint8Array = new Uint8Array(0)
const MIN_ARENA = 4096
/** A larger arena is not kept. */
const SPARE_BYTES = 0x100000

/** Below this many entries a look through the list beats two maps. */
const INDEX_FROM = 8

export class WriteSet {
  /** In the order of first write; a hole where a savepoint was undone. */
  #entries: (WriteEntry | undefined)[] = []
  #index: Map<CollectionState, Map<RecordId, number>> | undefined
  readonly #journal: Undo[] = []
  #arena: Uint8Array = NO_BYTES
  #size = 0

  /** The arena; entries point into it. It is another one after a `put`. */
  get arena(): Uint8Array {
    return this.#arena
  }

  /** Bytes of encoded records held, replaced ones included. */
  get sizeBytes(): number {
    return this.#size
  }

  get isEmpty(): boolean {
    return !this.#entries.some((entry) => entry !== undefined)
  }

  /** The entries, in order. */
  entries(): readonly WriteEntry[] {
    return this.#entries.filter((entry) => entry !== undefined)
  }

  /** The entry for a record. */
  find(collection: CollectionState, id: RecordId): WriteEntry | undefined {
    if (this.#index !== undefined) {
      const at = this.#index.get(collection)?.get(id)
      return at === undefined ? undefined : this.#entries[at]
    }
    for (const entry of this.#entries) if (entry?.collection === collection && entry.id === id) return entry
    return undefined
  }

  /** True when anything of this collection is written. */
  touches(collection: CollectionState): boolean {
    for (const entry of this.#entries) if (entry?.collection === collection) return true
    return false
  }

  /** The entries of one collection. */
  *of(collection: CollectionState): Generator<WriteEntry> {
    for (const entry of this.#entries) if (entry?.collection === collection) yield entry
  }

  /** Writes a record: `bytes` are copied, `after` becomes the set's own. */
  put(collection: CollectionState, id: RecordId, bytes: Uint8Array, after: StoredRecord): void {
    const start = this.#size
    const end = start + bytes.length
    if (end > this.#arena.length) this.#grow(end)
    this.#arena.set(bytes, start)
    this.#size = end
    this.#set({ collection, id, after, start, end })
  }

  /** Deletes a record. */
  remove(collection: CollectionState, id: RecordId): void {
    this.#set({ collection, id, after: undefined, start: 0, end: 0 })
  }

  /** The set is done with: its arena may serve the next one. Nothing may look into it afterwards. */
  release(): void {
    if (this.#arena.length <= SPARE_BYTES && this.#arena.length > (spare?.length ?? 0)) spare = this.#arena
    this.#arena = NO_BYTES
  }

  #grow(size: number): void {
    let arena: Uint8Array = NO_BYTES
    if (spare !== undefined && spare.length >= size) {
      arena = spare
      spare = undefined
    } else arena = new Uint8Array(Math.max(MIN_ARENA, size, this.#arena.length * 2))
    arena.set(this.#arena.subarray(0, this.#size))
    this.#arena = arena
  }

  /** A mark to undo to. */
  savepoint(): number {
    return this.#journal.length
  }

  /** Undoes everything written since the mark. */
  undoTo(mark: number): void {
    while (this.#journal.length > mark) {
      const { at, previous } = this.#journal.pop()!
      const current = this.#entries[at]!
      this.#entries[at] = previous
      if (previous === undefined) this.#index?.get(current.collection)?.delete(current.id)
    }
  }

  #set(entry: WriteEntry): void {
    const at = this.#slotOf(entry)
    if (at >= 0) {
      this.#journal.push({ at, previous: this.#entries[at] })
      this.#entries[at] = entry
      return
    }
    const next = this.#entries.push(entry) - 1
    this.#journal.push({ at: next, previous: undefined })
    if (this.#index !== undefined) this.#note(entry, next)
    else if (next >= INDEX_FROM) {
      this.#index = new Map()
      this.#entries.forEach((each, position) => {
        if (each !== undefined) this.#note(each, position)
      })
    }
  }

  #slotOf(entry: WriteEntry): number {
    if (this.#index !== undefined) return this.#index.get(entry.collection)?.get(entry.id) ?? -1
    return this.#entries.findIndex((each) => each?.collection === entry.collection && each.id === entry.id)
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
