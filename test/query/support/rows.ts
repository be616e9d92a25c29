/** Inputs for operators: rows with all kinds of values, handed out with pauses. */
import fc from 'fast-check'
import { copyValue } from '../../../src/base/copy-value.ts'
import type { StoredRecord, Value } from '../../../src/base/values.ts'
import { compareValues } from '../../../src/codec/order.ts'
import { type Operator, PAUSE, type Step } from '../../../src/query/operators/operator.ts'
import { QueryMemory } from '../../../src/query/query-memory.ts'
import type { Row } from '../../../src/query/source.ts'
import { value } from './generators.ts'

const VECTORS: Value[] = [
  new Float32Array([1, 0.5]),
  new Float64Array([1, 0.5]),
  new Float32Array([1]),
  new Float64Array([-0, 2]),
]
const SAME: Value[] = [
  5,
  5n,
  0,
  -0,
  Number.NaN,
  '5',
  '\0',
  '\0s\0',
  '',
  'a',
  null,
  new Date(5),
  new Date(0),
  2n ** 60n,
  2 ** 60,
  2n ** 60n + 1n,
  [],
  {},
  { a: 1, b: 2 },
  { b: 2n, a: 1 },
  [1, 2],
  [1n, 2],
  [12],
  JSON.parse('{"__proto__":1}') as Value,
  new Uint8Array([5]),
  true,
  [null],
  [[], []],
  [[[]]],
  'a]',
  ['a', 'b'],
  ['a]s1:b'],
]

/** Any value, and often those that are nearly the same. */
export const anyValue: fc.Arbitrary<Value> = fc.oneof(
  { weight: 2, arbitrary: value },
  { weight: 2, arbitrary: fc.constantFrom(...SAME, ...VECTORS) },
)

const few = fc.constantFrom<Value | undefined>(
  1,
  1n,
  2,
  'a',
  Number.NaN,
  -0,
  0,
  null,
  undefined,
  new Date(1),
  '__proto__',
)
const number = fc.constantFrom<Value | undefined>(1, 2, 3.5, -7, 0.1, 1e16, null, undefined)

/** Rows with ids 0, 1, …; a and b meet often, v is anything, n a number or nothing. */
export const anyRows: fc.Arbitrary<readonly Row[]> = fc
  .array(
    fc.record({
      a: few,
      b: few,
      v: fc.option(anyValue, { nil: undefined }),
      n: number,
      ['__proto__']: fc.option(fc.constant(1), { nil: undefined }),
    }),
    { maxLength: 30 },
  )
  .map((rows) => rows.map((row, id) => present({ id, ...row })))

function present(fields: object): Row {
  const row = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined)
      Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return row as Row
}

export function unlimited(): QueryMemory {
  return new QueryMemory(Number.MAX_SAFE_INTEGER)
}

/** Hands out fresh copies of the rows, pausing in between, and knows whether it was closed. */
export class RowsInput implements Operator {
  readonly #rows: readonly Row[]
  readonly #pauseEvery: number
  #at = 0
  #calls = 0
  isClosed = false

  constructor(rows: readonly Row[], pauseEvery = 3) {
    this.#rows = rows
    this.#pauseEvery = pauseEvery
  }

  next(): Step {
    if (this.#at <= this.#rows.length && ++this.#calls % this.#pauseEvery === 0) return PAUSE
    const row = this.#rows[this.#at]
    this.#at++
    return row === undefined ? undefined : copyValue(row)
  }

  /** The end was told. */
  get isAtEnd(): boolean {
    return this.#at > this.#rows.length
  }

  close(): void {
    this.isClosed = true
  }
}

/** All rows of an operator, which is then closed. */
export function drain(operator: Operator): Row[] {
  const rows: Row[] = []
  for (let step = operator.next(); step !== undefined; step = operator.next()) if (step !== PAUSE) rows.push(step)
  if (operator.next() !== undefined) throw new Error('a row behind the end')
  operator.close()
  return rows
}

/** The rows in the total order, so that two lists of the same rows are the same. */
export function inOrder(rows: readonly object[]): StoredRecord[] {
  return ([...rows] as StoredRecord[]).sort(compareValues)
}
