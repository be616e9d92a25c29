import type { ReadTracker } from '../read-tracker.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'

/** Notes every row that goes to the caller, for serializable validation. Stands above everything but the projection. */
export class Track implements Operator {
  readonly #input: Operator
  readonly #tracker: ReadTracker

  constructor(input: Operator, tracker: ReadTracker) {
    this.#input = input
    this.#tracker = tracker
  }

  next(): Step {
    const row = this.#input.next()
    if (row === undefined) this.#tracker.noteEnd()
    else if (row !== PAUSE) this.#tracker.noteRow(row)
    return row
  }

  close(): void {
    this.#input.close()
  }
}
