/** Dropping and making indexes leaves nothing behind in the page files. */
import { expect, it } from 'vitest'
import { Database } from '../../../src/engine/database.ts'
import { closeChecked, freshPlatform, openOn, withDatabase } from '../fixture.ts'

const RECORDS = 3000
/** A page's image in its frame, and a little. */
const PAGE_BYTES = 16_500

it('a small index that takes the place of a large dropped one leaves none of its pages in the files', async () => {
  await withDatabase(
    async (db) => {
      const records = Array.from({ length: RECORDS }, (_, id) => ({
        id,
        a: `${id * 7919}-${'k'.repeat(200)}`,
        b: id % 7,
      }))
      await db.collection('items').insertMany(records)
      const core = Database.coreOf(db)
      await db.createIndex('items', { name: 'large', on: ['a', 'b'] })
      await db.checkpoint()
      await db.dropIndex('items', 'large')
      await db.createIndex('items', { name: 'small', on: ['b'], where: { b: 3 } })
      await db.compact()
      const { heap, indexes } = core.collections.get('items')!
      const spaces = [heap.slots.space, heap.buckets.space, ...indexes.map(({ space }) => space)]
      const pages = spaces.reduce((sum, { pageCount }) => sum + pageCount, 0)
      // And the catalogue's few pages, and the map pages of all of them.
      expect(core.background()!.livePageBytes).toBeLessThan((pages + 16) * PAGE_BYTES)
    },
    { retain: { logBytes: 0 } },
  )
})

it.each(['killed', 'closed'] as const)(
  'an index in the place of a dropped one holds its own entries, after the database was %s too',
  async (how) => {
    const platform = freshPlatform()
    const db = await openOn(platform)
    await db.collection('items').insertMany(Array.from({ length: 500 }, (_, id) => ({ id, a: id % 10, b: id % 3 })))
    await db.createIndex('items', { name: 'x', on: ['a'] })
    await db.checkpoint()
    await db.dropIndex('items', 'x')
    await db.createIndex('items', { name: 'x', on: ['b'] })
    const killed = platform.crash({ mode: 'keep-all', seed: 1 })
    await closeChecked(db)
    const again = await openOn(how === 'killed' ? killed : platform)
    const found = again.collection('items').where({ b: 2 }).orderBy('b')
    expect(found.explain().text).toContain('x')
    expect(found.count()).toBe(166)
    await closeChecked(again)
  },
)
