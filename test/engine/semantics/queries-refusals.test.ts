import { describe, expect, it } from 'vitest'
import { exists } from '../../../src/query/exists.ts'
import { type EVERY_KIND, type Filled, type Handle, withFilled } from './every-kind.ts'

/** What is refused, through the public door: INVALID_QUERY with its place, by every terminal, and nothing is left open. */

/** As plain JavaScript would call it: the compiler refuses most of what is tested here. */
interface Loose {
  readonly [method: string]: (...args: readonly unknown[]) => Loose
}

const loose = (handle: Handle, name = 'bugs') => handle.collection(name).query() as unknown as Loose
const users = (handle: Handle) => handle.collection('users')

const WHEN_MADE: { readonly [name: string]: readonly [(h: Handle) => unknown, string] } = {
  'a join without pairs': [(h) => loose(h)['join']!('o', users(h), {}), 'join o.on'],
  'a join with something else': [(h) => loose(h)['join']!('o', 5, { a: 'b' }), 'join o'],
  'a join under a name of ours': [(h) => loose(h)['join']!('$o', users(h), { a: 'b' }), 'join'],
  'a second join of the name': [
    (h) => loose(h)['join']!('o', users(h), { a: 'b' })['leftJoin']!('o', users(h), { a: 'b' }),
    'join o',
  ],
  'a group of nothing known': [(h) => loose(h)['groupBy']!(5, {}), 'groupBy'],
  'an aggregate of two functions': [(h) => loose(h)['groupBy']!('a', { n: { min: 'a', max: 'a' } }), 'groupBy.n'],
  'an unknown aggregate': [(h) => loose(h)['groupBy']!('a', { n: { mode: 'a' } }), 'groupBy.n.mode'],
  'a percentile beyond 1': [(h) => loose(h)['groupBy']!('a', { n: { percentile: ['a', 2] } }), 'groupBy.n'],
  'a name given twice': [(h) => loose(h)['groupBy']!('a', { a: { count: true } }), 'groupBy'],
  'having without groups': [(h) => loose(h)['having']!({ a: 1 }), 'having'],
  'an unknown window': [(h) => loose(h)['window']!({ n: { ntile: 3 } }), 'window.n.ntile'],
  'a computed field that is no expression': [(h) => loose(h)['compute']!({ n: () => 5 }), 'compute.n'],
  'in of a whole record': [(h) => loose(h)['where']!({ a: { in: users(h).query() } }), 'a.in'],
  'undefined as a condition': [(h) => loose(h)['where']!({ a: undefined }), 'a'],
  'a place beyond the pole': [(h) => loose(h)['nearest']!('place', { lat: 91, lng: 0 }), 'nearest.lat'],
  'an unknown metric': [(h) => loose(h)['nearest']!('v', [1], { metric: 'manhattan' }), 'nearest.metric'],
  'a union with something else': [(h) => loose(h)['union']!([]), 'union'],
  'a hint that says nothing': [(h) => loose(h)['hint']!('fast'), 'hint'],
  'a search after a limit': [(h) => loose(h)['limit']!(1)['search']!('a'), 'search'],
  'highlights without a search': [(h) => loose(h)['highlights']!(), 'highlights'],
  'a negative limit': [(h) => loose(h)['limit']!(-1), 'limit'],
}

/** Known only when it is run. */
const WHEN_RUN: { readonly [name: string]: readonly [(h: Handle) => unknown, RegExp] } = {
  'a hint of an index that is not there': [(h) => loose(h)['where']!({ votes: 1 })['hint']!({ index: 'none' }), /none/],
  'a hint of an index that does not go with the filter': [
    (h) => loose(h)['where']!({ status: 'open' })['hint']!({ index: 'votes' }),
    /votes/,
  ],
  'a hint beside a search': [(h) => loose(h)['search']!('login')['hint']!('columns'), /text index/],
  'a hint about rows of a query': [(h) => loose(h)['limit']!(3)['rows']!()['hint']!('scan'), /hint/],
  'a search of what declares none': [(h) => loose(h, 'users')['search']!('x'), /users/],
  'a search object of an unknown field': [(h) => loose(h)['search']!({ all: ['x'], in: 'nowhere' }), /search/],
  'a sum of text, naming the record': [(h) => loose(h)['groupBy']!([], { n: { sum: 'title' } }), /record \d+/],
  'an average of dates in a group, naming the record': [
    (h) => loose(h)['groupBy']!('status', { n: { avg: 'at' } }),
    /record \d+/,
  ],
  'a sum of text over columns, naming the record': [
    (h) => loose(h)['hint']!('columns')['groupBy']!([], { n: { sum: 'title' } }),
    /record \d+/,
  ],
  'a running sum of text, naming the record': [(h) => loose(h)['window']!({ n: { sum: 'title' } }), /record \d+/],
  'a computed field of a wrong type, naming the record': [
    (h) => loose(h)['compute']!({ n: (e: { add: (...of: unknown[]) => unknown }) => e.add('title', 1) }),
    /record \d+/,
  ],
  'a join under the name of a field, naming the record': [
    (h) => loose(h)['join']!('status', users(h), { ownerId: 'id' }),
    /join status.*record \d+/,
  ],
  'a left join under the name of a field': [
    (h) => loose(h)['leftJoin']!('votes', users(h).where({ id: 'nobody' }), { ownerId: 'id' }),
    /join votes.*record \d+/,
  ],
  'a full join under the name of a field': [
    (h) => loose(h)['fullJoin']!('votes', users(h), { ownerId: 'id' }),
    /join votes.*record \d+/,
  ],
  'a join by an index under the name of a field': [
    (h) => loose(h)['where']!({ id: 3 })['join']!('votes', h.collection('comments'), { id: 'bugId' }),
    /join votes.*record 3/,
  ],
  'a join of a join under its name': [
    (h) => loose(h)['join']!('o', users(h), { ownerId: 'id' })['rows']!()['join']!('o', users(h), { ownerId: 'id' }),
    /join o/,
  ],
}

