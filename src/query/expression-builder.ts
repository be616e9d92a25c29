/**
 * Expressions as users write them: a function that is given the words of the language and puts one value together,
 * typed by the row it is about.
 *
 *   db.items.compute({ total: (e) => e.multiply('price', 'quantity') })
 *   db.bugs.where((e) => e.gt('updatedAt', 'createdAt'))
 *
 * Text stands for a path; every other value for itself, and `e.value('text')` for text.
 */
import { captureCount, capturePath, captureValue, describe, invalidQuery, isPlainObject } from './capture.ts'
import { capturePoint } from './capture-place.ts'
import { Filter } from './filter.ts'
import type { BinUnit, ComparisonOp, Expression, GeoPoint, Predicate, ScalarFunction } from './query-data.ts'
import type { PathOf, ValueAt, Where } from './types.ts'
import { parseWhere } from './where.ts'

/** A value to be made of a row. V is its type, null where it may be. */
export class Expr<out V> {
  /** For the type checker only: there is no such property. */
  declare readonly '~value': () => V
  readonly data: Expression
  constructor(data: Expression) {
    this.data = Object.freeze(data)
    Object.freeze(this)
  }
}

type Literal = number | bigint | boolean | null | Date | Uint8Array
/** A path of T, an expression, or a value that is not text. */
export type Argument<T> = PathOf<T> | Expr<unknown> | Literal
type NumberOf<A> = A extends bigint | Expr<bigint | null> ? bigint | number | null : number | bigint | null

/** What `where` takes. */
export type FilterOf<T> = Where<T> | Filter<T> | ((e: Expressions<T>) => Filter<T>)

/** A value of the row: a path, or a function that makes an expression. */
export type Computed<T> = PathOf<T> | ((e: Expressions<T>) => Expr<unknown>)

/** The type of what a Computed gives. */
export type ComputedValue<T, C> = C extends (e: Expressions<T>) => Expr<infer V>
  ? V
  : C extends string
    ? ValueAt<T, C>
    : never

export interface BinOptions {
  /** Bins of so many units; 1. */
  readonly step?: number
  /** An IANA name, such as Europe/Berlin; UTC. */
  readonly timeZone?: string
}

/** A case that waits for what holds when none of its conditions does. */
export interface Case<T, V> {
  when<W>(filter: Where<T> | Filter<T>, value: W & Argument<T>): Case<T, V | ArgumentValue<T, W>>
  otherwise<W>(value: W & Argument<T>): Expr<V | ArgumentValue<T, W>>
}

type ArgumentValue<T, A> = A extends Expr<infer V> ? V : A extends string ? Exclude<ValueAt<T, A>, undefined> | null : A

