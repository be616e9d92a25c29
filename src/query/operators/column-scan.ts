import { invariant } from '../../base/invariant.ts'
import { compileFilter, type Filter } from '../../columns/filter.ts'
import { END, type Row } from '../source.ts'
import type { ColumnInputs } from './column-inputs.ts'
import { type ColumnVisitor, ColumnWalk } from './column-walk.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'

/**
 * The records whose columns pass a filter, with those they look up. Counting decodes none of them; who has begun to count
 * goes on counting.
 */
export class ColumnScan implements Operator, ColumnVisitor {
  readonly #inputs: ColumnInputs
  readonly #filter: Filter
  readonly #walk: ColumnWalk
  readonly #mostAhead: number
  /** Rows read ahead for `next`. */
  readonly #ahead: Row[] = []
  #aheadAt = 0
  /** Slots that passed and were not given yet. */
  #slots = new Uint32Array(0)
  #count = 0
  #at = 0
  /** Rows that passed by value and were not given yet. */
  #rows: Row[] = []
  #isCounting = false
  /** Rows counted and not told yet. */
  #counted = 0
  #isOver = false

  constructor(inputs: ColumnInputs, mostAhead: number) {
    this.#inputs = inputs
    this.#filter = compileFilter(inputs.live, inputs.test)
    this.#walk = new ColumnWalk(inputs.own.derived, this, inputs.byValue)
    this.#mostAhead = mostAhead
  }

  next(): Step {
    if (this.#aheadAt === this.#ahead.length) {
      this.#ahead.length = 0
      this.#aheadAt = 0
      const count = this.read(this.#ahead, this.#mostAhead)
      if (count <= 0) return count === END ? undefined : PAUSE
    }
    return this.#ahead[this.#aheadAt++]!
  }

  read(rows: Row[], most: number): number {
    invariant(this.#counted === 0, () => 'rows are asked for that were counted')
    this.#isCounting = false
    if (this.#at === this.#count && this.#rows.length === 0 && !this.#advance()) return END
    if (this.#at < this.#count) return this.#readSlots(rows, most)
    const given = this.#rows.splice(0, most)
    rows.push(...given)
    return given.length
  }

  skip(most: number): number {
    if (this.#aheadAt < this.#ahead.length) {
      this.#aheadAt++
      return 1
    }
    const pending = this.#count - this.#at + this.#rows.length
    if (pending > 0) {
      this.#counted += pending
      this.#at = this.#count
      this.#rows = []
    }
    this.#isCounting = true
    if (this.#counted === 0 && !this.#advance()) return END
    const told = Math.min(most, this.#counted)
    this.#counted -= told
    return told
  }

  slots(from: number, to: number): void {
    if (this.#isCounting) {
      this.#counted += this.#filter.count(from, to)
      return
    }
    this.#reserve(this.#count + to - from)
    this.#count += this.#filter.select(from, to, this.#count === 0 ? this.#slots : this.#slots.subarray(this.#count))
  }

  row(record: Row): void {
    const row = this.#inputs.complete(record)
    if (row === undefined) return
    if (this.#isCounting) this.#counted++
    else this.#rows.push(row)
  }

  close(): void {
    this.#isOver = true
    this.#count = 0
    this.#at = 0
    this.#counted = 0
    this.#rows = []
    this.#ahead.length = 0
    this.#aheadAt = 0
  }

  /** False at the end. */
  #advance(): boolean {
    if (this.#isOver) return false
    this.#count = 0
    this.#at = 0
    this.#isOver = this.#walk.step()
    return true
  }

  #readSlots(rows: Row[], most: number): number {
    const start = rows.length
    const to = Math.min(this.#count, this.#at + most)
    this.#inputs.own.derived.readRows(this.#slots, this.#at, to, rows)
    this.#at = to
    let end = start
    for (let i = start; i < rows.length; i++) {
      const row = this.#inputs.joined(rows[i]!)
      if (row !== undefined) rows[end++] = row
    }
    while (rows.length > end) rows.pop()
    return end - start
  }

  /** Room for so many slots, those that are there kept. */
  #reserve(count: number): void {
    if (count <= this.#slots.length) return
    const slots = new Uint32Array(Math.max(count, 2 * this.#slots.length))
    slots.set(this.#slots.subarray(0, this.#count))
    this.#slots = slots
  }
}
