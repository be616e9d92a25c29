import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import type { StoredRecord } from '../../src/base/values.ts'
import { type Query, queryAll } from '../../src/query/builder.ts'
import { MemoryRunner } from './support/memory-source.ts'
import { naiveSort } from './support/naive.ts'

const ROWS: readonly StoredRecord[] = Array.from({ length: 3_000 }, (_, id) => ({ id, n: (id * 7_919) % 3_000 }))

function things(rows = ROWS): { query: Query<unknown>; runner: MemoryRunner } {
  const runner = new MemoryRunner(rows, [{ on: ['n'] }])
  return { query: queryAll<unknown>('things', runner), runner }
}

describe('a yielding run', () => {
  it('gives the event loop turns while it filters, sorts and hands out rows', async () => {
    for (const [name, of] of [
      ['filter', (query: Query<unknown>) => query.where({ m: { exists: true } })],
      ['sort', (query: Query<unknown>) => query.orderBy('m')],
      ['top', (query: Query<unknown>) => query.orderBy('m').limit(5)],
      ['index', (query: Query<unknown>) => query.orderBy('n')],
      ['ties', (query: Query<unknown>) => query.where({ n: { gte: 0 } }).orderBy('n', 'desc')],
    ] as const) {
      const { query, runner } = things()
      runner.tickMs = 1
      await of(query).allAsync()
      // A look at the clock at least every 64 rows, and a slice of 3 ms of it: three looks.
      expect(runner.yields, name).toBeGreaterThanOrEqual(Math.floor(ROWS.length / 64 / 3) - 1)
    }
  })

  it('ends with ABORTED, the reason as its cause, and the snapshot released', async () => {
    const { query, runner } = things()
    runner.tickMs = 1
    const abort = new AbortController()
    const reason = new Error('enough')
    runner.onYield = () => abort.abort(reason)
    const { signal } = abort
    const error = await query
      .orderBy('m')
      .allAsync({ signal })
      .catch((caught: unknown) => caught)
    expect(isBlazeError(error, 'ABORTED') && error.cause).toBe(reason)
    expect((error as Error).name).toBe('AbortError')
    expect(runner.closed).toBe(runner.opened)
    for (const run of [
      query.allAsync({ signal }),
      query.firstAsync({ signal }),
      query.countAsync({ signal }),
      query.explainAsync({ signal }),
      query.iterate({ signal }).next(),
    ]) {
      expect(isBlazeError(await run.catch((caught: unknown) => caught), 'ABORTED')).toBe(true)
    }
    expect(runner.opened).toBe(1)
  })

  it('reads the snapshot of the call', async () => {
    const { query, runner } = things()
    const running = query.allAsync()
    expect(runner.opened).toBe(1)
    await running
  })
})

describe('a sort of many rows', () => {
  it('puts all of them in order, whole, by its beginning and by runs of ties', () => {
    const rows = ROWS.map((row, i) => ({ ...row, k: (i * 31) % 3, m: (i * 7_919) % 2_999 }))
    const query = queryAll<unknown>('things', new MemoryRunner(rows, [{ on: ['k'] }]))
    const expected = naiveSort(rows, [{ path: 'm', direction: 'desc' }])
    expect(query.orderBy('m', 'desc').all()).toStrictEqual(expected)
    expect(query.orderBy('m', 'desc').limit(2_900).all()).toStrictEqual(expected.slice(0, 2_900))
    const ties = query.where({ k: { gte: 1 } }).orderBy('k', 'desc')
    expect(ties.explain().text).toContain('sortRuns')
    expect(ties.all()).toStrictEqual(
      naiveSort(
        rows.filter((row) => row.k >= 1),
        [{ path: 'k', direction: 'desc' }],
      ),
    )
  })
})

describe('an iteration', () => {
  it('opens at the first next and releases at break, return and throw', async () => {
    const { query, runner } = things()
    const iterator = query[Symbol.asyncIterator]()
    expect(runner.opened).toBe(0)
    await iterator.next()
    expect([runner.opened, runner.closed]).toEqual([1, 0])
    await iterator.return()
    expect(runner.closed).toBe(1)
    for await (const _ of query) break
    expect([runner.opened, runner.closed]).toEqual([2, 2])
    const failing = async (): Promise<void> => {
      for await (const row of query) throw row
    }
    await expect(failing()).rejects.toMatchObject({ id: 0 })
    expect([runner.opened, runner.closed]).toEqual([3, 3])
  })

  it('gives the event loop turns even when every row is found at once', async () => {
    const { query, runner } = things()
    runner.tickMs = 1
    for await (const _ of query);
    expect(runner.yields).toBeGreaterThan(50)
  })

  it('has read what it has handed out so far, at any moment', async () => {
    const { query, runner } = things()
    const iterator = query.orderBy('n').iterate()
    await iterator.next()
    await iterator.next()
    const read = runner.reads.at(-1)!
    expect(read.matches({ id: 'new', n: 0.5 })).toBe(true)
    expect(read.matches({ id: 'new', n: 1.5 })).toBe(false)
    for await (const _ of iterator);
    expect(read.matches({ id: 'new', n: 1.5 })).toBe(true)
  })

  it('judges by the row as it was handed out, not as the caller changed it', async () => {
    const rows = [
      { id: 1, at: new Date(10) },
      { id: 2, at: new Date(20) },
    ]
    const { query, runner } = things(rows)
    const row = query.orderBy('at').limit(1).first() as { at: Date }
    row.at.setTime(99)
    expect(runner.reads.at(-1)!.matches({ id: 3, at: new Date(15) })).toBe(false)
  })
})

