/**
 * Windows: all rows are taken in, parted and ordered as each field asks (fields that ask the same share the work), the
 * fields are worked out along each order, and the rows are given out again as they came. Each of it row by row, so that
 * no partition, however large, is worked on for long in one call.
 */
import { copyValue } from '../../base/copy-value.ts'
import type { Value } from '../../base/values.ts'
import type { Accumulator } from '../aggregates.ts'
import type { RowValue } from '../expression.ts'
import type { WindowFunction } from '../query-data.ts'
import { heldBytes, type MemoryShare, PLACE_BYTES, type QueryMemory } from '../query-memory.ts'
import { setField } from '../row-fields.ts'
import type { Row } from '../source.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'
import { type Arrangement, WindowOrder } from './window-order.ts'

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

/** A value of a field, in a list of them. */
const VALUE_BYTES = 16

export class WindowRows implements Operator {
  readonly #input: Operator
  readonly #share: MemoryShare
  readonly #names: readonly string[]
  readonly #orders: readonly WindowOrder[]
  readonly #fields: readonly FieldOfWindow[]
  readonly #rows: Row[] = []
  #phase: 'collect' | 'sort' | 'compute' | 'give' = 'collect'
  /** What the phase comes to next: an order or a field, and a row of it. */
  #which = 0
  #at = 0

  constructor(input: Operator, fields: readonly CompiledWindow[], memory: QueryMemory) {
    this.#input = input
    this.#share = memory.share('the rows of windows')
    this.#names = fields.map(({ name }) => name)
    const orders = new Map<string, WindowOrder>()
    this.#fields = fields.map((field) => {
      const order = orders.get(field.sharedBy) ?? new WindowOrder(field.arrangement)
      orders.set(field.sharedBy, order)
      return new FieldOfWindow(field, order)
    })
    this.#orders = [...orders.values()]
  }

  next(): Step {
    for (let i = 0; this.#phase !== 'give'; i++) {
      if (i === STRIDE) return PAUSE
      if (this.#phase === 'collect') {
        const row = this.#input.next()
        if (row === PAUSE) return PAUSE
        this.#collect(row)
      } else if (this.#phase === 'sort') this.#sort()
      else this.#compute()
    }
    return this.#give()
  }

  close(): void {
    this.#phase = 'give'
    this.#rows.length = 0
    for (const order of this.#orders) order.clear()
    for (const field of this.#fields) field.clear()
    this.#share.releaseAll()
    this.#input.close()
  }

  #collect(row: Row | undefined): void {
    if (row === undefined) {
      this.#phase = 'sort'
      return
    }
    this.#share.take(heldBytes(row) + PLACE_BYTES * this.#orders.length + VALUE_BYTES * this.#fields.length)
    for (let i = 0; i < this.#orders.length; i++) this.#orders[i]!.add(row, this.#rows.length)
    this.#rows.push(row)
  }

  #sort(): void {
    const order = this.#orders[this.#which]
    if (order === undefined) {
      this.#phase = 'compute'
      this.#which = 0
    } else if (!order.take()) this.#which++
  }

  #compute(): void {
    const field = this.#fields[this.#which]
    if (field === undefined) {
      this.#phase = 'give'
      this.#at = 0
    } else if (this.#at === this.#rows.length) {
      this.#at = 0
      this.#which++
    } else field.step(this.#at++)
  }

  #give(): Step {
    const at = this.#at++
    const row = this.#rows[at]
    if (row === undefined) return undefined
    for (let i = 0; i < this.#fields.length; i++) setField(row, this.#names[i]!, this.#fields[i]!.valueOf(at))
    return row
  }
}

/** One field along its order, row by row. */
class FieldOfWindow {
  readonly #field: CompiledWindow
  readonly #order: WindowOrder
  /** An aggregate without an order is of the whole partition. */
  readonly #isOfWhole: boolean
  /** By the row's number in the input; of a whole partition by the partition's. */
  #values: (Value | undefined)[] = []
  #partitionOf: number[] = []
  #accumulator: Accumulator | undefined
  #inPartition = 0
  #rank = 0

  constructor(field: CompiledWindow, order: WindowOrder) {
    this.#field = field
    this.#order = order
    this.#isOfWhole = !field.isOrdered && isAggregate(field.fn)
  }

  /** Takes the row at this place of the order. To be called for each in turn. */
  step(place: number): void {
    const { rows } = this.#order
    if (place === 0) {
      // Filled in the order of places, which jumps about: an array that grew that way would become a slow one.
      this.#values = new Array<Value | undefined>(rows.length).fill(undefined)
      if (this.#isOfWhole) this.#partitionOf = new Array<number>(rows.length).fill(0)
    }
    const { row, at, partition } = rows[place]!
    if (!this.#order.areTogether(place, place - 1)) this.#begin()
    this.#inPartition++
    const value = this.#next(place, row)
    // A copy, taken before any row is handed out: it may be of a row that is its caller's to change by then.
    if (!this.#isOfWhole) this.#values[at] = copyValue(value)
    else {
      this.#partitionOf[at] = partition
      if (!this.#order.areTogether(place, place + 1)) this.#values[partition] = copyValue(this.#accumulator!.result())
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

  #next(place: number, row: Row): Value | undefined {
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
        this.#accumulator!.add(row)
        return this.#isOfWhole ? undefined : this.#accumulator!.result()
    }
  }

  /** The value of another row, missing where it is there. */
  #valueAway(place: number, distance: number): Value | undefined {
    const other = place + distance
    if (!this.#order.areTogether(place, other)) return this.#field.fallback
    return this.#field.of!(this.#order.rows[other]!.row)
  }
}

function isAggregate(fn: WindowFunction): boolean {
  return fn !== 'rowNumber' && fn !== 'rank' && fn !== 'denseRank' && fn !== 'lag' && fn !== 'lead'
}
