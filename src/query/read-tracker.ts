/**
 * What a running query has seen, for serializable validation. It is told to the source when the query opens and
 * answers by how far the query has come when it is asked, so that it is exact at any time:
 *
 *   all rows seen               a record conflicts if the filter is true for it
 *   ordered, stopped by limit   … and it does not sort after the last row handed out
 *   unordered, stopped by limit … only if it is one of the rows handed out: another match would have done as well
 *
 * A query that is still running, or was left early, is like one that was stopped by a limit there.
 */

import { isBlazeError } from '../base/errors.ts'
import type { RecordId } from '../base/ids.ts'
import type { StoredRecord } from '../base/values.ts'
import { captureValue } from './capture.ts'
import type { RecordTest } from './expression.ts'
import { compilePredicate } from './predicate.ts'
import { predicateText } from './predicate-text.ts'
import type { OrderKey, Predicate, QueryData } from './query-data.ts'
import { compileOrder, type RowKey, type RowOrder } from './row-order.ts'
import type { ReadPredicate } from './source.ts'

export class ReadTracker implements ReadPredicate {
  readonly kind = 'filter'
  readonly #collection: string
  readonly #filter: Predicate | undefined
  /** Compiled when it is first asked: most reads never are. */
  #where: RecordTest | undefined
  readonly #limit: number | undefined
  readonly #order: RowOrder | undefined
  /** Rows at or before this place are of an earlier page. */
  readonly #after: RowKey | undefined
  #lastKey: RowKey | undefined
  /** Of an unordered query the ids handed out; the set of them is made when it is first asked. */
  #ids: RecordId[] = []
  #idSet: ReadonlySet<RecordId> | undefined
  #count = 0
  #sawAll = false

  constructor(data: QueryData, orderBy: readonly OrderKey[], after: RowKey | undefined) {
    this.#collection = data.collection
    this.#filter = data.where
    this.#limit = data.limit
    this.#order = orderBy.length === 0 ? undefined : compileOrder(orderBy)
    this.#after = after
  }

  /** True when the query may stop before it has seen all: then the rows that it gives must be noted. */
  get isLimited(): boolean {
    return this.#limit !== undefined
  }

  /** A row goes to the caller. */
  noteRow(row: StoredRecord): void {
    this.#count++
    if (this.#order === undefined) {
      this.#ids.push(row.id)
      this.#idSet = undefined
      return
    }
    // The row becomes the caller's to change: what the order needs of it is copied.
    const { keys, id } = this.#order.place(row)
    this.#lastKey = { keys: keys.map((key) => (typeof key === 'object' ? captureValue(key, 'orderBy') : key)), id }
  }

  /** There are no more rows: all was seen, unless the limit ended it. */
  noteEnd(): void {
    this.#sawAll = this.#limit === undefined || this.#count < this.#limit
    if (this.#sawAll) this.#ids = []
  }

  /** The whole collection was counted. */
  noteAll(): void {
    this.#sawAll = true
  }

  matches(record: StoredRecord): boolean {
    if (!this.#sawAll && this.#order === undefined) {
      this.#idSet ??= new Set(this.#ids)
      return this.#idSet.has(record.id)
    }
    if (this.#filter !== undefined) {
      this.#where ??= compilePredicate(this.#filter)
      if (!meets(this.#where, record)) return false
    }
    if (this.#order === undefined) return true
    const place = this.#order.place(record)
    if (this.#after !== undefined && this.#order.compare(place, this.#after) <= 0) return false
    return this.#sawAll || (this.#lastKey !== undefined && this.#order.compare(place, this.#lastKey) <= 0)
  }

  get describe(): string {
    const where = this.#filter === undefined ? 'every record' : predicateText(this.#filter)
    const part = this.#sawAll
      ? ''
      : this.#order === undefined
        ? `, the ${this.#count} returned`
        : ', up to the last returned'
    return `${this.#collection}: ${where}${part}`
  }
}

/** A record that the filter cannot be asked of would end the query, so it was read: run again, the query will say so. */
function meets(where: RecordTest, record: StoredRecord): boolean {
  try {
    return where(record)
  } catch (error) {
    if (isBlazeError(error, 'INVALID_QUERY')) return true
    throw error
  }
}
