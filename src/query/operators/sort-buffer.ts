/**
 * Sorts without ever working for long in one call: rows are sorted in runs of RUN_SIZE as they come, and the runs are
 * merged row by row as they are taken out, by a heap of the runs' heads.
 */
import type { PlacedRow, RowKey } from '../row-order.ts'

/** About half a millisecond to sort; a million rows make a thousand runs, ten comparisons a row to merge. */
const RUN_SIZE = 1_024

type Compare = (a: RowKey, b: RowKey) => number

interface Run<P> {
  readonly rows: P[]
  at: number
}

export class SortBuffer<P extends RowKey = PlacedRow> {
  readonly #compare: Compare
  #current: P[] = []
  #runs: Run<P>[] = []
  #isMerging = false

  constructor(compare: Compare) {
    this.#compare = compare
  }

  /** Takes a row in. Not after the first `take`, until `clear`. */
  add(row: P): void {
    this.#current.push(row)
    if (this.#current.length === RUN_SIZE) this.#endRun()
  }

  /** The next row in order, or undefined when all were taken. */
  take(): P | undefined {
    if (!this.#isMerging) this.#startMerge()
    const heap = this.#runs
    const first = heap[0]
    if (first === undefined) return undefined
    const row = first.rows[first.at++]!
    if (first.at === first.rows.length) {
      const last = heap.pop()!
      if (heap.length > 0) heap[0] = last
    }
    this.#sink(0)
    return row
  }

  clear(): void {
    this.#current = []
    this.#runs = []
    this.#isMerging = false
  }

  #endRun(): void {
    this.#runs.push({ rows: this.#current.sort(this.#compare), at: 0 })
    this.#current = []
  }

  #startMerge(): void {
    if (this.#current.length > 0) this.#endRun()
    for (let at = (this.#runs.length >> 1) - 1; at >= 0; at--) this.#sink(at)
    this.#isMerging = true
  }

  /** Moves the run at `at` down until both below it begin later. */
  #sink(at: number): void {
    const heap = this.#runs
    const count = heap.length
    for (let child = 2 * at + 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && this.#headOrder(heap[child + 1]!, heap[child]!) < 0) child++
      if (this.#headOrder(heap[at]!, heap[child]!) <= 0) return
      const moved = heap[at]!
      heap[at] = heap[child]!
      heap[child] = moved
      at = child
    }
  }

  #headOrder(a: Run<P>, b: Run<P>): number {
    return this.#compare(a.rows[a.at]!, b.rows[b.at]!)
  }
}
