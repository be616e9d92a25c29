/**
 * Aggregates: one accumulator a group and aggregate takes the rows one by one. Null and missing are passed over. Sums of
 * integers within 2^53 are exact; others are compensated, so that the order of the rows hardly matters (A. Neumaier,
 * "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974).
 */
import { copyValue } from '../base/copy-value.ts'
import type { StoredRecord, Value } from '../base/values.ts'
import { compareValues } from '../codec/order.ts'
import { describe, invalidQuery } from './capture.ts'
import type { RecordTest, RowValue, Surroundings } from './expression.ts'
import { SortBuffer } from './operators/sort-buffer.ts'
import { compileExpression, compilePredicate } from './predicate.ts'
import { expressionText } from './predicate-text.ts'
import type { Aggregate, Expression, OrderKey, WindowFunction } from './query-data.ts'
import { heldBytes, type MemoryShare, PLACE_BYTES } from './query-memory.ts'
import { nameOfRow } from './row-fields.ts'
import { compileOrder, type PlacedRow, type RowOrder } from './row-order.ts'
import { type ValueKey, valueKey } from './value-key.ts'

/** Takes the rows of one group. */
export interface Accumulator {
  add(row: StoredRecord): void
  /** Works for a while towards the result; true when it is ready. Absent where there is nothing to do. */
  settle?(): boolean
  /** A fresh value. */
  result(): Value
}

/** An aggregate, ready to be worked out for one group after the other. */
export interface CompiledAggregate {
  readonly name: string
  readonly where: RecordTest | undefined
  /** The accumulator of a group; what it holds is taken of the share. */
  make(share: MemoryShare): Accumulator
}

/** An aggregate of groups; `identity` decides ties of its order. */
export function compileAggregate(
  aggregate: Aggregate,
  identity: readonly OrderKey[],
  surroundings?: Surroundings,
): CompiledAggregate {
  const { name, where } = aggregate
  const test = where === undefined ? undefined : compilePredicate(where, surroundings)
  return { name, where: test, make: compileMake(aggregate, identity, surroundings) }
}

function compileMake(
  { fn, of, fraction, orderBy }: Aggregate,
  identity: readonly OrderKey[],
  surroundings: Surroundings | undefined,
): CompiledAggregate['make'] {
  if (of === undefined) return () => new CountRows()
  const value = compileExpression(of, surroundings)
  switch (fn) {
    case 'countDistinct':
      return (share) => new CountDistinct(value, share)
    case 'median':
      return (share) => new Percentile(of, value, 0.5, share)
    case 'percentile':
      return (share) => new Percentile(of, value, fraction ?? 0, share)
    case 'array': {
      const order = orderOf(orderBy, identity)
      return (share) => new Collected(value, order, share)
    }
    case 'first':
    case 'last': {
      const order = orderOf(orderBy, identity)
      return () => new OrderedEdge(value, order, fn === 'first' ? 1 : -1)
    }
    default:
      return () => makeRunning(fn, of, value)
  }
}

/** Makes the accumulators of a window's aggregate, which tell after each row how it stands so far. */
export function compileRunning(fn: WindowFunction, of: Expression | undefined): () => Accumulator {
  if (of === undefined) return () => new CountRows()
  const value = compileExpression(of)
  return () => makeRunning(fn, of, value)
}

/** What windows and groups share; first and last by the order in which the rows come. */
function makeRunning(fn: WindowFunction, of: Expression, value: RowValue): Accumulator {
  switch (fn) {
    case 'sum':
    case 'avg':
      return new Sum(of, value, fn === 'avg')
    case 'min':
    case 'max':
      return new Extreme(value, fn === 'min' ? -1 : 1)
    case 'first':
    case 'last':
      return new Edge(value, fn === 'last')
    default:
      return new CountValues(value)
  }
}

/** The order of the rows of a group, ties decided in the direction of its last key. */
function orderOf(orderBy: readonly OrderKey[], identity: readonly OrderKey[]): RowOrder {
  const descending = orderBy.at(-1)?.descending === true
  return compileOrder([...orderBy, ...identity.map((key) => ({ ...key, descending }))])
}

class CountRows implements Accumulator {
  #count = 0
  add(): void {
    this.#count++
  }
  result(): Value {
    return this.#count
  }
}

class CountValues implements Accumulator {
  readonly #value: RowValue
  #count = 0
  constructor(value: RowValue) {
    this.#value = value
  }
  add(row: StoredRecord): void {
    if ((this.#value(row) ?? null) !== null) this.#count++
  }
  result(): Value {
    return this.#count
  }
}

class CountDistinct implements Accumulator {
  readonly #value: RowValue
  readonly #share: MemoryShare
  readonly #keys = new Set<ValueKey>()
  constructor(value: RowValue, share: MemoryShare) {
    this.#value = value
    this.#share = share
  }
  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value === undefined || value === null) return
    const key = valueKey(value)
    const { size } = this.#keys
    if (this.#keys.add(key).size > size) this.#share.take(ENTRY_BYTES + heldBytes(key))
  }
  result(): Value {
    return this.#keys.size
  }
}

/** A sum, or the average. Bigints are summed exactly as long as there is nothing else. */
class Sum implements Accumulator {
  readonly #expression: Expression
  readonly #value: RowValue
  readonly #isAverage: boolean
  #count = 0
  #bigints = 0
  #whole = 0n
  #sum = 0
  #lost = 0

