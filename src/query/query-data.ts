/**
 * A query as plain, frozen data. The builder only makes this, the planner only reads it, and its JSON form
 * (query-json.ts) is what travels. Paths are parsed, operands are captured copies: nothing in here can change after
 * the call that made it, and nothing in here can write.
 *
 * One QueryData is a block. What its clauses mean does not depend on the order in which they were written:
 *
 *   rows of `collection`, or of the block `from`
 *   → search, nearest      restrict and rank; rows get `$score`, `$distance`
 *   → joins, in order      another record under a name of its own
 *   → computed             further fields
 *   → where                the filter of all the above
 *   → group                one row a group; `having` filters these
 *   → windows              further fields, from the rows around
 *   → select, distinct, sets   (distinct and sets act on the selected rows, and so does the order then)
 *   → orderBy, offset, limit   (else the order acts on whole rows, and select comes last)
 *
 * What speaks of the rows of a finished block (a join with groups, a filter of windows) is a block around it.
 */
import type { Path, Value } from '../base/values.ts'
import type { VectorMetric } from '../columns/nearest.ts'

/** A test of one value: a field's, or an array element's. Each is true or false for every value, missing included. */
export type Condition =
  | { readonly op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'; readonly operand: Value }
  | { readonly op: 'in' | 'notIn'; readonly operand: readonly Value[] }
  | { readonly op: 'between'; readonly operand: readonly [Value, Value] }
  | { readonly op: 'exists' | 'isNull'; readonly operand: boolean }
  | { readonly op: 'startsWith' | 'contains' | 'like' | 'ilike'; readonly operand: string }
  | { readonly op: 'regex'; readonly operand: { readonly source: string; readonly flags: string } }
  | { readonly op: 'any' | 'all' | 'none'; readonly operand: readonly Condition[] }
  | { readonly op: 'near'; readonly operand: Circle }
  | { readonly op: 'inBox'; readonly operand: Box }

export type ConditionOp = Condition['op']

/** A place on the earth, in degrees. A value is one when it is an object with these two numbers in range. */
export interface GeoPoint {
  readonly lat: number
  readonly lng: number
}

/** Places at most so far from its middle, its edge included. */
export interface Circle extends GeoPoint {
  readonly radiusMeters: number
}

/** Places between these, edges included; `west` above `east` goes across the antimeridian. */
export interface Box {
  readonly south: number
  readonly west: number
  readonly north: number
  readonly east: number
}

export type ComparisonOp = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'

/** A test of a whole record. `and` of nothing is true, `or` of nothing is false. */
export type Predicate =
  | { readonly kind: 'field'; readonly path: Path; readonly test: Condition }
  | { readonly kind: 'and'; readonly of: readonly Predicate[] }
  | { readonly kind: 'or'; readonly of: readonly Predicate[] }
  | { readonly kind: 'not'; readonly of: Predicate }
  /**
   * Of two values of the row. A missing one makes every comparison but `ne` false; `ne` is the complement of `eq`;
   * the four orders hold within one type class, never with null or NaN.
   */
  | { readonly kind: 'compare'; readonly op: ComparisonOp; readonly left: Expression; readonly right: Expression }
  /** The value equals one that the query gives, which selects one field; missing equals none. */
  | { readonly kind: 'inQuery'; readonly value: Expression; readonly query: QueryData }
  /**
   * The query gives a row whose `right`s equal this row's `left`s (null and missing equal nothing here, as in a join).
   * Inside it `outer` expressions are values of this row.
   */
  | { readonly kind: 'exists'; readonly query: QueryData; readonly on: readonly JoinPair[] }

/** A value made of a row. Null or missing in, null out, unless it says otherwise. */
export type Expression =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'literal'; readonly value: Value }
  /** In the query of an `exists`: of the row outside. */
  | { readonly kind: 'outer'; readonly path: Path }
  | { readonly kind: 'call'; readonly fn: ScalarFunction; readonly args: readonly Expression[] }
  /** The first whose condition holds; `otherwise` when none does. */
  | {
      readonly kind: 'case'
      readonly branches: readonly { readonly when: Predicate; readonly value: Expression }[]
      readonly otherwise: Expression
    }
  /** The beginning of the bin that a Date falls in, as a Date. */
  | {
      readonly kind: 'bin'
      readonly of: Expression
      readonly unit: BinUnit
      /** Bins of so many units, counted from the beginning of 1970 (weeks from Monday, 29 December 1969). */
      readonly step: number
      /** An IANA name; 'UTC' unless asked. */
      readonly timeZone: string
    }

/**
 * add subtract multiply divide modulo negate abs round floor ceil   numbers: all bigint gives bigint, else float64
 * concat                                                            the text of scalars, of dates the ISO form
 * lower upper trim                                                  text
 * length                                                            of text in code points, of arrays, of bytes
 * coalesce                                                          the first that is neither null nor missing
 * distance                                                          metres between two places, on a sphere
 * round is towards positive infinity at one half. A value of another type is INVALID_QUERY that names the record; so is an integer division of a bigint by 0n.
 */
export type ScalarFunction =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'modulo'
  | 'negate'
  | 'abs'
  | 'round'
  | 'floor'
  | 'ceil'
  | 'concat'
  | 'lower'
  | 'upper'
  | 'trim'
  | 'length'
  | 'coalesce'
  | 'distance'

export type BinUnit = 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year'

