import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePath, valueAt } from '../../src/base/path.ts'
import type { StoredRecord } from '../../src/base/values.ts'
import { compareValues } from '../../src/codec/order.ts'
import { type Query, queryAll, restoreQuery } from '../../src/query/builder.ts'
import { seed } from '../support/seed.ts'
import { filterTree, focused, indexes, order, records } from './support/generators.ts'
import { MemoryRunner } from './support/memory-source.ts'
import { type FilterTree, naiveMatches, naiveSort, type OrderSpec, toFilter } from './support/naive.ts'

function queryOf(runner: MemoryRunner, tree: FilterTree, keys: readonly OrderSpec[]): Query<unknown> {
  let query = queryAll<unknown>('things', runner).where(toFilter(tree))
  for (const { path, direction, nulls, nocase } of keys) {
    query = query.orderBy(path, direction, { ...(nulls && { nulls }), ...(nocase && { collation: 'nocase' as const }) })
  }
  return query
}

function byId(rows: readonly unknown[]): readonly unknown[] {
  return (rows as readonly StoredRecord[]).toSorted((a, b) => compareValues(a.id, b.id))
}

const limits = fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined })
const offsets = fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined })

describe('every plan of a query', () => {
  it('gives what a naive reading gives, whatever indexes there are', () => {
    const taken = new Map<string, number>()
    fc.assert(
      fc.property(records, filterTree, order, indexes, limits, offsets, (rows, tree, keys, specs, limit, offset) => {
        const runner = new MemoryRunner(rows, specs)
        let query = queryOf(runner, tree, keys)
        if (limit !== undefined) query = query.limit(limit)
        if (offset !== undefined) query = query.offset(offset)
        const matching = rows.filter((row) => naiveMatches(tree, row))
        const found = query.all()
        const from = offset ?? 0
        const to = from + (limit ?? Number.POSITIVE_INFINITY)
        if (keys.length > 0 || from > 0) expect(found).toStrictEqual(naiveSort(matching, keys).slice(from, to))
        else {
          expect(found.length).toBe(Math.min(matching.length, limit ?? matching.length))
          for (const row of found) expect(matching).toContainEqual(row)
          if (limit === undefined) expect(byId(found)).toStrictEqual(byId(matching))
        }
        expect(query.count()).toBe(found.length)
        expect(query.exists()).toBe(found.length > 0)
        if (keys.length > 0) expect(query.first()).toStrictEqual(found[0])
        expect(runner.closed).toBe(runner.opened)
        const access = query.explain().data.considered.find((one) => one.chosen)!.access
        taken.set(access, (taken.get(access) ?? 0) + 1)
      }),
      { seed: seed(), numRuns: 1_000 },
    )
    // Every kind of access was really taken, so that the comparison above says something.
    for (const access of ['scan', 'get by id']) {
      expect(taken.get(access), access).toBeGreaterThan(10)
    }
  })

  it('by an index is right about what the index holds, its ends, its order and its pages', () => {
    const seen = { index: 0, ordered: 0, found: 0 }
    fc.assert(
      fc.property(
        records,
        focused,
        limits,
        fc.integer({ min: 1, max: 5 }),
        (rows, { spec, tree, order }, limit, size) => {
          const runner = new MemoryRunner(rows, [spec])
          runner.believedRows = 1e9
          const query = queryOf(runner, tree, order)
          const sorted = naiveSort(
            rows.filter((row) => naiveMatches(tree, row)),
            order,
          )
          const limited = limit === undefined ? query : query.limit(limit)
          const { data, text } = limited.explain()
          if (data.considered.some((one) => one.chosen && one.access.startsWith('index'))) seen.index++
          if (text.includes('sortRuns')) seen.ordered++
          if (sorted.length > 0) seen.found++
          if (order.length === 0) {
            expect(byId(query.all())).toStrictEqual(sorted)
            return
          }
          expect(limited.all()).toStrictEqual(sorted.slice(0, limit))
          const paged: unknown[] = []
          for (let after: string | undefined, isLast = false; !isLast; isLast = after === undefined) {
            const page = query.page({ size, after })
            paged.push(...page.rows)
            after = page.next
          }
          expect(paged).toStrictEqual(sorted)
        },
      ),
      { seed: seed(), numRuns: 4_000 },
    )
    expect(seen.index).toBeGreaterThan(1_500)
    expect(seen.ordered).toBeGreaterThan(400)
    expect(seen.found).toBeGreaterThan(800)
  })

  it('gives the same in slices and row by row as at once', async () => {
    await fc.assert(
      fc.asyncProperty(records, filterTree, order, indexes, limits, async (rows, tree, keys, specs, limit) => {
        const runner = new MemoryRunner(rows, specs)
        runner.tickMs = 2
        let query = queryOf(runner, tree, keys)
        if (limit !== undefined) query = query.limit(limit)
        const atOnce = query.all()
        expect(await query.allAsync()).toStrictEqual(atOnce)
        expect(await query.countAsync()).toBe(atOnce.length)
        expect(await query.firstAsync()).toStrictEqual(query.first())
        const iterated: unknown[] = []
        for await (const row of query) iterated.push(row)
        expect(iterated).toStrictEqual(atOnce)
        expect((await query.explainAsync()).data.rows).toBe(atOnce.length)
        expect(runner.closed).toBe(runner.opened)
      }),
      { seed: seed(), numRuns: 400 },
    )
  })

  it('has pages that put together are the whole, each row once', () => {
    fc.assert(
      fc.property(
        records,
        filterTree,
        order,
        indexes,
        fc.integer({ min: 1, max: 7 }),
        (rows, tree, keys, specs, size) => {
          const runner = new MemoryRunner(rows, specs)
          const query = queryOf(runner, tree, keys)
          const all: unknown[] = []
          let after: string | undefined
          do {
            const page = query.page({ size, after })
            expect(page.rows.length).toBeLessThanOrEqual(size)
            if (page.next !== undefined) expect(page.rows.length).toBe(size)
            all.push(...page.rows)
            after = page.next
          } while (after !== undefined)
          const matching = rows.filter((row) => naiveMatches(tree, row))
          expect(all).toStrictEqual(naiveSort(matching, keys))
        },
      ),
      { seed: seed(), numRuns: 800 },
    )
  })

  it('is the plan of a query that went through JSON', () => {
    fc.assert(
      fc.property(records, filterTree, order, limits, (rows, tree, keys, limit) => {
        const runner = new MemoryRunner(rows)
        let query = queryOf(runner, tree, keys).select('id', 'a', 'n.x')
        if (limit !== undefined) query = query.limit(limit)
        const restored = restoreQuery<unknown>(JSON.parse(JSON.stringify(query)), runner)
        expect(restored.toJSON()).toStrictEqual(query.toJSON())
        expect(restored.data).toStrictEqual(query.data)
        expect(restored.all()).toStrictEqual(query.all())
      }),
      { seed: seed(), numRuns: 500 },
    )
  })

  it('tells exactly what it read: a write to anything else would not have changed the answer', () => {
    fc.assert(
      fc.property(records, filterTree, order, indexes, limits, (rows, tree, keys, specs, limit) => {
        const runner = new MemoryRunner(rows, specs)
        let query = queryOf(runner, tree, keys)
        if (limit !== undefined) query = query.limit(limit)
        const found = query.all() as readonly StoredRecord[]
        const read = runner.reads.at(-1)!
        for (const row of found) expect(read.matches(row)).toBe(true)
        const kept = rows.filter((row) => read.matches(row))
        if (keys.length > 0) {
          // With only the records it says it read, the query gives the same; and it read nothing it need not.
          const again = queryOf(new MemoryRunner(kept, specs), tree, keys)
          expect((limit === undefined ? again : again.limit(limit)).all()).toStrictEqual(found)
        }
        if (limit !== undefined && found.length === limit) expect(kept.length).toBe(limit)
      }),
      { seed: seed(), numRuns: 800 },
    )
  })

  it('projects the same fields that are in the whole rows', () => {
    fc.assert(
      fc.property(records, filterTree, order, (rows, tree, keys) => {
        const query = queryOf(new MemoryRunner(rows), tree, keys)
        const paths = ['a', 'n.x', 'tags.0'] as const
        const expected = (query.all() as readonly StoredRecord[]).map((row) =>
          Object.fromEntries(
            paths.map((path) => [path, valueAt(row, parsePath(path))]).filter((entry) => entry[1] !== undefined),
          ),
        )
        expect(query.select(...paths).all()).toStrictEqual(expected)
      }),
      { seed: seed(), numRuns: 300 },
    )
  })
})
