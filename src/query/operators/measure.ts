import { type Operator, PAUSE, type Step } from './operator.ts'

/** Counts the rows and the time of the operator below it, its inputs included: what explain shows. */
export class Measure implements Operator {
  readonly #input: Operator
  readonly #now: () => number
  rows = 0
  elapsedMs = 0

  constructor(input: Operator, now: () => number) {
    this.#input = input
    this.#now = now
  }

  next(): Step {
    const start = this.#now()
    const row = this.#input.next()
    this.elapsedMs += this.#now() - start
    if (row !== undefined && row !== PAUSE) this.rows++
    return row
  }

  note(): string | undefined {
    return this.#input.note?.()
  }

  close(): void {
    this.#input.close()
  }
}
