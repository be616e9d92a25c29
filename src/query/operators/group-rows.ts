/** Groups: one row for each key, its aggregates worked out as the rows come. */
import { copyValue } from '../../base/copy-value.ts'
import type { StoredRecord, Value } from '../../base/values.ts'
import type { Accumulator, MakeAccumulator } from '../aggregates.ts'
import type { RowValue } from '../expression.ts'
import type { QueryMemory } from '../query-memory.ts'
import type { Row } from '../source.ts'
import { compileKey, type ValueKey } from '../value-key.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

export interface GroupRowsOptions {
  readonly keys: readonly { readonly name: string; readonly value: RowValue }[]
  readonly aggregates: readonly { readonly name: string; readonly make: MakeAccumulator }[]
  readonly memory: QueryMemory
}

interface Group {
  readonly keys: readonly (Value | undefined)[]
  readonly accumulators: readonly Accumulator[]
}

export class GroupRows implements Operator {
  readonly #input: Operator
  readonly #options: GroupRowsOptions
  readonly #keyOf: (row: StoredRecord) => ValueKey
  readonly #groups = new Map<ValueKey, Group>()
  #held = 0
  #taken: Iterator<Group> | undefined

  constructor(input: Operator, options: GroupRowsOptions) {
    this.#input = input
    this.#options = options
    this.#keyOf = options.keys.length === 0 ? () => null : compileKey(options.keys.map(({ value }) => value))
    // All rows are one group, even when there are none.
    if (options.keys.length === 0) this.#groups.set(null, { keys: [], accumulators: this.#accumulators() })
  }

  next(): Step {
    if (this.#taken === undefined && !this.#collect()) return PAUSE
    const next = this.#taken?.next()
    return next === undefined || next.done === true ? undefined : this.#rowOf(next.value)
  }

  close(): void {
    this.#options.memory.release(this.#held)
    this.#held = 0
    this.#groups.clear()
    this.#input.close()
  }

  /** Takes in some rows; true when there are no more. */
  #collect(): boolean {
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#input.next()
      if (row === PAUSE) return false
      if (row === undefined) {
        this.#taken = this.#groups.values()
        return true
      }
      this.#add(row)
    }
    return false
  }

  #add(row: StoredRecord): void {
    const key = this.#keyOf(row)
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = { keys: this.#options.keys.map(({ value }) => value(row)), accumulators: this.#accumulators() }
      this.#groups.set(key, group)
      this.#hold(1)
    }
    const { accumulators } = group
    for (let i = 0; i < accumulators.length; i++) {
      const accumulator = accumulators[i]!
      const held = accumulator.held
      accumulator.add(row)
      if (accumulator.held !== held) this.#hold(accumulator.held - held)
    }
  }

  #hold(count: number): void {
    this.#options.memory.hold(count, 'a group')
    this.#held += count
  }

  #accumulators(): readonly Accumulator[] {
    return this.#options.aggregates.map(({ make }) => make())
  }

  #rowOf({ keys, accumulators }: Group): Row {
    const row: { [name: string]: Value } = {}
    this.#options.keys.forEach(({ name }, i) => {
      const value = keys[i]
      if (value !== undefined) put(row, name, value)
    })
    this.#options.aggregates.forEach(({ name }, i) => {
      put(row, name, accumulators[i]!.result())
    })
    // Groups are typed by the builder; here they are what flows between operators.
    return row as unknown as Row
  }
}

/**
 * Gives a row a field of any name: a copy, because rows of a join share what was joined, and an aggregate may be the same
 * object as a key or another one.
 */
export function put(row: { [name: string]: Value }, name: string, shared: Value): void {
  const value = copyValue(shared)
  // Assigning `__proto__` would change the row's prototype instead.
  if (name === '__proto__')
    Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true })
  else row[name] = value
}
