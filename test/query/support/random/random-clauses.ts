/** Random clauses of a block; each says what the rows are afterwards. */
import type { Value } from '../../../../src/base/values.ts'
import {
  type Aggregate,
  type AggregateFunction,
  BY_ID,
  type GroupClause,
  type JoinClause,
  type JoinKind,
  type NamedExpression,
  type NearestClause,
  type OrderKey,
  type SelectedField,
  type WindowField,
  type WindowFunction,
} from '../../../../src/query/query-data.ts'
import { identityOf } from '../../../../src/query/row-identity.ts'
import { type Context, comparable, has, type Made, ofKind } from './context.ts'
import { isLikely, pick, pickWeighted, several, someOf } from './draw.ts'
import { randomExpression, typed } from './random-expression.ts'
import { randomPair, randomPredicate } from './random-predicate.ts'
import type { Column, Kind, Shape } from './world.ts'

export function randomNearest({ draw }: Context, shape: Shape): [NearestClause, Shape] | undefined {
  const candidates = ofKind(shape, 'place', 'spot', 'vector')
  if (candidates.length === 0) return undefined
  const column = pick(draw, candidates)
  const { path } = column
  const nearest: NearestClause =
    column.kind === 'vector'
      ? { kind: 'vector', path, to: new Float32Array([0.3, -1.7, 2.9]), metric: pick(draw, ['cosine', 'dot', 'l2']) }
      : {
          kind: 'place',
          path,
          to: pick(draw, [
            { lat: 51.1, lng: 7.3 },
            { lat: -3.7, lng: -170.9 },
          ]),
        }
  return [nearest, [...shape, { path: ['$distance'], kind: 'distance', pool: [0] }]]
}

export function randomJoin(context: Context, shape: Shape): [JoinClause, Shape] {
  const { draw } = context
  const kind = pickWeighted<JoinKind>(draw, [
    [4, 'inner'],
    [4, 'left'],
    [2, 'right'],
    [2, 'full'],
    [2, 'semi'],
    [2, 'anti'],
  ])
  const { data, shape: other } = context.block({ simple: true })
  const on = [randomPair(context, shape, other)]
  if (isLikely(draw, 15)) on.push(randomPair(context, shape, other))
  if (kind === 'semi' || kind === 'anti') return [{ kind, as: '', other: data, on }, shape]
  const as = context.fresh()
  const joined = other.map((column) => ({ ...column, path: [as, ...column.path] }))
  return [{ kind, as, other: data, on }, [...shape, ...joined]]
}

export function randomComputed(context: Context, shape: Shape): [NamedExpression[], Shape] {
  const made = several(context.draw, 1, 2, () => {
    const { value, kind, pool } = randomExpression(context, shape, 2)
    const name = context.fresh(kind)
    return { field: { name, value }, column: { path: [name], kind, pool } }
  })
  return [made.map(({ field }) => field), [...shape, ...made.map(({ column }) => column)]]
}

export function randomGroup(context: Context, shape: Shape): [GroupClause, Shape] {
  const { draw } = context
  const keys = isLikely(draw, 15)
    ? []
    : someOf(draw, likelyKeys(shape), 2).map((column) => {
        const found = isLikely(draw, 75) ? typed(column) : randomExpression(context, shape, 1)
        const key = found.kind === 'inexact' ? typed(column) : found
        const name = context.fresh()
        return { key: { name, value: key.value }, column: { path: [name], kind: key.kind, pool: key.pool } }
      })
  const aggregates = several(draw, 1, 3, () => randomAggregate(context, shape))
  const made: Shape = [...keys.map(({ column }) => column), ...aggregates.map(({ column }) => column)]
  const having =
    comparable(made).length > 0 && isLikely(draw, 30)
      ? randomPredicate({ ...context, outer: undefined }, made)
      : undefined
  return [{ keys: keys.map(({ key }) => key), aggregates: aggregates.map(({ aggregate }) => aggregate), having }, made]
}

/** Rather what groups than what is another in every record. */
function likelyKeys(shape: Shape): Shape {
  const few = comparable(shape).filter(({ pool, kind }) => pool.length <= 8 && kind !== 'place' && kind !== 'vector')
  return few.length > 0 ? few : comparable(shape)
}

