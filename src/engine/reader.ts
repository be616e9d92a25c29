/** Reading a collection: by id, and the beginnings of queries. */
import { BlazeError } from '../base/errors.ts'
import type { RecordId } from '../base/ids.ts'
import type { StoredRecord } from '../base/values.ts'
import { type Query, queryAll, restoreQuery } from '../query/builder.ts'
import { invalidQuery } from '../query/capture.ts'
import type {
  AggregateRow,
  AggregateSpecs,
  ComputedFields,
  FilterOf,
  GroupKeys,
  GroupRow,
  Joined,
  JoinOn,
  LeftJoined,
  WindowSpecs,
  WithComputed,
  WithWindows,
} from '../query/clause-types.ts'
import type { GeoPoint, VectorMetric } from '../query/query-data.ts'
import type { RowsOf } from '../query/queryable.ts'
import type { Direction, OrderOptions, Page, PageOptions, PathOf, Renamed, Selected } from '../query/types.ts'
import type { SearchObject } from '../text/capture-search.ts'
import type { CollectionState } from './collection-state.ts'
import { type ReadView, runnerOf } from './read-view.ts'

/** The type of a record's key. */
export type IdOf<T> = T extends { id: infer I } ? Exclude<I, undefined> : RecordId

/** Lets writes in: refuses what keeps this code from writing, and makes a collection that does not exist yet. */
export interface CollectionDoor {
  forWriting(): CollectionState
}

/** Reading a collection. T is the record. */
export abstract class Reader<T> {
  readonly name: string
  protected readonly view: ReadView
  protected readonly door: CollectionDoor
  /** Made when first asked for: most transactions make none. Immutable, so that one serves as the beginning of all. */
  #query: Query<T> | undefined

  constructor(name: string, view: ReadView, door: CollectionDoor) {
    this.name = name
    this.view = view
    this.door = door
  }

  /** The record, a fresh object of yours, or undefined. Synchronous. */
  get(id: IdOf<T>): T | undefined {
    this.view.assertUsable()
    assertId(this.name, id)
    const collection = this.view.find(this.name)
    return collection === undefined ? undefined : asRecord<T>(this.view.get(collection, id as RecordId))
  }

  /** The record; throws NOT_FOUND. */
  getOrThrow(id: IdOf<T>): T {
    const record = this.get(id)
    if (record !== undefined) return record
    throw new BlazeError(
      'NOT_FOUND',
      `${this.name} has no record with id ${JSON.stringify(id)}; use get where it may be missing`,
      {
        collection: this.name,
        id: id as RecordId,
      },
    )
  }

  /** The records, in the order of the ids; undefined where there is none. */
  getMany(ids: readonly IdOf<T>[]): (T | undefined)[] {
    return ids.map((id) => this.get(id))
  }

  /** True when there is such a record. Cheaper than getting it. */
  has(id: IdOf<T>): boolean {
    this.view.assertUsable()
    assertId(this.name, id)
    const collection = this.view.find(this.name)
    return collection !== undefined && this.view.has(collection, id as RecordId)
  }

  /** Every record, as a query. */
  query(): Query<T> {
    this.#query ??= queryAll<T>(this.name, runnerOf(this.view))
    return this.#query
  }

  /** The query that `toJSON` stated, to run here. INVALID_QUERY with the place in it, also for one of another collection. */
  fromJSON<R = T>(json: unknown): Query<T, R> {
    const query = restoreQuery<T, R>(json, runnerOf(this.view))
    if (query.data.collection === this.name) return query
    throw invalidQuery('collection', `the query is of ${query.data.collection}, and this is ${this.name}`)
  }

  where(filter: FilterOf<T>): Query<T> {
    return this.query().where(filter)
  }

  /** Rows with the other under a name: see Query.join. The other joins are methods of `query()`. */
  join<const A extends string, O>(as: A, other: RowsOf<O>, on: NoInfer<JoinOn<T, O>>): Query<Joined<T, A, O>> {
    return this.query().join(as, other, on)
  }

  leftJoin<const A extends string, O>(as: A, other: RowsOf<O>, on: NoInfer<JoinOn<T, O>>): Query<LeftJoined<T, A, O>> {
    return this.query().leftJoin(as, other, on)
  }

  compute<const C extends ComputedFields<T>>(fields: C): Query<WithComputed<T, C>> {
    return this.query().compute(fields)
  }

  groupBy<const K extends GroupKeys<T>, const A extends AggregateSpecs<T>>(
    keys: K,
    aggregates: A,
  ): Query<GroupRow<T, K, A>> {
    return this.query().groupBy(keys, aggregates)
  }

  aggregate<const A extends AggregateSpecs<T>>(aggregates: A): AggregateRow<T, A> {
    return this.query().aggregate(aggregates)
  }

  window<const W extends WindowSpecs<T>>(fields: W): Query<WithWindows<T, W>> {
    return this.query().window(fields)
  }

  search(asked: string | SearchObject): Query<T & { $score: number }> {
    return this.query().search(asked)
  }

  nearest(path: PathOf<T>, to: GeoPoint): Query<T & { $distance: number }>
  nearest(
    path: PathOf<T>,
    to: Float32Array | Float64Array | readonly number[],
    options?: { readonly metric?: VectorMetric },
  ): Query<T & { $distance: number }>
  nearest(...args: readonly unknown[]): unknown {
    const query: Query<T> = this.query()
    // The overloads above are those of Query.nearest; the arguments pass through unchanged.
    return Reflect.apply(query.nearest, query, args)
  }

  orderBy(field: PathOf<T>, direction: Direction = 'asc', options: OrderOptions = {}): Query<T> {
    return this.query().orderBy(field, direction, options)
  }

  limit(count: number): Query<T> {
    return this.query().limit(count)
  }

  offset(count: number): Query<T> {
    return this.query().offset(count)
  }

  select<const P extends PathOf<T>>(...paths: readonly [P, ...P[]]): Query<T, Selected<T, P>>
  select<const S extends { readonly [name: string]: PathOf<T> }>(fields: S): Query<T, Renamed<T, S>>
  select(...fields: readonly unknown[]): unknown {
    const query: Query<T> = this.query()
    // The overloads above are those of Query.select; the arguments pass through unchanged.
    return Reflect.apply(query.select, query, fields)
  }

  page(options: PageOptions): Page<T> {
    return this.query().page(options)
  }

  all(): T[] {
    return this.query().all()
  }

  first(): T | undefined {
    return this.query().first()
  }

  count(): number {
    return this.query().count()
  }

  exists(): boolean {
    return this.query().exists()
  }

  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return this.query().iterate()
  }
}

function assertId(collection: string, id: unknown): void {
  if (typeof id === 'string' || typeof id === 'number') return
  throw new BlazeError('INVALID_ARGUMENT', `${collection}: an id is a string or a safe integer`, { argument: 'id' })
}

/** The stored record as the type its collection gave it: what was written was of that type, or came from its schema. */
function asRecord<T>(record: StoredRecord | undefined): T | undefined {
  return record as T | undefined
}
