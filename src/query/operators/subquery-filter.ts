import type { Path, StoredRecord, Value } from '../../base/values.ts'
import type { RecordTest, Surroundings } from '../expression.ts'
import type { QueryMemory } from '../query-memory.ts'
import type { Subquery } from '../references.ts'
import type { ValueKey } from '../value-key.ts'
import { HeldKeys } from './held-keys.ts'
import { type Operator, PAUSE, STRIDE, type Step } from './operator.ts'

/** A query inside a predicate, on its way to being asked. */
export interface Prepared {
  readonly predicate: Subquery
  /** Works for a while; true when the test can be asked. */
  step(): boolean
  readonly test: RecordTest
  close(): void
}

/**
 * The rows for which a predicate with queries in it holds. What can be asked beforehand is: such a query is run to its
 * end before the first row is tested.
 */
export class SubqueryFilter implements Operator {
  readonly #input: Operator
  readonly #prepared: readonly Prepared[]
  readonly #compile: (surroundings: Surroundings) => RecordTest
  /** Rows tested before a pause: one that is asked a query of its own may be long work. */
  readonly #stride: number
  #ready = 0
  #test: RecordTest | undefined

  constructor(input: Operator, prepared: readonly Prepared[], compile: (surroundings: Surroundings) => RecordTest) {
    this.#input = input
    this.#prepared = prepared
    this.#compile = compile
    this.#stride = prepared.some((one) => one instanceof EachRow) ? 1 : STRIDE
  }

  next(): Step {
    while (this.#ready < this.#prepared.length) {
      if (!this.#prepared[this.#ready]!.step()) return PAUSE
      this.#ready++
    }
    this.#test ??= this.#compile(new Answers(this.#prepared))
    const test = this.#test
    for (let i = 0; i < this.#stride; i++) {
      const row = this.#input.next()
      if (row === undefined || row === PAUSE || test(row)) return row
    }
    return PAUSE
  }

  close(): void {
    this.#input.close()
    for (const prepared of this.#prepared) prepared.close()
  }
}

class Answers implements Surroundings {
  readonly #prepared: readonly Prepared[]

  constructor(prepared: readonly Prepared[]) {
    this.#prepared = prepared
  }

  subquery(predicate: Subquery): RecordTest {
    const found = this.#prepared.find((one) => one.predicate === predicate)
    if (found === undefined) throw new Error(`a query of ${predicate.kind} was not planned`)
    return found.test
  }

  outer(path: Path): Value | undefined {
    throw new Error(`outer ${path.join('.')} was not bound`)
  }
}

/** A query whose keys are collected once: a row's keys are among them or not. */
export class KeySet implements Prepared {
  readonly predicate: Subquery
  readonly #input: Operator
  readonly #keyOf: (row: StoredRecord) => ValueKey
  readonly #keyOfRow: (row: StoredRecord) => ValueKey
  readonly #keys: HeldKeys

  /** A key that is undefined equals none. */
  constructor(
    predicate: Subquery,
    input: Operator,
    keys: { readonly ofRow: (row: StoredRecord) => ValueKey; readonly ofOther: (row: StoredRecord) => ValueKey },
    memory: QueryMemory,
  ) {
    this.predicate = predicate
    this.#input = input
    this.#keyOf = keys.ofOther
    this.#keyOfRow = keys.ofRow
    this.#keys = new HeldKeys(memory, 'the values of a query in a filter')
  }

  step(): boolean {
    for (let i = 0; i < STRIDE; i++) {
      const row = this.#input.next()
      if (row === undefined) return true
      if (row === PAUSE) return false
      const key = this.#keyOf(row)
      if (key !== undefined) this.#keys.add(key)
    }
    return false
  }

  readonly test: RecordTest = (row) => {
    const key = this.#keyOfRow(row)
    return key !== undefined && this.#keys.has(key)
  }

  close(): void {
    this.#keys.clear()
    this.#input.close()
  }
}

/** A query that is asked anew for each row: it looks at values of the row. */
export class EachRow implements Prepared {
  readonly predicate: Subquery
  readonly test: RecordTest

  constructor(predicate: Subquery, test: RecordTest) {
    this.predicate = predicate
    this.test = test
  }

  step(): boolean {
    return true
  }

  close(): void {
    return
  }
}
