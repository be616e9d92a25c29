import { describe, expect, it } from 'vitest'
import { collection } from '../../../src/engine/collection-spec.ts'
import { Database } from '../../../src/engine/database.ts'
import { closeChecked, freshPlatform, openOn, withDatabase } from '../fixture.ts'

/** Indexes change how a query finds its rows, never which; they come and go while the database is used. */
const indexesOf = (db: { stats(): { collections: readonly { name: string; indexes: readonly string[] }[] } }) =>
  db.stats().collections.find(({ name }) => name === 'c')?.indexes

describe('createIndex', () => {
  it('builds while records are inserted, changed and deleted, and misses none', async () => {
    await withDatabase(
      async (db) => {
        const c = db.collection('c')
        await c.insertMany(Array.from({ length: 8000 }, (_, id) => ({ id, n: id % 100, tag: `t${id % 7}` })))
        const steps: number[] = []
        let building = true
        const built = db.createIndex('c', ['n', 'tag'], { onProgress: ({ done }) => steps.push(done) }).finally(() => {
          building = false
        })
        for (let round = 0; building; round++) {
          const id = (round * 977) % 8000
          await c.upsert({ id, n: 1000 + (round % 3) })
          await c.delete((round * 1013 + 5) % 8000)
          await c.insert({ id: 10_000 + round, n: 55, tag: 'new' })
          // Without it the turns of the builder never come: these writes are done in microtasks.
          await new Promise((resolve) => setImmediate(resolve))
        }
        await built
        expect(c.where({ n: 55, tag: 'new' }).explain().text).toContain('n,tag')
        const expected = c.all()
        const byNumber = (n: number) => expected.filter((record) => record['n'] === n).length
        for (const n of [0, 55, 99, 1000, 1002]) expect(c.where({ n }).count()).toBe(byNumber(n))
        expect(steps.length).toBeGreaterThan(0)
      },
      { durability: 'none' },
    )
  })

  it('serves no transaction or snapshot older than itself a wrong answer', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insertMany([
        { id: 1, n: 1 },
        { id: 2, n: 2 },
        { id: 3, n: 3 },
      ])
      using snapshot = db.snapshot()
      const tx = db.begin()
      await c.update(1, { n: 10 })
      await c.delete(2)
      await db.createIndex('c', 'n')
      await c.update(3, { n: 30 })
      for (const handle of [snapshot, tx]) {
        expect(
          handle
            .collection('c')
            .where({ n: { lte: 3 } })
            .orderBy('n')
            .all(),
        ).toEqual([
          { id: 1, n: 1 },
          { id: 2, n: 2 },
          { id: 3, n: 3 },
        ])
      }
      tx.rollback()
      expect(c.where({ n: { lte: 3 } }).all()).toEqual([])
    })
  })

  it('serves snapshots taken after it, however the records move under it', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await db.createIndex('c', 'n')
      await c.insertMany(Array.from({ length: 50 }, (_, id) => ({ id, n: id })))
      const held = []
      for (let round = 1; round <= 5; round++) {
        held.push({ snapshot: db.snapshot(), expected: c.orderBy('n').all() })
        await c.updateMany({ id: { gte: 10 * round - 10 } }, { n: 100 - round })
        await c.delete(round)
        await c.insert({ id: 1000 + round, n: round })
      }
      for (const { snapshot, expected } of held) {
        const inside = snapshot.collection('c')
        expect(inside.where({ n: { gte: 0 } }).explain().text).toContain('index n')
        expect(inside.orderBy('n').all()).toEqual(expected)
        for (const n of [3, 20, 95, 99]) {
          expect(inside.where({ n }).orderBy('id').all()).toEqual(expected.filter((record) => record['n'] === n))
        }
        snapshot.close()
      }
    })
  })

  it('of a unique index fails on a duplicate, also one that comes while it is built, and leaves nothing', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insertMany([
        { id: 1, k: 'a' },
        { id: 2, k: 'a' },
      ])
      await expect(db.createIndex('c', { on: 'k', unique: true })).rejects.toMatchObject({
        code: 'UNIQUE',
        details: { index: 'k' },
      })
      expect(indexesOf(db)).toEqual([])
      await c.delete(2)
      await c.insertMany(Array.from({ length: 6000 }, (_, i) => ({ id: 10 + i, k: `k${i}` })))
      const building = db.createIndex('c', { on: 'k', unique: true })
      const late = c.insert({ id: 3, k: 'k5999' })
      await expect(building).rejects.toMatchObject({ code: 'UNIQUE' })
      await late
      await c.delete(3)
      await db.createIndex('c', { on: 'k', unique: true })
      await expect(c.insert({ k: 'a' })).rejects.toMatchObject({
        code: 'UNIQUE',
        details: { index: 'k', key: ['a'], id: 1 },
      })
      expect(await c.upsert({ k: 'a', more: 1 }, { on: 'k' })).toEqual({ id: 1, k: 'a', more: 1 })
    })
  })

  it('stops by its signal, and refuses a name that is taken', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insertMany(Array.from({ length: 8000 }, (_, id) => ({ id, n: id })))
      const stop = new AbortController()
      const building = db.createIndex('c', 'n', { signal: stop.signal, onProgress: () => stop.abort() })
      await expect(building).rejects.toMatchObject({ code: 'ABORTED' })
      expect(indexesOf(db)).toEqual([])
      await db.createIndex('c', 'n')
      await expect(db.createIndex('c', 'n')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(await db.dropIndex('c', 'n')).toBe(true)
      expect(await db.dropIndex('c', 'n')).toBe(false)
      expect(c.where({ n: 5 }).all()).toEqual([{ id: 5, n: 5 }])
    })
  })

  it('cut by close or a crash leaves nothing of it', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform)
    await db.collection('c').insertMany(Array.from({ length: 8000 }, (_, id) => ({ id, n: id })))
    const building = db.createIndex('c', 'n')
    building.catch(() => undefined)
    const cut = await openOn(platform.crash({ mode: 'keep-all', seed: 1 }))
    expect(indexesOf(cut)).toEqual([])
    await closeChecked(cut)
    await db.close()
    await building.catch((error: unknown) => expect(error).toMatchObject({ code: 'CLOSED' }))
    const again = await openOn(platform)
    expect(again.collection('c').count()).toBe(8000)
    await closeChecked(again)
  })

  it('that is dropped ends a query that runs through it with an error that says so; one made again serves the next', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await db.createIndex('c', 'n')
      await c.insertMany(Array.from({ length: 2000 }, (_, id) => ({ id, n: id })))
      const range = c.where({ n: { between: [100, 199] } })
      expect(range.explain().text).toContain('index n')
      const read = async (): Promise<void> => {
        for await (const row of range) if (row.id === 105) await db.dropIndex('c', 'n')
      }
      await expect(read()).rejects.toMatchObject({ code: 'CONFLICT', retryable: true })
      expect(range.count()).toBe(100)
      await db.createIndex('c', { on: 'n', name: 'again' })
      expect(range.explain().text).toContain('index again')
      expect(range.count()).toBe(100)
    })
  })
})

