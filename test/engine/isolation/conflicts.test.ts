import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../../src/base/errors.ts'
import type { Collection, TransactionCollection } from '../../../src/engine/collection.ts'
import type { DynamicInsert } from '../../../src/engine/collection-spec.ts'
import type { DynamicRecord } from '../../../src/query/types.ts'
import { withDatabase } from '../fixture.ts'

/** What must conflict at serializable, and what must not: a read in a transaction, then a commit of somebody else. */
type Inside = TransactionCollection<DynamicRecord, DynamicInsert>
type Outside = Collection<DynamicRecord, DynamicInsert>

interface Case {
  readonly name: string
  readonly read: (items: Inside) => unknown
  readonly other: (items: Outside) => Promise<unknown>
  /** Of its own accord every transaction writes a record that nobody else touches; some write more. */
  readonly write?: (items: Inside) => unknown
}

const MUST: readonly Case[] = [
  {
    name: 'a get of an absent id, and another inserts it',
    read: (items) => items.get(99),
    other: (items) => items.insert({ id: 99 }),
  },
  {
    name: 'has of an absent id, and another inserts it',
    read: (items) => items.has(99),
    other: (items) => items.insert({ id: 99 }),
  },
  {
    name: 'a count of a range, and another inserts into it',
    read: (items) => items.where({ n: { between: [10, 20] } }).count(),
    other: (items) => items.insert({ id: 99, n: 15 }),
  },
  {
    name: 'a count of all, and another deletes one',
    read: (items) => items.count(),
    other: (items) => items.delete(3),
  },
  {
    name: 'a predicate on a field without index, and another moves a record in',
    read: (items) => items.where({ plain: 'wanted' }).all(),
    other: (items) => items.update(3, { plain: 'wanted' }),
  },
  {
    name: 'a predicate on a field without index, and another moves a record out',
    read: (items) => items.where({ plain: 'p2' }).all(),
    other: (items) => items.update(2, { plain: 'gone' }),
  },
  {
    name: 'a get of a record, and another updates it',
    read: (items) => items.get(2),
    other: (items) => items.update(2, { other: 1 }),
  },
  {
    name: 'a get of a record, and another deletes it',
    read: (items) => items.get(2),
    other: (items) => items.delete(2),
  },
  {
    name: 'a row returned by a predicate, and another changes a field outside the predicate',
    read: (items) => items.where({ n: 2 }).all(),
    other: (items) => items.update(2, { other: 1 }),
  },
  {
    name: 'an equality by index, and another inserts that key',
    read: (items) => items.where({ n: 77 }).all(),
    other: (items) => items.insert({ id: 99, n: 77 }),
  },
  {
    name: 'first() by order, and another inserts what would come before it',
    read: (items) => items.orderBy('n').first(),
    other: (items) => items.insert({ id: 99, n: -1 }),
  },
  {
    name: 'first() by descending order, and another inserts what would come before it',
    read: (items) => items.orderBy('n', 'desc').first(),
    other: (items) => items.insert({ id: 99, n: 1000 }),
  },
  {
    name: 'a limit by an order without index, and another updates a record to come before the last row',
    read: (items) => items.orderBy('plain').limit(3).all(),
    other: (items) => items.update(9, { plain: 'a' }),
  },
  {
    name: 'an empty answer under a limit, and another inserts a match',
    read: (items) => items.where({ n: 500 }).first(),
    other: (items) => items.insert({ id: 99, n: 500 }),
  },
  {
    name: 'exists() that was false, and another makes it true',
    read: (items) => items.where({ plain: 'wanted' }).exists(),
    other: (items) => items.update(3, { plain: 'wanted' }),
  },
  {
    name: 'an offset past what is there, and another inserts a match',
    read: (items) => items.orderBy('n').offset(8).limit(5).all(),
    other: (items) => items.insert({ id: 99, n: 1000 }),
  },
  {
    name: 'a row skipped by an offset, and another deletes it',
    read: (items) => items.orderBy('n').offset(3).limit(2).all(),
    other: (items) => items.delete(1),
  },
  {
    name: 'a page, and another inserts into it',
    read: (items) => items.orderBy('n').page({ size: 3 }),
    other: (items) => items.insert({ id: 99, n: 1.5 }),
  },
  {
    name: 'a write of the same record',
    read: () => undefined,
    write: (items) => items.update(4, { own: 1 }),
    other: (items) => items.update(4, { other: 1 }),
  },
  {
    name: 'a delete of a record that another updates',
    read: () => undefined,
    write: (items) => items.delete(4),
    other: (items) => items.update(4, { other: 1 }),
  },
  {
    name: 'a delete of nothing, and another inserts it',
    read: (items) => items.delete(99),
    other: (items) => items.insert({ id: 99 }),
  },
  {
    name: 'an insert of an id that another inserts',
    read: () => undefined,
    write: (items) => items.insert({ id: 99 }),
    other: (items) => items.insert({ id: 99 }),
  },
  {
    name: 'a refusal by a unique key that was caught, and another releases the key',
    read: (items) => {
      expect(() => items.insert({ id: 98, email: 'e2' })).toThrow(/unique/)
    },
    other: (items) => items.update(2, { email: 'free' }),
  },
  {
    name: 'a unique key taken by both',
    read: () => undefined,
    write: (items) => items.insert({ id: 98, email: 'new' }),
    other: (items) => items.insert({ id: 99, email: 'new' }),
  },
  {
    name: 'an upsert by a unique key that another takes',
    read: () => undefined,
    write: (items) => items.upsert({ id: 98, email: 'new' }, { on: 'email' }),
    other: (items) => items.insert({ id: 99, email: 'new' }),
  },
  {
    name: 'getMany with an absent id, and another inserts it',
    read: (items) => items.getMany([1, 99]),
    other: (items) => items.insert({ id: 99 }),
  },
  {
    name: 'getOrThrow of an absent id that was caught, and another inserts it',
    read: (items) => {
      expect(() => items.getOrThrow(99)).toThrow(/no record/)
    },
    other: (items) => items.insert({ id: 99 }),
  },
  {
    name: 'has of a record, and another deletes it',
    read: (items) => items.has(2),
    other: (items) => items.delete(2),
  },
  {
    name: 'a refusal by an id that was caught, and another deletes the record',
    read: (items) => {
      expect(() => items.insert({ id: 2 })).toThrow(/already/)
    },
    other: (items) => items.delete(2),
  },
  {
    name: 'an upsert of an absent id, and another inserts it',
    read: () => undefined,
    write: (items) => items.upsert({ id: 99, own: 1 }),
    other: (items) => items.insert({ id: 99 }),
  },
  {
    name: 'an update by function, and another updates the record',
    read: () => undefined,
    write: (items) => items.update(4, ({ n }) => ({ n: Number(n) + 1 })),
    other: (items) => items.update(4, { other: 1 }),
  },
  {
    name: 'a deleteMany, and another moves a record in',
    read: () => undefined,
    write: (items) => items.deleteMany({ plain: 'wanted' }),
    other: (items) => items.update(3, { plain: 'wanted' }),
  },
  {
    name: 'a range over ids, and another inserts within',
    read: (items) => items.where({ id: { gt: 50 } }).all(),
    other: (items) => items.insert({ id: 99 }),
  },
  {
    name: 'a sum of a group, and another changes a member',
    read: (items) =>
      items
        .query()
        .groupBy('plain', { total: { sum: 'n' } })
        .all(),
    other: (items) => items.update(2, { n: 100 }),
  },
  {
    name: 'an updateMany, and another inserts a match',
    read: () => undefined,
    write: (items) => items.updateMany({ n: { gte: 8 } }, { own: 1 }),
    other: (items) => items.insert({ id: 99, n: 100 }),
  },
]