interface Source {
  readonly fn: AggregateFunction & WindowFunction
  readonly column: Column
  readonly kind: Kind
}

/** An aggregate that this field can have, and the kind of what comes out. */
function randomSource(context: Context, shape: Shape): Source | undefined {
  const { draw } = context
  const column = pick(draw, comparable(shape))
  const fn = pickWeighted<AggregateFunction & WindowFunction>(draw, [
    [3, 'count'],
    [6, 'sum'],
    [has(context, 'inexact') ? 3 : 0, 'avg'],
    [4, 'min'],
    [4, 'max'],
    [has(context, 'firstLast') ? 3 : 0, 'first'],
    [has(context, 'firstLast') ? 3 : 0, 'last'],
  ])
  if (fn === 'count') return { fn, column, kind: 'int' }
  if (fn === 'sum' || fn === 'avg') {
    const sources = ofKind(shape, 'int', 'float', has(context, 'inexact') ? 'decimal' : 'int', 'bigint')
    const numeric = sources.filter(({ kind }) => fn === 'sum' || kind !== 'bigint')
    if (numeric.length === 0) return undefined
    const of = pick(draw, numeric)
    const isExact = fn === 'sum' && of.kind !== 'decimal'
    // The sum of no bigints is the number 0.
    return { fn, column: of, kind: !isExact ? 'inexact' : of.kind === 'bigint' ? 'mixed' : of.kind }
  }
  return { fn, column, kind: column.kind }
}

function randomAggregate(context: Context, shape: Shape): { aggregate: Aggregate; column: Column } {
  const { draw } = context
  const where = isLikely(draw, 20) ? randomPredicate({ ...context, depth: 0 }, shape, 1) : undefined
  const rows = { name: context.fresh(), fn: 'count', of: undefined, where, fraction: undefined, orderBy: [] } as const
  if (isLikely(draw, 20)) return { aggregate: rows, column: { path: [rows.name], kind: 'int', pool: [0, 1, 2, 3] } }
  const special = randomSpecial(context, shape)
  if (special !== undefined) return withName(context, { ...rows, ...special.aggregate }, special.kind, special.column)
  const source = randomSource(context, shape)
  if (source === undefined) return { aggregate: rows, column: { path: [rows.name], kind: 'int', pool: [0, 1, 2, 3] } }
  const { fn, column, kind } = source
  const isOrdered = (fn === 'first' || fn === 'last') && isLikely(draw, 80)
  const orderBy = isOrdered ? randomOrder(context, shape) : []
  return withName(context, { ...rows, fn, of: typed(column).value, orderBy }, kind, column)
}

/** The aggregates that are no windows. */
function randomSpecial(
  context: Context,
  shape: Shape,
): { aggregate: Partial<Aggregate>; kind: Kind; column: Column } | undefined {
  const { draw } = context
  const numbers = ofKind(shape, 'int', 'float', 'decimal')
  const canInterpolate = has(context, 'inexact') && numbers.length > 0
  const fn = pickWeighted(draw, [
    [70, undefined],
    [8, 'countDistinct'],
    [has(context, 'array') ? 8 : 0, 'array'],
    [canInterpolate ? 6 : 0, 'median'],
    [canInterpolate ? 8 : 0, 'percentile'],
  ] as const)
  if (fn === undefined) return undefined
  if (fn === 'median' || fn === 'percentile') {
    const column = pick(draw, numbers)
    const fraction = fn === 'percentile' ? pick(draw, [0, 0.1, 0.5, 0.9, 1]) : undefined
    return { aggregate: { fn, of: typed(column).value, fraction }, kind: 'inexact', column }
  }
  const column = pick(draw, comparable(shape))
  if (fn === 'countDistinct') return { aggregate: { fn, of: typed(column).value }, kind: 'int', column }
  const orderBy = isLikely(draw, 60) ? randomOrder(context, shape) : []
  return { aggregate: { fn, of: typed(column).value, orderBy }, kind: 'array', column }
}

