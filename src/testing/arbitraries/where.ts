/** Filters and queries over given fields: always valid, about what the fields hold, and small when they have to be. */
import fc from 'fast-check'
import type { Value } from '../../base/values.ts'
import { compareValues, isVector } from '../../codec/order.ts'
import { assertKnown } from '../../engine/known-options.ts'
import type { Filter } from '../../query/filter.ts'
import type { DynamicRecord, Where } from '../../query/types.ts'
import { and, not, or } from '../../query/where.ts'
import { assertArbitraries, assertOptions, given, refused } from '../arguments.ts'

/** What may be asked about: paths, each with the values to ask for. */
export type Fields = { readonly [path: string]: fc.Arbitrary<Value | undefined> }

export interface WhereOptions {
  /** Fields that one filter names; 3 by default. */
  readonly maxFields?: number
  /** Levels of and, or, not; 2 by default. 0: plain filters only. */
  readonly maxDepth?: number
}

/** A filter as data, that can be printed: what `where()` takes, or a combination of such. */
export type WherePlan =
  | { readonly where: Where<DynamicRecord> }
  | { readonly and: readonly WherePlan[] }
  | { readonly or: readonly WherePlan[] }
  | { readonly not: WherePlan }

/** The least of each option. */
export const WHERE_CHECKS = { maxFields: 1, maxDepth: 0 } as const

type Test = { readonly [operator: string]: Value }

/**
 * Filters over the fields: bare values, comparisons, ranges, lists, text, elements of arrays, and, or, not. Operands are
 * drawn from the fields, so they meet what is stored. Shrinks to few fields and small values.
 * @example
 * const plans = arbitraries.where({ n: fc.nat(9), title: arbitraries.text() })
 * fc.assert(fc.property(plans, (plan) => db.bugs.where(whereOf(plan)).count() === naive(plan)))
 */
export function where(fields: Fields, options: WhereOptions = {}): fc.Arbitrary<WherePlan> {
  assertArbitraries('fields', fields)
  assertKnown('arbitraries.where()', options, Object.keys(WHERE_CHECKS))
  assertOptions(options, WHERE_CHECKS)
  const entries = Object.entries(fields).map(([path, values]) => condition(values).map((test) => [path, test] as const))
  if (entries.length === 0) return fc.constant({ where: {} })
  const plain = fc
    .array(fc.oneof(...entries), { minLength: 1, maxLength: options.maxFields ?? 3, size: 'max' })
    .map((tests): WherePlan => ({ where: Object.fromEntries(tests) as Where<DynamicRecord> }))
  return fc.letrec<{ plan: WherePlan }>((tie) => {
    const parts = fc.array(tie('plan'), { minLength: 1, maxLength: 3, size: 'max' })
    return {
      plan: fc.oneof(
        { maxDepth: options.maxDepth ?? 2, depthSize: 'small', withCrossShrink: true },
        { weight: 6, arbitrary: plain },
        { weight: 1, arbitrary: parts.map((list): WherePlan => ({ and: list })) },
        { weight: 2, arbitrary: parts.map((list): WherePlan => ({ or: list })) },
        { weight: 1, arbitrary: tie('plan').map((one): WherePlan => ({ not: one })) },
      ),
    }
  }).plan
}

/** The filter of a plan, for `where()`, `updateMany()` and `deleteMany()`. */
export function whereOf(plan: WherePlan): Where<DynamicRecord> | Filter<DynamicRecord> {
  if (typeof plan !== 'object' || plan === null)
    throw refused('plan', `a plan of a filter is an object, found ${given(plan)}`)
  if ('where' in plan) return plan.where
  if ('not' in plan) return not<DynamicRecord>(whereOf(plan.not))
  const [how, parts] = 'and' in plan ? [and<DynamicRecord>, plan.and] : [or<DynamicRecord>, plan.or]
  if (!Array.isArray(parts)) throw refused('plan', 'a plan of a filter has where, and, or, or not')
  return how(...parts.map(whereOf))
}

/** One test on a field: the operator by number, simplest first, of those that fit what was drawn. */
function condition(values: fc.Arbitrary<Value | undefined>): fc.Arbitrary<Value | Test> {
  const operands = fc.array(values, { minLength: 2, maxLength: 4, size: 'max' })
  return fc.tuple(fc.nat(999), operands).map(([pick, drawn]) => {
    const known = drawn.filter((one) => one !== undefined && !isVector(one))
    const tests = testsOf(known as Value[])
    return tests[pick % tests.length]!
  })
}

function testsOf(operands: readonly Value[]): (Value | Test)[] {
  const [first] = operands
  if (first === undefined) return [{ exists: true }, { exists: false }, { isNull: true }, { isNull: false }]
  const sorted = [...operands].sort(compareValues)
  const tests: (Value | Test)[] = [
    { eq: first },
    { ne: first },
    ...['lt', 'lte', 'gt', 'gte'].map((operator) => ({ [operator]: first })),
    { in: operands },
    { notIn: operands },
    { between: [sorted[0]!, sorted.at(-1)!] },
    { exists: true },
    { isNull: true },
  ]
  if (typeof first === 'string') {
    const part = first.slice(0, 2)
    tests.push({ startsWith: part }, { contains: first.slice(1, 3) }, { like: `${escaped(part)}%` }, { ilike: '%a%' })
  }
  if (Array.isArray(first)) {
    const element = (first[0] ?? null) as Value
    if (!isVector(element)) tests.push(...['any', 'all', 'none'].map((operator) => ({ [operator]: { eq: element } })))
  }
  return tests
}

/** As part of a pattern of `like`. */
function escaped(part: string): string {
  return part.replace(/[\\%_]/g, (character) => `\\${character}`)
}
