/**
 * Soak: what a database takes of disk and memory while it is written for long, and what it gives back. Seconds in each
 * run of the tests, minutes by BLAZEDB_EFFORT.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Database } from '../../src/engine/database.ts'
import { effort } from '../support/effort.ts'
import { figure } from '../support/figure.ts'
import { heldBytes } from '../support/held-bytes.ts'
import { type RealDatabase, withRealDatabase } from './real-machine.ts'

const MIB = 1024 * 1024
const RECORDS = 2000
const ROUNDS = 60
/** The first part of a run fills buffers, reserves and page segments; the slope is that of the rest. */
const WARM_UP = 1 / 3
/** Segments come and go whole, and pages one checkpoint later: two of the largest segments either way. */
const MAX_SLOPE_BYTES = 32 * MIB
const MAX_HEAP_SLOPE_BYTES = 16 * MIB
/** What may be there beside what is live: the segment being filled, two ready ones, one being cleaned. */
const SLACK = 64 * MIB

function spillOf(folder: string): number {
  const spill = join(folder, 'spill')
  return existsSync(spill) ? statSync(spill).size : 0
}

function diskOf({ files, folder }: RealDatabase): number {
  return files('log').bytes + files('pages').bytes + spillOf(folder)
}

/** How much a line through the samples rises from the first to the last. */
function rise(samples: readonly number[]): number {
  const last = samples.length - 1
  const middle = last / 2
  const mean = samples.reduce((sum, each) => sum + each, 0) / samples.length
  let above = 0
  let below = 0
  for (const [at, each] of samples.entries()) {
    above += (at - middle) * (each - mean)
    below += (at - middle) ** 2
  }
  return (above / below) * last
}

function told(what: string, bytes: number, updates: number): void {
  process.stdout.write(`soak: ${what} ${(bytes / MIB).toFixed(2)} MiB over ${updates} updates\n`)
}

it('updates under a held snapshot leave files and memory where they were', { timeout: 3_600_000 }, async () => {
  await withRealDatabase(async (real) => {
    const { db, background } = real
    const items = db.collection('items')
    const batch = (round: number): { id: number; n: number; text: string }[] =>
      Array.from({ length: RECORDS }, (_, id) => ({
        id,
        n: (id * 31 + round) % 997,
        text: String.fromCharCode(97 + (round % 26)).repeat(500),
      }))
    await db.createIndex('items', 'n')
    await items.upsertMany(batch(0))
    const snapshot = db.snapshot()
    const rounds = effort(ROUNDS)
    const disk: number[] = []
    const heap: number[] = []
    for (let round = 1; round <= rounds; round++) {
      await items.upsertMany(batch(round), { durability: 'relaxed' })
      await background()
      if (round % 5 === 0) await db.checkpoint()
      disk.push(diskOf(real))
      heap.push(heldBytes())
    }
    const from = Math.floor(rounds * WARM_UP)
    const updates = (rounds - from) * RECORDS
    const diskRise = rise(disk.slice(from))
    const heapRise = rise(heap.slice(from))
    told('files rise by', diskRise, updates)
    told('memory rises by', heapRise, updates)
    figure('soak', 'updates under a held snapshot, files and memory bounded', rounds * RECORDS)
    expect(diskRise).toBeLessThan(MAX_SLOPE_BYTES)
    expect(heapRise).toBeLessThan(MAX_HEAP_SLOPE_BYTES)
    expect(db.stats().versions.count).toBeLessThanOrEqual(RECORDS)
    expect(snapshot.collection('items').where({ n: 5 }).count()).toBe(batch(0).filter(({ n }) => n === 5).length)
    snapshot.close()
    await background()
    expect(db.stats().versions.count).toBe(0)
    expect(spillOf(real.folder)).toBe(0)
  })
})

