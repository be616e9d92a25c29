/**
 * The types of queries. T is the record of the collection: inferred from its schema, or DynamicRecord for a schemaless
 * one, where every name and every value compiles. Paths go three levels deep; deeper ones are written with `eq` on the
 * object or through a dynamic handle. The types are kept shallow on purpose: they are computed at every keystroke.
 */
import type { RecordId } from '../base/ids.ts'
import type { Value } from '../base/values.ts'
import type { Box, Circle, GeoPoint } from './query-data.ts'
import type { RowsOf } from './queryable.ts'

/** A record of a schemaless collection. */
export interface DynamicRecord {
  id: RecordId
  [name: string]: Value | undefined
}

/** What has no fields of its own to descend into. */
type Atom = string | number | bigint | boolean | null | undefined | Date | Uint8Array | Float32Array | Float64Array

type Path1<T> = T extends Atom ? never : T extends readonly unknown[] ? `${number}` : keyof T & string
type Path2<T> = T extends Atom
  ? never
  : T extends readonly (infer E)[]
    ? `${number}` | `${number}.${Path1<NonNullable<E>>}`
    : { [K in keyof T & string]-?: K | `${K}.${Path1<NonNullable<T[K]>>}` }[keyof T & string]

/** Names and dotted paths of a record, three levels deep. */
export type PathOf<T> = unknown extends T
  ? string
  : string extends keyof T
    ? string
    : T extends unknown
      ? { [K in keyof T & string]-?: K | `${K}.${Path2<NonNullable<T[K]>>}` }[keyof T & string]
      : never

/** What lies at a path: undefined is among it where something on the way may be missing. */
export type ValueAt<T, P extends string> = unknown extends T
  ? Value | undefined
  : string extends keyof T
    ? P extends 'id'
      ? T[P & keyof T]
      : Value | undefined
    : T extends unknown
      ? P extends keyof T
        ? T[P]
        : P extends `${infer Head}.${infer Rest}`
          ? Head extends keyof T
            ? ValueAt<NonNullable<T[Head]>, Rest> | (T[Head] & (null | undefined) extends never ? never : undefined)
            : T extends readonly (infer E)[]
              ? ValueAt<NonNullable<E>, Rest> | undefined
              : undefined
          : T extends readonly (infer E)[]
            ? E | undefined
            : undefined
      : never

/** What a value may be ordered against: its own type class. */
type Peer<V> = V extends string ? string : V extends number | bigint ? number | bigint : V extends boolean ? boolean : V

/** The operators that every field has. */
export interface AnyOperators<V> {
  readonly eq?: V | null
  readonly ne?: V | null
  /** A list, or a query that selects one field. */
  readonly in?: readonly (V | null)[] | RowsOf<{ readonly [name: string]: V | null | undefined }>
  readonly notIn?: readonly (V | null)[] | RowsOf<{ readonly [name: string]: V | null | undefined }>
  readonly lt?: Peer<V>
  readonly lte?: Peer<V>
  readonly gt?: Peer<V>
  readonly gte?: Peer<V>
  /** Both ends included. */
  readonly between?: readonly [Peer<V>, Peer<V>]
  readonly exists?: boolean
  /** Null or missing. */
  readonly isNull?: boolean
}

/** The operators of strings. */
export interface StringOperators {
  readonly startsWith?: string
  readonly contains?: string
  /** The whole string: `%` any run, `_` one character, `\` escapes. */
  readonly like?: string
  readonly ilike?: string
  /** Anywhere in the string; flags i, s, u; no look-around, no back-references. Linear time. */
  readonly regex?: RegExp | string | { readonly source: string; readonly flags?: string }
}

/** The operators of arrays: a bare value is what an element must equal. */
export interface ArrayOperators<E> {
  readonly any?: Operand<E>
  readonly all?: Operand<E>
  readonly none?: Operand<E>
}

/** The operators of places: objects with `lat` and `lng` in degrees. */
export interface PlaceOperators {
  /** At most so far from there. */
  readonly near?: Circle
  /** Edges included; `west` above `east` goes across the antimeridian. */
  readonly inBox?: Box
}

/** The operators of a field whose value is V (null and undefined taken off). */
export type Operators<V> = AnyOperators<V> &
  ([Extract<V, string>] extends [never] ? unknown : StringOperators) &
  ([Extract<V, readonly unknown[]>] extends [never] ? unknown : ArrayOperators<ElementOf<V>>) &
  ([Extract<V, GeoPoint>] extends [never] ? unknown : PlaceOperators)

type ElementOf<V> = V extends readonly (infer E)[] ? E : never

/** Values that may stand bare, meaning `eq`: an object may not, since it could not be told from a condition. */
type Bare<V> = V extends Atom | readonly unknown[] ? V : never

/** What may be written at a field whose type is V. */
export type Operand<V> = Bare<Exclude<V, undefined>> | null | Operators<NonNullable<V>>

type Scalar = Exclude<Atom, undefined>
interface DynamicOperators extends AnyOperators<Value>, StringOperators, PlaceOperators {
  readonly any?: DynamicOperand
  readonly all?: DynamicOperand
  readonly none?: DynamicOperand
}
type DynamicOperand = Scalar | readonly Value[] | DynamicOperators

/** A filter: all of its conditions must hold. */
export type Where<T> = unknown extends T
  ? { readonly [path: string]: DynamicOperand }
  : string extends keyof T
    ? { readonly [path: string]: DynamicOperand }
    : { readonly [P in PathOf<T>]?: Operand<ValueAt<T, P>> }

export type Direction = 'asc' | 'desc'

export interface OrderOptions {
  /** Where null and missing go. Left out: lowest, so first when ascending and last when descending. */
  readonly nulls?: 'first' | 'last'
  /** Strings compare by simple case folding. */
  readonly collation?: 'nocase'
}

export type Flat<T> = { [K in keyof T]: T[K] }

/** Names to paths, as rows: what may be missing on the way is an optional field of the row. */
type Projected<T, S extends { readonly [name: string]: string }> = Flat<
  { [K in keyof S as undefined extends ValueAt<T, S[K]> ? never : K]: ValueAt<T, S[K]> } & {
    [K in keyof S as undefined extends ValueAt<T, S[K]> ? K : never]?: Exclude<ValueAt<T, S[K]>, undefined>
  }
>

/** The rows of `select('a', 'b.c')`: each path is a field of the row under the text it was written with. */
export type Selected<T, P extends string> = Projected<T, { [K in P]: K }>

/** The rows of `select({ name: 'path' })`. */
export type Renamed<T, S extends { readonly [name: string]: string }> = Projected<T, { -readonly [K in keyof S]: S[K] }>

/** Where a word of a search is: in which field, of an array of texts in which, from `start` to before `end`. */
export interface TextHighlight {
  readonly field: string
  readonly element: number
  readonly start: number
  readonly end: number
}

export interface PageOptions {
  /** Rows on a page. */
  readonly size: number
  /** The `next` of the page before; left out: the first page. */
  readonly after?: string | undefined
}

export interface Page<R> {
  readonly rows: R[]
  /** Present when there are more rows. Neither signed nor secret. */
  readonly next?: string
}

export interface AsyncOptions {
  readonly signal?: AbortSignal | undefined
}
