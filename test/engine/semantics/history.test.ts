import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CommitNumber } from '../../../src/base/ids.ts'
import { Database } from '../../../src/engine/database.ts'
import { HistoryWindow } from '../../../src/engine/history-window.ts'
import { type ManualClock, manualClock } from '../../../src/platform/manual-clock.ts'
import { type MemoryPlatform, memoryPlatform } from '../../../src/platform/memory-platform.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { closeChecked, FOLDER, freshPlatform, openOn, withDatabase } from '../fixture.ts'

const MINUTE = 60_000

/** A platform whose time stands still. */
function timeless(): { readonly clock: ManualClock; readonly platform: MemoryPlatform } {
  const clock = manualClock()
  const platform = memoryPlatform({ seed: 1, clock })
  platform.files.makeFolderSync(FOLDER)
  platform.files.syncFolderSync('/')
  return { clock, platform }
}

/** Everything that there is to prune. */
function prune(db: Database<unknown>): void {
  while (Database.coreOf(db).prune(1000));
}

describe('reading the past', () => {
  it('gives the state after each commit within retain.historyMs, by scans and by indexes', async () => {
    const { clock, platform } = timeless()
    const db = await openOn(platform, { retain: { historyMs: MINUTE } })
    await db.createIndex('things', 'n')
    const things = db.collection('things')
    // So many others that a scan is dear.
    await things.insertMany(Array.from({ length: 500 }, (_, n) => ({ id: `other ${n}` })))
    const step = fc.record({ id: fc.nat(6), n: fc.option(fc.nat(4), { nil: undefined }), waitMs: fc.nat(9000) })
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const states: { readonly commit: number; readonly atMs: number; readonly rows: readonly unknown[] }[] = []
      const read = (from: ReturnType<typeof db.snapshot>, kept: readonly unknown[]): void => {
        expect(
          from
            .collection('things')
            .where({ id: { lte: 6 } })
            .orderBy('id')
            .all(),
        ).toEqual(kept)
        const byIndex = from
          .collection('things')
          .where({ n: { gte: 2 } })
          .orderBy('id')
        expect(byIndex.explain().text).toContain('index')
        expect(byIndex.all()).toEqual(kept.filter((row) => ((row as { n?: number }).n ?? 0) >= 2))
      }
      for (const { id, n, waitMs } of steps) {
        if (n === undefined) await things.delete(id)
        else await things.upsert({ id, n })
        const rows = things
          .where({ id: { lte: 6 } })
          .orderBy('id')
          .all()
        states.push({ commit: db.commitNumber, atMs: clock.monotonic(), rows })
        clock.advance(waitMs)
        prune(db)
        const nowMs = clock.monotonic()
        for (const [i, { commit, rows: kept }] of states.entries()) {
          // Until the next state came it was what readers saw.
          const seenUntilMs = states[i + 1]?.atMs ?? nowMs
          if (seenUntilMs < nowMs - MINUTE) continue
          using past = db.asOf(commit)
          expect(past.commitNumber).toBe(commit)
          read(past, kept)
        }
      }
    })
    await fc.assert(property, { seed: seed(), numRuns: effort(8) })
    await closeChecked(db)
  })

  it('ends with HISTORY_GONE once it is older, and its versions are dropped by time alone', async () => {
    const { clock, platform } = timeless()
    const db = await openOn(platform, { retain: { historyMs: MINUTE } })
    const things = db.collection('things')
    await things.insert({ id: 1, n: 0 })
    const first = db.commitNumber
    for (let n = 1; n < 50; n++) await things.update(1, { n })
    prune(db)
    expect(db.stats().versions.count).toBe(49)
    clock.advance(MINUTE * 2)
    prune(db)
    expect(db.stats().versions.count).toBe(0)
    expect(() => db.asOf(first)).toThrow(
      expect.objectContaining({ code: 'HISTORY_GONE', details: { commit: first, oldest: db.commitNumber } }),
    )
    expect(db.asOf(db.commitNumber).collection('things').get(1)).toEqual({ id: 1, n: 49 })
    await closeChecked(db)
  })

  it('goes back to what somebody holds, and by default no further', () =>
    withDatabase(async (db) => {
      const things = db.collection('things')
      await things.insert({ id: 1, n: 0 })
      const held = db.snapshot()
      await things.update(1, { n: 1 })
      const between = db.commitNumber
      await things.update(1, { n: 2 })
      prune(db)
      const past = db.asOf(held.commitNumber)
      held.close()
      prune(db)
      expect(past.collection('things').get(1)).toEqual({ id: 1, n: 0 })
      expect(() => db.asOf(between)).toThrow(expect.objectContaining({ code: 'HISTORY_GONE' }))
      past.close()
      expect(() => past.collection('things').get(1)).toThrow(expect.objectContaining({ code: 'TRANSACTION_CLOSED' }))
    }))

  it('refuses what is no commit that readers see', () =>
    withDatabase(async (db) => {
      await db.collection('things').insert({ id: 1 })
      const coming = db.collection('things').insert({ id: 2 })
      for (const number of [db.commitNumber + 1, -1, 0.5, Number.NaN]) {
        expect(() => db.asOf(number)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
      }
      await coming
      expect(db.asOf(db.commitNumber).collection('things').count()).toBe(2)
    }))

  it('gives up the oldest of the window before a held snapshot when history passes its share of memory', async () => {
    const { clock, platform } = timeless()
    const db = await openOn(platform, { retain: { historyMs: MINUTE }, memoryBytes: 16 * 1024 * 1024 })
    const things = db.collection('things')
    await things.insert({ id: 'other', n: -1 })
    await things.insertMany(Array.from({ length: 1000 }, (_, id) => ({ id, n: 0 })))
    const first = db.commitNumber
    await things.update('other', { n: -2 })
    const held = db.snapshot()
    for (let n = 1; n <= 150; n++) {
      await things.upsertMany(Array.from({ length: 1000 }, (_, id) => ({ id, n })))
      clock.advance(200)
      prune(db)
    }
    expect(db.stats().versions.bytes).toBeLessThanOrEqual((16 * 1024 * 1024) / 4)
    expect(() => db.asOf(first)).toThrow(expect.objectContaining({ code: 'HISTORY_GONE' }))
    expect(held.collection('things').where({ n: 0 }).count()).toBe(1000)
    expect(
      db
        .asOf(db.commitNumber - 3)
        .collection('things')
        .get(5),
    ).toEqual({ id: 5, n: 147 })
    await closeChecked(db)
  })

  it('goes back to the open, not beyond', async () => {
    const platform = freshPlatform()
    const options = { retain: { historyMs: MINUTE } }
    const before = await openOn(platform, options)
    await before.collection('things').insert({ id: 1, n: 0 })
    const old = before.commitNumber
    await before.collection('things').update(1, { n: 1 })
    await closeChecked(before)
    const db = await openOn(platform, options)
    expect(() => db.asOf(old)).toThrow(expect.objectContaining({ code: 'HISTORY_GONE' }))
    await closeChecked(db)
  })
})

