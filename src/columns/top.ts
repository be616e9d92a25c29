/**
 * Kernel: the first k slots of an order. A heap holds the k best, the worst on top; the loop compares the first key of a
 * row, as a float64 for which less is earlier, with that of the worst, and only rows that are not behind it are compared
 * in full. So in an order of few distinct values, ids are compared only among the ties at the edge.
 *
 * Of a coded key that number is looked up by code, with direction and the place of nulls in the table. Of a number key it
 * is the value or its negative; null, missing and NaN are NaN there, and always compared in full when they may come first.
 */
import type { Value } from '../base/values.ts'
import { compareNumbers, compareValues, foldValue } from '../codec/order.ts'
import {
  type CodeSource,
  codeExpression,
  codeSource,
  type NumberSource,
  numberSource,
  refValue,
} from './accumulator.ts'
import {
  type ColumnRef,
  type ColumnTest,
  type KernelOptions,
  type LiveSlots,
  type NumberColumn,
  PRESENT,
  ZONE_SLOTS,
} from './column.ts'
import { type Bounds, boundsOf, forPossible, isGenerated, liveTest } from './filter.ts'
import { Bindings, kernelOf } from './generate.ts'
import { type RowTest, resolveTest, testFunction, testSource } from './row-test.ts'

export interface TopKey {
  readonly ref: ColumnRef
  readonly descending: boolean
  readonly nocase?: boolean
  /** Undefined: where the total order has them, lowest. */
  readonly nulls?: 'first' | 'last' | undefined
}

export interface TopSpec {
  readonly keys: readonly TopKey[]
  readonly limit: number
  readonly where?: ColumnTest
  /** The order of rows that tie in all keys, its direction included; never 0 for two slots. */
  readonly compareSlots: (a: number, b: number) => number
}

/** One key, compiled. */
interface KeyOrder {
  readonly compare: (a: number, b: number) => number
  /** The first key's number, less is earlier. NaN: ask `compare`. */
  readonly numberOf: (slot: number) => number
  readonly source: (b: Bindings) => string
  /** False when no row whose number is NaN comes before one whose number is not. */
  readonly mayNaNLead: boolean
  /** No row is before one with this number; NaN where that is not known. */
  readonly least: number
  /** No row of a zone is before one with this number; undefined where zones say nothing. */
  readonly leastOfZone: ((zone: number) => number) | undefined
}

type TopKernel = (
  from: number,
  to: number,
  b: readonly unknown[],
  edge: Float64Array,
  offer: (slot: number) => void,
) => void

export class TopRun {
  readonly #limit: number
  readonly #compare: (a: number, b: number) => number
  readonly #orders: readonly KeyOrder[]
  readonly #bounds: readonly Bounds[]
  readonly #scan: (from: number, to: number) => void
  /** A heap, the last in order on top. */
  readonly #heap: number[] = []
  /** The numbers of the worst slot's first two keys; Infinity while every row must be offered. */
  readonly #edge = Float64Array.of(Infinity, Infinity)