const MUST_NOT: readonly Case[] = [
  {
    name: 'a get of one record and an update of another',
    read: (items) => items.get(2),
    other: (items) => items.update(3, { other: 1 }),
  },
  {
    name: 'a get of an absent id that another inserts and deletes again',
    read: (items) => items.get(99),
    other: async (items) => {
      await items.insert({ id: 99 })
      await items.delete(99)
    },
  },
  {
    name: 'an update, outside the predicate, of a record that was not returned',
    read: (items) => items.where({ n: { lt: 5 } }).all(),
    other: (items) => items.update(8, { other: 1 }),
  },
  {
    name: 'an insert outside the range',
    read: (items) => items.where({ n: { between: [10, 20] } }).all(),
    other: (items) => items.insert({ id: 99, n: 21 }),
  },
  {
    name: 'first() by order and an insert after it',
    read: (items) => items.orderBy('n').first(),
    other: (items) => items.insert({ id: 99, n: 1.5 }),
  },
  {
    name: 'a limit by order and an update of a record after the last row',
    read: (items) => items.orderBy('n').limit(3).all(),
    other: (items) => items.update(8, { other: 1 }),
  },
  {
    name: 'first() of any match and an insert of another match',
    read: (items) => items.where({ n: { gte: 5 } }).first(),
    other: (items) => items.insert({ id: 99, n: 5 }),
  },
  {
    name: 'an equality by index and an insert of another key',
    read: (items) => items.where({ n: 3 }).all(),
    other: (items) => items.insert({ id: 99, n: 4 }),
  },
  {
    name: 'an update of a record that never matches',
    read: (items) => items.where({ plain: 'wanted' }).all(),
    other: (items) => items.update(3, { plain: 'unwanted' }),
  },
  {
    name: 'a record that another moves in and out again',
    read: (items) => items.where({ plain: 'wanted' }).all(),
    other: async (items) => {
      await items.update(3, { plain: 'wanted' })
      await items.update(3, { plain: 'p3' })
    },
  },
  {
    name: 'blind inserts of different ids',
    read: () => undefined,
    write: (items) => items.insert({ id: 98 }),
    other: (items) => items.insert({ id: 99 }),
  },
  {
    name: 'different unique keys',
    read: () => undefined,
    write: (items) => items.insert({ id: 98, email: 'one' }),
    other: (items) => items.insert({ id: 99, email: 'two' }),
  },
  {
    name: 'an insert outside a range over ids',
    read: (items) => items.where({ id: { gt: 50 } }).all(),
    other: (items) => items.insert({ id: 49 }),
  },
  {
    name: 'an insert beside a key of a unique index that was read',
    read: (items) => items.where({ email: 'e2' }).all(),
    other: (items) => items.insert({ id: 99, email: 'e99' }),
  },
  {
    name: 'a write that changes nothing',
    read: (items) => items.get(2),
    other: (items) => items.update(2, { n: 2 }),
  },
  {
    name: 'a page and an insert after its last row',
    read: (items) => items.orderBy('n').page({ size: 2 }),
    other: (items) => items.insert({ id: 99, n: 7.5 }),
  },
]

