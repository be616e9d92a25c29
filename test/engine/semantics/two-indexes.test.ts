import { describe, expect, it } from 'vitest'
import { collection } from '../../../src/engine/collection-spec.ts'
import { or } from '../../../src/query/where.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

describe('two indexes', () => {
  const records = Array.from({ length: 4_000 }, (_, id) => ({
    id,
    a: id % 20,
    b: Math.floor(id / 7) % 25,
    tags: [id % 30, 99],
  }))
  const where = { a: 3, b: 4 }
  const expected = records.filter(({ a, b }) => a === 3 && b === 4).map(({ id }) => id)

  function ids(rows: readonly { readonly id: unknown }[]): unknown[] {
    return rows.map(({ id }) => id).sort((a, b) => Number(a) - Number(b))
  }

  it('are read together where each alone leaves many records, for every reader', async () => {
    const db = await openOn(freshPlatform(), { collections: { c: collection({ indexes: ['a', 'b'] }) } })
    await db.collection('c').insertMany(records)
    const query = db.collection('c').where(where)
    expect(query.explain().text).toContain('intersect b, 1 range and a, 1 range')
    expect(ids(query.all())).toEqual(expected)
    expect(ids(await query.allAsync())).toEqual(expected)
    expect(query.count()).toBe(expected.length)
    expect(
      query
        .orderBy('id', 'desc')
        .limit(2)
        .all()
        .map(({ id }) => id),
    ).toEqual(expected.slice(-2).reverse())
    const snapshot = db.snapshot()
    await db.collection('c').update(expected[0]!, { a: 5 })
    await db.collection('c').delete(expected[1]!)
    await db.collection('c').insert({ id: 'new', a: 3, b: 4 })
    expect(query.count()).toBe(expected.length - 1)
    expect(ids(snapshot.collection('c').where(where).all())).toEqual(expected)
    await db.transaction((tx) => {
      tx.collection('c').update(expected[2]!, { b: 9 })
      expect(tx.collection('c').where(where).count()).toBe(expected.length - 2)
    })
    snapshot.close()
    await closeChecked(db)
  })

  it('are read one after the other for an or, each record once', async () => {
    const db = await openOn(freshPlatform(), { collections: { c: collection({ indexes: ['a', 'b'] }) } })
    await db.collection('c').insertMany(records)
    const query = db.collection('c').where(or({ a: 3 }, { b: { in: [4, 5] } }))
    expect(query.explain().text).toContain('concat')
    expect(ids(query.all())).toEqual(records.filter(({ a, b }) => a === 3 || b === 4 || b === 5).map(({ id }) => id))
    await closeChecked(db)
  })
})
