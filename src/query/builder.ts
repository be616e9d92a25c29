/**
 * The query as users hold it: immutable data with a runner. Each method gives a new query; nothing is read before a
 * terminal is called (all, first, count, exists, page, explain, their yielding twins, or iteration). It has no `then`,
 * so that awaiting one by mistake gives the query back instead of running it.
 */

import type { SearchObject } from '../text/capture-search.ts'
import { isCut, isFinished, isShaped, isWhole } from './block-shape.ts'
import { captureCount, capturePath, describe, invalidQuery, isPlainObject } from './capture.ts'
import {
  captureAggregates,
  captureComputedFields,
  captureGroupKeys,
  captureHint,
  captureName,
  captureNearest,
  captureOn,
  captureOrderKey,
  captureSearchClause,
  captureWindows,
} from './capture-clauses.ts'
import type {
  AggregateRow,
  AggregateSpecs,
  ComputedFields,
  FilterOf,
  FullJoined,
  GroupKeys,
  GroupRow,
  Joined,
  JoinOn,
  LeftJoined,
  RightJoined,
  WindowSpecs,
  WithComputed,
  WithWindows,
} from './clause-types.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { openExecution } from './execute.ts'
import { type Explanation, explainRun } from './explain.ts'
import { captureFilter } from './expression-builder.ts'
import { withNamedPaths } from './named-paths.ts'
import { compileSelect } from './operators/select.ts'
import { wholeOrder } from './planner.ts'
import {
  everyRecord,
  type GeoPoint,
  type JoinClause,
  type JoinKind,
  type Predicate,
  type QueryData,
  rowsOf,
  type SelectedField,
  type SetOperation,
  type VectorMetric,
} from './query-data.ts'
import { type QueryJson, queryFromJson, queryToJson } from './query-json.ts'
import { captureQuery, Queryable, type RowsOf } from './queryable.ts'
import { ReadTracker } from './read-tracker.ts'
import { mayRepeat } from './row-identity.ts'
import { compileOrder } from './row-order.ts'
import {
  countInSlices,
  countQuery,
  countQueryAsync,
  iterateQuery,
  runQuery,
  runQueryAsync,
  throwIfAborted,
} from './run.ts'
import type { QueryRunner, Row } from './source.ts'
import type {
  AsyncOptions,
  Direction,
  OrderOptions,
  Page,
  PageOptions,
  PathOf,
  Renamed,
  Selected,
  TextHighlight,
} from './types.ts'
import { combine } from './where.ts'

/** Most rows of a page: a page is meant for a screen or a message. */
const MAX_PAGE_SIZE = 100_000

/**
 * A query over records T that gives rows R.
 * @example
 * const urgent = db.bugs.where({ status: 'open', priority: { gte: 4 } }).orderBy('priority', 'desc').limit(20)
 * urgent.all()
 * urgent.explain().text
 */
export class Query<T, R = T> extends Queryable implements AsyncIterable<R> {
  readonly #runner: QueryRunner
  /** What the query says: frozen, plain. */
  readonly data: QueryData

  constructor(data: QueryData, runner: QueryRunner) {
    super()
    this.data = data
    this.#runner = runner
    Object.freeze(this)
  }

  /** This query itself: what a join, a set operation or `in` takes is anything that has a query. */
  query(): this {
    return this
  }

  /** Only rows for which the filter, and those given before, hold. After groupBy it is about groups. */
  where(filter: FilterOf<T>): Query<T, R> {
    const { data } = this
    if (data.windows.length > 0 || isShaped(data)) return this.#around<T, R>().where(filter)
    const added = captureFilter(filter)
    if (data.group !== undefined) {
      return this.#with({ group: Object.freeze({ ...data.group, having: both(data.group.having, added) }) })
    }
    return this.#with({ where: both(data.where, added) })
  }

  /** Only groups for which the filter holds. */
  having(filter: FilterOf<T>): Query<T, R> {
    if (this.data.group === undefined) throw invalidQuery('having', 'there is no groupBy; filter rows by where')
    return this.where(filter)
  }

  /**
   * Rows joined by what is equal, `{ path: path of the other }`; the other row is put under a name, which must not be a
   * field. Null and missing join nothing.
   */
  join<const A extends string, O>(as: A, other: RowsOf<O>, on: NoInfer<JoinOn<R, O>>): Query<Joined<R, A, O>> {
    return this.#join('inner', as, other, on)
  }

