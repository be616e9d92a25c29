import { describe, expect, it } from 'vitest'
import { copyRow, EVERY_KIND, type Filled, type Handle, inOrder, withFilled } from './every-kind.ts'

/** "Every record returned is a fresh plain object that belongs to the caller; changing it changes nothing else." */

/** Every object in a value, itself first. */
function* objectsIn(value: unknown): Generator<object> {
  if (typeof value !== 'object' || value === null) return
  yield value
  if (ArrayBuffer.isView(value)) return
  for (const inner of Object.values(value)) yield* objectsIn(inner)
}

/** Changes everything in a value that can be changed. */
function spoil(value: unknown): void {
  for (const object of [...objectsIn(value)]) {
    if (object instanceof Date) object.setTime(123_456_789)
    else if (object instanceof Float32Array) object.fill(99)
    else if (Array.isArray(object)) object.push('spoiled')
    else {
      for (const name of Object.keys(object)) Reflect.deleteProperty(object, name)
      Reflect.set(object, 'spoiled', true)
    }
  }
}

const HANDLES: { readonly [name: string]: (db: Filled) => Handle & { close?: () => void } } = {
  'the database': (db) => db,
  'a snapshot': (db) => db.snapshot(),
  'a transaction with writes': (db) => {
    const tx = db.begin()
    tx.collection('bugs').update(3, { votes: 12, tags: ['z'], about: { system: { name: 'own', since: new Date(7) } } })
    tx.collection('users').update('u1', { address: { city: 'Rom', since: new Date(8) } })
    tx.collection('comments').insert({ id: 1000, bugId: 3, by: 'u1', votes: 8, at: new Date(9) })
    return { collection: (name) => tx.collection(name), close: () => tx.rollback() }
  },
}

async function withHandle(open: (typeof HANDLES)[string], fn: (handle: Handle) => Promise<void> | void): Promise<void> {
  await withFilled(async (db) => {
    const handle = open(db)
    try {
      await fn(handle)
    } finally {
      if (handle !== db) handle.close?.()
    }
  })
}

describe.each(Object.entries(HANDLES))('of %s the rows', (_, open) => {
  it('share no object, neither with one another nor within themselves, and belong to the caller', () =>
    withHandle(open, async (handle) => {
      for (const [name, make] of Object.entries(EVERY_KIND)) {
        const query = make(handle)
        const rows = query.all()
        expect(rows.length, name).toBeGreaterThan(0)
        const seen = new Set<object>()
        for (const object of objectsIn(rows)) {
          expect(seen.has(object), `${name}: ${JSON.stringify(object)} twice`).toBe(false)
          seen.add(object)
        }
        const original = copyRow(rows)
        for (const row of rows) spoil(row)
        expect(query.all(), name).toEqual(original)
        spoil(query.first())
        expect(make(handle).all(), name).toEqual(original)
      }
    }))

  it('may be changed while those behind them are still to come', () =>
    withHandle(open, async (handle) => {
      for (const [name, make] of Object.entries(EVERY_KIND)) {
        const query = make(handle)
        const rows: unknown[] = []
        for await (const row of query.iterate()) {
          rows.push(copyRow(row))
          spoil(row)
        }
        expect(inOrder(rows), name).toEqual(inOrder(query.all()))
      }
    }))
})
