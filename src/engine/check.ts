/**
 * The integrity check: every derived structure against the records in the log. Run whenever a test closes a database;
 * costly (it reads everything), so nothing calls it on its own.
 */

import { compareKeys } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import { RecordKey } from '../base/record-key.ts'
import type { CollectionState } from './collection-state.ts'
import type { Core } from './core.ts'
import type { IndexState } from './index-state.ts'

const key = new RecordKey()

/** Throws when a structure does not say what the records say. */
export function checkIntegrity(core: Core): void {
  let liveBytes = 0
  for (const collection of core.byId.values()) {
    liveBytes += checkHeap(core, collection)
    for (const index of collection.indexes) if (!index.building) checkIndex(collection, index)
  }
  invariant(liveBytes === core.liveBytes.total, () => `live bytes ${core.liveBytes.total}, counted ${liveBytes}`)
  for (const { id } of core.log.segments())
    for (const frame of core.log.readSegment(id)) invariant(frame.lsn >= 0, () => 'a frame has a place')
}

/** Slots, buckets and counts of one collection; gives its live bytes. */
function checkHeap(core: Core, collection: CollectionState): number {
  const { heap } = collection
  let live = 0
  let tombstones = 0
  let bytes = 0
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    if (heap.slots.isFree(slot)) continue
    if (heap.slots.isTombstone(slot)) {
      tombstones++
      continue
    }
    live++
    const record = collection.readNewest(slot)
    invariant(key.set(record.id), () => `record ${record.id} of ${collection.name} has no valid id`)
    const found = heap.find(key)
    invariant(found === slot, () => `${collection.name} ${record.id} is in slot ${slot}, its bucket says ${found}`)
    invariant(heap.slots.commitOf(slot) <= core.installed, () => `slot ${slot} is of a commit to come`)
    bytes += core.liveBytes.sizeOf(heap.slots.placeOf(slot))
  }
  invariant(live === heap.liveCount, () => `${collection.name} counts ${heap.liveCount} records and has ${live}`)
  invariant(tombstones === heap.slots.tombstoneCount, () => `${collection.name} counts its tombstones wrong`)
  return bytes
}

/** The index holds exactly the keys of the newest installed records. */
function checkIndex(collection: CollectionState, index: IndexState): void {
  index.index.check()
  const { heap } = collection
  let expected = 0
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    if (!heap.isLive(slot)) continue
    for (const { bytes } of index.keysOf(collection.readNewest(slot))) {
      expected++
      const cursor = index.index.main.cursor({ lower: bytes, upper: bytes }, false)
      let found = false
      while (!found && cursor.next()) {
        found = cursor.record === slot && compareKeys(cursor.keyBytes.subarray(0, cursor.keySize), bytes) === 0
      }
      invariant(found, () => `${collection.name}.${index.spec.name} lacks an entry of slot ${slot}`)
    }
  }
  invariant(
    expected === index.index.count,
    () => `${collection.name}.${index.spec.name} has ${index.index.count} entries, the records give ${expected}`,
  )
}
