import type { ReadTracker } from '../read-tracker.ts'
import { END } from '../source.ts'
import { type Operator, PAUSE, type Step, skipByRow } from './operator.ts'

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

  /** Of a count all that is noted is that it came to its end, unless a limit may stop it: then the rows are. */
  skip(most: number): number {
    if (this.#input.skip === undefined || this.#tracker.isLimited) return skipByRow(this)
    const count = this.#input.skip(most)
    if (count === END) this.#tracker.noteEnd()
    return count
  }

  close(): void {
    this.#input.close()
  }
}