/** The words of the language, over rows T. Of null and missing they make null, unless they say otherwise. */
export interface Expressions<T> {
  field<const P extends PathOf<T>>(path: P): Expr<ValueAt<T, P>>
  value<const V extends string | Literal | Float32Array | Float64Array>(value: V): Expr<V>
  /** In the query of an `exists`: a value of the row outside. */
  outer(path: string): Expr<unknown>
  add<const A extends Argument<T>>(a: A, b: Argument<T>): Expr<NumberOf<A>>
  subtract<const A extends Argument<T>>(a: A, b: Argument<T>): Expr<NumberOf<A>>
  multiply<const A extends Argument<T>>(a: A, b: Argument<T>): Expr<NumberOf<A>>
  /** Of two bigints the whole part; a bigint by 0n is INVALID_QUERY. */
  divide<const A extends Argument<T>>(a: A, b: Argument<T>): Expr<NumberOf<A>>
  /** The rest, with the sign of `a`. */
  modulo<const A extends Argument<T>>(a: A, b: Argument<T>): Expr<NumberOf<A>>
  negate<const A extends Argument<T>>(a: A): Expr<NumberOf<A>>
  abs<const A extends Argument<T>>(a: A): Expr<NumberOf<A>>
  round<const A extends Argument<T>>(a: A): Expr<NumberOf<A>>
  floor<const A extends Argument<T>>(a: A): Expr<NumberOf<A>>
  ceil<const A extends Argument<T>>(a: A): Expr<NumberOf<A>>
  concat(...parts: readonly Argument<T>[]): Expr<string | null>
  lower(text: Argument<T>): Expr<string | null>
  upper(text: Argument<T>): Expr<string | null>
  trim(text: Argument<T>): Expr<string | null>
  /** Of text in characters (code points), of an array in elements, of bytes in bytes. */
  length(of: Argument<T>): Expr<number | null>
  /** The first that is neither null nor missing. */
  coalesce(...values: readonly Argument<T>[]): Expr<unknown>
  /** Metres to a place. */
  distance(of: Argument<T>, to: GeoPoint | Argument<T>): Expr<number | null>
  when<W>(filter: Where<T> | Filter<T>, value: W & Argument<T>): Case<T, ArgumentValue<T, W>>
  /** The beginning of the bin that a date falls in. */
  bin(date: Argument<T>, unit: BinUnit, options?: BinOptions): Expr<Date | null>
  eq(a: Argument<T>, b: Argument<T>): Filter<T>
  ne(a: Argument<T>, b: Argument<T>): Filter<T>
  lt(a: Argument<T>, b: Argument<T>): Filter<T>
  lte(a: Argument<T>, b: Argument<T>): Filter<T>
  gt(a: Argument<T>, b: Argument<T>): Filter<T>
  gte(a: Argument<T>, b: Argument<T>): Filter<T>
}

const UNITS: readonly string[] = [
  'second',
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
] satisfies BinUnit[]

/** How many arguments a function takes; undefined: one or more. */
const ARITY: Readonly<Record<ScalarFunction, number | undefined>> = {
  add: 2,
  subtract: 2,
  multiply: 2,
  divide: 2,
  modulo: 2,
  negate: 1,
  abs: 1,
  round: 1,
  floor: 1,
  ceil: 1,
  concat: undefined,
  lower: 1,
  upper: 1,
  trim: 1,
  length: 1,
  coalesce: undefined,
  distance: 2,
}

const COMPARISONS: readonly ComparisonOp[] = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte']

/** The expression of a path or of a function; INVALID_QUERY at `at` for anything else. */
export function captureComputed(computed: unknown, at: string): Expression {
  if (typeof computed === 'string') return pathExpression(computed)
  if (typeof computed !== 'function')
    throw invalidQuery(at, `expected a path or a function, found ${describe(computed)}`)
  const made: unknown = Reflect.apply(computed, undefined, [words])
  if (made instanceof Expr) return made.data
  throw invalidQuery(at, `the function must return an expression, and ${describe(made)} is none`)
}

/** The predicate of a filter, or of what a function makes. */
export function captureFilter(filter: unknown): Predicate {
  if (typeof filter !== 'function') return parseWhere(filter)
  const made: unknown = Reflect.apply(filter, undefined, [words])
  if (made instanceof Filter) return (made as Filter<unknown>).predicate
  throw invalidQuery('where', `the function must return a filter, and ${describe(made)} is none`)
}

/** A function with as many arguments as it takes. */
export function callExpression(fn: string, args: readonly Expression[], at: string): Expression {
  if (!Object.hasOwn(ARITY, fn)) throw invalidQuery(at, `'${fn}' is not a function of expressions`)
  const arity = ARITY[fn as ScalarFunction]
  if (arity === undefined ? args.length === 0 : args.length !== arity)
    throw invalidQuery(at, `${fn} takes ${arity ?? 'one or more'} values, found ${args.length}`)
  return Object.freeze({ kind: 'call', fn: fn as ScalarFunction, args: Object.freeze(args) })
}

