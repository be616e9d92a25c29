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
  readonly #buffer: SortBuffer
  /** Some row of the run in the buffer, and the first of the next one. */
  #member: PlacedRow | undefined
  #ahead: PlacedRow | undefined
  #isDraining = false
  #isAtEnd = false

  constructor(input: Operator, order: RowOrder, runOrder: RowOrder) {
    this.#input = input
    this.#order = order
    this.#runOrder = runOrder
    this.#buffer = new SortBuffer(order.compare)
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
    this.#buffer.clear()
    this.#member = this.#ahead
    this.#ahead = undefined
    if (this.#member === undefined && this.#isAtEnd) return false
    if (this.#member !== undefined) this.#buffer.add(this.#member)
    this.#isDraining = false
    return true
  }

  #collect(placed: PlacedRow | undefined): void {
    if (placed === undefined) {
      this.#isAtEnd = true
      this.#isDraining = true
    } else if (this.#member === undefined || this.#runOrder.compareKeys(this.#member, placed) === 0) {
      this.#member = placed
      this.#buffer.add(placed)
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
    this.#buffer.clear()
    this.#input.close()
  }
}
