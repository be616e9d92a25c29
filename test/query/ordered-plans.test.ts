import { expect, it } from 'vitest'
import { isVector } from '../../src/codec/order.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { closeChecked, freshPlatform, openOn } from '../engine/fixture.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { judge } from './support/naive/same-rows.ts'
import { shownCase } from './support/random/arbitrary.ts'
import { randomQuery } from './support/random/random-query.ts'
import { randomDatabase, richWorld } from './support/random/world.ts'
import { operatorsByIndex, runByIndex } from './support/run-data.ts'

it('joins and groups by indexes on everything give what their definition gives', async () => {
  const world = richWorld(['where', 'orderBy', 'limit', 'join', 'group', 'firstLast', 'array', 'compare', 'crossKinds'])
  const random = seededRandom(seed())
  const taken = { mergeJoin: 0, groupSorted: 0, queries: 0 }
  for (let i = 0; i < effort(5); i++) {
    const database = randomDatabase(random, world)
    const db = await openOn(freshPlatform(), { durability: 'none' })
    for (const [name, records] of database) await db.collection(name).insertMany(records)
    for (const [name, shape] of world.collections) {
      for (const { path, pool } of shape) {
        const on = path.join('.')
        if (on !== 'id' && !pool.some(isVector)) await db.createIndex(name, { on, name: on })
      }
    }
    for (let k = 0; k < 60; k++) {
      const query = randomQuery(random, world)
      const operators = operatorsByIndex(db, query)
      taken.queries++
      if (operators.has('mergeJoin')) taken.mergeJoin++
      if (operators.has('groupSorted')) taken.groupSorted++
      const wrong = judge(query, database, runByIndex(db, query))
      const shown = { database, query, indexes: new Map(), writes: [], after: database }
      if (wrong !== undefined) throw new Error(`${shownCase(shown)}\n${wrong}`)
    }
    await closeChecked(db)
  }
  expect(taken.mergeJoin, 'merge joins').toBeGreaterThan(taken.queries / 100)
  expect(taken.groupSorted, 'sorted groups').toBeGreaterThan(taken.queries / 50)
})
