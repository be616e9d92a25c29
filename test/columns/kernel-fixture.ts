/** What the tests of the kernels share: prepared columns of random rows, and random tests with what they mean. */
import { parsePath, valueAt } from '../../src/base/path.ts'
import type { StoredRecord, Value } from '../../src/base/values.ts'
import type { Column, ColumnRef, ColumnTest, LiveSlots } from '../../src/columns/column.ts'
import { ColumnSet } from '../../src/columns/column-set.ts'
import { compileCondition } from '../../src/query/predicate.ts'
import { FIELD_NAMES, FIELDS, type ModelRows, pick, randomOf, randomRows, randomWrites } from './model-rows.ts'

export interface Fixture {
  readonly random: () => number
  readonly rows: ModelRows
  /** What the columns were prepared for; there are commits after it. */
  readonly snapshot: number
  readonly live: LiveSlots
  readonly columns: ReadonlyMap<string, Column>
}

/** Number columns are made of few numbers, so that collections of a few zones have them. */
export function fixtureOf(from: number, slots = 1400): Fixture {
  const random = randomOf(from)
  const rows = randomRows(random, Math.floor(random() * slots))
  const set = new ColumnSet(rows, { memoryBytes: 1 << 28, codedNumbers: 30 })
  if (random() < 0.5) {
    set.prepare(FIELD_NAMES.map(parsePath)).finish()
    randomWrites(random, rows, 30)
  }
  const { live, columns, caughtUp } = set.prepare(FIELD_NAMES.map(parsePath)).finish()
  randomWrites(random, rows, Math.floor(random() * 20))
  const known = new Map<string, Column>()
  for (const [i, column] of columns.entries()) if (column.kind !== 'refused') known.set(FIELD_NAMES[i]!, column)
  return { random, rows, snapshot: caughtUp, live, columns: known }
}

/** A test of columns with the same of records. */
export interface PairedTest {
  readonly test: ColumnTest
  readonly holds: (record: StoredRecord) => boolean
}

const COMPARISONS = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte'] as const

/** An operand: a value of some field, mostly of this one; never missing. */
function operandFor(random: () => number, name: string): Value {
  return FIELDS[random() < 0.8 ? name : pick(random, FIELD_NAMES)]!(random) ?? null
}

/** A test of one field through `refOf`, of a record that `recordOf` finds. */
export function randomLeaf(
  random: () => number,
  name: string,
  ref: ColumnRef,
  fieldOf: (record: StoredRecord) => Value | undefined = (record) => valueAt(record, [name]),
): PairedTest {
  const form = random()
  const operand = operandFor(random, name)
  if (form < 0.5) {
    const op = pick(random, COMPARISONS)
    const meaning = compileCondition({ op, operand })
    return { test: { kind: 'compare', ref, op, operand }, holds: (record) => meaning(fieldOf(record)) }
  }
  if (form < 0.7) {
    const high = operandFor(random, name)
    const meaning = compileCondition({ op: 'between', operand: [operand, high] })
    return { test: { kind: 'between', ref, low: operand, high }, holds: (record) => meaning(fieldOf(record)) }
  }
  if (form < 0.85) {
    const [missing, isNull, present] = [random() < 0.5, random() < 0.5, random() < 0.5]
    return {
      test: { kind: 'presence', ref, missing, null: isNull, present },
      holds: (record) => {
        const value = fieldOf(record)
        if (value === undefined) return missing
        return value === null ? isNull : present
      },
    }
  }
  const accepts = compileCondition({ op: 'in', operand: [operand, operandFor(random, name)] })
  return { test: { kind: 'accepts', ref, accepts }, holds: (record) => accepts(fieldOf(record)) }
}

/** A tree of tests. */
export function randomTest(random: () => number, leaf: () => PairedTest, depth = 3): PairedTest {
  const form = depth === 0 ? 0 : random()
  if (form < 0.4) return leaf()
  if (form < 0.55) {
    const { test, holds } = randomTest(random, leaf, depth - 1)
    return { test: { kind: 'not', of: test }, holds: (record) => !holds(record) }
  }
  const of = Array.from({ length: Math.floor(random() * 4) }, () => randomTest(random, leaf, depth - 1))
  const tests = of.map(({ test }) => test)
  return form < 0.8
    ? { test: { kind: 'and', of: tests }, holds: (record) => of.every(({ holds }) => holds(record)) }
    : { test: { kind: 'or', of: tests }, holds: (record) => of.some(({ holds }) => holds(record)) }
}

/** A random test of the fields of a fixture. */
export function randomRowTest({ random, columns }: Fixture): PairedTest {
  return randomTest(random, () => {
    const name = pick(random, [...columns.keys()])
    return randomLeaf(random, name, { column: columns.get(name)! })
  })
}

/** Both ways of running a kernel. */
export const WAYS = [{ generate: true }, { generate: false }] as const
