import { describe, expect, it } from 'vitest'
import { type ErrorCode, isBlazeError } from '../../src/base/errors.ts'
import type { StoredRecord } from '../../src/base/values.ts'
import { type Query, queryAll, restoreQuery } from '../../src/query/builder.ts'
import { and, not, or } from '../../src/query/where.ts'
import { type IndexSpec, MemoryRunner } from './support/memory-source.ts'

const BUGS: readonly StoredRecord[] = Array.from({ length: 200 }, (_, i) => ({
  id: i,
  status: i % 4 === 0 ? 'open' : 'closed',
  priority: (i * 7) % 5,
  title: `Bug ${i}`,
  tags: [`t${i % 3}`, `t${i % 7}`],
  owner: { name: `n${i % 10}` },
}))

function bugs(specs: readonly IndexSpec[] = []): { query: Query<unknown>; runner: MemoryRunner } {
  const runner = new MemoryRunner(BUGS, specs)
  return { query: queryAll<unknown>('bugs', runner), runner }
}

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

function expectRefusal(run: () => unknown, code: ErrorCode, path?: string): void {
  const error = thrown(run)
  expect(isBlazeError(error, code), String(error)).toBe(true)
  if (path !== undefined) expect(isBlazeError(error, 'INVALID_QUERY') && error.details.path).toBe(path)
}

