import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BlazeError } from '../../src/base/errors.ts'
import { manualClock } from '../../src/platform/manual-clock.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { CleanWorld, type Pending, type Write } from './clean-fixture.ts'

/** An item that alone fills the first segment of an open. */
const FILLER = { id: 99, sizeBytes: 1_000_000 }

test('what a slot points to is copied, what is superseded is dropped, and the tail moves on', async () => {
  const world = new CleanWorld()
  world.write({ id: 1, sizeBytes: 100 })
  world.write({ id: 2, sizeBytes: 100 })
  world.write({ id: 1, sizeBytes: 200 })
  world.write({ id: 3, sizeBytes: 50 })
  world.write({ id: 3, sizeBytes: 'delete' })
  await world.reopen()
  world.write({ id: 4, sizeBytes: 10 })
  world.cleanAll()
  expect(world.outcomes).toEqual(['1@1 dropped', '2@2 copied', '1@3 copied', '3@4 dropped'])
  expect(world.cleaner.logTail).toBe(2)
  expect(world.cleaner.stats()).toMatchObject({ segmentsCleaned: 1, copiedEntries: 2, spilledEntries: 0 })
  expect(world.cleaner.unlinkableBytes).toBeGreaterThan(0)
  world.unlink()
  expect(world.cleaner.unlinkableBytes).toBe(0)
  expect(world.rebuild()).toEqual(world.expected())
  await world.close()
})

test('a version that only a snapshot sees is spilled', async () => {
  const world = new CleanWorld()
  world.write({ id: 1, sizeBytes: 100 })
  const first = world.newest.get(1)!.place
  world.write({ id: 1, sizeBytes: 100 })
  world.seen.add(first)
  await world.reopen()
  world.write({ id: 2, sizeBytes: 8 })
  world.cleanAll()
  expect(world.outcomes).toEqual(['1@1 spilled', '1@2 copied'])
  expect(world.cleaner.stats().spilledEntries).toBe(1)
  await world.close()
})

test('a tombstone of a DATA frame whose COMMIT lies in a later segment is copied with its commit number', async () => {
  const world = new CleanWorld()
  world.write({ id: 1, sizeBytes: 40 })
  const pending = world.data(undefined, { id: 1, sizeBytes: 'delete' }, { id: 2, sizeBytes: 30 })
  world.write(FILLER)
  world.write(FILLER)
  world.write({ id: 1, sizeBytes: 60 }) // the older put that lies between
  world.commitData(pending)
  world.held = 2
  world.cleanAll()
  expect(world.cleaner.logTail).toBe(2)
  expect(world.outcomes.filter((text) => !text.startsWith('99'))).toEqual([
    '1@1 dropped',
    'tombstone 1@5 copied',
    '2@5 copied',
  ])
  world.unlink()
  expect(world.rebuild()).toEqual(world.expected())
  expect(world.rebuild().has(1)).toBe(false)
  await world.close()
})

test('such a tombstone is dropped when a newer put is installed', async () => {
  const world = new CleanWorld()
  const pending = world.data(undefined, { id: 1, sizeBytes: 'delete' })
  world.write(FILLER)
  world.write(FILLER)
  world.commitData(pending)
  world.write({ id: 1, sizeBytes: 60 })
  world.held = 2
  world.cleanAll()
  expect(world.outcomes).toContain('tombstone 1@3 dropped')
  await world.close()
})

test('DATA whose COMMIT is in the same segment has its commit number, DATA that none names is void', async () => {
  const world = new CleanWorld()
  const named = world.data(world.data(undefined, { id: 1, sizeBytes: 8 }), { id: 2, sizeBytes: 8 })
  world.data(undefined, { id: 1, sizeBytes: 8 })
  world.commitData(named, { id: 3, sizeBytes: 'delete' })
  await world.reopen()
  world.write({ id: 4, sizeBytes: 8 })
  world.cleanAll()
  expect(world.outcomes).toEqual(['1@1 copied', '2@1 copied'])
  await world.close()
})

test('segments go oldest first, and none that is held or not durable whole', async () => {
  const world = new CleanWorld()
  for (let id = 1; id < 5; id++) {
    world.write({ id, sizeBytes: 16 })
    await world.reopen()
  }
  world.held = 3
  world.cleanAll()
  expect(world.cleaner.logTail).toBe(3)
  world.held = Number.POSITIVE_INFINITY
  world.cleanAll()
  // The copies began segment 5, so that the fourth was durable whole.
  expect(world.cleaner.logTail).toBe(5)
  expect(world.outcomes).toEqual(['1@1 copied', '2@2 copied', '3@3 copied', '4@4 copied'])
  await world.close()
})

test('closed segments are kept as far as retention says', async () => {
  const world = new CleanWorld()
  for (let id = 1; id < 5; id++) {
    world.write({ id, sizeBytes: 10_000 })
    await world.reopen(15_000)
  }
  world.write({ id: 5, sizeBytes: 10 })
  world.cleanAll()
  expect(world.cleaner.logTail).toBe(3)
  await world.close()
})

test('a log of live bytes is left alone', async () => {
  const world = new CleanWorld()
  world.write({ id: 1, sizeBytes: 10_000 })
  await world.reopen()
  world.write({ id: 2, sizeBytes: 10_000 })
  world.live = 20_000
  world.cleanAll()
  expect(world.cleaner.logTail).toBe(1)
  world.live = 5_000
  world.cleanAll()
  expect(world.cleaner.logTail).toBe(2)
  await world.close()
})

