import { END, type Row } from '../source.ts'
import { type Operator, PAUSE, readByRow, type Step, skipByRow } from './operator.ts'

/** The rows of each input, one after the other. */
export class Concat implements Operator {
  readonly #inputs: readonly Operator[]
  #at = 0

  constructor(inputs: readonly Operator[]) {
    this.#inputs = inputs
  }

  next(): Step {
    const input = this.#inputs[this.#at]
    if (input === undefined) return undefined
    const step = input.next()
    if (step !== undefined) return step
    this.#at++
    return PAUSE
  }

  read(rows: Row[], most: number): number {
    const input = this.#inputs[this.#at]
    if (input === undefined) return END
    return this.#unlessEnded(input.read === undefined ? readByRow(input, rows) : input.read(rows, most))
  }

  skip(most: number): number {
    const input = this.#inputs[this.#at]
    if (input === undefined) return END
    return this.#unlessEnded(input.skip === undefined ? skipByRow(input) : input.skip(most))
  }

  close(): void {
    for (const input of this.#inputs) input.close()
  }

  /** The end of one input is a pause of the whole. */
  #unlessEnded(count: number): number {
    if (count !== END) return count
    this.#at++
    return 0
  }
}
