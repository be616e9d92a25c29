/** The best of many scored slots: a heap with the worst on top. */

/** Negative when slot `a` comes before slot `b`: breaks the ties of scores. */
export type SlotOrder = (a: number, b: number) => number

/** Slots with their scores, best first; both have one entry a slot. */
export interface Ranking {
  readonly slots: Uint32Array
  readonly scores: Float64Array
}

export class TopK {
  readonly #limit: number
  readonly #order: SlotOrder
  readonly #slots: number[] = []
  readonly #scores: number[] = []

  constructor(limit: number, order: SlotOrder) {
    this.#limit = limit
    this.#order = order
  }

  /** A score below this one has no chance. */
  get least(): number {
    if (this.#limit === 0) return Infinity
    return this.#slots.length < this.#limit ? 0 : this.#scores[0]!
  }

  offer(slot: number, score: number): void {
    const size = this.#slots.length
    if (size < this.#limit) {
      this.#slots.push(slot)
      this.#scores.push(score)
      this.#rise(size)
    } else if (size > 0 && this.#isWorse(this.#slots[0]!, this.#scores[0]!, slot, score)) {
      this.#slots[0] = slot
      this.#scores[0] = score
      this.#sink()
    }
  }

  /** What was kept, best first. */
  ranking(): Ranking {
    const order = this.#slots
      .map((_, i) => i)
      .sort((a, b) => this.#scores[b]! - this.#scores[a]! || this.#order(this.#slots[a]!, this.#slots[b]!))
    return {
      slots: Uint32Array.from(order, (i) => this.#slots[i]!),
      scores: Float64Array.from(order, (i) => this.#scores[i]!),
    }
  }

  #isWorse(slot: number, score: number, otherSlot: number, otherScore: number): boolean {
    return score < otherScore || (score === otherScore && this.#order(slot, otherSlot) > 0)
  }

  #rise(from: number): void {
    const slot = this.#slots[from]!
    const score = this.#scores[from]!
    let at = from
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#isWorse(slot, score, this.#slots[parent]!, this.#scores[parent]!)) break
      this.#move(parent, at)
      at = parent
    }
    this.#slots[at] = slot
    this.#scores[at] = score
  }

  #sink(): void {
    const size = this.#slots.length
    const slot = this.#slots[0]!
    const score = this.#scores[0]!
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      const right = child + 1
      if (
        right < size &&
        this.#isWorse(this.#slots[right]!, this.#scores[right]!, this.#slots[child]!, this.#scores[child]!)
      ) {
        child = right
      }
      if (!this.#isWorse(this.#slots[child]!, this.#scores[child]!, slot, score)) break
      this.#move(child, at)
      at = child
    }
    this.#slots[at] = slot
    this.#scores[at] = score
  }

  #move(from: number, to: number): void {
    this.#slots[to] = this.#slots[from]!
    this.#scores[to] = this.#scores[from]!
  }
}
