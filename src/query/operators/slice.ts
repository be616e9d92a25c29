import { END } from '../source.ts'
import { type Operator, PAUSE, STRIDE, type Step, skipByRow } from './operator.ts'

/** Leaves out the first `offset` rows and gives at most `limit` of the rest. */
export class Slice implements Operator {
  readonly #input: Operator
  #toSkip: number
  #toGive: number

  constructor(input: Operator, offset: number, limit: number | undefined) {
    this.#input = input
    this.#toSkip = offset
    this.#toGive = limit ?? Number.POSITIVE_INFINITY
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      if (this.#toGive === 0) return undefined
      const row = this.#input.next()
      if (row === undefined || row === PAUSE) return row
      if (this.#toSkip > 0) {
        this.#toSkip--
        continue
      }
      this.#toGive--
      return row
    }
    return PAUSE
  }

  skip(most: number): number {
    if (this.#input.skip === undefined || this.#toSkip > 0) return skipByRow(this)
    if (this.#toGive === 0) return END
    const count = this.#input.skip(Math.min(most, this.#toGive))
    if (count > 0) this.#toGive -= count
    return count
  }

  close(): void {
    this.#toGive = 0
    this.#input.close()
  }
}