describe('declared indexes', () => {
  it('appear and disappear with their declaration; those made by createIndex stay', async () => {
    const platform = freshPlatform()
    const open = (...indexes: readonly (string | { on: string; unique: boolean })[]) =>
      openOn(platform, { collections: { c: collection({ indexes }) } })
    const first = await open('a', 'b')
    await first.c.insertMany(Array.from({ length: 100 }, (_, id) => ({ id, a: id % 5, b: id % 3, d: id })))
    await first.createIndex('c', 'd')
    expect(indexesOf(first)).toEqual(['a', 'b', 'd'])
    await closeChecked(first)
    const second = await open('b', 'e')
    expect([...indexesOf(second)!].sort()).toEqual(['b', 'd', 'e'])
    expect(second.c.where({ a: 3 }).count()).toBe(20)
    await closeChecked(second)
    const undeclared = await openOn(platform)
    expect([...indexesOf(undeclared)!].sort()).toEqual(['b', 'd', 'e'])
    await closeChecked(undeclared)
    const other = await open({ on: 'd', unique: true })
    expect(indexesOf(other)).toEqual(['d'])
    await expect(other.c.insert({ id: 'x', d: 5 })).rejects.toMatchObject({ code: 'UNIQUE' })
    await closeChecked(other)
  })

  it('are built before open resolves, and tell of it', async () => {
    const platform = freshPlatform()
    const plain = await openOn(platform, { durability: 'none' })
    await plain.collection('c').insertMany(Array.from({ length: 6000 }, (_, id) => ({ id, n: id % 10 })))
    await closeChecked(plain)
    const told: string[] = []
    const db = await openOn(platform, {
      collections: { c: collection({ indexes: ['n'] }) },
      onProgress: ({ collection: name, step }) => told.push(`${name}: ${step}`),
    })
    expect(new Set(told)).toEqual(new Set(['c: index n']))
    expect(db.c.where({ n: 3 }).explain().text).toContain('index n')
    expect(db.c.where({ n: 3 }).count()).toBe(600)
    await closeChecked(db)
  })
})

