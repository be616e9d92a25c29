/**
 * Predicates in the language of columns. A predicate made of tests of single fields is a tree of column tests: what a
 * kernel knows (comparisons, presence, circles and boxes on the globe) natively, every other condition as the same function
 * that tests records (`compileCondition`), asked once for each distinct value where the column is coded.
 */
import { invariant } from '../base/invariant.ts'
import type { Path } from '../base/values.ts'
import type { ColumnRef, ColumnTest } from '../columns/column.ts'
import { withinBox, withinRadius } from '../columns/geo.ts'
import { compileCondition } from './predicate.ts'
import type { Condition, FieldPredicate, Predicate } from './query-data.ts'

/** The column behind a path of the row. */
export type RefOf = (path: Path) => ColumnRef

/** Up to so many operands of `in` are compared one by one with a number; more are looked up in a set. */
const FEW_OPERANDS = 6

/** The columns that a test of the predicate needs; undefined when no columns can test it. */
export function columnPathsOf(predicate: Predicate): readonly Path[] | undefined {
  switch (predicate.kind) {
    case 'field':
      if (!isColumnPath(predicate.path)) return undefined
      return isOfPlace(predicate.test) ? placePaths(predicate.path) : [predicate.path]
    case 'not':
      return columnPathsOf(predicate.of)
    case 'and':
    case 'or': {
      const paths: Path[] = []
      for (const one of predicate.of) {
        const own = columnPathsOf(one)
        if (own === undefined) return undefined
        paths.push(...own)
      }
      return paths
    }
    case 'compare':
    case 'inQuery':
    case 'exists':
      return undefined
  }
}

/** True for a path that a column may be made of: ids are distinct, which makes the dearest column for the least use. */
export function isColumnPath(path: Path): boolean {
  return path.length > 0 && path[0] !== 'id' && !path[0]!.startsWith('$')
}

/** The two columns of a place. */
export function placePaths(path: Path): readonly [lat: Path, lng: Path] {
  return [
    [...path, 'lat'],
    [...path, 'lng'],
  ]
}

/** The test of a predicate whose columns (columnPathsOf) are at hand. */
export function columnTest(predicate: Predicate, refOf: RefOf): ColumnTest {
  switch (predicate.kind) {
    case 'field':
      return fieldTest(predicate, refOf)
    case 'not':
      return { kind: 'not', of: columnTest(predicate.of, refOf) }
    case 'and':
    case 'or':
      return { kind: predicate.kind, of: predicate.of.map((one) => columnTest(one, refOf)) }
    case 'compare':
    case 'inQuery':
    case 'exists':
      invariant(false, () => `${predicate.kind} is no test of columns; columnPathsOf says so`)
  }
}

function fieldTest({ path, test }: FieldPredicate, refOf: RefOf): ColumnTest {
  switch (test.op) {
    case 'eq':
    case 'ne':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return { kind: 'compare', ref: refOf(path), op: test.op, operand: test.operand }
    case 'between':
      return { kind: 'between', ref: refOf(path), low: test.operand[0], high: test.operand[1] }
    case 'exists':
      return { kind: 'presence', ref: refOf(path), missing: !test.operand, null: test.operand, present: test.operand }
    case 'isNull':
      return { kind: 'presence', ref: refOf(path), missing: test.operand, null: test.operand, present: !test.operand }
    case 'in':
      return inTest(refOf(path), test)
    case 'near':
      return withinRadius(placeRefs(path, refOf), test.operand, test.operand.radiusMeters)
    case 'inBox': {
      const place = placeRefs(path, refOf)
      return { kind: 'and', of: [withinBox(place, test.operand), isNumber(place.lat), isNumber(place.lng)] }
    }
    default:
      return { kind: 'accepts', ref: refOf(path), accepts: compileCondition(test) }
  }
}

/** Few numbers are compared natively, where a column of numbers has no table. */
function inTest(ref: ColumnRef, test: Extract<Condition, { op: 'in' | 'notIn' }>): ColumnTest {
  if (ref.column.kind !== 'number' || test.operand.length > FEW_OPERANDS) {
    return { kind: 'accepts', ref, accepts: compileCondition(test) }
  }
  return { kind: 'or', of: test.operand.map((operand): ColumnTest => ({ kind: 'compare', ref, op: 'eq', operand })) }
}

/** A bigint is no degree, and is within bounds like a number; a column of numbers holds none. */
function isNumber(ref: ColumnRef): ColumnTest {
  if (ref.column.kind === 'number') return { kind: 'and', of: [] }
  return { kind: 'accepts', ref, accepts: (value) => typeof value === 'number' }
}

function placeRefs(path: Path, refOf: RefOf): { readonly lat: ColumnRef; readonly lng: ColumnRef } {
  const [lat, lng] = placePaths(path)
  return { lat: refOf(lat), lng: refOf(lng) }
}

function isOfPlace({ op }: Condition): boolean {
  return op === 'near' || op === 'inBox'
}
