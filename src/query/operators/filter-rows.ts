import type { RecordTest } from '../predicate.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** The rows for which the test holds. */
export class FilterRows implements Operator {
  readonly #input: Operator
  readonly #test: RecordTest

  constructor(input: Operator, test: RecordTest) {
    this.#input = input
    this.#test = test
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#input.next()
      if (row === undefined || row === PAUSE || this.#test(row)) return row
    }
    return PAUSE
  }

  close(): void {
    this.#input.close()
  }
}
