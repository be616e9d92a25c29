/** From what a user writes to the clauses of a query: the one place that says what each of them takes. */
import { formatPath } from '../base/path.ts'
import type { Path, Value } from '../base/values.ts'
import { captureCount, capturePath, captureValue, describe, invalidQuery, isPlainObject } from './capture.ts'
import { capturePoint } from './capture-place.ts'
import { captureComputed, captureFilter } from './expression-builder.ts'
import type {
  Aggregate,
  AggregateFunction,
  Expression,
  Hint,
  JoinPair,
  NamedExpression,
  NearestClause,
  OrderKey,
  SearchClause,
  VectorMetric,
  WindowField,
  WindowFunction,
} from './query-data.ts'

const AGGREGATES: readonly string[] = [
  'count',
  'countDistinct',
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
  'median',
  'percentile',
  'array',
] satisfies AggregateFunction[]

const WINDOWS: readonly string[] = [
  'rowNumber',
  'rank',
  'denseRank',
  'lag',
  'lead',
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
] satisfies WindowFunction[]

/** Aggregates for which the order of the rows matters. */
const ORDERED: readonly string[] = ['first', 'last', 'array']
const METRICS: readonly string[] = ['cosine', 'dot', 'l2'] satisfies VectorMetric[]

/** The longest vector that is compared: longer ones are no embedding. */
const MAX_DIMENSIONS = 65_536

/** A name for a field of the row: one name, not a path, and none of ours. */
export function captureName(name: unknown, at: string): string {
  if (typeof name !== 'string' || name === '') throw invalidQuery(at, `expected a name, found ${describe(name)}`)
  if (name.startsWith('$')) throw invalidQuery(at, `names that begin with $ are the database's own`)
  return name
}

export function captureOn(on: unknown, at: string): readonly JoinPair[] {
  const pairs: JoinPair[] = []
  if (Array.isArray(on)) {
    on.forEach((pair: unknown, i) => {
      if (!Array.isArray(pair) || pair.length !== 2) throw invalidQuery(`${at}[${i}]`, 'expected a pair of values')
      const [left, right] = pair as readonly unknown[]
      pairs.push(pairOf(captureComputed(left, `${at}[${i}][0]`), captureComputed(right, `${at}[${i}][1]`)))
    })
  } else if (isPlainObject(on)) {
    for (const path of Object.keys(on)) {
      pairs.push(pairOf(captureComputed(path, at), captureComputed(on[path], `${at}.${path}`)))
    }
  } else throw invalidQuery(at, `expected { path: path of the other }, found ${describe(on)}`)
  return Object.freeze(pairs)
}

export function captureComputedFields(fields: unknown, at: string): readonly NamedExpression[] {
  if (!isPlainObject(fields)) throw invalidQuery(at, `expected { name: value }, found ${describe(fields)}`)
  const names = Object.keys(fields)
  if (names.length === 0) throw invalidQuery(at, 'expected at least one field')
  return Object.freeze(
    names.map((name) =>
      Object.freeze({
        name: captureName(name, `${at}.${name}`),
        value: captureComputed(fields[name], `${at}.${name}`),
      }),
    ),
  )
}

/** The keys of groups: a path, paths, or values under names. A path names its key as it is written. */
export function captureGroupKeys(keys: unknown): readonly NamedExpression[] {
  const at = 'groupBy'
  if (isPlainObject(keys)) return captureComputedFields(keys, at)
  const paths: readonly unknown[] = Array.isArray(keys) ? keys : [keys]
  const named = paths.map((path) => {
    const value = captureComputed(capturePathText(path, at), at)
    return Object.freeze({ name: String(path), value })
  })
  return Object.freeze(named)
}

export function captureAggregates(specs: unknown, at: string): readonly Aggregate[] {
  if (!isPlainObject(specs)) throw invalidQuery(at, `expected { name: aggregate }, found ${describe(specs)}`)
  return Object.freeze(Object.keys(specs).map((name) => captureAggregate(name, specs[name], `${at}.${name}`)))
}

export function captureWindows(specs: unknown): readonly WindowField[] {
  const at = 'window'
  if (!isPlainObject(specs)) throw invalidQuery(at, `expected { name: window }, found ${describe(specs)}`)
  const names = Object.keys(specs)
  if (names.length === 0) throw invalidQuery(at, 'expected at least one field')
  return Object.freeze(names.map((name) => captureWindow(name, specs[name], `${at}.${name}`)))
}