describe('a query', () => {
  it('is immutable: every method gives another one', () => {
    const { query } = bugs()
    const before = JSON.stringify(query)
    query.where({ status: 'open' }).orderBy('priority').limit(1).offset(1).select('id')
    expect(JSON.stringify(query)).toBe(before)
    expect(Object.isFrozen(query) && Object.isFrozen(query.data)).toBe(true)
    expect(Object.isFrozen(query.where({ tags: [['a']] }).data.where)).toBe(true)
  })

  it('does not change when what it was made of does', () => {
    const { query } = bugs()
    const list = [1, 2]
    const date = new Date(0)
    const made = query.where({ id: { in: list }, at: { ne: date }, o: { ne: { x: list } } })
    const before = JSON.stringify(made)
    list.push(3)
    date.setTime(1)
    expect(JSON.stringify(made)).toBe(before)
    expect(made.count()).toBe(2)
  })

  it('is not thenable, so awaiting it runs nothing', async () => {
    const { query, runner } = bugs()
    expect('then' in query).toBe(false)
    expect(await query).toBe(query)
    expect(runner.opened).toBe(0)
  })

  it('reads by id when the filter names ids, and the filter still holds', () => {
    const { query, runner } = bugs()
    expect(query.where({ id: { in: [4, 5n, 4, 'x', 1.5] }, status: 'open' }).all()).toMatchObject([{ id: 4 }])
    expect(runner.fetched).toBe(2)
  })

  it('reads no more of an index than its order and limit need', () => {
    const { query, runner } = bugs([{ on: ['status', 'priority'] }])
    const rows = query.where({ status: 'open' }).orderBy('priority', 'desc').limit(3).all()
    expect(rows).toMatchObject([{ priority: 4 }, { priority: 4 }, { priority: 4 }])
    expect(runner.fetched).toBeLessThanOrEqual(11)
  })

  it('continues a page from the index where the last one ended', () => {
    const { query, runner } = bugs([{ on: ['title'] }])
    const ordered = query.orderBy('title')
    const first = ordered.page({ size: 150 })
    runner.fetched = 0
    expect(ordered.page({ size: 150, after: first.next }).rows).toHaveLength(50)
    expect(runner.fetched).toBeLessThanOrEqual(51)
  })

  it('counts without reading where the source knows the number', () => {
    const { query, runner } = bugs()
    expect(query.count()).toBe(200)
    expect(query.offset(190).limit(50).count()).toBe(10)
    expect(runner.fetched).toBe(0)
    expect(runner.reads.at(-1)!.matches(BUGS[0]!)).toBe(true)
    runner.knowsCount = false
    expect(query.offset(190).limit(50).count()).toBe(10)
  })

  it('takes a partial index only when the filter states its condition', () => {
    const { query } = bugs([{ on: ['priority'], where: { status: 'open' } }])
    const open = query.where({ status: 'open', priority: 3 }).explain()
    expect(open.data.considered.find((one) => one.chosen)!.access).toBe('index priority')
    const all = query.where({ priority: 3 }).explain()
    expect(all.data.considered.find((one) => one.chosen)!.access).toBe('scan')
    expect(all.text).toContain('partial')
  })

  it('combines filters with or, and, not, and several wheres as and', () => {
    const { query } = bugs()
    const found = query
      .where(or({ priority: 4 }, and({ status: 'open' }, { id: { lt: 10 } })))
      .where(not({ id: { gte: 20 } }))
      .where({ tags: { any: 't0' } })
    expect(found.all()).toEqual(
      BUGS.filter((bug) => {
        const { id, priority, status, tags } = bug as { id: number; priority: number; status: string; tags: string[] }
        return (priority === 4 || (status === 'open' && id < 10)) && id < 20 && tags.includes('t0')
      }),
    )
    expect(query.where(or()).count()).toBe(0)
    expect(query.where(and()).count()).toBe(200)
    expect(query.where({}).count()).toBe(200)
  })

  it('gives rows that belong to the caller', () => {
    const { query } = bugs()
    const [row] = query.where({ id: 0 }).all() as [{ title: string }]
    row.title = 'changed'
    expect(query.where({ id: 0 }).first()).toMatchObject({ title: 'Bug 0' })
  })

  it('selects paths under their own text, or under given names', () => {
    const { query } = bugs()
    expect(query.where({ id: 3 }).select('title', 'owner.name', 'none').all()).toEqual([
      { title: 'Bug 3', 'owner.name': 'n3' },
    ])
    expect(query.where({ id: 3 }).select({ who: 'owner.name' }).first()).toEqual({ who: 'n3' })
  })

  it.each([
    ['an undefined value', { a: undefined }, 'a'],
    ['an undefined operand', { a: { gte: undefined } }, 'a.gte'],
    ['an undefined inside a list', { a: { in: [1, undefined] } }, 'a.in[1]'],
    ['an undefined inside an object', { a: { eq: { b: undefined } } }, 'a.eq.b'],
    ['a plain object', { a: { b: 1 } }, 'a'],
    ['an object of operators and other names', { a: { gte: 1, b: 1 } }, 'a'],
    ['an empty object', { a: {} }, 'a'],
    ['a plain object among elements', { a: { any: { b: 1 } } }, 'a.any'],
    ['a function', { a: () => 1 }, 'a'],
    ['a Map', { a: new Map() }, 'a'],
    ['an invalid Date', { a: new Date(Number.NaN) }, 'a'],
    ['a list that is none', { a: { in: 'x' } }, 'a.in'],
    ['a pair that is none', { a: { between: [1] } }, 'a.between'],
    ['a text that is none', { a: { like: 1 } }, 'a.like'],
    ['a pattern with a lone backslash', { a: { like: 'x\\' } }, 'a.like'],
    ['exists with what is no boolean', { a: { exists: 1 } }, 'a.exists'],
    ['a regex that is none', { a: { regex: 1 } }, 'a.regex'],
    ['a look-ahead', { a: { regex: /a(?=b)/ } }, 'a.regex'],
    ['a path with an empty name', { 'a..b': 1 }, 'a..b'],
  ])('refuses %s and names the place', (_, where, path) => {
    expectRefusal(() => bugs().query.where(where as never), 'INVALID_QUERY', path)
  })

  it('refuses what is no filter, no count, no order, no field', () => {
    const { query } = bugs()
    for (const filter of [null, 1, 'a', [], new Date(), () => true]) {
      expectRefusal(() => query.where(filter as never), 'INVALID_QUERY')
    }
    for (const count of [-1, 1.5, Number.NaN, Infinity, '1', undefined]) {
      expectRefusal(() => query.limit(count as never), 'INVALID_QUERY', 'limit')
      expectRefusal(() => query.offset(count as never), 'INVALID_QUERY', 'offset')
    }
    expectRefusal(() => query.orderBy('a', 'down' as never), 'INVALID_QUERY', 'a')
    expectRefusal(() => query.orderBy('a', 'asc', { nulls: 'up' as never }), 'INVALID_QUERY', 'a')
    expectRefusal(() => query.orderBy('a', 'asc', { collation: 'de' as never }), 'INVALID_QUERY', 'a')
    expectRefusal(() => query.select(1 as never), 'INVALID_QUERY')
    expectRefusal(() => query.limit(1).page({ size: 1 }), 'INVALID_QUERY', 'page')
    expectRefusal(() => query.page({ size: 0 }), 'INVALID_QUERY', 'page.size')
  })

  it('refuses nesting that would run the stack out', () => {
    let deep = and<unknown>({ a: 1 }, { b: 1 })
    const nest = (): void => {
      for (let i = 0; i < 100_000; i++) deep = not(deep)
    }
    expectRefusal(nest, 'INVALID_QUERY')
    let tests: object = { eq: 1 }
    for (let i = 0; i < 10_000; i++) tests = { any: tests }
    expectRefusal(() => bugs().query.where({ a: tests } as never), 'INVALID_QUERY')
    let json: object = { path: ['a'], op: 'eq', operand: 1 }
    for (let i = 0; i < 10_000; i++) json = { not: json }
    const { runner } = bugs()
    expectRefusal(() => restoreQuery({ version: 1, collection: 'bugs', where: json }, runner), 'INVALID_QUERY')
  })

  it.each([
    [null],
    [{}],
    [{ version: 2, collection: 'bugs' }],
    [{ version: 1 }],
    [{ version: 1, collection: 'bugs', where: {} }],
    [{ version: 1, collection: 'bugs', where: { path: [], op: 'eq', operand: 1 } }],
    [{ version: 1, collection: 'bugs', where: { path: ['a'], op: 'like', operand: 1 } }],
    [{ version: 1, collection: 'bugs', where: { path: ['a'], op: 'constructor', operand: 1 } }],
    [{ version: 1, collection: 'bugs', where: { path: ['a'], op: 'any', operand: 1 } }],
    [{ version: 1, collection: 'bugs', where: { path: ['a'], op: 'eq' } }],
    [{ version: 1, collection: 'bugs', orderBy: [{ path: ['a'], descending: 1 }] }],
    [{ version: 1, collection: 'bugs', limit: -1 }],
    [{ version: 1, collection: 'bugs', select: [{ path: ['a'] }] }],
  ])('refuses %j as the JSON of a query', (json) => {
    const { runner } = bugs()
    expectRefusal(() => restoreQuery(json, runner), 'INVALID_QUERY')
  })

  it('keeps values of every kind through its JSON', () => {
    const { query, runner } = bugs()
    const values = [5n, -0, Number.NaN, new Date(5), new Uint8Array([1]), '\ud800', null, [1, [2n]], { $date: 'x' }]
    const made = query.where({ a: { in: values as never }, b: { regex: /x/iu }, c: { any: { gt: 1, lt: 9n } } })
    expect(restoreQuery(JSON.parse(JSON.stringify(made)), runner).data).toStrictEqual(made.data)
  })
})

