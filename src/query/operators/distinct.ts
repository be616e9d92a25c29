import type { RecordId } from '../../base/ids.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** Each record once, at its first coming. */
export class Distinct implements Operator {
  readonly #input: Operator
  readonly #seen = new Set<RecordId>()

  constructor(input: Operator) {
    this.#input = input
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#input.next()
      if (row === undefined || row === PAUSE) return row
      if (this.#seen.has(row.id)) continue
      this.#seen.add(row.id)
      return row
    }
    return PAUSE
  }

  close(): void {
    this.#seen.clear()
    this.#input.close()
  }
}
