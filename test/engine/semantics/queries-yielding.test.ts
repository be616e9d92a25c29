import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CollectionSpec, collection, type DynamicInsert } from '../../../src/engine/collection-spec.ts'
import type { DatabaseWith } from '../../../src/engine/database.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { Clock } from '../../../src/platform/platform.ts'
import { exists } from '../../../src/query/exists.ts'
import type { DynamicRecord } from '../../../src/query/types.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'
import { type Asked, inOrder } from './every-kind.ts'

/**
 * The yielding twins, over 100,000 rows: they let the event loop turn, can be aborted, hold their snapshot no longer than
 * they run, and see one of them. The clock goes on by itself with every look at it, so that turns can be counted.
 */
const ROWS = 100_000
const FEW = Array.from({ length: 200 }, (_, id) => ({ id, m: id % 50 }))
type Things = CollectionSpec<DynamicRecord, DynamicInsert>
type Db = DatabaseWith<{ things: Things; few: Things; texts: Things }>

let db: Db
let turns = 0
let onTurn: () => void = () => undefined
let tickMs = 0
let nowMs = 0

const system = systemClock()
const clock: Clock = {
  ...system,
  monotonic: () => {
    nowMs += tickMs
    return tickMs === 0 ? system.monotonic() : nowMs
  },
  yield: () => {
    turns++
    onTurn()
    return system.yield()
  },
}

beforeAll(async () => {
  const specs = {
    things: collection(),
    few: collection({ indexes: ['m'] }),
    texts: collection({ search: { text: 1 } }),
  }
  db = await openOn(freshPlatform(1, clock), { collections: specs as { things: Things; few: Things; texts: Things } })
  const thing = (id: number) => ({
    id,
    n: (id * 7_919) % ROWS,
    k: id % 50,
    text: id === 70_000 ? 'x' : undefined,
    // Asked for by one test only, which makes their columns.
    c: id % 50,
    v: (id * 7_919) % ROWS,
  })
  for (let at = 0; at < ROWS; at += 10_000)
    await db.things.insertMany(Array.from({ length: 10_000 }, (_, i) => thing(at + i)))
  await db.few.insertMany(FEW)
  await db.texts.insertMany(Array.from({ length: 3_000 }, (_, id) => ({ id, text: `word w${id % 7}` })))
})

afterAll(() => closeChecked(db))

/** Record by record, and not by columns, which are done with them in a few turns. */
const byRows = () => db.things.query().hint('scan')

/** What works on all the rows before it has the first. */
const KINDS: { readonly [name: string]: () => Asked } = {
  group: () => byRows().groupBy('k', { n: { count: true }, sum: { sum: 'n' } }),
  sort: () =>
    db.things
      .orderBy('n')
      .limit(20_000)
      .rows()
      .where({ n: { lt: 10 } }),
  join: () =>
    db.few
      .query()
      .rightJoin('thing', db.things.where({ n: { lt: 99_900 } }), { id: 'n' })
      .where({ id: 7 }),
  window: () =>
    byRows()
      .window({ place: { rowNumber: true, orderBy: 'n' } })
      .where({ place: { lt: 5 } }),
  distinct: () => byRows().select('k').distinct().orderBy('k'),
  'exists with outer, of groups': () =>
    byRows()
      .groupBy('k', { n: { count: true } })
      .rows()
      .where(
        exists(
          db.few.where((e) => e.lt('m', e.outer('n'))),
          { k: 'm' },
        ),
      ),
}

const openSnapshots = () => db.stats().snapshots.holders.filter(({ holder }) => holder === 'query').length

async function timed<V>(fn: () => Promise<V>): Promise<{ readonly value: V; readonly turned: number }> {
  tickMs = 1
  turns = 0
  try {
    return { value: await fn(), turned: turns }
  } finally {
    tickMs = 0
    onTurn = () => undefined
  }
}

async function iterated(query: Asked, signal?: AbortSignal): Promise<unknown[]> {
  const rows: unknown[] = []
  for await (const row of query.iterate(signal === undefined ? {} : { signal })) rows.push(row)
  return rows
}

/** A look at the clock at least every 64 rows or 32 of a stretch, three of them a slice: half of that is asked here. */
const LEAST_TURNS = ROWS / 64 / 3 / 2

