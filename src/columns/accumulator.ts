/**
 * What a group kernel counts, for one aggregated column and all groups at once. Each kind has the same work written
 * twice: as statements of the fused kernel, and as a loop over a block of slots whose groups are known.
 *
 *   histogram   how often each code came, by group and code. Every aggregate of the column follows from it at the end:
 *               sums are then exact products, and the loop is one increment. For dense groups and few codes.
 *   sum         count, sum and error by group, for numbers
 *   extreme     count and least or greatest by group, for numbers, dates, and ranks of codes
 *   values      by value, one call a row: whatever else
 */
import type { Value } from '../base/values.ts'
import { type Codes, type ColumnRef, NULL, PRESENT } from './column.ts'
import type { Dictionary } from './dictionary.ts'
import type { Bindings } from './generate.ts'
import { columnValue } from './row-test.ts'
import { type AggregateKind, Tally } from './tally.ts'

export interface Accumulator {
  /** Makes room for groups below `count`. */
  reserve(count: number): void
  /** Statements that add slot `i` to group `g`. */
  source(b: Bindings): string
  /** The same for a slot that passes or not: `passes` is 1 or 0. Only of those that can without a branch. */
  branchlessSource?(b: Bindings, passes: string): string
  /** Adds slots[k] to groups[k], for k below `count`. */
  addBlock(groups: Uint32Array, slots: Uint32Array, count: number): void
  /** Adds what is known of a group to the tally of an aggregate. */
  into(group: number, tally: Tally): void
}

/** Codes by slot, perhaps translated: a column's own, or those of another collection behind those of a foreign key. */
export interface CodeSource {
  readonly codes: Codes | Int32Array
  readonly table: Uint32Array | undefined
  readonly dictionary: Dictionary
}

/** The codes behind a reference to a coded column. */
export function codeSource({ column, via }: ColumnRef): CodeSource | undefined {
  if (column.kind !== 'coded') return undefined
  const { codes, dictionary } = column
  if (via === undefined) return { codes, table: undefined, dictionary }
  return { codes: via.codes, table: codesBehind(via.slotOf, codes), dictionary }
}

/** By code of the foreign key the code of the slot it leads to; missing where it leads nowhere. A loop: ten times as fast as `from`. */
function codesBehind(slotOf: Int32Array, codes: Codes): Uint32Array {
  const table = new Uint32Array(slotOf.length)
  for (let code = 0; code < slotOf.length; code++) {
    const slot = slotOf[code]!
    if (slot >= 0) table[code] = codes[slot]!
  }
  return table
}

/** The code of slot `i`, as an expression. */
export function codeExpression({ codes, table }: CodeSource, b: Bindings): string {
  const code = `${b.nameOf(codes)}[i]`
  return table === undefined ? code : `${b.nameOf(table)}[${code}]`
}

export class Histogram implements Accumulator {
  readonly #source: CodeSource
  readonly #size: number
  #cells = new Uint32Array(0)

  constructor(source: CodeSource) {
    this.#source = source
    this.#size = source.dictionary.size
  }

  /** The groups are dense, so that this is called once. */
  reserve(count: number): void {
    this.#cells = new Uint32Array(count * this.#size)
  }

  source(b: Bindings): string {
    return this.branchlessSource(b, '1')
  }

  branchlessSource(b: Bindings, passes: string): string {
    return `${b.nameOf(this.#cells)}[g * ${b.nameOf(this.#size)} + ${codeExpression(this.#source, b)}] += ${passes}`
  }

  addBlock(groups: Uint32Array, slots: Uint32Array, count: number): void {
    const { codes, table } = this.#source
    for (let k = 0; k < count; k++) {
      const code = codes[slots[k]!]!
      this.#cells[groups[k]! * this.#size + (table === undefined ? code : table[code]!)]!++
    }
  }