test('many small segments are cleaned although their bytes are live', async () => {
  const world = new CleanWorld()
  world.live = 1e9
  for (let id = 0; id < 70; id++) {
    world.write({ id, sizeBytes: 1000 })
    await world.reopen()
  }
  world.write({ id: 100, sizeBytes: 8 })
  world.cleanAll()
  world.unlink()
  expect(world.log.segments().filter(({ sealed }) => sealed).length).toBe(64)
  expect(world.rebuild()).toEqual(world.expected())
  await world.close()
})

test('copies are no faster than the share of the device that they may take', async () => {
  const clock = manualClock()
  const world = new CleanWorld(clock)
  for (let id = 0; id < 12; id++) world.write({ id, sizeBytes: 900_000 })
  await world.reopen()
  world.write({ id: 100, sizeBytes: 8 })
  world.live = 2_000_000
  world.rate = 40_000
  const cleanAll = (hasten: boolean): number => {
    const before = world.cleaner.stats().copiedEntries
    do world.log.flushSync()
    while (world.cleaner.cleanSlice(1, { hasten }) === 'more')
    return world.cleaner.stats().copiedEntries - before
  }
  // 4 MB are saved up: five items of 900 KB.
  expect(cleanAll(false)).toBe(5)
  expect(world.cleaner.throttled).toBe(true)
  expect(cleanAll(false)).toBe(0)
  // A quarter of 40 KB for each millisecond.
  clock.advance(200)
  expect(cleanAll(false)).toBe(2)
  expect(cleanAll(true)).toBeGreaterThan(2)
  expect(world.cleaner.throttled).toBe(false)
  await world.close()
})

test('after a refusal the same entry comes again, and nothing is lost', async () => {
  const world = new CleanWorld()
  world.write({ id: 1, sizeBytes: 100 }, { id: 2, sizeBytes: 100 })
  await world.reopen()
  world.write({ id: 3, sizeBytes: 8 })
  world.log.flushSync()
  world.failNext = new BlazeError('DISK_FULL', 'no space', undefined)
  expect(() => {
    while (world.cleaner.cleanSlice(5) === 'more') world.log.flushSync()
  }).toThrow('no space')
  expect(world.cleaner.logTail).toBe(1)
  world.cleanAll()
  expect(world.cleaner.logTail).toBe(2)
  world.unlink()
  expect(world.rebuild()).toEqual(world.expected())
  await world.close()
})

test('nothing is cleaned while the log takes nothing', async () => {
  const world = new CleanWorld()
  world.write({ id: 1, sizeBytes: 100 })
  await world.reopen()
  world.write({ id: 2, sizeBytes: 8 })
  world.writable = false
  world.cleanAll()
  expect(world.cleaner.logTail).toBe(1)
  await world.close()
})

const write = fc.record({
  id: fc.nat(5),
  sizeBytes: fc.oneof({ weight: 2, arbitrary: fc.integer({ min: 4, max: 300 }) }, fc.constant('delete' as const)),
})
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      writes: fc.array(write, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('data' as const),
      writes: fc.array(write, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('commit' as const), writes: fc.array(write, { maxLength: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fill' as const), writes: fc.constant([]) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reopen' as const), writes: fc.constant([]) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('clean' as const), writes: fc.constant([]) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unlink' as const), writes: fc.constant([]) }) },
)

/** A transaction writes a record once. */
function onceEach(pending: Pending | undefined, writes: readonly Write[]): Write[] {
  const taken = new Set(pending?.data.flatMap((data) => data.writes.map(({ id }) => id)))
  return writes.filter(({ id }) => !taken.has(id) && taken.add(id))
}

test('after any history of commits, DATA written ahead and cleaning, a rebuild from the log finds the newest state', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const world = new CleanWorld()
      world.write({ id: 0, sizeBytes: 8 })
      let pending: Pending | undefined
      let pendingSegment = Number.POSITIVE_INFINITY
      for (const { kind, writes } of steps) {
        switch (kind) {
          case 'write':
            world.write(...onceEach(undefined, writes))
            break
          case 'data':
            pending = world.data(pending, ...onceEach(pending, writes))
            // An open transaction holds the segment of its first DATA.
            pendingSegment = Math.min(pendingSegment, world.log.itemSegment)
            break
          case 'commit':
            if (pending !== undefined) world.commitData(pending, ...onceEach(pending, writes))
            pending = undefined
            pendingSegment = Number.POSITIVE_INFINITY
            break
          case 'fill':
            world.write(FILLER)
            break
          case 'reopen':
            pending = undefined
            pendingSegment = Number.POSITIVE_INFINITY
            await world.reopen()
            break
          case 'clean':
            world.held = pendingSegment
            world.log.flushSync()
            world.cleaner.cleanSlice(0.05)
            world.cleaner.cleanSlice(0.05)
            break
          case 'unlink':
            world.unlink()
        }
      }
      world.held = pendingSegment
      world.cleanAll()
      world.unlink()
      expect(world.rebuild()).toEqual(world.expected())
      await world.close()
    }),
    { seed: seed(), numRuns: effort(60) },
  )
}, 60_000)
