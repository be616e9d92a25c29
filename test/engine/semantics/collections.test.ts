import { describe, expect, it } from 'vitest'
import { collection } from '../../../src/engine/collection-spec.ts'
import type { DatabaseWith } from '../../../src/engine/database.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import { seededRandom } from '../../../src/platform/seeded-random.ts'
import { closeChecked, freshPlatform, openOn, withDatabase } from '../fixture.ts'

/** Collections dropped and renamed, records in pieces, and snapshots that outlast all of it. */
const MIB = 1024 * 1024

function noise(size: number, seed: number): Uint8Array {
  return seededRandom(seed).fill(new Uint8Array(size))
}

async function reopened(
  platform: MemoryPlatform,
  check: (db: DatabaseWith<Record<never, never>>) => void,
): Promise<void> {
  const db = await openOn(platform)
  check(db)
  await closeChecked(db)
}

describe('dropCollection', () => {
  it('takes records, indexes and large records away, and gives the name free', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform)
    const c = db.collection('c')
    await db.createIndex('c', { on: 'n', unique: true })
    await c.insertMany([
      { id: 1, n: 1 },
      { id: 2, bytes: noise(2 * MIB, 1) },
    ])
    expect(await db.dropCollection('c')).toBe(true)
    expect(await db.dropCollection('c')).toBe(false)
    expect([c.count(), c.get(1), db.collections()]).toEqual([0, undefined, []])
    await c.insertMany([
      { id: 1, n: 1 },
      { id: 3, n: 1, fresh: true },
    ])
    expect(db.stats().collections).toEqual([{ name: 'c', records: 2, indexes: [] }])
    await closeChecked(db)
    await reopened(platform, (again) => expect(again.collection('c').count()).toBe(2))
  })

  it('is a conflict for a transaction that wrote into it', async () => {
    await withDatabase(async (db) => {
      await db.collection('c').insert({ id: 1 })
      const tx = db.begin()
      tx.collection('c').insert({ id: 2 })
      await db.dropCollection('c')
      await expect(tx.commit()).rejects.toMatchObject({ code: 'CONFLICT' })
      expect(db.collections()).toEqual([])
    })
  })

  it('ends a query that runs with an error that says so, never with part of the rows', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insertMany(Array.from({ length: 200 }, (_, id) => ({ id })))
      const read = async (): Promise<void> => {
        for await (const row of c.query()) if (row.id === 3) await db.dropCollection('c')
      }
      await expect(read()).rejects.toMatchObject({ code: 'CONFLICT', retryable: true })
      expect(db.stats().snapshots.count).toBe(0)
    })
  })
})

describe('renameCollection', () => {
  it('keeps records, indexes and handles by name, across a reopen', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform)
    await db.createIndex('old', { on: 'n', unique: true })
    await db.collection('old').insertMany([{ id: 1, n: 1 }])
    await db.renameCollection('old', 'new')
    expect([db.collection('old').count(), db.collection('new').get(1)]).toEqual([0, { id: 1, n: 1 }])
    await expect(db.collection('new').insert({ n: 1 })).rejects.toMatchObject({ code: 'UNIQUE' })
    await expect(db.renameCollection('old', 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await db.collection('old').insert({ id: 'again' })
    await expect(db.renameCollection('old', 'new')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await closeChecked(db)
    await reopened(platform, (again) => {
      expect(again.collections().sort()).toEqual(['new', 'old'])
      expect(again.collection('new').where({ n: 1 }).all()).toEqual([{ id: 1, n: 1 }])
    })
  })

  it('is not done in memory either when it cannot be logged', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { syncWrites: 'never' })
    await db.collection('old').insert({ id: 1 })
    platform.faults.failNth('write', 1, 'EIO', { sticky: true, path: '/log/' })
    await expect(db.collection('x').insert({})).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
    await expect(db.renameCollection('old', 'new')).rejects.toMatchObject({ code: 'POISONED' })
    expect([db.collection('old').count(), db.collection('new').count()]).toEqual([1, 0])
    await expect(db.close()).rejects.toMatchObject({ code: 'POISONED' })
  })

  it('may take a name that somebody only asked for', async () => {
    await withDatabase(async (db) => {
      await db.collection('old').insert({ id: 1 })
      await db.transaction((tx) => tx.collection('new').count())
      await db.renameCollection('old', 'new')
      expect(db.collection('new').count()).toBe(1)
    })
  })
})