  constructor(live: LiveSlots, spec: TopSpec, options: KernelOptions = {}) {
    const orders = spec.keys.map(keyOrder)
    const comparers = orders.map(({ compare }) => compare)
    const test = liveTest(live, resolveTest(spec.where))
    this.#limit = spec.limit
    this.#orders = orders
    const only = comparers.length === 1 ? comparers[0] : undefined
    this.#compare = (a, b) => {
      if (only !== undefined) return only(a, b) || spec.compareSlots(a, b)
      for (let i = 0; i < comparers.length; i++) {
        const order = comparers[i]!(a, b)
        if (order !== 0) return order
      }
      return spec.compareSlots(a, b)
    }
    this.#bounds = boundsOf(test)
    this.#scan = isGenerated(options) ? this.#generatedScan(test) : this.#interpretedScan(test)
  }

  /** Adds the passing slots of a range of sure slots. */
  add(from: number, to: number): void {
    if (this.#limit <= 0) return
    const scan = this.#orders.some(({ leastOfZone }) => leastOfZone !== undefined) ? this.#scanZones : this.#scan
    if (this.#bounds.length === 0) scan(from, to)
    else forPossible(this.#bounds, from, to, scan)
  }

  /** Zone by zone, so that the edge that one has moved rules out others. */
  readonly #scanZones = (from: number, to: number): void => {
    for (let at = from; at < to; ) {
      const zone = Math.floor(at / ZONE_SLOTS)
      const end = Math.min(to, (zone + 1) * ZONE_SLOTS)
      if (!this.#isBehind(zone)) this.#scan(at, end)
      at = end
    }
  }

  /** True when every row of the zone is behind the edge, by its first key, or by its second where none is better in the first. */
  #isBehind(zone: number): boolean {
    const [first, second] = this.#orders
    const edge = this.#edge
    if (first === undefined) return false
    if (first.leastOfZone !== undefined && first.leastOfZone(zone) > edge[0]!) return true
    return second?.leastOfZone !== undefined && edge[0] === first.least && second.leastOfZone(zone) > edge[1]!
  }

  /** The first slots, in order. */
  slots(): number[] {
    return [...this.#heap].sort(this.#compare)
  }

  #generatedScan(test: RowTest): (from: number, to: number) => void {
    const bindings = new Bindings()
    const passes = testSource(test, bindings)
    const isNear = this.#orders.slice(0, 2).map((order, i) => nearSource(order, bindings, i))
    const condition = isNear.length === 0 ? '' : `if (${isNear[0]}) `
    const tie = isNear.length === 2 ? `if (x0 !== t0 || ${isNear[1]}) ` : ''
    const kernel = kernelOf<TopKernel>(
      'from, to, b, edge, offer',
      `${bindings.declarations}
let x0 = 0, x1 = 0, t0 = edge[0], t1 = edge[1]
for (let i = from; i < to; i++) {
  ${condition}${tie}if (${passes} === 1) { offer(i); t0 = edge[0]; t1 = edge[1] }
}`,
    )
    const offer = (slot: number): void => this.#offer(slot)
    return (from, to) => kernel(from, to, bindings.values, this.#edge, offer)
  }

  #interpretedScan(test: RowTest): (from: number, to: number) => void {
    const passes = testFunction(test)
    const edge = this.#edge
    const [first, second] = this.#orders
    return (from, to) => {
      for (let slot = from; slot < to; slot++) {
        if (first !== undefined && !isNear(first, slot, edge[0]!)) continue
        const ties = second !== undefined && first?.numberOf(slot) === edge[0]
        if (ties && !isNear(second, slot, edge[1]!)) continue
        if (passes(slot)) this.#offer(slot)
      }
    }
  }

  /** Takes a slot if it is better than the worst, and then moves the edge. */
  #offer(slot: number): void {
    const heap = this.#heap
    if (heap.length < this.#limit) {
      heap.push(slot)
      this.#rise(heap.length - 1)
    } else if (this.#compare(slot, heap[0]!) < 0) {
      heap[0] = slot
      this.#sink(0)
    } else return
    if (heap.length < this.#limit) return
    const first = this.#orders[0]?.numberOf(heap[0]!) ?? Infinity
    const second = this.#orders[1]?.numberOf(heap[0]!) ?? Infinity
    this.#edge[0] = Number.isNaN(first) ? Infinity : first
    // Without an edge in the first key nothing ties with it.
    this.#edge[1] = Number.isNaN(first) || Number.isNaN(second) ? Infinity : second
  }

  #rise(from: number): void {
    const heap = this.#heap
    let at = from
    const slot = heap[at]!
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#compare(slot, heap[parent]!) <= 0) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = slot
  }

  #sink(from: number): void {
    const heap = this.#heap
    let at = from
    const slot = heap[at]!
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#compare(heap[child + 1]!, heap[child]!) > 0) child++
      if (this.#compare(slot, heap[child]!) >= 0) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = slot
  }
}

/** False for a row that is behind the edge in this key: an expression that also sets x<i>. */
function nearSource(order: KeyOrder, b: Bindings, i: number): string {
  const set = `(x${i} = ${order.source(b)})`
  return order.mayNaNLead ? `!(${set} > t${i})` : `(${set} <= t${i} || t${i} === Infinity)`
}

function isNear({ numberOf, mayNaNLead }: KeyOrder, slot: number, edge: number): boolean {
  const number = numberOf(slot)
  return mayNaNLead ? !(number > edge) : number <= edge || edge === Infinity
}

function keyOrder(key: TopKey): KeyOrder {
  const codes = codeSource(key.ref)
  if (codes !== undefined) return codedOrder(codes, key)
  const numbers = numberSource(key.ref, 'numbers')
  return numbers === undefined ? valueOrder(key) : numberOrder(numbers, key, zonesOf(key.ref))
}

