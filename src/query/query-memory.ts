import { BlazeError } from '../base/errors.ts'

/** What a row, a key or a value that is kept takes, taken for all: an object of some fields. */
const BYTES_HELD = 200

/** The memory of one run of a query: what its operators collect is counted, and bounded. */
export class QueryMemory {
  readonly #limit: number
  #held = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  /** So many rows, keys or values more are held; MEMORY_LIMIT when that is too much. `what` says who holds them. */
  hold(count: number, what: string): void {
    this.#held += count
    const actual = this.#held * BYTES_HELD
    if (actual <= this.#limit) return
    throw new BlazeError(
      'MEMORY_LIMIT',
      `The query was ended: ${what} holds about ${actual} bytes, and ${this.#limit} are allowed. Nothing was changed. Filter more, take a limit or an index that gives the order, or open the database with more memoryBytes.`,
      { limit: this.#limit, actual },
    )
  }

  /** So many are let go. */
  release(count: number): void {
    this.#held -= count
  }
}
