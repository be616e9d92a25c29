import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RecordId } from '../../src/base/ids.ts'
import type { SnapshotHold } from '../../src/mvcc/snapshots.ts'
import { NO_PLACE } from '../../src/mvcc/version-heap.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { commitNumber, type HeapStage, heapStage, keyOf } from './heap-fixture.ts'

/** The heap against a map from id to all versions it ever had: [commit, place or none]. */
interface Model {
  readonly versions: Map<RecordId, { readonly commit: number; readonly place: number }[]>
  commit: number
}

function placeIn(model: Model, id: RecordId, snapshot: number): number {
  const seen = model.versions.get(id)?.filter(({ commit }) => commit <= snapshot)
  return seen?.at(-1)?.place ?? 0
}

function put(stage: HeapStage, model: Model, id: RecordId): void {
  const commit = ++model.commit
  const place = stage.place(id)
  const key = keyOf(id)
  stage.heap.put(stage.heap.find(key), key, place, commitNumber(commit))
  const versions = model.versions.get(id) ?? []
  versions.push({ commit, place })
  model.versions.set(id, versions)
}

function remove(stage: HeapStage, model: Model, id: RecordId): void {
  const key = keyOf(id)
  const slot = stage.heap.find(key)
  if (slot < 0 || !stage.heap.isLive(slot)) return
  const commit = ++model.commit
  stage.heap.remove(slot, stage.place(id), commitNumber(commit), key.uuid)
  model.versions.get(id)!.push({ commit, place: 0 })
}

/** One comparison for many: an `expect` for each would take most of the test's time. */
function mismatch(stage: HeapStage, model: Model, id: RecordId, snapshot: number): string | undefined {
  const slot = stage.heap.find(keyOf(id))
  const place = slot < 0 ? NO_PLACE : stage.heap.placeAt(slot, snapshot)
  const expected = model.versions
    .get(id)
    ?.filter(({ commit }) => commit <= snapshot)
    .at(-1)
  const wanted = expected?.place ?? 0
  if (place !== wanted) return `${id} at ${snapshot} lies at ${place}, not ${wanted}`
  if (slot < 0) return undefined
  const commit = stage.heap.commitAt(slot, snapshot)
  const wantedCommit = wanted === 0 ? 0 : expected!.commit
  return commit === wantedCommit ? undefined : `${id} at ${snapshot} is of ${commit}, not ${wantedCommit}`
}

/** Every id at every live snapshot, at the newest commit, and counts. */
function expectSame(stage: HeapStage, model: Model, holds: readonly SnapshotHold[]): void {
  for (const id of model.versions.keys()) {
    for (const commit of [...holds.map((hold) => hold.commit), model.commit]) {
      const wrong = mismatch(stage, model, id, commit)
      if (wrong !== undefined) expect.fail(wrong)
    }
  }
  const live = [...model.versions.values()].filter((versions) => versions.at(-1)!.place > 0).length
  expect(stage.heap.liveCount).toBe(live)
}

