import { expect, it } from 'vitest'
import type { Value } from '../../../src/base/values.ts'
import { compareValues } from '../../../src/codec/order.ts'
import { type SeededRandom, seededRandom } from '../../../src/platform/seeded-random.ts'
import { not, or } from '../../../src/query/where.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { withDatabase } from '../fixture.ts'

/**
 * Two collections with the same records, one with indexes: whatever is asked of both, by whatever handle and at whatever
 * time, is answered the same. An answer by an index takes what its keys prove as given, and counts without reading;
 * one by a scan tests every record.
 */
const INDEXES = ['n', ['s', 'n'], { on: 'tags', each: true }, { on: 'n', name: 'open', where: { s: 'open' } }] as const
const RECORDS = 80
const STATES = ['open', 'done', null, undefined]

interface Readable {
  get(id: never): object | undefined
  has(id: never): boolean
  where(filter: object): Asked
}

interface Asked {
  all(): readonly { readonly id: unknown }[]
  allAsync(): Promise<readonly { readonly id: unknown }[]>
  count(): number
  countAsync(): Promise<number>
  exists(): boolean
  limit(count: number): Asked
  offset(count: number): Asked
  orderBy(field: string, direction?: 'asc' | 'desc'): Asked
  explain(): { readonly text: string }
}

interface Handle {
  collection(name: string): Readable
}

function randomRecord(random: SeededRandom, id: number | string): { id: number | string } {
  const s = STATES[random.below(STATES.length)]
  const tags = ['a', 'b', 'c'].filter(() => random.below(2) === 0)
  return { id, n: random.below(12), ...(s === undefined ? {} : { s }), tags } as { id: number | string }
}

function randomFilter(random: SeededRandom): object {
  const n = random.below(12)
  const s = STATES[random.below(2)]
  switch (random.below(10)) {
    case 0:
      return { n }
    case 1:
      return { s, n: { gte: n, lt: n + 3 } }
    case 2:
      return { n: { in: [n, n + 2] }, s: { ne: 'done' } }
    case 3:
      return { tags: { any: 'b' }, n }
    case 4:
      return { s: { isNull: true }, n: { lte: 2 } }
    case 5:
      return { s: { exists: false } }
    case 6:
      return { s: 'open', n: { gt: n } }
    case 7:
      return {}
    case 8:
      return or({ n }, not({ s: 'open' }))
    default:
      return { n: { between: [n, n + 2] }, tags: { all: 'a' } }
  }
}

function sorted(rows: readonly { readonly id: unknown }[]): unknown[] {
  return rows.toSorted((a, b) => compareValues(a.id as Value, b.id as Value))
}

const LONG_ID = 'a string of more bytes than a slot holds'

function compareIds(handle: Handle): void {
  const records = handle.collection('indexed')
  for (const id of [...Array(RECORDS).keys(), LONG_ID, 'none', '', 0.5]) {
    expect(records.has(id as never)).toBe(records.get(id as never) !== undefined)
  }
}

/** Asks one thing of both collections of a handle in every way that there is. */
function compare(handle: Handle, filter: object): void {
  const indexed = handle.collection('indexed').where(filter)
  const plain = handle.collection('plain').where(filter)
  const expected = sorted(plain.all())
  expect(sorted(indexed.all())).toEqual(expected)
  expect(indexed.count()).toBe(expected.length)
  expect(plain.count()).toBe(expected.length)
  expect(indexed.exists()).toBe(expected.length > 0)
  expect(indexed.offset(2).limit(3).count()).toBe(Math.max(0, Math.min(3, expected.length - 2)))
  expect(indexed.limit(4).count()).toBe(Math.min(4, expected.length))
  expect(indexed.orderBy('n', 'desc').all()).toEqual(plain.orderBy('n', 'desc').all())
  expect(indexed.orderBy('n').limit(5).all()).toEqual(plain.orderBy('n').limit(5).all())
}

