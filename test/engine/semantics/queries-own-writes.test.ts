import { describe, expect, it } from 'vitest'
import type { DynamicRecord } from '../../../src/query/types.ts'
import { bug, comment, EVERY_KIND, everyAnswer, type Filled, type Handle, user, withFilled } from './every-kind.ts'

/** The writing of a handle: of a transaction at once, of the database in the end. */
interface Writing extends Handle {
  collection(name: string): ReturnType<Handle['collection']> & {
    insert(record: DynamicRecord): unknown
    update(id: number | string, patch: object): unknown
    delete(id: number | string): unknown
  }
}

/** Changes of every sort, on both sides of every join, in and out of every filter, index range, group and search. */
const CHANGES: readonly ((h: Writing) => unknown)[] = [
  (h) => h.collection('bugs').insert({ ...bug(101), title: 'a broken login of its own', status: 'open', votes: 4 }),
  (h) =>
    h.collection('bugs').insert({ ...bug(102), ownerId: 'u9', status: 'own', votes: -3, place: { lat: 10, lng: 20 } }),
  (h) => h.collection('bugs').update(3, { votes: 12, status: 'open', tags: ['b'], ownerId: 'u0' }),
  (h) => h.collection('bugs').update(4, { title: 'nothing to be found', about: { system: { name: 'own' } } }),
  (h) => h.collection('bugs').update(8, { at: new Date(1), vector: Float32Array.from([1, 2, 3]) }),
  (h) => h.collection('bugs').delete(5),
  (h) => h.collection('bugs').delete(6),
  (h) => h.collection('users').insert({ ...user(9), team: 'x' }),
  (h) => h.collection('users').update('u1', { team: 'x', minimum: 0 }),
  (h) => h.collection('users').delete('u4'),
  (h) => h.collection('comments').insert({ ...comment(101), bugId: 35, votes: 8 }),
  (h) => h.collection('comments').insert({ ...comment(102), bugId: 101 }),
  (h) => h.collection('comments').update(7, { bugId: 3, votes: 8 }),
  (h) => h.collection('comments').delete(8),
  (h) => h.collection('comments').update(101, { votes: 1 }),
  (h) => h.collection('bugs').update(101, { tags: ['a', 'b', 'c'] }),
  (h) => h.collection('bugs').delete(102),
]

async function changed(db: Filled): Promise<void> {
  for (const change of CHANGES) await change(db as unknown as Writing)
}

describe('a transaction', () => {
  it('sees its own writes in every kind of query, as if they were committed; nobody else sees them', async () => {
    const expected: Map<string, unknown[]>[] = []
    await withFilled(async (db) => {
      expected.push(everyAnswer(db))
      await changed(db)
      expected.push(everyAnswer(db))
    })
    await withFilled(async (db) => {
      const before = everyAnswer(db)
      expect(before).toEqual(expected[0])
      using snapshot = db.snapshot()
      await db.transaction((tx) => {
        for (const change of CHANGES) change(tx as unknown as Writing)
        expect(everyAnswer(tx)).toEqual(expected[1])
        for (const other of [db, snapshot, db.begin()]) {
          expect(everyAnswer(other)).toEqual(before)
          if (other !== db && other !== snapshot && 'rollback' in other) other.rollback()
        }
      })
      expect(everyAnswer(db)).toEqual(expected[1])
      expect(everyAnswer(snapshot)).toEqual(before)
    })
  })

  it('sees on the way, too, what a database with these writes gives, counts and first rows included', () =>
    withFilled(async (plain) => {
      await withFilled(async (db) => {
        const tx = db.begin()
        for (const [i, change] of CHANGES.entries()) {
          await change(plain as unknown as Writing)
          change(tx as unknown as Writing)
          if (i % 4 !== 1) continue
          expect(everyAnswer(tx)).toEqual(everyAnswer(plain))
          for (const [name, make] of Object.entries(EVERY_KIND)) {
            const [own, committed] = [make(tx), make(plain)]
            expect(own.count(), name).toBe(committed.count())
            expect(own.exists(), name).toBe(committed.exists())
            if (own.data.orderBy.length > 0 && own.data.search === undefined)
              expect(own.first(), name).toEqual(committed.first())
          }
        }
        tx.rollback()
      })
    }))

  it('sees in every kind of query what a savepoint left, and nothing of what it undid', () =>
    withFilled(async (db) => {
      const before = everyAnswer(db)
      const tx = db.begin()
      const writing = tx as unknown as Writing
      const undo = (changes: typeof CHANGES) => () =>
        tx.savepoint(() => {
          for (const change of changes) change(writing)
          throw new Error('undo')
        })
      expect(undo(CHANGES)).toThrow('undo')
      expect(everyAnswer(tx)).toEqual(before)
      for (const change of CHANGES.slice(0, 8)) change(writing)
      const half = everyAnswer(tx)
      expect(half).not.toEqual(before)
      expect(undo(CHANGES.slice(8))).toThrow('undo')
      expect(everyAnswer(tx)).toEqual(half)
      tx.savepoint(() => {
        expect(undo(CHANGES.slice(8))).toThrow('undo')
        for (const change of CHANGES.slice(8)) change(writing)
      })
      const all = everyAnswer(tx)
      await tx.commit()
      expect(everyAnswer(db)).toEqual(all)
    }))

  it('goes on with an iteration as it began, whatever it writes meanwhile', () =>
    withFilled(async (db) => {
      for (const [name, make] of Object.entries(EVERY_KIND)) {
        const tx = db.begin()
        const query = make(tx)
        const expected = query.all()
        const rows: unknown[] = []
        for await (const row of query.iterate()) {
          rows.push(row)
          if (rows.length !== 2) continue
          tx.collection('bugs').insert(bug(500))
          tx.collection('comments').insert(comment(500))
        }
        expect(rows, name).toEqual(expected)
        tx.rollback()
      }
    }))
})