/** Ids of each kind; the long ones share all that is not hashed. */
function idOf(n: number): RecordId {
  switch (n % 5) {
    case 0:
      return n
    case 1:
      return `short-${n}`
    case 2:
      return `${'a long string id '.repeat(8)}${n}`
    case 3:
      return `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
    default:
      return -n
  }
}

describe('the version heap', () => {
  it('equals a map of all versions, whatever is written, pruned and held', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), n: fc.nat(30) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), n: fc.nat(30) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('hold' as const), n: fc.nat(10) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), n: fc.nat(10) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('prune' as const), n: fc.integer({ min: 1, max: 20 }) }) },
    )
    const property = fc.property(fc.array(step, { maxLength: 120 }), fc.integer(), (steps, hashSeed) => {
      const stage = heapStage(hashSeed)
      const model: Model = { versions: new Map(), commit: 0 }
      const holds: SnapshotHold[] = []
      for (const { kind, n } of steps) {
        if (kind === 'put') put(stage, model, idOf(n))
        else if (kind === 'remove') remove(stage, model, idOf(n))
        else if (kind === 'hold') holds.push(stage.snapshots.acquire(commitNumber(model.commit), 'test', 0))
        else if (kind === 'release') {
          const hold = holds.splice(n % Math.max(1, holds.length), 1)[0]
          if (hold !== undefined) stage.snapshots.release(hold)
        } else stage.history.prune(commitNumber(model.commit), n)
        expectSame(stage, model, holds)
      }
      for (const hold of holds) stage.snapshots.release(hold)
      while (stage.history.prune(commitNumber(model.commit), 1000));
      expectSame(stage, model, [])
      // With nobody reading, only the newest version of what is alive is left.
      expect([stage.history.count, stage.heap.slots.tombstoneCount]).toEqual([0, 0])
    })
    fc.assert(property, { seed: seed(), numRuns: effort(100) })
  })

  it('finds each of many thousand records of every kind through the splits of its buckets, and removes them', () => {
    const stage = heapStage(seed())
    const model: Model = { versions: new Map(), commit: 0 }
    const random = seededRandom(seed())
    const count = 20_000
    for (let n = 0; n < count; n++) put(stage, model, idOf(n))
    expect(stage.heap.buckets.meta().entryCount).toBe(count)
    expect(stage.heap.buckets.space.pageCount).toBeGreaterThan(8)
    const holds = [stage.snapshots.acquire(commitNumber(model.commit), 'all', 0)]
    for (let i = 0; i < 20_000; i++) {
      const id = idOf(random.below(count))
      if (random.below(3) === 0) put(stage, model, id)
      else remove(stage, model, id)
      if (i % 500 === 0) stage.history.prune(commitNumber(model.commit), 300)
      if (i === 10_000) holds.push(stage.snapshots.acquire(commitNumber(model.commit), 'middle', 0))
    }
    expectSame(stage, model, holds)
    for (const hold of holds) stage.snapshots.release(hold)
    while (stage.history.prune(commitNumber(model.commit), 10_000));
    expectSame(stage, model, [])
    expect(stage.heap.buckets.meta().entryCount).toBe(stage.heap.liveCount)
    const { highSlot } = stage.heap.slots
    for (let n = 0; n < count; n++) remove(stage, model, idOf(n))
    while (stage.history.prune(commitNumber(model.commit), 10_000));
    expect([stage.heap.liveCount, stage.heap.buckets.meta().entryCount]).toEqual([0, 0])
    for (let n = 0; n < count; n++) put(stage, model, idOf(count + n))
    // Record numbers of what is gone are used again.
    expect(stage.heap.slots.highSlot).toBe(highSlot)
    expectSame(stage, model, [])
  })

  it('keeps the order of its chain: a record deleted and made again was absent between', () => {
    const stage = heapStage(1)
    const model: Model = { versions: new Map(), commit: 0 }
    const holds: SnapshotHold[] = []
    for (let round = 0; round < 4; round++) {
      put(stage, model, 'x')
      holds.push(stage.snapshots.acquire(commitNumber(model.commit), 'there', 0))
      remove(stage, model, 'x')
      holds.push(stage.snapshots.acquire(commitNumber(model.commit), 'gone', 0))
    }
    while (stage.history.prune(commitNumber(model.commit), 100));
    expectSame(stage, model, holds)
    expect(stage.heap.slots.highSlot).toBe(1)
  })

  it('moves the newest version only if it is still where it was', () => {
    const stage = heapStage(1)
    const key = keyOf('x')
    const first = stage.place('x')
    const slot = stage.heap.put(-1, key, first, commitNumber(1))
    const second = stage.place('x')
    stage.heap.put(slot, key, second, commitNumber(2))
    const copy = stage.place('x')
    expect(stage.heap.relocate(slot, first, copy)).toBe(false)
    expect(stage.heap.relocate(slot, second, copy)).toBe(true)
    expect([stage.heap.placeAt(slot, 2), stage.heap.commitAt(slot, 2)]).toEqual([copy, 2])
    expect(stage.heap.historyPlacedAt(slot, first)).toBeGreaterThan(0)
    expect(stage.heap.historyPlacedAt(slot, second)).toBe(0)
  })

  it('replayed without history is the newest state', () => {
    const random = seededRandom(seed())
    const written = heapStage(5)
    const replayed = heapStage(5)
    const model: Model = { versions: new Map(), commit: 0 }
    for (let i = 0; i < 3000; i++) {
      const id = idOf(random.below(400))
      if (random.below(3) > 0) {
        put(written, model, id)
        const { place } = model.versions.get(id)!.at(-1)!
        replayed.idAt.set(place, id)
        const key = keyOf(id)
        replayed.heap.replayPut(
          replayed.heap.find(key),
          key,
          place as ReturnType<HeapStage['place']>,
          commitNumber(model.commit),
        )
      } else if (placeIn(model, id, model.commit) > 0) {
        remove(written, model, id)
        const slot = replayed.heap.find(keyOf(id))
        expect(slot).toBeGreaterThanOrEqual(0)
        replayed.heap.replayRemove(slot, commitNumber(model.commit))
      }
    }
    expectSame(replayed, model, [])
    expect(replayed.heap.newestCommit).toBe(written.heap.newestCommit)
    expect(replayed.heap.find(keyOf('never'))).toBe(-1)
    replayed.heap.replayRemove(-1, commitNumber(9999))
    expect(replayed.heap.liveCount).toBe(written.heap.liveCount)
    expect(replayed.heap.newestCommit).toBe(9999)
  })
})