async function outcome(run: Case, options: { readonly isolation?: 'snapshot' } = {}): Promise<string> {
  let result = ''
  await withDatabase(async (db) => {
    const items = db.collection('items')
    await items.insertMany(
      Array.from({ length: 10 }, (_, i) => ({ id: i + 1, n: i + 1, plain: `p${i + 1}`, email: `e${i + 1}` })),
    )
    await db.createIndex('items', 'n')
    await db.createIndex('items', { on: 'email', unique: true })
    const tx = db.begin(options)
    run.read(tx.collection('items'))
    run.write?.(tx.collection('items'))
    tx.collection('log').insert({ id: 1 })
    await run.other(items)
    try {
      await tx.commit()
      result = 'committed'
    } catch (error) {
      result = isBlazeError(error) ? `${error.code}${error.retryable ? ', retryable' : ''}` : String(error)
    }
    expect(db.collection('log').has(1)).toBe(result === 'committed')
  })
  return result
}

describe('a serializable transaction conflicts with', () => {
  it.each(MUST)('$name', async (each) => {
    expect(await outcome(each)).toBe('CONFLICT, retryable')
  })
})

describe('a serializable transaction does not conflict with', () => {
  it.each(MUST_NOT)('$name', async (each) => {
    expect(await outcome(each)).toBe('committed')
  })
})

