/** Unique keys of one write set: against each other, and against the newest installed state. In the commit's turn. */
import type { CommitNumber, RecordId } from '../base/ids.ts'
import type { StoredRecord } from '../base/values.ts'
import type { CollectionState } from './collection-state.ts'
import { conflictWith } from './conflict-error.ts'
import type { KeyChange } from './index-state.ts'
import type { WriteEntry } from './write-set.ts'

/** A record's new state and the keys it takes. */
interface UniqueClaim {
  readonly collection: CollectionState
  /** Slot of the record before; -1 when there is none. */
  readonly slot: number
  readonly keys: readonly KeyChange[] | undefined
  readonly after: StoredRecord | undefined
}

/** Unique keys that one write set gives up and takes, by index and key. */
export interface UniqueKeys {
  readonly released: Set<string>
  readonly taken: Map<string, RecordId>
}

/** Notes what one entry does to unique keys; throws UNIQUE when two entries take one. */
export function noteUnique(unique: UniqueKeys, keys: readonly KeyChange[], { id, after }: WriteEntry): void {
  for (const { index, added, dropped } of keys) {
    if (!index.spec.unique) continue
    for (const each of dropped) unique.released.add(index.uniqueName(each))
    for (const each of added) {
      if (!each.complete) continue
      const holder = unique.taken.get(index.uniqueName(each))
      if (holder !== undefined && holder !== id) throw index.uniqueError(after, holder)
      unique.taken.set(index.uniqueName(each), id)
    }
  }
}

/**
 * Refuses a key that a record outside the write set holds: UNIQUE, or CONFLICT when it came there after `snapshot`.
 */
export function checkUnique(
  plan: UniqueClaim,
  unique: UniqueKeys | undefined,
  snapshot: CommitNumber | undefined,
): void {
  for (const { index, added } of plan.keys ?? []) {
    if (!index.spec.unique) continue
    for (const each of added) {
      if (!each.complete) continue
      const slot = index.holderOf(each)
      // A key that this write set releases had one holder, and that holder is giving it up.
      if (slot < 0 || slot === plan.slot || unique?.released.has(index.uniqueName(each))) continue
      const { heap } = plan.collection
      const holder = plan.collection.idAt(heap.slots.placeOf(slot))
      if (snapshot !== undefined && heap.slots.commitOf(slot) > snapshot) throw conflictWith(plan.collection, holder)
      throw index.uniqueError(plan.after, holder)
    }
  }
}
