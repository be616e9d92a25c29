/** The types of joins, groups and windows: what a user writes, and the rows that come of it. */
import type { Computed, ComputedValue, FilterOf } from './expression-builder.ts'
import type { Direction, Flat, OrderOptions, PathOf, ValueAt } from './types.ts'

/** What must be equal: paths of the row to paths of the other, or pairs of expressions. */
export type JoinOn<T, O> = { readonly [P in PathOf<T>]?: PathOf<O> } | readonly (readonly [Computed<T>, Computed<O>])[]

/** A row with the other under a name. */
export type Joined<T, A extends string, O> = Flat<T & { [K in A]: O }>
/** The other may not be there. */
export type LeftJoined<T, A extends string, O> = Flat<T & { [K in A]?: O }>
/** The row itself may not be there. */
export type RightJoined<T, A extends string, O> = Flat<Partial<T> & { [K in A]: O }>
export type FullJoined<T, A extends string, O> = Flat<Partial<T> & { [K in A]?: O }>

export type ComputedFields<T> = { readonly [name: string]: Computed<T> }
export type WithComputed<T, C> = Flat<T & { -readonly [K in keyof C]: ComputedValue<T, C[K]> }>

/** One or several fields, or values under names. */
export type GroupKeys<T> = PathOf<T> | readonly PathOf<T>[] | ComputedFields<T>

/** `'priority'`, or several `['priority', ['createdAt', 'desc']]`. */
export type OrderSpec<T> = PathOf<T> | readonly OrderItem<T>[]
export type OrderItem<T> = PathOf<T> | readonly [PathOf<T>, Direction] | readonly [PathOf<T>, Direction, OrderOptions]

interface AggregateOptions<T> {
  /** Only these rows of the group. */
  readonly where?: FilterOf<T>
}
interface Ordered<T> extends AggregateOptions<T> {
  /** The order in which the rows are taken; ties, and all rows without one, by id. */
  readonly orderBy?: OrderSpec<T>
}

/** One aggregate. Null and missing are passed over; `count: true` counts rows. */
export type AggregateSpec<T> =
  | ({ readonly count: true | Computed<T> } & AggregateOptions<T>)
  | ({ readonly countDistinct: Computed<T> } & AggregateOptions<T>)
  | ({ readonly sum: Computed<T> } & AggregateOptions<T>)
  | ({ readonly avg: Computed<T> } & AggregateOptions<T>)
  | ({ readonly min: Computed<T> } & AggregateOptions<T>)
  | ({ readonly max: Computed<T> } & AggregateOptions<T>)
  | ({ readonly median: Computed<T> } & AggregateOptions<T>)
  | ({ readonly percentile: readonly [Computed<T>, number] } & AggregateOptions<T>)
  | ({ readonly first: Computed<T> } & Ordered<T>)
  | ({ readonly last: Computed<T> } & Ordered<T>)
  | ({ readonly array: Computed<T> } & Ordered<T>)

export type AggregateSpecs<T> = { readonly [name: string]: AggregateSpec<T> }

type SumOf<V> = [Exclude<V, undefined | null>] extends [bigint] ? bigint | 0 : number
type AggregateValue<T, S> = S extends { readonly count: unknown } | { readonly countDistinct: unknown }
  ? number
  : S extends { readonly sum: infer C }
    ? SumOf<ComputedValue<T, C>>
    : S extends { readonly avg: unknown } | { readonly median: unknown } | { readonly percentile: unknown }
      ? number | null
      : S extends
            | { readonly min: infer C }
            | { readonly max: infer C }
            | { readonly first: infer C }
            | { readonly last: infer C }
        ? Exclude<ComputedValue<T, C>, undefined> | null
        : S extends { readonly array: infer C }
          ? Exclude<ComputedValue<T, C>, undefined | null>[]
          : never

type KeyFields<T, K> = K extends readonly (infer P)[]
  ? { [N in P & string]: ValueAt<T, N> }
  : K extends string
    ? { [N in K]: ValueAt<T, N> }
    : { -readonly [N in keyof K]: ComputedValue<T, K[N]> }

/** A field that may be undefined may be absent. */
type Settled<T> = Flat<
  { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
    [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
  }
>

/** The row of a group. */
export type GroupRow<T, K, A> = Settled<KeyFields<T, K>> & AggregateRow<T, A>
export type AggregateRow<T, A> = { -readonly [N in keyof A]: AggregateValue<T, A[N]> }

interface Over<T> {
  readonly partitionBy?: PathOf<T> | readonly Computed<T>[]
  readonly orderBy?: OrderSpec<T>
}
interface Shifted<T> extends Over<T> {
  /** How many rows away; 1. */
  readonly by?: number
  /** Where there is no such row; null. */
  readonly default?: unknown
}

/** One field from the rows around. Aggregates with an order run up to the row; without one they are of the partition. */
export type WindowSpec<T> =
  | ({ readonly rowNumber: true } & Over<T>)
  | ({ readonly rank: true } & Over<T>)
  | ({ readonly denseRank: true } & Over<T>)
  | ({ readonly lag: Computed<T> } & Shifted<T>)
  | ({ readonly lead: Computed<T> } & Shifted<T>)
  | ({ readonly count: true | Computed<T> } & Over<T>)
  | ({ readonly sum: Computed<T> } & Over<T>)
  | ({ readonly avg: Computed<T> } & Over<T>)
  | ({ readonly min: Computed<T> } & Over<T>)
  | ({ readonly max: Computed<T> } & Over<T>)
  | ({ readonly first: Computed<T> } & Over<T>)
  | ({ readonly last: Computed<T> } & Over<T>)

export type WindowSpecs<T> = { readonly [name: string]: WindowSpec<T> }

type WindowValue<T, S> = S extends { readonly rowNumber: true } | { readonly rank: true } | { readonly denseRank: true }
  ? number
  : S extends { readonly lag: infer C } | { readonly lead: infer C }
    ? Exclude<ComputedValue<T, C>, undefined> | (S extends { readonly default: infer D } ? D : null)
    : AggregateValue<T, S>

export type WithWindows<T, W> = Flat<T & { -readonly [N in keyof W]: WindowValue<T, W[N]> }>

export type { FilterOf }