it('an index and a scan agree for every reader while records change', async () => {
  const byIndex = { exactly: 0, all: 0 }
  for (let run = 0; run < effort(5); run++) {
    const random = seededRandom(seed() + run)
    await withDatabase(async (db) => {
      await db.collection('plain').insertMany([])
      for (const index of INDEXES) await db.createIndex('indexed', index as never)
      const write = (count: number) =>
        db.transaction((tx) => {
          for (let i = 0; i < count; i++) {
            const id = random.below(8) === 0 ? LONG_ID : random.below(RECORDS)
            const record = randomRecord(random, id)
            const isDelete = random.below(4) === 0
            for (const name of ['plain', 'indexed']) {
              if (isDelete) tx.collection(name).delete(id)
              else {
                tx.collection(name).delete(id)
                tx.collection(name).insert(record)
              }
            }
          }
        })
      await write(RECORDS)
      const held: ReturnType<typeof db.snapshot>[] = []
      for (let round = 0; round < 12; round++) {
        if (random.below(3) === 0) held.push(db.snapshot())
        const filter = randomFilter(random)
        const indexed = (db as Handle).collection('indexed').where(filter)
        const before = sorted(indexed.all())
        const late = [indexed.countAsync(), indexed.allAsync()] as const
        // Installed and not yet published: readers of what is published look past it.
        const writing = write(1 + random.below(20))
        compare(db, filter)
        await writing
        expect(await late[0]).toBe(before.length)
        expect(sorted(await late[1])).toEqual(before)
        for (const handle of [db, ...held]) {
          for (let i = 0; i < 3; i++) compare(handle, randomFilter(random))
          compareIds(handle)
        }
        const { text } = indexed.explain()
        byIndex.all++
        if (text.includes(', exactly ')) byIndex.exactly++
        await db.transaction(async (tx) => {
          for (let i = 0; i < 6; i++) {
            const record = randomRecord(random, random.below(RECORDS + 10))
            for (const name of ['plain', 'indexed']) {
              if (i % 3 === 0) tx.collection(name).delete(record.id)
              else tx.collection(name).upsert(record)
            }
            compare(tx, randomFilter(random))
            compareIds(tx)
          }
        })
      }
      for (const snapshot of held) snapshot.close()
    })
  }
  expect(byIndex.exactly).toBeGreaterThan(byIndex.all / 4)
})

it('an iteration over an index gives its snapshot, whatever is installed between two rows', async () => {
  for (let run = 0; run < effort(8); run++) {
    const random = seededRandom(seed() + run)
    await withDatabase(async (db) => {
      await db.createIndex('c', 'n')
      const c = db.collection('c')
      const fresh = (id: number): { id: number; n: number } => ({ id, n: random.below(30) })
      await c.insertMany(Array.from({ length: 200 }, (_, id) => fresh(id)))
      for (const direction of ['asc', 'desc'] as const) {
        const query = c.where({ n: { gte: 5, lt: 15 } }).orderBy('n', direction)
        expect(query.explain().text).toContain('indexScan n')
        const expected = query.all()
        // The newest state is what the snapshot sees, up to the first write.
        const quietRows = random.below(expected.length)
        const given: unknown[] = []
        for await (const row of query) {
          given.push(row)
          if (given.length < quietRows || random.below(3) > 0) continue
          const id = random.below(220)
          if (random.below(3) === 0) await c.delete(id)
          else await c.upsert(fresh(id))
        }
        expect(given).toEqual(expected)
      }
    })
  }
})

