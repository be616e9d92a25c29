import { copyValue } from '../../base/copy-value.ts'
import { invariant } from '../../base/invariant.ts'
import { valueAt } from '../../base/path.ts'
import type { Path, Value } from '../../base/values.ts'
import type { ColumnTest } from '../../columns/column.ts'
import { compileFilter, type Filter } from '../../columns/filter.ts'
import { type Aggregate, type Group, GroupRun } from '../../columns/group.ts'
import { isSummable } from '../../columns/tally.ts'
import { notANumber } from '../aggregates.ts'
import { compileGetter } from '../getter.ts'
import type { ColumnAggregate, ColumnKey } from '../plan.ts'
import type { MemoryShare, QueryMemory } from '../query-memory.ts'
import { emptyRow, setField } from '../row-fields.ts'
import type { Row } from '../source.ts'
import type { ColumnInputs } from './column-inputs.ts'
import { type ColumnVisitor, ColumnWalk } from './column-walk.ts'
import { type Operator, PAUSE, type Step } from './operator.ts'

/** A group with its keys and results. */
const GROUP_BYTES = 200

/** Begun anew so many times for commits to looked up collections; then it runs to its end without a pause. */
const MOST_TRIES = 3

export interface ColumnGroupSpec {
  readonly keys: readonly ColumnKey[]
  readonly aggregates: readonly ColumnAggregate[]
}

/** One row a group: its keys, those that are missing left out, and its aggregates. */
export class ColumnGroup implements Operator {
  readonly #inputs: ColumnInputs
  readonly #spec: ColumnGroupSpec
  readonly #share: MemoryShare
  #run: Collected | undefined
  #tries = 0
  #groups: readonly Group[] | undefined
  #at = 0

  constructor(inputs: ColumnInputs, spec: ColumnGroupSpec, memory: QueryMemory) {
    this.#inputs = inputs
    this.#spec = spec
    this.#share = memory.share('the groups')
  }

  next(): Step {
    if (this.#groups === undefined && !this.#collect()) return PAUSE
    const group = this.#groups![this.#at]
    if (group === undefined) return undefined
    this.#at++
    return this.#rowOf(group)
  }

  close(): void {
    this.#share.releaseAll()
    this.#groups = []
    this.#at = 0
  }

  /** False while there is more to do. What is read through a lookup is read at one state of the other collection. */
  #collect(): boolean {
    do {
      if (this.#inputs.isLate) {
        this.#inputs.renew()
        this.#run = undefined
      }
      if (this.#run === undefined) {
        if (!this.#inputs.step()) continue
        this.#tries++
        this.#run = new Collected(this.#inputs, this.#spec)
      }
      if (!this.#run.walk.step()) continue
      this.#groups = this.#run.groups.groups()
      this.#share.take(this.#groups.length * GROUP_BYTES)
      return true
    } while (this.#tries > MOST_TRIES)
    return false
  }

  #rowOf({ keys, results }: Group): Row {
    const row = emptyRow()
    for (const [i, { name }] of this.#spec.keys.entries()) {
      const value = keys[i]
      if (value !== undefined) setField(row, name, copyValue(value))
    }
    for (const [i, { name }] of this.#spec.aggregates.entries()) setField(row, name, copyValue(results[i]!))
    return row
  }
}

/** One pass over the records. */
class Collected implements ColumnVisitor {
  readonly groups: GroupRun
  readonly walk: ColumnWalk
  readonly #inputs: ColumnInputs
  readonly #spec: ColumnGroupSpec
  readonly #keys: readonly ((row: Row) => Value | undefined)[]
  readonly #values: readonly ((row: Row) => Value | undefined)[]
  /** By aggregate that sums what may be no number, the slots that must not be. */
  readonly #wrong: readonly { readonly aggregate: ColumnAggregate; readonly filter: Filter }[]

  constructor(inputs: ColumnInputs, spec: ColumnGroupSpec) {
    const { refOf, test } = inputs
    const aggregates = spec.aggregates.map(({ fn, path }): Aggregate => {
      return fn === 'count' ? { kind: fn } : { kind: fn, ref: refOf(path) }
    })
    this.#inputs = inputs
    this.#spec = spec
    this.groups = new GroupRun(inputs.live, {
      keys: spec.keys.map(({ path }) => refOf(path)),
      aggregates,
      ...(test === undefined ? {} : { where: test }),
    })
    this.#keys = spec.keys.map(({ path }) => compileGetter(path))
    this.#values = spec.aggregates.map(({ path }) => compileGetter(path))
    this.#wrong = spec.aggregates.flatMap((aggregate) => {
      const wrong = wrongTest(aggregate, inputs)
      if (wrong === undefined) return []
      const where: ColumnTest = test === undefined ? wrong : { kind: 'and', of: [test, wrong] }
      return [{ aggregate, filter: compileFilter(inputs.live, where) }]
    })
    this.walk = new ColumnWalk(inputs.own.derived, this, inputs.byValue)
  }

  slots(from: number, to: number): void {
    for (const { aggregate, filter } of this.#wrong) this.#assertNone(filter, aggregate, from, to)
    this.groups.add(from, to)
  }

  row(record: Row): void {
    const row = this.#inputs.complete(record)
    if (row === undefined) return
    const wrong = this.groups.addRow(
      this.#keys.map((get) => get(row)),
      this.#values.map((get) => get(row)),
    )
    if (wrong >= 0) throw this.#refusal(this.#spec.aggregates[wrong]!, row)
  }

  #assertNone(filter: Filter, aggregate: ColumnAggregate, from: number, to: number): void {
    if (filter.count(from, to) === 0) return
    let slot = from
    while (!filter.testSlot(slot)) slot++
    const record = this.#inputs.own.derived.recordAt(slot)
    const row = record === undefined ? undefined : this.#inputs.complete(record)
    invariant(row !== undefined, () => `slot ${slot} passed, and its record does not`)
    throw this.#refusal(aggregate, row)
  }

  #refusal({ path }: ColumnAggregate, row: Row): Error {
    return notANumber({ kind: 'path', path }, row, valueAt(row, path) ?? null)
  }
}

/** True for rows whose value cannot be summed; undefined when there are none, or nothing is summed. */
function wrongTest({ fn, path }: ColumnAggregate, { refOf }: ColumnInputs): ColumnTest | undefined {
  if (fn !== 'sum' && fn !== 'avg') return undefined
  const ref = refOf(path)
  const { column } = ref
  if (column.kind === 'number' && !column.isDate) return undefined
  if (column.kind === 'coded' && column.dictionary.values.every(isSummable)) return undefined
  return { kind: 'accepts', ref, accepts: (value) => !isSummable(value) }
}

/** What a group reads. */
export function groupPaths({ keys, aggregates }: ColumnGroupSpec): readonly Path[] {
  return [...keys.map(({ path }) => path), ...aggregates.filter(({ fn }) => fn !== 'count').map(({ path }) => path)]
}
