import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import type { RecordId } from '../../src/base/ids.ts'
import { valueAt } from '../../src/base/path.ts'
import type { StoredRecord, Value } from '../../src/base/values.ts'
import { compareValues } from '../../src/codec/order.ts'
import { structureKey } from '../../src/columns/dictionary.ts'
import { distanceMetres } from '../../src/columns/geo.ts'
import { type ReadView, runnerOf } from '../../src/engine/read-view.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { openExecution } from '../../src/query/execute.ts'
import { exists } from '../../src/query/exists.ts'
import { isPlace } from '../../src/query/place.ts'
import type { QueryData } from '../../src/query/query-data.ts'
import { END, type QueryRunner, type Row } from '../../src/query/source.ts'
import { not } from '../../src/query/where.ts'
import { closeChecked, freshPlatform, openOn, withDatabase } from '../engine/fixture.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { judge } from './support/naive/same-rows.ts'
import { randomCase } from './support/random/arbitrary.ts'
import { randomQuery } from './support/random/random-query.ts'
import { EVERY_CLAUSE, richWorld } from './support/random/world.ts'
import { queryOn, runData } from './support/run-data.ts'

/** A database, a snapshot or a transaction. */
interface View {
  collection(name: string): { where(filter: object): unknown }
}

/** A query of rows whose fields no type knows. */
interface Rows {
  readonly data: QueryData
  where(filter: object): Rows
  join(as: string, other: Rows, on: object): Rows
  leftJoin(as: string, other: Rows, on: object): Rows
  semiJoin(other: Rows, on: object): Rows
  antiJoin(other: Rows, on: object): Rows
  groupBy(keys: unknown, aggregates: object): Rows
  window(fields: object): Rows
  select(...paths: readonly string[]): Rows
  distinct(): Rows
  nearest(path: string, to: object, options?: object): Rows
  orderBy(path: string, direction: string, options?: object): Rows
  limit(count: number): Rows
  offset(count: number): Rows
  hint(hint: unknown): Rows
  all(): StoredRecord[]
  allAsync(): Promise<StoredRecord[]>
  count(): number
  countAsync(): Promise<number>
  explain(): { readonly text: string }
  [Symbol.asyncIterator](): AsyncIterator<StoredRecord>
}

// The builder's types are for rows that a type knows; what they forbid beyond that is tested under test/types.
const all = (view: View, collection: string): Rows => view.collection(collection).where({}) as Rows

const USERS = 12
const userId = fc.nat(USERS + 2).map((n) => (n % 3 === 0 ? n : `user ${n}`))
const small = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.5, Number.NaN, 2 ** 53, -1e300))
const word = fc.constantFrom('', 'a', 'ab', 'B', 'é', '💧', 'open', 'closed')
const date = fc.nat(5).map((n) => new Date(n * 86_400_000))
const mixed = fc.oneof(word, date, fc.boolean(), fc.constant(null), fc.array(word, { maxLength: 2 }), small)
const degrees = fc.oneof(fc.integer({ min: -90, max: 90 }), fc.constantFrom<Value>(91, 'x', null))
const place = fc.oneof(
  fc.record({ lat: degrees, lng: fc.integer({ min: -180, max: 180 }) }),
  fc.constantFrom<Value>(null, 'nowhere', [1]),
)
const fields = fc.record(
  {
    status: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom('open', 'closed', 'new') },
      { arbitrary: fc.constant(null), weight: 1 },
    ),
    n: fc.oneof({ weight: 6, arbitrary: small }, { weight: 1, arbitrary: fc.constant(null) }),
    mixed,
    tags: fc.array(word, { maxLength: 2 }),
    at: date,
    place,
    vector: fc.oneof(
      fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 3, maxLength: 3 }).map((n) => Float32Array.from(n)),
      fc.constant(null),
    ),
    ownerId: fc.oneof({ weight: 8, arbitrary: userId }, { weight: 1, arbitrary: mixed }),
    inner: fc.record({ deep: small }),
  },
  { requiredKeys: [] },
)
const level = fc.integer({ min: 0, max: 2 })
const userFields = fc.record({ team: fc.constantFrom('red', 'blue', null), level }, { requiredKeys: ['level'] })

