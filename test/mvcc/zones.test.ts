import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RecordId, StructureId } from '../../src/base/ids.ts'
import { History } from '../../src/mvcc/history.ts'
import { clearLinks, ZONE_BITS, ZONE_SLOTS } from '../../src/mvcc/slots.ts'
import { type SnapshotHold, SnapshotRegistry } from '../../src/mvcc/snapshots.ts'
import { VersionHeap } from '../../src/mvcc/version-heap.ts'
import { Budget } from '../../src/pages/budget.ts'
import { type PageSpace, PageStore } from '../../src/pages/page-table.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { commitNumber, type HeapStage, heapStage, keyOf } from './heap-fixture.ts'

/** What a derived structure knows of a heap: by slot, the commit of the live record there. */
interface Mirror {
  readonly commits: Map<number, number>
  seen: number
}

/** Looks at the zones that have changed since, and at nothing else. */
function catchUp(heap: VersionHeap, mirror: Mirror): number {
  let looked = 0
  for (let zone = 0; zone < heap.slots.zoneCount; zone++) {
    if (heap.zoneCommit(zone) <= mirror.seen) continue
    looked++
    const end = Math.min(heap.slots.highSlot, (zone + 1) * ZONE_SLOTS)
    for (let slot = zone * ZONE_SLOTS; slot < end; slot++) {
      const commit = heap.newestOf(slot)
      if (commit === 0) mirror.commits.delete(slot)
      else mirror.commits.set(slot, commit)
    }
  }
  mirror.seen = heap.newestCommit
  return looked
}

function expectMirrored(heap: VersionHeap, mirror: Mirror): void {
  const expected = new Map<number, number>()
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    if (heap.isLive(slot)) expected.set(slot, heap.slots.commitOf(slot))
    if (heap.slots.isFree(slot) || heap.zoneCommit(slot >>> ZONE_BITS) >= heap.slots.commitOf(slot)) continue
    expect.fail(`slot ${slot} is of ${heap.slots.commitOf(slot)}, above its zone's mark`)
  }
  expect(new Map([...mirror.commits].sort(([a], [b]) => a - b))).toEqual(expected)
}

function put(stage: HeapStage, id: RecordId, commit: number): void {
  const key = keyOf(id)
  stage.heap.put(stage.heap.find(key), key, stage.place(id), commitNumber(commit))
}

/** True when there was one. */
function remove(stage: HeapStage, id: RecordId, commit: number): boolean {
  const key = keyOf(id)
  const slot = stage.heap.find(key)
  if (slot < 0 || !stage.heap.isLive(slot)) return false
  stage.heap.remove(slot, stage.place(id), commitNumber(commit), key.uuid)
  return true
}

function imageOf(space: PageSpace): Uint8Array[] {
  return Array.from({ length: space.pageCount }, (_, page) => space.store.slabs.bytes(space.read(page)).slice())
}

/** The heap as an open has it: from the images of its pages. */
function reopened(stage: HeapStage, hashSeed: number): HeapStage {
  const { slots, buckets } = stage.heap
  const images = new Map([
    [1, imageOf(slots.space)],
    [2, imageOf(buckets.space)],
  ])
  for (const image of images.get(1)!) clearLinks(image)
  const store = new PageStore(new Budget(1 << 28), (structure, page, target) =>
    target.set(images.get(structure)![page]!),
  )
  const snapshots = new SnapshotRegistry()
  const history = new History(snapshots)
  const heap = new VersionHeap({
    store,
    history,
    slotsStructure: 1 as StructureId,
    bucketsStructure: 2 as StructureId,
    hashSeed,
    sameId: () => true,
    meta: stage.heap.meta(),
  })
  heap.newestCommit = stage.heap.newestCommit
  return { ...stage, heap, history, snapshots }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), n: fc.nat(1500) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), n: fc.nat(1500) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), n: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), n: fc.nat(10) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('prune' as const), n: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replay' as const), n: fc.nat(1500) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('catch up' as const), n: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), n: fc.constant(0) }) },
)

describe('zone marks', () => {
  it('lead to every slot that was written, removed or used again since, after an open too', () => {
    const property = fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      let stage = heapStage(7)
      let mirror: Mirror = { commits: new Map(), seen: 0 }
      let holds: SnapshotHold[] = []
      let commit = 0
      for (let n = 0; n < 1200; n++) put(stage, n, ++commit)
      for (const { kind, n } of steps) {
        if (kind === 'put') put(stage, n, ++commit)
        else if (kind === 'remove') commit += remove(stage, n, commit + 1) ? 1 : 0
        else if (kind === 'hold') holds.push(stage.snapshots.acquire(commitNumber(commit), 'test', 0))
        else if (kind === 'release') {
          const hold = holds.splice(n % Math.max(1, holds.length), 1)[0]
          if (hold !== undefined) stage.snapshots.release(hold)
        } else if (kind === 'prune') stage.history.prune(commitNumber(commit), n)
        else if (kind === 'catch up') {
          catchUp(stage.heap, mirror)
          expectMirrored(stage.heap, mirror)
        } else if (kind === 'reopen') {
          stage = reopened(stage, 7)
          holds = []
          mirror = { commits: new Map(), seen: 0 }
        } else if (mirror.seen === 0 && stage.history.count === 0) {
          // Replay comes before anybody looks or writes; a copy carries the commit of what it copies.
          const key = keyOf(n)
          const slot = stage.heap.find(key)
          if (slot < 0) stage.heap.replayPut(slot, key, stage.place(n), commitNumber(Math.max(1, commit >> 1)))
          else stage.heap.replayRemove(slot, commitNumber(++commit))
        }
      }
      catchUp(stage.heap, mirror)
      expectMirrored(stage.heap, mirror)
    })
    fc.assert(property, { seed: seed(), numRuns: effort(60) })
  })

  it('of what has not changed since lead nowhere', () => {
    const stage = heapStage(1)
    const mirror: Mirror = { commits: new Map(), seen: 0 }
    for (let n = 0; n < 3 * ZONE_SLOTS; n++) put(stage, n, n + 1)
    expect([catchUp(stage.heap, mirror), catchUp(stage.heap, mirror)]).toEqual([3, 0])
    put(stage, 700, 5000)
    expect([catchUp(stage.heap, mirror), catchUp(stage.heap, mirror)]).toEqual([1, 0])
  })

  it('see a record that was removed and whose tombstone was freed since', () => {
    const stage = heapStage(1)
    const mirror: Mirror = { commits: new Map(), seen: 0 }
    put(stage, 'x', 1)
    catchUp(stage.heap, mirror)
    remove(stage, 'x', 2)
    while (stage.history.prune(commitNumber(2), 100));
    expect(stage.heap.slots.isFree(0)).toBe(true)
    catchUp(stage.heap, mirror)
    expect(mirror.commits.size).toBe(0)
  })

  it('leave a version that was only moved alone', () => {
    const stage = heapStage(1)
    const mirror: Mirror = { commits: new Map(), seen: 0 }
    put(stage, 'x', 1)
    catchUp(stage.heap, mirror)
    expect(stage.heap.relocate(0, stage.heap.slots.placeOf(0), stage.place('x'))).toBe(true)
    expect(catchUp(stage.heap, mirror)).toBe(0)
  })
})