  /** As `join`, and every row of this query to which none joins, without the other. */
  leftJoin<const A extends string, O>(as: A, other: RowsOf<O>, on: NoInfer<JoinOn<R, O>>): Query<LeftJoined<R, A, O>> {
    return this.#join('left', as, other, on)
  }

  /** As `join`, and every row of the other to which none joins, alone under its name. */
  rightJoin<const A extends string, O>(
    as: A,
    other: RowsOf<O>,
    on: NoInfer<JoinOn<R, O>>,
  ): Query<RightJoined<R, A, O>> {
    return this.#join('right', as, other, on)
  }

  /** As `join`, and every row of either side to which none joins. */
  fullJoin<const A extends string, O>(as: A, other: RowsOf<O>, on: NoInfer<JoinOn<R, O>>): Query<FullJoined<R, A, O>> {
    return this.#join('full', as, other, on)
  }

  /** Only rows to which one of the other joins, each once. */
  semiJoin<O>(other: RowsOf<O>, on: NoInfer<JoinOn<R, O>>): Query<R> {
    return this.#join('semi', '', other, on)
  }

  /** Only rows to which none of the other joins. */
  antiJoin<O>(other: RowsOf<O>, on: NoInfer<JoinOn<R, O>>): Query<R> {
    return this.#join('anti', '', other, on)
  }

  /** Rows with further fields, made of the others. */
  compute<const C extends ComputedFields<R>>(fields: C): Query<WithComputed<R, C>> {
    const base = this.#unfinished()
    return base.#as({ computed: Object.freeze([...base.data.computed, ...captureComputedFields(fields, 'compute')]) })
  }

  /**
   * One row a group: its keys and its aggregates. Missing and null are two groups.
   * @example
   * db.bugs.groupBy('status', { n: { count: true }, worst: { max: 'priority' } })
   */
  groupBy<const K extends GroupKeys<R>, const A extends AggregateSpecs<R>>(
    keys: K,
    aggregates: A,
  ): Query<GroupRow<R, K, A>> {
    const group = {
      keys: captureGroupKeys(keys),
      aggregates: captureAggregates(aggregates, 'groupBy'),
      having: undefined,
    }
    assertOnce([...group.keys, ...group.aggregates], 'groupBy')
    return this.#unfinished().#as({ group: Object.freeze(group) })
  }

  /** The aggregates of all rows, as one row. Blocks. */
  aggregate<const A extends AggregateSpecs<R>>(aggregates: A): AggregateRow<R, A> {
    // A group without keys is one row, whatever there is.
    return this.groupBy([], aggregates).first() as AggregateRow<R, A>
  }

  /** As `aggregate`, in slices. */
  async aggregateAsync<const A extends AggregateSpecs<R>>(
    aggregates: A,
    options: AsyncOptions = {},
  ): Promise<AggregateRow<R, A>> {
    return (await this.groupBy([], aggregates).firstAsync(options)) as AggregateRow<R, A>
  }

  /**
   * Rows with fields from the rows around them: places in an order, neighbours, running totals.
   * @example
   * db.bugs.window({ place: { rank: true, partitionBy: 'status', orderBy: [['votes', 'desc']] } })
   */
  window<const W extends WindowSpecs<R>>(fields: W): Query<WithWindows<R, W>> {
    const base = isShaped(this.data) || this.data.select !== undefined || isCut(this.data) ? this.#around<R, R>() : this
    const windows = Object.freeze([...base.data.windows, ...captureWindows(fields)])
    assertOnce(windows, 'window')
    return base.#as({ windows })
  }

  /** Each row once, by value. */
  distinct(): Query<R> {
    const base = isCut(this.data) || this.data.sets.length > 0 ? this.#around<R, R>() : this
    assertOrderLeft(base.data, 'distinct')
    return base.#as({ distinct: true })
  }

  /** The rows of both, each once. */
  union(other: RowsOf<R>): Query<R> {
    return this.#set('union', other)
  }

  /** The rows of both. */
  unionAll(other: RowsOf<R>): Query<R> {
    return this.#set('unionAll', other)
  }

  /** The rows that both have, each once. */
  intersect(other: RowsOf<R>): Query<R> {
    return this.#set('intersect', other)
  }

  /** The rows that the other does not have, each once. */
  except(other: RowsOf<R>): Query<R> {
    return this.#set('except', other)
  }

