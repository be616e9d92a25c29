import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { type Query, queryAll } from '../../src/query/builder.ts'
import { exists } from '../../src/query/exists.ts'
import { queryFromJson, queryToJson } from '../../src/query/query-json.ts'
import type { DynamicRecord } from '../../src/query/types.ts'
import { not, or } from '../../src/query/where.ts'
import { MemoryRunner } from './support/memory-source.ts'

type AnyQuery = Query<DynamicRecord>

const runner = new MemoryRunner([], [])
const bugs: AnyQuery = queryAll('bugs', runner)
const users: AnyQuery = queryAll('users', runner)

/** Every clause once, and some together. */
const EVERY_CLAUSE: { readonly [name: string]: () => { readonly data: Query<unknown>['data'] } } = {
  join: () => bugs.join('owner', users.where({ team: 'x' }), { ownerId: 'id', 'a.b': 'c' }),
  leftJoin: () => bugs.leftJoin('owner', users, [[(e) => e.lower('ownerId'), (e) => e.lower('id')]]),
  rightJoin: () => bugs.rightJoin('owner', users, { ownerId: 'id' }),
  fullJoin: () => bugs.fullJoin('owner', users, { ownerId: 'id' }),
  semiJoin: () => bugs.semiJoin(users, { ownerId: 'id' }),
  antiJoin: () => bugs.antiJoin(users, { ownerId: 'id' }),
  compute: () =>
    bugs.compute({
      total: (e) => e.add(e.multiply('price', 2n), e.negate('discount')),
      kind: (e) =>
        e
          .when({ a: 1 }, 'b')
          .when(or({ a: 2 }, { a: 3 }), e.value('two'))
          .otherwise(null),
      week: (e) => e.bin('at', 'week', { step: 2, timeZone: 'Europe/Berlin' }),
      far: (e) => e.distance('place', { lat: 1, lng: 2 }),
      name: (e) => e.coalesce(e.concat('first', e.value(' '), 'last'), e.value('?')),
    }),
  where: () =>
    bugs.where((e) => e.gte(e.length('tags'), 2)).where({ at: { near: { lat: 1, lng: 2, radiusMeters: 3 } } }),
  box: () => bugs.where({ at: { inBox: { south: -1, west: 170, north: 1, east: -170 } } }),
  in: () => bugs.where({ ownerId: { in: users.select('id'), ne: 'x' }, other: { notIn: users.select('id') } }),
  exists: () =>
    bugs.where(
      not(
        exists(
          users.where((e) => e.lt('age', e.outer('minimum'))),
          { ownerId: 'id' },
        ),
      ),
    ),
  groupBy: () =>
    bugs
      .groupBy(['status', 'a.b'], {
        n: { count: true },
        some: { count: 'x', where: { y: 1 } },
        kinds: { countDistinct: (e) => e.lower('kind') },
        p: { percentile: ['votes', 0.9] },
        last: { last: 'title', orderBy: ['at', ['votes', 'desc', { nulls: 'last' }]] },
      })
      .having({ n: { gt: 1 } })
      .orderBy('n', 'desc'),
  groupByExpression: () => bugs.groupBy({ day: (e) => e.bin('at', 'day') }, { n: { sum: 'votes' } }),
  window: () =>
    bugs.window({
      place: { rank: true, partitionBy: ['status', (e) => e.bin('at', 'month')], orderBy: [['votes', 'desc']] },
      before: { lag: 'votes', by: 2, default: 0, orderBy: 'at' },
      sum: { sum: 'votes' },
      rows: { count: true, orderBy: 'at' },
    }),
  distinct: () => bugs.select('status').distinct().orderBy('status'),
  sets: () => bugs.select('a').union(users.select('a')).intersect(bugs.select('a')).limit(3),
  nearestPlace: () => bugs.nearest('place', { lat: 1, lng: 2 }).limit(3),
  nearestVector: () => bugs.nearest('v', [1, 2, 3], { metric: 'l2' }).limit(3),
  hint: () => bugs.hint({ index: 'status' }).where({ status: 1 }),
  rows: () => bugs.limit(3).rows().where({ a: 1 }),
}

describe('a clause', () => {
  for (const [name, make] of Object.entries(EVERY_CLAUSE)) {
    it(`survives JSON: ${name}`, () => {
      const { data } = make()
      expect(queryFromJson(JSON.parse(JSON.stringify(queryToJson(data))))).toEqual(data)
    })
  }

  it('means the same in whatever order it is given', () => {
    const one = bugs.where({ a: 1 }).join('o', users, { b: 'id' }).orderBy('c').limit(2)
    const other = bugs.join('o', users, { b: 'id' }).where({ a: 1 }).orderBy('c').limit(2)
    expect(one.data).toEqual(other.data)
  })

  it('after groups speaks of groups', () => {
    const groups = bugs.groupBy('status', { n: { count: true } })
    expect(groups.where({ n: 1 }).data).toEqual(groups.having({ n: 1 }).data)
    expect(groups.join('o', users, { status: 'id' }).data.from).toEqual(groups.data)
    expect(groups.groupBy('n', { m: { count: true } }).data.from).toEqual(groups.data)
  })

  it('means by a path with dots the field of that name, where rows have one', () => {
    const teams = bugs.groupBy('owner.team', { n: { count: true } })
    const asked = teams.where({ 'owner.team': 'x' }).orderBy('owner.team')
    expect(asked.data.orderBy[0]?.path).toEqual(['owner.team'])
    expect(asked.data.group?.having).toMatchObject({ path: ['owner.team'] })
    expect(asked.data.group?.keys[0]?.value).toEqual({ kind: 'path', path: ['owner', 'team'] })
    const names = bugs.select('owner.name', 'owner.id').distinct().orderBy('owner.name')
    expect(names.data.orderBy[0]?.path).toEqual(['owner.name'])
    expect(names.data.select?.[0]?.path).toEqual(['owner', 'name'])
    const rows = bugs.select('a.b').rows().where({ 'a.b.c': 1, 'a.d': 2 })
    expect(rows.data.where).toMatchObject({ of: [{ path: ['a.b', 'c'] }, { path: ['a', 'd'] }] })
    expect(rows.where({ x: 1 }).data.where).toMatchObject({ of: [{ path: ['a.b', 'c'] }, {}, {}] })
  })

  it('after a limit, a projection, windows or distinct is about the rows they give', () => {
    for (const rows of [bugs.limit(1), bugs.select('a') as Query<unknown> as AnyQuery]) {
      expect(rows.groupBy('a', { n: { count: true } }).data.from).toEqual(rows.data)
      expect(rows.compute({ b: 'a' }).data.from).toEqual(rows.data)
    }
    const ranked = bugs.window({ place: { rank: true, orderBy: 'a' } })
    expect(ranked.where({ place: 1 }).data.from).toEqual(ranked.data)
    const distinct = bugs.select('a').distinct()
    expect(distinct.where({ a: 1 }).data.from).toEqual(distinct.data)
  })
})