  constructor(expression: Expression, value: RowValue, isAverage: boolean) {
    this.#expression = expression
    this.#value = value
    this.#isAverage = isAverage
  }

  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value === undefined || value === null) return
    this.#count++
    if (typeof value === 'number') this.#addNumber(value)
    else if (typeof value === 'bigint') {
      this.#bigints++
      this.#whole += value
    } else throw notANumber(this.#expression, row, value)
  }

  result(): Value {
    if (this.#count === 0) return this.#isAverage ? null : 0
    if (!this.#isAverage && this.#bigints === this.#count) return this.#whole
    const sum = this.#sum + this.#lost
    // An infinite sum has lost nothing that could be given back: the compensation is then no number.
    const numbers = Number.isNaN(sum) ? this.#sum : sum
    const total = this.#bigints === 0 ? numbers : numbers + Number(this.#whole)
    return this.#isAverage ? total / this.#count : total
  }

  #addNumber(value: number): void {
    const sum = this.#sum + value
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum
    this.#sum = sum
  }
}

class Extreme implements Accumulator {
  readonly #value: RowValue
  readonly #sign: number
  #extreme: Value = null
  constructor(value: RowValue, sign: number) {
    this.#value = value
    this.#sign = sign
  }
  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value === undefined || value === null) return
    if (this.#extreme === null || compareValues(value, this.#extreme) * this.#sign > 0) this.#extreme = value
  }
  result(): Value {
    return copyValue(this.#extreme)
  }
}

/** The first or the last value of the rows as they come. */
class Edge implements Accumulator {
  readonly #value: RowValue
  readonly #isLast: boolean
  #edge: Value = null
  constructor(value: RowValue, isLast: boolean) {
    this.#value = value
    this.#isLast = isLast
  }
  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value === undefined || value === null) return
    if (this.#isLast || this.#edge === null) this.#edge = value
  }
  result(): Value {
    return copyValue(this.#edge)
  }
}

/** The value of the first or last row of an order that has one. */
class OrderedEdge implements Accumulator {
  readonly #value: RowValue
  readonly #order: RowOrder
  readonly #sign: number
  #place: PlacedRow | undefined
  #edge: Value = null
  constructor(value: RowValue, order: RowOrder, sign: number) {
    this.#value = value
    this.#order = order
    this.#sign = sign
  }
  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value === undefined || value === null) return
    const place = this.#order.place(row)
    if (this.#place !== undefined && this.#order.compareKeys(place, this.#place) * this.#sign >= 0) return
    this.#place = place
    this.#edge = value
  }
  result(): Value {
    return copyValue(this.#edge)
  }
}

/** How many of an order are taken in one call of `settle`: well below a millisecond. */
const TAKEN_PER_CALL = 1_024

/** By linear interpolation between the two numbers next to the place. NaN is the lowest. */
class Percentile implements Accumulator {
  readonly #expression: Expression
  readonly #value: RowValue
  readonly #fraction: number
  readonly #share: MemoryShare
  readonly #numbers = new SortBuffer<number>(compareNumbers)
  #count = 0
  #taken = 0
  #low: number | undefined
  #result: Value = null

  constructor(expression: Expression, value: RowValue, fraction: number, share: MemoryShare) {
    this.#expression = expression
    this.#value = value
    this.#fraction = fraction
    this.#share = share
  }

  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value === undefined || value === null) return
    if (typeof value !== 'number' && typeof value !== 'bigint') throw notANumber(this.#expression, row, value)
    this.#share.take(NUMBER_BYTES)
    this.#numbers.add(Number(value))
    this.#count++
  }

  settle(): boolean {
    if (this.#count === 0) return true
    const at = (this.#count - 1) * this.#fraction
    const below = Math.floor(at)
    for (let i = 0; i < TAKEN_PER_CALL; i++) {
      const number = this.#numbers.take()!
      const place = this.#taken++
      if (place === below) this.#low = number
      if (place < Math.ceil(at)) continue
      const low = this.#low!
      this.#result = low === number ? low : low + (number - low) * (at - below)
      this.#numbers.clear()
      this.#count = 0
      return true
    }
    return false
  }

  result(): Value {
    return this.#result
  }
}

/** As compareValues, of numbers: NaN is the lowest. */
function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : a === b ? 0 : compareValues(a, b)
}

interface PlacedValue {
  readonly place: PlacedRow
  readonly value: Value
}

/** The values in the order of their rows. */
class Collected implements Accumulator {
  readonly #value: RowValue
  readonly #order: RowOrder
  readonly #share: MemoryShare
  readonly #placed: SortBuffer<PlacedValue>
  readonly #values: Value[] = []

  constructor(value: RowValue, order: RowOrder, share: MemoryShare) {
    this.#value = value
    this.#order = order
    this.#share = share
    this.#placed = new SortBuffer((a, b) => order.compareKeys(a.place, b.place))
  }

  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value === undefined || value === null) return
    // The place holds the row.
    this.#share.take(PLACE_BYTES + heldBytes(row))
    this.#placed.add({ place: this.#order.place(row), value })
  }

  settle(): boolean {
    for (let i = 0; i < TAKEN_PER_CALL; i++) {
      const placed = this.#placed.take()
      if (placed === undefined) return true
      this.#values.push(copyValue(placed.value))
    }
    return false
  }

  result(): Value {
    return this.#values
  }
}

/** A number in a run; a key in a set, beside the key. */
const NUMBER_BYTES = 12
const ENTRY_BYTES = 32

/** The refusal of a value that cannot be summed. */
export function notANumber(expression: Expression, row: StoredRecord, value: Value): Error {
  const what = `${nameOfRow(row)} has ${describe(value)} there`
  return invalidQuery(expressionText(expression), `sum, avg, median and percentile take numbers, and ${what}`)
}