  /**
   * The nearest first, each with its `$distance`: to a place { lat, lng } in metres; to a vector by 'cosine', 'dot' or
   * 'l2'. Rows without one are left out.
   */
  nearest(path: PathOf<R>, to: GeoPoint): Query<R & { $distance: number }>
  nearest(
    path: PathOf<R>,
    to: Float32Array | Float64Array | readonly number[],
    options?: { readonly metric?: VectorMetric },
  ): Query<R & { $distance: number }>
  nearest(path: PathOf<R>, to: unknown, options: unknown = {}): Query<R & { $distance: number }> {
    const base = this.#unfinished()
    if (base.data.nearest !== undefined) throw invalidQuery('nearest', 'there is one already')
    if (base.data.search !== undefined) throw invalidQuery('nearest', 'a query is ranked by search or by nearest')
    return base.#as({ nearest: captureNearest(path, to, options) })
  }

  /**
   * The records with these words, the best first, each with its `$score`. Words of a search box: `login broken` (both),
   * `a OR b`, `-word`, `"a phrase"`, `logi*`, `logn~`, `title:word`, ( ); or an object. The collection declares `search`.
   */
  search(asked: string | SearchObject): Query<T & { $score: number }> {
    const { data } = this
    if (data.from !== undefined || isFinished(data) || isShaped(data) || isCut(data))
      throw invalidQuery('search', 'a search is of the records of a collection, so it comes first')
    if (data.search !== undefined) throw invalidQuery('search', 'there is one already')
    if (data.nearest !== undefined) throw invalidQuery('search', 'a query is ranked by search or by nearest')
    return this.#as({ search: captureSearchClause(asked) })
  }

  /** Rows of a search with `$highlights`: where its words are in the texts, in UTF-16 units. */
  highlights(): Query<T & { $highlights: readonly TextHighlight[] }> {
    const { search } = this.data
    if (search === undefined) throw invalidQuery('highlights', 'there is no search')
    return this.#as({ search: Object.freeze({ ...search, highlights: true }) })
  }

  /** The rows as they are now, to be asked further: what follows does not change what came before. */
  rows(): Query<R> {
    return this.#around()
  }

  /** What the planner must do; INVALID_QUERY when it cannot. */
  hint(hint: { readonly index: string } | 'scan' | 'columns'): Query<T, R> {
    return this.#with({ hint: captureHint(hint) })
  }

  /** Rows ordered by this field; a further call adds a key. Ties are broken by id in the direction of the last key. */
  orderBy(field: PathOf<T>, direction: Direction = 'asc', options: OrderOptions = {}): Query<T, R> {
    return this.#with({ orderBy: Object.freeze([...this.data.orderBy, captureOrderKey(field, direction, options)]) })
  }

  /** At most so many rows. */
  limit(count: number): Query<T, R> {
    return this.#with({ limit: captureCount(count, 'limit') })
  }

  /** Without the first so many rows; without an order, of the order by id. */
  offset(count: number): Query<T, R> {
    return this.#with({ offset: captureCount(count, 'offset') })
  }

  /** Rows with these fields only, each under the text of its path, or under names of your own. */
  select<const P extends PathOf<T>>(...paths: readonly [P, ...P[]]): Query<T, Selected<T, P>>
  select<const S extends { readonly [name: string]: PathOf<T> }>(fields: S): Query<T, Renamed<T, S>>
  select(...fields: readonly unknown[]): unknown {
    const base = isShaped(this.data) ? this.#around<T, R>() : this
    return base.#as({ select: captureSelect(fields) })
  }

