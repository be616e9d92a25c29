/**
 * What is derived of collections beside their indexes, and never at commit: made when a query first asks for it, caught up
 * before each query by the marks of zones (mvcc/slots.ts), thrown away at any time. One for the whole database, so that
 * all of it together stays within a share of the memory.
 */
import type { ColumnRows } from '../columns/column.ts'
import { ColumnSet } from '../columns/column-set.ts'
import type { BudgetClient } from '../pages/budget.ts'
import type { CollectionState } from './collection-state.ts'
import { CollectionRows } from './column-rows.ts'

/** What is derived of one collection. */
export interface CollectionDerived {
  readonly rows: ColumnRows
  readonly columns: ColumnSet
}

export class DerivedStructures implements BudgetClient {
  readonly name = 'columns'
  readonly #limitBytes: number
  readonly #safePoint: () => void
  /** In the order of their last use. */
  readonly #byCollection = new Map<CollectionState, CollectionDerived>()

  /** Columns of all collections take up to `limitBytes`, but for those that are in use. */
  constructor(options: { readonly limitBytes: number; readonly safePoint: () => void }) {
    this.#limitBytes = options.limitBytes
    this.#safePoint = options.safePoint
  }

  /** For a query that begins: makes room for what it may need. */
  of(collection: CollectionState): CollectionDerived {
    const derived = this.#byCollection.get(collection) ?? this.#make(collection)
    this.#byCollection.delete(collection)
    this.#byCollection.set(collection, derived)
    this.shrink(this.usedBytes() - this.#limitBytes)
    return derived
  }

  /** What there is already. */
  made(collection: CollectionState): CollectionDerived | undefined {
    return this.#byCollection.get(collection)
  }

  /** The collection is dropped. */
  forget(collection: CollectionState): void {
    this.#byCollection.delete(collection)
  }

  usedBytes(): number {
    let sum = 0
    for (const { columns } of this.#byCollection.values()) sum += columns.usedBytes()
    return sum
  }

  /** Columns of the collection that was asked for longest ago go first. */
  shrink(bytes: number): number {
    let freed = 0
    for (const { columns } of this.#byCollection.values()) {
      if (freed >= bytes) break
      freed += columns.shrink(bytes - freed)
    }
    return freed
  }

  #make(collection: CollectionState): CollectionDerived {
    const rows = new CollectionRows(collection, this.#safePoint)
    return { rows, columns: new ColumnSet(rows, { memoryBytes: this.#limitBytes }) }
  }
}