describe('an index and none', () => {
  it('give the same rows for every kind of condition, in a transaction with writes of its own too', async () => {
    await withDatabase(async (db) => {
      const values = [
        null,
        false,
        true,
        Number.NaN,
        -1,
        0,
        -0,
        1,
        1n,
        2.5,
        'a',
        'A',
        'ä',
        '',
        new Date(0),
        [1],
        [1, 2],
        { a: 1 },
      ]
      const rows = values.flatMap((v, i) => [
        { id: 2 * i, v, w: i % 3 },
        { id: 2 * i + 1, w: i % 3 },
      ])
      const plain = db.collection('plain')
      const indexed = db.collection('indexed')
      await db.createIndex('indexed', 'v')
      await db.createIndex('indexed', ['w', 'v'])
      await plain.insertMany(rows)
      await indexed.insertMany(rows)
      const conditions: object[] = [
        {},
        { v: { exists: true } },
        { v: { exists: false } },
        { v: { isNull: true } },
        { v: { isNull: false } },
        ...values.map((v) => ({ v: { eq: v } })),
        ...values.map((v) => ({ v: { ne: v } })),
        ...[0, 1n, 'a', false, new Date(0)].flatMap((v) => [
          { v: { lt: v } },
          { v: { lte: v } },
          { v: { gt: v } },
          { v: { gte: v }, w: 1 },
        ]),
        { v: { in: [1, 'a', null] } },
        { v: { notIn: [1, 'a', null] } },
        { v: { between: [-1, 2] }, w: { in: [0, 2] } },
      ]
      const compare = (a: typeof plain | ReturnType<typeof inside>, b: typeof a): void => {
        for (const where of conditions) {
          const ids = (c: typeof a) =>
            c
              .where(where as never)
              .orderBy('id')
              .select('id')
              .all()
          expect(
            ids(b),
            JSON.stringify(where, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v)),
          ).toEqual(ids(a))
          const ordered = (c: typeof a) =>
            c
              .where(where as never)
              .orderBy('v', 'desc')
              .orderBy('w')
              .limit(7)
              .all()
          expect(ordered(b)).toEqual(ordered(a))
        }
      }
      const inside = (name: string, tx: ReturnType<typeof db.begin>) => tx.collection(name)
      compare(plain, indexed)
      const tx = db.begin()
      for (const c of [inside('plain', tx), inside('indexed', tx)]) {
        c.updateMany({ w: 1 }, { v: 2 })
        c.deleteMany({ v: { gte: 'a' } })
        c.insertMany([
          { id: 'x', v: 0, w: 9 },
          { id: 'y', w: 0 },
        ])
      }
      compare(inside('plain', tx), inside('indexed', tx))
      await tx.commit()
      compare(plain, indexed)
    })
  })
})

describe('stale conditions of the catalogue', () => {
  it('an index that cannot be logged is not there', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { syncWrites: 'never' })
    await db.collection('c').insertMany([{ id: 1, n: 1 }])
    await db.createIndex('c', 'n')
    platform.faults.failNth('write', 1, 'EIO', { sticky: true, path: '/log/' })
    await expect(db.createIndex('c', 'm')).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
    expect(
      Database.coreOf(db)
        .collections.get('c')!
        .indexes.map(({ spec }) => spec.name),
    ).toEqual(['n'])
    await expect(db.dropIndex('c', 'n')).rejects.toMatchObject({ code: 'POISONED' })
    expect(db.collection('c').where({ n: 1 }).all()).toEqual([{ id: 1, n: 1 }])
    await expect(db.close()).rejects.toMatchObject({ code: 'POISONED' })
  })
})