  /** Every row. Blocks. */
  all(): R[] {
    return asResults<R>(runQuery(this.data, this.#runner))
  }

  /** Every row, of one snapshot, read in slices of at most 5 ms. Rejects with ABORTED when the signal says so. */
  async allAsync(options: AsyncOptions = {}): Promise<R[]> {
    return asResults<R>(await runQueryAsync(this.data, this.#runner, options))
  }

  /** The first row, or undefined. Without an order any match. */
  first(): R | undefined {
    return asResults<R>(runQuery(this.#dataOfFirst(), this.#runner))[0]
  }

  /** As `first`, in slices. */
  async firstAsync(options: AsyncOptions = {}): Promise<R | undefined> {
    return asResults<R>(await runQueryAsync(this.#dataOfFirst(), this.#runner, options))[0]
  }

  /** How many rows there are. */
  count(): number {
    const cheap = this.#countAll()
    if (cheap !== undefined) return cheap
    return Math.max(0, countQuery(countingData(this.data), this.#runner) - this.data.offset)
  }

  /** As `count`, in slices. */
  async countAsync(options: AsyncOptions = {}): Promise<number> {
    throwIfAborted(options.signal)
    const cheap = this.#countAll()
    if (cheap !== undefined) return cheap
    return Math.max(0, (await countQueryAsync(countingData(this.data), this.#runner, options)) - this.data.offset)
  }

  /** True when there is a row. */
  exists(): boolean {
    return this.#with({ limit: Math.min(1, this.data.limit ?? 1) }).count() > 0
  }

  /**
   * One page of an order (of the order by id, without one). Pages follow one another by key, not by number, so rows
   * that come or go on earlier pages shift nothing. Errors: CURSOR_MISMATCH for the cursor of another query.
   */
  page({ size, after }: PageOptions): Page<R> {
    const { limit, offset } = this.data
    if (limit !== undefined || offset !== 0)
      throw invalidQuery('page', 'limit and offset do not go with page; give its size')
    if (captureCount(size, 'page.size') === 0 || size > MAX_PAGE_SIZE) {
      throw invalidQuery('page.size', `expected 1 to ${MAX_PAGE_SIZE}, found ${size}`)
    }
    if (mayRepeat(this.data))
      throw invalidQuery('page', 'its rows may be equal in all they have, so that no page could end between them')
    const ordered = { ...this.data, orderBy: wholeOrder(this.data, true) }
    // The place of a row is taken of the whole row; what is told apart by its value is projected before.
    const select = isShaped(ordered) ? undefined : ordered.select
    const place = after === undefined ? undefined : decodeCursor(ordered, after)
    // One row more than the page tells whether there is a next one.
    const whole = isShaped(ordered) ? ordered : { ...ordered, select: undefined }
    const found = runQuery({ ...whole, limit: size + 1 }, this.#runner, place)
    const page = found.slice(0, size)
    const rows = asResults<R>(select === undefined ? page : page.map(compileSelect(select)))
    const last = page.at(-1)
    if (found.length <= size || last === undefined) return { rows }
    return { rows, next: encodeCursor(ordered, compileOrder(ordered.orderBy).place(last)) }
  }

  /** Row by row, in slices, of one snapshot that is held from the first `next()` to the end, `return` or `break`. */
  iterate(options: AsyncOptions = {}): AsyncGenerator<R, void, undefined> {
    // The rows that the executor gives are R by the same reasoning as asResults'.
    return iterateQuery(this.data, this.#runner, options) as AsyncGenerator<unknown, void, undefined> as AsyncGenerator<
      R,
      void,
      undefined
    >
  }

  [Symbol.asyncIterator](): AsyncGenerator<R, void, undefined> {
    return this.iterate()
  }

  /** Runs the query with every operator measured: what was done, what was expected, what else was weighed. Blocks. */
  explain(): Explanation {
    const execution = openExecution(this.data, this.#runner, { clock: this.#runner.now })
    try {
      while (execution.next() !== undefined);
      return explainRun(execution)
    } finally {
      execution.close()
    }
  }

  /** As `explain`, in slices. */
  async explainAsync(options: AsyncOptions = {}): Promise<Explanation> {
    throwIfAborted(options.signal)
    const execution = openExecution(this.data, this.#runner, { clock: this.#runner.now })
    try {
      await countInSlices(execution, this.#runner, options)
      return explainRun(execution)
    } finally {
      execution.close()
    }
  }

  /** The query as JSON data with a version, for fromJSON. */
  toJSON(): QueryJson {
    return queryToJson(this.data)
  }

  #join<J>(kind: JoinKind, as: string, other: unknown, on: unknown): Query<J> {
    const base = this.#unfinished()
    const at = as === '' ? kind : `join ${as}`
    if (kind !== 'semi' && kind !== 'anti') {
      captureName(as, 'join')
      if (base.data.joins.some((join) => join.as === as)) throw invalidQuery(at, 'there is a join of this name already')
    }
    const pairs = captureOn(on, `${at}.on`)
    if (pairs.length === 0) throw invalidQuery(`${at}.on`, 'expected at least one pair of fields')
    const join: JoinClause = Object.freeze({ kind, as, other: captureQuery(other, at), on: pairs })
    return base.#as({ joins: Object.freeze([...base.data.joins, join]) })
  }

  #set(kind: SetOperation, other: RowsOf<R>): Query<R> {
    const base = isCut(this.data) ? this.#around<R, R>() : this
    assertOrderLeft(base.data, kind)
    const clause = Object.freeze({ kind, other: captureQuery(other, kind) })
    return base.#as({ sets: Object.freeze([...base.data.sets, clause]) })
  }

  /** A block around this one, whose rows are this one's results. */
  #around<N, M = N>(): Query<N, M> {
    return new Query<N, M>(rowsOf(this.data), this.#runner)
  }

  /** A block that can still be joined and grouped: this one, or one around it. */
  #unfinished(): Query<R> {
    const { data } = this
    return isFinished(data) || isShaped(data) || isCut(data) ? this.#around() : this.#as({})
  }

  #as<N, M = N>(change: Partial<QueryData>): Query<N, M> {
    return new Query<N, M>(Object.freeze(withNamedPaths({ ...this.data, ...change })), this.#runner)
  }

  #dataOfFirst(): QueryData {
    return { ...this.data, limit: Math.min(1, this.data.limit ?? 1) }
  }

  #with(change: Partial<QueryData>): Query<T, R> {
    return new Query<T, R>(Object.freeze(withNamedPaths({ ...this.data, ...change })), this.#runner)
  }

  /** The number of rows where that can be known without reading any. */
  #countAll(): number | undefined {
    const { limit, offset, collection } = this.data
    if (!isWhole(this.data)) return undefined
    const source = this.#runner.open(collection)
    try {
      const count = source.countAll()
      if (count === undefined) return undefined
      const tracker = new ReadTracker(everyRecord(collection), [], undefined)
      tracker.noteAll()
      source.readPredicate(tracker)
      return Math.min(limit ?? Number.POSITIVE_INFINITY, Math.max(0, count - offset))
    } finally {
      source.close()
    }
  }
}

/** Every record of a collection. */
export function queryAll<T>(collection: string, runner: QueryRunner): Query<T> {
  return new Query<T>(everyRecord(collection), runner)
}

/** The query of `toJSON`. Errors: INVALID_QUERY with the place in it. */
export function restoreQuery<T, R = T>(json: unknown, runner: QueryRunner): Query<T, R> {
  return new Query<T, R>(queryFromJson(json), runner)
}

/** What rows of the executor are to the caller: the schema or the projection that typed R also made them. */
function asResults<R>(rows: Row[]): R[] {
  return rows as unknown as R[]
}

/** A query with as many rows before its offset, in any order: counting needs neither order nor projection. */
function countingData(data: QueryData): QueryData {
  const limit = data.limit === undefined ? undefined : data.limit + data.offset
  const select = isShaped(data) ? data.select : undefined
  return { ...data, orderBy: [], select, limit, offset: 0 }
}

/** Both conditions in one flat `and`, however many there were before. */
function both(before: Predicate | undefined, added: Predicate): Predicate {
  if (before === undefined) return added
  const of = [before, added]
  return combine(
    'and',
    of.flatMap((part) => (part.kind === 'and' ? part.of : [part])),
  )
}

/** An order that was given before the rows were what they are now may name a field that they do not have. */
function assertOrderLeft({ orderBy, select }: QueryData, at: string): void {
  if (orderBy.length > 0 && select !== undefined)
    throw invalidQuery(at, `orderBy comes after ${at}: it is about the rows that ${at} gives`)
}

function assertOnce(fields: readonly { readonly name: string }[], at: string): void {
  const names = fields.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw invalidQuery(at, `${JSON.stringify(twice)} is named twice`)
}

function captureSelect(fields: readonly unknown[]): readonly SelectedField[] {
  const [first] = fields
  if (isPlainObject(first)) {
    return Object.freeze(Object.keys(first).map((name) => Object.freeze({ name, path: capturePath(first[name]) })))
  }
  if (fields.length === 0) throw invalidQuery('select', 'expected at least one field')
  return Object.freeze(
    fields.map((text) => {
      if (typeof text !== 'string') throw invalidQuery('select', `expected a path, found ${describe(text)}`)
      return Object.freeze({ name: text, path: capturePath(text) })
    }),
  )
}