/** A bin, its unit, step and time zone checked. */
export function binExpression(
  of: Expression,
  {
    unit,
    step = 1,
    timeZone = 'UTC',
  }: { readonly unit: unknown; readonly step?: unknown; readonly timeZone?: unknown },
  at: string,
): Expression {
  if (typeof unit !== 'string' || !UNITS.includes(unit))
    throw invalidQuery(at, `expected one of ${UNITS.join(', ')}, found ${describe(unit)}`)
  const count = captureCount(step, `${at}.step`)
  if (count === 0) throw invalidQuery(`${at}.step`, 'a bin has at least one unit')
  if (typeof timeZone !== 'string') throw invalidQuery(`${at}.timeZone`, `expected a name, found ${describe(timeZone)}`)
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch (cause) {
    throw invalidQuery(`${at}.timeZone`, `${JSON.stringify(timeZone)} is not a time zone`, cause)
  }
  // One of the list, as was found above.
  return Object.freeze({ kind: 'bin', of, unit: unit as BinUnit, step: count, timeZone })
}

function pathExpression(text: string): Expression {
  return Object.freeze({ kind: 'path', path: capturePath(text) })
}

function argument(value: unknown, at: string): Expression {
  if (typeof value === 'string') return pathExpression(value)
  if (value instanceof Expr) return value.data
  return Object.freeze({ kind: 'literal', value: captureValue(value, at) })
}

function objectOf(options: unknown, at: string): { readonly [name: string]: unknown } {
  if (!isPlainObject(options)) throw invalidQuery(at, `expected options, found ${describe(options)}`)
  return options
}

function startCase(branches: readonly { readonly when: unknown; readonly value: unknown }[]): Case<unknown, unknown> {
  return Object.freeze({
    when: (when: unknown, value: unknown) => startCase([...branches, { when, value }]),
    otherwise: (value: unknown) =>
      new Expr({
        kind: 'case',
        branches: Object.freeze(
          branches.map((branch) =>
            Object.freeze({ when: parseWhere(branch.when), value: argument(branch.value, 'when') }),
          ),
        ),
        otherwise: argument(value, 'otherwise'),
      }),
  })
}

/** Every word, untyped: the types are those of Expressions<T>. */
const words: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = Object.freeze({
  field: (path: unknown) => new Expr({ kind: 'path', path: capturePath(path) }),
  value: (value: unknown) => new Expr({ kind: 'literal', value: captureValue(value, 'value') }),
  outer: (path: unknown) => new Expr({ kind: 'outer', path: capturePath(path) }),
  distance: (of: unknown, to: unknown) => {
    const isPoint = typeof to === 'object' && to !== null && !(to instanceof Expr)
    const place: Expression = isPoint
      ? { kind: 'literal', value: { ...capturePoint(to, 'distance') } }
      : argument(to, 'distance')
    return new Expr(callExpression('distance', [argument(of, 'distance'), place], 'distance'))
  },
  when: (filter: unknown, value: unknown) => startCase([{ when: filter, value }]),
  bin: (date: unknown, unit: unknown, options: unknown = {}) =>
    new Expr(binExpression(argument(date, 'bin'), { ...objectOf(options, 'bin'), unit }, 'bin')),
  ...Object.fromEntries(
    Object.keys(ARITY)
      .filter((fn) => fn !== 'distance')
      .map((fn) => [
        fn,
        (...args: readonly unknown[]) =>
          new Expr(
            callExpression(
              fn,
              args.map((arg, i) => argument(arg, `${fn}[${i}]`)),
              fn,
            ),
          ),
      ]),
  ),
  ...Object.fromEntries(
    COMPARISONS.map((op) => [
      op,
      (a: unknown, b: unknown) =>
        new Filter(
          Object.freeze({ kind: 'compare', op, left: argument(a, `${op}[0]`), right: argument(b, `${op}[1]`) }),
        ),
    ]),
  ),
})
