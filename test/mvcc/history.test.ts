import { describe, expect, it } from 'vitest'
import type { SnapshotHold } from '../../src/mvcc/snapshots.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { seed } from '../support/seed.ts'
import { commitNumber, type HeapStage, heapStage, keyOf } from './heap-fixture.ts'

/** What history keeps: exactly the versions that a live snapshot sees, or that a reader at `visible` still may. */
function update(stage: HeapStage, id: string, commit: number): number {
  const key = keyOf(id)
  const place = stage.place(id)
  stage.heap.put(stage.heap.find(key), key, place, commitNumber(commit))
  return place
}

function pruneAll(stage: HeapStage, visible: number): void {
  while (stage.history.prune(commitNumber(visible), 64));
}

describe('history', () => {
  it('gives up a version that no live snapshot sees, even while an older snapshot lives', () => {
    const stage = heapStage(1)
    const places = [update(stage, 'x', 1)]
    const old = stage.snapshots.acquire(commitNumber(1), 'old', 0)
    for (let commit = 2; commit <= 100; commit++) places.push(update(stage, 'x', commit))
    const middle = stage.snapshots.acquire(commitNumber(50), 'middle', 0)
    for (let commit = 101; commit <= 200; commit++) places.push(update(stage, 'x', commit))
    pruneAll(stage, 200)
    expect(stage.history.count).toBe(2)
    const slot = stage.heap.find(keyOf('x'))
    expect([1, 50, 200].map((snapshot) => stage.heap.placeAt(slot, snapshot))).toEqual([
      places[0],
      places[49],
      places[199],
    ])
    stage.snapshots.release(old)
    pruneAll(stage, 200)
    expect(stage.dropped.has(places[0]!)).toBe(true)
    expect(stage.history.count).toBe(1)
    stage.snapshots.release(middle)
    pruneAll(stage, 200)
    expect(stage.history.count).toBe(0)
    expect(stage.heap.slots.linkOf(slot)).toBe(0)
  })

  it('keeps what is not yet visible to all: a reader may still come', () => {
    const stage = heapStage(1)
    const first = update(stage, 'x', 1)
    update(stage, 'x', 2)
    update(stage, 'x', 3)
    pruneAll(stage, 1)
    expect(stage.history.count).toBe(2)
    const slot = stage.heap.find(keyOf('x'))
    expect(stage.heap.placeAt(slot, 1)).toBe(first)
    pruneAll(stage, 2)
    expect(stage.history.count).toBe(1)
    pruneAll(stage, 3)
    expect(stage.history.count).toBe(0)
  })

  it('hands a version on to the next snapshot that sees it, and drops it after the last', () => {
    const stage = heapStage(1)
    const place = update(stage, 'x', 1)
    const holds = [1, 3, 5, 5].map((commit) => stage.snapshots.acquire(commitNumber(commit), `at ${commit}`, 0))
    update(stage, 'x', 9)
    pruneAll(stage, 9)
    for (const at of [2, 0, 3]) {
      stage.snapshots.release(holds[at]!)
      pruneAll(stage, 9)
      expect(stage.dropped.has(place)).toBe(false)
    }
    stage.snapshots.release(holds[1]!)
    pruneAll(stage, 9)
    expect(stage.dropped.has(place)).toBe(true)
  })

  it('works in bounded slices, and says whether more is left', () => {
    const stage = heapStage(1)
    for (let commit = 1; commit <= 101; commit++) update(stage, 'x', commit)
    expect(stage.history.count).toBe(100)
    expect(stage.history.prune(commitNumber(101), 30)).toBe(true)
    expect(stage.history.count).toBe(70)
    pruneAll(stage, 101)
    expect(stage.history.count).toBe(0)
    expect(stage.history.prune(commitNumber(101), 30)).toBe(false)
  })

  it('forgets the versions of a heap that was dropped', () => {
    const stage = heapStage(1)
    for (let commit = 1; commit <= 10; commit++) update(stage, 'x', commit)
    stage.heap.drop()
    pruneAll(stage, 10)
    expect(stage.history.count).toBe(0)
  })

  it('keeps exactly what the live snapshots see, through random histories', () => {
    const random = seededRandom(seed())
    const stage = heapStage(seed())
    /** [begin, end) of each superseded version. */
    const intervals: { readonly begin: number; readonly end: number }[] = []
    const newest = new Map<string, number>()
    const holds: SnapshotHold[] = []
    for (let commit = 1; commit <= 4000; commit++) {
      const id = `r${random.below(50)}`
      update(stage, id, commit)
      if (newest.has(id)) intervals.push({ begin: newest.get(id)!, end: commit })
      newest.set(id, commit)
      if (random.below(20) === 0) holds.push(stage.snapshots.acquire(commitNumber(commit), 'test', 0))
      if (random.below(22) === 0 && holds.length > 0)
        stage.snapshots.release(holds.splice(random.below(holds.length), 1)[0]!)
      if (commit % 400 !== 0) continue
      pruneAll(stage, commit)
      const seen = intervals.filter(({ begin, end }) => holds.some((hold) => hold.commit >= begin && hold.commit < end))
      expect(stage.history.count).toBe(seen.length)
    }
  })
})
