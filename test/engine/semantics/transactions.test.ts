import { describe, expect, it } from 'vitest'
import { collection } from '../../../src/engine/collection-spec.ts'
import { withDatabase } from '../fixture.ts'

/** "Transactions": retries, savepoints, ends, and what belongs to one. */
describe('a transaction', () => {
  it('gives what its function gives, and all of its writes or none', async () => {
    await withDatabase(async (db) => {
      const value = await db.transaction(async (tx) => {
        tx.collection('a').insert({ id: 1 })
        await Promise.resolve()
        tx.collection('b').insert({ id: 2 })
        return 'done'
      })
      expect(value).toBe('done')
      const error = new Error('mine')
      const failed = db.transaction(async (tx) => {
        tx.collection('a').insert({ id: 3 })
        tx.collection('b').delete(2)
        await Promise.resolve()
        throw error
      })
      await expect(failed).rejects.toBe(error)
      expect([...db.collection('a').all(), ...db.collection('b').all()]).toEqual([{ id: 1 }, { id: 2 }])
    })
  })

  it('reads its own writes as fresh objects: changing one changes neither the record nor its index keys', async () => {
    const collections = { c: collection({ indexes: ['n'] }) }
    await withDatabase(
      async (db) => {
        await db.transaction((tx) => {
          for (const record of [tx.c.insert({ id: 1, n: 1 }), tx.c.get(1)!, tx.c.first()!]) record['n'] = 2
          expect(tx.c.get(1)).toEqual({ id: 1, n: 1 })
        })
        expect(db.c.where({ n: 1 }).all()).toEqual([{ id: 1, n: 1 }])
        const record = await db.c.insert({ id: 2, n: 5 })
        record['n'] = 6
        expect(db.c.where({ n: 5 }).all()).toEqual([{ id: 2, n: 5 }])
      },
      { collections },
    )
  })

  it('runs again after a conflict, from a new snapshot, until it gets through', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insert({ id: 1, n: 0 })
      const seen: number[] = []
      await db.transaction(async (tx) => {
        const n = Number(tx.collection('c').get(1)!['n'])
        seen.push(n)
        if (seen.length < 4) await c.update(1, { n: n + 1 })
        tx.collection('c').update(1, { n: n + 100 })
      })
      expect(seen).toEqual([0, 1, 2, 3])
      expect(c.get(1)).toEqual({ id: 1, n: 103 })
    })
  })

  it('rejects with CONFLICT when its retries are used up, naming the record', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insert({ id: 1, n: 0 })
      for (const retries of [0, 2]) {
        let attempts = 0
        const lost = db.transaction(
          async (tx) => {
            attempts++
            tx.collection('c').update(1, { mine: true })
            await c.update(1, (record) => ({ n: Number(record['n']) + 1 }))
          },
          { retries },
        )
        await expect(lost).rejects.toMatchObject({
          code: 'CONFLICT',
          retryable: true,
          details: { records: [{ collection: 'c', id: 1 }] },
        })
        expect(attempts).toBe(retries + 1)
      }
      expect(c.get(1)).toEqual({ id: 1, n: 4 })
      await expect(db.transaction(() => undefined, { retries: -1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    })
  })

  it('never loses an increment, however many run at once', async () => {
    await withDatabase(
      async (db) => {
        const c = db.collection('c')
        await c.insertMany([
          { id: 0, n: 0 },
          { id: 1, n: 0 },
        ])
        const add = (i: number) =>
          db.transaction(
            async (tx) => {
              const n = Number(tx.collection('c').get(i % 2)!['n'])
              await Promise.resolve()
              tx.collection('c').update(i % 2, { n: n + 1 })
            },
            { retries: 100 },
          )
        await Promise.all(Array.from({ length: 40 }, (_, i) => add(i)))
        expect(c.orderBy('id').all()).toEqual([
          { id: 0, n: 20 },
          { id: 1, n: 20 },
        ])
      },
      { durability: 'relaxed' },
    )
  })

  it('sees its own writes in gets, scans, index ranges, orders and counts; nobody else sees them', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await db.createIndex('c', 'n')
      await c.insertMany([1, 2, 3, 4].map((n) => ({ id: n, n })))
      await db.transaction((tx) => {
        const own = tx.collection('c')
        own.insert({ id: 5, n: 2.5 })
        own.update(1, { n: 10 })
        own.delete(3)
        expect(
          own
            .where({ n: { between: [2, 10] } })
            .orderBy('n')
            .select('id')
            .all(),
        ).toEqual([2, 5, 4, 1].map((id) => ({ id })))
        expect(own.orderBy('n', 'desc').limit(2).select('id').all()).toEqual([{ id: 1 }, { id: 4 }])
        expect(own.count()).toBe(4)
        expect(own.where({ n: 1 }).exists()).toBe(false)
        expect([own.has(3), own.has(5)]).toEqual([false, true])
        expect(own.updateMany({ n: { gt: 2 } }, { seen: true })).toBe(3)
        expect(own.deleteMany({ seen: true })).toBe(3)
        expect(own.all()).toEqual([{ id: 2, n: 2 }])
        expect(c.orderBy('n').all()).toHaveLength(4)
      })
      expect(c.all()).toEqual([{ id: 2, n: 2 }])
    })
  })

  it('does not contain what db writes meanwhile', async () => {
    await withDatabase(async (db) => {
      const failed = db.transaction(async () => {
        await db.collection('c').insert({ id: 1 })
        throw new Error('rolled back')
      })
      await expect(failed).rejects.toThrow('rolled back')
      expect(db.collection('c').has(1)).toBe(true)
    })
  })

  it('is refused after its end, also its collections, its queries and its commit', async () => {
    await withDatabase(async (db) => {
      let leaked: ReturnType<typeof db.begin> | undefined
      await db.transaction((tx) => {
        leaked = tx
        tx.collection('c').insert({ id: 1 })
      })
      const tx = leaked!
      expect(tx.isOpen).toBe(false)
      const closed = expect.objectContaining({ code: 'TRANSACTION_CLOSED' })
      expect(() => tx.collection('c').insert({ id: 2 })).toThrow(closed)
      expect(() => tx.collection('c').get(1)).toThrow(closed)
      expect(() => tx.collection('c').where({ id: 1 }).all()).toThrow(closed)
      expect(() => tx.savepoint(() => 1)).toThrow(closed)
      await expect(tx.commit()).rejects.toMatchObject({ code: 'TRANSACTION_CLOSED' })
      tx.rollback()
      expect(db.collection('c').all()).toEqual([{ id: 1 }])
    })
  })
})

