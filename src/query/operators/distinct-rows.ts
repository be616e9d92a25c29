import type { StoredRecord } from '../../base/values.ts'
import type { QueryMemory } from '../query-memory.ts'
import type { ValueKey } from '../value-key.ts'
import { HeldKeys } from './held-keys.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** Each row once, at its first coming: by its value, or records by their ids. */
export class DistinctRows implements Operator {
  readonly #input: Operator
  readonly #keyOf: (row: StoredRecord) => ValueKey
  readonly #seen: HeldKeys

  constructor(input: Operator, keyOf: (row: StoredRecord) => ValueKey, memory: QueryMemory) {
    this.#input = input
    this.#keyOf = keyOf
    this.#seen = new HeldKeys(memory, 'the rows that distinct and union tell apart')
  }

  next(): Step {
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#input.next()
      if (row === undefined || row === PAUSE || this.#seen.add(this.#keyOf(row))) return row
    }
    return PAUSE
  }

  close(): void {
    this.#seen.clear()
    this.#input.close()
  }
}
