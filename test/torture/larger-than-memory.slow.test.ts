/** Data several times the memory budget: everything is found and right, and the budget is kept. */
import { expect, it } from 'vitest'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { withRealDatabase } from './real-machine.ts'

const MIB = 1024 * 1024
const BATCH = 1000
const TEXT_BYTES = 1500
const BATCHES = 32
/** The segment that is being filled, up to 16 MiB, cannot be given back; nor can what the next checkpoint will write. */
const FIXED_BYTES = 24 * MIB

function record(id: number, version: number): { id: number; n: number; text: string } {
  return { id, n: (id * 7919) % 5003, text: `${version}:${id} `.repeat(TEXT_BYTES / 10).slice(0, TEXT_BYTES) }
}

it('data larger than memory is written, read, scanned and updated within the budget', {
  timeout: 600_000,
}, async () => {
  await withRealDatabase(async ({ db, background }) => {
    const random = seededRandom(seed())
    const items = db.collection('items')
    await db.createIndex('items', 'n')
    const count = effort(BATCHES) * BATCH
    const versions = new Uint8Array(count)
    const { limitBytes } = db.stats().memory
    expect(count * TEXT_BYTES).toBeGreaterThan(2 * limitBytes)
    const bounded = (what: string): void => {
      expect(db.stats().memory.usedBytes, what).toBeLessThan(limitBytes + FIXED_BYTES)
    }
    for (let from = 0; from < count; from += BATCH) {
      const records = Array.from({ length: BATCH }, (_, i) => record(from + i, 0))
      await items.insertMany(records, { durability: 'relaxed' })
      if (from % (8 * BATCH) === 0) await db.checkpoint()
      await background()
      bounded(`inserted ${from}`)
    }
    for (let i = 0; i < 3000; i++) {
      const id = random.below(count)
      if (i % 3 === 0) {
        versions[id]!++
        await items.update(id, { text: record(id, versions[id]!).text }, { durability: 'relaxed' })
      }
      expect(items.get(id)).toEqual(record(id, versions[id]!))
      if (i % 500 === 0) {
        await background()
        bounded(`read ${i}`)
      }
    }
    await db.checkpoint()
    let seen = 0
    for await (const row of items.query()) {
      const id = Number(row.id)
      if (row['text'] !== record(id, versions[id]!).text) expect(row, 'a scan').toEqual(record(id, versions[id]!))
      seen++
    }
    expect(seen).toBe(count)
    bounded('scanned')
    const low = items
      .where({ n: { lt: 40 } })
      .orderBy('n')
      .all()
    const expected = Array.from({ length: count }, (_, id) => id).filter((id) => (id * 7919) % 5003 < 40)
    expect(low.map((row) => Number(row.id)).sort((a, b) => a - b)).toEqual(expected)
    await background()
    bounded('at the end')
  })
})