/** `'a'`, or `['a', ['b', 'desc'], ['c', 'asc', { nulls: 'last' }]]`. */
export function captureOrder(order: unknown, at: string): readonly OrderKey[] {
  if (typeof order === 'string') return Object.freeze([captureOrderKey(order, 'asc', {})])
  if (!Array.isArray(order)) throw invalidQuery(at, `expected a path or a list, found ${describe(order)}`)
  return Object.freeze(
    order.map((item: unknown) => {
      const [path, direction, options] = (Array.isArray(item) ? item : [item]) as readonly unknown[]
      return captureOrderKey(path, direction ?? 'asc', options ?? {})
    }),
  )
}

export function captureOrderKey(field: unknown, direction: unknown, options: unknown): OrderKey {
  const path = capturePath(field)
  const at = String(field)
  if (direction !== 'asc' && direction !== 'desc') throw invalidQuery(at, `the direction must be 'asc' or 'desc'`)
  if (!isPlainObject(options)) throw invalidQuery(at, `expected options, found ${describe(options)}`)
  const { nulls, collation } = options
  if (nulls !== undefined && nulls !== 'first' && nulls !== 'last')
    throw invalidQuery(at, `nulls must be 'first' or 'last'`)
  if (collation !== undefined && collation !== 'nocase') throw invalidQuery(at, `the only collation is 'nocase'`)
  return Object.freeze({ path, descending: direction === 'desc', nocase: collation === 'nocase', nulls })
}

export function captureNearest(path: unknown, to: unknown, options: unknown): NearestClause {
  const at = 'nearest'
  const { metric, ...rest } = isPlainObject(options) ? options : {}
  const stranger = Object.keys(rest)[0]
  if (stranger !== undefined) throw invalidQuery(`${at}.${stranger}`, 'only metric belongs here')
  if (to instanceof Float32Array || to instanceof Float64Array || Array.isArray(to)) {
    const chosen = metric ?? 'cosine'
    if (typeof chosen !== 'string' || !METRICS.includes(chosen))
      throw invalidQuery(`${at}.metric`, `expected one of ${METRICS.join(', ')}, found ${describe(chosen)}`)
    const vector = captureVector(to, at)
    return Object.freeze({ kind: 'vector', path: capturePath(path), to: vector, metric: chosen as VectorMetric })
  }
  if (metric !== undefined) throw invalidQuery(`${at}.metric`, 'places have one distance, in metres')
  return Object.freeze({ kind: 'place', path: capturePath(path), to: capturePoint(to, at) })
}

/** Words, or the object form; its parts are looked at where the fields of the index are known. */
export function captureSearchClause(asked: unknown): SearchClause {
  if (typeof asked === 'string') return Object.freeze({ asked, highlights: false })
  if (!isPlainObject(asked)) throw invalidQuery('search', `expected words or { all, any, … }, found ${describe(asked)}`)
  // The copy of a plain object is one.
  const copy = captureValue(asked, 'search') as { readonly [part: string]: Value | undefined }
  return Object.freeze({ asked: copy, highlights: false })
}

export function captureHint(hint: unknown): Hint {
  if (hint === 'scan' || hint === 'columns') return Object.freeze({ kind: hint })
  if (isPlainObject(hint) && typeof hint['index'] === 'string' && Object.keys(hint).length === 1)
    return Object.freeze({ kind: 'index', name: hint['index'] })
  throw invalidQuery('hint', "expected { index: name }, 'scan' or 'columns'")
}

function captureAggregate(name: string, spec: unknown, at: string): Aggregate {
  captureName(name, at)
  const { fn, operand, options } = functionOf(spec, AGGREGATES, ['where', 'orderBy'], at)
  const isOrdered = ORDERED.includes(fn)
  if (options['orderBy'] !== undefined && !isOrdered)
    throw invalidQuery(`${at}.orderBy`, `${fn} does not depend on an order`)
  const [value, fraction] = fn === 'percentile' ? percentileOf(operand, at) : [operand, undefined]
  return Object.freeze({
    name,
    // One of the list, as functionOf has found.
    fn: fn as AggregateFunction,
    of: fn === 'count' && value === true ? undefined : captureComputed(value, `${at}.${fn}`),
    where: options['where'] === undefined ? undefined : captureFilter(options['where']),
    fraction,
    orderBy: options['orderBy'] === undefined ? Object.freeze([]) : captureOrder(options['orderBy'], `${at}.orderBy`),
  })
}