describe('savepoints', () => {
  it('undo their writes when they throw, and keep what was written before and after', async () => {
    await withDatabase(async (db) => {
      await db.collection('c').insertMany([
        { id: 1, n: 1 },
        { id: 2, n: 2 },
      ])
      await db.transaction(async (tx) => {
        const c = tx.collection('c')
        c.update(1, { n: 10 })
        const failed = () =>
          tx.savepoint(() => {
            c.update(1, { n: 99 })
            c.delete(2)
            for (let i = 100; i < 140; i++) c.insert({ id: i })
            tx.savepoint(() => c.insert({ id: 4 }))
            throw new Error('undo')
          })
        expect(failed).toThrow('undo')
        expect(c.count()).toBe(2)
        expect(tx.savepoint(() => c.insert({ id: 3 }))).toEqual({ id: 3 })
        await expect(
          tx.savepoint(async () => {
            c.insert({ id: 5 })
            await Promise.resolve()
            throw new Error('later')
          }),
        ).rejects.toThrow('later')
        c.insert({ id: 100 })
      })
      expect(db.collection('c').orderBy('id').all()).toEqual([
        { id: 1, n: 10 },
        { id: 2, n: 2 },
        { id: 3 },
        { id: 100 },
      ])
    })
  })

  it('keep their reads: what was read in an undone savepoint still conflicts', async () => {
    await withDatabase(async (db) => {
      await db.collection('c').insert({ id: 1, n: 1 })
      const tx = db.begin()
      const failed = () =>
        tx.savepoint(() => {
          tx.collection('c').get(1)
          throw new Error('undo')
        })
      expect(failed).toThrow('undo')
      tx.collection('log').insert({ id: 1 })
      await db.collection('c').update(1, { n: 2 })
      await expect(tx.commit()).rejects.toMatchObject({ code: 'CONFLICT' })
    })
  })

  it('a batch in a transaction that is refused leaves nothing of itself, and the transaction goes on', async () => {
    await withDatabase(async (db) => {
      await db.transaction((tx) => {
        const c = tx.collection('c')
        expect(() => c.insertMany([{ id: 1 }, { id: 2 }, { id: 1 }])).toThrow(/already/)
        c.insert({ id: 3 })
      })
      expect(db.collection('c').all()).toEqual([{ id: 3 }])
    })
  })
})

describe('declared collections in a transaction', () => {
  it('are its properties, with their schema and unique indexes', async () => {
    const collections = { users: collection<{ id: string; mail: string }>({ indexes: [{ on: 'mail', unique: true }] }) }
    await withDatabase<typeof collections>(
      async (db) => {
        await db.transaction((tx) => {
          const { id } = tx.users.insert({ mail: 'a' })
          expect(() => tx.users.insert({ mail: 'a' })).toThrow(/unique/)
          expect(tx.users.upsert({ mail: 'a' }, { on: 'mail' }).id).toBe(id)
          tx.users.update(id, { mail: 'b' })
          tx.users.insert({ mail: 'a' })
        })
        expect(
          db.users
            .orderBy('mail')
            .all()
            .map(({ mail }) => mail),
        ).toEqual(['a', 'b'])
      },
      { collections },
    )
  })
})
