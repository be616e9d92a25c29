/** The generator of queries: valid always, about something mostly, one answer each, and small when it has to be. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seed } from '../support/seed.ts'
import { evaluate } from './support/naive/evaluate.ts'
import { judge } from './support/naive/same-rows.ts'
import { type Case, cases } from './support/random/arbitrary.ts'
import { type Clause, EVERY_CLAUSE, richWorld } from './support/random/world.ts'

const world = richWorld(EVERY_CLAUSE)

/** Every `kind`, `op`, `fn` and `unit` in a query, and its clauses. */
function partsOf({ query }: Case): readonly string[] {
  const parts: string[] = []
  JSON.stringify(query, (name, value: unknown) => {
    if (['kind', 'op', 'fn', 'unit'].includes(name)) parts.push(String(value))
    const isAsked = value !== undefined && value !== false && value !== 0
    if (isAsked && name !== '' && !(Array.isArray(value) && value.length === 0)) parts.push(`.${name}`)
    return typeof value === 'bigint' ? String(value) : value
  })
  return parts
}

const PARTS = [
  ...['.from', '.nearest', '.joins', '.computed', '.where', '.group', '.windows', '.select', '.distinct', '.sets'],
  ...['.orderBy', '.limit', '.offset', '.having', '.partitionBy', '.fallback'],
  ...['field', 'and', 'or', 'not', 'compare', 'inQuery', 'exists', 'path', 'literal', 'outer', 'call', 'case', 'bin'],
  ...['eq', 'ne', 'in', 'notIn', 'lt', 'lte', 'gt', 'gte', 'between', 'isNull', 'startsWith', 'contains', 'like'],
  ...['ilike', 'regex', 'any', 'all', 'none', 'near', 'inBox', 'place', 'vector'],
  ...['inner', 'left', 'right', 'full', 'semi', 'anti', 'union', 'unionAll', 'intersect', 'except'],
  ...['count', 'countDistinct', 'sum', 'avg', 'min', 'max', 'first', 'last', 'median', 'percentile', 'array'],
  ...['rowNumber', 'rank', 'denseRank', 'lag', 'lead', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter'],
  ...['year', 'add', 'subtract', 'multiply', 'divide', 'modulo', 'negate', 'abs', 'round', 'floor', 'ceil', 'concat'],
  ...['lower', 'upper', 'trim', 'coalesce', 'length', 'distance'],
]

describe('random queries', () => {
  it('are valid, have one answer however the records lie, and mostly give something', () => {
    const seen = new Map<string, number>()
    const given = { runs: 0, rows: 0 }
    fc.assert(
      fc.property(cases(world), (one) => {
        const { query, database } = one
        const rows = evaluate(query, database)
        const turned = new Map([...database].map(([name, records]) => [name, records.toReversed()]))
        expect(judge(query, turned, rows)).toBeUndefined()
        given.runs++
        if (rows.length > 0) given.rows++
        for (const part of new Set(partsOf(one))) seen.set(part, (seen.get(part) ?? 0) + 1)
      }),
      { seed: seed(), numRuns: 1_000 },
    )
    expect(given.rows / given.runs).toBeGreaterThan(0.65)
    for (const part of PARTS) expect(seen.get(part) ?? 0, part).toBeGreaterThan(0)
  })

  it('have only the clauses that are asked for', () => {
    const few: readonly Clause[] = ['where', 'orderBy', 'limit']
    fc.assert(
      fc.property(cases(richWorld(few)), ({ query }) => {
        const asked = Object.entries(query).filter(
          ([, value]) => Boolean(value) && !(Array.isArray(value) && value.length === 0),
        )
        expect(['collection', ...few]).toEqual(expect.arrayContaining(asked.map(([name]) => name)))
      }),
      { seed: seed(), numRuns: 300 },
    )
  })

  it('shrink to what matters', () => {
    const found = fc.check(
      fc.property(cases(world), ({ query, database }) => {
        const rows = evaluate(query, database)
        return query.group === undefined || rows.length === 0 || !query.group.aggregates.some(({ fn }) => fn === 'max')
      }),
      { seed: seed(), numRuns: 2_000 },
    )
    const { query, database, indexes, writes } = found.counterexample![0]
    expect([query.joins, query.computed, query.windows, query.sets, query.orderBy]).toEqual([[], [], [], [], []])
    expect([query.where, query.from, query.limit, query.select]).toEqual([undefined, undefined, undefined, undefined])
    expect(query.group!.aggregates).toHaveLength(1)
    expect([...database.values()].flat().length).toBeLessThanOrEqual(1)
    expect([...indexes.values()].flat()).toEqual([])
    expect(writes).toEqual([])
  })
})
