import { copyValue } from '../../base/copy-value.ts'
import type { Value } from '../../base/values.ts'
import type { Accumulator } from '../aggregates.ts'
import type { RowValue } from '../expression.ts'
import type { WindowFunction } from '../query-data.ts'
import type { ArrangedRows } from './arranged-rows.ts'
import type { Arrangement } from './window-order.ts'

/** One field, ready to be worked out. */
export interface CompiledWindow {
  readonly name: string
  readonly fn: WindowFunction
  readonly of: RowValue | undefined
  readonly distance: number
  readonly fallback: Value
  readonly isOrdered: boolean
  /** Of aggregates. */
  readonly makeRunning: () => Accumulator
  readonly arrangement: Arrangement
  /** Fields with equal ones are parted and ordered alike. */
  readonly sharedBy: string
}

/** One field along its order, row by row. */
export class FieldOfWindow {
  readonly #field: CompiledWindow
  readonly #order: ArrangedRows
  /** An aggregate without an order is of the whole partition. */
  readonly #isOfWhole: boolean
  /** By the row's number in the input; of a whole partition by the partition's. */
  #values: (Value | undefined)[] = []
  #partitionOf: number[] = []
  #accumulator: Accumulator | undefined
  #inPartition = 0
  #rank = 0

  constructor(field: CompiledWindow, order: ArrangedRows) {
    this.#field = field
    this.#order = order
    this.#isOfWhole = !field.isOrdered && isAggregate(field.fn)
  }

  /** Takes the row at this place of the order. To be called for each in turn. */
  step(place: number): void {
    const order = this.#order
    if (place === 0) {
      // Filled in the order of places, which jumps about: an array that grew that way would become a slow one.
      this.#values = new Array<Value | undefined>(order.count).fill(undefined)
      if (this.#isOfWhole) this.#partitionOf = new Array<number>(order.count).fill(0)
    }
    const at = order.numberAt(place)
    if (!order.areTogether(place, place - 1)) this.#begin()
    this.#inPartition++
    const value = this.#next(place)
    // A copy, taken before any row is handed out: it may be of a row that is its caller's to change by then.
    if (!this.#isOfWhole) this.#values[at] = copyValue(value)
    else {
      const partition = order.partitionAt(place)
      this.#partitionOf[at] = partition
      if (!order.areTogether(place, place + 1)) this.#values[partition] = copyValue(this.#accumulator!.result())
    }
  }

  /** A value of its own: several rows may have the same. */
  valueOf(at: number): Value | undefined {
    return this.#isOfWhole ? copyValue(this.#values[this.#partitionOf[at]!]) : this.#values[at]
  }

  clear(): void {
    this.#values = []
    this.#partitionOf = []
  }

  #begin(): void {
    this.#inPartition = 0
    this.#rank = 0
    this.#accumulator = isAggregate(this.#field.fn) ? this.#field.makeRunning() : undefined
  }

  #next(place: number): Value | undefined {
    switch (this.#field.fn) {
      case 'rowNumber':
        return this.#inPartition
      case 'rank':
        if (!this.#order.areTied(place, place - 1)) this.#rank = this.#inPartition
        return this.#rank
      case 'denseRank':
        if (!this.#order.areTied(place, place - 1)) this.#rank++
        return this.#rank
      case 'lag':
        return this.#valueAway(place, -this.#field.distance)
      case 'lead':
        return this.#valueAway(place, this.#field.distance)
      default:
        this.#accumulator!.add(this.#order.rowAt(place))
        return this.#isOfWhole ? undefined : this.#accumulator!.result()
    }
  }

  /** The value of another row, missing where it is there. */
  #valueAway(place: number, distance: number): Value | undefined {
    const other = place + distance
    if (!this.#order.areTogether(place, other)) return this.#field.fallback
    return this.#field.of!(this.#order.rowAt(other))
  }
}

function isAggregate(fn: WindowFunction): boolean {
  return fn !== 'rowNumber' && fn !== 'rank' && fn !== 'denseRank' && fn !== 'lag' && fn !== 'lead'
}