  /** The rows of a group. */
  rowsOf(group: number): number {
    let rows = 0
    for (let cell = group * this.#size; cell < (group + 1) * this.#size; cell++) rows += this.#cells[cell]!
    return rows
  }

  into(group: number, tally: Tally): void {
    const { values } = this.#source.dictionary
    const from = group * this.#size
    const sums = tally.isOfSums
    let sum = 0
    let count = 0
    for (let code = PRESENT; code < this.#size; code++) {
      const times = this.#cells[from + code]!
      if (times === 0) continue
      const value = values[code]
      const next = sums && typeof value === 'number' ? sum + value * times : Number.NaN
      // Whole numbers within 2^53 are added up here without an error.
      if (Number.isSafeInteger(next) && Number.isInteger(value) && Number.isSafeInteger(next - sum)) {
        sum = next
        count += times
      } else tally.add(value, times)
    }
    if (count > 0) tally.addSum(sum, 0, count)
  }
}

/** A float64 by slot, or by code, with the number that says whether it is there. */
export interface NumberSource {
  readonly codes: Codes | Int32Array | undefined
  readonly values: Float64Array
  readonly tags: Uint8Array
}

/** The numbers (milliseconds of dates, ranks of codes) behind a reference; undefined where there are none. */
export function numberSource({ column, via }: ColumnRef, ofCodes: 'numbers' | 'ranks'): NumberSource | undefined {
  const own = ownNumbers(column, ofCodes)
  if (own === undefined || via === undefined) return own
  const { slotOf } = via
  const values = new Float64Array(slotOf.length).fill(Number.NaN)
  const tags = new Uint8Array(slotOf.length)
  for (let code = 0; code < slotOf.length; code++) {
    const slot = slotOf[code]!
    if (slot < 0) continue
    const at = own.codes === undefined ? slot : own.codes[slot]!
    values[code] = own.values[at]!
    tags[code] = own.tags[at]!
  }
  return { codes: via.codes, values, tags }
}

function ownNumbers(column: ColumnRef['column'], ofCodes: 'numbers' | 'ranks'): NumberSource | undefined {
  if (column.kind === 'number') return { codes: undefined, values: column.values, tags: column.tags }
  if (column.kind !== 'coded') return undefined
  const { codes, dictionary } = column
  const tags = new Uint8Array(dictionary.size).fill(PRESENT)
  tags[0] = 0
  tags[NULL] = NULL
  return { codes, values: ofCodes === 'ranks' ? dictionary.ranks() : dictionary.numeric(), tags }
}

/** Where a number of slot `i` lies in its arrays, as an expression. */
function indexExpression({ codes }: NumberSource, b: Bindings): string {
  return codes === undefined ? 'i' : `${b.nameOf(codes)}[i]`
}

export class Sums implements Accumulator {
  readonly #source: NumberSource
  #counts = new Uint32Array(0)
  #sums = new Float64Array(0)
  #errors = new Float64Array(0)

  constructor(source: NumberSource) {
    this.#source = source
  }

  reserve(count: number): void {
    this.#counts = widened(this.#counts, new Uint32Array(count))
    this.#sums = widened(this.#sums, new Float64Array(count))
    this.#errors = widened(this.#errors, new Float64Array(count))
  }