/** A condition whose operands are like the field's values, mostly. */
function conditionOn(operands: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const like = fc.oneof({ weight: 5, arbitrary: operands }, { weight: 1, arbitrary: mixed })
  return fc.oneof(
    ...(['eq', 'ne', 'lt', 'lte', 'gt', 'gte'] as const).map((op) => like.map((operand) => ({ [op]: operand }))),
    fc.array(like, { maxLength: 8 }).map((list) => ({ in: list })),
    fc.array(like, { maxLength: 3 }).map((list) => ({ notIn: list })),
    fc.tuple(like, like).map(([low, high]) => ({ between: [low, high] })),
    fc.boolean().map((is) => ({ exists: is })),
    fc.boolean().map((is) => ({ isNull: is })),
  )
}

const onText: fc.Arbitrary<object> = fc.oneof(
  word.map((text) => ({ startsWith: text })),
  word.map((text) => ({ contains: text })),
  word.map((text) => ({ ilike: `${text}%` })),
  fc.constant({ regex: '^[a-o]+$' }),
)
const onElements: fc.Arbitrary<object> = fc.oneof(
  word.map((text) => ({ any: { eq: text } })),
  word.map((text) => ({ all: { ne: text } })),
  word.map((text) => ({ none: { eq: text } })),
)
const on = (path: string, test: fc.Arbitrary<object>): fc.Arbitrary<object> => test.map((each) => ({ [path]: each }))
const onField = fc.oneof(
  on('status', conditionOn(fc.constantFrom('open', 'closed', 'new'))),
  on('status', onText),
  on('n', conditionOn(small)),
  on('inner.deep', conditionOn(small)),
  on('mixed', conditionOn(mixed)),
  on('mixed', onText),
  on('tags', onElements),
  on('at', conditionOn(date)),
  on('ownerId', conditionOn(userId)),
  on('vector', fc.constantFrom({ exists: true }, { isNull: false })),
  on('nothing', conditionOn(small)),
)
const onPlace = fc
  .tuple(fc.integer({ min: -80, max: 80 }), fc.integer({ min: -180, max: 180 }), fc.integer({ min: 0, max: 9e6 }))
  .map(([lat, lng, radiusMeters]): object => ({ place: { near: { lat, lng, radiusMeters } } }))
const inBox = fc
  .tuple(fc.integer({ min: -90, max: 0 }), fc.integer({ min: -180, max: 180 }), fc.integer({ min: -180, max: 180 }))
  .map(([south, west, east]): object => ({ place: { inBox: { south, west, north: south + 60, east } } }))
const filter = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  { weight: 6, arbitrary: onField },
  { weight: 2, arbitrary: fc.tuple(onField, onField).map(([a, b]): object => ({ ...a, ...b })) },
  { weight: 1, arbitrary: onPlace },
  { weight: 1, arbitrary: inBox },
)

const orderKey = fc.tuple(
  fc.constantFrom('status', 'n', 'mixed', 'at', 'id', 'inner.deep'),
  fc.constantFrom('asc', 'desc'),
  fc.constantFrom(undefined, 'first', 'last'),
)

interface Questions {
  readonly filter: object
  readonly order: readonly (readonly [string, 'asc' | 'desc', 'first' | 'last' | undefined])[]
  readonly limit: number
  readonly offset: number
  readonly keys: readonly string[]
  readonly userFilter: object
  readonly isLeft: boolean
  readonly metric: 'cosine' | 'dot' | 'l2'
}

const questions: fc.Arbitrary<Questions> = fc.record({
  filter,
  order: fc.array(orderKey, { minLength: 1, maxLength: 2 }) as fc.Arbitrary<Questions['order']>,
  limit: fc.integer({ min: 1, max: 30 }),
  offset: fc.nat(3),
  keys: fc.uniqueArray(fc.constantFrom('status', 'at', 'inner.deep', 'n'), { maxLength: 2 }),
  userFilter: fc.oneof(
    fc.constant({}),
    level.map((n) => ({ level: n })),
    fc.constant({ team: 'red' }),
  ),
  isLeft: fc.boolean(),
  metric: fc.constantFrom('cosine', 'dot', 'l2'),
})

