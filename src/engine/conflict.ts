/**
 * Conflicts of a transaction, decided at commit against the newest installed state.
 *
 * First committer wins (both levels): a record that the transaction writes must not have been changed since its
 * snapshot. Serializable also tests what was read: ids (absent ones too) and predicates. For each record changed since
 * the snapshot its image then and its image now are tested against each predicate: a change that moves a record into
 * or out of what was read, or changes one that was read, conflicts; any other does not. Images between the two do not
 * matter: the transaction takes its place in the order at its commit. (Neumann, Mühlbauer, Kemper: "Fast Serializable
 * Multi-Version Concurrency Control for Main-Memory Database Systems", 2015.)
 */
import { BlazeError } from '../base/errors.ts'
import type { CommitNumber, RecordId } from '../base/ids.ts'
import { RecordKey } from '../base/record-key.ts'
import type { StoredRecord } from '../base/values.ts'
import type { CollectionState } from './collection-state.ts'
import { conflictWith } from './conflict-error.ts'
import type { Core } from './core.ts'
import type { WriteSet } from './write-set.ts'

/** A predicate as a read left it. */
export interface TrackedPredicate {
  readonly collection: CollectionState
  readonly matches: (record: StoredRecord) => boolean
}

/** What a transaction read, as data. */
export class ReadSet {
  readonly points: Map<CollectionState, Set<RecordId>> = new Map()
  readonly predicates: TrackedPredicate[] = []

  notePoint(collection: CollectionState, id: RecordId): void {
    let ids = this.points.get(collection)
    if (ids === undefined) {
      ids = new Set()
      this.points.set(collection, ids)
    }
    ids.add(id)
  }

  get isEmpty(): boolean {
    return this.points.size === 0 && this.predicates.length === 0
  }

  clear(): void {
    this.points.clear()
    this.predicates.length = 0
  }
}

const key = new RecordKey()

/** Throws CONFLICT when a record that is written was changed after `snapshot`. */
export function validateWrites(writes: WriteSet, snapshot: CommitNumber): void {
  for (const { collection, id } of writes.entries()) {
    if (collection.dropped) throw droppedSince(collection)
    assertUnchanged(collection, id, snapshot)
  }
}

/** Throws CONFLICT when an id that was read was changed after `snapshot`. */
export function validatePoints(reads: ReadSet, snapshot: CommitNumber): void {
  for (const [collection, ids] of reads.points) {
    if (collection.dropped) throw droppedSince(collection)
    if (collection.heap.newestCommit <= snapshot) continue
    for (const id of ids) assertUnchanged(collection, id, snapshot)
  }
}

/**
 * Tests up to `most` writes after `upTo` against the predicates. Returns the commit up to which all were tested.
 * Throws CONFLICT naming the record.
 */
export function validatePredicates(
  core: Core,
  reads: ReadSet,
  snapshot: CommitNumber,
  upTo: number,
  most: number,
): number {
  if (reads.predicates.length === 0) return core.installed
  for (const { collection } of reads.predicates) if (collection.dropped) throw droppedSince(collection)
  const visited = core.recent.visitAfter(upTo, most, (collection, slot) => {
    const hit = conflictsIn(reads, snapshot, collection, slot)
    if (hit !== undefined) throw conflictWith(collection, hit.id)
    return false
  })
  return visited.upTo
}

function conflictsIn(
  reads: ReadSet,
  snapshot: CommitNumber,
  collection: CollectionState,
  slot: number,
): StoredRecord | undefined {
  let images: readonly StoredRecord[] | undefined
  for (const predicate of reads.predicates) {
    if (predicate.collection !== collection || collection.dropped) continue
    images ??= imagesOf(collection, slot, snapshot)
    const hit = images.find(predicate.matches)
    if (hit !== undefined) return hit
  }
  return undefined
}

/** The record as the snapshot has it and as it is now; none, one or two. */
function imagesOf(collection: CollectionState, slot: number, snapshot: CommitNumber): StoredRecord[] {
  const images: StoredRecord[] = []
  const before = collection.readSlot(slot, snapshot)
  if (before !== undefined) images.push(before)
  if (collection.heap.isLive(slot)) images.push(collection.readNewest(slot))
  return images
}

function droppedSince(collection: CollectionState): BlazeError<'CONFLICT'> {
  return new BlazeError(
    'CONFLICT',
    `${collection.name} was dropped since this transaction read it; nothing was written. Run the transaction again.`,
    { records: [] },
  )
}

function assertUnchanged(collection: CollectionState, id: RecordId, snapshot: CommitNumber): void {
  if (!key.set(id)) return
  const { heap } = collection
  const slot = heap.find(key)
  if (slot < 0 || heap.slots.commitOf(slot) <= snapshot) return
  // Made and deleted again since: it was absent then and is absent now.
  if (!heap.isLive(slot) && heap.commitAt(slot, snapshot) === 0) return
  throw conflictWith(collection, id)
}
