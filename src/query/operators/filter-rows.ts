import type { RecordTest } from '../expression.ts'
import type { Row } from '../source.ts'
import { type Operator, PAUSE, readByRow, STRIDE, type Step } from './operator.ts'

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

  read(rows: Row[], most: number): number {
    const start = rows.length
    const count = this.#input.read === undefined ? readByRow(this.#input, rows) : this.#input.read(rows, most)
    let end = start
    for (let i = start; i < rows.length; i++) if (this.#test(rows[i]!)) rows[end++] = rows[i]!
    // Setting the length of a long array is a call into the runtime each time.
    while (rows.length > end) rows.pop()
    return count > 0 ? end - start : count
  }

  close(): void {
    this.#input.close()
  }
}
