/** Limits: each refusal names limit and actual size, and nothing of the call is done. */
import { expect, it } from 'vitest'
import { isBlazeError } from '../../../src/base/errors.ts'
import { closeChecked, FOLDER, freshPlatform, openOn, withDatabase } from '../fixture.ts'

const MIB = 1024 * 1024
/** A write set of 16 MiB, records of one. */
const SMALL = { memoryBytes: 16 * MIB, maxRecordBytes: MIB } as const

type Db = Awaited<ReturnType<typeof openOn<Record<never, never>>>>

/** The state that a refusal leaves: what was there, and no commit since. */
async function expectUntouched(db: Db, refused: () => Promise<unknown>, error: object): Promise<void> {
  const before = [db.commitNumber, db.stats().log.bytes, db.collection('c').query().orderBy('id').all()]
  await expect(refused()).rejects.toMatchObject(error)
  expect([db.commitNumber, db.stats().log.bytes, db.collection('c').query().orderBy('id').all()]).toEqual(before)
  expect(db.stats().snapshots.count).toBe(0)
}

it('a record above maxRecordBytes is refused in every call, and so is all of its batch', async () => {
  await withDatabase(async (db) => {
    const c = db.collection('c')
    await c.insert({ id: 1, text: 'small' })
    const large = { id: 2, text: 'x'.repeat(MIB) }
    const calls: (() => Promise<unknown>)[] = [
      () => c.insert(large),
      () => c.upsert({ ...large, id: 1 }),
      () => c.replace({ ...large, id: 1 }),
      () => c.update(1, { text: large.text }),
      () => c.insertMany([{ id: 3 }, large]),
      () => c.upsertMany([{ id: 1, text: 'other' }, large]),
      () => c.updateMany({}, { text: large.text }),
      () =>
        db.transaction((tx) => {
          tx.collection('c').insert({ id: 3 })
          tx.collection('c').insert(large)
        }),
    ]
    for (const call of calls) {
      await expectUntouched(db, call, { code: 'TOO_LARGE', details: { limit: MIB, actual: expect.any(Number) } })
    }
    await db.transaction((tx) => {
      expect(() => tx.collection('c').insert(large)).toThrow(/maxRecordBytes/)
      tx.collection('c').insert({ id: 3 })
    })
    expect(c.get(3)).toEqual({ id: 3 })
  }, SMALL)
})

it('a batch or a transaction above the memory it may take is refused whole', async () => {
  await withDatabase(async (db) => {
    const c = db.collection('c')
    await c.insert({ id: -1 })
    const record = (id: number): { id: number; text: string } => ({ id, text: 'x'.repeat(900_000) })
    const records = Array.from({ length: 20 }, (_, id) => record(id))
    const error = { code: 'MEMORY_LIMIT', details: { limit: 16 * MIB, actual: expect.any(Number) } }
    await expectUntouched(db, () => c.insertMany(records), error)
    await expectUntouched(db, () => c.upsertMany(records), error)
    await expectUntouched(
      db,
      () =>
        db.transaction((tx) => {
          for (const each of records) tx.collection('c').insert(each)
        }),
      error,
    )
    await c.insertMany(records.slice(0, 10))
    expect(c.count()).toBe(11)
  }, SMALL)
})

it('more holders than there may be are refused, and those that are there go on', async () => {
  await withDatabase(async (db) => {
    await db.collection('c').insert({ id: 1 })
    const held: Disposable[] = []
    let refused: unknown
    for (let count = 0; refused === undefined && count <= 100_000; count++) {
      try {
        held.push(count % 2 === 0 ? db.snapshot() : db.begin())
      } catch (error) {
        refused = error
      }
    }
    expect(refused).toMatchObject({ code: 'MEMORY_LIMIT', details: { limit: 100_000, actual: 100_001 } })
    expect(held).toHaveLength(100_000)
    expect(() => db.collection('c').count()).toThrow(/stats\(\)\.snapshots\.holders/)
    expect(db.collection('c').get(1)).toEqual({ id: 1 })
    for (const each of held) each[Symbol.dispose]()
    expect(db.collection('c').count()).toBe(1)
  })
})

it('minFreeDiskBytes refuses what puts records before the disk is full; deletes, checkpoints and compaction go on', async () => {
  const platform = freshPlatform()
  platform.files.capacityBytes = 40 * MIB
  const db = await openOn(platform, { minFreeDiskBytes: 20 * MIB, retain: { logBytes: 0 } })
  const c = db.collection('c')
  let inserted = 0
  let refused: unknown
  while (refused === undefined) {
    const batch = Array.from({ length: 200 }, (_, i) => ({ id: inserted + i, text: 'x'.repeat(1000) }))
    try {
      await c.insertMany(batch)
      inserted += batch.length
    } catch (error) {
      refused = error
    }
  }
  expect(isBlazeError(refused, 'DISK_FULL') && refused.retryable).toBe(true)
  expect(String(refused)).toContain('minFreeDiskBytes')
  expect(inserted).toBeGreaterThan(5000)
  expect(platform.files.freeBytesSync(FOLDER)).toBeGreaterThanOrEqual(20 * MIB)
  expect(c.count()).toBe(inserted)
  expect((await db.health()).status).not.toBe('ok')
  await expect(
    c.insertMany(Array.from({ length: 200 }, (_, i) => ({ id: inserted + i, text: 'x'.repeat(1000) }))),
  ).rejects.toMatchObject({ code: 'DISK_FULL' })
  // What frees space may use what is kept free.
  await c.deleteMany({ id: { gte: 1000 } })
  await db.checkpoint()
  await db.compact()
  expect(c.count()).toBe(1000)
  expect(platform.files.freeBytesSync(FOLDER)).toBeGreaterThan(20 * MIB)
  platform.files.capacityBytes = 200 * MIB
  await c.insert({ id: inserted })
  expect(c.count()).toBe(1001)
  await closeChecked(db)
})

it('a transaction of many segments takes its space before its turn, and is there whole after a crash', async () => {
  const platform = freshPlatform()
  const db = await openOn(platform)
  const records = 24_000
  await db.transaction((tx) => {
    for (let id = 0; id < records; id++) tx.collection('c').insert({ id, text: 'x'.repeat(1000) })
  })
  expect(db.stats().log.segments).toBeGreaterThan(4)
  const again = await openOn(platform.crash({ mode: 'lose-unsynced', seed: 1 }))
  expect(again.collection('c').count()).toBe(records)
  await closeChecked(again)
  platform.faults.failNth('any', 1, 'ENOSPC', { path: '/log', sticky: true })
  const full = db.transaction((tx) => {
    for (let id = 0; id < records; id++) tx.collection('d').insert({ id, text: 'x'.repeat(1000) })
  })
  await expect(full).rejects.toMatchObject({ code: 'DISK_FULL' })
  platform.faults.clear()
  expect([db.collection('d').count(), db.commitNumber]).toEqual([0, 1])
  await db.collection('d').insert({ id: 1 })
  await closeChecked(db)
})
