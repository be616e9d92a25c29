/**
 * From predicates to functions. Each is specialised once by operator and type of operand, so that the test of a
 * record is a few calls without allocation. Two-valued: every test answers true or false for every value, missing
 * (undefined) included, and `ne`, `notIn` and `not` are exact complements.
 */

import { invariant } from '../base/invariant.ts'
import type { Path, Value } from '../base/values.ts'
import { foldCase } from '../codec/case-fold.ts'
import { compareStrings, compareValues, equalValues, typeClass } from '../codec/order.ts'
import { distanceMetres } from '../columns/geo.ts'
import { expressionFunction, type RecordTest, type RowValue, type Surroundings } from './expression.ts'
import { compileGetter } from './getter.ts'
import { matchLike, parseLike } from './like.ts'
import { isInBox, isPlace } from './place.ts'
import type { ComparisonOp, Condition, Expression, Predicate } from './query-data.ts'
import { compileRegex } from './regex.ts'

export type ValueTest = (value: Value | undefined) => boolean

/** The function of an expression. Throws INVALID_QUERY, naming the record, for a value of a type that it cannot take. */
export function compileExpression(expression: Expression, surroundings?: Surroundings): RowValue {
  return expressionFunction(expression, surroundings, compilePredicate)
}

/** The function of a predicate. */
export function compilePredicate(predicate: Predicate, surroundings?: Surroundings): RecordTest {
  switch (predicate.kind) {
    case 'field':
      return compileField(predicate.path, compileCondition(predicate.test))
    case 'not': {
      const test = compilePredicate(predicate.of, surroundings)
      return (record) => !test(record)
    }
    case 'and':
      return allOf(predicate.of.map((one) => compilePredicate(one, surroundings)))
    case 'or':
      return someOf(predicate.of.map((one) => compilePredicate(one, surroundings)))
    case 'compare':
      return compileComparison(
        predicate.op,
        compileExpression(predicate.left, surroundings),
        compileExpression(predicate.right, surroundings),
      )
    case 'inQuery':
    case 'exists':
      invariant(surroundings !== undefined, () => `${predicate.kind} asks other rows, and none are at hand`)
      return surroundings.subquery(predicate)
  }
}

function allOf(tests: readonly RecordTest[]): RecordTest {
  const [a, b, c] = tests
  if (a === undefined) return () => true
  if (b === undefined) return a
  if (c === undefined) return (record) => a(record) && b(record)
  return (record) => {
    for (let i = 0; i < tests.length; i++) if (!tests[i]!(record)) return false
    return true
  }
}

function someOf(tests: readonly RecordTest[]): RecordTest {
  return (record) => {
    for (let i = 0; i < tests.length; i++) if (tests[i]!(record)) return true
    return false
  }
}

function compileComparison(op: ComparisonOp, left: RowValue, right: RowValue): RecordTest {
  if (op === 'eq') return (row) => isEqual(left(row), right(row))
  if (op === 'ne') return (row) => !isEqual(left(row), right(row))
  return (row) => {
    const a = left(row)
    const b = right(row)
    if (a === undefined || b === undefined || a === null || b === null) return false
    if (typeClass(a) !== typeClass(b) || Number.isNaN(a) || Number.isNaN(b)) return false
    const order = compareValues(a, b)
    return op === 'lt' ? order < 0 : op === 'lte' ? order <= 0 : op === 'gt' ? order > 0 : order >= 0
  }
}

function isEqual(a: Value | undefined, b: Value | undefined): boolean {
  return a !== undefined && b !== undefined && equalValues(a, b)
}

function compileField(path: Path, test: ValueTest): RecordTest {
  const get = compileGetter(path)
  return (record) => test(get(record))
}

/** The function of a condition. */
export function compileCondition(condition: Condition): ValueTest {
  switch (condition.op) {
    case 'eq':
      return compileEqual(condition.operand)
    case 'ne':
      return complement(compileEqual(condition.operand))
    case 'in':
      return compileIn(condition.operand)
    case 'notIn':
      return complement(compileIn(condition.operand))
    case 'lt':
      return compileOrder(condition.operand, false, false)
    case 'lte':
      return compileOrder(condition.operand, false, true)
    case 'gt':
      return compileOrder(condition.operand, true, false)
    case 'gte':
      return compileOrder(condition.operand, true, true)
    case 'between': {
      const from = compileOrder(condition.operand[0], true, true)
      const to = compileOrder(condition.operand[1], false, true)
      return (value) => from(value) && to(value)
    }
    case 'exists': {
      const wanted = condition.operand
      return (value) => (value !== undefined) === wanted
    }
    case 'isNull': {
      const wanted = condition.operand
      return (value) => (value === undefined || value === null) === wanted
    }
    case 'startsWith': {
      const text = condition.operand
      return (value) => typeof value === 'string' && value.startsWith(text)
    }
    case 'contains': {
      const text = condition.operand
      return (value) => typeof value === 'string' && value.includes(text)
    }
    case 'like':
    case 'ilike':
      return compileLike(condition.operand, condition.op === 'ilike')
    case 'regex': {
      const matcher = compileRegex(condition.operand.source, condition.operand.flags, 'regex')
      return (value) => typeof value === 'string' && matcher.test(value)
    }
    case 'any':
    case 'all':
    case 'none':
      return compileElements(condition.op, condition.operand.map(compileCondition))
    case 'near': {
      const circle = condition.operand
      return (value) => isPlace(value) && distanceMetres(value, circle) <= circle.radiusMeters
    }
    case 'inBox': {
      const box = condition.operand
      return (value) => isPlace(value) && isInBox(value, box)
    }
  }
}

