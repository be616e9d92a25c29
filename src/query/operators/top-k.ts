import { heldBytes, type MemoryShare, PLACE_BYTES, type QueryMemory } from '../query-memory.ts'
import type { PlacedRow, RowOrder } from '../row-order.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** More rows than this are sorted whole: keeps the heap's last sort in one call below some milliseconds. */
export const MAX_TOP_K = 4_096

/** The first k rows of the order: holds k, in a heap whose root is the one to go. */
export class TopK implements Operator {
  readonly #input: Operator
  readonly #order: RowOrder
  readonly #k: number
  readonly #heap: PlacedRow[] = []
  readonly #share: MemoryShare
  #given = -1

  constructor(input: Operator, order: RowOrder, k: number, memory: QueryMemory) {
    this.#input = input
    this.#order = order
    this.#k = k
    this.#share = memory.share('the first rows of an order')
  }

  next(): Step {
    for (let i = 0; this.#given < 0; i++) {
      if (i === STRIDE) return PAUSE
      const row = this.#k === 0 ? undefined : this.#input.next()
      if (row === PAUSE) return PAUSE
      if (row !== undefined) this.#offer(this.#order.place(row))
      else {
        this.#heap.sort(this.#order.compare)
        this.#given = 0
      }
    }
    return this.#heap[this.#given++]?.row
  }

  close(): void {
    this.#heap.length = 0
    this.#share.releaseAll()
    this.#given = 0
    this.#input.close()
  }

  #offer(row: PlacedRow): void {
    const heap = this.#heap
    if (heap.length < this.#k) {
      this.#share.take(PLACE_BYTES + heldBytes(row.row))
      heap.push(row)
      this.#rise(heap.length - 1)
    } else if (this.#order.compare(row, heap[0]!) < 0) {
      this.#share.release(heldBytes(heap[0]!.row))
      this.#share.take(heldBytes(row.row))
      heap[0] = row
      this.#sink()
    }
  }

  #rise(at: number): void {
    const heap = this.#heap
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#order.compare(heap[at]!, heap[parent]!) <= 0) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(): void {
    const heap = this.#heap
    const count = heap.length
    let at = 0
    for (let child = 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && this.#order.compare(heap[child + 1]!, heap[child]!) > 0) child++
      if (this.#order.compare(heap[at]!, heap[child]!) >= 0) return
      this.#swap(at, child)
      at = child
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const moved = heap[a]!
    heap[a] = heap[b]!
    heap[b] = moved
  }
}
