/**
 * Aggregates: one accumulator a group and aggregate takes the rows one by one. Null and missing are passed over. Sums of
 * integers within 2^53 are exact; others are compensated, so that the order of the rows hardly matters (A. Neumaier,
 * "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974).
 */
import type { StoredRecord, Value } from '../base/values.ts'
import { compareValues } from '../codec/order.ts'
import { describe, invalidQuery } from './capture.ts'
import type { RecordTest, RowValue, Surroundings } from './expression.ts'
import { compileExpression, compilePredicate } from './predicate.ts'
import { expressionText } from './predicate-text.ts'
import type { Aggregate, Expression, OrderKey, WindowFunction } from './query-data.ts'
import { compileOrder, type PlacedRow, type RowOrder } from './row-order.ts'
import { type ValueKey, valueKey } from './value-key.ts'

/** Takes the rows of one group. */
export interface Accumulator {
  add(row: StoredRecord): void
  result(): Value
  /** Rows or values held, for the memory account. */
  readonly held: number
}

/** Makes an accumulator a group. */
export type MakeAccumulator = () => Accumulator

/** The accumulators of an aggregate; `identity` decides ties of its order. */
export function compileAggregate(
  aggregate: Aggregate,
  identity: readonly OrderKey[],
  surroundings?: Surroundings,
): MakeAccumulator {
  const make = unfiltered(aggregate, identity, surroundings)
  if (aggregate.where === undefined) return make
  const test = compilePredicate(aggregate.where, surroundings)
  return () => new Filtered(test, make())
}

/** What windows and groups share: the running aggregates of a value. */
export function compileRunning(fn: WindowFunction, of: Expression | undefined): MakeAccumulator {
  if (of === undefined) return () => new CountRows()
  const value = compileExpression(of)
  switch (fn) {
    case 'sum':
    case 'avg':
      return () => new Sum(of, value, fn === 'avg')
    case 'min':
    case 'max':
      return () => new Extreme(value, fn === 'min' ? -1 : 1)
    case 'first':
    case 'last':
      return () => new Edge(value, fn === 'last')
    default:
      return () => new CountValues(value)
  }
}

function unfiltered(
  { fn, of, fraction, orderBy }: Aggregate,
  identity: readonly OrderKey[],
  surroundings: Surroundings | undefined,
): MakeAccumulator {
  if (of === undefined) return () => new CountRows()
  const value = compileExpression(of, surroundings)
  switch (fn) {
    case 'count':
      return () => new CountValues(value)
    case 'countDistinct':
      return () => new CountDistinct(value)
    case 'sum':
      return () => new Sum(of, value, false)
    case 'avg':
      return () => new Sum(of, value, true)
    case 'min':
      return () => new Extreme(value, -1)
    case 'max':
      return () => new Extreme(value, 1)
    case 'median':
      return () => new Percentile(of, value, 0.5)
    case 'percentile':
      return () => new Percentile(of, value, fraction ?? 0)
    case 'first':
    case 'last': {
      const order = orderOf(orderBy, identity)
      return () => new OrderedEdge(value, order, fn === 'first' ? 1 : -1)
    }
    case 'array': {
      const order = orderOf(orderBy, identity)
      return () => new Collected(value, order)
    }
  }
}

/** The order of the rows of a group, ties decided in the direction of its last key. */
function orderOf(orderBy: readonly OrderKey[], identity: readonly OrderKey[]): RowOrder {
  const descending = orderBy.at(-1)?.descending === true
  return compileOrder([...orderBy, ...identity.map((key) => ({ ...key, descending }))])
}

class Filtered implements Accumulator {
  readonly #test: RecordTest
  readonly #of: Accumulator
  constructor(test: RecordTest, of: Accumulator) {
    this.#test = test
    this.#of = of
  }
  get held(): number {
    return this.#of.held
  }
  add(row: StoredRecord): void {
    if (this.#test(row)) this.#of.add(row)
  }
  result(): Value {
    return this.#of.result()
  }
}

class CountRows implements Accumulator {
  readonly held = 0
  #count = 0
  add(): void {
    this.#count++
  }
  result(): Value {
    return this.#count
  }
}

class CountValues implements Accumulator {
  readonly held = 0
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
  readonly #keys = new Set<ValueKey>()
  constructor(value: RowValue) {
    this.#value = value
  }
  get held(): number {
    return this.#keys.size
  }
  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value !== undefined && value !== null) this.#keys.add(valueKey(value))
  }
  result(): Value {
    return this.#keys.size
  }
}

/** A sum, or the average. Bigints are summed exactly as long as there is nothing else. */
class Sum implements Accumulator {
  readonly held = 0
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
  readonly held = 0
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
    return this.#extreme
  }
}

/** The first or the last value of the rows as they come. */
class Edge implements Accumulator {
  readonly held = 0
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
    return this.#edge
  }
}

/** The value of the first or last row of an order that has one. */
class OrderedEdge implements Accumulator {
  readonly held = 0
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
    return this.#edge
  }
}

class Percentile implements Accumulator {
  readonly #expression: Expression
  readonly #value: RowValue
  readonly #fraction: number
  readonly #numbers: number[] = []
  constructor(expression: Expression, value: RowValue, fraction: number) {
    this.#expression = expression
    this.#value = value
    this.#fraction = fraction
  }
  get held(): number {
    return this.#numbers.length
  }
  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value === undefined || value === null) return
    if (typeof value !== 'number' && typeof value !== 'bigint') throw notANumber(this.#expression, row, value)
    this.#numbers.push(Number(value))
  }
  result(): Value {
    const numbers = this.#numbers
    if (numbers.length === 0) return null
    numbers.sort(compareValues)
    const at = (numbers.length - 1) * this.#fraction
    const low = numbers[Math.floor(at)]!
    const high = numbers[Math.ceil(at)]!
    return low === high ? low : low + (high - low) * (at - Math.floor(at))
  }
}

class Collected implements Accumulator {
  readonly #value: RowValue
  readonly #order: RowOrder
  readonly #values: { readonly place: PlacedRow; readonly value: Value }[] = []
  constructor(value: RowValue, order: RowOrder) {
    this.#value = value
    this.#order = order
  }
  get held(): number {
    return this.#values.length
  }
  add(row: StoredRecord): void {
    const value = this.#value(row)
    if (value !== undefined && value !== null) this.#values.push({ place: this.#order.place(row), value })
  }
  result(): Value {
    return this.#values.sort((a, b) => this.#order.compareKeys(a.place, b.place)).map(({ value }) => value)
  }
}

/** The refusal of a value that cannot be summed. */
export function notANumber(expression: Expression, row: StoredRecord, value: Value): Error {
  const what = `record ${JSON.stringify(row.id)} has ${describe(value)} there`
  return invalidQuery(expressionText(expression), `sum, avg, median and percentile take numbers, and ${what}`)
}
