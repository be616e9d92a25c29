/**
 * One query of every kind over three small collections, to be asked of whatever handle: what holds for all of them is
 * tested over this list. Values that are objects (dates, arrays, places, nested objects) are everywhere, so that a row
 * that shares one with another would show.
 */
import { copyValue } from '../../../src/base/copy-value.ts'
import type { StoredRecord, Value } from '../../../src/base/values.ts'
import { compareValues } from '../../../src/codec/order.ts'
import { type CollectionSpec, collection, type DynamicInsert } from '../../../src/engine/collection-spec.ts'
import type { DatabaseWith } from '../../../src/engine/database.ts'
import type { OpenOptions } from '../../../src/engine/open-options.ts'
import type { Reader } from '../../../src/engine/reader.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import type { Clock } from '../../../src/platform/platform.ts'
import type { Query } from '../../../src/query/builder.ts'
import { exists } from '../../../src/query/exists.ts'
import type { DynamicRecord } from '../../../src/query/types.ts'
import { not } from '../../../src/query/where.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

/** What queries start from: a database, a transaction, a snapshot. */
export interface Handle {
  collection(name: string): Reader<DynamicRecord>
}

/** The terminals of a query, whatever its rows. */
export interface Asked {
  readonly data: Query<unknown>['data']
  all(): unknown[]
  allAsync(options?: { readonly signal?: AbortSignal }): Promise<unknown[]>
  first(): unknown
  firstAsync(options?: { readonly signal?: AbortSignal }): Promise<unknown>
  count(): number
  countAsync(options?: { readonly signal?: AbortSignal }): Promise<number>
  exists(): boolean
  iterate(options?: { readonly signal?: AbortSignal }): AsyncGenerator<unknown, void, undefined>
  explain(): ReturnType<Query<unknown>['explain']>
  explainAsync(options?: { readonly signal?: AbortSignal }): ReturnType<Query<unknown>['explainAsync']>
}

export const COLLECTIONS = ['bugs', 'users', 'comments'] as const
export type CollectionName = (typeof COLLECTIONS)[number]

const STATES = ['open', 'done', 'waiting', null] as const

export function bug(id: number): DynamicRecord {
  return {
    id,
    title: `bug ${id} ${id % 3 === 0 ? 'broken' : 'slow'} login`,
    ownerId: id % 7 === 0 ? null : `u${id % 5}`,
    status: STATES[id % 4]!,
    votes: (id * 7) % 13,
    at: new Date(1_700_000_000_000 + (id % 6) * 86_400_000),
    tags: ['a', 'b', 'c'].slice(0, id % 4),
    place: { lat: (id * 11) % 80, lng: (id * 17) % 170 },
    vector: Float32Array.from([id % 3, id % 5, 1]),
    about: { system: { name: id % 2 === 0 ? 'linux' : 'windows', since: new Date(id % 3) } },
  }
}

export function user(n: number): DynamicRecord {
  const address = { city: n % 2 === 0 ? 'Bern' : 'Ulm', since: new Date(n) }
  return { id: `u${n}`, team: n % 2 === 0 ? 'x' : 'y', address, minimum: n * 2, likes: ['a', 'c'] }
}

export function comment(id: number): DynamicRecord {
  return { id, bugId: id % 30, by: `u${id % 6}`, votes: id % 9, at: new Date(id * 1000) }
}

/** The records of each collection. */
export function everyRecordOf(name: CollectionName): DynamicRecord[] {
  const make = { bugs: bug, users: user, comments: comment }[name]
  const count = { bugs: 40, users: 6, comments: 60 }[name]
  return Array.from({ length: count }, (_, i) => make(i))
}

/** How the collections are declared: bugs can be searched. */
const declared: {
  readonly bugs: CollectionSpec<DynamicRecord, DynamicInsert>
  readonly users: CollectionSpec<DynamicRecord, DynamicInsert>
  readonly comments: CollectionSpec<DynamicRecord, DynamicInsert>
} = {
  bugs: collection({ search: { title: 1, tags: 1 }, indexes: ['votes'] }),
  users: collection(),
  comments: collection({ indexes: ['bugId'] }),
}
type Declared = typeof declared
export type Filled = DatabaseWith<Declared>

/** Runs `fn` on a database with all records in it, and closes it checked. */
export async function withFilled(
  fn: (db: Filled, platform: MemoryPlatform) => Promise<void>,
  options: Omit<OpenOptions<Declared>, 'collections'> & { readonly clock?: Clock } = {},
): Promise<void> {
  const { clock, ...others } = options
  const platform = freshPlatform(1, clock)
  const db = await openOn<Declared>(platform, { ...others, collections: declared })
  try {
    for (const name of COLLECTIONS) await db.collection(name).insertMany(everyRecordOf(name))
    await fn(db, platform)
  } finally {
    await closeChecked(db)
  }
}

