/** Whole queries over given fields, as data. */
import fc from 'fast-check'
import { assertKnown } from '../../engine/known-options.ts'
import type { Query } from '../../query/builder.ts'
import type { DynamicRecord } from '../../query/types.ts'
import { assertArbitraries, assertOptions, given, refused } from '../arguments.ts'
import { type Fields, WHERE_CHECKS, type WhereOptions, type WherePlan, where, whereOf } from './where.ts'

/** A query as data, that can be printed; {@link queryOn} makes a query of it. */
export interface QueryPlan {
  readonly where?: WherePlan
  readonly orderBy?: readonly (readonly [path: string, direction: 'asc' | 'desc'])[]
  readonly offset?: number
  readonly limit?: number
}

export interface QueryOptions extends WhereOptions {
  /** The highest limit; 20 by default. */
  readonly maxLimit?: number
}

/**
 * Queries: a filter or none, an order or none, a limit and an offset where there is an order, so that each has one
 * answer. Shrinks to the query of everything.
 * @example
 * fc.assert(fc.property(arbitraries.query({ n: fc.nat(9) }), (plan) => queryOn(db.bugs, plan).all().length <= 20))
 */
export function query(fields: Fields, options: QueryOptions = {}): fc.Arbitrary<QueryPlan> {
  assertArbitraries('fields', fields)
  const checks = { ...WHERE_CHECKS, maxLimit: 0 }
  assertKnown('arbitraries.query()', options, Object.keys(checks))
  assertOptions(options, checks)
  const { maxLimit, ...filters } = options
  const paths = Object.keys(fields)
  const order = fc.uniqueArray(fc.tuple(fc.constantFrom('id', ...paths), fc.constantFrom('asc', 'desc')), {
    selector: ([path]) => path,
    minLength: 1,
    maxLength: 3,
    size: 'max',
  })
  return fc
    .record({
      where: fc.option(where(fields, filters), { nil: undefined, freq: 4 }),
      orderBy: fc.option(order, { nil: undefined, freq: 2 }),
      offset: fc.option(fc.nat(5), { nil: undefined, freq: 1 }),
      limit: fc.option(fc.nat(maxLimit ?? 20), { nil: undefined, freq: 2 }),
    })
    .map((one): QueryPlan => {
      const { where: filter, orderBy } = one
      return {
        ...(filter !== undefined && { where: filter }),
        ...(orderBy !== undefined && { orderBy }),
        ...(orderBy !== undefined && one.offset !== undefined && { offset: one.offset }),
        ...(orderBy !== undefined && one.limit !== undefined && { limit: one.limit }),
      }
    })
}

/** What a plan can be asked of: a collection of a database, a transaction or a snapshot. */
export interface Queried {
  where(filter: object): Query<DynamicRecord>
}

const PLAN = ['where', 'orderBy', 'offset', 'limit']

/** The query of a plan over a collection. */
export function queryOn(collection: Queried, plan: QueryPlan): Query<DynamicRecord> {
  const unknown = Object.keys(plan ?? {}).find((name) => !PLAN.includes(name))
  if (typeof plan !== 'object' || plan === null || unknown !== undefined) {
    throw refused('plan', `a plan of a query has ${PLAN.join(', ')}, found ${unknown ?? given(plan)}`)
  }
  let made = collection.where(plan.where === undefined ? {} : whereOf(plan.where))
  for (const [path, direction] of plan.orderBy ?? []) made = made.orderBy(path, direction)
  if (plan.offset !== undefined) made = made.offset(plan.offset)
  if (plan.limit !== undefined) made = made.limit(plan.limit)
  return made
}
