import type { Filter } from '../../columns/filter.ts'
import { readableSlots } from '../../columns/readable.ts'
import type { DerivedSource, Row } from '../source.ts'
import { STRIDE } from './operator.ts'

/** Slots of the first slice, so that a query that stops early does little, and of the largest: about half a millisecond. */
const FIRST_SLICE_SLOTS = 4_096
const MOST_SLICE_SLOTS = 65_536

/** Who takes the records of a collection in. */
export interface ColumnVisitor {
  /** The snapshot sees these slots as the columns have them; a slot may be empty there. */
  slots(from: number, to: number): void
  /** A record that the columns do not have as the snapshot sees it. */
  row(row: Row): void
}

/**
 * Goes once over all that a snapshot sees of a collection whose columns are prepared, in slices: what the columns have
 * for sure by the slots, all else by value (source.ts has the rule).
 */
export class ColumnWalk {
  readonly #derived: DerivedSource
  readonly #visitor: ColumnVisitor
  readonly #byValue: Filter | undefined
  readonly #end: number
  readonly #masked: ReadonlySet<number>
  #at = 0
  #sliceSlots = FIRST_SLICE_SLOTS
  /** Slots whose records go to the visitor by value. */
  #valued: number[] = []
  #valuedAt = 0
  #own: readonly Row[] | undefined
  #ownAt = 0

  /** Slots that pass `byValue` go to the visitor as rows too, beside being visited. */
  constructor(derived: DerivedSource, visitor: ColumnVisitor, byValue?: Filter) {
    this.#derived = derived
    this.#visitor = visitor
    this.#byValue = byValue
    this.#end = derived.rows.highSlot
    this.#masked = new Set(derived.maskedSlots)
  }

  /** Does some of the work. True when all was visited. */
  step(): boolean {
    this.#derived.assertAlive()
    if (this.#valuedAt < this.#valued.length) this.#visitValued()
    else if (this.#at < this.#end) this.#visitSlice()
    else this.#visitOwn()
    return this.#at === this.#end && this.#valuedAt === this.#valued.length && this.#ownAt === this.#own?.length
  }

  #visitSlice(): void {
    const derived = this.#derived
    const from = this.#at
    const to = Math.min(this.#end, from + this.#sliceSlots)
    this.#at = to
    this.#sliceSlots = Math.min(MOST_SLICE_SLOTS, 2 * this.#sliceSlots)
    this.#valuedAt = 0
    if (derived.isNewest) {
      this.#valued = []
      this.#visitRange(from, to)
      return
    }
    const changed = derived.changedSlots(from, to)
    this.#valued = this.#masked.size === 0 ? changed : changed.filter((slot) => !this.#masked.has(slot))
    const masked = derived.maskedSlots
    const { ranges } = readableSlots(derived.rows, { snapshot: derived.snapshot, from, to, masked })
    for (let i = 0; i < ranges.length; i += 2) this.#visitRange(ranges[i]!, ranges[i + 1]!)
  }

  #visitRange(from: number, to: number): void {
    this.#visitor.slots(from, to)
    if (this.#byValue === undefined) return
    const slots = new Uint32Array(to - from)
    const count = this.#byValue.select(from, to, slots)
    for (let k = 0; k < count; k++) this.#valued.push(slots[k]!)
  }

  #visitValued(): void {
    const end = Math.min(this.#valued.length, this.#valuedAt + STRIDE)
    for (; this.#valuedAt < end; this.#valuedAt++) {
      const row = this.#derived.recordAt(this.#valued[this.#valuedAt]!)
      if (row !== undefined) this.#visitor.row(row)
    }
  }

  #visitOwn(): void {
    this.#own ??= this.#derived.ownRows()
    const end = Math.min(this.#own.length, this.#ownAt + STRIDE)
    for (; this.#ownAt < end; this.#ownAt++) this.#visitor.row(this.#own[this.#ownAt]!)
  }
}
