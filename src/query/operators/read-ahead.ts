import type { Row, RowCursor } from '../source.ts'

/** Records read at once where all are wanted: longer stretches save nothing more, and hold up a yielding run. */
export const MOST_AHEAD = 32

/** Rows of a cursor one by one, read some at a time. */
export class ReadAhead {
  readonly #most: number
  readonly #rows: Row[] = []
  #at = 0

  /** `most`: records to read at once; 1 where each may be the last that is wanted. */
  constructor(most: number) {
    this.#most = most
  }

  /** The next row; undefined when there is none at hand. */
  take(): Row | undefined {
    return this.#at < this.#rows.length ? this.#rows[this.#at++] : undefined
  }

  /** Reads on, when all is taken: how many, as RowCursor.read has it. */
  fill(cursor: RowCursor): number {
    this.clear()
    return cursor.read(this.#rows, this.#most)
  }

  /** Forgets what was read and not taken. */
  clear(): void {
    this.#rows.length = 0
    this.#at = 0
  }
}