describe.each(Object.entries(KINDS))('over many rows %s', (name, make) => {
  it('lets the event loop turn, and gives what the blocking run gives', async () => {
    const query = make()
    const expected = inOrder(query.all())
    const all = await timed(() => query.allAsync())
    expect(inOrder(all.value)).toEqual(expected)
    expect(all.turned).toBeGreaterThan(LEAST_TURNS)
    // Each of the others with some of the kinds.
    const others: readonly (() => Promise<void>)[] = [
      async () => expect(inOrder(await iterated(query))).toEqual(expected),
      async () => expect(await query.countAsync()).toBe(expected.length),
      async () => expect(expected).toContainEqual(await query.firstAsync()),
      async () => expect((await query.explainAsync()).data.rows).toBe(expected.length),
    ]
    const { turned } = await timed(others[Object.keys(KINDS).indexOf(name) % others.length]!)
    expect(turned).toBeGreaterThan(LEAST_TURNS)
    expect(openSnapshots()).toBe(0)
  })

  it('ends with ABORTED before it began and in the middle, and holds no snapshot then', async () => {
    const query = make()
    const reason = new Error('enough')
    const runs = (signal: AbortSignal) => [
      () => query.allAsync({ signal }),
      () => query.countAsync({ signal }),
      () => query.firstAsync({ signal }),
      () => query.explainAsync({ signal }),
      () => iterated(query, signal),
    ]
    for (const run of runs(AbortSignal.abort(reason))) {
      const { value } = await timed(() => run().catch((error: unknown) => error as never))
      expect(value).toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: reason })
      expect(turns).toBe(0)
    }
    for (let i = 0; i < runs(AbortSignal.any([])).length; i++) {
      const abort = new AbortController()
      const { value } = await timed(() => {
        onTurn = () => turns === 20 && abort.abort(reason)
        return runs(abort.signal)[i]!().catch((error: unknown) => error as never)
      })
      expect(value).toMatchObject({ code: 'ABORTED', cause: reason })
      expect(turns).toBe(20)
    }
    expect(openSnapshots()).toBe(0)
  })
})

describe('a yielding run', () => {
  it('sees one snapshot, whatever is committed between its slices', async () => {
    for (const [name, make] of Object.entries(KINDS)) {
      const query = make()
      const expected = inOrder(query.all())
      const writes: Promise<unknown>[] = []
      const { value } = await timed(() => {
        onTurn = () => {
          if (turns === 1) writes.push(db.few.deleteMany({}))
          if (turns % 50 === 2) writes.push(db.things.update((turns * 131) % ROWS, { n: -1 - turns, k: 60 }))
        }
        return query.allAsync()
      })
      expect(inOrder(value), name).toEqual(expected)
      await Promise.all(writes)
      expect(writes.length, name).toBeGreaterThan(3)
      await db.few.insertMany(FEW)
    }
    expect(openSnapshots()).toBe(0)
  })

  it('holds its snapshot from the first row to break, return, throw or its end', async () => {
    const makes: { readonly [name: string]: () => Asked } = {
      group: KINDS['group']!,
      scan: () => byRows().where({ n: { gte: 0 } }),
    }
    for (const [name, make] of Object.entries(makes)) {
      const iterator = make().iterate()
      expect(openSnapshots(), name).toBe(0)
      await iterator.next()
      expect(openSnapshots(), name).toBeGreaterThan(0)
      await iterator.return()
      expect(openSnapshots(), name).toBe(0)
      for await (const _ of make().iterate()) break
      expect(openSnapshots(), name).toBe(0)
      const failing = async () => {
        for await (const _ of make().iterate()) throw new Error('mine')
      }
      await expect(failing()).rejects.toThrow('mine')
      expect(openSnapshots(), name).toBe(0)
    }
  })

  it('that fails holds no snapshot, nor does a blocking one', async () => {
    const query = db.things.groupBy('k', { sum: { sum: 'text' } })
    for (const run of [
      () => query.allAsync(),
      () => query.countAsync(),
      () => query.explainAsync(),
      () => iterated(query),
    ]) {
      await expect(run()).rejects.toMatchObject({ code: 'INVALID_QUERY' })
      expect(openSnapshots()).toBe(0)
    }
    for (const run of [() => query.all(), () => query.count(), () => query.explain()]) {
      expect(run).toThrow(/70000/)
      expect(openSnapshots()).toBe(0)
    }
  })

  it('lets the event loop turn while columns are made, can be aborted then, and sees one snapshot', async () => {
    const query = db.things
      .query()
      .hint('columns')
      .groupBy('c', { n: { count: true }, sum: { sum: 'v' } })
    const expected = inOrder(
      byRows()
        .groupBy('c', { n: { count: true }, sum: { sum: 'v' } })
        .all(),
    )
    const abort = new AbortController()
    const aborted = await timed(() => {
      onTurn = () => turns === 5 && abort.abort()
      return query.allAsync({ signal: abort.signal }).catch((error: unknown) => error as never)
    })
    expect(aborted.value).toMatchObject({ code: 'ABORTED' })
    expect(openSnapshots()).toBe(0)
    const writes: Promise<unknown>[] = []
    const { value, turned } = await timed(() => {
      onTurn = () => turns % 5 === 1 && writes.push(db.things.update((turns * 13_131) % ROWS, { v: -turns, c: 70 }))
      return query.allAsync()
    })
    expect(inOrder(value)).toEqual(expected)
    expect(turned).toBeGreaterThan(10)
    await Promise.all(writes)
    expect(inOrder(query.all())).not.toEqual(expected)
    expect(inOrder(query.all())).toEqual(
      inOrder(
        byRows()
          .groupBy('c', { n: { count: true }, sum: { sum: 'v' } })
          .all(),
      ),
    )
  })

  it('lets the event loop turn also while a text index is made', async () => {
    const { value, turned } = await timed(() => db.texts.search('w3').allAsync())
    expect(value).toHaveLength(429)
    expect(turned).toBeGreaterThan(3_000 / 64 / 3 / 2)
    expect(openSnapshots()).toBe(0)
  })
})
