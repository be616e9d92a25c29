/** What is dropped without an end is found, told, and given back. Garbage is collected by hand, time moved by hand. */
import { expect, it } from 'vitest'
import type { LeakReport } from '../../../src/engine/diagnostics.ts'
import { manualClock } from '../../../src/platform/manual-clock.ts'
import { toldOn } from '../../support/told.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

type Db = Awaited<ReturnType<typeof openOn<Record<never, never>>>>

const collect = (globalThis as { gc?: () => void }).gc

/** Garbage collections, and turns for the registry to tell what they found, until `done` or for a bounded number. */
async function collectUntil(done: () => boolean): Promise<void> {
  if (collect === undefined) throw new Error('run with --expose-gc')
  for (let round = 0; round < 50 && !done(); round++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function withWatched(
  fn: (db: Db, told: LeakReport[], clock: ReturnType<typeof manualClock>) => Promise<void>,
  options: { trackHolders?: boolean; health?: { snapshotAgeMs?: number; transactionAgeMs?: number } } = {},
): Promise<void> {
  const clock = manualClock()
  const db = await openOn(freshPlatform(1, clock), { syncWrites: 'never', ...options })
  await toldOn('blazedb:leak', async (told) => {
    await db.collection('items').insertMany(Array.from({ length: 50 }, (_, id) => ({ id, n: id })))
    await fn(db, told, clock)
  })
  await closeChecked(db)
}

/** Ways to begin reading and forget it. Each leaves nothing that refers to what it opened. */
const LEAKS: readonly [kind: LeakReport['kind'], holder: string, leak: (db: Db) => Promise<void>][] = [
  ['snapshot', 'snapshot', async (db) => void db.snapshot().collection('items').get(1)],
  ['snapshot', 'asOf', async (db) => void db.asOf(db.commitNumber)],
  ['snapshot', 'dumpStream', async (db) => void (await db.dumpStream('items').next())],
  ['transaction', 'begin', async (db) => void db.begin().collection('items').update(1, { n: 7 })],
  ['transaction', 'begin', async (db) => void db.begin({ isolation: 'snapshot' }).collection('items').get(1)],
  [
    'transaction',
    'transaction',
    async (db) => {
      void db.transaction(async (tx) => {
        tx.collection('items').update(2, { n: 7 })
        await new Promise(() => undefined)
      })
      await db.transaction(async () => undefined)
    },
  ],
  ['query', 'query', async (db) => void (await db.collection('items').query().iterate().next())],
  [
    'query',
    'query',
    async (db) =>
      void (await db
        .collection('items')
        .where({ n: { gte: 3 } })
        .orderBy('n')
        .iterate()
        .next()),
  ],
]

it.each(LEAKS)('a dropped %s (%s) is told and gives back what it held', async (kind, holder, leak) => {
  await withWatched(async (db, told, clock) => {
    await leak(db)
    expect(db.stats().snapshots).toMatchObject({ count: 1, leaked: 0, oldestHolder: { kind, holder } })
    await db.collection('items').updateMany({}, { n: 1000 })
    clock.advance(20)
    expect(db.stats().versions.count).toBe(50)
    clock.advance(1100)
    await collectUntil(() => told.length > 0)
    expect(told).toMatchObject([{ reason: 'collected', kind, holder, path: '/db', openedAt: undefined }])
    expect(told[0]?.ageMs).toBeGreaterThanOrEqual(1000)
    expect(db.stats().snapshots).toMatchObject({ count: 0, leaked: 1 })
    clock.advance(100)
    expect(db.stats().versions.count).toBe(0)
  })
})

it('what is used still is never taken for dropped, by whatever part of it is kept', async () => {
  const use = async (db: Db, told: LeakReport[], clock: ReturnType<typeof manualClock>): Promise<void> => {
    const items = db.snapshot().collection('items')
    const query = db
      .snapshot()
      .collection('items')
      .where({ n: { lt: 10 } })
    const inTransaction = db.begin().collection('items')
    const iteration = db.collection('items').query().orderBy('n').iterate()
    const rows = [(await iteration.next()).value]
    await db.collection('items').updateMany({}, { n: 1000 })
    clock.advance(2000)
    await collectUntil(() => told.length > 0)
    expect(told).toEqual([])
    expect(items.get(5)).toEqual({ id: 5, n: 5 })
    expect(query.count()).toBe(10)
    expect(inTransaction.get(5)).toEqual({ id: 5, n: 5 })
    for await (const row of iteration) rows.push(row)
    expect(rows).toEqual(Array.from({ length: 50 }, (_, id) => ({ id, n: id })))
    expect(db.stats().snapshots.count).toBe(3)
  }
  await withWatched(async (db, told, clock) => {
    await use(db, told, clock)
    await collectUntil(() => told.length === 3)
    expect(told.map(({ kind }) => kind).sort()).toEqual(['snapshot', 'snapshot', 'transaction'])
  })
})

it('what was watched and then ended is told by nobody', async () => {
  await withWatched(async (db, told, clock) => {
    const snapshot = db.snapshot()
    const transaction = db.begin()
    transaction.collection('items').update(1, { n: 7 })
    const iteration = db.collection('items').query().iterate()
    await iteration.next()
    clock.advance(2000)
    snapshot.close()
    await transaction.commit()
    await iteration.return()
    expect(db.stats().snapshots.count).toBe(0)
    await collectUntil(() => told.length > 0)
    expect(told).toEqual([])
    expect(db.collection('items').get(1)).toEqual({ id: 1, n: 7 })
  })
})

it('close ends what was watched, and names the transactions that were open', async () => {
  const db = await openOn(freshPlatform(), { closeTimeoutMs: 0 })
  const transaction = db.begin()
  const snapshot = db.snapshot()
  await new Promise((resolve) => setTimeout(resolve, 1100))
  await expect(db.close()).rejects.toMatchObject({ code: 'CLOSE_TIMEOUT', details: { transactions: ['begin'] } })
  expect(transaction.isOpen).toBe(false)
  expect(() => snapshot.collection('items').get(1)).toThrow(expect.objectContaining({ code: 'CLOSED' }))
})

it('what is older than its limit is told once, with the place that opened it', async () => {
  await withWatched(
    async (db, told, clock) => {
      const snapshot = db.snapshot()
      const transaction = db.begin()
      const iteration = db.collection('items').query().iterate()
      await iteration.next()
      clock.advance(4999)
      expect(told).toEqual([])
      clock.advance(2)
      expect(told).toMatchObject([{ reason: 'age', kind: 'transaction', holder: 'begin', ageMs: 5000 }])
      clock.advance(60_000)
      expect(told.map(({ kind }) => kind).sort()).toEqual(['query', 'snapshot', 'transaction'])
      for (const { openedAt } of told) expect(openedAt?.split('\n')[0]).toContain('leaks.test.ts')
      for (const { openedAt } of db.stats().snapshots.holders) expect(openedAt).toContain('leaks.test.ts')
      snapshot.close()
      transaction.rollback()
      await iteration.return()
    },
    { trackHolders: true, health: { snapshotAgeMs: 20_000, transactionAgeMs: 5000 } },
  )
})

it('timeouts name the line that began the transaction, of each attempt and of one that close rolls back', async () => {
  const clock = manualClock()
  const db = await openOn(freshPlatform(1, clock), { trackHolders: true, closeTimeoutMs: 0, syncWrites: 'never' })
  const late = db.transaction(
    async (tx) => {
      tx.collection('items').insert({ id: 1 })
      clock.advance(50)
    },
    { timeoutMs: 50 },
  )
  const here = expect.stringMatching(/^[^\n]*leaks\.test\.ts/)
  await expect(late).rejects.toMatchObject({
    code: 'TRANSACTION_TIMEOUT',
    message: expect.stringContaining('leaks.test.ts'),
    details: { timeoutMs: 50, openedAt: here },
  })
  db.begin()
  await expect(db.close()).rejects.toMatchObject({
    code: 'CLOSE_TIMEOUT',
    message: expect.stringContaining('leaks.test.ts'),
    details: { transactions: ['begin'], openedAt: [here] },
  })
})

it('without trackHolders a close that timed out says how to find who was open', async () => {
  const db = await openOn(freshPlatform(), { closeTimeoutMs: 0 })
  db.begin()
  await expect(db.close()).rejects.toMatchObject({
    message: expect.stringContaining('begin. End them before closing; open({ trackHolders: true }) says where'),
    details: { transactions: ['begin'], openedAt: [undefined] },
  })
})

it('an iteration whose loop is left is ended at once', async () => {
  await withWatched(async (db) => {
    for await (const row of db.collection('items')) if (row['n'] === 3) break
    expect(db.stats().snapshots.count).toBe(0)
    await expect(async () => {
      for await (const row of db.collection('items')) throw new Error(`at ${String(row['n'])}`)
    }).rejects.toThrow('at 0')
    expect(db.stats().snapshots.count).toBe(0)
  })
})
