import { describe, expect, it } from 'vitest'
import type { Collection, TransactionCollection } from '../../../src/engine/collection.ts'
import type { DynamicInsert } from '../../../src/engine/collection-spec.ts'
import { unset } from '../../../src/engine/writes.ts'
import type { DynamicRecord } from '../../../src/query/types.ts'
import { withDatabase } from '../fixture.ts'

/** "Writes": the table, row by row, outside and inside a transaction: one implementation, so one set of rules. */
type Either = Collection<DynamicRecord, DynamicInsert> | TransactionCollection<DynamicRecord, DynamicInsert>

const START = [
  { id: 1, name: 'a', n: 1 },
  { id: 2, name: 'b', n: 2 },
  { id: 3, name: 'c', n: 3 },
]

/** Runs `check` with a collection of the database and with one of a transaction; then looks at what is there. */
async function both(check: (c: Either) => Promise<void>, after: readonly object[]): Promise<void> {
  for (const inside of [false, true]) {
    await withDatabase(async (db) => {
      await db.collection('c').insertMany(START)
      await db.createIndex('c', { on: 'name', unique: true })
      if (inside) await db.transaction((tx) => check(tx.collection('c')))
      else await check(db.collection('c'))
      expect(db.collection('c').orderBy('id').all()).toEqual(after)
    })
  }
}

/** A refusal: a rejection outside, thrown at the call inside. */
async function code(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    return String(Reflect.get(error as object, 'code'))
  }
  return 'none'
}

