import type { StoredRecord } from '../../base/values.ts'
import type { RecordTest } from '../expression.ts'
import type { PlanNode } from '../plan.ts'
import { compilePredicate } from '../predicate.ts'
import { END, type RecordSource, type Row, type RowCursor } from '../source.ts'
import { combine } from '../where.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'
import { ReadAhead } from './read-ahead.ts'

type IndexScanNode = Extract<PlanNode, { kind: 'indexScan' }>

/** The ranges of an index, one after the other: disjoint and ascending ranges make the whole come in index order. */
export class IndexScan implements Operator {
  readonly #source: RecordSource
  readonly #node: IndexScanNode
  readonly #ahead: ReadAhead
  #opened = 0
  #cursor: RowCursor | undefined
  /** Compiled when it is first asked: mostly every entry is sure. */
  #test: RecordTest | undefined

  constructor(source: RecordSource, node: IndexScanNode, mostAhead: number) {
    this.#source = source
    this.#node = node
    this.#ahead = new ReadAhead(mostAhead)
  }

  next(): Step {
    const row = this.#ahead.take()
    if (row !== undefined) return row
    for (let i = 0; i < STRIDE; i++) {
      const cursor = this.#cursor ?? this.#openNext()
      if (cursor === undefined) return undefined
      const count = this.#ahead.fill(cursor)
      if (count > 0) return this.#ahead.take()
      if (count !== END) return PAUSE
      this.#closeCursor()
    }
    return PAUSE
  }

  read(rows: Row[], most: number): number {
    const cursor = this.#cursor ?? this.#openNext()
    return cursor === undefined ? END : this.#unlessEnded(cursor.read(rows, most))
  }

  skip(most: number): number {
    const cursor = this.#cursor ?? this.#openNext()
    return cursor === undefined ? END : this.#unlessEnded(cursor.skip(most))
  }

  close(): void {
    this.#opened = this.#node.ranges.length
    this.#ahead.clear()
    this.#closeCursor()
  }

  /** The cursor of the next range; undefined behind the last. */
  #openNext(): RowCursor | undefined {
    const { index, ranges, reverse } = this.#node
    if (this.#opened === ranges.length) return undefined
    const at = reverse ? ranges.length - 1 - this.#opened : this.#opened
    this.#opened++
    this.#cursor = this.#source.scanIndex(index, ranges[at]!, reverse, (record) => this.#proves(record))
    return this.#cursor
  }

  /** The end of one range is a pause of the whole. */
  #unlessEnded(count: number): number {
    if (count !== END) return count
    this.#closeCursor()
    return 0
  }

  #closeCursor(): void {
    this.#cursor?.close()
    this.#cursor = undefined
  }

  #proves(record: StoredRecord): boolean {
    this.#test ??= compilePredicate(combine('and', this.#node.proven))
    return this.#test(record)
  }
}
