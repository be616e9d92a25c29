import type { QueryMemory } from '../query-memory.ts'
import { valueKey } from '../value-key.ts'
import { HeldKeys } from './held-keys.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** The rows of one input that the other has, or has not, by value; each once. Reads the other first, and holds it. */
export class SetRows implements Operator {
  readonly #input: Operator
  readonly #other: Operator
  readonly #isWanted: boolean
  readonly #others: HeldKeys
  readonly #given: HeldKeys
  #isBuilt = false

  constructor(
    input: Operator,
    other: Operator,
    options: { readonly kind: 'intersect' | 'except'; readonly memory: QueryMemory },
  ) {
    this.#input = input
    this.#other = other
    this.#isWanted = options.kind === 'intersect'
    this.#others = new HeldKeys(options.memory, `the rows of the other side of ${options.kind}`)
    this.#given = new HeldKeys(options.memory, `the rows that ${options.kind} gave`)
  }

  next(): Step {
    if (!this.#isBuilt && !this.#build()) return PAUSE
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#input.next()
      if (row === undefined || row === PAUSE) return row
      const key = valueKey(row)
      if (this.#others.has(key) === this.#isWanted && this.#given.add(key)) return row
    }
    return PAUSE
  }

  close(): void {
    this.#others.clear()
    this.#given.clear()
    this.#input.close()
    this.#other.close()
  }

  /** Takes in some rows of the other input; true when it has them all. */
  #build(): boolean {
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#other.next()
      if (row === PAUSE) return false
      if (row === undefined) {
        this.#isBuilt = true
        return true
      }
      this.#others.add(valueKey(row))
    }
    return false
  }
}
