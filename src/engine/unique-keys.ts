/** Unique keys of one write set: against each other, and against the newest installed state. In the commit's turn. */
import type { CommitNumber, RecordId } from '../base/ids.ts'
import type { CollectionState } from './collection-state.ts'
import { conflictWith } from './conflict-error.ts'
import type { KeyChanges } from './key-changes.ts'
import type { WriteEntry } from './write-set.ts'

/** A write and its rows of key changes. */
interface UniqueClaim {
  readonly collection: CollectionState
  /** Slot of the record before; -1 when there is none. */
  readonly slot: number
  readonly keysFrom: number
  readonly keysTo: number
  /** Undefined for what the engine writes itself. */
  readonly entry: WriteEntry | undefined
}

/** Unique keys that one write set gives up and takes, by index and key. */
export interface UniqueKeys {
  readonly released: Set<string>
  readonly taken: Map<string, RecordId>
}

/** Notes what rows [from, to) of one entry do to unique keys; throws UNIQUE when two entries take one. */
export function noteUnique(
  unique: UniqueKeys,
  keys: KeyChanges,
  { from, to }: { readonly from: number; readonly to: number },
  entry: WriteEntry,
): void {
  keys.forUnique(from, to, (index, key, added) => {
    const name = index.uniqueName(key)
    if (!added) {
      unique.released.add(name)
      return
    }
    const holder = unique.taken.get(name)
    if (holder !== undefined && holder !== entry.id) throw index.uniqueError(entry.after, holder)
    unique.taken.set(name, entry.id)
  })
}

/**
 * Refuses a key that a record outside the write set holds: UNIQUE, or CONFLICT when it came there after `snapshot`.
 */
export function checkUnique(
  { collection, slot, keysFrom, keysTo, entry }: UniqueClaim,
  keys: KeyChanges,
  unique: UniqueKeys | undefined,
  snapshot: CommitNumber | undefined,
): void {
  keys.forUnique(keysFrom, keysTo, (index, key, added) => {
    if (!added) return
    const holding = index.holderOf(key)
    // A key that this write set releases had one holder, and that holder is giving it up.
    if (holding < 0 || holding === slot || unique?.released.has(index.uniqueName(key))) return
    const { heap } = collection
    const holder = collection.idAt(heap.slots.placeOf(holding))
    if (snapshot !== undefined && heap.slots.commitOf(holding) > snapshot) throw conflictWith(collection, holder)
    throw index.uniqueError(entry?.after, holder)
  })
}
