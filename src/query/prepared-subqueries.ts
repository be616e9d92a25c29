/** Queries inside predicates, made ready to be asked: their keys collected once, or the query run for each row. */
import type { Path, StoredRecord, Value } from '../base/values.ts'
import { invalidQuery } from './capture.ts'
import type { RecordTest } from './expression.ts'
import { compileGetter } from './getter.ts'
import { type Operator, PAUSE } from './operators/operator.ts'
import { KeySet } from './operators/subquery-filter.ts'
import { compileExpression } from './predicate.ts'
import { type Expression, type Predicate, type QueryData, rowsOf } from './query-data.ts'
import type { QueryMemory } from './query-memory.ts'
import { bindOuter, type Subquery, visitPaths } from './references.ts'
import { compileJoinKey, compileKey, type ValueKey, valueKey } from './value-key.ts'
import { combine } from './where.ts'

/** A query that is run once beforehand: its keys are collected. */
export function keySet(predicate: Subquery, operator: Operator, memory: QueryMemory): KeySet {
  if (predicate.kind === 'inQuery') {
    const own = compileExpression(predicate.value)
    // It selects exactly one field: the builder and the reader of JSON have seen to that.
    const other = compileGetter([predicate.query.select![0]!.name])
    const keyOf = (value: Value | undefined): ValueKey => (value === undefined ? undefined : valueKey(value))
    return new KeySet(
      predicate,
      operator,
      { ofRow: (row) => keyOf(own(row)), ofOther: (row) => keyOf(other(row)) },
      memory,
    )
  }
  if (predicate.on.length === 0) {
    return new KeySet(predicate, operator, { ofRow: () => true, ofOther: () => true }, memory)
  }
  const ofRow = compileJoinKey(predicate.on.map(({ left }) => compileExpression(left)))
  const ofOther = compileJoinKey(predicate.on.map(({ right }) => compileExpression(right)))
  return new KeySet(predicate, operator, { ofRow, ofOther }, memory)
}

/** Rows of different values that ask the same are answered once, as long as there are not too many. */
const MOST_ANSWERS = 10_000

/** Asks the query anew for each row, with the row's values put in; `open` begins a run of it. */
export function askEachRow(predicate: Subquery, open: (data: QueryData) => Operator): RecordTest {
  if (predicate.kind !== 'exists') throw invalidQuery('in', 'outer belongs to the query of an exists')
  const paths: Path[] = []
  visitPaths(predicate, (path) => paths.push(path))
  const keyOf = compileKey(paths.map(compileGetter))
  const answers = new Map<ValueKey, boolean>()
  const lefts = predicate.on.map(({ left }) => compileExpression(left))
  return (row) => {
    const key = keyOf(row)
    const known = answers.get(key)
    if (known !== undefined) return known
    const values = lefts.map((left) => left(row) ?? null)
    const answer = !values.includes(null) && isThere(predicate, values, row, open)
    if (answers.size >= MOST_ANSWERS) answers.clear()
    answers.set(key, answer)
    return answer
  }
}

/** True when the query has a row for this one. */
function isThere(
  predicate: Extract<Subquery, { kind: 'exists' }>,
  values: readonly (Value | null)[],
  row: StoredRecord,
  open: (data: QueryData) => Operator,
): boolean {
  const bound = bindOuter(predicate.query, (path) => constant(compileGetter(path)(row)))
  const pairs = predicate.on.map(({ right }, i): Predicate => {
    if (right.kind === 'path') return { kind: 'field', path: right.path, test: { op: 'eq', operand: values[i]! } }
    return { kind: 'compare', op: 'eq', left: right, right: { kind: 'literal', value: values[i]! } }
  })
  const asked = pairs.length === 0 ? bound : { ...rowsOf(bound), where: combine('and', pairs) }
  const operator = open({ ...asked, limit: Math.min(1, asked.limit ?? 1) })
  try {
    let step = operator.next()
    while (step === PAUSE) step = operator.next()
    return step !== undefined
  } finally {
    operator.close()
  }
}

/** The expression of a value; of a missing one a field that no record has. */
function constant(value: Value | undefined): Expression {
  return value === undefined ? { kind: 'path', path: ['$missing'] } : { kind: 'literal', value }
}