const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_QUERY', message: expect.stringMatching(message) })

describe('INVALID_QUERY is', () => {
  it.each(Object.entries(WHEN_MADE))('%s, as soon as it is written', (_, [make, path]) =>
    withFilled(async (db) => {
      using tx = db.begin()
      using snapshot = db.snapshot()
      for (const handle of [db, tx, snapshot]) {
        expect(() => make(handle)).toThrow(expect.objectContaining({ code: 'INVALID_QUERY', details: { path } }))
      }
    }),
  )

  it.each(Object.entries(WHEN_RUN))('%s, when it is run', (_, [make, message]) =>
    withFilled(async (db) => {
      using tx = db.begin()
      using snapshot = db.snapshot()
      const open = db.stats().snapshots.count
      for (const handle of [db, tx, snapshot]) {
        const query = make(handle) as ReturnType<(typeof EVERY_KIND)[string]>
        for (const run of [() => query.all(), () => query.explain()]) expect(run).toThrow(invalid(message))
        for (const run of [() => query.allAsync(), () => query.explainAsync(), () => query.iterate().next()]) {
          await expect(run()).rejects.toEqual(invalid(message))
        }
      }
      expect(db.stats().snapshots.count).toBe(open)
    }),
  )
})

describe('a cursor', () => {
  const paged = (db: Filled) => ({
    groups: db.bugs.groupBy('status', { n: { count: true } }).orderBy('n'),
    'other groups': db.bugs.groupBy('status', { n: { sum: 'votes' } }).orderBy('n'),
    'groups of some': db.bugs
      .where({ votes: { gt: 1 } })
      .groupBy('status', { n: { count: true } })
      .orderBy('n'),
    join: db.bugs.join('owner', db.users, { ownerId: 'id' }).orderBy('owner.team'),
    'left join': db.bugs.leftJoin('owner', db.users, { ownerId: 'id' }).orderBy('owner.team'),
    'join of some': db.bugs.join('owner', db.users.where({ team: 'x' }), { ownerId: 'id' }).orderBy('owner.team'),
    exists: db.bugs.where(exists(db.comments, { id: 'bugId' })).orderBy('votes'),
    'exists of some': db.bugs.where(exists(db.comments.where({ votes: 1 }), { id: 'bugId' })).orderBy('votes'),
    window: db.bugs.window({ place: { rank: true, orderBy: 'votes' } }).orderBy('place'),
    search: db.bugs.search('login').orderBy('id'),
    'another search': db.bugs.search('slow').orderBy('id'),
  })

  it('of another query, though its rows look the same, is refused', () =>
    withFilled(async (db) => {
      const queries = Object.entries(paged(db))
      for (const [name, query] of queries) {
        const { next } = query.page({ size: 2 })
        for (const [other, otherQuery] of queries) {
          const turn = () => otherQuery.page({ size: 2, after: next })
          if (name === other) expect(turn().rows.length, name).toBeGreaterThan(0)
          else expect(turn, `${name} for ${other}`).toThrow(expect.objectContaining({ code: 'CURSOR_MISMATCH' }))
        }
      }
    }))

  it('leads through all rows of a query, each once', () =>
    withFilled(async (db) => {
      for (const [name, query] of Object.entries(paged(db))) {
        const rows: unknown[] = []
        let after: string | undefined
        do {
          const page: { readonly rows: readonly unknown[]; readonly next?: string } = query.page({ size: 3, after })
          rows.push(...page.rows)
          after = page.next
        } while (after !== undefined)
        expect(rows, name).toEqual(query.all())
      }
    }))
})

describe('a join under a name', () => {
  it('that only records have which the filter leaves out, or the other side, is no clash', () =>
    withFilled(async (db) => {
      await db.bugs.insert({ id: 500, title: 'x', owner: 'somebody', ownerId: 'u1', status: 'odd' })
      const joined = db.bugs.where({ status: 'open' }).join('owner', db.users, { ownerId: 'id' })
      expect(joined.all().every(({ owner }) => owner.id !== undefined)).toBe(true)
      expect(() => db.bugs.join('owner', db.users, { ownerId: 'id' }).all()).toThrow(invalid(/join owner.*record 500/))
      expect(
        db.users
          .join('team', db.bugs.where({ id: 1 }), { none: 'id' })
          .where({ id: 'nobody' })
          .all(),
      ).toEqual([])
    }))
})
