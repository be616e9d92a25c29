/** The table of operators and the kinds of predicate, each as its definition says it. */
import { valueAt } from '../../../../src/base/path.ts'
import type { Value } from '../../../../src/base/values.ts'
import { compareValues, equalValues, foldCase, typeClass } from '../../../../src/codec/order.ts'
import type { ComparisonOp, Condition, Predicate } from '../../../../src/query/query-data.ts'
import { resultOf } from './expression.ts'
import { placeIn, sphereMeters } from './place.ts'
import type { Row, Scope } from './scope.ts'

/** True or false, for every row. */
export function holds(predicate: Predicate, row: Row, scope: Scope): boolean {
  switch (predicate.kind) {
    case 'field':
      return meets(predicate.test, valueAt(row, predicate.path))
    case 'and':
      return predicate.of.every((one) => holds(one, row, scope))
    case 'or':
      return predicate.of.some((one) => holds(one, row, scope))
    case 'not':
      return !holds(predicate.of, row, scope)
    case 'compare':
      return compares(predicate.op, resultOf(predicate.left, row, scope), resultOf(predicate.right, row, scope))
    case 'inQuery': {
      const value = resultOf(predicate.value, row, scope)
      const [field] = predicate.query.select!
      const found = scope.rowsOf(predicate.query).map((one) => one[field!.name])
      return value !== undefined && found.some((one) => one !== undefined && equalValues(one, value))
    }
    case 'exists': {
      const found = scope.rowsOf(predicate.query, row)
      return found.some((inner) =>
        predicate.on.every(({ left, right }) =>
          joinsWith(resultOf(left, row, scope), resultOf(right, inner, { ...scope, outer: row })),
        ),
      )
    }
  }
}

/** Equal as the values of a join are: null and missing join nothing. */
export function joinsWith(left: Value | undefined, right: Value | undefined): boolean {
  return left !== undefined && left !== null && right !== undefined && right !== null && equalValues(left, right)
}

function compares(op: ComparisonOp, left: Value | undefined, right: Value | undefined): boolean {
  const equal = left !== undefined && right !== undefined && equalValues(left, right)
  if (op === 'eq') return equal
  if (op === 'ne') return !equal
  return right !== undefined && isOrdered(op, left, right)
}

/** Within one type class and in that order; never of null or NaN. */
function isOrdered(op: ComparisonOp, value: Value | undefined, operand: Value): boolean {
  if (value === undefined || value === null || operand === null) return false
  if (typeClass(value) !== typeClass(operand) || Number.isNaN(value) || Number.isNaN(operand)) return false
  const order = compareValues(value, operand)
  if (op === 'lt') return order < 0
  if (op === 'lte') return order <= 0
  return op === 'gt' ? order > 0 : order >= 0
}

/** True or false, for every value, missing included. */
export function meets(test: Condition, value: Value | undefined): boolean {
  switch (test.op) {
    case 'eq':
      return value !== undefined && equalValues(value, test.operand)
    case 'ne':
      return !meets({ op: 'eq', operand: test.operand }, value)
    case 'in':
      return value !== undefined && test.operand.some((one) => equalValues(value, one))
    case 'notIn':
      return !meets({ op: 'in', operand: test.operand }, value)
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return isOrdered(test.op, value, test.operand)
    case 'between':
      return isOrdered('gte', value, test.operand[0]) && isOrdered('lte', value, test.operand[1])
    case 'exists':
      return (value !== undefined) === test.operand
    case 'isNull':
      return (value === undefined || value === null) === test.operand
    case 'startsWith':
      return typeof value === 'string' && value.slice(0, test.operand.length) === test.operand
    case 'contains':
      return typeof value === 'string' && value.indexOf(test.operand) >= 0
    case 'like':
      return typeof value === 'string' && likeRegExp(test.operand).test(value)
    case 'ilike':
      return typeof value === 'string' && likeRegExp(foldCase(test.operand)).test(foldCase(value))
    case 'regex':
      return typeof value === 'string' && new RegExp(test.operand.source, test.operand.flags).test(value)
    case 'any':
      return Array.isArray(value) && value.some((item: Value) => meetsAll(test.operand, item))
    case 'all':
      return Array.isArray(value) && value.every((item: Value) => meetsAll(test.operand, item))
    case 'none':
      return Array.isArray(value) && !value.some((item: Value) => meetsAll(test.operand, item))
    case 'near': {
      const place = placeIn(value)
      return place !== undefined && sphereMeters(place, test.operand) <= test.operand.radiusMeters
    }
    case 'inBox': {
      const place = placeIn(value)
      const { south, west, north, east } = test.operand
      if (place === undefined || place.lat < south || place.lat > north) return false
      const isEastOfWest = place.lng >= west
      const isWestOfEast = place.lng <= east
      return west > east ? isEastOfWest || isWestOfEast : isEastOfWest && isWestOfEast
    }
  }
}

function meetsAll(tests: readonly Condition[], value: Value): boolean {
  return tests.every((test) => meets(test, value))
}

/** `%` any run, `_` one code point, a backslash takes the next character as it is; the whole string. */
function likeRegExp(pattern: string): RegExp {
  let source = ''
  const characters = [...pattern]
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!
    if (character === '%') source += '.*'
    else if (character === '_') source += '.'
    else source += literal(character === '\\' ? characters[++i]! : character)
  }
  return new RegExp(`^${source}$`, 'su')
}

function literal(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character
}
