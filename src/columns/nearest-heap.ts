/** The k nearest so far: slots with their distances, the farthest on top of a heap; ties by an order of slots. */

/** A slot and how far it is. */
export interface Near {
  readonly slot: number
  readonly distance: number
}

export class NearestHeap {
  readonly #limit: number
  readonly #compareSlots: (a: number, b: number) => number
  readonly #heap: Near[] = []
  /** No slot farther than this is taken; as near may be. */
  worst: number = Infinity

  constructor(limit: number, compareSlots: (a: number, b: number) => number) {
    this.#limit = limit
    this.#compareSlots = compareSlots
  }

  offer(slot: number, distance: number): void {
    const heap = this.#heap
    const near = { slot, distance }
    if (heap.length < this.#limit) {
      heap.push(near)
      this.#rise()
    } else if (heap.length > 0 && this.#compare(near, heap[0]!) < 0) {
      heap[0] = near
      this.#sink()
    }
    if (heap.length === this.#limit && heap.length > 0) this.worst = heap[0]!.distance
  }

  /** The nearest first. */
  nearest(): Near[] {
    return [...this.#heap].sort((a, b) => this.#compare(a, b))
  }

  #compare(a: Near, b: Near): number {
    if (a.distance !== b.distance) return a.distance < b.distance ? -1 : 1
    return this.#compareSlots(a.slot, b.slot)
  }

  #rise(): void {
    const heap = this.#heap
    let at = heap.length - 1
    const near = heap[at]!
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#compare(near, heap[parent]!) <= 0) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = near
  }

  #sink(): void {
    const heap = this.#heap
    let at = 0
    const near = heap[0]!
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#compare(heap[child + 1]!, heap[child]!) > 0) child++
      if (this.#compare(near, heap[child]!) >= 0) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = near
  }
}