/** A row as text that two rows share exactly when they are equal as values, -0 as 0. */
function textOf(row: object): string {
  return structureKey(row as Value)
}

function unordered(rows: readonly object[]): string[] {
  return rows.map(textOf).sort()
}

/** Float sums may differ in their last digits. */
function rounded(rows: readonly object[]): object[] {
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        typeof value === 'number' ? Number(value.toPrecision(9)) : value,
      ]),
    ),
  )
}

/** The rows of a query over columns: at once, in slices, and one by one must agree; the plan must name the node. */
async function byColumns(query: Rows, node: string): Promise<StoredRecord[]> {
  const hinted = query.hint('columns')
  const rows = hinted.all()
  expect(hinted.explain().text).toContain(node)
  expect(unordered(await hinted.allAsync())).toEqual(unordered(rows))
  const iterated: StoredRecord[] = []
  for await (const row of hinted) iterated.push(row)
  expect(unordered(iterated)).toEqual(unordered(rows))
  const counted = [hinted.count(), await hinted.countAsync()]
  expect(counted).toEqual([rows.length, rows.length])
  return rows
}

/** Windows over columns, whole and of the rows that a filter of their fields keeps, against windows over scanned rows. */
async function checkWindows(things: Rows, { keys, order }: Questions): Promise<void> {
  const orderBy = order
    .filter(([path]) => path !== 'id')
    .map(([path, direction, nulls]) => [path, direction, nulls === undefined ? {} : { nulls }])
  const shared = orderBy.length === 0 ? { partitionBy: keys } : { partitionBy: keys, orderBy }
  const fields = {
    number: { rowNumber: true, ...shared },
    place: { rank: true, ...shared },
    dense: { denseRank: true, ...shared },
    before: { lag: 'n', default: 7, ...shared },
    after: { lead: 'mixed', by: 2, ...shared },
    sum: { sum: 'n', ...shared },
    all: { count: true, partitionBy: keys },
    least: { min: 'at' },
    last: { last: 'status', ...shared },
  }
  const asked = (hint: string): Rows => things.hint(hint).window(fields)
  const whole = asked('scan').all()
  // Whether it was by columns the snapshot decides; the node is there in any case.
  expect(unordered(rounded(asked('columns').all()))).toEqual(unordered(rounded(whole)))
  expect(asked('columns').explain().text).toContain('columnWindow')
  expect(await asked('columns').countAsync()).toBe(whole.length)
  const kept = (hint: string): Rows => asked(hint).where({ place: { lte: 2 } })
  const scanned = unordered(rounded(kept('scan').all()))
  expect(unordered(rounded(kept('columns').all()))).toEqual(scanned)
  expect(unordered(rounded(await kept('columns').allAsync()))).toEqual(scanned)
  expect(kept('columns').count()).toBe(scanned.length)
}