describe('a cursor', () => {
  it('of another query is refused, and so is any other text', () => {
    const { query } = bugs()
    const open = query.where({ status: 'open' }).orderBy('title')
    const { next } = open.page({ size: 2 })
    const others = [
      query.where({ status: 'closed' }).orderBy('title'),
      query.where({ status: 'open' }).orderBy('title', 'desc'),
      query.where({ status: 'open' }).orderBy('priority'),
      query.where({ status: 'open' }),
      open.select('id'),
      queryAll<unknown>('users', bugs().runner).where({ status: 'open' }).orderBy('title'),
    ]
    for (const other of others) expectRefusal(() => other.page({ size: 2, after: next }), 'CURSOR_MISMATCH')
    for (const after of ['', 'x', '!!', 'W10', btoa('[1,"x",[],1]'), btoa('{}'), `${next}x`, next!.slice(4)]) {
      expectRefusal(() => open.page({ size: 2, after }), 'CURSOR_MISMATCH')
    }
  })

  it('continues with pages of another size', () => {
    const { query } = bugs()
    const { next } = query.page({ size: 2 })
    expect(query.page({ size: 3, after: next }).rows).toMatchObject([{ id: 2 }, { id: 3 }, { id: 4 }])
  })

  it('is text for a URL, whatever the keys are', () => {
    const odd = ['\ud800', '😀', 5n, Number.NaN, new Date(3), new Uint8Array([255]), null, [1], undefined]
    const rows = odd.map((key, id): StoredRecord => (key === undefined ? { id } : { id, key }))
    const query = queryAll<unknown>('odd', new MemoryRunner(rows)).orderBy('key')
    const seen: unknown[] = []
    for (let after: string | undefined, i = 0; i < odd.length; i++) {
      const page = query.page({ size: 1, after })
      seen.push(...page.rows)
      after = page.next
      if (after !== undefined) expect(after).toMatch(/^[\w-]+$/)
    }
    expect(seen).toStrictEqual(query.all())
  })
})
