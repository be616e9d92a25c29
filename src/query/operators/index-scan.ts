import type { KeyBounds } from '../../indexes/key-bounds.ts'
import type { IndexInfo, RecordSource, RowCursor } from '../source.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** The ranges of an index, one after the other: disjoint and ascending ranges make the whole come in index order. */
export class IndexScan implements Operator {
  readonly #source: RecordSource
  readonly #index: IndexInfo
  readonly #ranges: readonly KeyBounds[]
  readonly #reverse: boolean
  #opened = 0
  #cursor: RowCursor | undefined

  constructor(source: RecordSource, index: IndexInfo, ranges: readonly KeyBounds[], reverse: boolean) {
    this.#source = source
    this.#index = index
    this.#ranges = ranges
    this.#reverse = reverse
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      if (this.#cursor === undefined) {
        if (this.#opened === this.#ranges.length) return undefined
        const at = this.#reverse ? this.#ranges.length - 1 - this.#opened : this.#opened
        this.#opened++
        this.#cursor = this.#source.scanIndex(this.#index, this.#ranges[at]!, this.#reverse)
      }
      const row = this.#cursor.next()
      if (row !== undefined) return row
      this.#cursor.close()
      this.#cursor = undefined
    }
    return PAUSE
  }

  close(): void {
    this.#opened = this.#ranges.length
    this.#cursor?.close()
    this.#cursor = undefined
  }
}
