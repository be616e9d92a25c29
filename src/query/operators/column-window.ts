import { invariant } from '../../base/invariant.ts'
import type { Path } from '../../base/values.ts'
import { ArrangeRun, type ArrangeSpec, arrangedBytes, canArrange } from '../../columns/arrange.ts'
import type { RecordTest } from '../expression.ts'
import type { WindowField } from '../query-data.ts'
import type { MemoryShare, QueryMemory } from '../query-memory.ts'
import { emptyRow, setField } from '../row-fields.ts'
import { type DerivedSource, END, type Row } from '../source.ts'
import type { ArrangedRows } from './arranged-rows.ts'
import type { ColumnInputs } from './column-inputs.ts'
import { type ColumnVisitor, ColumnWalk } from './column-walk.ts'
import { type Operator, PAUSE, type Step, skipByRow } from './operator.ts'
import { type CompiledWindow, FieldOfWindow } from './window-field.ts'
import { VALUE_BYTES } from './window-rows.ts'

/** Items that one step sorts, works out or tests: some hundreds of microseconds. */
const ITEMS_PER_STEP = 4_096

export interface ColumnWindowSpec {
  readonly fields: readonly WindowField[]
  readonly compiled: readonly CompiledWindow[]
  /** A test of the fields alone: rows that fail it are not made. */
  readonly keep: RecordTest | undefined
  /** The same by rows. */
  readonly overRows: () => Operator
}

/**
 * Windows over columns: what parts and orders the records and what the fields read is copied from the columns, sorted, and
 * worked out as rows are; then only the records are read whose fields pass. A record that the columns do not have as the
 * snapshot sees it would have to be put among them: then all is done by rows instead, which is known before the first row.
 */
export class ColumnWindow implements Operator, ColumnVisitor {
  readonly #derived: DerivedSource
  readonly #spec: ColumnWindowSpec
  readonly #share: MemoryShare
  readonly #walk: ColumnWalk
  readonly #orders: readonly ColumnOrder[]
  readonly #fields: readonly FieldOfWindow[]
  readonly #scratch: Row = emptyRow()
  #phase: 'walk' | 'sort' | 'compute' | 'give' = 'walk'
  /** What the phase comes to next: an order or a field, and an item of it. */
  #which = 0
  #at = 0
  #instead: Operator | undefined
  #reason: string | undefined

