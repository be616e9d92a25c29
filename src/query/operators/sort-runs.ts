import { heldBytes, type MemoryShare, PLACE_BYTES, type QueryMemory } from '../query-memory.ts'
import type { PlacedRow, RowOrder } from '../row-order.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'
import { SortBuffer } from './sort-buffer.ts'

/**
 * Finishes an order that an index began: the input comes ordered by the first keys, and rows that tie on these, which
 * stand together, are put into the whole order. Holds one run of ties at a time.
 */
export class SortRuns implements Operator {
  readonly #input: Operator
  readonly #order: RowOrder
  /** The order of the keys by which the input comes. */
  readonly #runOrder: RowOrder
  readonly #buffer: SortBuffer<PlacedRow>
  readonly #share: MemoryShare
  /** Some row of the run in the buffer, and the first of the next one. */
  #member: PlacedRow | undefined
  #ahead: PlacedRow | undefined
  #isDraining = false
  #isAtEnd = false

  constructor(input: Operator, orders: { readonly whole: RowOrder; readonly run: RowOrder }, memory: QueryMemory) {
    this.#input = input
    this.#order = orders.whole
    this.#runOrder = orders.run
    this.#buffer = new SortBuffer<PlacedRow>(orders.whole.compare)
    this.#share = memory.share('the rows that tie in an index')
  }

  next(): Step {
    for (let i = 0; ; i++) {
      if (this.#isDraining) {
        const placed = this.#buffer.take()
        if (placed !== undefined) return placed.row
        if (!this.#startRun()) return undefined
      }
      if (i === STRIDE) return PAUSE
      const row = this.#isAtEnd ? undefined : this.#input.next()
      if (row === PAUSE) return PAUSE
      this.#collect(row === undefined ? undefined : this.#order.place(row))
    }
  }

  /** Empties the buffer for the next run; false when there is none. */
  #startRun(): boolean {
    this.#clear()
    this.#member = this.#ahead
    this.#ahead = undefined
    if (this.#member === undefined && this.#isAtEnd) return false
    if (this.#member !== undefined) this.#add(this.#member)
    this.#isDraining = false
    return true
  }

  #collect(placed: PlacedRow | undefined): void {
    if (placed === undefined) {
      this.#isAtEnd = true
      this.#isDraining = true
    } else if (this.#member === undefined || this.#runOrder.compareKeys(this.#member, placed) === 0) {
      this.#member = placed
      this.#add(placed)
    } else {
      this.#ahead = placed
      this.#isDraining = true
    }
  }

  close(): void {
    this.#isAtEnd = true
    this.#isDraining = true
    this.#member = undefined
    this.#ahead = undefined
    this.#clear()
    this.#input.close()
  }

  #add(placed: PlacedRow): void {
    this.#share.take(PLACE_BYTES + heldBytes(placed.row))
    this.#buffer.add(placed)
  }

  #clear(): void {
    this.#buffer.clear()
    this.#share.releaseAll()
  }
}
