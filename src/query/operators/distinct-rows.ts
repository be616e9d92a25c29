import type { QueryMemory } from '../query-memory.ts'
import { type ValueKey, valueKey } from '../value-key.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** Each row once, by its value. */
export class DistinctRows implements Operator {
  readonly #input: Operator
  readonly #memory: QueryMemory
  readonly #seen = new Set<ValueKey>()

  constructor(input: Operator, memory: QueryMemory) {
    this.#input = input
    this.#memory = memory
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#input.next()
      if (row === undefined || row === PAUSE) return row
      const key = valueKey(row)
      if (this.#seen.has(key)) continue
      this.#memory.hold(1, 'distinct')
      this.#seen.add(key)
      return row
    }
    return PAUSE
  }

  close(): void {
    this.#memory.release(this.#seen.size)
    this.#seen.clear()
    this.#input.close()
  }
}
