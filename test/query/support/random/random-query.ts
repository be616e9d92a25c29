/**
 * Random queries, valid by construction: a block is drawn clause by clause, and each clause knows the fields of the rows
 * that come to it, their kinds and their likely values. No row limit within a query is without an order, so that there
 * is one answer; at the top it may be, and the judge takes any so many rows.
 */
import { everyRecord, type QueryData, type SelectedField, type SetClause } from '../../../../src/query/query-data.ts'
import { hasOrder } from '../naive/evaluate.ts'
import { type Context, comparable, has, type Made, ofKind } from './context.ts'
import { type Draw, isLikely, pick, pickWeighted } from './draw.ts'
import {
  randomComputed,
  randomGroup,
  randomJoin,
  randomNearest,
  randomOrder,
  randomSelect,
  randomWindows,
  settledOrder,
} from './random-clauses.ts'
import { randomPredicate } from './random-predicate.ts'
import type { Column, Shape, World } from './world.ts'

/** How deep blocks lie within blocks. */
const MAX_DEPTH = 2

export function randomQuery(draw: Draw, world: World): QueryData {
  return randomMade(draw, world).data
}

/** With the fields of its rows. */
export function randomMade(draw: Draw, world: World): Made {
  let names = 0
  const contextOf = (depth: number, outer: Shape | undefined): Context => ({
    draw,
    world,
    depth,
    outer,
    // What rounds comes last in a row, so that it seldom decides where a row stands among others.
    fresh: (kind) => `${kind === 'inexact' ? 'zz' : 'x'}${names++}`,
    block: (options = {}) => {
      const context = contextOf(depth - 1, options.outer)
      const isPlain = depth <= 0 || (options.simple === true && isLikely(draw, 60))
      const made = isPlain ? plainBlock(context) : randomBlock(context)
      // Rows of nothing but rounded sums cannot be joined or compared.
      return comparable(made.shape).length === 0 ? plainBlock(context) : withSettledLimit(made)
    },
  })
  return randomBlock(contextOf(MAX_DEPTH, undefined))
}

/** A limit without an order gives any rows: within a query, none. */
function withSettledLimit(made: Made): Made {
  return made.data.limit === undefined || hasOrder(made.data)
    ? made
    : { ...made, data: { ...made.data, limit: undefined } }
}

/** A collection, filtered perhaps. */
function plainBlock(context: Context): Made {
  const { data, shape } = source(context)
  const isFiltered = context.outer !== undefined || (has(context, 'where') && isLikely(context.draw, 40))
  return { data: isFiltered ? { ...data, where: randomPredicate(context, shape, 1) } : data, shape }
}

function source({ draw, world }: Context): Made {
  const names = [...world.collections.keys()]
  const name = isLikely(draw, 50) ? names[0]! : pick(draw, names)
  return { data: everyRecord(name), shape: world.collections.get(name)! }
}

function randomBlock(context: Context): Made {
  const { draw } = context
  let { data, shape } = source(context)
  if (has(context, 'from') && context.depth > 0 && isLikely(draw, 15)) {
    const within = context.block()
    data = { ...everyRecord(within.data.collection), from: within.data }
    shape = withoutDistance(within.shape)
  }
  const wants = (clause: Parameters<typeof has>[1], percent: number): boolean =>
    has(context, clause) && isLikely(draw, percent) && comparable(shape).length > 0
  if (data.from === undefined && wants('nearest', 8)) {
    const found = randomNearest(context, shape)
    if (found !== undefined) {
      data = { ...data, nearest: found[0] }
      shape = found[1]
    }
  }
  for (let i = 0; i < 2 && wants('join', i === 0 ? 28 : 20); i++) {
    const [join, joined] = randomJoin(context, shape)
    data = { ...data, joins: [...data.joins, join] }
    shape = joined
  }
  if (wants('compute', 22)) {
    const [computed, made] = randomComputed(context, shape)
    data = { ...data, computed }
    shape = made
  }
  if (context.outer !== undefined || wants('where', 65)) data = { ...data, where: randomPredicate(context, shape) }
  if (wants('group', 22)) {
    const [group, made] = randomGroup(context, shape)
    data = { ...data, group }
    shape = made
  }
  if (wants('window', 15)) {
    const [windows, made] = randomWindows(context, { data, shape })
    data = { ...data, windows }
    shape = made
  }
  return finished(context, { data, shape })
}