/** Everything that columns can answer, against scans of the same view and models over their rows. */
async function check(view: View, q: Questions): Promise<void> {
  const things = all(view, 'things')
  const scanned = things.where(q.filter).hint('scan').all()
  const users = new Map(
    all(view, 'users')
      .hint('scan')
      .all()
      .map((user) => [user.id, user]),
  )

  const kept = await byColumns(things.where(q.filter), 'columnScan')
  expect(unordered(kept)).toEqual(unordered(scanned))

  let ordered = things.where(q.filter)
  for (const [path, direction, nulls] of q.order)
    ordered = ordered.orderBy(path, direction, nulls === undefined ? {} : { nulls })
  ordered = ordered.limit(q.limit).offset(q.offset)
  const top = await byColumns(ordered, 'columnTop')
  expect(top.map(textOf)).toEqual(ordered.hint('scan').all().map(textOf))

  await checkWindows(things.where(q.filter), q)

  const aggregates = {
    rows: { count: true },
    kinds: { countDistinct: 'mixed' },
    sum: { sum: 'n' },
    avg: { avg: 'n' },
    min: { min: 'mixed' },
    max: { max: 'at' },
  } as const
  const groups = await byColumns(things.where(q.filter).groupBy(q.keys, aggregates), 'columnGroup')
  expect(unordered(rounded(groups))).toEqual(unordered(rounded(groupsOf(scanned, q.keys))))

  const fieldsOf = ['status', 'inner.deep'] as const
  const distinct = await byColumns(
    things
      .where(q.filter)
      .select(...fieldsOf)
      .distinct(),
    'columnGroup',
  )
  const once = new Map(scanned.map((row) => picked(row, fieldsOf)).map((row) => [textOf(row), row]))
  expect(unordered(distinct)).toEqual([...once.keys()].sort())

  const others = all(view, 'users').where(q.userFilter)
  const matches = new Map(
    others
      .hint('scan')
      .all()
      .map((user) => [structureKey(user.id), user]),
  )
  const partnerOf = (row: StoredRecord): Row | undefined => {
    const key = row['ownerId'] as Value | undefined
    return key === undefined ? undefined : matches.get(structureKey(key))
  }
  const pairs = scanned.flatMap((row): Row[] => {
    const owner = partnerOf(row)
    return owner === undefined ? (q.isLeft ? [row] : []) : [{ ...row, owner }]
  })
  const joined = q.isLeft
    ? things.where(q.filter).leftJoin('owner', others, { ownerId: 'id' })
    : things.where(q.filter).join('owner', others, { ownerId: 'id' })
  expect(unordered(await byColumns(joined, 'columnScan'))).toEqual(unordered(pairs))
  const perTeam = await byColumns(
    joined.groupBy(['owner.team', 'status'], {
      rows: { count: true },
      least: { min: 'owner.level' },
      kinds: { countDistinct: 'owner.level' },
    }),
    'columnGroup',
  )
  expect(unordered(perTeam)).toEqual(unordered(teamsOf(pairs)))
  expect(users.size).toBeGreaterThanOrEqual(matches.size)
  await checkLookups(q, things, { others, scanned, hasPartner: (row) => partnerOf(row) !== undefined })

  const center = { lat: 10, lng: 20 }
  const nearest = await byColumns(things.where(q.filter).nearest('place', center).limit(q.limit), 'columnNearest')
  const near = scanned.flatMap((row) => {
    const at = row['place'] as Value | undefined
    return isPlace(at) ? [{ ...row, $distance: distanceMetres(center, at) }] : []
  })
  expect(nearest.map(textOf)).toEqual(nearestFirst(near).slice(0, q.limit).map(textOf))

  const to = Float32Array.of(1, 2, -1)
  const ranked = await byColumns(
    things.where(q.filter).nearest('vector', to, { metric: q.metric }).limit(q.limit),
    'columnNearest',
  )
  const distances = scanned.flatMap((row) => {
    const vector = row['vector']
    return vector instanceof Float32Array ? [distance(q.metric, to, vector)] : []
  })
  const wanted = distances.sort((a, b) => a - b).slice(0, q.limit)
  for (const [i, row] of ranked.entries()) expect(row['$distance']).toBeCloseTo(wanted[i]!, 5)
  expect(ranked.length).toBe(wanted.length)
}