/** What the zones of a collection's own numbers say. */
function zonesOf({ column, via }: ColumnRef): NumberColumn | undefined {
  return column.kind === 'number' && via === undefined ? column : undefined
}

/** Farther from zero than any rank. */
const BEYOND_RANKS = 2 ** 40

function codedOrder(source: CodeSource, { descending, nocase, nulls }: TopKey): KeyOrder {
  const { codes, table, dictionary } = source
  const sign = descending ? -1 : 1
  const ranks = nocase === true ? foldedRanks(dictionary.values) : dictionary.ranks()
  const nullPlace = nulls === undefined ? 0 : nulls === 'first' ? -BEYOND_RANKS : BEYOND_RANKS
  const places = ranks.map((rank, code) => sign * rank + (code < PRESENT ? nullPlace : 0))
  const numberOf = (slot: number): number => places[table === undefined ? codes[slot]! : table[codes[slot]!]!]!
  return {
    numberOf,
    compare: (a, b) => numberOf(a) - numberOf(b),
    source: (b) => `${b.nameOf(places)}[${codeExpression(source, b)}]`,
    mayNaNLead: false,
    least: places.reduce((least, place) => Math.min(least, place), Infinity),
    leastOfZone: undefined,
  }
}

/** As Dictionary.ranks, but of the folded values, of which several may be equal. */
function foldedRanks(values: readonly (Value | undefined)[]): Float64Array {
  const folded = values.map(foldValue)
  const order = Uint32Array.from({ length: values.length }, (_, code) => code)
  order.sort((a, b) => compareValues(folded[a], folded[b]))
  const ranks = new Float64Array(values.length)
  let rank = -2
  for (let i = 0; i < order.length; i++) {
    if (i > 0 && compareValues(folded[order[i - 1]!], folded[order[i]!]) !== 0) rank++
    ranks[order[i]!] = rank
  }
  return ranks
}

function numberOrder(
  { codes, values, tags }: NumberSource,
  { descending, nulls }: TopKey,
  zones: NumberColumn | undefined,
): KeyOrder {
  const sign = descending ? -1 : 1
  const mayNaNLead = !descending || nulls === 'first'
  const at = (slot: number): number => (codes === undefined ? slot : codes[slot]!)
  const nullSign = nulls === undefined ? -sign : nulls === 'first' ? -1 : 1
  return {
    numberOf: (slot) => sign * values[at(slot)]!,
    source: (b) =>
      `${descending ? '-' : ''}${b.nameOf(values)}[${codes === undefined ? 'i' : `${b.nameOf(codes)}[i]`}]`,
    mayNaNLead,
    least: mayNaNLead ? Number.NaN : -Infinity,
    leastOfZone:
      zones &&
      ((zone) => {
        if (mayNaNLead && zones.zoneGaps[zone] === 1) return -Infinity
        return descending ? -zones.zoneMax[zone]! : zones.zoneMin[zone]!
      }),
    compare: (a, b) => {
      const left = at(a)
      const right = at(b)
      const leftTag = tags[left]!
      const rightTag = tags[right]!
      if (leftTag === PRESENT && rightTag === PRESENT) return sign * compareNumbers(values[left]!, values[right]!)
      if (leftTag === PRESENT) return -nullSign
      return rightTag === PRESENT ? nullSign : sign * (leftTag - rightTag)
    },
  }
}

function valueOrder({ ref, descending, nulls, nocase }: TopKey): KeyOrder {
  const sign = descending ? -1 : 1
  const nullSign = nulls === undefined ? -sign : nulls === 'first' ? -1 : 1
  const keyOf = (slot: number): Value | undefined => {
    const value = refValue(ref, slot)
    return nocase === true ? foldValue(value) : value
  }
  return {
    numberOf: () => Number.NaN,
    source: () => 'NaN',
    mayNaNLead: true,
    least: Number.NaN,
    leastOfZone: undefined,
    compare: (a, b) => {
      const left = keyOf(a)
      const right = keyOf(b)
      const leftIsNull = left === undefined || left === null
      const rightIsNull = right === undefined || right === null
      if (leftIsNull !== rightIsNull) return leftIsNull ? nullSign : -nullSign
      return sign * compareValues(left, right)
    },
  }
}
