import { describe, expect, it } from 'vitest'
import { exists } from '../../src/query/exists.ts'
import { fieldsJoined, fieldsRead } from '../../src/query/fields-read.ts'
import type { QueryData } from '../../src/query/query-data.ts'
import { withDatabase } from '../engine/fixture.ts'

type Rows = Record<string, (...of: readonly unknown[]) => never> & {
  readonly data: QueryData
  all(): Record<string, unknown>[]
}

// The builder's types are for rows that a type knows.
const rowsOf = (view: { collection(name: string): { where(filter: object): unknown } }, name: string): Rows =>
  view.collection(name).where({}) as Rows

/** Queries that read some fields of their records, by what they are about. */
const QUERIES: { readonly [about: string]: (things: Rows, users: Rows) => Rows } = {
  select: (things) => things['select']!('a', 'deep.x'),
  'select in an order': (things) => chain(things, ['orderBy', 'b', 'desc'], ['limit', 7], ['select', 'a']),
  'select by an index': (things) => chain(things, ['where', { b: { gte: 2 } }], ['select', 'id', 'c']),
  'select by another index backwards': (things) =>
    chain(things, ['where', { b: { gte: 2 } }], ['orderBy', 'b', 'desc'], ['orderBy', 'id'], ['select', 'c']),
  'select over columns': (things) => chain(things, ['hint', 'columns'], ['where', { c: { gt: 3 } }], ['select', 'a']),
  'select of a computed field': (things) =>
    chain(things, ['compute', { twice: (e: never) => plus(e) }], ['select', 'twice']),
  join: (things, users) =>
    chain(things, ['join', 'owner', users, { ownerId: 'id' }], ['select', { n: 'owner.name', a: 'a' }]),
  'join with itself': (things) =>
    chain(things, ['join', 'other', things, { b: 'id' }], ['select', { a: 'a', c: 'other.c', d: 'other.deep.x' }]),
  'join with itself over columns': (things) =>
    chain(things, ['hint', 'columns'], ['join', 'other', things, { b: 'id' }], ['select', { a: 'a', c: 'other.c' }]),
  'join of whole records': (things, users) =>
    chain(things, ['leftJoin', 'owner', users, { ownerId: 'id' }], ['select', { owner: 'owner' }]),
  'groups by rows': (things) =>
    chain(things, ['groupBy', { a: (e: never) => fieldOf(e, 'a') }, { all: { array: 'c' }, most: { max: 'deep.x' } }]),
  'windows of distinct rows': (things) =>
    chain(things, ['window', { r: { rank: true, partitionBy: 'a', orderBy: 'c' } }], ['select', 'r'], ['distinct']),
  'a window over columns': (things) =>
    chain(things, ['hint', 'columns'], ['window', { r: { rank: true, orderBy: 'c' } }], ['select', 'b', 'r']),
  'a condition that asks a query': (things, users) =>
    chain(things, ['where', exists(users as never, { ownerId: 'id' } as never)], ['select', 'a']),
  'the nearest': (things) => chain(things, ['nearest', 'at', { lat: 1, lng: 1 }], ['limit', 5], ['select', 'a']),
}

type Call = readonly [method: string, ...of: readonly unknown[]]

function chain(query: Rows, ...calls: readonly Call[]): Rows {
  return calls.reduce((rows, [method, ...of]) => rows[method]!(...of), query)
}

const plus = (e: { add(a: unknown, b: unknown): unknown; field(path: string): unknown }): unknown =>
  e.add(e.field('b'), e.field('c'))
const fieldOf = (e: { field(path: string): unknown }, path: string): unknown => e.field(path)

const text = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort()

describe('a query that reads some fields', () => {
  it('gives what it gives of whole records, outside and inside of a transaction', () =>
    withDatabase(async (db) => {
      const users = Array.from({ length: 9 }, (_, id) => ({ id, name: `user ${id}`, other: 'x' }))
      const things = Array.from({ length: 60 }, (_, id) => ({
        ...{ id, a: id % 4, b: id % 11, c: (id * 7) % 13, deep: { x: id % 5, y: 1 }, ownerId: id % 12 },
        at: { lat: (id * 3) % 40, lng: (id * 5) % 40 },
        title: `a longer text that nobody asks for ${id}`,
      }))
      await db.collection('users').insertMany(users as never)
      await db.collection('things').insertMany(things as never)
      for (const [about, make] of Object.entries(QUERIES)) {
        const query = make(rowsOf(db, 'things'), rowsOf(db, 'users'))
        const outside = text(query.all())
        expect(outside.length, about).toBeGreaterThan(0)
        // A read-write transaction reads whole records.
        const inside = await db.transaction((tx) => text(make(rowsOf(tx, 'things'), rowsOf(tx, 'users')).all()))
        expect(outside, about).toEqual(inside)
      }
    }))

  it('reads what its clauses look at, the id, and names that must be free', () =>
    withDatabase(async (db) => {
      const [things, users] = [rowsOf(db, 'things'), rowsOf(db, 'users')]
      const read = (about: string): readonly string[] | undefined => {
        const names = fieldsRead(QUERIES[about]!(things, users).data)
        return names && [...names].sort()
      }
      expect(read('select')).toEqual(['a', 'deep', 'id'])
      expect(read('select in an order')).toEqual(['a', 'b', 'id'])
      expect(read('join')).toEqual(['a', 'id', 'owner', 'ownerId'])
      expect(read('windows of distinct rows')).toBe(undefined)
      expect(read('a condition that asks a query')).toBe(undefined)
      expect(fieldsRead(things.data)).toBe(undefined)
      const joined = (about: string): readonly string[] | undefined => {
        const { data } = QUERIES[about]!(things, users)
        const names = fieldsJoined(data, data.joins[0]!)
        return names && [...names].sort()
      }
      expect(joined('join')).toEqual(['id', 'name'])
      expect(joined('join with itself')).toEqual(['c', 'deep', 'id'])
      expect(joined('join of whole records')).toBe(undefined)
    }))
})
