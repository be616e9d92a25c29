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

it('a join of two ordered sides is merged, a small side is held, groups of an index come one by one', async () => {
  const db = await openOn(freshPlatform(), { durability: 'none' })
  const [bugs, users] = [db.collection('bugs'), db.collection('users')]
  await bugs.insertMany(Array.from({ length: 3_000 }, (_, id) => ({ id, owner: (id * 7) % 1_000, key: `k${id}` })))
  await users.insertMany(Array.from({ length: 1_000 }, (_, id) => ({ id, number: id, tags: [id] })))
  await db.createIndex('bugs', { on: 'owner', name: 'owner' })
  await db.createIndex('bugs', { on: 'key', name: 'key' })
  await db.createIndex('users', { on: 'number', name: 'number' })

  const joined = bugs.join('user', users, { owner: 'number' }).orderBy('owner', 'desc')
  expect(joined.explain().text).toMatch(/mergeJoin inner user on owner = number, both in that order/)
  const rows = joined.all()
  expect(rows.map((row) => [row['owner'], (row['user'] as unknown as { number: number }).number])).toEqual(
    Array.from({ length: 3_000 }, (_, i) => [999 - Math.floor(i / 3), 999 - Math.floor(i / 3)]),
  )

  const held = users.join('bug', bugs, { tags: 'label' })
  expect(held.explain().text).toMatch(/hashJoin inner bug on tags = label, holding the rows so far/)
  expect(users.leftJoin('bug', bugs, { tags: 'label' }).explain().text).not.toMatch(/holding/)

  const groups = bugs.groupBy('key', { n: { median: 'owner' } })
  expect(groups.explain().text).toMatch(/groupSorted by key/)
  expect(groups.all()).toHaveLength(3_000)
  await closeChecked(db)
})

it('the first of an indexed order are read from the index, also when columns know the order and the rows are many', async () => {
  const db = await openOn(freshPlatform(), { durability: 'none' })
  const bugs = db.collection('bugs')
  await bugs.insertMany(Array.from({ length: 20_000 }, (_, id) => ({ id, at: id * 2 })))
  await db.createIndex('bugs', { on: 'at', name: 'at' })
  const last = bugs.orderBy('at', 'desc').limit(10)
  // The column is there, and would be cheap.
  expect(last.hint('columns').all()).toEqual(last.all())
  for (const query of [
    last,
    bugs
      .where({ at: { gte: 100 } })
      .orderBy('at')
      .limit(10)
      .offset(5),
  ]) {
    expect(query.explain().text).toMatch(/indexScan at/)
    expect(query.explain().text).not.toMatch(/column/)
  }
  // Where the index does not give the order, all must be looked at.
  expect(
    bugs
      .where({ at: { gte: 100 } })
      .orderBy('id', 'desc')
      .limit(10)
      .hint('columns')
      .explain().text,
  ).toMatch(/columnTop/)
  await closeChecked(db)
})
