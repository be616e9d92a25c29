/**
 * A query as plain, frozen data. The builder only makes this, the planner only reads it, and its JSON form
 * (query-json.ts) is what travels. Paths are parsed, operands are captured copies: nothing in here can change after
 * the call that made it, and nothing in here can write.
 */
import type { Path, Value } from '../base/values.ts'

/** A test of one value: a field's, or an array element's. Each is true or false for every value, missing included. */
export type Condition =
  | { readonly op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'; readonly operand: Value }
  | { readonly op: 'in' | 'notIn'; readonly operand: readonly Value[] }
  | { readonly op: 'between'; readonly operand: readonly [Value, Value] }
  | { readonly op: 'exists' | 'isNull'; readonly operand: boolean }
  | { readonly op: 'startsWith' | 'contains' | 'like' | 'ilike'; readonly operand: string }
  | { readonly op: 'regex'; readonly operand: { readonly source: string; readonly flags: string } }
  | { readonly op: 'any' | 'all' | 'none'; readonly operand: readonly Condition[] }

export type ConditionOp = Condition['op']

/** A test of a whole record. `and` of nothing is true, `or` of nothing is false. */
export type Predicate =
  | { readonly kind: 'field'; readonly path: Path; readonly test: Condition }
  | { readonly kind: 'and'; readonly of: readonly Predicate[] }
  | { readonly kind: 'or'; readonly of: readonly Predicate[] }
  | { readonly kind: 'not'; readonly of: Predicate }

/** A condition on one field. */
export type FieldPredicate = Extract<Predicate, { kind: 'field' }>

/** One key of an order. `nulls` places null and missing; undefined leaves them where the total order has them: lowest. */
export interface OrderKey {
  readonly path: Path
  readonly descending: boolean
  readonly nocase: boolean
  readonly nulls: 'first' | 'last' | undefined
}

/** One field of a projection: the value at `path` is put under `name`; a missing one is left out. */
export interface SelectedField {
  readonly name: string
  readonly path: Path
}

export interface QueryData {
  readonly collection: string
  /** Undefined means every record. */
  readonly where: Predicate | undefined
  readonly orderBy: readonly OrderKey[]
  readonly limit: number | undefined
  readonly offset: number
  readonly select: readonly SelectedField[] | undefined
}

/** The deepest nesting of and, or, not and element conditions: keeps every walk over a predicate off the stack's end. */
export const MAX_PREDICATE_DEPTH = 64

/** The order that `offset` and `page` add when the query has none. */
export const BY_ID: OrderKey = Object.freeze({
  path: Object.freeze(['id']),
  descending: false,
  nocase: false,
  nulls: undefined,
})

/** The whole collection of that name. */
export function everyRecord(collection: string): QueryData {
  return Object.freeze({
    collection,
    where: undefined,
    orderBy: Object.freeze([]),
    limit: undefined,
    offset: 0,
    select: undefined,
  })
}

/** The predicates that must all hold, with nested `and`s flattened. */
export function conjunctsOf(where: Predicate | undefined): readonly Predicate[] {
  if (where === undefined) return []
  if (where.kind !== 'and') return [where]
  return where.of.some((one) => one.kind === 'and') ? where.of.flatMap(conjunctsOf) : where.of
}
