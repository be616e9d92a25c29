/**
 * A held snapshot under churn: it stays as it was, and costs what it can see. The log, the pages, the files and the memory
 * stay bounded while many times the data is written; what it held is given back when it ends.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Database } from '../../src/engine/database.ts'
import { effort } from '../support/effort.ts'
import { figure } from '../support/figure.ts'
import { withRealDatabase } from './real-machine.ts'

const MIB = 1024 * 1024
const RECORDS = 2000
const TEXT_BYTES = 500
const CHURNS = 40
/** Two of the largest segments, one that is being cleaned, and what is ready in reserve. */
const MAX_LOG_BYTES = 72 * MIB
const MAX_PAGE_BYTES = 12 * MIB

function batch(round: number): { id: number; n: number; text: string }[] {
  return Array.from({ length: RECORDS }, (_, id) => ({
    id,
    n: (id * 31 + round) % 997,
    text: String.fromCharCode(97 + (round % 26)).repeat(TEXT_BYTES),
  }))
}

it('a held snapshot stays as it was, and costs what it can see', { timeout: 600_000 }, async () => {
  await withRealDatabase(async ({ db, folder, background, files }) => {
    const core = Database.coreOf(db)
    const items = db.collection('items')
    await db.createIndex('items', 'n')
    await items.upsertMany(batch(0))
    const snapshot = db.snapshot()
    const held = JSON.stringify(snapshot.collection('items').orderBy('id').all())
    const heldByIndex = JSON.stringify(
      snapshot
        .collection('items')
        .where({ n: { lt: 50 } })
        .orderBy('n')
        .all(),
    )
    let mostVersions = 0
    let mostLogBytes = 0
    let spilledBytes = 0
    const rounds = effort(CHURNS)
    for (let round = 1; round <= rounds; round++) {
      await items.upsertMany(batch(round), { durability: 'relaxed' })
      await background()
      if (round % 4 === 0) await db.checkpoint()
      const { versions, memory } = db.stats()
      mostVersions = Math.max(mostVersions, versions.count)
      mostLogBytes = Math.max(mostLogBytes, files('log').bytes)
      spilledBytes = Math.max(spilledBytes, core.spill.sizeBytes)
      expect(memory.usedBytes).toBeLessThan(memory.limitBytes + 24 * MIB)
      if (round % 10 !== 0) continue
      expect(JSON.stringify(snapshot.collection('items').orderBy('id').all())).toBe(held)
      expect(
        JSON.stringify(
          snapshot
            .collection('items')
            .where({ n: { lt: 50 } })
            .orderBy('n')
            .all(),
        ),
      ).toBe(heldByIndex)
    }
    // Versions between the snapshot and now are seen by nobody: they go although an older snapshot lives.
    expect(mostVersions).toBeLessThanOrEqual(RECORDS)
    expect(mostLogBytes).toBeLessThan(MAX_LOG_BYTES)
    expect(files('pages').bytes).toBeLessThan(MAX_PAGE_BYTES)
    expect(files('log').count + files('pages').count).toBeLessThan(24)
    expect(db.stats().log.tailSegment, 'the log was cleaned').toBeGreaterThan(1)
    expect(spilledBytes, 'what only the snapshot sees was spilled').toBeGreaterThan(RECORDS * TEXT_BYTES * 0.9)

    snapshot.close()
    await background()
    await db.checkpoint()
    const { versions, snapshots } = db.stats()
    expect([versions.count, snapshots.count]).toEqual([0, 0])
    expect(core.spill.sizeBytes).toBe(0)
    const spill = join(folder, 'spill')
    expect(existsSync(spill) ? statSync(spill).size : 0).toBe(0)
    figure('soak', 'records written under a held snapshot, within bounds of memory and files', rounds * RECORDS)
    expect(items.where({ n: { lt: 50 } }).count()).toBe(batch(rounds).filter(({ n }) => n < 50).length)
  })
})

it('many snapshots at once each stay as they were, whatever is released in between', { timeout: 600_000 }, async () => {
  await withRealDatabase(async ({ db, background }) => {
    const items = db.collection('items')
    await items.upsertMany(batch(0).slice(0, 300))
    const held: { snapshot: ReturnType<typeof db.snapshot>; text: string }[] = []
    for (let round = 1; round <= 30; round++) {
      const snapshot = db.snapshot()
      held.push({ snapshot, text: JSON.stringify(snapshot.collection('items').orderBy('id').all()) })
      await items.upsertMany(batch(round).slice(round, 300), { durability: 'relaxed' })
      await items.deleteMany({ n: { lt: round * 10 } })
      await background()
      if (round % 5 === 0) await db.checkpoint()
      if (round % 3 === 0) held.splice((round * 7) % held.length, 1)[0]!.snapshot.close()
      for (const { snapshot, text } of held) {
        expect(JSON.stringify(snapshot.collection('items').orderBy('id').all())).toBe(text)
      }
    }
    expect(db.stats().versions.count).toBeLessThanOrEqual(300 * held.length)
    for (const { snapshot } of held) snapshot.close()
    await background()
    expect(db.stats().versions.count).toBe(0)
  })
})
