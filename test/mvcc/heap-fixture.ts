/** A version heap over pages in memory, with places that stand for the log: place → the id that lies there. */
import type { CommitNumber, Lsn, RecordId, StructureId } from '../../src/base/ids.ts'
import { RecordKey } from '../../src/base/record-key.ts'
import { History } from '../../src/mvcc/history.ts'
import { SnapshotRegistry } from '../../src/mvcc/snapshots.ts'
import { VersionHeap } from '../../src/mvcc/version-heap.ts'
import { Budget } from '../../src/pages/budget.ts'
import { PageStore } from '../../src/pages/page-table.ts'

export interface HeapStage {
  readonly heap: VersionHeap
  readonly history: History
  readonly snapshots: SnapshotRegistry
  /** What lies at each place. */
  readonly idAt: Map<number, RecordId>
  /** Places that history gave up. */
  readonly dropped: Set<number>
  /** A place for a new version of a record. */
  place(id: RecordId): Lsn
}

const PLACE_STEP = 8

export function heapStage(hashSeed: number): HeapStage {
  const budget = new Budget(1 << 28)
  const store = new PageStore(budget, () => {
    throw new Error('nothing was evicted, so nothing is loaded')
  })
  const snapshots = new SnapshotRegistry()
  const history = new History(snapshots)
  const idAt = new Map<number, RecordId>()
  const dropped = new Set<number>()
  history.onDrop = (place) => dropped.add(place)
  const heap = new VersionHeap({
    store,
    history,
    slotsStructure: 1 as StructureId,
    bucketsStructure: 2 as StructureId,
    hashSeed,
    sameId: (place, key) => {
      const other = new RecordKey()
      const id = idAt.get(place)
      if (id === undefined || !other.set(id)) return false
      return (
        other.idSize === key.idSize &&
        Buffer.compare(other.idBytes.subarray(0, other.idSize), key.idBytes.subarray(0, key.idSize)) === 0
      )
    },
  })
  // Segments begin at 1: a place of 0 is none.
  let next = 0x1000000
  return {
    heap,
    history,
    snapshots,
    idAt,
    dropped,
    place(id) {
      next += PLACE_STEP
      idAt.set(next, id)
      return next as Lsn
    },
  }
}

const key = new RecordKey()

/** Sets the one key of these tests. */
export function keyOf(id: RecordId): RecordKey {
  if (!key.set(id)) throw new RangeError(`${String(id)} is no id`)
  return key
}

export function commitNumber(n: number): CommitNumber {
  return n as CommitNumber
}
