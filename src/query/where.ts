/** From the filters a user writes to predicates: `where({…})`, and the functions that combine filters. */

import type { Path } from '../base/values.ts'
import { capturePath, describe, invalidQuery, isPlainObject } from './capture.ts'
import { parseConditions } from './condition.ts'
import { Filter } from './filter.ts'
import { MAX_PREDICATE_DEPTH, type Predicate } from './query-data.ts'
import { captureQuery, Queryable } from './queryable.ts'
import type { Where } from './types.ts'

/**
 * True when at least one of the filters is; of none, never.
 * @example
 * db.bugs.where(or({ status: 'open' }, { priority: { gte: 4 } }))
 */
export function or<T>(...filters: readonly NoInfer<Where<T> | Filter<T>>[]): Filter<T> {
  return new Filter(combine('or', filters.map(parseWhere)))
}

/** True when all of the filters are; of none, always. */
export function and<T>(...filters: readonly NoInfer<Where<T> | Filter<T>>[]): Filter<T> {
  return new Filter(combine('and', filters.map(parseWhere)))
}

/** The exact complement: true for every record for which the filter is false. */
export function not<T>(filter: NoInfer<Where<T> | Filter<T>>): Filter<T> {
  return new Filter(checked(Object.freeze({ kind: 'not', of: parseWhere(filter) })))
}

/** The predicate of a filter; throws INVALID_QUERY with the path of what cannot be understood. */
export function parseWhere(filter: unknown): Predicate {
  if (filter instanceof Filter) return filter.predicate
  if (!isPlainObject(filter)) throw invalidQuery('', `a filter must be a plain object, and ${describe(filter)} is none`)
  const of: Predicate[] = []
  for (const text of Object.keys(filter)) {
    const path = capturePath(text)
    const entry = withoutMembership(filter[text], path, text, of)
    if (entry === NOTHING_ELSE) continue
    for (const test of parseConditions(entry, text)) of.push(Object.freeze({ kind: 'field', path, test }))
  }
  return combine('and', of)
}

const NOTHING_ELSE: unique symbol = Symbol('nothing else')

/** What is left of a field's entry without `in` and `notIn` of a query, which become predicates of their own. */
function withoutMembership(entry: unknown, path: Path, at: string, predicates: Predicate[]): unknown {
  if (!isPlainObject(entry) || !MEMBERSHIP.some((op) => isRows(entry[op]))) return entry
  const rest: { [op: string]: unknown } = { ...entry }
  for (const op of MEMBERSHIP) {
    if (!isRows(entry[op])) continue
    const query = captureQuery(entry[op], `${at}.${op}`)
    if (query.select?.length !== 1) throw invalidQuery(`${at}.${op}`, 'the query must select exactly one field')
    const found: Predicate = Object.freeze({ kind: 'inQuery', value: Object.freeze({ kind: 'path', path }), query })
    predicates.push(op === 'in' ? found : Object.freeze({ kind: 'not', of: found }))
    delete rest[op]
  }
  return Object.keys(rest).length === 0 ? NOTHING_ELSE : rest
}

const MEMBERSHIP: readonly string[] = ['in', 'notIn']

function isRows(operand: unknown): boolean {
  return operand instanceof Queryable || (typeof operand === 'object' && operand !== null && 'query' in operand)
}

/** All of (or one of) the predicates; a single one stands for itself. */
export function combine(kind: 'and' | 'or', of: readonly Predicate[]): Predicate {
  return of.length === 1 ? of[0]! : checked(Object.freeze({ kind, of: Object.freeze(of) }))
}

function checked(predicate: Predicate): Predicate {
  if (depthOf(predicate) > MAX_PREDICATE_DEPTH) {
    throw invalidQuery('', `and, or and not are nested deeper than ${MAX_PREDICATE_DEPTH}`)
  }
  return predicate
}

function depthOf(predicate: Predicate): number {
  switch (predicate.kind) {
    case 'field':
    case 'compare':
    case 'inQuery':
    case 'exists':
      return 0
    case 'not':
      return 1 + depthOf(predicate.of)
    default: {
      let deepest = 0
      for (const part of predicate.of) deepest = Math.max(deepest, depthOf(part))
      return 1 + deepest
    }
  }
}
