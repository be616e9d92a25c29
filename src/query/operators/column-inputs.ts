/**
 * What an operator over columns works with: the columns of its records and of the records they look up, prepared in
 * slices, the filter as a test of columns, and the same filter by value for records that the columns do not have as the
 * snapshot sees them.
 *
 *   preparing ──▶ columns refused: `refusal` says why, and the query takes another way
 *       │
 *       └──▶ lookups (column-lookup.ts) ──▶ ready: `live`, `test`, `refOf`
 */
import { formatPath } from '../../base/path.ts'
import type { Path } from '../../base/values.ts'
import type { Column, ColumnRef, ColumnTest, LiveSlots } from '../../columns/column.ts'
import { compileFilter, type Filter } from '../../columns/filter.ts'
import { columnPathsOf, columnTest } from '../column-tests.ts'
import type { RecordTest } from '../expression.ts'
import { narrow } from '../fields-read.ts'
import type { ColumnLookup, ColumnRecords } from '../plan.ts'
import { compilePredicate } from '../predicate.ts'
import type { RecordSource, Row } from '../source.ts'
import { CollectionColumns } from './collection-columns.ts'
import { LookedUp } from './column-lookup.ts'

export class ColumnInputs {
  readonly own: CollectionColumns
  readonly #records: ColumnRecords
  readonly #keys: readonly Path[]
  readonly #lookups: readonly LookedUp[]
  readonly #where: RecordTest | undefined
  #refusal: string | undefined

  /** `paths`: what the operator reads beside what the filter does; of them `keys` must be few values that repeat. */
  constructor(
    records: ColumnRecords,
    paths: readonly Path[],
    open: (collection: string) => RecordSource,
    keys: readonly Path[] = [],
  ) {
    this.#records = records
    this.#keys = keys
    this.own = new CollectionColumns(narrow(open(records.collection), records.fields))
    this.#lookups = records.lookups.map(
      (lookup) => new LookedUp(lookup, new CollectionColumns(open(lookup.collection))),
    )
    this.#where = records.where === undefined ? undefined : compilePredicate(records.where)
    for (const { key } of records.lookups) this.own.want(key)
    for (const path of [...wherePaths(records.where), ...paths]) this.#want(path)
    for (const { where, columns } of this.#lookups) for (const path of wherePaths(where)) columns.want(path)
    // What the transaction has written of them is as it is now, whatever it writes while the query runs.
    for (const columns of this.#all) void columns.derived.maskedSlots
  }

  /** Works for a while. True when all is at hand, or something is refused. */
  step(): boolean {
    if (this.#refusal !== undefined) return true
    for (const columns of this.#all) if (!columns.step()) return false
    for (const columns of this.#all) this.#refusal ??= columns.refusal
    for (const { lookup } of this.#lookups) {
      if (this.#refusal === undefined && this.own.column(lookup.key).kind !== 'coded') {
        this.#refusal = `${formatPath(lookup.key)} of ${this.#records.collection}: too many distinct values for a join`
      }
    }
    for (const key of this.#keys) {
      if (this.#refusal === undefined && this.#columnOf(key).kind !== 'coded') {
        this.#refusal = `${formatPath(key)}: too many distinct values to group by`
      }
    }
    if (this.#refusal !== undefined) return true
    for (const lookup of this.#lookups) {
      const isDone = lookup.step(this.own.column(lookup.lookup.key))
      this.#refusal ??= lookup.refusal
      if (!isDone) return this.#refusal !== undefined
    }
    return true
  }

  /** Why the columns cannot be had; undefined when they can. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  get live(): LiveSlots {
    return this.own.live
  }

  /** True when a record of a looked up collection was written since the lookups were made. */
  get isLate(): boolean {
    return this.#lookups.some((lookup) => lookup.isLate)
  }

  /** Makes the lookups anew, to be stepped again. */
  renew(): void {
    for (const lookup of this.#lookups) lookup.renew()
  }

  /** The column behind a path of the row. */
  readonly refOf = (path: Path): ColumnRef => {
    const lookup = this.#lookupOf(path)
    const column = this.#columnOf(path)
    return lookup === undefined ? { column } : { column, via: lookup.join }
  }

  /** What a slot must pass. Slots of `byValue` do not, and are taken by value. */
  get test(): ColumnTest | undefined {
    const of: ColumnTest[] = []
    if (this.#records.where !== undefined) of.push(columnTest(this.#records.where, this.refOf))
    for (const { lookup, join, special } of this.#lookups) {
      if (special !== undefined) of.push({ kind: 'not', of: this.#keyTest(lookup, special) })
      const joins: ColumnTest = { kind: 'joins', via: join }
      if (lookup.kind === 'inner' || lookup.kind === 'semi') of.push(joins)
      if (lookup.kind === 'anti') of.push({ kind: 'not', of: joins })
    }
    return of.length === 0 ? undefined : { kind: 'and', of }
  }

  /** The slots whose partner is in no column as the snapshot sees it; undefined when there are none. */
  get byValue(): Filter | undefined {
    const of = this.#lookups.flatMap(({ lookup, special }) =>
      special === undefined ? [] : [this.#keyTest(lookup, special)],
    )
    return of.length === 0 ? undefined : compileFilter(this.live, { kind: 'or', of })
  }

  /** A record with what it looks up, when it passes; undefined when it does not. */
  complete(record: Row): Row | undefined {
    let row: Row | undefined = record
    for (const lookup of this.#lookups) {
      row = lookup.joined(row)
      if (row === undefined) return undefined
    }
    return this.#where === undefined || this.#where(row) ? row : undefined
  }

  /** A record whose slot has passed, with what it looks up. */
  joined(record: Row): Row | undefined {
    let row: Row | undefined = record
    for (const lookup of this.#lookups) if (row !== undefined && addsField(lookup.lookup)) row = lookup.joined(row)
    return row
  }

  #keyTest({ key }: ColumnLookup, special: (key: unknown) => boolean): ColumnTest {
    return { kind: 'accepts', ref: { column: this.own.column(key) }, accepts: special }
  }

  #want(path: Path): void {
    const lookup = this.#lookupOf(path)
    if (lookup === undefined) this.own.want(path)
    else lookup.columns.want(path.slice(1))
  }

  #columnOf(path: Path): Column {
    const lookup = this.#lookupOf(path)
    return lookup === undefined ? this.own.column(path) : lookup.columns.column(path.slice(1))
  }

  #lookupOf(path: Path): LookedUp | undefined {
    return this.#lookups.find(({ lookup }) => addsField(lookup) && lookup.as === path[0])
  }

  get #all(): readonly CollectionColumns[] {
    return [this.own, ...this.#lookups.map(({ columns }) => columns)]
  }
}

function wherePaths(where: ColumnRecords['where']): readonly Path[] {
  return where === undefined ? [] : (columnPathsOf(where) ?? [])
}

function addsField({ kind }: ColumnLookup): boolean {
  return kind === 'inner' || kind === 'left'
}
