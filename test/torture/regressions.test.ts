/** What the torture tests found, as small as it gets. */
import { expect, it } from 'vitest'
import { checked } from './history.ts'
import { type Db, FOLDER, freshMachine, openAt, turns } from './machine.ts'

it('what is committed after the clean close of an empty database survives a kill', async () => {
  const { platform } = freshMachine(1)
  const empty = await openAt(platform)
  await empty.close()
  const db = await openAt(platform)
  await db.collection('a').insert({ id: 1 })
  const left = platform.crash({ mode: 'lose-unsynced', seed: 1 })
  await db.close()
  const again = await openAt(left)
  expect(again.collection('a').all()).toEqual([{ id: 1 }])
  await again.close()
})

it('a failed sync of the log is not believed by the next open: what it finds is put on the device', async () => {
  const { platform, clock } = freshMachine(1)
  const db = await openAt(platform)
  await db.collection('a').insert({ id: 1 })
  await db.collection('a').insert({ id: 2 }, { durability: 'relaxed' })
  platform.faults.failNth('sync', 1, 'EIO', { path: '/log/' })
  clock.advance(200)
  await turns()
  expect(db.stats().poisoned).toBe(true)
  await expect(db.close()).rejects.toMatchObject({ code: 'POISONED' })
  const again = await openAt(platform)
  expect(again.collection('a').count()).toBe(2)
  await again.checkpoint()
  const left = platform.crash({ mode: 'lose-unsynced', seed: 1 })
  await again.close()
  const after = await openAt(left)
  expect(after.collection('a').all()).toHaveLength(2)
  checked(after)
  await after.close()
})

it('a folder that cannot be synced refuses the commit that needs a new segment before anything is touched', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  platform.faults.failNth('syncFolderSync', 1, 'EIO', { path: '/log' })
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(db.collection('a').insert({ id: 1 })).rejects.toMatchObject({ code: 'IO' })
  }
  expect(db.stats().commits).toMatchObject({ installed: 0, visible: 0, pending: 0 })
  await db.close()
  const again = await openAt(platform)
  await again.collection('a').insert({ id: 1 })
  await again.close()
})

it('a log segment without a durable descriptor is written with a plain one and synced', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  platform.faults.failNth('openSync', 2, 'EIO', { path: '/log/' })
  await db.collection('a').insert({ id: 1 })
  const left = platform.crash({ mode: 'lose-unsynced', seed: 1 })
  await db.close()
  const again = await openAt(left)
  expect(again.collection('a').count()).toBe(1)
  await again.close()
})

it('transactionSync whose write fails says that the outcome is not known', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  await db.collection('a').insert({ id: 1 })
  platform.faults.failNth('writeSync', 1, 'EIO', { path: '/log/' })
  const write = (): unknown => db.transactionSync((tx) => tx.collection('a').insert({ id: 2 }))
  expect(write).toThrow(expect.objectContaining({ code: 'COMMIT_UNKNOWN' }))
  expect(write).toThrow(expect.objectContaining({ code: 'POISONED' }))
  await expect(db.close()).rejects.toMatchObject({ code: 'POISONED' })
})

it('a drop or a rename whose write fails leaves readers what was there', async () => {
  const changes = [(db: Db) => db.dropCollection('a'), (db: Db) => db.renameCollection('a', 'other')]
  for (const change of changes) {
    const { platform } = freshMachine(1)
    const db = await openAt(platform)
    await db.createIndex('a', 'n')
    const a = db.collection('a')
    await a.insertMany([
      { id: 1, n: 1 },
      { id: 2, n: 2, body: 'z'.repeat(80_000) },
    ])
    platform.faults.failNth('write', 1, 'EIO', { path: '/log/' })
    await expect(change(db)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
    expect(db.collections()).toEqual(['a'])
    expect(db.collection('other').count()).toBe(0)
    expect(a.orderBy('id').select('id').all()).toEqual([{ id: 1 }, { id: 2 }])
    expect(a.where({ n: { gte: 2 } }).all()).toEqual([{ id: 2, n: 2, body: 'z'.repeat(80_000) }])
    checked(db)
    await expect(db.close()).rejects.toMatchObject({ code: 'POISONED' })
    const again = await openAt(platform)
    expect(again.collections().length).toBeLessThan(2)
    checked(again)
    await again.close()
  }
})

it('a page descriptor that cannot be closed is told by an error of ours, and the lock is free', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  await db.collection('a').insert({ id: 1 })
  await db.checkpoint()
  platform.faults.failNth('closeSync', 1, 'EIO', { path: `${FOLDER}/pages/` })
  await expect(db.close()).rejects.toMatchObject({ code: 'IO' })
  const again = await openAt(platform)
  expect(again.collection('a').count()).toBe(1)
  await again.close()
})

it('a held snapshot costs an index one entry for each key that it sees, however often the field is updated', async () => {
  const { platform, clock } = freshMachine(1)
  const db = await openAt(platform)
  await db.createIndex('a', 'n')
  const a = db.collection('a')
  await a.insertMany(Array.from({ length: 10 }, (_, id) => ({ id, n: id })))
  const snapshot = db.snapshot()
  for (let round = 1; round < 50; round++) {
    await a.updateMany({}, { n: round % 3 === 0 ? 5 : 1000 + round })
    clock.advance(100)
    await turns(1)
  }
  const { Database } = await import('../../src/engine/database.ts')
  const index = Database.coreOf(db).collections.get('a')!.indexes[0]!.index
  // Ten that it sees, and one for the record that comes back to a key that the snapshot sees of it.
  expect(index.historyCount).toBeLessThanOrEqual(21)
  expect(
    snapshot
      .collection('a')
      .where({ n: { between: [0, 9] } })
      .orderBy('n')
      .all(),
  ).toHaveLength(10)
  expect(
    snapshot
      .collection('a')
      .where({ n: { gt: 9 } })
      .all(),
  ).toEqual([])
  snapshot.close()
  await db.close()
})