  constructor(inputs: ColumnInputs, spec: ColumnWindowSpec, memory: QueryMemory) {
    this.#derived = inputs.own.derived
    this.#spec = spec
    this.#share = memory.share('the rows of windows')
    this.#walk = new ColumnWalk(this.#derived, this, inputs.byValue)
    const orders = new Map<string, ColumnOrder>()
    if (windowPaths(spec.fields).some((path) => !canArrange(inputs.refOf(path)))) {
      this.#giveUp('its vectors are in no order')
      this.#orders = []
      this.#fields = []
      return
    }
    this.#fields = spec.compiled.map((field) => {
      const sharing = spec.fields.filter((_, i) => spec.compiled[i]!.sharedBy === field.sharedBy)
      const order = orders.get(field.sharedBy) ?? new ColumnOrder(inputs, sharing)
      orders.set(field.sharedBy, order)
      return new FieldOfWindow(field, order)
    })
    this.#orders = [...orders.values()]
  }

  next(): Step {
    if (this.#isReady()) return this.#give()
    return this.#instead === undefined ? PAUSE : this.#instead.next()
  }

  skip(most: number): number {
    if (!this.#isReady()) return this.#instead === undefined ? 0 : skipByRow(this.#instead)
    let passed = 0
    const end = Math.min(this.#count, this.#at + ITEMS_PER_STEP)
    while (this.#at < end && passed < most) if (this.#passes(this.#at++)) passed++
    return passed === 0 && this.#at === this.#count ? END : passed
  }

  slots(from: number, to: number): void {
    if (this.#instead !== undefined) return
    for (const order of this.#orders) {
      const added = order.run.add(from, to)
      this.#share.take(added * order.bytes)
    }
  }

  row(): void {
    if (this.#instead === undefined) this.#giveUp('records have changed since the snapshot')
  }

  note(): string | undefined {
    return this.#reason === undefined ? undefined : `by rows: ${this.#reason}`
  }

  close(): void {
    this.#phase = 'give'
    for (const order of this.#orders) order.clear()
    for (const field of this.#fields) field.clear()
    this.#share.releaseAll()
    this.#instead?.close()
  }

  /** The records that there are. */
  get #count(): number {
    return this.#orders[0]?.count ?? 0
  }

  #giveUp(reason: string): void {
    this.#reason = reason
    this.#instead = this.#spec.overRows()
    this.#share.releaseAll()
  }

  /** Works for a while; true when fields can be given. */
  #isReady(): boolean {
    if (this.#instead !== undefined) return false
    if (this.#phase === 'walk') {
      if (this.#walk.step() && this.#instead === undefined) this.#phase = 'sort'
    } else if (this.#phase === 'sort') {
      if (this.#orders[this.#which]!.run.step(ITEMS_PER_STEP)) this.#which++
      if (this.#which === this.#orders.length) this.#beginCompute()
    } else if (this.#phase === 'compute') this.#compute()
    return this.#phase === 'give'
  }

  #beginCompute(): void {
    this.#phase = 'compute'
    this.#which = 0
    this.#share.take(this.#count * this.#fields.length * VALUE_BYTES)
  }

  #compute(): void {
    const field = this.#fields[this.#which]
    if (field === undefined) {
      this.#phase = 'give'
      this.#at = 0
      return
    }
    const end = Math.min(this.#count, this.#at + ITEMS_PER_STEP)
    while (this.#at < end) field.step(this.#at++)
    if (this.#at < this.#count) return
    this.#at = 0
    this.#which++
  }

  #give(): Step {
    const end = Math.min(this.#count, this.#at + ITEMS_PER_STEP)
    while (this.#at < end) {
      const item = this.#at++
      if (!this.#passes(item)) continue
      const row = this.#derived.recordAt(this.#orders[0]!.run.slotOf(item))
      invariant(row !== undefined, () => `an item of a window has no record at snapshot ${this.#derived.snapshot}`)
      this.#setFields(row, item)
      return row
    }
    return this.#at === this.#count ? undefined : PAUSE
  }

  #passes(item: number): boolean {
    const { keep } = this.#spec
    if (keep === undefined) return true
    this.#setFields(this.#scratch, item)
    return keep(this.#scratch)
  }

  #setFields(row: Row, item: number): void {
    const { compiled } = this.#spec
    for (let i = 0; i < compiled.length; i++) setField(row, compiled[i]!.name, this.#fields[i]!.valueOf(item))
  }
}

/** What the fields that are parted and ordered alike are worked out along. */
class ColumnOrder implements ArrangedRows {
  readonly run: ArrangeRun
  /** An item in memory. */
  readonly bytes: number
  readonly #derived: DerivedSource
  readonly #names: readonly string[]
  #isCleared = false

  constructor({ live, test, refOf, own }: ColumnInputs, fields: readonly WindowField[]) {
    const [{ partitionBy, orderBy }] = fields as readonly [WindowField]
    const sign = orderBy.at(-1)?.descending === true ? -1 : 1
    this.#names = [...new Set(fields.flatMap((field) => valuePaths(field).map(([name]) => name!)))]
    const spec: ArrangeSpec = {
      partitionBy: partitionBy.map((part) => refOf(pathOf(part))),
      orderBy: orderBy.map(({ path, descending, nulls }) => ({ ref: refOf(path), descending, nulls })),
      values: this.#names.map((name) => refOf([name])),
      ...(test === undefined ? {} : { where: test }),
      compareSlots: fields.every(ignoresTies) ? undefined : (a, b) => sign * own.derived.compareSlots(a, b),
    }
    this.#derived = own.derived
    this.bytes = arrangedBytes(spec)
    this.run = new ArrangeRun(live, spec)
  }

  get count(): number {
    return this.#isCleared ? 0 : this.run.count
  }

  rowAt(place: number): Row {
    const item = this.run.order[place]!
    const derived = this.#derived
    const slot = this.run.slotOf(item)
    // The id is read when an error names the record.
    const row = {
      get id() {
        return derived.idAt(slot)
      },
    }
    for (let i = 0; i < this.#names.length; i++) setField(row, this.#names[i]!, this.run.valueOf(item, i))
    return row
  }

  numberAt(place: number): number {
    return this.run.order[place]!
  }

  partitionAt(place: number): number {
    return this.run.partitions[place]!
  }

  areTogether(a: number, b: number): boolean {
    const { partitions } = this.run
    return a >= 0 && b >= 0 && a < partitions.length && b < partitions.length && partitions[a] === partitions[b]
  }

  areTied(a: number, b: number): boolean {
    const later = Math.max(a, b)
    return this.areTogether(a, b) && this.run.ties[later] === 1
  }

  clear(): void {
    this.#isCleared = true
  }
}

/** True for a field that is the same however ties of its order are broken. */
function ignoresTies({ fn, orderBy }: WindowField): boolean {
  if (fn === 'rank' || fn === 'denseRank') return true
  return orderBy.length === 0 && (fn === 'count' || fn === 'min' || fn === 'max')
}

function pathOf(expression: WindowField['partitionBy'][number]): Path {
  invariant(expression.kind === 'path', () => 'windows over columns are parted by fields; the planner looks')
  return expression.path
}

/** What a field reads of other rows, or of its own. */
function valuePaths({ of }: WindowField): readonly Path[] {
  return of === undefined ? [] : [pathOf(of)]
}

/** All that the fields read. */
export function windowPaths(fields: readonly WindowField[]): readonly Path[] {
  return fields.flatMap((field) => [
    ...field.partitionBy.map(pathOf),
    ...field.orderBy.map(({ path }) => path),
    ...valuePaths(field),
  ])
}

/** What the fields are parted by: values that must repeat. */
export function partitionPaths(fields: readonly WindowField[]): readonly Path[] {
  return fields.flatMap(({ partitionBy }) => partitionBy.map(pathOf))
}

/** True for a field that columns can be asked for: of plain paths, `of` one of the top level. */
export function isOfPaths({ of, partitionBy, orderBy }: WindowField): boolean {
  const isPlain = of === undefined || (of.kind === 'path' && of.path.length === 1)
  return isPlain && partitionBy.every(({ kind }) => kind === 'path') && orderBy.every(({ nocase }) => !nocase)
}
