/** The edges of validation: the last row that a query gave, and the last write before the commit. */
import { expect, it } from 'vitest'
import { withDatabase } from '../fixture.ts'

it('the last row of a limited query conflicts like the others when another changes it', async () => {
  await withDatabase(async (db) => {
    const items = db.collection('items')
    await db.createIndex('items', 'n')
    await items.insertMany(Array.from({ length: 9 }, (_, id) => ({ id, n: id, plain: `p${id}` })))
    for (const key of ['n', 'plain']) {
      for (const direction of ['asc', 'desc'] as const) {
        const tx = db.begin()
        const rows = tx.collection('items').orderBy(key, direction).limit(3).all()
        tx.collection('own').insert({})
        await items.update(rows[2]!.id, { other: direction, by: key })
        await expect(tx.commit(), `${key} ${direction}`).rejects.toMatchObject({ code: 'CONFLICT' })
      }
    }
  })
})

it('a validation in slices also meets what is written between two of them', async () => {
  await withDatabase(async (db) => {
    const items = db.collection('items')
    const attempt = async (between: () => Promise<unknown>): Promise<void> => {
      const tx = db.begin()
      expect(tx.collection('items').where({ n: 1 }).all()).toEqual([])
      tx.collection('own').insert({})
      // More than one slice of writes that do not matter.
      await items.upsertMany(Array.from({ length: 1200 }, (_, id) => ({ id, n: 2, round: db.commitNumber })))
      // Its first slice is tested within this call, the next one in a later turn.
      const done = tx.commit()
      const other = between()
      try {
        await done
      } finally {
        await other
      }
    }
    await attempt(() => items.insert({ id: 'harmless', n: 3 }))
    await expect(attempt(() => items.insert({ id: 'phantom', n: 1 }))).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})
