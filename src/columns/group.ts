/**
 * Kernel: groups and their aggregates.
 *
 * When all keys are coded and their codes make few combinations, groups are dense: g = code0 · n1 · n2 + code1 · n2 +
 * code2, every accumulator is an array by g, and one generated loop does all. Otherwise, and where nothing may be
 * generated, slots are taken in blocks: a filter selects, the groups of the block are found (through a map of code
 * combinations, for keys without codes a dictionary made on the way), then each accumulator takes the block.
 *
 * Rows that are in no column, because an older version of them is read, are added by value with `addRow`.
 */
import type { Value } from '../base/values.ts'
import { TYPE_CLASS } from '../codec/order.ts'
import {
  type Accumulator,
  codeSource,
  Extremes,
  Histogram,
  numberSource,
  refValue,
  Sums,
  Values,
} from './accumulator.ts'
import type { ColumnRef, ColumnTest, KernelOptions, LiveSlots } from './column.ts'
import { ownCopy, structureKey } from './dictionary.ts'
import { type Bounds, boundsOf, compileFilter, type Filter, forPossible, isGenerated, liveTest } from './filter.ts'
import { Bindings, kernelOf } from './generate.ts'
import { type GroupFinder, groupFinder, MAX_DENSE_CELLS } from './group-finder.ts'
import { hasCall, type RowTest, resolveTest, testSource } from './row-test.ts'
import { type AggregateKind, isSummable, Tally } from './tally.ts'

/** `count` counts rows; all others look at a column. */
export type Aggregate =
  | { readonly kind: 'count' }
  | { readonly kind: Exclude<AggregateKind, 'count'>; readonly ref: ColumnRef }

export interface GroupSpec {
  readonly keys: readonly ColumnRef[]
  readonly aggregates: readonly Aggregate[]
  readonly where?: ColumnTest
}

export interface Group {
  /** undefined is missing. */
  readonly keys: readonly (Value | undefined)[]
  /** In the order of the aggregates. */
  readonly results: readonly Value[]
  readonly count: number
}

/** Slots of a block: its arrays stay in the L1 cache. */
const BLOCK_SLOTS = 2048

type GroupKernel = (from: number, to: number, b: readonly unknown[]) => void

export class GroupRun {
  readonly #spec: GroupSpec
  readonly #filter: Filter
  readonly #bounds: readonly Bounds[]
  readonly #finder: GroupFinder
  readonly #accumulators: readonly Accumulator[]
  /** By aggregate its accumulator; undefined for counts of rows. */
  readonly #byAggregate: readonly (Accumulator | undefined)[]
  readonly #kernel: ((from: number, to: number) => void) | undefined
  readonly #counts: GroupCounts
  readonly #ranges: number[] = []
  readonly #extra = new Map<string, ExtraGroup>()
  readonly #slots = new Uint32Array(BLOCK_SLOTS)
  readonly #groups = new Uint32Array(BLOCK_SLOTS)

  constructor(live: LiveSlots, spec: GroupSpec, options: KernelOptions = {}) {
    this.#spec = spec
    const test = liveTest(live, resolveTest(spec.where))
    this.#bounds = boundsOf(test)
    this.#filter = compileFilter(live, spec.where, options)
    this.#finder = groupFinder(spec.keys)
    const known = new Map<string, Accumulator>()
    this.#byAggregate = spec.aggregates.map((aggregate) => accumulatorOf(aggregate, this.#finder.denseCount, known))
    this.#accumulators = [...known.values()]
    this.#counts = new GroupCounts(this.#accumulators.find((one) => one instanceof Histogram))
    const { denseCount } = this.#finder
    if (denseCount > 0) this.#reserve(denseCount)
    if (denseCount > 0 && isGenerated(options)) {
      this.#kernel = groupKernel(test, this.#finder, this.#counts, this.#accumulators)
    }
  }