it('records that come and go, as those of a queue, leave files and memory where they were', {
  timeout: 3_600_000,
}, async () => {
  await withRealDatabase(
    async (real) => {
      const { db, background } = real
      const jobs = db.collection('jobs')
      await db.createIndex('jobs', ['state', 'at'])
      const waiting: (string | number)[] = []
      const rounds = effort(ROUNDS / 2)
      const disk: number[] = []
      const heap: number[] = []
      let at = 0
      for (let round = 1; round <= rounds; round++) {
        // Ids that never come again, half of them UUIDs; twice as many are waiting at most.
        const more = Array.from({ length: RECORDS }, () => ({ state: 'new', at: at++, text: 'x'.repeat(200) }))
        const named = more.map((job) => (job.at % 2 === 0 ? job : { ...job, id: job.at }))
        waiting.push(...(await jobs.insertMany(named, { durability: 'relaxed' })))
        const done = waiting.splice(0, Math.max(0, waiting.length - RECORDS))
        await jobs.updateMany({ id: { in: done } }, { state: 'done' }, { durability: 'relaxed' })
        expect(await jobs.deleteMany({ state: 'done' }, { durability: 'relaxed' })).toBe(done.length)
        expect(jobs.where({ state: 'new' }).orderBy('at').first()?.['at']).toBe(at - RECORDS)
        await background()
        if (round % 5 === 0) await db.checkpoint()
        disk.push(diskOf(real))
        heap.push(heldBytes())
      }
      const from = Math.floor(rounds * WARM_UP)
      const diskRise = rise(disk.slice(from))
      const heapRise = rise(heap.slice(from))
      told('files rise by', diskRise, (rounds - from) * RECORDS)
      told('memory rises by', heapRise, (rounds - from) * RECORDS)
      figure('soak', 'records that came and went, files and memory bounded', rounds * RECORDS)
      expect(diskRise).toBeLessThan(MAX_SLOPE_BYTES)
      expect(heapRise).toBeLessThan(MAX_HEAP_SLOPE_BYTES)
      expect(jobs.count()).toBe(RECORDS)
      await background()
      expect(db.stats().versions.count).toBe(0)
      await db.compact()
      expect(diskOf(real)).toBeLessThan(1.2 * (db.stats().log.liveBytes + db.stats().gc.livePageBytes) + SLACK)
    },
    { retain: { logBytes: 0 } },
  )
})

it('after a big delete the disk comes back by itself, though nothing more is written, and the rest by compact()', {
  timeout: 600_000,
}, async () => {
  await withRealDatabase(
    async (real) => {
      const { db, background } = real
      const items = db.collection('items')
      const records = 80_000
      await db.createIndex('items', 'n')
      for (let from = 0; from < records; from += 2000) {
        await items.insertMany(
          Array.from({ length: 2000 }, (_, i) => ({
            id: from + i,
            n: ((from + i) * 7919) % records,
            text: 'x'.repeat(1800),
          })),
          { durability: 'relaxed' },
        )
        if (from % 20_000 === 0) await background()
      }
      await db.checkpoint()
      const loaded = diskOf(real)
      const live = (): number => db.stats().log.liveBytes + db.stats().gc.livePageBytes
      expect(loaded).toBeLessThan(1.2 * live() + SLACK)
      for (let from = 0; from < records; from += 10_000) {
        await items.deleteMany({ id: { gte: from, lt: from + 9800 } }, { durability: 'relaxed' })
      }
      // From here nothing is written but by the background: some seconds of its time.
      for (let round = 0; round < 400 && diskOf(real) > 2 * live() + SLACK; round++) {
        await background()
        // Checkpoints wait for the device, which the clock of the test does not move.
        await db.flush()
      }
      const left = diskOf(real)
      expect(left).toBeLessThan(2.2 * live() + SLACK)
      expect(left).toBeLessThan(loaded - 80 * MIB)
      const { beforeBytes, afterBytes } = await db.compact()
      expect(afterBytes).toBeLessThanOrEqual(beforeBytes)
      expect(diskOf(real)).toBeLessThan(1.2 * live() + SLACK)
      const core = Database.coreOf(db)
      const sealed = core.log.segments().filter((each) => each.sealed)
      expect(sealed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThan(
        1.2 * db.stats().log.liveBytes + 4 * MIB,
      )
      expect(items.count()).toBe(1600)
      expect(items.where({ n: { gte: 0 } }).count()).toBe(1600)
      told('files after the load', loaded, records)
      told('files that the background left', left, records)
      told('files after compact()', diskOf(real), records)
    },
    { retain: { logBytes: 0 }, syncWrites: 'never', memoryBytes: 512 * MIB },
  )
})
