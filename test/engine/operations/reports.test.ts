/** What a database tells on node:diagnostics_channel, and that telling harms nothing. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, it, vi } from 'vitest'
import { manualClock } from '../../../src/platform/manual-clock.ts'
import { toldOn } from '../../support/told.ts'
import { closeChecked, FOLDER, freshPlatform, openOn, withDatabase } from '../fixture.ts'

it('each visible commit is told once, in order, with the records of the user', async () => {
  await withDatabase(async (db) => {
    await toldOn('blazedb:commit', async (told) => {
      await db.collection('c').insert({ id: 1 })
      await db.collection('c').insertMany([{ id: 2 }, { id: 3 }], { durability: 'relaxed' })
      await db.collection('c').delete(9)
      await db.transaction((tx) => {
        tx.collection('c').delete(1)
        tx.collection('d').insert({ id: 1 })
      })
      expect(told).toMatchObject([
        { path: FOLDER, commitNumber: 1, durability: 'full', records: 1 },
        { path: FOLDER, commitNumber: 2, durability: 'relaxed', records: 2 },
        { path: FOLDER, commitNumber: 3, durability: 'full', records: 2 },
      ])
      for (const { durationMs } of told) expect(durationMs).toBeGreaterThanOrEqual(0)
    })
  })
})

it('a transaction that loses is told with its records, at each attempt', async () => {
  await withDatabase(async (db) => {
    await db.collection('c').insert({ id: 1, n: 0 })
    await toldOn('blazedb:conflict', async (told) => {
      let other = 10
      const losing = db.transaction(
        async (tx) => {
          tx.collection('c').update(1, { n: 1 })
          await db.collection('c').update(1, { n: other++ })
        },
        { retries: 1 },
      )
      await expect(losing).rejects.toMatchObject({ code: 'CONFLICT' })
      const lost = { path: FOLDER, holder: 'transaction', records: [{ collection: 'c', id: 1 }] }
      expect(told).toEqual([lost, lost])
      expect(db.stats().commits.conflicts).toBe(2)
    })
  })
})

it('checkpoints are told, those that fail with what failed, and that error also as one of the background', async () => {
  await withDatabase(async (db, platform) => {
    await db.collection('c').insert({ id: 1 })
    await toldOn('blazedb:checkpoint', async (told) => {
      await toldOn('blazedb:background-error', async (errors) => {
        platform.faults.failNth('any', 1, 'EIO', { path: '/pages', sticky: true })
        await expect(db.checkpoint()).rejects.toMatchObject({ code: 'IO' })
        platform.faults.clear()
        await db.checkpoint()
        expect(told).toMatchObject([
          { path: FOLDER, outcome: 'failed', step: 'pages', pagesWritten: 0 },
          { path: FOLDER, outcome: 'written', step: undefined, error: undefined },
        ])
        expect(told[0]?.error).toMatchObject({ code: 'IO' })
        expect(told[1]?.pagesWritten).toBeGreaterThan(0)
        expect(errors).toMatchObject([{ path: FOLDER, error: { code: 'IO' } }])
      })
    })
  })
})

it('cleaned segments are told, with what was copied of them', async () => {
  await withDatabase(
    async (db) => {
      const text = 't'.repeat(1000)
      await toldOn('blazedb:clean', async (told) => {
        for (let round = 0; round < 4; round++) {
          await db.collection('c').upsertMany(Array.from({ length: 1500 }, (_, id) => ({ id, round, text })))
        }
        await db.compact()
        const { segmentsCleaned, copiedBytes } = db.stats().gc
        expect(told.map(({ segment }) => segment)).toEqual(told.map((_, at) => at + 1))
        expect(told).toHaveLength(segmentsCleaned)
        expect(told.reduce((sum, each) => sum + each.copiedBytes, 0)).toBe(copiedBytes)
        for (const { sizeBytes } of told) expect(sizeBytes).toBeGreaterThan(1_000_000)
      })
    },
    { retain: { logBytes: 0 } },
  )
})

it('a snapshot that is ended for want of memory is told with its holder', async () => {
  const clock = manualClock()
  const db = await openOn(freshPlatform(1, clock), {
    memoryBytes: 16 * 1024 * 1024,
    syncWrites: 'never',
    trackHolders: true,
  })
  await toldOn('blazedb:snapshot-ended', async (told) => {
    const ids = Array.from({ length: 3000 }, (_, id) => id)
    const held: Disposable[] = []
    for (let round = 0; told.length === 0 && round < 80; round++) {
      await db.collection('c').upsertMany(
        ids.map((id) => ({ id, round })),
        { durability: 'none' },
      )
      held.push(db.snapshot())
      clock.advance(20)
    }
    const [ended] = told
    expect(ended).toMatchObject({ path: FOLDER, kind: 'snapshot', holder: 'snapshot', commitNumber: 1 })
    expect(ended?.historyBytes).toBeGreaterThan(ended?.limitBytes ?? 0)
    expect(ended?.openedAt).toContain('reports.test.ts')
    for (const each of held) each[Symbol.dispose]()
  })
  await closeChecked(db)
})

it('the failed write that ends writing is told once', async () => {
  const platform = freshPlatform()
  const db = await openOn(platform)
  await db.collection('c').insert({ id: 1 })
  await toldOn('blazedb:poisoned', async (told) => {
    platform.faults.failNth('any', 1, 'EIO', { path: '/log', sticky: true })
    const lost = await Promise.allSettled([2, 3].map((id) => db.collection('c').insert({ id })))
    expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(told).toMatchObject([{ path: FOLDER }])
    expect(told[0]?.cause).toBeInstanceOf(Error)
  })
  platform.faults.clear()
  await db.close().catch(() => undefined)
})

it('a listener that throws stops neither the call nor the other listeners', async () => {
  // Node raises what a listener throws as an uncaught exception, in a tick of its own; here it is caught by the test.
  const uncaught: unknown[] = []
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => void uncaught.push(error))
  const fail = vi.fn(() => {
    throw new Error('listener')
  })
  const channels = ['blazedb:commit', 'blazedb:checkpoint', 'blazedb:conflict']
  for (const channel of channels) subscribe(channel, fail)
  try {
    await withDatabase(async (db) => {
      await toldOn('blazedb:commit', async (told) => {
        await db.collection('c').insert({ id: 1, n: 1 })
        await db.checkpoint()
        await db.transaction(async (tx) => {
          if (tx.collection('c').get(1)?.['n'] === 1) await db.collection('c').update(1, { n: 2 })
          tx.collection('c').update(1, { m: 3 })
        })
        expect(db.collection('c').get(1)).toEqual({ id: 1, n: 2, m: 3 })
        expect(told).toHaveLength(3)
      })
    })
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    for (const channel of channels) unsubscribe(channel, fail)
    process.removeAllListeners('uncaughtException')
    for (const listener of others) process.on('uncaughtException', listener)
  }
  expect(fail.mock.calls.length).toBeGreaterThan(4)
  expect(uncaught).toHaveLength(fail.mock.calls.length)
})
