/** The integrity check as users have it: silent about a sound database, all problems as data about another. */
import { expect, it } from 'vitest'
import { Database } from '../../src/engine/database.ts'
import { checkDatabase, DatabaseCheckError } from '../../src/testing/check-database.ts'
import { freshPlatform, openOn, withDatabase } from '../engine/fixture.ts'

it('a sound database passes, with declared collections and without', async () => {
  await withDatabase(async (db) => {
    await db.collection('items').insertMany([{ id: 1, n: 1 }, { id: 2 }])
    await db.createIndex('items', 'n')
    expect(() => checkDatabase(db)).not.toThrow()
  })
})

it('every structure that says something else than the records is named', async () => {
  const db = await openOn(freshPlatform())
  await db.collection('items').insertMany([
    { id: 1, n: 1 },
    { id: 2, n: 2 },
  ])
  await db.createIndex('items', 'n')
  const core = Database.coreOf(db as unknown as Database<unknown>)
  const items = core.collections.get('items')!
  const index = items.indexes[0]!
  const [key] = index.keysOf(items.readNewest(0))
  // In memory only: the entry of a record in its index is gone.
  index.index.main.delete(key!.bytes, key!.bytes.length, 0)
  let found: unknown
  try {
    checkDatabase(db)
  } catch (error) {
    found = error
  }
  expect(found).toBeInstanceOf(DatabaseCheckError)
  const { problems, message } = found as DatabaseCheckError
  expect(problems).toContainEqual(expect.objectContaining({ kind: 'index', collection: 'items', id: 1 }))
  expect(message).toContain('index items.n lacks the entry of this record')
  await db.close()
})

it('a database that is closed, or none, is refused: nothing would be compared', async () => {
  const db = await openOn(freshPlatform())
  await db.close()
  expect(() => checkDatabase(db)).toThrow(expect.objectContaining({ code: 'CLOSED' }))
})
