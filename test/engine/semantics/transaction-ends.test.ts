import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../src/platform/manual-clock.ts'
import { memoryPlatform } from '../../../src/platform/memory-platform.ts'
import { closeChecked, FOLDER, freshPlatform, openOn, withDatabase } from '../fixture.ts'

/** "Transactions": by what they end, and those that run in one turn. */
describe('ends of a transaction', () => {
  it('by time: it is rolled back, and its next use says so', async () => {
    const clock = manualClock()
    const platform = memoryPlatform({ clock })
    platform.files.makeFolderSync(FOLDER)
    const db = await openOn(platform)
    let next: unknown
    const late = db.transaction(
      async (tx) => {
        tx.collection('c').insert({ id: 1 })
        clock.advance(49)
        expect(tx.isOpen).toBe(true)
        clock.advance(1)
        try {
          tx.collection('c').insert({ id: 2 })
        } catch (error) {
          next = error
        }
      },
      { timeoutMs: 50 },
    )
    await expect(late).rejects.toMatchObject({ code: 'TRANSACTION_TIMEOUT', details: { timeoutMs: 50 } })
    expect(next).toMatchObject({ code: 'TRANSACTION_TIMEOUT' })
    expect(db.collection('c').count()).toBe(0)
    await expect(db.transaction(() => 1, { timeoutMs: Number.NaN })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await closeChecked(db)
  })

  it('by signal: before it begins, and while it runs', async () => {
    await withDatabase(async (db) => {
      const reason = new Error('enough')
      let ran = false
      const never = db.transaction(
        () => {
          ran = true
        },
        { signal: AbortSignal.abort(reason) },
      )
      await expect(never).rejects.toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: reason })
      expect(ran).toBe(false)
      const stop = new AbortController()
      const running = db.transaction(
        async (tx) => {
          tx.collection('c').insert({ id: 1 })
          stop.abort(reason)
          await new Promise(() => undefined)
        },
        { signal: stop.signal },
      )
      await expect(running).rejects.toMatchObject({ code: 'ABORTED', cause: reason })
      expect(db.collection('c').count()).toBe(0)
    })
  })

  it('by using: rolled back at the end of the block unless it was committed', async () => {
    await withDatabase(async (db) => {
      {
        using tx = db.begin()
        tx.collection('c').insert({ id: 1 })
      }
      expect(db.stats().snapshots.count).toBe(0)
      {
        using tx = db.begin()
        tx.collection('c').insert({ id: 2 })
        await tx.commit()
      }
      expect(db.collection('c').all()).toEqual([{ id: 2 }])
    })
  })

  it('leave no snapshot held, whichever way', async () => {
    await withDatabase(async (db) => {
      await db.transaction((tx) => tx.collection('c').insert({ id: 1 }))
      await db.transaction((tx) => tx.collection('c').count())
      await db.transaction(() => Promise.reject(new Error('x'))).catch(() => undefined)
      expect(() =>
        db.read(() => {
          throw new Error('x')
        }),
      ).toThrow('x')
      await db.read(async (snapshot) => snapshot.collection('c').count())
      db.transactionSync((tx) => tx.collection('c').get(1))
      for await (const row of db.collection('c').query()) {
        expect(row).toEqual({ id: 1 })
        break
      }
      db.collection('c').all()
      expect(db.stats().snapshots).toMatchObject({ count: 0, holders: [] })
    })
  })
})

describe('what cannot begin', () => {
  it('is refused, and leaves nothing open that close would wait for', async () => {
    await withDatabase(async (db) => {
      // A cast: what a caller without types may give.
      const wrong = (value: unknown): never => value as never
      const refused: readonly (() => unknown)[] = [
        () => db.begin(wrong({ timeoutMs: 50 })),
        () => db.begin(wrong(null)),
        () => db.transaction(wrong(undefined)),
        () => db.transactionSync(wrong(5)),
        () => db.read(wrong(undefined)),
        () => db.transaction(() => 1, wrong(null)),
        () => db.transaction(() => 1, { signal: wrong(5) }),
        () => db.transaction(() => 1, { signal: wrong({}) }),
        () => db.transaction(() => 1, { timeoutMs: wrong('50') }),
        () => db.transaction((tx) => tx.savepoint(wrong(undefined))),
      ]
      for (const call of refused) {
        await expect((async () => await call())(), String(call)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
      expect(db.stats().snapshots.count).toBe(0)
    })
  })
})

describe('transactionSync', () => {
  it('is durable and visible on return', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { durability: 'none', syncWrites: 'never' })
    const value = db.transactionSync((tx) => tx.collection('c').insert({ id: 1 }))
    expect(value).toEqual({ id: 1 })
    expect(db.collection('c').get(1)).toEqual({ id: 1 })
    const after = await openOn(platform.crash({ mode: 'lose-unsynced', seed: 1 }))
    expect(after.collection('c').get(1)).toEqual({ id: 1 })
    await closeChecked(after)
    await closeChecked(db)
  })

  it('rolls back what throws and refuses a promise', async () => {
    await withDatabase(async (db) => {
      expect(() =>
        db.transactionSync((tx) => {
          tx.collection('c').insert({ id: 1 })
          throw new Error('mine')
        }),
      ).toThrow('mine')
      expect(() => db.transactionSync(async (tx) => tx.collection('c').insert({ id: 2 }))).toThrow(/promise/)
      expect(db.collection('c').count()).toBe(0)
      expect(db.stats().snapshots.count).toBe(0)
    })
  })
})