describe('the window of history', () => {
  it('never passes what was visible historyMs ago, only rises, and is not far behind', () => {
    const steps = fc.array(fc.nat(40), { maxLength: 300, size: 'max' })
    const property = fc.property(steps, fc.integer({ min: 1, max: 500 }), (waits, historyMs) => {
      const window = new HistoryWindow(historyMs, 0, 1 as CommitNumber)
      const visible: { readonly ms: number; readonly commit: number }[] = [{ ms: 0, commit: 1 }]
      let nowMs = 0
      let last = 1
      for (const [i, waitMs] of waits.entries()) {
        nowMs += waitMs
        visible.push({ ms: nowMs, commit: i + 2 })
        window.note(nowMs, (i + 2) as CommitNumber)
        const horizon = window.horizon(nowMs)
        const allowed = (ms: number): number => visible.findLast((each) => each.ms <= ms)?.commit ?? 1
        expect(horizon).toBeGreaterThanOrEqual(last)
        expect(horizon).toBeLessThanOrEqual(allowed(nowMs - historyMs))
        expect(horizon).toBeGreaterThanOrEqual(allowed(nowMs - historyMs - 2 * window.stepMs))
        last = horizon
      }
    })
    fc.assert(property, { seed: seed(), numRuns: effort(100) })
  })
})