describe('what was read', () => {
  it('without an order and stopped by a limit is the rows that came, no more', () => {
    const { query, runner } = things()
    const row = query.where({ n: { gte: 10 } }).first() as StoredRecord
    const read = runner.reads.at(-1)!
    expect(read.matches(row)).toBe(true)
    expect(ROWS.filter((one) => read.matches(one))).toHaveLength(1)
  })

  it('of a search that found nothing is everything that it looked for', () => {
    const { query, runner } = things()
    expect(query.where({ n: -1 }).first()).toBeUndefined()
    expect(runner.reads.at(-1)!.matches({ id: 'new', n: -1 })).toBe(true)
    expect(query.where({ id: 'absent' }).exists()).toBe(false)
    expect(runner.reads.at(-1)!.matches({ id: 'absent' })).toBe(true)
    expect(runner.reads.at(-1)!.matches({ id: 'other' })).toBe(false)
  })

  it('of a page begins behind the page before', () => {
    const { query, runner } = things()
    const ordered = query.orderBy('n')
    const { next } = ordered.page({ size: 10 })
    ordered.page({ size: 10, after: next })
    const read = runner.reads.at(-1)!
    expect(read.matches({ id: 'new', n: 5 })).toBe(false)
    expect(read.matches({ id: 'new', n: 15 })).toBe(true)
    expect(read.matches({ id: 'new', n: 25 })).toBe(false)
    expect(read.describe).toContain('things')
  })
})

describe('a source that nobody asks what was read of', () => {
  it('is told nothing and gives the same rows', () => {
    const { query, runner } = things()
    const expected = query.orderBy('n').limit(5).all()
    runner.reads.length = 0
    runner.tracksReads = false
    expect(query.orderBy('n').limit(5).all()).toStrictEqual(expected)
    expect(runner.reads).toHaveLength(0)
  })
})

describe('a slow query', () => {
  it('is reported with its plan when it blocked for longer than slowQueryMs', () => {
    const { query, runner } = things()
    runner.tickMs = 10
    query.count()
    query.where({ n: 1 }).all()
    expect(runner.slow).toHaveLength(0)
    runner.slowQueryMs = 5
    query.where({ n: 1 }).all()
    expect(runner.slow).toMatchObject([{ elapsedMs: 10, query: { collection: 'things' } }])
    expect(runner.slow[0]!.plan).toContain('indexScan n')
  })
})

describe('explain', () => {
  it('shows the plan that ran, its rows, and why no other was taken', () => {
    const { query, runner } = things()
    runner.tickMs = 0.001
    const { text, data } = query
      .where({ n: { lt: 10 } })
      .orderBy('n', 'desc')
      .limit(3)
      .select('id')
      .explain()
    expect(data.rows).toBe(3)
    expect(data.root).toMatchObject({
      operator: 'select',
      inputs: [
        { operator: 'slice', inputs: [{ operator: 'sortRuns', actualRows: 3, inputs: [{ operator: 'indexScan' }] }] },
      ],
    })
    expect(data.considered).toMatchObject([
      { access: 'scan', chosen: false },
      { access: 'index n', chosen: true },
    ])
    expect(text).toContain('indexScan n, 1 range, backwards, exactly n < 10')
    expect(text).toContain('not taken: scan')
    expect(data.root.elapsedMs).toBeGreaterThan(0)
  })

  it('shows as a filter what the index does not prove, and only that', () => {
    const { query } = things()
    const { text } = query.where({ n: { lt: 10, ne: 4 }, m: 1 }).explain()
    expect(text).toContain('filter n != 4 and m = 1 (')
    expect(text).toContain('indexScan n, 1 range, exactly n < 10')
  })

  it('says of every index why it was not taken', () => {
    const { query } = things()
    expect(query.where({ m: 1 }).explain().text).toContain('index n: no condition or order on its first part')
  })
})
