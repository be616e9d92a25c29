/**
 * Windows: all rows are taken in, parted and ordered as each field asks (fields that ask the same share the work), the
 * fields are worked out along each order, and the rows are given out again as they came. Each of it row by row, so that
 * no partition, however large, is worked on for long in one call.
 */
import { heldBytes, type MemoryShare, PLACE_BYTES, type QueryMemory } from '../query-memory.ts'
import { setField } from '../row-fields.ts'
import type { Row } from '../source.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'
import { type CompiledWindow, FieldOfWindow } from './window-field.ts'
import { WindowOrder } from './window-order.ts'

/** A value of a field, in a list of them. */
export const VALUE_BYTES = 16

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
