/** Random filters over the fields of a shape. */
import type { Value } from '../../../../src/base/values.ts'
import { compareValues } from '../../../../src/codec/order.ts'
import type { ComparisonOp, Condition, Expression, JoinPair, Predicate } from '../../../../src/query/query-data.ts'
import { type Context, comparable, has, ofKind } from './context.ts'
import { isLikely, pick, pickWeighted, several } from './draw.ts'
import { randomExpression } from './random-expression.ts'
import type { Column, Shape } from './world.ts'

const PATTERNS = ['a%', 'A%', '%', '_', 'a_', '%b', 'ab', '', 'a\\%', '\u{1f600}%', 'ß', '%o%', 'O%']
const REGEXES = ['a', '^a', '[ab]$', '^.$', '\\bA', '^(a|b)*$', 'o+']
const RANGES: readonly ComparisonOp[] = ['lt', 'lte', 'gt', 'gte']

export function randomPredicate(context: Context, shape: Shape, depth = 0): Predicate {
  const { draw } = context
  const canAsk = context.depth > 0 && depth < 2
  const kind = pickWeighted(draw, [
    [60, 'field'],
    [depth < 2 ? 8 : 0, 'and'],
    [depth < 2 ? 18 : 0, 'or'],
    [depth < 2 ? 7 : 0, 'not'],
    [has(context, 'compare') ? 9 : 0, 'compare'],
    [has(context, 'inQuery') && canAsk ? 7 : 0, 'inQuery'],
    [has(context, 'exists') && canAsk ? 7 : 0, 'exists'],
    [context.outer !== undefined ? 40 : 0, 'outer'],
  ] as const)
  switch (kind) {
    case 'field': {
      // Fields of few values are hit more often.
      const few = comparable(shape).filter(({ pool }) => pool.length <= 6)
      const column = pick(draw, few.length > 0 && isLikely(draw, 60) ? few : comparable(shape))
      return { kind, path: column.path, test: randomTest(context, column) }
    }
    case 'and':
    case 'or': {
      const least = isLikely(draw, 4) ? 0 : 2
      return { kind, of: several(draw, least, least + 1, () => randomPredicate(context, shape, depth + 1)) }
    }
    case 'not':
      return { kind, of: randomPredicate(context, shape, depth + 1) }
    case 'compare':
      return randomComparison(context, shape)
    case 'inQuery': {
      const { data, shape: given } = context.block()
      const column = pick(draw, comparable(shape))
      const same = ofKind(comparable(given), column.kind)
      if (same.length === 0 && !has(context, 'crossKinds')) return ALWAYS
      const field = pick(draw, orAny(same, comparable(given)))
      const select = [{ name: field.path.at(-1)!, path: field.path }]
      // What is selected already is selected once more around it.
      const isPlain = data.select === undefined && data.sets.length === 0 && !data.distinct
      const query = isPlain ? { ...data, select } : { ...around(data), select }
      return { kind, value: { kind: 'path', path: column.path }, query }
    }
    case 'exists': {
      const { data, shape: inner } = context.block({ outer: shape })
      return { kind, query: data, on: isLikely(draw, 85) ? [randomPair(context, shape, inner)] : [] }
    }
    case 'outer': {
      const left = pick(draw, comparable(shape))
      const outer = comparable(context.outer!)
      const same = ofKind(outer, left.kind)
      if (same.length === 0 && !has(context, 'crossKinds')) return ALWAYS
      const right = pick(draw, orAny(same, outer))
      const op = pick<ComparisonOp>(draw, ['eq', 'ne', ...RANGES])
      return {
        kind: 'compare',
        op,
        left: { kind: 'path', path: left.path },
        right: { kind: 'outer', path: right.path },
      }
    }
  }
}

type QueryOf = Extract<Predicate, { kind: 'inQuery' }>['query']

/** A block around another, with nothing of its own. */
export function around(data: QueryOf): QueryOf {
  const nothing = { search: undefined, nearest: undefined, joins: [], computed: [], where: undefined, group: undefined }
  const rest = { windows: [], select: undefined, distinct: false, sets: [], orderBy: [], limit: undefined, offset: 0 }
  return { ...data, ...nothing, ...rest, hint: undefined, from: data }
}

/** Two fields that are likely to have equal values. */
export function randomPair(context: Context, left: Shape, right: Shape): JoinPair {
  const { draw } = context
  const kind = pickWeighted<Column['kind']>(draw, [
    [12, 'id'],
    [2, 'string'],
    [2, 'int'],
    [1, 'mixed'],
    [1, 'date'],
  ])
  const one = pick(draw, orAny(ofKind(left, kind), comparable(left)))
  const peers = ofKind(right, one.kind)
  // All with all, where nothing else may meet.
  if (peers.length === 0 && !has(context, 'crossKinds')) return { left: ONE, right: ONE }
  const other = pick(draw, orAny(meeting(right, one), orAny(peers, comparable(right))))
  return { left: { kind: 'path', path: one.path }, right: { kind: 'path', path: other.path } }
}