describe('large records', () => {
  it.each([
    [32_000, 33_000],
    [MIB - 5000, MIB + 5000],
    [3 * MIB, 5 * MIB + 17],
  ])(
    'of %i and %i bytes come back exactly: after an update, a reopen, a rebuild from the log',
    async (small, large) => {
      const platform = freshPlatform()
      const db = await openOn(platform)
      const c = db.collection('c')
      const bytes = noise(large, 7)
      await c.insert({ id: 'a', bytes: noise(small, 3), n: 1 })
      await c.insert({ id: 'b', bytes })
      await c.update('a', { n: 2 })
      await c.update('b', { bytes: noise(small, 4) })
      await c.update('b', { bytes })
      const check = (each: typeof db): void => {
        const [a, b] = [each.collection('c').get('a')!, each.collection('c').get('b')!]
        expect([a['n'], Buffer.compare(a['bytes'] as Uint8Array, noise(small, 3))]).toEqual([2, 0])
        expect(Buffer.compare(b['bytes'] as Uint8Array, bytes)).toBe(0)
        expect(each.collection('c').where({ n: 2 }).count()).toBe(1)
      }
      check(db)
      await reopened(platform.crash({ mode: 'keep-all', seed: 1 }), check)
      await closeChecked(db)
      await reopened(platform, check)
      platform.files.unlinkSync('/db/root')
      await reopened(platform, check)
    },
  )

  it('above maxRecordBytes are refused with the size, and nothing of them stays', async () => {
    await withDatabase(
      async (db) => {
        const c = db.collection('c')
        await c.insert({ id: 1, text: 'x'.repeat(90_000) })
        const refused = [
          c.insert({ id: 2, text: 'x'.repeat(110_000) }),
          c.update(1, { more: 'x'.repeat(20_000) }),
          c.insertMany([{ id: 3 }, { id: 4, text: 'x'.repeat(110_000) }]),
        ]
        for (const each of refused) {
          await expect(each).rejects.toMatchObject({ code: 'TOO_LARGE', details: { limit: 100_000 } })
        }
        expect(c.all().map(({ id }) => id)).toEqual([1])
      },
      { maxRecordBytes: 100_000 },
    )
  })

  it('are seen whole by a snapshot while they are replaced and deleted', async () => {
    await withDatabase(async (db) => {
      const c = db.collection('c')
      await c.insertMany([
        { id: 1, bytes: noise(2 * MIB, 1) },
        { id: 2, bytes: noise(MIB, 2) },
      ])
      using snapshot = db.snapshot()
      await c.update(1, { bytes: noise(3 * MIB, 5) })
      await c.delete(2)
      await db.checkpoint()
      const seen = snapshot.collection('c').orderBy('id').all()
      expect(
        seen.map(({ bytes }) => Buffer.compare(bytes as Uint8Array, noise((bytes as Uint8Array).length, 1))),
      ).toEqual([0, Buffer.compare(noise(MIB, 2), noise(MIB, 1))])
      expect((seen[0]!['bytes'] as Uint8Array).length).toBe(2 * MIB)
    })
  })
})

describe('a snapshot', () => {
  it('stays as it is while everything is rewritten many times, checkpointed and cleaned', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { durability: 'none', retain: { logBytes: 0 } })
    const c = db.collection('c')
    await db.createIndex('c', 'n')
    const rows = Array.from({ length: 400 }, (_, id) => ({ id, n: id % 20, text: `first ${id} ${'x'.repeat(2000)}` }))
    await c.insertMany(rows)
    await db.flush()
    const old = db.snapshot()
    const { segments, tailSegment } = db.stats().log
    let middle: ReturnType<typeof db.snapshot> | undefined
    for (let round = 1; round <= 40; round++) {
      await c.updateMany({}, { n: round, text: `${round}`.repeat(1000) })
      if (round % 4 === 0) await db.checkpoint()
      if (round === 20) middle = db.snapshot()
    }
    await c.deleteMany({ id: { gte: 300 } })
    await db.checkpoint()
    await db.checkpoint()
    expect(old.collection('c').orderBy('id').all()).toEqual(rows)
    expect(old.collection('c').where({ n: 7 }).count()).toBe(20)
    expect(old.collection('c').get(399)).toEqual(rows[399])
    expect(middle!.collection('c').where({ n: 20 }).count()).toBe(400)
    expect(c.where({ n: 40 }).count()).toBe(300)
    expect(segments).toBeGreaterThan(0)
    expect(db.stats().log.tailSegment).toBeGreaterThanOrEqual(tailSegment)
    old.close()
    middle!.close()
    await closeChecked(db)
    await reopened(platform, (again) => expect(again.collection('c').count()).toBe(300))
  })

  it('is one state of the whole database: no transaction is seen in part', async () => {
    await withDatabase(async (db) => {
      const move = (i: number) =>
        db.transaction((tx) => {
          tx.collection('from').upsert({ id: 1, n: -i })
          tx.collection('to').upsert({ id: 1, n: i })
        })
      const sums: number[] = []
      for (let i = 1; i <= 30; i++) {
        const moving = move(i)
        db.read((snapshot) => {
          const n = (name: string) => Number(snapshot.collection(name).get(1)?.['n'] ?? 0)
          sums.push(n('from') + n('to'))
        })
        await moving
      }
      expect(new Set(sums)).toEqual(new Set([0]))
    })
  })

  it('gives its declared collections as properties, has no writes, and ends once', async () => {
    await withDatabase(
      async (db) => {
        await db.bugs.insert({ id: 1 })
        const snapshot = db.snapshot()
        expect(snapshot.bugs).toBe(snapshot.collection('bugs'))
        expect(Reflect.get(snapshot.bugs, 'insert')).toBeUndefined()
        await db.bugs.insert({ id: 2 })
        expect([snapshot.bugs.count(), db.bugs.count()]).toEqual([1, 2])
        expect(snapshot.commitNumber).toBeLessThan(db.snapshot().commitNumber)
        snapshot.close()
        snapshot.close()
        expect(() => snapshot.bugs.count()).toThrow(expect.objectContaining({ code: 'TRANSACTION_CLOSED' }))
      },
      { collections: { bugs: collection() } },
    )
  })
})