/** Queries that only say which ids there are, in every form, against a model. */
async function checkLookups(
  q: Questions,
  things: Rows,
  {
    others,
    scanned,
    hasPartner,
  }: { others: Rows; scanned: readonly Row[]; hasPartner: (row: StoredRecord) => boolean },
): Promise<void> {
  const on = { ownerId: 'id' }
  // The types want rows that a type knows.
  const exist = exists(others as never, on as never) as unknown as object
  const isNot = (one: object): object => not(one as never) as unknown as object
  const ids = others.select('id')
  const filtered = things.where(q.filter)
  const forms: readonly (readonly [isThere: boolean, query: Rows])[] = [
    [true, filtered.where({ ownerId: { in: ids } })],
    [true, filtered.where(exist)],
    [true, filtered.semiJoin(others, on)],
    [false, filtered.where({ ownerId: { notIn: ids } })],
    [false, filtered.where(isNot(exist))],
    [false, filtered.antiJoin(others, on)],
  ]
  for (const [isThere, query] of forms) {
    const wanted = scanned.filter((row) => hasPartner(row) === isThere)
    expect(unordered(query.hint('columns').all())).toEqual(unordered(wanted))
    expect(query.hint('columns').count()).toBe(wanted.length)
    expect(query.hint('columns').explain().text).toContain('query to lookup')
  }
  const [isThere, asked] = forms[q.limit % forms.length]!
  const wanted = scanned.filter((row) => hasPartner(row) === isThere)
  expect(unordered(await byColumns(asked, 'columnScan'))).toEqual(unordered(wanted))
  const counts = await byColumns(asked.groupBy(['status'], { rows: { count: true } }), 'columnGroup')
  const perStatus = [...grouped(wanted, ['status']).values()].map((group) => {
    return { ...picked(group[0]!, ['status']), rows: group.length }
  })
  expect(unordered(counts)).toEqual(unordered(perStatus))
  const first = await byColumns(asked.orderBy('n', 'desc', {}).limit(q.limit), 'columnTop')
  expect(first.map(textOf)).toEqual(asked.hint('scan').orderBy('n', 'desc', {}).limit(q.limit).all().map(textOf))
}

function distance(metric: 'cosine' | 'dot' | 'l2', a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, each, i) => sum + each * y[i]!, 0)
  if (metric === 'dot') return -dot(a, b)
  if (metric === 'l2') return Math.hypot(...a.map((each, i) => each - b[i]!))
  const lengths = Math.sqrt(dot(a, a) * dot(b, b))
  return lengths === 0 ? 1 : 1 - dot(a, b) / lengths
}

function nearestFirst<R extends { readonly id: RecordId; readonly $distance: number }>(rows: readonly R[]): R[] {
  return rows.toSorted((a, b) => a.$distance - b.$distance || compareValues(a.id, b.id))
}

function picked(row: StoredRecord, paths: readonly string[]): { [name: string]: Value } {
  const made: { [name: string]: Value } = {}
  for (const path of paths) {
    const value = valueAt(row, path.split('.'))
    if (value !== undefined) made[path] = value
  }
  return made
}

function grouped(rows: readonly StoredRecord[], paths: readonly string[]): Map<string, StoredRecord[]> {
  const groups = new Map<string, StoredRecord[]>()
  for (const row of rows) {
    const key = textOf(picked(row, paths))
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return groups
}

function presentOf(rows: readonly StoredRecord[], path: string): Value[] {
  return rows
    .map((row) => valueAt(row, path.split('.')))
    .filter((value): value is Value => value !== undefined && value !== null)
}

function distinctCount(values: readonly Value[]): number {
  return new Set(values.map(structureKey)).size
}

function groupsOf(rows: readonly StoredRecord[], keys: readonly string[]): object[] {
  const groups = keys.length === 0 ? [rows] : [...grouped(rows, keys).values()]
  return groups.map((group) => {
    const n = presentOf(group, 'n') as number[]
    const sum = n.reduce((total, each) => total + each, 0)
    return {
      ...(group[0] === undefined ? {} : picked(group[0], keys)),
      rows: group.length,
      kinds: distinctCount(presentOf(group, 'mixed')),
      sum,
      avg: n.length === 0 ? null : sum / n.length,
      min: presentOf(group, 'mixed').sort(compareValues)[0] ?? null,
      max: presentOf(group, 'at').sort(compareValues).at(-1) ?? null,
    }
  })
}

function teamsOf(pairs: readonly StoredRecord[]): object[] {
  return [...grouped(pairs, ['owner.team', 'status']).values()].map((group) => {
    const levels = presentOf(group, 'owner.level')
    return {
      ...picked(group[0]!, ['owner.team', 'status']),
      rows: group.length,
      least: levels.sort(compareValues)[0] ?? null,
      kinds: distinctCount(levels),
    }
  })
}

type Write =
  | { readonly kind: 'put' | 'delete'; readonly id: number; readonly fields: object }
  | { readonly kind: 'put user' | 'delete user'; readonly id: RecordId; readonly fields: object }

const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ kind: fc.constantFrom('put', 'put', 'delete'), id: fc.nat(45), fields }) as fc.Arbitrary<Write>,
  fc.record({
    kind: fc.constantFrom('put user', 'delete user'),
    id: userId,
    fields: userFields,
  }) as fc.Arbitrary<Write>,
)

