/** Rows of windows by partition and, within it, by an order: what all fields that ask for the same two share. */
import type { StoredRecord } from '../../base/values.ts'
import type { PlacedRow, RowKey, RowOrder } from '../row-order.ts'
import type { Row } from '../source.ts'
import type { ValueKey } from '../value-key.ts'
import type { ArrangedRows } from './arranged-rows.ts'
import { SortBuffer } from './sort-buffer.ts'

/** How the rows of some windows are parted and ordered. */
export interface Arrangement {
  /** Of a row's partition. */
  readonly keyOf: (row: StoredRecord) => ValueKey
  /** The keys that were asked for, and these with what decides their ties. */
  readonly order: RowOrder
  readonly wholeOrder: RowOrder
}

/** A row in its partition. */
interface PartitionedRow extends PlacedRow {
  readonly row: Row
  /** The partition's number, by the first row of each. */
  readonly partition: number
  /** The row's number in the input. */
  readonly at: number
}

export class WindowOrder implements ArrangedRows {
  readonly #arrangement: Arrangement
  readonly #partitions = new Map<ValueKey, number>()
  /** One a partition: rows are compared only with those of their own. */
  readonly #buffers: SortBuffer<PartitionedRow>[] = []
  #taking = 0
  /** The rows in order, as far as `take` has given them. */
  readonly #rows: PartitionedRow[] = []

  constructor(arrangement: Arrangement) {
    this.#arrangement = arrangement
  }

  add(row: Row, at: number): void {
    const key = this.#arrangement.keyOf(row)
    let partition = this.#partitions.get(key)
    if (partition === undefined) {
      partition = this.#partitions.size
      this.#partitions.set(key, partition)
      this.#buffers.push(new SortBuffer<PartitionedRow>(this.#arrangement.wholeOrder.compare))
    }
    const { keys, id } = this.#arrangement.wholeOrder.place(row)
    this.#buffers[partition]!.add({ row, keys, id, partition, at })
  }

  /** Puts the next row in its place, or goes on to the next partition; false when there are no more. */
  take(): boolean {
    const row = this.#buffers[this.#taking]?.take()
    if (row !== undefined) this.#rows.push(row)
    else if (this.#taking++ >= this.#buffers.length) return false
    return true
  }

  get count(): number {
    return this.#rows.length
  }

  rowAt(place: number): Row {
    return this.#rows[place]!.row
  }

  numberAt(place: number): number {
    return this.#rows[place]!.at
  }

  partitionAt(place: number): number {
    return this.#rows[place]!.partition
  }

  areTogether(a: number, b: number): boolean {
    const row = this.#rows[b]
    return row !== undefined && this.#rows[a]?.partition === row.partition
  }

  areTied(a: number, b: number): boolean {
    if (!this.areTogether(a, b)) return false
    // Its keys are the first of those of the whole order.
    const keyOf = (place: number): RowKey => this.#rows[place]!
    return this.#arrangement.order.compareKeys(keyOf(a), keyOf(b)) === 0
  }

  clear(): void {
    this.#buffers.length = 0
    this.#partitions.clear()
    this.#rows.length = 0
  }
}
