/** compact(): the disk comes back, nothing is lost, at no point. */
import { expect, it } from 'vitest'
import { Database } from '../../../src/engine/database.ts'
import { seededRandom } from '../../../src/platform/seeded-random.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { closeChecked, freshPlatform, openOn, withDatabase } from '../fixture.ts'

const MIB = 1024 * 1024
const OPTIONS = { retain: { logBytes: 0 } } as const
const RECORDS = 5000

type Db = Awaited<ReturnType<typeof openOn<Record<never, never>>>>

function record(id: number): { id: number; n: number; text: string } {
  return { id, n: (id * 7919) % RECORDS, text: `${(id * 104_729) % 99_991}-${'t'.repeat(900)}` }
}

async function load(db: Db): Promise<void> {
  await db.createIndex('items', 'n')
  await db.createIndex('items', 'text')
  for (let at = 0; at < RECORDS; at += 1000) {
    await db.collection('items').insertMany(
      Array.from({ length: 1000 }, (_, i) => record(at + i)),
      { durability: 'relaxed' },
    )
  }
}

function used(db: Db): number {
  const { logBytes, pageBytes } = db.stats().disk
  return logBytes + pageBytes
}

function sealedBytes(db: Db): number {
  const sealed = Database.coreOf(db)
    .log.segments()
    .filter((each) => each.sealed)
  return sealed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

function expectOnly(db: Db, ids: readonly number[]): void {
  expect(db.collection('items').query().orderBy('id').all()).toEqual(ids.map(record))
  expect(
    db
      .collection('items')
      .where({ n: { gte: 0 } })
      .orderBy('n')
      .all(),
  ).toHaveLength(ids.length)
}

it('after a big delete it leaves what is live, and tells of its steps', async () => {
  await withDatabase(async (db) => {
    await load(db)
    await db.checkpoint()
    await db.collection('items').deleteMany({ id: { gte: 300 } })
    const steps = new Set<string>()
    const result = await db.compact({
      onProgress({ step, done, total }) {
        steps.add(step)
        expect(done).toBeLessThanOrEqual(total)
      },
    })
    expect([...steps]).toEqual(['log', 'indexes', 'pages'])
    expect(result.beforeBytes).toBeGreaterThan(5 * MIB)
    expect(result.afterBytes).toBe(used(db))
    const { log, gc } = db.stats()
    // The segment that is being filled is left as it is.
    expect(sealedBytes(db)).toBeLessThan(1.2 * log.liveBytes)
    expect(gc.pageBytes).toBeLessThan(1.2 * gc.livePageBytes)
    for (const { space } of Database.coreOf(db).collections.get('items')!.indexes)
      expect(space.pageCount).toBeLessThan(40)
    expectOnly(
      db,
      Array.from({ length: 300 }, (_, id) => id),
    )
    const again = await db.compact()
    expect(again.afterBytes).toBeLessThanOrEqual(result.afterBytes + MIB)
  }, OPTIONS)
})

it('reads, writes, snapshots and transactions go on while it works', async () => {
  await withDatabase(async (db) => {
    await load(db)
    const items = db.collection('items')
    using snapshot = db.snapshot()
    await items.deleteMany({ id: { gte: 1500 } })
    let isDone = false
    const compacting = db.compact().finally(() => {
      isDone = true
    })
    let writes = 0
    for (; !isDone; writes++) {
      const id = writes % 1000
      await db.transaction((tx) => {
        expect(tx.collection('items').get(id)?.['text']).toBe(record(id).text)
        tx.collection('items').update(id, { text: record(id).text, extra: writes })
      })
      if (writes % 50 === 0) expect(snapshot.collection('items').get(RECORDS - 1 - (writes % 3000))).toBeDefined()
    }
    await compacting
    expect(writes).toBeGreaterThan(3)
    expect(snapshot.collection('items').count()).toBe(RECORDS)
    expect(snapshot.collection('items').query().orderBy('id').first()).toEqual(record(0))
    expect(items.count()).toBe(1500)
  }, OPTIONS)
})

it('keeps the segments that retain.logBytes promises', async () => {
  await withDatabase(
    async (db) => {
      await load(db)
      await db.collection('items').deleteMany({})
      await db.compact()
      expect(sealedBytes(db)).toBeGreaterThanOrEqual(2 * MIB)
    },
    { retain: { logBytes: 2 * MIB } },
  )
})

it('two at once do it one after the other', async () => {
  await withDatabase(async (db) => {
    await load(db)
    await db.collection('items').deleteMany({ id: { gte: 10 } })
    const [first, second] = await Promise.all([db.compact(), db.compact()])
    expect(second.beforeBytes).toBeLessThanOrEqual(first.afterBytes)
    expectOnly(
      db,
      Array.from({ length: 10 }, (_, id) => id),
    )
  }, OPTIONS)
})

it('ends between two slices when its signal says so, and leaves all as it was', async () => {
  await withDatabase(async (db) => {
    await load(db)
    await db.collection('items').deleteMany({ id: { gte: 1500 } })
    for (const step of ['log', 'indexes'] as const) {
      const abort = new AbortController()
      const compacting = db.compact({
        signal: abort.signal,
        onProgress: (progress) => progress.step === step && abort.abort(new Error('enough')),
      })
      await expect(compacting).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } })
      expect(db.collection('items').count()).toBe(1500)
    }
    await expect(db.compact({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    await db.compact()
    expect(db.collection('items').count()).toBe(1500)
  }, OPTIONS)
})

it('is refused by what takes no writes, and ends with CLOSED when the database is closed', async () => {
  const platform = freshPlatform()
  const db = await openOn(platform, OPTIONS)
  await load(db)
  await db.collection('items').deleteMany({ id: { gte: 100 } })
  await expect(db.compact({ step: 'all' } as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  const compacting = db.compact()
  compacting.catch(() => undefined)
  await db.close()
  await expect(compacting).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(db.compact()).rejects.toMatchObject({ code: 'CLOSED' })
  const reader = await openOn(platform, { readOnly: true })
  await expect(reader.compact()).rejects.toMatchObject({ code: 'READ_ONLY' })
  expectOnly(
    reader,
    Array.from({ length: 100 }, (_, id) => id),
  )
  await closeChecked(reader)
})

it('a power cut at any point of it loses nothing', async () => {
  const random = seededRandom(seed())
  // How many calls of the file system there are to cut at, by a run without a cut.
  const cut = async (at: number | undefined): Promise<number> => {
    const platform = freshPlatform(random.below(1000))
    const db = await openOn(platform, OPTIONS)
    await db.createIndex('items', 'n')
    for (let from = 0; from < 1500; from += 500) {
      await db.collection('items').insertMany(Array.from({ length: 500 }, (_, i) => record(from + i)))
    }
    await db.checkpoint()
    await db.collection('items').deleteMany({ id: { gte: 40, lt: 1490 } })
    const begun = platform.faults.callCount
    if (at !== undefined) platform.faults.failNth('any', at, 'crash')
    const outcome = await db.compact().then(
      () => 'done',
      () => 'failed',
    )
    const calls = platform.faults.callCount - begun
    if (at !== undefined) {
      expect(outcome).toBe('failed')
      const left = platform.crash({ mode: 'torn', seed: at })
      const again = await openOn(left, OPTIONS)
      expectOnly(again, [
        ...Array.from({ length: 40 }, (_, id) => id),
        ...Array.from({ length: 10 }, (_, i) => 1490 + i),
      ])
      await again.compact()
      await closeChecked(again)
    }
    await db.close().catch(() => undefined)
    return calls
  }
  const calls = await cut(undefined)
  for (let run = 0; run < effort(8); run++) await cut(1 + random.below(calls - 1))
})