describe('of two transactions that read and write', () => {
  /** Both read two records, or rows by a filter; each writes one of them. */
  async function skew(
    isolation: 'serializable' | 'snapshot',
    look: (items: Inside) => unknown,
  ): Promise<readonly string[]> {
    let results: readonly string[] = []
    await withDatabase(async (db) => {
      await db.collection('items').insertMany([
        { id: 1, on: true },
        { id: 2, on: true },
      ])
      const both = [1, 2].map((id) => ({ id, tx: db.begin({ isolation }) }))
      for (const { tx } of both) look(tx.collection('items'))
      for (const { id, tx } of both) tx.collection('items').update(id, { on: false })
      const ends = both.map(({ tx }) =>
        tx.commit().then(
          () => 'committed',
          (error: unknown) => (isBlazeError(error) ? error.code : 'other'),
        ),
      )
      results = await Promise.all(ends)
    })
    return results
  }

  it.each([
    ['each other’s record', (items: Inside) => items.getMany([1, 2])],
    ['rows by a filter that both leave', (items: Inside) => items.where({ on: true }).count()],
  ])('%s, the second conflicts at serializable: write skew; at snapshot neither does', async (_what, look) => {
    expect(await skew('serializable', look)).toEqual(['committed', 'CONFLICT'])
    expect(await skew('snapshot', look)).toEqual(['committed', 'committed'])
  })

  it('different records, neither conflicts', async () => {
    expect(await skew('serializable', () => undefined)).toEqual(['committed', 'committed'])
  })
})

describe('what never conflicts', () => {
  it('is an update by function outside transactions, also beside one that writes the same record', async () => {
    await withDatabase(async (db) => {
      const items = db.collection('items')
      await items.insert({ id: 1, n: 0 })
      const add = () => items.update(1, (record) => ({ n: Number(record['n']) + 1 }))
      await Promise.all([
        ...Array.from({ length: 50 }, add),
        db.transaction((tx) => tx.collection('items').update(1, (record) => ({ n: Number(record['n']) + 1 }))),
        ...Array.from({ length: 50 }, add),
      ])
      expect(items.get(1)).toEqual({ id: 1, n: 101 })
    })
  })

  it('is a read-only transaction, whatever is written while it reads', async () => {
    await withDatabase(async (db) => {
      const items = db.collection('items')
      await items.insertMany([{ id: 1, n: 1 }, { id: 2 }])
      const seen = await db.read(async (snapshot) => {
        const before = snapshot.collection('items').all().length
        await items.insert({ id: 3 })
        await items.update(1, { n: 2 })
        return [before, snapshot.collection('items').count(), snapshot.collection('items').get(1)]
      })
      expect(seen).toEqual([2, 2, { id: 1, n: 1 }])
    })
  })

  it('is a transaction that read much and wrote nothing', async () => {
    await withDatabase(async (db) => {
      const items = db.collection('items')
      await items.insertMany([{ id: 1 }, { id: 2 }])
      const tx = db.begin()
      expect(tx.collection('items').count()).toBe(2)
      await items.deleteMany({})
      expect(tx.collection('items').all()).toHaveLength(2)
      await tx.commit()
    })
  })

  it('is transactionSync', async () => {
    await withDatabase(async (db) => {
      const items = db.collection('items')
      await items.insert({ id: 1, n: 0 })
      const slow = db.begin()
      slow.collection('items').update(1, { n: 100 })
      db.transactionSync((tx) => tx.collection('items').update(1, (record) => ({ n: Number(record['n']) + 1 })))
      expect(items.get(1)).toEqual({ id: 1, n: 1 })
      await expect(slow.commit()).rejects.toMatchObject({ code: 'CONFLICT' })
    })
  })

  it('at snapshot level, is what was only read', async () => {
    const reads = MUST.filter((each) => each.write === undefined && !each.name.includes('delete of nothing'))
    for (const each of reads) expect(await outcome(each, { isolation: 'snapshot' }), each.name).toBe('committed')
  })
})