describe('writes', () => {
  it('make no version where nothing changed, also while the codec learns what the records are like', async () => {
    // Whichever of the two encodings of an update it is that gives the shape its types.
    for (const count of [20, 21]) {
      await withDatabase(async (db) => {
        const items = db.collection('items')
        const item = (i: number) => ({ kind: `kind ${i % 3}`, list: [`a${i % 3}`], when: new Date(i) })
        for (let i = 0; i < count; i++) await items.insert({ id: i, ...item(i) })
        const before = db.stats().commits.installed
        for (let i = 0; i < count; i++) await items.update(i, item(i))
        expect(db.stats().commits.installed).toBe(before)
      })
    }
  })

  it('insert gives the record, and refuses an id that is taken', () =>
    both(
      async (c) => {
        expect(await c.insert({ id: 4, n: 4 })).toEqual({ id: 4, n: 4 })
        expect(await code(() => c.insert({ id: 1 }))).toBe('DUPLICATE_ID')
      },
      [...START, { id: 4, n: 4 }],
    ))

  it('replace puts the whole record, and refuses an absent one', () =>
    both(
      async (c) => {
        expect(await c.replace({ id: 1, other: true })).toEqual({ id: 1, other: true })
        expect(await code(() => c.replace({ id: 9 }))).toBe('NOT_FOUND')
        expect(await code(() => c.replace({ n: 1 }))).toBe('INVALID_VALUE')
      },
      [{ id: 1, other: true }, ...START.slice(1)],
    ))

  it('update patches named fields: undefined leaves, unset removes, null is stored, objects are replaced whole', () =>
    both(
      async (c) => {
        await c.update(1, { n: undefined, name: unset, deep: { a: 1, b: 2 } })
        await c.update(1, { deep: { c: 3 }, none: null, 'x.y': 1 })
        expect(await code(() => c.update(9, {}))).toBe('NOT_FOUND')
      },
      [{ id: 1, n: 1, deep: { c: 3 }, none: null, 'x.y': 1 }, ...START.slice(1)],
    ))

  it('update by function patches the newest state, and refuses what is no patch', () =>
    both(
      async (c) => {
        expect(await c.update(1, (record) => ({ n: Number(record['n']) + 1 }))).toEqual({ id: 1, name: 'a', n: 2 })
        await c.update(1, (record) => ({ n: Number(record['n']) * 10 }))
        for (const patch of [undefined, null, 5, [], Promise.resolve({})]) {
          expect(await code(() => c.update(1, () => patch as object))).toBe('INVALID_PATCH')
        }
        expect(await code(() => c.update(1, { id: 5 }))).toBe('INVALID_PATCH')
        expect(await code(() => c.update(1, { id: 1 }))).toBe('none')
      },
      [{ id: 1, name: 'a', n: 20 }, ...START.slice(1)],
    ))

  it('an error thrown by an update function is the one that comes back', () =>
    both(async (c) => {
      const error = new Error('mine')
      const thrown = async () =>
        await c.update(1, () => {
          throw error
        })
      await expect(thrown()).rejects.toBe(error)
    }, START))

  it('upsert inserts what is absent and patches what is there, by id or by a unique index', () =>
    both(
      async (c) => {
        expect(await c.upsert({ id: 1, extra: 1 })).toEqual({ id: 1, name: 'a', n: 1, extra: 1 })
        expect(await c.upsert({ id: 4, name: 'd' })).toEqual({ id: 4, name: 'd' })
        expect(await c.upsert({ name: 'b', n: 20 }, { on: 'name' })).toEqual({ id: 2, name: 'b', n: 20 })
        expect(await c.upsert({ id: 5, name: 'e' }, { on: 'name' })).toEqual({ id: 5, name: 'e' })
        expect(await code(() => c.upsert({ id: 6 }, { on: 'nothing' }))).toBe('INVALID_ARGUMENT')
      },
      [
        { id: 1, name: 'a', n: 1, extra: 1 },
        { id: 2, name: 'b', n: 20 },
        START[2]!,
        { id: 4, name: 'd' },
        { id: 5, name: 'e' },
      ],
    ))

  it('delete says whether there was one', () =>
    both(async (c) => {
      expect(await c.delete(1)).toBe(true)
      expect(await c.delete(1)).toBe(false)
      expect(await c.delete('1')).toBe(false)
    }, START.slice(1)))

  it('batches are atomic and in order', () =>
    both(
      async (c) => {
        expect(await c.insertMany([{ id: 9 }, { id: 7 }, { id: 8 }])).toEqual([9, 7, 8])
        expect(await code(() => c.insertMany([{ id: 20 }, { id: 21 }, { id: 20 }]))).toBe('DUPLICATE_ID')
        expect(
          await code(() =>
            c.insertMany([
              { id: 22, name: 'z' },
              { id: 23, name: 'z' },
            ]),
          ),
        ).toBe('UNIQUE')
        expect(await c.upsertMany([{ id: 9, v: 1 }, { id: 10 }, { id: 9, w: 2 }])).toEqual([9, 10, 9])
        expect(await code(() => c.insertMany(5 as never))).toBe('INVALID_ARGUMENT')
        expect(await c.insertMany([])).toEqual([])
      },
      [...START, { id: 7 }, { id: 8 }, { id: 9, v: 1, w: 2 }, { id: 10 }],
    ))

  it('updateMany and deleteMany say how many matched, and {} means all', () =>
    both(async (c) => {
      expect(await c.updateMany({ n: { gte: 2 } }, { big: true })).toBe(2)
      expect(await c.updateMany({}, { all: 1 })).toBe(3)
      expect(await c.deleteMany({ big: true })).toBe(2)
      expect(await code(() => c.updateMany({}, { id: 5 }))).toBe('INVALID_PATCH')
      expect(await code(() => c.deleteMany({ n: undefined } as never))).toBe('INVALID_QUERY')
      expect(await c.deleteMany({})).toBe(1)
    }, []))

  it('a batch may exchange unique keys; a transaction sees its writes one by one, so it must release a key first', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insertMany(START)
      await db.createIndex('c', { on: 'name', unique: true })
      const exchange = [
        { id: 1, name: 'b' },
        { id: 2, name: 'a' },
      ]
      await c.upsertMany(exchange)
      expect(c.orderBy('id').select('name').all()).toEqual([{ name: 'b' }, { name: 'a' }, { name: 'c' }])
      await db.transaction((tx) => {
        const inside = tx.collection('c')
        expect(() => inside.update(1, { name: 'a' })).toThrow(expect.objectContaining({ code: 'UNIQUE' }))
        inside.update(2, { name: unset })
        inside.update(1, { name: 'a' })
        inside.update(2, { name: 'b' })
      })
      expect(c.orderBy('id').select('name').all()).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    })
  })

  it('a write that changes nothing makes no version', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insert({ id: 1, a: 1, deep: { b: [1, 2] } })
      const { installed } = db.stats().commits
      expect(await c.update(1, { a: 1, deep: { b: [1, 2] } })).toEqual({ id: 1, a: 1, deep: { b: [1, 2] } })
      await c.replace({ id: 1, a: 1, deep: { b: [1, 2] } })
      await c.upsert({ id: 1 })
      await c.updateMany({}, {})
      expect(db.stats().commits.installed).toBe(installed)
    })
  })

  it('makes a version for each change of a value, however small, and none for a value that is the same', async () => {
    const values = [Number.NaN, 0, -0, 1, 1n, '1', '', false, true, null, new Date(1), new Date(2), [1], [2], { a: 1 }]
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insert({ id: 1, n: 'other' })
      for (const n of values) {
        const { installed } = db.stats().commits
        await c.update(1, { n })
        expect(db.stats().commits.installed).toBe(installed + 1)
        await c.update(1, { n })
        expect(db.stats().commits.installed).toBe(installed + 1)
        expect(c.get(1)).toEqual({ id: 1, n })
      }
    })
  })

  it('input is captured at the call, and calls commit in call order', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      const record = { id: 1, n: 1 }
      const order: number[] = []
      const first = c.insert(record).then(() => order.push(1))
      record.n = 99
      const second = c.update(1, { m: 2 }).then(() => order.push(2))
      const third = c.delete(1).then(() => order.push(3))
      const fourth = c.insert({ id: 1, again: true }).then(() => order.push(4))
      await Promise.all([fourth, third, second, first])
      expect(order).toEqual([1, 2, 3, 4])
      expect(c.get(1)).toEqual({ id: 1, again: true })
    })
  })

  it('outside a transaction no refusal is thrown at the call, whatever it is', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      const calls = [
        () => c.insert(5 as never),
        () => c.insert({ id: 1, v: () => 1 }),
        () => c.insertMany(null as never),
        () => c.update(1, null as never),
        () => c.updateMany(null as never, {}),
        () => c.deleteMany({ $bad: { nope: 1 } } as never),
        () => c.upsert({ id: 1 }, { on: 'missing' }),
        () => c.delete({} as never),
        () => db.createIndex('c', 5 as never),
        () => db.createIndex('', 'a'),
        () => db.dropIndex('', 'a'),
        () => db.renameCollection('nothing', 'c'),
        () => db.transaction(null as never),
      ]
      for (const call of calls) {
        const result: Promise<unknown> = call()
        await expect(result, String(call)).rejects.toBeInstanceOf(Error)
      }
    })
  })

  it('a patch function that writes the record itself is refused, so that neither write is lost', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insert({ id: 1, a: 0 })
      let inner: Promise<unknown> | undefined
      const outer = c.update(1, () => {
        inner = c.update(1, { b: 1 })
        return { a: 1 }
      })
      await expect(outer).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await inner
      expect(c.get(1)).toEqual({ id: 1, a: 0, b: 1 })
      await db.transaction((tx) => {
        const inside = tx.collection('c')
        const nested = () =>
          inside.update(1, () => {
            inside.update(1, { c: 1 })
            return { a: 1 }
          })
        expect(nested).toThrow(expect.objectContaining({ code: 'INVALID_PATCH' }))
        expect(inside.get(1)).toEqual({ id: 1, a: 0, b: 1 })
      })
    })
  })

  it('unique indexes leave out records in which a part is missing or null', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await db.createIndex('c', { on: ['a', 'b'], unique: true })
      await c.insertMany([{ a: 1 }, { a: 1 }, { a: 1, b: null }, { a: 1, b: null }, { a: 1, b: 1 }])
      await expect(c.insert({ a: 1n, b: 1 })).rejects.toMatchObject({ code: 'UNIQUE' })
      expect(c.count()).toBe(5)
    })
  })

  it('thousands of inserts under a unique index in one transaction take a moment, not minutes', async () => {
    await withDatabase(async (db) => {
      await db.createIndex('c', { on: 'name', unique: true })
      await db.transaction((tx) => {
        const c = tx.collection('c')
        for (let i = 0; i < 20_000; i++) c.insert({ id: i, name: `name-${i}` })
        expect(() => c.insert({ name: 'name-777' })).toThrow(expect.objectContaining({ code: 'UNIQUE' }))
        c.update(777, { name: 'other' })
        c.insert({ id: 'late', name: 'name-777' })
      })
      expect(db.collection('c').count()).toBe(20_001)
    })
  })
})