/** Every kind of query, of the same names as its clauses. */
export const EVERY_KIND: { readonly [name: string]: (handle: Handle) => Asked } = {
  records: (h) => h.collection('bugs').query(),
  filter: (h) => h.collection('bugs').where({ status: 'open', votes: { gte: 2 } }),
  'order and limit': (h) => h.collection('bugs').orderBy('at', 'desc').limit(7),
  'order by an index': (h) => h.collection('bugs').orderBy('votes').offset(2).limit(20),
  select: (h) => h.collection('bugs').select({ a: 'about', b: 'about.system', c: 'about.system.since', d: 'about' }),
  'compare fields': (h) => h.collection('bugs').where((e) => e.gt('votes', e.length('tags'))),
  compute: (h) =>
    h.collection('bugs').compute({
      day: (e) => e.bin('at', 'week'),
      same: (e) => e.coalesce('about', 'tags'),
      kind: (e) => e.when({ votes: { gt: 3 } }, e.value('many')).otherwise(new Date(5)),
    }),
  join: (h) => h.collection('bugs').join('owner', h.collection('users'), { ownerId: 'id' }),
  'join with several': (h) => h.collection('bugs').join('comment', h.collection('comments'), { id: 'bugId' }),
  'join by an index': (h) =>
    h
      .collection('bugs')
      .where({ id: { in: [3, 4, 5] } })
      .join('comment', h.collection('comments'), { id: 'bugId' }),
  'left join': (h) =>
    h.collection('bugs').leftJoin('owner', h.collection('users').where({ team: 'x' }), { ownerId: 'id' }),
  'right join': (h) =>
    h
      .collection('bugs')
      .where({ votes: { gte: 9 } })
      .query()
      .rightJoin('owner', h.collection('users'), { ownerId: 'id' }),
  'full join': (h) =>
    h
      .collection('users')
      .query()
      .fullJoin('comment', h.collection('comments').where({ votes: { lt: 4 } }), { id: 'by' }),
  'semi join': (h) =>
    h
      .collection('users')
      .query()
      .semiJoin(h.collection('bugs').where({ votes: 0 }), { id: 'ownerId' }),
  'anti join': (h) =>
    h
      .collection('users')
      .query()
      .antiJoin(h.collection('bugs').where({ votes: 0 }), { id: 'ownerId' }),
  'three collections': (h) =>
    h
      .collection('comments')
      .join('bug', h.collection('bugs'), { bugId: 'id' })
      .join('owner', h.collection('users'), { 'bug.ownerId': 'id' })
      .where({ 'owner.team': 'x' }),
  'in a query': (h) =>
    h.collection('bugs').where({ ownerId: { in: h.collection('users').where({ team: 'y' }).select('id') } }),
  exists: (h) => h.collection('bugs').where(exists(h.collection('comments').where({ votes: 8 }), { id: 'bugId' })),
  'not exists': (h) => h.collection('bugs').where(not(exists(h.collection('comments').query(), { id: 'bugId' }))),
  'exists with outer': (h) =>
    h.collection('bugs').where(
      exists(
        h.collection('users').where((e) => e.lt('minimum', e.outer('votes'))),
        { ownerId: 'id' },
      ),
    ),
  group: (h) =>
    h.collection('bugs').groupBy('status', {
      n: { count: true },
      votes: { sum: 'votes' },
      all: { array: 'at', orderBy: 'votes' },
      earliest: { min: 'at' },
      latest: { max: 'at' },
      first: { first: 'about', orderBy: 'votes' },
      owners: { countDistinct: 'ownerId' },
      middle: { median: 'votes' },
    }),
  'group by objects': (h) =>
    h
      .collection('bugs')
      .groupBy(
        { system: 'about.system', at: 'at' },
        { latest: { max: 'at' }, least: { min: 'about.system' }, first: { first: 'at' } },
      ),
  'group of joined rows': (h) =>
    h
      .collection('bugs')
      .join('owner', h.collection('users'), { ownerId: 'id' })
      .groupBy('status', {
        owner: { first: 'owner' },
        owners: { array: 'owner.address' },
        city: { max: 'owner.address' },
      }),
  having: (h) =>
    h
      .collection('bugs')
      .groupBy({ day: (e) => e.bin('at', 'day') }, { n: { count: true } })
      .having({ n: { gt: 6 } }),
  'group of groups': (h) =>
    h
      .collection('bugs')
      .groupBy(['status', 'ownerId'], { n: { count: true } })
      .groupBy('n', { m: { count: true } }),
  window: (h) =>
    h.collection('bugs').window({
      place: { rank: true, partitionBy: 'status', orderBy: [['votes', 'desc']] },
      before: { lag: 'at', by: 1, default: new Date(0), orderBy: 'votes' },
      after: { lead: 'about', orderBy: 'votes' },
      so: { sum: 'votes', partitionBy: 'ownerId', orderBy: 'at' },
      first: { first: 'tags', partitionBy: 'status' },
      earliest: { min: 'at', orderBy: 'votes' },
    }),
  'filter of a window': (h) =>
    h
      .collection('bugs')
      .window({ place: { rowNumber: true, partitionBy: 'status', orderBy: 'at' } })
      .where({ place: { lte: 2 } }),
  distinct: (h) => h.collection('bugs').select('about', 'at').distinct(),
  union: (h) =>
    h
      .collection('bugs')
      .select({ of: 'at' })
      .union(h.collection('comments').where({ votes: 1 }).select({ of: 'at' }) as never),
  'union all': (h) =>
    h
      .collection('bugs')
      .select({ of: 'about.system' })
      .unionAll(h.collection('bugs').where({ votes: 1 }).select({ of: 'about.system' })),
  intersect: (h) =>
    h
      .collection('bugs')
      .select('tags')
      .intersect(h.collection('bugs').where({ status: 'done' }).select('tags')),
  except: (h) =>
    h
      .collection('bugs')
      .select('tags', 'votes')
      .except(h.collection('bugs').where({ status: 'done' }).select('tags', 'votes')),
  'nearest place': (h) => h.collection('bugs').nearest('place', { lat: 10, lng: 20 }).limit(9),
  'nearest vector': (h) => h.collection('bugs').nearest('vector', [1, 2, 3], { metric: 'l2' }).limit(9),
  'near a place': (h) => h.collection('bugs').where({ place: { near: { lat: 10, lng: 20, radiusMeters: 4e6 } } }),
  search: (h) => h.collection('bugs').search('login (broken OR b)').orderBy('id'),
  'search with highlights': (h) =>
    h
      .collection('bugs')
      .search('slow')
      .highlights()
      .where({ votes: { gt: 3 } })
      .orderBy('id'),
  'search and join': (h) =>
    h.collection('bugs').search('broken -b').join('owner', h.collection('users'), { ownerId: 'id' }).orderBy('id'),
  'exists of a search': (h) =>
    h.collection('users').where(exists(h.collection('bugs').search('broken'), { id: 'ownerId' })),
  'columns, filtered': (h) =>
    h
      .collection('bugs')
      .where({ votes: { gte: 3 }, status: 'open' })
      .hint('columns'),
  'columns, first': (h) => h.collection('bugs').orderBy('at', 'desc').limit(5).hint('columns'),
  'columns, group': (h) =>
    h
      .collection('bugs')
      .query()
      .hint('columns')
      .groupBy(['status', 'at'], {
        n: { count: true },
        sum: { sum: 'votes' },
        least: { min: 'at' },
        last: { max: 'at' },
      }),
  'columns, distinct': (h) => h.collection('bugs').query().hint('columns').select('at', 'status').distinct(),
  'columns, nearest': (h) =>
    h.collection('bugs').query().hint('columns').nearest('vector', [1, 2, 3], { metric: 'l2' }).limit(4),
  'columns, joined': (h) =>
    h
      .collection('bugs')
      .query()
      .hint('columns')
      .join('owner', h.collection('users'), { ownerId: 'id' })
      .groupBy('owner.team', { n: { count: true }, at: { max: 'at' } }),
  rows: (h) => h.collection('bugs').orderBy('votes').limit(12).rows().where({ status: 'open' }),
}

/** Rows in the total order of values: for answers whose order is open. */
export function inOrder(rows: readonly unknown[]): unknown[] {
  return rows.toSorted((a, b) => compareValues(a as Value, b as Value))
}

/**
 * What every kind answers, by name, in an order of their own. Without scores: they weigh a word by how many records have
 * it now, whoever asks.
 */
export function everyAnswer(handle: Handle): Map<string, unknown[]> {
  const answers = new Map<string, unknown[]>()
  for (const [name, make] of Object.entries(EVERY_KIND)) answers.set(name, inOrder(unscored(make(handle).all())))
  return answers
}

export function unscored(rows: readonly unknown[]): unknown[] {
  return rows.map((row) => {
    const { $score: _, ...fields } = row as { readonly $score?: number }
    return fields
  })
}

/** A deep copy of a row: it is made of values. */
export function copyRow(row: unknown): unknown {
  return copyValue(row as StoredRecord)
}