  source(b: Bindings): string {
    const { values, tags } = this.#source
    const [counts, sums, errors] = [b.nameOf(this.#counts), b.nameOf(this.#sums), b.nameOf(this.#errors)]
    return `{ const at = ${indexExpression(this.#source, b)}; if (${b.nameOf(tags)}[at] === ${PRESENT}) {
      const x = ${b.nameOf(values)}[at], before = ${sums}[g], sum = before + x, taken = sum - before
      ${counts}[g]++; ${sums}[g] = sum; ${errors}[g] += before - (sum - taken) + (x - taken)
    } }`
  }

  addBlock(groups: Uint32Array, slots: Uint32Array, count: number): void {
    const { codes, values, tags } = this.#source
    for (let k = 0; k < count; k++) {
      const at = codes === undefined ? slots[k]! : codes[slots[k]!]!
      if (tags[at] !== PRESENT) continue
      const g = groups[k]!
      const x = values[at]!
      const before = this.#sums[g]!
      const sum = before + x
      const taken = sum - before
      this.#counts[g]!++
      this.#sums[g] = sum
      this.#errors[g]! += before - (sum - taken) + (x - taken)
    }
  }

  into(group: number, tally: Tally): void {
    tally.addSum(this.#sums[group]!, this.#errors[group]!, this.#counts[group]!)
  }
}

/** The least or greatest; NaN is below all numbers. */
export class Extremes implements Accumulator {
  readonly #source: NumberSource
  readonly #isMin: boolean
  /** From the number back to the value. */
  readonly #toValue: (number: number) => Value | undefined
  #counts = new Uint32Array(0)
  #bests = new Float64Array(0)

  constructor(source: NumberSource, isMin: boolean, toValue: (number: number) => Value | undefined) {
    this.#source = source
    this.#isMin = isMin
    this.#toValue = toValue
  }

  /** NaN loses to everything as the greatest so far; as the least so far only Infinity does. */
  reserve(count: number): void {
    this.#counts = widened(this.#counts, new Uint32Array(count))
    this.#bests = widened(this.#bests, new Float64Array(count).fill(this.#isMin ? Infinity : Number.NaN))
  }

  source(b: Bindings): string {
    const { values, tags } = this.#source
    const best = `${b.nameOf(this.#bests)}[g]`
    const isBetter = this.#isMin ? `x < ${best} || x !== x` : `x > ${best} || ${best} !== ${best}`
    return `{ const at = ${indexExpression(this.#source, b)}; if (${b.nameOf(tags)}[at] === ${PRESENT}) {
      const x = ${b.nameOf(values)}[at]
      ${b.nameOf(this.#counts)}[g]++; if (${isBetter}) ${best} = x
    } }`
  }

  addBlock(groups: Uint32Array, slots: Uint32Array, count: number): void {
    const { codes, values, tags } = this.#source
    for (let k = 0; k < count; k++) {
      const at = codes === undefined ? slots[k]! : codes[slots[k]!]!
      if (tags[at] !== PRESENT) continue
      const g = groups[k]!
      const x = values[at]!
      const best = this.#bests[g]!
      this.#counts[g]!++
      if (this.#isMin ? x < best || Number.isNaN(x) : x > best || Number.isNaN(best)) this.#bests[g] = x
    }
  }

  into(group: number, tally: Tally): void {
    const count = this.#counts[group]!
    if (count > 0) tally.add(this.#toValue(this.#bests[group]!), count)
  }
}

/** Any aggregate of any column, one value after the other. */
export class Values implements Accumulator {
  readonly #ref: ColumnRef
  readonly #kind: AggregateKind
  readonly #tallies: (Tally | undefined)[] = []

  constructor(ref: ColumnRef, kind: AggregateKind) {
    this.#ref = ref
    this.#kind = kind
  }

  reserve(): void {
    // Tallies are made one by one.
  }

  source(b: Bindings): string {
    return `${b.nameOf((group: number, slot: number) => this.#add(group, slot))}(g, i)`
  }

  addBlock(groups: Uint32Array, slots: Uint32Array, count: number): void {
    for (let k = 0; k < count; k++) this.#add(groups[k]!, slots[k]!)
  }

  into(group: number, tally: Tally): void {
    const own = this.#tallies[group]
    if (own !== undefined) tally.merge(own)
  }

  #add(group: number, slot: number): void {
    this.#tallies[group] ??= new Tally(this.#kind)
    this.#tallies[group].add(refValue(this.#ref, slot), 1)
  }
}

/** The value behind a reference, for a slot of the base. */
export function refValue({ column, via }: ColumnRef, slot: number): Value | undefined {
  if (via === undefined) return columnValue(column, slot)
  const other = via.slotOf[via.codes[slot]!]!
  return other < 0 ? undefined : columnValue(column, other)
}

function widened<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