function withName(
  context: Context,
  aggregate: Aggregate,
  kind: Kind,
  column: Column,
): { aggregate: Aggregate; column: Column } {
  const name = context.fresh(kind)
  const pool = kind === 'array' ? column.pool.map((value) => [value]) : poolOf(kind, column)
  return { aggregate: { ...aggregate, name }, column: { path: [name], kind, pool } }
}

/** Likely values of what is made of a field: of numbers also small ones. */
function poolOf(kind: Kind, column: Column): readonly Value[] {
  const own = kind === column.kind || kind === 'mixed' ? column.pool : []
  return kind === 'int' ? [0, 1, 2, 3, ...own] : own
}

export function randomWindows(context: Context, before: Made): [WindowField[], Shape] {
  const { shape } = before
  const made = several(context.draw, 1, 2, () => randomWindow(context, before))
  return [made.map(({ window }) => window), [...shape, ...made.map(({ column }) => column)]]
}

function randomWindow(context: Context, before: Made): { window: WindowField; column: Column } {
  const { draw } = context
  const { shape } = before
  const isOrdered = isLikely(draw, 75)
  const partitionBy = isLikely(draw, 60) ? someOf(draw, likelyKeys(shape), 2).map((column) => typed(column).value) : []
  const plain = {
    name: context.fresh(),
    of: undefined,
    distance: 1,
    fallback: null,
    partitionBy,
    orderBy: settledOrder(context, before, isOrdered ? randomOrder(context, shape) : []),
  }
  const fn = pickWeighted(draw, [
    [3, 'rowNumber'],
    [2, 'rank'],
    [2, 'denseRank'],
    [2, 'count'],
    [3, 'lag'],
    [3, 'lead'],
    [8, 'aggregate'],
  ] as const)
  const source = fn === 'aggregate' ? randomSource(context, shape) : undefined
  if (source !== undefined) {
    const { kind, column } = source
    const name = context.fresh(kind)
    const window = { ...plain, name, fn: source.fn, of: typed(column).value }
    return { window, column: { path: [name], kind, pool: poolOf(kind, column) } }
  }
  if (fn === 'lag' || fn === 'lead') {
    const column = pick(draw, comparable(shape))
    const fallback = isLikely(draw, 50) ? null : pick(draw, column.pool)
    const window = { ...plain, fn, of: typed(column).value, distance: 1 + draw.below(3), fallback }
    return { window, column: { ...column, path: [plain.name] } }
  }
  const window = { ...plain, fn: fn === 'aggregate' ? 'count' : fn }
  return { window, column: { path: [plain.name], kind: 'int', pool: [1, 2, 3] } }
}

/** Keys, and all other fields too where only the value tells rows apart and that is not to decide. */
export function settledOrder(context: Context, { data, shape }: Made, keys: readonly OrderKey[]): OrderKey[] {
  if (has(context, 'wholeRowTies')) return [...keys]
  const isOwn = identityOf(data).every((path) => shape.some((column) => column.path.join('.') === path.join('.')))
  if (isOwn) return [...keys]
  // What rounds comes last.
  const others = [...comparable(shape), ...ofKind(shape, 'inexact')].map(({ path }) => ({ ...BY_ID, path }))
  return [...keys, ...others]
}

export function randomOrder(context: Context, shape: Shape): OrderKey[] {
  const { draw } = context
  const columns = shape.filter(({ kind }) => kind !== 'inexact')
  if (columns.length === 0) return []
  return someOf(draw, columns, isLikely(draw, 50) ? 1 : 3).map(({ path }) => ({
    path,
    descending: isLikely(draw, 50),
    nocase: has(context, 'nocase') && isLikely(draw, 15),
    nulls: isLikely(draw, 25) ? pick(draw, ['first', 'last']) : undefined,
  }))
}

export function randomSelect(context: Context, shape: Shape): [SelectedField[], Shape] {
  const chosen = someOf(context.draw, shape, 4)
  const made = chosen.map((column) => {
    const isOwn = column.path.length === 1 || isLikely(context.draw, 50)
    return { column, name: isOwn ? column.path.join('.') : context.fresh(column.kind) }
  })
  return [
    made.map(({ name, column }) => ({ name, path: column.path })),
    made.map(({ name, column }) => ({ ...column, path: [name] })),
  ]
}
