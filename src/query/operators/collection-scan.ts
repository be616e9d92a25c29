import { compileCondition } from '../predicate.ts'
import type { FieldPredicate } from '../query-data.ts'
import { END, type RecordSource, type Row, type RowCursor } from '../source.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'
import { ReadAhead } from './read-ahead.ts'

/** Every record of the collection. */
export class CollectionScan implements Operator {
  readonly #cursor: RowCursor
  readonly #ahead: ReadAhead

  /** `early`: what fails it may be left out. */
  constructor(source: RecordSource, early: FieldPredicate | undefined, mostAhead: number) {
    this.#cursor = source.scan(early && { path: early.path, test: compileCondition(early.test) })
    this.#ahead = new ReadAhead(mostAhead)
  }

  next(): Step {
    const row = this.#ahead.take()
    if (row !== undefined) return row
    const count = this.#ahead.fill(this.#cursor)
    return count > 0 ? this.#ahead.take() : count === END ? undefined : PAUSE
  }

  read(rows: Row[], most: number): number {
    return this.#cursor.read(rows, most)
  }

  skip(most: number): number {
    return this.#cursor.skip(most)
  }

  close(): void {
    this.#ahead.clear()
    this.#cursor.close()
  }
}
