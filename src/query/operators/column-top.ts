import { TopRun } from '../../columns/top.ts'
import type { OrderKey } from '../query-data.ts'
import { END, type Row } from '../source.ts'
import type { ColumnInputs } from './column-inputs.ts'
import { type ColumnVisitor, ColumnWalk } from './column-walk.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'

export interface ColumnTopSpec {
  /** None of them is the id. */
  readonly orderBy: readonly OrderKey[]
  /** The direction of the ids of rows that tie. */
  readonly idDescending: boolean
  readonly count: number
}

/**
 * Rows among which are the first `count` of an order: these of all that the columns have, and every row that they do not
 * have as the snapshot sees it. In no order; a TopK above finishes them.
 */
export class ColumnTop implements Operator, ColumnVisitor {
  readonly #inputs: ColumnInputs
  readonly #spec: ColumnTopSpec
  readonly #walk: ColumnWalk
  #top: TopRun
  /** The newest commit when slots were last compared: later ones may have changed what the heap's slots held. */
  #commit: number
  #isWalked = false
  /** Slots whose rows are still to be read. */
  #slots: readonly number[] = []
  #at = 0
  #rows: Row[] = []

  constructor(inputs: ColumnInputs, spec: ColumnTopSpec) {
    this.#inputs = inputs
    this.#spec = spec
    this.#commit = inputs.own.derived.rows.newestCommit
    this.#top = this.#newTop()
    this.#walk = new ColumnWalk(inputs.own.derived, this, inputs.byValue)
  }

  next(): Step {
    const row = this.#rows.pop()
    if (row !== undefined) return row
    const count = this.read(this.#rows, 1)
    return count === END ? undefined : count === 0 ? PAUSE : this.#rows.pop()!
  }

  read(rows: Row[], most: number): number {
    if (this.#at < this.#slots.length) {
      const to = Math.min(this.#slots.length, this.#at + most)
      const count = this.#inputs.own.derived.readRows(this.#slots, this.#at, to, rows)
      this.#at = to
      return count
    }
    if (this.#rows.length > 0 && rows !== this.#rows) {
      const given = this.#rows.splice(0, most)
      rows.push(...given)
      return given.length
    }
    if (this.#isWalked) return END
    this.#setAside()
    if (this.#walk.step()) {
      this.#isWalked = true
      this.#take(this.#top.slots())
    }
    return 0
  }

  slots(from: number, to: number): void {
    this.#top.add(from, to)
  }

  row(record: Row): void {
    const row = this.#inputs.complete(record)
    if (row !== undefined) this.#rows.push(row)
  }

  close(): void {
    this.#isWalked = true
    this.#take([])
    this.#slots = []
    this.#at = 0
    this.#rows = []
  }

  /**
   * The best slots so far are compared with later ones by what the columns hold, which may be another's doing by now: when
   * commits came, they are given out as they are, and the rest is begun anew.
   */
  #setAside(): void {
    const { newestCommit } = this.#inputs.own.derived.rows
    if (newestCommit === this.#commit) return
    this.#commit = newestCommit
    this.#take(this.#top.slots())
    this.#top = this.#newTop()
  }

  #take(slots: readonly number[]): void {
    this.#slots = [...this.#slots.slice(this.#at), ...slots]
    this.#at = 0
  }

  #newTop(): TopRun {
    const { live, test, refOf, own } = this.#inputs
    const sign = this.#spec.idDescending ? -1 : 1
    return new TopRun(live, {
      keys: this.#spec.orderBy.map(({ path, descending, nulls }) => ({ ref: refOf(path), descending, nulls })),
      limit: this.#spec.count,
      ...(test === undefined ? {} : { where: test }),
      compareSlots: (a, b) => sign * own.derived.compareSlots(a, b),
    })
  }
}