describe('a clause that cannot be understood is refused with its place', () => {
  // As plain JavaScript would write them: the compiler refuses most.
  const q: { readonly [method: string]: (...args: readonly unknown[]) => unknown } = new Proxy(
    {},
    {
      get:
        (_, method: string) =>
        (...args: readonly unknown[]) =>
          Reflect.apply(Reflect.get(bugs, method), bugs, args),
    },
  )
  const REFUSED: { readonly [name: string]: readonly [() => unknown, string] } = {
    'a join without pairs': [() => q['join']!('o', users, {}), 'join o.on'],
    'a join with something else': [() => q['join']!('o', 5, { a: 'b' }), 'join o'],
    'a join under a name of ours': [() => q['join']!('$o', users, { a: 'b' }), 'join'],
    'a second join of the name': [() => bugs.join('o', users, { a: 'b' }).join('o', users, { a: 'b' }), 'join o'],
    'a group of nothing known': [() => q['groupBy']!(5, {}), 'groupBy'],
    'an aggregate of no function': [() => q['groupBy']!('a', { n: {} }), 'groupBy.n'],
    'an aggregate of two functions': [() => q['groupBy']!('a', { n: { min: 'a', max: 'a' } }), 'groupBy.n'],
    'an unknown option of an aggregate': [() => q['groupBy']!('a', { n: { min: 'a', over: 1 } }), 'groupBy.n.over'],
    'an order that does not matter': [() => q['groupBy']!('a', { n: { sum: 'a', orderBy: 'b' } }), 'groupBy.n.orderBy'],
    'a percentile beyond 1': [() => q['groupBy']!('a', { n: { percentile: ['a', 2] } }), 'groupBy.n'],
    'a name given twice': [() => q['groupBy']!('a', { a: { count: true } }), 'groupBy'],
    'having without groups': [() => bugs.having({ a: 1 }), 'having'],
    'an unknown window': [() => q['window']!({ n: { ntile: 3 } }), 'window.n.ntile'],
    'a rank of something': [() => q['window']!({ n: { rank: 'a' } }), 'window.n.rank'],
    'an unknown bin': [() => bugs.compute({ n: (e) => e.bin('a', 'decade' as 'year') }), 'bin'],
    'an unknown time zone': [() => bugs.compute({ n: (e) => e.bin('a', 'day', { timeZone: 'Mars' }) }), 'bin.timeZone'],
    'a function with too few values': [
      () => bugs.compute({ n: (e) => Reflect.apply(e.add, e, ['a']) as never }),
      'add',
    ],
    'a function that gives no expression': [() => q['compute']!({ n: () => 5 }), 'compute.n'],
    'a filter that gives no filter': [() => q['where']!(() => 5), 'where'],
    'in of a query of two fields': [() => bugs.where({ a: { in: users.select('b', 'c') as never } }), 'a.in'],
    'in of a whole record': [() => bugs.where({ a: { in: users as never } }), 'a.in'],
    'a place beyond the pole': [() => bugs.where({ a: { near: { lat: 91, lng: 0, radiusMeters: 1 } } }), 'a.near.lat'],
    'a box upside down': [() => bugs.where({ a: { inBox: { south: 1, west: 0, north: 0, east: 0 } } }), 'a.inBox'],
    'an unknown metric': [() => q['nearest']!('v', [1], { metric: 'manhattan' }), 'nearest.metric'],
    'a vector of nothing': [() => q['nearest']!('v', []), 'nearest'],
    'a hint that says nothing': [() => q['hint']!('fast'), 'hint'],
    'an order of fields that distinct has taken away': [() => bugs.select('a').orderBy('b').distinct(), 'distinct'],
    'an unknown clause in JSON': [() => queryFromJson({ version: 1, collection: 'c', joinz: [] }), 'joinz'],
    'blocks without end in JSON': [() => queryFromJson(nested(100)), `${'from.'.repeat(64)}from`],
  }
  for (const [name, [run, path]] of Object.entries(REFUSED)) {
    it(name, () => {
      let thrown: unknown
      try {
        run()
      } catch (error) {
        thrown = error
      }
      expect(isBlazeError(thrown, 'INVALID_QUERY') && thrown.details.path, String(thrown)).toBe(path)
    })
  }
})

function nested(depth: number): object {
  let block: object = { collection: 'c' }
  for (let i = 0; i < depth; i++) block = { collection: 'c', from: block }
  return { version: 1, ...block }
}