const ONE: Expression = { kind: 'literal', value: 1 }
const ALWAYS: Predicate = { kind: 'and', of: [] }

function orAny(shape: Shape, any: Shape): Shape {
  return shape.length > 0 ? shape : any
}

/** The fields that have a value in common with that one. */
function meeting(shape: Shape, one: Column): Shape {
  return ofKind(shape, one.kind).filter(({ pool }) => pool.some((value) => one.pool.includes(value)))
}

function randomComparison(context: Context, shape: Shape): Predicate {
  const { draw } = context
  const op = pick<ComparisonOp>(draw, ['eq', 'ne', ...RANGES, ...RANGES])
  const left = randomExpression(context, shape, 1)
  if (left.kind === 'inexact') return ALWAYS
  const same = ofKind(shape, left.kind)
  const right: Expression =
    same.length > 0 && isLikely(draw, 60)
      ? { kind: 'path', path: pick(draw, same).path }
      : { kind: 'literal', value: pick(draw, left.pool) }
  return isLikely(draw, 80)
    ? { kind: 'compare', op, left: left.value, right }
    : { kind: 'compare', op, left: right, right: left.value }
}

/** A condition on one field. */
export function randomTest(context: Context, column: Column): Condition {
  const { draw } = context
  const isText = column.kind === 'string' || column.kind === 'mixed'
  const isPlace = column.kind === 'place' || column.kind === 'spot'
  const operand = (): Value => randomOperand(context, column)
  const kind = pickWeighted(draw, [
    [14, 'eq'],
    [10, 'ne'],
    [14, 'in'],
    [4, 'notIn'],
    [24, 'range'],
    [8, 'between'],
    [5, 'exists'],
    [6, 'isNull'],
    [isText ? 25 : 0, 'text'],
    [column.kind === 'array' && has(context, 'arrays') ? 80 : 0, 'elements'],
    [isPlace && has(context, 'geo') ? 80 : 0, 'geo'],
  ] as const)
  switch (kind) {
    case 'eq':
    case 'ne':
      return { op: kind, operand: operand() }
    case 'in':
    case 'notIn':
      return { op: kind, operand: several(draw, isLikely(draw, 5) ? 0 : 2, 6, operand) }
    case 'range':
      return { op: pick(draw, RANGES), operand: operand() }
    case 'between': {
      const [low, high] = [operand(), operand()].sort(compareValues)
      return { op: kind, operand: isLikely(draw, 90) ? [low!, high!] : [high!, low!] }
    }
    case 'exists':
    case 'isNull':
      return { op: kind, operand: isLikely(draw, 50) }
    case 'text':
      return randomTextTest(context, column)
    case 'elements': {
      const elements: Column = { path: [], kind: 'mixed', pool: column.pool.flat() as Value[] }
      const tests = several(draw, isLikely(draw, 3) ? 0 : 1, isLikely(draw, 20) ? 2 : 1, () =>
        randomTest(context, elements),
      )
      return { op: pick(draw, ['any', 'all', 'none'] as const), operand: tests }
    }
    case 'geo':
      return randomGeoTest(context)
  }
}

function randomOperand(context: Context, column: Column): Value {
  const { draw, world } = context
  if (!has(context, 'mixedOperands') || isLikely(draw, 88)) return pick(draw, column.pool)
  return isLikely(draw, 30) ? null : pick(draw, pick(draw, world.collections.get('bugs')!).pool)
}

function randomTextTest(context: Context, column: Column): Condition {
  const { draw } = context
  const op = pickWeighted(draw, [
    [4, 'startsWith'],
    [3, 'contains'],
    [4, 'like'],
    [has(context, 'ilike') ? 4 : 0, 'ilike'],
    [has(context, 'regex') ? 3 : 0, 'regex'],
  ] as const)
  if (op === 'regex') return { op, operand: { source: pick(draw, REGEXES), flags: pick(draw, ['', 'i', 's', 'u']) } }
  if (op === 'like' || op === 'ilike') return { op, operand: pick(draw, PATTERNS) }
  const texts = column.pool.filter((value) => typeof value === 'string')
  return {
    op,
    operand: isLikely(draw, 50) ? pick(draw, ['a', 'A', 'o', '']) : (texts[draw.below(texts.length)] ?? 'a'),
  }
}

function randomGeoTest({ draw }: Context): Condition {
  if (isLikely(draw, 50)) {
    const middle = pick(draw, [
      { lat: 52, lng: 13 },
      { lat: 0, lng: -179 },
      { lat: -33.8688, lng: 151.2093 },
    ])
    return { op: 'near', operand: { ...middle, radiusMeters: pick(draw, [0, 100_000, 700_000, 9_000_000]) } }
  }
  return {
    op: 'inBox',
    operand: pick(draw, [
      { south: 45, west: 10, north: 55, east: 15 },
      { south: -40, west: 150, north: 70, east: -170 },
      { south: 0, west: 0, north: 52.52, east: 179.9 },
      { south: -90, west: -180, north: 90, east: 180 },
    ]),
  }
}