function complement(test: ValueTest): ValueTest {
  return (value) => !test(value)
}

function compileEqual(operand: Value): ValueTest {
  if (operand === null || typeof operand === 'string' || typeof operand === 'boolean') {
    return (value) => value === operand
  }
  if (typeof operand === 'number' && !Number.isNaN(operand)) {
    return (value) => value === operand || (typeof value === 'bigint' && equalValues(value, operand))
  }
  return (value) => value !== undefined && equalValues(value, operand)
}

/** Below this many operands a loop beats a set. */
const SMALL_LIST = 4

function compileIn(operands: readonly Value[]): ValueTest {
  const strings = operands.filter((operand) => typeof operand === 'string')
  if (strings.length === operands.length && operands.length > SMALL_LIST) {
    const set: ReadonlySet<unknown> = new Set(strings)
    return (value) => set.has(value)
  }
  const numbers = operands.filter((operand) => typeof operand === 'number')
  if (numbers.length === operands.length && operands.length > SMALL_LIST) {
    // A set of numbers takes NaN as itself and -0 as 0, as the order does.
    const set: ReadonlySet<unknown> = new Set(numbers)
    return (value) =>
      set.has(value) || (typeof value === 'bigint' && numbers.some((number) => equalValues(value, number)))
  }
  const tests = operands.map(compileEqual)
  return (value) => {
    for (let i = 0; i < tests.length; i++) if (tests[i]!(value)) return true
    return false
  }
}

/** Above (or below) the operand, or equal to it with `orEqual`, within its type class. */
function compileOrder(operand: Value, above: boolean, orEqual: boolean): ValueTest {
  switch (typeof operand) {
    case 'number':
    case 'bigint':
      return compileNumericOrder(operand, above, orEqual)
    case 'string':
      if (above) {
        if (orEqual) return (value) => typeof value === 'string' && compareStrings(value, operand) >= 0
        return (value) => typeof value === 'string' && compareStrings(value, operand) > 0
      }
      if (orEqual) return (value) => typeof value === 'string' && compareStrings(value, operand) <= 0
      return (value) => typeof value === 'string' && compareStrings(value, operand) < 0
    default: {
      // Null is a class without an order: nothing is below or above it, and it is not compared with itself.
      if (operand === null) return () => false
      const wanted = typeClass(operand)
      const sign = above ? 1 : -1
      return (value) => {
        if (value === undefined || typeClass(value) !== wanted) return false
        const order = compareValues(value, operand) * sign
        return order > 0 || (orEqual && order === 0)
      }
    }
  }
}

/** The language compares numbers with bigints by exact value, and NaN with nothing: both as wanted. */
function compileNumericOrder(operand: number | bigint, above: boolean, orEqual: boolean): ValueTest {
  if (above) {
    if (orEqual) return (value) => isNumeric(value) && value >= operand
    return (value) => isNumeric(value) && value > operand
  }
  if (orEqual) return (value) => isNumeric(value) && value <= operand
  return (value) => isNumeric(value) && value < operand
}

function isNumeric(value: Value | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function compileLike(pattern: string, ignoreCase: boolean): ValueTest {
  const like = parseLike(pattern, ignoreCase ? foldCase : (text) => text)
  invariant(like !== undefined, () => 'patterns are checked when the query is built')
  return ignoreCase
    ? (value) => typeof value === 'string' && matchLike(like, foldCase(value))
    : (value) => typeof value === 'string' && matchLike(like, value)
}

function compileElements(op: 'any' | 'all' | 'none', tests: readonly ValueTest[]): ValueTest {
  // `any` stops at the first element that meets, `none` too; `all` at the first that does not.
  const stopsAt = op !== 'all'
  const found = op === 'any'
  return (value) => {
    if (!Array.isArray(value)) return false
    for (let i = 0; i < value.length; i++) if (meets(tests, value[i]) === stopsAt) return found
    return !found
  }
}

function meets(tests: readonly ValueTest[], value: Value | undefined): boolean {
  for (let i = 0; i < tests.length; i++) if (!tests[i]!(value)) return false
  return true
}