/** Selects, makes distinct, combines, orders and cuts. */
function finished(context: Context, made: Made): Made {
  const { draw } = context
  let { data } = made
  const whole = made.shape
  let shape: Shape = whole
  const isExact = comparable(whole).length === whole.length
  const kind = pickWeighted(draw, [
    [60, 'whole'],
    [has(context, 'select') ? 25 : 0, 'select'],
    [has(context, 'distinct') ? 8 : 0, 'distinct'],
    [has(context, 'set') && context.depth > 0 ? 10 : 0, 'set'],
  ] as const)
  if (kind === 'select' && whole.length > 0) {
    const [select, selected] = randomSelect(context, whole)
    data = { ...data, select }
    shape = selected
  } else if ((kind === 'distinct' || kind === 'set') && comparable(whole).length > 0) {
    if (!isExact || kind === 'set' || isLikely(draw, 80)) {
      const [select, selected] = randomSelect(context, comparable(whole))
      data = { ...data, select }
      shape = selected
    }
    data = { ...data, distinct: kind === 'distinct' || isLikely(draw, 10) }
    if (kind === 'set') {
      const set = randomSet(context, data.select!, shape)
      if (set !== undefined) {
        data = { ...data, sets: [set.clause] }
        shape = set.shape
      }
    }
  }
  const isSelectedFirst = data.distinct || data.sets.length > 0
  if (has(context, 'orderBy') && isLikely(draw, 60)) {
    const rows = isSelectedFirst ? shape : whole
    data = { ...data, orderBy: settledOrder(context, { data, shape: rows }, randomOrder(context, rows)) }
  }
  if (has(context, 'limit') && isLikely(draw, 30)) data = { ...data, limit: draw.below(isLikely(draw, 10) ? 1 : 8) }
  if (has(context, 'offset') && isLikely(draw, 15)) {
    data = { ...data, offset: draw.below(5) }
    const rows = { data, shape: isSelectedFirst ? shape : whole }
    if (data.orderBy.length === 0) data = { ...data, orderBy: settledOrder(context, rows, []) }
  }
  return { data, shape }
}

/** The same names of another block, from fields of the same kind where there are such. */
function randomSet(
  context: Context,
  select: readonly SelectedField[],
  shape: Shape,
): { clause: SetClause; shape: Shape } | undefined {
  const { draw } = context
  const { data, shape: given } = plainBlock(context)
  const chosen = shape.map((column) => {
    const same = ofKind(given, column.kind)
    const isOwn = same.find(({ path }) => path.join('.') === column.path.join('.'))
    return isOwn !== undefined && isLikely(draw, 60) ? isOwn : pick(draw, same.length > 0 ? same : comparable(given))
  })
  const isSame = shape.every((column, i) => column.kind === chosen[i]!.kind)
  if (!isSame && !has(context, 'crossKinds')) return undefined
  const other: QueryData = { ...data, select: select.map(({ name }, i) => ({ name, path: chosen[i]!.path })) }
  const kind = pick(draw, ['union', 'unionAll', 'intersect', 'except'] as const)
  return {
    clause: { kind, other },
    shape: shape.map((column, i): Column => (column.kind === chosen[i]!.kind ? column : { ...column, kind: 'mixed' })),
  }
}

function withoutDistance(shape: Shape): Shape {
  return shape.filter(({ kind }) => kind !== 'distance')
}
