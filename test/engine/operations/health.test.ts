/** db.health() and db.stats(): each check in its good and in its bad state. */
import { expect, it } from 'vitest'
import { BlazeError } from '../../../src/base/errors.ts'
import { Database } from '../../../src/engine/database.ts'
import type { HealthCheck, HealthCheckName } from '../../../src/engine/health.ts'
import type { OpenOptions } from '../../../src/engine/open-options.ts'
import { type ManualClock, manualClock } from '../../../src/platform/manual-clock.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import { closeChecked, FOLDER, freshPlatform, openOn } from '../fixture.ts'

type Db = Awaited<ReturnType<typeof openOn<Record<never, never>>>>

const MIB = 1024 * 1024

async function withPatient(
  fn: (db: Db, platform: MemoryPlatform, clock: ManualClock) => Promise<void>,
  options: OpenOptions<Record<never, never>> = {},
): Promise<void> {
  const clock = manualClock()
  const platform = freshPlatform(1, clock)
  const db = await openOn(platform, { syncWrites: 'never', ...options })
  await db.collection('items').insertMany(Array.from({ length: 100 }, (_, id) => ({ id, n: id })))
  await fn(db, platform, clock)
  await closeChecked(db)
}

async function check(db: Db, name: HealthCheckName): Promise<HealthCheck> {
  const found = (await db.health()).checks.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no check ${name}`)
  return found
}

it('a database in order is ok in every check, and nothing is to be done', async () => {
  await withPatient(async (db, platform) => {
    platform.files.capacityBytes = 4096 * MIB
    const { status, checks } = await db.health()
    expect(status).toBe('ok')
    expect(checks.map(({ name }) => name)).toEqual([
      'log-writes',
      'tables',
      'indexes',
      'checkpoints',
      'background',
      'disk-space',
      'log-size',
      'history',
      'snapshots',
      'transactions',
      'memory',
      'sync-method',
    ])
    for (const each of checks)
      expect(each).toMatchObject({ status: 'ok', action: undefined, text: expect.stringMatching(/\.$/) })
  })
})

it('the whole is as bad as the worst check', async () => {
  await withPatient(async (db, platform) => {
    platform.files.capacityBytes = 256 * MIB
    expect((await db.health()).status).toBe('warn')
    platform.files.capacityBytes = 8 * MIB
    expect((await db.health()).status).toBe('error')
  })
})

it('little free disk warns, very little is an error, and what cannot be read is told', async () => {
  await withPatient(
    async (db, platform) => {
      platform.files.capacityBytes = 100 * MIB
      expect(await check(db, 'disk-space')).toMatchObject({ status: 'warn', limit: 200 * MIB })
      platform.files.capacityBytes = 20 * MIB
      expect(await check(db, 'disk-space')).toMatchObject({
        status: 'error',
        action: expect.stringContaining('compact'),
      })
      platform.faults.failNth('freeBytesSync', 1, 'EIO')
      expect(await check(db, 'disk-space')).toMatchObject({ status: 'warn', value: undefined })
    },
    { health: { freeDiskBytes: 200 * MIB } },
  )
})

it('an old snapshot, iteration or transaction warns with its age, its holder and where it was opened', async () => {
  await withPatient(
    async (db, _platform, clock) => {
      const snapshot = db.snapshot()
      const transaction = db.begin()
      clock.advance(5000)
      expect((await db.health()).status).toBe('ok')
      clock.advance(1)
      expect(await check(db, 'transactions')).toMatchObject({ status: 'warn', value: 5001, limit: 5000 })
      clock.advance(5000)
      const found = await check(db, 'snapshots')
      expect(found).toMatchObject({ status: 'warn', value: 10_001, limit: 10_000 })
      expect(found.text).toMatch(/held by snapshot at commit 1 \(.*health\.test\.ts/)
      transaction.rollback()
      snapshot.close()
      expect((await db.health()).status).toBe('ok')
    },
    { trackHolders: true, health: { snapshotAgeMs: 10_000, transactionAgeMs: 5000 } },
  )
})

it('failed checkpoints warn, several in a row are an error, and one that succeeds ends it', async () => {
  await withPatient(
    async (db, platform, clock) => {
      platform.faults.failNth('any', 1, 'ENOSPC', { path: '/pages', sticky: true })
      for (let failed = 1; failed <= 3; failed++) {
        await expect(db.checkpoint()).rejects.toMatchObject({ code: expect.stringMatching(/IO|DISK_FULL/) })
        expect(await check(db, 'checkpoints')).toMatchObject({ status: failed < 3 ? 'warn' : 'error', value: failed })
      }
      expect(await check(db, 'background')).toMatchObject({ status: 'warn' })
      platform.faults.clear()
      await db.checkpoint()
      expect(await check(db, 'checkpoints')).toMatchObject({ status: 'ok' })
      clock.advance(1001)
      expect(await check(db, 'background')).toMatchObject({ status: 'ok' })
    },
    { health: { recentErrorMs: 1000 } },
  )
})

it('history near its share of memory warns, naming who would be ended', async () => {
  await withPatient(
    async (db, _platform, clock) => {
      const snapshot = db.snapshot()
      await db.collection('items').updateMany({}, { n: -1 })
      clock.advance(20)
      expect(await check(db, 'history')).toMatchObject({ status: 'ok' })
      expect(db.stats().versions).toMatchObject({ count: 100, limitBytes: 4 * MIB })
      snapshot.close()
    },
    { memoryBytes: 16 * MIB },
  )
  await withPatient(
    async (db, _platform, clock) => {
      using _snapshot = db.snapshot()
      await db.collection('items').updateMany({}, { n: -1 })
      clock.advance(20)
      const found = await check(db, 'history')
      expect(found).toMatchObject({ status: 'warn', value: 4400, limit: 4194 })
      expect(found.text).toContain('held by snapshot')
    },
    { memoryBytes: 16 * MIB, health: { historyShare: 0.001 } },
  )
})

it('a log beyond what is live and retained warns', async () => {
  await withPatient(
    async (db) => {
      const text = 't'.repeat(1000)
      for (let round = 0; round < 3; round++) {
        await db.collection('items').upsertMany(Array.from({ length: 1000 }, (_, id) => ({ id, round, text })))
      }
      await db.collection('items').deleteMany({})
      const found = await check(db, 'log-size')
      expect(found).toMatchObject({ status: 'warn', limit: 0, action: expect.stringContaining('compact') })
      expect(found.value).toBeGreaterThan(2_000_000)
    },
    { retain: { logBytes: 0 }, health: { logExcessBytes: 0 } },
  )
})

it('indexes that are built are named, those that are damaged warn, unique ones are an error', async () => {
  await withPatient(async (db) => {
    const core = Database.coreOf(db)
    await db.createIndex('items', 'n')
    await db.createIndex('items', { on: ['id', 'n'], name: 'both', unique: true })
    core.onBrokenIndex = () => undefined
    const [plain, unique] = core.collections.get('items')!.indexes
    const damage = new BlazeError('CORRUPT', 'a page is damaged', {
      file: 'pages/1',
      offset: 0,
      expected: 'a',
      found: 'b',
    })
    plain!.building = true
    expect(await check(db, 'indexes')).toMatchObject({ status: 'ok', text: expect.stringContaining('items.n') })
    plain!.building = false
    plain!.break(damage)
    expect(await check(db, 'indexes')).toMatchObject({ status: 'warn', value: 1 })
    unique!.break(damage)
    expect(await check(db, 'indexes')).toMatchObject({ status: 'error', value: 2 })
    await db.dropIndex('items', 'n')
    await db.dropIndex('items', 'both')
    expect(await check(db, 'indexes')).toMatchObject({ status: 'ok' })
  })
})

it('a failed write of the log, and damage of a table, are errors that say how to go on', async () => {
  const platform = freshPlatform()
  const db = await openOn(platform)
  await db.collection('items').insert({ id: 1 })
  platform.faults.failNth('any', 1, 'EIO', { path: '/log', sticky: true })
  await db
    .collection('items')
    .insert({ id: 2 })
    .catch(() => undefined)
  platform.faults.clear()
  expect(await check(db, 'log-writes')).toMatchObject({
    status: 'error',
    action: expect.stringContaining('open it again'),
  })
  Database.coreOf(db).noteDamage(new Error('a page'))
  expect(await check(db, 'tables')).toMatchObject({ status: 'error', text: expect.stringContaining('a page') })
  expect((await db.health()).status).toBe('error')
  await db.close().catch(() => undefined)
  await expect(db.health()).rejects.toMatchObject({ code: 'CLOSED' })
})

it('stats tell sizes, caches, holders and what the background has done', async () => {
  await withPatient(
    async (db, platform) => {
      const items = db.collection('items')
      await db.createIndex('items', 'n')
      const snapshot = db.snapshot()
      await items.updateMany({}, { n: 5 })
      for (let id = 0; id < 100; id++) items.get(id)
      const before = db.stats()
      expect(before.commits).toMatchObject({ installed: 3, visible: 3, pending: 0, sinceOpen: 3, conflicts: 0 })
      expect(before.snapshots.oldestHolder).toMatchObject({ kind: 'snapshot', holder: 'snapshot', commit: 2 })
      expect(before.cache.log).toMatchObject({ misses: 0, hitRate: 1 })
      expect(before.cache.log.hits).toBeGreaterThanOrEqual(100)
      expect(before.cache.pages.hits).toBeGreaterThanOrEqual(100)
      expect(before.log.bytesSinceCheckpoint).toBeGreaterThan(1000)
      expect(before.memory.dirtyBytes).toBeGreaterThan(0)
      snapshot.close()
      await db.checkpoint()
      const after = db.stats()
      expect(after.log.bytesSinceCheckpoint).toBe(0)
      expect(after.gc).toMatchObject({ checkpoints: 1, failedCheckpoints: 0, lastError: undefined })
      const files = [...platform.snapshotDurable().keys()]
      expect(files).toContain(`${FOLDER}/pages/1`)
      const { logBytes, pageBytes, directoryBytes, spillBytes, totalBytes } = after.disk
      expect(totalBytes).toBe(logBytes + pageBytes + directoryBytes + spillBytes)
      expect([logBytes, pageBytes, directoryBytes].every((size) => size > 0)).toBe(true)
    },
    { syncWrites: 'never' },
  )
  // What has been read from a cold log counts as missed.
  const platform = freshPlatform()
  let db = await openOn(platform)
  await db.collection('items').insertMany(Array.from({ length: 2000 }, (_, id) => ({ id, text: 't'.repeat(100) })))
  await db.close()
  db = await openOn(platform)
  for (let id = 0; id < 2000; id += 10) db.collection('items').get(id)
  const { log, pages } = db.stats().cache
  expect(log.misses).toBeGreaterThan(0)
  expect(pages.misses).toBeGreaterThan(0)
  expect(log.hitRate).toBe(log.hits / (log.hits + log.misses))
  await closeChecked(db)
})

it('options of health are checked as all others are', async () => {
  const open = (health: object): Promise<unknown> => openOn(freshPlatform(), { health } as never)
  for (const health of [
    { agoMs: 1 },
    { historyShare: 0 },
    { historyShare: 2 },
    { snapshotAgeMs: 0 },
    { freeDiskBytes: -1 },
  ]) {
    await expect(open(health), JSON.stringify(health)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
})