interface Writable {
  collection(name: string): { upsert(record: object): unknown; delete(id: RecordId): unknown }
}

async function apply(to: Writable, { kind, id, fields: data }: Write): Promise<void> {
  const collection = to.collection(kind.endsWith('user') ? 'users' : 'things')
  if (kind.startsWith('delete')) await collection.delete(id)
  else {
    await collection.delete(id)
    await collection.upsert({ ...data, id })
  }
}

const start = fc.record({
  things: fc.array(fields, { minLength: 20, maxLength: 40, size: 'max' }),
  users: fc.array(userFields, { minLength: USERS, maxLength: USERS }),
  writes: fc.array(write, { maxLength: 12, size: 'max' }),
  own: fc.array(write, { maxLength: 8, size: 'max' }),
  questions: fc.tuple(questions, questions, questions),
})

describe('queries over columns', () => {
  it('give what rows give: published, in older snapshots, in transactions with own writes, and after a reopen', async () => {
    const property = fc.asyncProperty(start, async ({ things, users, writes, own, questions: [one, two, three] }) => {
      const platform = freshPlatform()
      const db = await openOn(platform)
      // Zones before and behind are never written to again.
      await db.collection('things').insertMany(things.map((each, id) => ({ ...each, id })))
      const ids = users.map((each, n) => ({ ...each, id: n % 3 === 0 ? n : `user ${n}` }))
      await db.collection('users').insertMany(ids as never)
      await check(db, one)
      const before = db.snapshot()
      for (const each of writes.slice(0, 6)) await apply(db, each)
      await check(db, two)
      const between = db.snapshot()
      for (const each of writes.slice(6)) await apply(db, each)
      await check(db, one)
      await check(before, one)
      await check(between, two)
      before.close()
      {
        using tx = db.begin()
        for (const each of own) await apply(tx, each)
        await check(tx, three)
        for (const each of writes) await apply(db, each)
        await check(tx, two)
        tx.rollback()
      }
      between.close()
      await db.checkpoint()
      await closeChecked(db)
      const again = await openOn(platform)
      await check(again, two)
      await closeChecked(again)
    })
    await fc.assert(property, { seed: seed(), numRuns: effort(8) })
  })

  it('give what the definition gives, whatever of a query can be run over columns', async () => {
    const world = richWorld(EVERY_CLAUSE)
    const random = seededRandom(seed())
    const nodes = new Map<string, number>()
    for (let i = 0; i < effort(8); i++) {
      const one = randomCase(random, world)
      await withDatabase(async (db) => {
        for (const [name, records] of one.database) await db.collection(name).insertMany(records as never)
        for (let k = 0; k < 60; k++) {
          const query = demanding(randomQuery(random, world))
          const explained = attempt(() => queryOn(db, query).explain().text)
          if (explained === undefined) continue
          for (const [node] of explained.matchAll(/column[A-Z]\w+/g)) nodes.set(node, (nodes.get(node) ?? 0) + 1)
          const wrong = judge(query, one.database, runData(db, query))
          if (wrong !== undefined) throw new Error(`${explained}\n${wrong}`)
        }
      })
    }
    expect([...nodes.keys()].sort()).toEqual([
      'columnGroup',
      'columnNearest',
      'columnScan',
      'columnTop',
      'columnWindow',
    ])
  })

  it('see one state while commits come between their slices, and other queries catch the columns up', () =>
    withDatabase(async (db) => {
      const things = db.collection('things')
      const users = db.collection('users')
      const count = 9_000
      const userCount = 3_000
      const made = (id: number, n: number): object => ({
        id,
        n: (n * 7_919) % 1_000,
        at: new Date(n),
        userId: n % userCount,
      })
      const user = (id: number, n: number): object => ({ id, team: n % 7, level: BigInt(n) })
      await things.insertMany(Array.from({ length: count }, (_, id) => made(id, id)) as never)
      await users.insertMany(Array.from({ length: userCount }, (_, id) => user(id, id)) as never)
      const random = seededRandom(seed())
      const joined = (view: View): Rows =>
        all(view, 'things').join('user', all(view, 'users').where({ team: { lt: 5 } }), { userId: 'id' })
      const shapes: ((view: View) => Rows)[] = [
        (view) => all(view, 'things').where({ n: { gte: 500 } }),
        (view) => all(view, 'things').orderBy('n', 'desc').orderBy('at', 'asc').limit(50),
        (view) => all(view, 'things').orderBy('at', 'desc').limit(50),
        (view) => all(view, 'things').groupBy('n', { rows: { count: true }, last: { max: 'at' } }),
        joined,
        (view) => joined(view).groupBy('user.team', { rows: { count: true }, kinds: { countDistinct: 'n' } }),
        (view) => joined(view).groupBy('n', { sum: { sum: 'user.level' } }),
      ]
      for (const shape of shapes) {
        using held = db.snapshot()
        const answer = shape(held).hint('scan').all()
        const rows: Row[] = []
        const execution = openExecution(shape(held).hint('columns').data, runnerFor(held))
        let slices = 0
        for (let given = 0; given !== END; given = execution.read(rows)) {
          if (given > 0 || ++slices > 40) continue
          // Often of a record that the answer has, so that what was found already is changed.
          for (let k = 0; k < 4; k++) {
            const known = answer[random.below(answer.length)]!['id']
            const id = k % 2 === 0 && typeof known === 'number' ? known : random.below(count)
            if (random.below(7) === 0) await things.delete(id)
            else await things.upsert(made(id, random.below(9_000)) as never)
            await users.upsert(user(random.below(userCount + 5), random.below(50)) as never)
          }
          shape(db).hint('columns').all()
        }
        execution.close()
        expect(slices).toBeGreaterThan(1)
        expect(unordered(rows)).toEqual(unordered(answer))
      }
    }))

  it('refuse to sum what is no number, and name the record, as rows do', () =>
    withDatabase(async (db) => {
      await db.collection('things').insertMany([
        { id: 'a', n: 1, team: 'x' },
        { id: 'b', n: 'two', team: 'y' },
      ])
      const sums = (filter: object, hint: string): (() => unknown) => {
        return () =>
          all(db, 'things')
            .where(filter)
            .groupBy('team', { sum: { sum: 'n' } })
            .hint(hint)
            .all()
      }
      const refusals = ['columns', 'scan'].map((hint) => attempt(sums({}, hint), (error) => String(error)))
      expect(refusals[0]).toContain('"b"')
      expect(refusals[0]).toBe(refusals[1])
      expect(sums({ team: 'x' }, 'columns')()).toEqual([{ team: 'x', sum: 1 }])
    }))
})

