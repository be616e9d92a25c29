/** The edges of validation: the last row that a query gave, and the last write before the commit. */
import { expect, it } from 'vitest'
import type { CommitNumber } from '../../../src/base/ids.ts'
import { Database } from '../../../src/engine/database.ts'
import { freshPlatform, openOn, withDatabase } from '../fixture.ts'

it('the last row of a limited query conflicts like the others when another changes it', async () => {
  await withDatabase(async (db) => {
    const items = db.collection('items')
    await db.createIndex('items', 'n')
    await items.insertMany(Array.from({ length: 9 }, (_, id) => ({ id, n: id, plain: `p${id}` })))
    for (const key of ['n', 'plain']) {
      for (const direction of ['asc', 'desc'] as const) {
        const tx = db.begin()
        const rows = tx.collection('items').orderBy(key, direction).limit(3).all()
        tx.collection('own').insert({})
        await items.update(rows[2]!.id, { other: direction, by: key })
        await expect(tx.commit(), `${key} ${direction}`).rejects.toMatchObject({ code: 'CONFLICT' })
      }
    }
  })
})

it('a validation in slices also meets what is written between two of them', async () => {
  await withDatabase(async (db) => {
    const items = db.collection('items')
    const attempt = async (between: () => Promise<unknown>): Promise<void> => {
      const tx = db.begin()
      expect(tx.collection('items').where({ n: 1 }).all()).toEqual([])
      tx.collection('own').insert({})
      // More than one slice of writes that do not matter.
      await items.upsertMany(Array.from({ length: 1200 }, (_, id) => ({ id, n: 2, round: db.commitNumber })))
      // Its first slice is tested within this call, the next one in a later turn.
      const done = tx.commit()
      const other = between()
      try {
        await done
      } finally {
        await other
      }
    }
    await attempt(() => items.insert({ id: 'harmless', n: 3 }))
    await expect(attempt(() => items.insert({ id: 'phantom', n: 1 }))).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

it('a snapshot that was taken away is told at the next use, and by a commit that was under way', async () => {
  await withDatabase(async (db) => {
    const { snapshots } = Database.coreOf(db as Database<unknown>)
    const items = db.collection('items')
    const begun = (): ReturnType<typeof db.begin> => {
      const tx = db.begin()
      tx.collection('items').where({ n: 1 }).all()
      tx.collection('own').insert({})
      return tx
    }
    const late = begun()
    snapshots.end(snapshots.oldestHold()!)
    expect(() => late.collection('items').get(1)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_TOO_OLD' }))
    await expect(late.commit()).rejects.toMatchObject({ code: 'SNAPSHOT_TOO_OLD' })
    late.rollback()
    // Once in the slice of validation that comes next, once in the commit's own turn.
    for (const commits of [2, 1]) {
      const tx = begun()
      for (let i = 0; i < commits; i++) {
        await items.upsertMany(Array.from({ length: 600 }, (_, id) => ({ id, n: 2, round: db.commitNumber })))
      }
      const done = tx.commit()
      snapshots.end(snapshots.oldestHold()!)
      await expect(done, `${commits} commits`).rejects.toMatchObject({ code: 'SNAPSHOT_TOO_OLD' })
    }
  })
})

it('so many writes since the snapshot that they are not all kept are a conflict', async () => {
  await withDatabase(async (db) => {
    const core = Database.coreOf(db as Database<unknown>)
    await db.collection('items').insert({ id: 1, n: 2 })
    const state = core.collections.get('items')!
    const tx = db.begin()
    tx.collection('items').where({ n: 1 }).all()
    tx.collection('own').insert({})
    const next = (core.installed + 1) as CommitNumber
    for (let i = 0; i <= 2 ** 20; i++) core.recent.note(next, state, 0)
    await expect(tx.commit()).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

it('a collection that was read and dropped since is a conflict, whatever was read of it', async () => {
  await withDatabase(async (db) => {
    const reads = [
      (tx: ReturnType<typeof db.begin>) => tx.collection('items').get(1),
      (tx: ReturnType<typeof db.begin>) => tx.collection('items').where({ n: 1 }).all(),
    ]
    for (const read of reads) {
      await db.collection('items').insert({ id: 1, n: 1 })
      const tx = db.begin()
      read(tx)
      tx.collection('own').insert({})
      await db.dropCollection('items')
      await expect(tx.commit()).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('dropped') })
    }
  })
})

it('a transaction that only read what is then lost is told that it is not known', async () => {
  const platform = freshPlatform()
  const db = await openOn(platform, { syncWrites: 'never' })
  await db.collection('items').insert({ id: 1 })
  platform.files.hold()
  const write = db.collection('items').insert({ id: 2 })
  const tx = db.begin()
  expect(tx.collection('items').count()).toBe(2)
  platform.faults.failNth('write', 1, 'EIO', { path: '/log/' })
  const read = tx.commit()
  const outcomes = Promise.allSettled([write, read])
  await platform.clock.yield()
  platform.files.release()
  expect(await outcomes).toMatchObject([
    { status: 'rejected', reason: { code: 'COMMIT_UNKNOWN' } },
    { status: 'rejected', reason: { code: 'COMMIT_UNKNOWN' } },
  ])
  await expect(db.close()).rejects.toMatchObject({ code: 'POISONED' })
})
