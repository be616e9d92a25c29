import type { RecordSource, RowCursor } from '../source.ts'
import type { Operator, Step } from './operator.ts'

/** Every record of the collection. */
export class CollectionScan implements Operator {
  readonly #cursor: RowCursor

  constructor(source: RecordSource) {
    this.#cursor = source.scan()
  }

  next(): Step {
    return this.#cursor.next()
  }

  close(): void {
    this.#cursor.close()
  }
}