describe('a plan', () => {
  const rows = (count: number): object[] =>
    Array.from({ length: count }, (_, id) => ({ id, n: id % 10, status: id % 3 === 0 ? 'open' : 'closed' }))

  it('takes columns for what reads most of a large collection, and not for what reads little', () =>
    withDatabase(async (db) => {
      await db.collection('small').insertMany(rows(1_000) as never)
      await db.collection('large').insertMany(rows(4_000) as never)
      await db.createIndex('large', 'n')
      const text = (query: Rows): string => query.explain().text
      expect(text(all(db, 'small').where({ status: 'open' }))).not.toContain('columnScan')
      expect(text(all(db, 'large').where({ status: 'open' }).limit(3))).not.toContain('columnScan')
      expect(text(all(db, 'large').where({ id: 17 }))).not.toContain('columnScan')
      expect(text(all(db, 'large').where({ n: 3 }))).not.toContain('columnScan')
      expect(text(all(db, 'large').where({ status: 'open' }))).toContain('columnScan large, status = "open"')
      expect(text(all(db, 'large').groupBy('status', { n: { count: true } }))).toContain('columnGroup by status')
      for (const hint of ['scan', { index: 'n' }]) {
        const query = all(db, 'large')
          .where({ n: { gte: 0 }, status: 'open' })
          .hint(hint)
        expect(text(query)).not.toContain('column')
      }
    }))

  it('looks up what asks a query for ids alone, and asks every other query', () =>
    withDatabase(async (db) => {
      await db.collection('large').insertMany(rows(4_000) as never)
      const large = all(db, 'large')
      const open = large.where({ status: 'open' })
      const text = (query: Rows): string => query.explain().text
      expect(text(large.where({ n: { in: large.where({ status: 'open' }).select('id') } }))).toContain(
        'columnScan large, semi by id of large = n',
      )
      expect(text(large.semiJoin(open, { n: 'id' }))).toContain('columnScan large, semi by id of large = n')
      expect(text(large.antiJoin(open, { n: 'id' }))).toContain('columnScan large, anti by id of large = n')
      const others = [
        large.where({ n: { in: large.select('n') } }),
        large.where({ n: { in: large.select('id').limit(3) } }),
        large.where({ n: { in: open.select('id').distinct() } }),
        large.semiJoin(open, { n: 'n' }),
        large.semiJoin(open, { n: 'id', status: 'status' }),
        large.semiJoin(open, { id: 'id' }),
      ]
      for (const query of others) expect(text(query)).not.toContain('query to lookup')
    }))

  it('runs by rows where a column cannot be had, and says so', () =>
    withDatabase(async (db) => {
      const values = Array.from({ length: 3_000 }, (_, id) => ({ id, n: id % 2 === 0 ? id : BigInt(id) }))
      await db.collection('mixed').insertMany(values)
      const query = all(db, 'mixed').where({ n: { lt: 10 } })
      const { text } = query.explain()
      expect(text).toContain('columnScan mixed, n < 10, by rows, for want of a column: n of mixed: numbers mixed')
      expect(text).toContain('scan leaving out early')
      expect(query.all().map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      // From then on that is known beforehand.
      expect(query.explain().text).not.toContain('columnScan')
      expect(
        attempt(
          () => query.hint('columns').all(),
          (error) => String(error),
        ),
      ).toContain('numbers mixed')
    }))

  it('groups by rows what has a group for nearly every row', () =>
    withDatabase(async (db) => {
      const values = Array.from({ length: 5_000 }, (_, id) => ({ id, at: new Date(id - (id % 10 === 1 ? 1 : 0)) }))
      await db.collection('many').insertMany(values)
      const query = all(db, 'many').groupBy('at', { n: { count: true } })
      expect(query.explain().text).toContain('by rows, for want of a column: at: too many distinct values to group by')
      expect(unordered(query.all())).toEqual(unordered(query.hint('scan').all()))
      expect(query.explain().text).not.toContain('columnGroup')
    }))

  it('follows a hint for columns as far as the query allows, also where there is nothing', () =>
    withDatabase(async (db) => {
      await db.collection('things').insertMany([
        { id: 1, a: 1, b: 2 },
        { id: 2, a: 2, b: 1 },
      ])
      const query = all(db, 'things').where((e: { lt(a: string, b: string): object }) => e.lt('a', 'b'))
      expect(query.hint('columns').explain().text).toContain('columnScan things')
      expect(
        query
          .hint('columns')
          .all()
          .map(({ id }) => id),
      ).toEqual([1])
      expect(all(db, 'missing').hint('columns').all()).toEqual([])
    }))
})

/** With columns demanded for the records at the bottom. */
function demanding(data: QueryData): QueryData {
  return data.from === undefined ? { ...data, hint: { kind: 'columns' } } : { ...data, from: demanding(data.from) }
}

/** What it gives; of a refusal what `refused` says. Anything else that is thrown is. */
function attempt<T>(run: () => T, refused?: (error: unknown) => string): T | string | undefined {
  try {
    return run()
  } catch (error) {
    if (!isBlazeError(error, 'INVALID_QUERY')) throw error
    return refused?.(error)
  }
}

function runnerFor(view: View): QueryRunner {
  // Every collection of a handle has the handle's view, which only types keep from us.
  return runnerOf((view.collection('things') as unknown as { readonly view: ReadView }).view)
}
