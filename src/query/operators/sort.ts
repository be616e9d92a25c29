import { heldBytes, type MemoryShare, PLACE_BYTES, type QueryMemory } from '../query-memory.ts'
import type { PlacedRow, RowOrder } from '../row-order.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'
import { SortBuffer } from './sort-buffer.ts'

/** All rows of the input in order. Holds them all. */
export class Sort implements Operator {
  readonly #input: Operator
  readonly #order: RowOrder
  readonly #buffer: SortBuffer<PlacedRow>
  readonly #share: MemoryShare
  #isCollected = false

  constructor(input: Operator, order: RowOrder, memory: QueryMemory) {
    this.#input = input
    this.#order = order
    this.#buffer = new SortBuffer<PlacedRow>(order.compare)
    this.#share = memory.share('the rows of an order')
  }

  next(): Step {
    for (let i = 0; !this.#isCollected; i++) {
      if (i === STRIDE) return PAUSE
      const row = this.#input.next()
      if (row === PAUSE) return PAUSE
      if (row === undefined) this.#isCollected = true
      else {
        this.#share.take(PLACE_BYTES + heldBytes(row))
        this.#buffer.add(this.#order.place(row))
      }
    }
    return this.#buffer.take()?.row
  }

  close(): void {
    this.#isCollected = true
    this.#buffer.clear()
    this.#share.releaseAll()
    this.#input.close()
  }
}