it('a scan that tests a field before it decodes the record gives what the filter says, whatever is in the field', async () => {
  await withDatabase(async (db) => {
    const values = [1, 2, '1', null, undefined, true, new Date(1), [1], { x: 1 }, 5n, Number.NaN, new Uint8Array([1])]
    const c = db.collection('c')
    const rows = Array.from({ length: 1_200 }, (_, id) => {
      const v = id < 600 ? values[id % values.length] : 1
      // Some lie in pieces, which are not looked into before they are put together.
      return { id, ...(v === undefined ? {} : { v }), pad: id % 200 === 7 ? 'p'.repeat(70_000) : 'p', n: id % 5 }
    })
    for (let at = 0; at < rows.length; at += 100) await c.insertMany(rows.slice(at, at + 100))
    const expected = (test: (row: { readonly v?: unknown; readonly n: number }) => boolean) =>
      rows.filter(test).map(({ id }) => id)
    const found = (filter: object): unknown[] =>
      sorted((db as Handle).collection('c').where(filter).all()).map((row) => (row as { id: number }).id)
    expect((db as Handle).collection('c').where({ v: '1' }).explain().text).toContain('scan leaving out early')
    // Few pass, then all do, so that the early test is given up on the way.
    expect(found({ v: 1 })).toEqual(expected(({ v }) => v === 1))
    expect(found({ v: '1' })).toEqual(expected(({ v }) => v === '1'))
    expect(found({ v: 5 })).toEqual(expected(({ v }) => v === 5n))
    expect(found({ v: { isNull: true } })).toEqual(expected(({ v }) => v === null || v === undefined))
    expect(found({ v: { exists: false } })).toEqual(expected(({ v }) => v === undefined))
    expect(found({ v: { any: 1 } })).toEqual(expected(({ v }) => Array.isArray(v)))
    expect(found({ v: { eq: { x: 1 } } })).toEqual(expected(({ v }) => (v as { x?: number } | null)?.x === 1))
    expect(found({ 'v.x': 1 })).toEqual(expected(({ v }) => (v as { x?: number } | null)?.x === 1))
    expect(found({ pad: { startsWith: 'pp' } })).toEqual(rows.filter(({ pad }) => pad.length > 1).map(({ id }) => id))
    expect(found({ v: { lte: 1 }, n: 3 })).toEqual(expected(({ v, n }) => v === 1 && n === 3))
  })
})

it('a count by an index conflicts with a write that changes it, and with no other', async () => {
  await withDatabase(async (db) => {
    const c = db.collection('c')
    await db.createIndex('c', 'n')
    await c.insertMany(Array.from({ length: 100 }, (_, id) => ({ id, n: id })))
    const attempt = async (
      read: (q: ReturnType<typeof c.where>) => unknown,
      change: () => Promise<unknown>,
    ): Promise<unknown> => {
      return db
        .transaction(
          async (tx) => {
            read(tx.collection('c').where({ n: { gte: 10, lt: 20 } }))
            await change()
            // A transaction that wrote nothing never conflicts.
            tx.collection('other').insert({})
          },
          { retries: 0 },
        )
        .then(
          () => 'committed',
          (error: unknown) => (error as { code: string }).code,
        )
    }
    expect(
      await attempt(
        (q) => q.count(),
        () => c.insert({ id: 'a', n: 15 }),
      ),
    ).toBe('CONFLICT')
    expect(
      await attempt(
        (q) => q.count(),
        () => c.update(12, { n: 50 }),
      ),
    ).toBe('CONFLICT')
    expect(
      await attempt(
        (q) => q.count(),
        () => c.update(60, { n: 61 }),
      ),
    ).toBe('committed')
    expect(
      await attempt(
        (q) => q.count(),
        () => c.insert({ id: 'b', n: 20 }),
      ),
    ).toBe('committed')
    expect(
      await attempt(
        (q) => q.limit(200).count(),
        () => c.insert({ id: 'c', n: 11 }),
      ),
    ).toBe('CONFLICT')
    // Any match answers `exists`: only the one that was found matters.
    expect(
      await attempt(
        (q) => q.exists(),
        () => c.insert({ id: 'd', n: 19 }),
      ),
    ).toBe('committed')
    expect(
      await attempt(
        (q) => q.exists(),
        () => c.update(10, { n: 5 }),
      ),
    ).toBe('CONFLICT')
    expect(
      await attempt(
        (q) => q.where({ n: 12.5 }).exists(),
        () => c.insert({ id: 'e', n: 12.5 }),
      ),
    ).toBe('CONFLICT')
  })
})
