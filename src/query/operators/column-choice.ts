import { invalidQuery } from '../capture.ts'
import { END, type Row } from '../source.ts'
import type { ColumnInputs } from './column-inputs.ts'
import { type Operator, PAUSE, readByRow, type Step, skipByRow } from './operator.ts'

/**
 * Runs over columns once they are prepared; by rows, when a column turns out not to be had. That is decided before the
 * first row.
 */
export class ColumnChoice implements Operator {
  readonly #inputs: ColumnInputs
  readonly #overColumns: (inputs: ColumnInputs) => Operator
  readonly #overRows: (() => Operator) | undefined
  #chosen: Operator | undefined
  #isOpen = true

  /** Without `overRows` the query demands columns: INVALID_QUERY when they cannot be had. */
  constructor(
    inputs: ColumnInputs,
    overColumns: (inputs: ColumnInputs) => Operator,
    overRows: (() => Operator) | undefined,
  ) {
    this.#inputs = inputs
    this.#overColumns = overColumns
    this.#overRows = overRows
  }

  next(): Step {
    const chosen = this.#choose()
    return chosen === undefined ? (this.#isOpen ? PAUSE : undefined) : chosen.next()
  }

  read(rows: Row[], most: number): number {
    const chosen = this.#choose()
    if (chosen === undefined) return this.#isOpen ? 0 : END
    return chosen.read === undefined ? readByRow(chosen, rows) : chosen.read(rows, most)
  }

  skip(most: number): number {
    const chosen = this.#choose()
    if (chosen === undefined) return this.#isOpen ? 0 : END
    return chosen.skip === undefined ? skipByRow(chosen) : chosen.skip(most)
  }

  note(): string | undefined {
    const { refusal } = this.#inputs
    return refusal === undefined ? undefined : `by rows, for want of a column: ${refusal}`
  }

  close(): void {
    this.#isOpen = false
    this.#chosen?.close()
  }

  /** Undefined while it is not known, and after a close before that. */
  #choose(): Operator | undefined {
    if (this.#chosen !== undefined) return this.#chosen
    if (!this.#isOpen || !this.#inputs.step()) return undefined
    const { refusal } = this.#inputs
    if (refusal === undefined) this.#chosen = this.#overColumns(this.#inputs)
    else if (this.#overRows !== undefined) this.#chosen = this.#overRows()
    else throw invalidQuery('hint', `columns cannot be used here: ${refusal}`)
    return this.#chosen
  }
}
