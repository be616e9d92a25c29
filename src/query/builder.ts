/**
 * The query as users hold it: immutable data with a runner. Each method gives a new query; nothing is read before a
 * terminal is called (all, first, count, exists, page, explain, their yielding twins, or iteration). It has no `then`,
 * so that awaiting one by mistake gives the query back instead of running it.
 */
import { captureCount, capturePath, describe, invalidQuery, isPlainObject } from './capture.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { openExecution } from './execute.ts'
import { type Explanation, explainRun } from './explain.ts'
import type { Filter } from './filter.ts'
import { compileSelect } from './operators/select.ts'
import { BY_ID, everyRecord, type OrderKey, type Predicate, type QueryData, type SelectedField } from './query-data.ts'
import { type QueryJson, queryFromJson, queryToJson } from './query-json.ts'
import { ReadTracker } from './read-tracker.ts'
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
  Where,
} from './types.ts'
import { combine, parseWhere } from './where.ts'

/** Most rows of a page: a page is meant for a screen or a message. */
const MAX_PAGE_SIZE = 100_000

/**
 * A query over records T that gives rows R.
 * @example
 * const urgent = db.bugs.where({ status: 'open', priority: { gte: 4 } }).orderBy('priority', 'desc').limit(20)
 * urgent.all()
 * urgent.explain().text
 */
export class Query<T, R = T> implements AsyncIterable<R> {
  readonly #runner: QueryRunner
  /** What the query says: frozen, plain. */
  readonly data: QueryData

  constructor(data: QueryData, runner: QueryRunner) {
    this.data = data
    this.#runner = runner
    Object.freeze(this)
  }

  /** Only records for which the filter, and those given before, hold. */
  where(filter: Where<T> | Filter<T>): Query<T, R> {
    const added = parseWhere(filter)
    const where = this.data.where === undefined ? added : combine('and', [this.data.where, added])
    return this.#with({ where: flattened(where) })
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
  select(...fields: readonly unknown[]): Query<T, unknown> {
    return new Query({ ...this.data, select: captureSelect(fields) }, this.#runner)
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
    const { limit, offset, select, orderBy } = this.data
    if (limit !== undefined || offset !== 0)
      throw invalidQuery('page', 'limit and offset do not go with page; give its size')
    if (captureCount(size, 'page.size') === 0 || size > MAX_PAGE_SIZE) {
      throw invalidQuery('page.size', `expected 1 to ${MAX_PAGE_SIZE}, found ${size}`)
    }
    const ordered = orderBy.length > 0 ? this.data : { ...this.data, orderBy: [BY_ID] }
    const place = after === undefined ? undefined : decodeCursor(ordered, after)
    // One row more than the page tells whether there is a next one.
    const found = runQuery({ ...ordered, limit: size + 1, select: undefined }, this.#runner, place)
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
      return explainRun(execution.plan, execution.measures)
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
      return explainRun(execution.plan, execution.measures)
    } finally {
      execution.close()
    }
  }

  /** The query as JSON data with a version, for fromJSON. */
  toJSON(): QueryJson {
    return queryToJson(this.data)
  }

  #dataOfFirst(): QueryData {
    return { ...this.data, limit: Math.min(1, this.data.limit ?? 1) }
  }

  #with(change: Partial<QueryData>): Query<T, R> {
    return new Query<T, R>(Object.freeze({ ...this.data, ...change }), this.#runner)
  }

  /** The number of rows where that can be known without reading any. */
  #countAll(): number | undefined {
    const { where, limit, offset, collection } = this.data
    if (where !== undefined) return undefined
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
  return { ...data, orderBy: [], select: undefined, limit, offset: 0 }
}

/** One flat `and`, however many times `where` was called. */
function flattened(where: Predicate): Predicate {
  if (where.kind !== 'and') return where
  const of = where.of.flatMap((part) => (part.kind === 'and' ? part.of : [part]))
  return combine('and', of)
}

function captureOrderKey(field: unknown, direction: unknown, options: OrderOptions): OrderKey {
  const path = capturePath(field)
  const at = String(field)
  if (direction !== 'asc' && direction !== 'desc') throw invalidQuery(at, `the direction must be 'asc' or 'desc'`)
  const { nulls, collation } = options
  if (nulls !== undefined && nulls !== 'first' && nulls !== 'last')
    throw invalidQuery(at, `nulls must be 'first' or 'last'`)
  if (collation !== undefined && collation !== 'nocase') throw invalidQuery(at, `the only collation is 'nocase'`)
  return Object.freeze({ path, descending: direction === 'desc', nocase: collation === 'nocase', nulls })
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
