/**
 * The integrity check: every derived structure against the records in the log. Run whenever a test closes a database;
 * costly (it reads everything), so nothing calls it on its own.
 */

import { compareKeys } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import { RecordKey } from '../base/record-key.ts'
import { ZONE_BITS } from '../mvcc/slots.ts'
import type { CollectionState } from './collection-state.ts'
import type { Core } from './core.ts'
import type { IndexState } from './index-state.ts'

const key = new RecordKey()

/** Throws when a structure does not say what the records say. */
export function checkIntegrity(core: Core): void {
  for (const { check } of integrityChecks(core)) check()
}

/** A check of one structure; it throws when the structure does not say what the records say. */
export interface IntegrityCheck {
  readonly part: string
  readonly check: () => void
}

/** Every check, in order: the one of live bytes adds up what those of the records have counted. */
export function integrityChecks(core: Core): IntegrityCheck[] {
  let liveBytes = 0
  const checks: IntegrityCheck[] = []
  const add = (part: string, check: () => void): void => void checks.push({ part, check })
  for (const collection of core.byId.values()) {
    const { name, indexes } = collection
    add(`records of ${name}`, () => {
      liveBytes += checkHeap(core, collection)
    })
    for (const index of indexes) {
      if (!index.building) add(`index ${name}.${index.spec.name}`, () => checkIndex(collection, index))
    }
    add(`columns of ${name}`, () => checkLive(core, collection))
    add(`text of ${name}`, () => checkText(core, collection))
  }
  add('live bytes', () => {
    invariant(liveBytes === core.liveBytes.total, () => `live bytes ${core.liveBytes.total}, counted ${liveBytes}`)
  })
  for (const { id } of core.log.segments()) {
    add(`log segment ${id}`, () => {
      for (const frame of core.log.readSegment(id)) invariant(frame.lsn >= 0, () => 'a frame has a place')
    })
  }
  return checks
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
    const commit = heap.slots.commitOf(slot)
    invariant(commit <= core.installed, () => `slot ${slot} is of a commit to come`)
    invariant(
      commit <= heap.zoneCommit(slot >>> ZONE_BITS),
      () => `slot ${slot} is of ${commit}, above its zone's mark`,
    )
    bytes += core.liveBytes.sizeOf(heap.slots.placeOf(slot))
  }
  invariant(live === heap.liveCount, () => `${collection.name} counts ${heap.liveCount} records and has ${live}`)
  invariant(tombstones === heap.slots.tombstoneCount, () => `${collection.name} counts its tombstones wrong`)
  return bytes
}

/** Where a query has asked for columns: they know which slots have a record. */
function checkLive(core: Core, collection: CollectionState): void {
  const derived = core.derived.made(collection)
  if (derived === undefined) return
  const { live } = derived.columns.prepare([]).finish()
  const { heap } = collection
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    const isLive = live.bytes[slot] === 1
    invariant(isLive === heap.isLive(slot), () => `columns of ${collection.name} say of slot ${slot}: ${isLive}`)
  }
  invariant(live.count === heap.liveCount, () => `columns of ${collection.name} count ${live.count} records`)
}

/** A text index that was searched, caught up, holds the newest version of every record. */
function checkText(core: Core, collection: CollectionState): void {
  const text = core.texts.of(collection)
  if (text?.loaded === undefined) return
  const index = text.prepare(() => undefined).finish()
  const { heap } = collection
  let documents = 0
  index.eachDocument((slot, commit) => {
    documents++
    const found = slot < heap.slots.highSlot ? heap.newestOf(slot) : 0
    invariant(
      found === commit,
      () => `the text of ${collection.name} slot ${slot} is of ${commit}, the record of ${found}`,
    )
  })
  invariant(documents === heap.liveCount, () => `${documents} texts of ${heap.liveCount} records of ${collection.name}`)
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