function captureWindow(name: string, spec: unknown, at: string): WindowField {
  captureName(name, at)
  const { fn, operand, options } = functionOf(spec, WINDOWS, ['partitionBy', 'orderBy', 'by', 'default'], at)
  const isShift = fn === 'lag' || fn === 'lead'
  const isRank = fn === 'rowNumber' || fn === 'rank' || fn === 'denseRank'
  if (isRank && operand !== true) throw invalidQuery(`${at}.${fn}`, 'expected true')
  if (!isShift && (options['by'] !== undefined || options['default'] !== undefined))
    throw invalidQuery(at, `by and default are for lag and lead`)
  const partition = options['partitionBy'] ?? []
  const parts: readonly unknown[] = Array.isArray(partition) ? partition : [partition]
  return Object.freeze({
    name,
    fn: fn as WindowFunction,
    of: isRank || (fn === 'count' && operand === true) ? undefined : captureComputed(operand, `${at}.${fn}`),
    distance: options['by'] === undefined ? 1 : captureCount(options['by'], `${at}.by`),
    fallback: options['default'] === undefined ? null : captureValue(options['default'], `${at}.default`),
    partitionBy: Object.freeze(parts.map((part, i) => captureComputed(part, `${at}.partitionBy[${i}]`))),
    orderBy: options['orderBy'] === undefined ? Object.freeze([]) : captureOrder(options['orderBy'], `${at}.orderBy`),
  })
}

/** `{ fn: operand, ...options }` taken apart: exactly one function, no unknown option. */
function functionOf(
  spec: unknown,
  functions: readonly string[],
  known: readonly string[],
  at: string,
): { readonly fn: string; readonly operand: unknown; readonly options: { readonly [name: string]: unknown } } {
  if (!isPlainObject(spec)) throw invalidQuery(at, `expected { function: value }, found ${describe(spec)}`)
  const names = Object.keys(spec)
  const fns = names.filter((name) => functions.includes(name))
  const stranger = names.find((name) => !functions.includes(name) && !known.includes(name))
  if (stranger !== undefined) throw invalidQuery(`${at}.${stranger}`, `expected one of ${functions.join(', ')}`)
  if (fns.length !== 1) throw invalidQuery(at, `expected exactly one of ${functions.join(', ')}`)
  const fn = fns[0]!
  return { fn, operand: spec[fn], options: spec }
}

function percentileOf(operand: unknown, at: string): readonly [unknown, number] {
  if (!Array.isArray(operand) || operand.length !== 2) throw invalidQuery(at, 'expected percentile: [value, 0 to 1]')
  const [value, fraction] = operand as readonly unknown[]
  if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1))
    throw invalidQuery(at, `a percentile is a number from 0 to 1, found ${describe(fraction)}`)
  return [value, fraction]
}

function captureVector(numbers: ArrayLike<unknown>, at: string): Float32Array {
  if (numbers.length === 0 || numbers.length > MAX_DIMENSIONS)
    throw invalidQuery(at, `a vector has 1 to ${MAX_DIMENSIONS} numbers, found ${numbers.length}`)
  for (let i = 0; i < numbers.length; i++)
    if (!Number.isFinite(numbers[i])) throw invalidQuery(`${at}[${i}]`, 'expected a finite number')
  return Float32Array.from(numbers as ArrayLike<number>)
}

function capturePathText(path: unknown, at: string): string {
  if (typeof path !== 'string') throw invalidQuery(at, `expected a path, found ${describe(path)}`)
  const [first]: Path = capturePath(path)
  if (first?.startsWith('$') === true && first !== '$score' && first !== '$distance')
    throw invalidQuery(at, `${formatPath([first])} is not a field of the row`)
  return path
}

function pairOf(left: Expression, right: Expression): JoinPair {
  return Object.freeze({ left, right })
}
