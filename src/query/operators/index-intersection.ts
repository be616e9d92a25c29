import { invariant } from '../../base/invariant.ts'
import type { IndexScanNode } from '../plan.ts'
import { type DerivedSource, END, type RecordSource, type Row } from '../source.ts'
import { IndexScan } from './index-scan.ts'
import { type Operator, PAUSE, readByRow, type Step } from './operator.ts'

/** The records that all of the indexes have in their ranges, found by record numbers before any record is read. */
export class IndexIntersection implements Operator {
  readonly #source: RecordSource
  readonly #scans: readonly IndexScanNode[]
  readonly #mostAhead: number
  /** The record numbers in all indexes. */
  #slots: Uint32Array | undefined
  #at = 0
  /** Reads one index alone, where record numbers do not tell what the snapshot sees. */
  #alone: IndexScan | undefined

  /** `scans`: the one with the fewest entries first. */
  constructor(source: RecordSource, scans: readonly IndexScanNode[], mostAhead: number) {
    this.#source = source
    this.#scans = scans
    this.#mostAhead = mostAhead
  }

  next(): Step {
    if (this.#slots === undefined && this.#alone === undefined) {
      this.#open()
      return PAUSE
    }
    if (this.#alone !== undefined) return this.#alone.next()
    const slot = this.#slots![this.#at++]
    if (slot === undefined) return undefined
    const row = this.#derived().recordAt(slot)
    invariant(row !== undefined, () => `a record that two indexes have at ${slot} is gone`)
    return row
  }

  read(rows: Row[], most: number): number {
    if (this.#alone !== undefined) return this.#alone.read(rows, most)
    if (this.#slots === undefined) return readByRow(this, rows)
    const end = Math.min(this.#slots.length, this.#at + most)
    if (this.#at === end) return END
    const count = this.#derived().readRows(this.#slots, this.#at, end, rows)
    this.#at = end
    return count
  }

  close(): void {
    this.#slots = new Uint32Array(0)
    this.#at = 0
    this.#alone?.close()
  }

  #open(): void {
    let common: Uint32Array | undefined
    for (const { index, ranges } of this.#scans) {
      const slots = this.#source.slotsIn?.(index, ranges)
      if (slots === undefined) {
        this.#alone = new IndexScan(this.#source, this.#scans[0]!, this.#mostAhead)
        return
      }
      common = common === undefined ? slots.sort() : inBoth(common, slots.sort())
    }
    this.#slots = common
  }

  #derived(): DerivedSource {
    const { derived } = this.#source
    invariant(derived !== undefined, () => 'a source that gives record numbers reads them')
    return derived
  }
}

/** What two ascending lists share, each once. */
function inBoth(a: Uint32Array, b: Uint32Array): Uint32Array {
  const shared = new Uint32Array(Math.min(a.length, b.length))
  let [count, i, j] = [0, 0, 0]
  while (i < a.length && j < b.length) {
    const [left, right] = [a[i]!, b[j]!]
    if (left < right) i++
    else if (left > right) j++
    else {
      if (count === 0 || shared[count - 1] !== left) shared[count++] = left
      i++
      j++
    }
  }
  return shared.subarray(0, count)
}