/** A field of the row under a name of its own. */
export interface NamedExpression {
  readonly name: string
  readonly value: Expression
}

export type JoinKind = 'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti'

/** What must be equal for two rows to join. Null and missing join nothing. */
export interface JoinPair {
  /** Of the row so far. */
  readonly left: Expression
  /** Of the row that joins. */
  readonly right: Expression
}

export interface JoinClause {
  readonly kind: JoinKind
  /** The field that holds the other row; empty for semi and anti, which add nothing. */
  readonly as: string
  readonly other: QueryData
  /** At least one. */
  readonly on: readonly JoinPair[]
}

export type AggregateFunction =
  | 'count'
  | 'countDistinct'
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  | 'median'
  | 'percentile'
  | 'array'

/** One aggregate of a group. Null and missing are passed over, except by a count of rows. */
export interface Aggregate {
  readonly name: string
  readonly fn: AggregateFunction
  /** Undefined for a count of rows only. */
  readonly of: Expression | undefined
  /** Only the rows of the group for which this is true. */
  readonly where: Predicate | undefined
  /** Of percentile: 0 to 1. */
  readonly fraction: number | undefined
  /** The order in which first, last and array take the rows; ties, and all without one, by the rows' identity. */
  readonly orderBy: readonly OrderKey[]
}

/** One row a group. Keys equal by the total order make one group; missing (then absent from the row) and null make two. */
export interface GroupClause {
  readonly keys: readonly NamedExpression[]
  readonly aggregates: readonly Aggregate[]
  readonly having: Predicate | undefined
}

export type WindowFunction =
  | 'rowNumber'
  | 'rank'
  | 'denseRank'
  | 'lag'
  | 'lead'
  | 'count'
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'first'
  | 'last'

/**
 * A field that a row gets from its partition. With an order, aggregates run from the first row of the partition to this
 * one; without, they are of the whole partition. Ties of the order are broken as those of a query.
 */
export interface WindowField {
  readonly name: string
  readonly fn: WindowFunction
  /** Undefined for rowNumber, rank, denseRank and a count of rows. */
  readonly of: Expression | undefined
  /** Of lag and lead: how many rows away. */
  readonly distance: number
  /** Of lag and lead: the value where there is no such row; null unless given. */
  readonly fallback: Value
  readonly partitionBy: readonly Expression[]
  readonly orderBy: readonly OrderKey[]
}

export type SetOperation = 'union' | 'unionAll' | 'intersect' | 'except'

/** Rows are the same when they are equal as values. All but unionAll give each row once. */
export interface SetClause {
  readonly kind: SetOperation
  readonly other: QueryData
}

export type { VectorMetric } from '../columns/nearest.ts'

/**
 * The nearest first, as `$distance`: metres for places; for vectors 1 − cosine, the negated dot product, or the
 * Euclidean distance. Rows whose value is no place, or no vector of that length, are left out.
 */
export type NearestClause =
  | { readonly kind: 'place'; readonly path: Path; readonly to: GeoPoint }
  | { readonly kind: 'vector'; readonly path: Path; readonly to: Float32Array; readonly metric: VectorMetric }

/** The matching records, the best first, as `$score`; ties by id. */
export interface SearchClause {
  /** The words of a search box, or the object form: which fields there are is known where it is run. */
  readonly asked: string | { readonly [part: string]: Value | undefined }
  /** Rows get `$highlights`. */
  readonly highlights: boolean
}

/** What the planner must do, or refuse: an index by its name, or no index and no column. */
export type Hint =
  | { readonly kind: 'index'; readonly name: string }
  | { readonly kind: 'scan' }
  | { readonly kind: 'columns' }

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
  /** The rows of this block instead of the records of the collection, which is then its own. */
  readonly from: QueryData | undefined
  readonly search: SearchClause | undefined
  readonly nearest: NearestClause | undefined
  readonly joins: readonly JoinClause[]
  readonly computed: readonly NamedExpression[]
  /** Undefined means every row. */
  readonly where: Predicate | undefined
  readonly group: GroupClause | undefined
  readonly windows: readonly WindowField[]
  readonly select: readonly SelectedField[] | undefined
  readonly distinct: boolean
  readonly sets: readonly SetClause[]
  readonly orderBy: readonly OrderKey[]
  readonly limit: number | undefined
  readonly offset: number
  readonly hint: Hint | undefined
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
  return Object.freeze({ ...NOTHING_ASKED, collection })
}

/** The rows of a block, to be asked further. */
export function rowsOf(from: QueryData): QueryData {
  return Object.freeze({ ...NOTHING_ASKED, collection: from.collection, from })
}

const NOTHING_ASKED: Omit<QueryData, 'collection'> = Object.freeze({
  from: undefined,
  search: undefined,
  nearest: undefined,
  joins: Object.freeze([]),
  computed: Object.freeze([]),
  where: undefined,
  group: undefined,
  windows: Object.freeze([]),
  select: undefined,
  distinct: false,
  sets: Object.freeze([]),
  orderBy: Object.freeze([]),
  limit: undefined,
  offset: 0,
  hint: undefined,
})

/** The predicates that must all hold, with nested `and`s flattened. */
export function conjunctsOf(where: Predicate | undefined): readonly Predicate[] {
  if (where === undefined) return []
  if (where.kind !== 'and') return [where]
  return where.of.some((one) => one.kind === 'and') ? where.of.flatMap(conjunctsOf) : where.of
}
