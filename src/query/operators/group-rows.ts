/** Groups: one row for each key, its aggregates worked out as the rows come. */
import { copyValue } from '../../base/copy-value.ts'
import type { StoredRecord, Value } from '../../base/values.ts'
import type { Accumulator, CompiledAggregate } from '../aggregates.ts'
import type { RowValue } from '../expression.ts'
import { heldBytes, type MemoryShare, type QueryMemory } from '../query-memory.ts'
import { emptyRow, setField } from '../row-fields.ts'
import type { Row } from '../source.ts'
import { compileKey, sameKey, type ValueKey } from '../value-key.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

export interface GroupSpec {
  readonly keys: readonly { readonly name: string; readonly value: RowValue }[]
  readonly aggregates: readonly CompiledAggregate[]
}

interface Group {
  /** The keys as the first row had them. */
  readonly keys: readonly (Value | undefined)[]
  readonly accumulators: readonly Accumulator[]
  /** How many of the accumulators have their results ready. */
  settled: number
}

const HELD = 'the groups and what their aggregates collect'

/** All groups are held, and given out when the input has ended. Without keys there is always one. */
export class GroupRows implements Operator {
  readonly #input: Operator
  readonly #maker: GroupMaker
  readonly #share: MemoryShare
  readonly #groups = new Map<ValueKey, Group>()
  #rest: Iterator<Group> | undefined
  #given: Group | undefined

  constructor(input: Operator, spec: GroupSpec, memory: QueryMemory) {
    this.#input = input
    this.#share = memory.share(HELD)
    this.#maker = new GroupMaker(spec, this.#share)
  }

  next(): Step {
    for (let i = 0; this.#rest === undefined; i++) {
      if (i === STRIDE) return PAUSE
      const row = this.#input.next()
      if (row === PAUSE) return PAUSE
      if (row === undefined) this.#endInput()
      else this.#maker.add(this.#groupOf(row), row)
    }
    this.#given ??= this.#rest!.next().value as Group | undefined
    if (this.#given === undefined) return undefined
    const row = this.#maker.rowOf(this.#given)
    if (row !== PAUSE) this.#given = undefined
    return row
  }

  close(): void {
    this.#groups.clear()
    this.#rest = this.#groups.values()
    this.#given = undefined
    this.#share.releaseAll()
    this.#input.close()
  }

  #endInput(): void {
    if (this.#maker.isOne && this.#groups.size === 0) this.#groups.set(null, this.#maker.make(undefined))
    this.#rest = this.#groups.values()
  }

  #groupOf(row: Row): Group {
    const key = this.#maker.keyOf(row)
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const group = this.#maker.make(row)
    // The keys are held as values and as the key of the map.
    this.#share.take(ENTRY_BYTES + 2 * heldBytes(key) + ACCUMULATOR_BYTES * group.accumulators.length)
    this.#groups.set(key, group)
    return group
  }
}

/** The same of an input whose rows come with equal keys together: holds one group. There are keys. */
export class GroupSorted implements Operator {
  readonly #input: Operator
  readonly #maker: GroupMaker
  readonly #share: MemoryShare
  #group: Group | undefined
  #key: ValueKey
  /** The group that has ended, until it is given; and the row that ended it. */
  #ended: Group | undefined
  #ahead: Row | undefined
  #isAtEnd = false

  constructor(input: Operator, spec: GroupSpec, memory: QueryMemory) {
    this.#input = input
    this.#share = memory.share(HELD)
    this.#maker = new GroupMaker(spec, this.#share)
  }

  next(): Step {
    for (let i = 0; this.#ended === undefined; i++) {
      if (i === STRIDE) return PAUSE
      const row = this.#isAtEnd ? undefined : this.#input.next()
      if (row === PAUSE) return PAUSE
      if (row !== undefined) this.#take(row)
      else {
        this.#isAtEnd = true
        if (this.#group === undefined) return undefined
        this.#ended = this.#group
        this.#group = undefined
      }
    }
    const given = this.#maker.rowOf(this.#ended)
    if (given === PAUSE) return PAUSE
    this.#ended = undefined
    this.#share.releaseAll()
    const row = this.#ahead
    this.#ahead = undefined
    if (row !== undefined) this.#take(row)
    return given
  }

  close(): void {
    this.#isAtEnd = true
    this.#group = undefined
    this.#ended = undefined
    this.#ahead = undefined
    this.#share.releaseAll()
    this.#input.close()
  }

  /** Adds the row to the group, begins one with it, or ends one before it. */
  #take(row: Row): void {
    const key = this.#maker.keyOf(row)
    if (this.#group === undefined) {
      this.#group = this.#maker.make(row)
      this.#key = key
    } else if (!sameKey(key, this.#key)) {
      this.#ended = this.#group
      this.#ahead = row
      this.#group = undefined
      return
    }
    this.#maker.add(this.#group, row)
  }
}

/** Makes, fills and shows groups. */
class GroupMaker {
  readonly #spec: GroupSpec
  readonly #share: MemoryShare
  readonly keyOf: (row: StoredRecord) => ValueKey

  constructor(spec: GroupSpec, share: MemoryShare) {
    this.#spec = spec
    this.#share = share
    this.keyOf = this.isOne ? () => null : compileKey(spec.keys.map(({ value }) => value))
  }

  /** Without keys all rows, or none, are one group. */
  get isOne(): boolean {
    return this.#spec.keys.length === 0
  }

  /** A group that begins with the row, which is not added. */
  make(row: Row | undefined): Group {
    return {
      keys: row === undefined ? [] : this.#spec.keys.map(({ value }) => value(row)),
      accumulators: this.#spec.aggregates.map((aggregate) => aggregate.make(this.#share)),
      settled: 0,
    }
  }

  add(group: Group, row: Row): void {
    const { aggregates } = this.#spec
    for (let i = 0; i < aggregates.length; i++) {
      const { where } = aggregates[i]!
      if (where === undefined || where(row)) group.accumulators[i]!.add(row)
    }
  }

  /** The keys that were there, then the aggregates. PAUSE: not yet. */
  rowOf(group: Group): Row | typeof PAUSE {
    const { accumulators, keys } = group
    for (; group.settled < accumulators.length; group.settled++) {
      if (accumulators[group.settled]!.settle?.() === false) return PAUSE
    }
    const row = emptyRow()
    for (let i = 0; i < keys.length; i++) setField(row, this.#spec.keys[i]!.name, copyValue(keys[i]))
    for (let i = 0; i < accumulators.length; i++) {
      setField(row, this.#spec.aggregates[i]!.name, accumulators[i]!.result())
    }
    return row
  }
}

/** A group and its entry in the map; an accumulator with its fields, before it holds anything. */
const ENTRY_BYTES = 160
const ACCUMULATOR_BYTES = 96