  /** Adds the passing slots of a range of sure slots. */
  add(from: number, to: number): void {
    this.#ranges.push(from, to)
    const kernel = this.#kernel
    if (kernel === undefined) this.#addBlocks(from, to)
    else if (this.#bounds.length === 0) kernel(from, to)
    else forPossible(this.#bounds, from, to, kernel)
  }

  /**
   * Adds a row by value: its keys, and what each aggregate looks at (anything for `count`). It is not tested. Returns the
   * index of an aggregate that cannot take its value, or -1.
   */
  addRow(keys: readonly (Value | undefined)[], inputs: readonly (Value | undefined)[]): number {
    const text = keysText(keys)
    let group = this.#extra.get(text)
    if (group === undefined) {
      group = { keys: keys.map(ownKey), tallies: this.#newTallies(), count: 0 }
      this.#extra.set(text, group)
    }
    group.count++
    let wrong = -1
    for (const [i, tally] of group.tallies.entries()) {
      if (!tally.add(inputs[i], 1) && wrong < 0) wrong = i
    }
    return wrong
  }

  /** An added slot whose value cannot be summed, and the index of the aggregate. To be asked before the groups. */
  wrongInput(): { readonly aggregate: number; readonly slot: number } | undefined {
    for (const [i, aggregate] of this.#spec.aggregates.entries()) {
      if ((aggregate.kind !== 'sum' && aggregate.kind !== 'avg') || isAllSummable(aggregate.ref)) continue
      for (let r = 0; r < this.#ranges.length; r += 2) {
        for (let slot = this.#ranges[r]!; slot < this.#ranges[r + 1]!; slot++) {
          if (!isSummable(refValue(aggregate.ref, slot)) && this.#filter.testSlot(slot)) return { aggregate: i, slot }
        }
      }
    }
    return undefined
  }

  /** The groups that have rows, in no order; without keys the one group, rows or not. */
  groups(): Group[] {
    const found: Group[] = []
    const mergesExtra = this.#extra.size > 0
    const seen = new Set<string>()
    for (let g = 0; g < this.#finder.count; g++) {
      const rows = this.#counts.rowsOf(g)
      if (rows === 0) continue
      const keys = this.#finder.keysOf(g)
      const text = mergesExtra ? keysText(keys) : ''
      const extra = mergesExtra ? this.#extra.get(text) : undefined
      if (extra !== undefined) seen.add(text)
      found.push(this.#group(keys, g, rows, extra))
    }
    for (const [text, extra] of this.#extra) if (!seen.has(text)) found.push(this.#group(extra.keys, -1, 0, extra))
    if (this.#spec.keys.length === 0 && found.length === 0) found.push(this.#group([], -1, 0, undefined))
    return found
  }

  #group(keys: readonly (Value | undefined)[], g: number, rows: number, extra: ExtraGroup | undefined): Group {
    const results = this.#newTallies().map((tally, i) => {
      const accumulator = this.#byAggregate[i]
      if (accumulator === undefined) tally.addRows(rows)
      else if (g >= 0) accumulator.into(g, tally)
      if (extra !== undefined) tally.merge(extra.tallies[i]!)
      return ownCopy(tally.result())
    })
    return { keys: keys.map(ownKey), results, count: rows + (extra?.count ?? 0) }
  }

  #newTallies(): Tally[] {
    return this.#spec.aggregates.map(({ kind }) => new Tally(kind))
  }

  #addBlocks(from: number, to: number): void {
    for (let start = from; start < to; start += BLOCK_SLOTS) {
      const count = this.#filter.select(start, Math.min(to, start + BLOCK_SLOTS), this.#slots)
      this.#finder.find(this.#slots, this.#groups, count)
      this.#reserve(this.#finder.count)
      this.#counts.addBlock(this.#groups, count)
      for (const accumulator of this.#accumulators) accumulator.addBlock(this.#groups, this.#slots, count)
    }
  }

  /** Room for twice as many groups as there are, when there is too little. */
  #reserve(count: number): void {
    if (count <= this.#counts.capacity) return
    const capacity = this.#finder.denseCount > 0 ? count : 2 * count
    this.#counts.reserve(capacity)
    for (const accumulator of this.#accumulators) accumulator.reserve(capacity)
  }
}

/** A group of rows given by value. */
interface ExtraGroup {
  readonly keys: readonly (Value | undefined)[]
  readonly tallies: readonly Tally[]
  count: number
}

/** Rows by group, counted only where no histogram counts them anyway. */
class GroupCounts {
  readonly #histogram: Histogram | undefined
  #rows = new Uint32Array(0)
  capacity = 0

  constructor(histogram: Histogram | undefined) {
    this.#histogram = histogram
  }

  reserve(count: number): void {
    this.capacity = count
    if (this.#histogram !== undefined) return
    const rows = new Uint32Array(count)
    rows.set(this.#rows)
    this.#rows = rows
  }

  source(b: Bindings, passes = '1'): string {
    return this.#histogram === undefined ? `${b.nameOf(this.#rows)}[g] += ${passes}` : ''
  }

  addBlock(groups: Uint32Array, count: number): void {
    if (this.#histogram !== undefined) return
    for (let k = 0; k < count; k++) this.#rows[groups[k]!]!++
  }

  rowsOf(group: number): number {
    return this.#histogram === undefined ? this.#rows[group]! : this.#histogram.rowsOf(group)
  }
}

/** The accumulator of an aggregate; those that count the same of the same column are one, in `known`. */
function accumulatorOf(
  aggregate: Aggregate,
  denseCount: number,
  known: Map<string, Accumulator>,
): Accumulator | undefined {
  if (aggregate.kind === 'count') return undefined
  const { ref, kind } = aggregate
  const [form, make] = accumulatorForm(ref, kind, denseCount)
  const name = `${nameOfObject(ref.column)} ${ref.via === undefined ? '' : nameOfObject(ref.via)} ${form}`
  const have = known.get(name)
  if (have !== undefined) return have
  const made = make()
  known.set(name, made)
  return made
}

function accumulatorForm(
  ref: ColumnRef,
  kind: Exclude<AggregateKind, 'count'>,
  denseCount: number,
): readonly [form: string, make: () => Accumulator] {
  const { column } = ref
  const codes = codeSource(ref)
  if (codes !== undefined && denseCount > 0 && denseCount * codes.dictionary.size <= MAX_DENSE_CELLS) {
    return ['histogram', () => new Histogram(codes)]
  }
  const valuesForm = [`values ${kind}`, () => new Values(ref, kind)] as const
  if (kind === 'min' || kind === 'max') {
    const numbers = numberSource(ref, 'ranks')
    if (numbers === undefined) return valuesForm
    return [kind, () => new Extremes(numbers, kind === 'min', fromNumber(ref))]
  }
  if (kind === 'countDistinct' || !isAllFloat64(column)) return valuesForm
  const numbers = numberSource(ref, 'numbers')
  return numbers === undefined ? valuesForm : ['sum', () => new Sums(numbers)]
}

/** From what `numberSource` gives for ranks back to the value. */
function fromNumber({ column }: ColumnRef): (number: number) => Value | undefined {
  if (column.kind === 'coded') {
    const { dictionary } = column
    const order = dictionary.order()
    return (rank) => dictionary.values[order[rank]!]
  }
  return column.kind === 'number' && column.isDate ? (ms) => new Date(ms) : (number) => number
}

function isAllFloat64(column: ColumnRef['column']): boolean {
  if (column.kind === 'coded') return column.dictionary.isOnly(TYPE_CLASS.number) && column.dictionary.bigints === 0
  return column.kind === 'number' && !column.isDate
}

function isAllSummable({ column }: ColumnRef): boolean {
  if (column.kind === 'coded') return column.dictionary.isOnly(TYPE_CLASS.number)
  return column.kind === 'number' && !column.isDate
}

let objectCount = 0
const objectNames = new WeakMap<object, number>()

/** A number for an object, so that two references to one column are seen to be the same. */
function nameOfObject(object: object): number {
  const known = objectNames.get(object)
  if (known !== undefined) return known
  objectNames.set(object, ++objectCount)
  return objectCount
}

function groupKernel(
  test: RowTest,
  finder: GroupFinder,
  counts: GroupCounts,
  accumulators: readonly Accumulator[],
): (from: number, to: number) => void {
  const bindings = new Bindings()
  const passes = testSource(test, bindings)
  const group = finder.source(bindings)
  // A row that does not pass adds 0 where all that is added are counts: cheaper than a branch that nobody can foretell.
  const isBranchless = !hasCall(test) && accumulators.every((one) => one.branchlessSource !== undefined)
  const condition = isBranchless || (test.kind === 'constant' && test.result) ? '' : `if (${passes} === 1) `
  const adds = isBranchless
    ? [counts.source(bindings, 'p'), ...accumulators.map((one) => one.branchlessSource?.(bindings, 'p'))]
    : [counts.source(bindings), ...accumulators.map((one) => one.source(bindings))]
  const begin = isBranchless ? `const p = ${passes}, g = ${group}` : `const g = ${group}`
  const b = bindings.values
  const kernel = kernelOf<GroupKernel>(
    'from, to, b',
    `${bindings.declarations}\nfor (let i = from; i < to; i++) ${condition}{ ${begin}\n${adds.join('\n')} }`,
  )
  return (from, to) => kernel(from, to, b)
}

function ownKey(value: Value | undefined): Value | undefined {
  return value === undefined ? undefined : ownCopy(value)
}

function keysText(keys: readonly (Value | undefined)[]): string {
  return keys.map((key) => (key === undefined ? 'u;' : structureKey(key))).join('')
}
