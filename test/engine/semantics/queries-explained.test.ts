import { channel } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../src/platform/manual-clock.ts'
import type { Clock } from '../../../src/platform/platform.ts'
import type { ExplainNode } from '../../../src/query/explain.ts'
import { EVERY_KIND, type Filled, withFilled } from './every-kind.ts'

/** What a query says of itself: explain() of every kind, and the report of a slow one. */

/** A clock that goes on by a millisecond with every look at it while it is asked to. */
function steppingClock(): Clock & { tickMs: number } {
  const clock = manualClock()
  const stepping = {
    ...clock,
    tickMs: 0,
    monotonic: (): number => {
      if (stepping.tickMs > 0) clock.advance(stepping.tickMs)
      return clock.monotonic()
    },
  }
  return stepping
}

function* nodesOf(node: ExplainNode): Generator<ExplainNode> {
  yield node
  for (const input of node.inputs) yield* nodesOf(input)
}

/** The text without figures. */
const shape = (text: string) => text.replaceAll(/\d+(\.\d+)?/g, '#')

describe('explain', () => {
  it('of every kind of query has the rows that came, estimates, times, and what else was weighed and why', async () => {
    const clock = steppingClock()
    await withFilled(
      async (db) => {
        for (const [name, make] of Object.entries(EVERY_KIND)) {
          const query = make(db)
          const count = query.all().length
          clock.tickMs = 0.01
          const { data, text } = query.explain()
          clock.tickMs = 0
          expect([data.rows, data.root.actualRows], name).toEqual([count, count])
          expect(data.elapsedMs, name).toBe(data.root.elapsedMs)
          const lines = text.split('\n')
          const nodes = [...nodesOf(data.root)]
          for (const [i, node] of nodes.entries()) {
            expect(node.estimatedRows, `${name}: ${text}`).toBeGreaterThanOrEqual(0)
            expect(Number.isFinite(node.estimatedRows), `${name}: ${text}`).toBe(true)
            for (const input of node.inputs) expect(input.elapsedMs, name).toBeLessThanOrEqual(node.elapsedMs)
            expect(lines[i], name).toContain(node.operator)
            expect(lines[i], name).toMatch(/\(estimated \d+, actual \d+ rows, [\d.]+ ms\)$/)
          }
          expect(data.root.elapsedMs, name).toBeGreaterThan(0)
          expect(lines[nodes.length], name).toBe('')
          for (const one of data.considered) {
            expect(one.reason, name).not.toBe('')
            expect(text, name).toContain(`${one.chosen ? 'taken' : 'not taken'}: ${one.access}`)
          }
          expect(data.considered.length > 0 || data.rules.length > 0 || name.startsWith('search'), name).toBe(true)
        }
      },
      { clock },
    )
  })

  it('says the same of a query each time, and of one that yields', () =>
    withFilled(async (db) => {
      for (const [name, make] of Object.entries(EVERY_KIND)) {
        make(db).all()
        const { text } = make(db).explain()
        expect(shape(make(db).explain().text), name).toBe(shape(text))
        expect(shape((await make(db).explainAsync()).text), name).toBe(shape(text))
      }
    }))

  it('reads as it is planned', () =>
    withFilled(async (db) => {
      const text = (query: { explain(): { readonly text: string } }) => shape(query.explain().text).split('\n')
      expect(
        text(
          db.bugs
            .where({ votes: 3 })
            .join('owner', db.users, { ownerId: 'id' })
            .where({ 'owner.team': 'x' })
            .groupBy('status', { n: { count: true } })
            .having({ n: { gt: 0 } })
            .orderBy('n', 'desc')
            .limit(2),
        ),
      ).toEqual([
        'slice offset #, limit # (estimated #, actual # rows, # ms)',
        '└─ topK # by n desc, status desc (estimated #, actual # rows, # ms)',
        '   └─ filter n > # (estimated #, actual # rows, # ms)',
        '      └─ group by status (estimated #, actual # rows, # ms)',
        '         └─ lookupJoin inner owner on ownerId = id, by id of users (estimated #, actual # rows, # ms)',
        '            └─ indexScan votes, # range, exactly votes = # (estimated #, actual # rows, # ms)',
        '',
        'held: # bytes at most, about',
        'rules: push-down',
        'not taken: scan of bugs, cost #: dearer than index votes',
        'taken: index votes of bugs, cost #: the cheapest',
        'taken: get by id of users, cost #: for each row of the join: cheaper than all of them at once',
      ])
      expect(
        text(
          db.users
            .query()
            .antiJoin(db.bugs.where({ status: 'open' }), { id: 'ownerId' })
            .select('team')
            .distinct(),
        ),
      ).toEqual([
        'distinctRows by value (estimated #, actual # rows, # ms)',
        '└─ select team (estimated #, actual # rows, # ms)',
        '   └─ hashJoin anti on id = ownerId (estimated #, actual # rows, # ms)',
        '      ├─ scan (estimated #, actual # rows, # ms)',
        '      └─ filter status = "open" (estimated #, actual # rows, # ms)',
        '         └─ scan leaving out early what fails status = "open" (estimated #, actual # rows, # ms)',
        '',
        'held: # bytes at most, about',
        'taken: scan of users, cost #: the cheapest',
        'taken: scan of bugs, cost #: the cheapest',
        'not taken: index votes of bugs: no condition or order on its first part',
      ])
      expect(text(db.bugs.window({ place: { rank: true, orderBy: 'votes' } }).where({ place: { lte: 3 } }))).toEqual([
        'filter place <= # (estimated #, actual # rows, # ms)',
        '└─ window place = rank (estimated #, actual # rows, # ms)',
        '   └─ scan (estimated #, actual # rows, # ms)',
        '',
        'held: # bytes at most, about',
        'taken: scan, cost #: the cheapest',
        'not taken: index votes: no condition or order on its first part',
      ])
    }))
})

describe('a slow query', () => {
  async function reported(
    db: Filled,
    fn: () => unknown,
  ): Promise<readonly { readonly plan: string; readonly query: unknown }[]> {
    const found: { readonly plan: string; readonly query: unknown }[] = []
    const slow = channel('blazedb:slow-query')
    const listener = (message: unknown) => found.push(message as (typeof found)[number])
    slow.subscribe(listener)
    try {
      await fn()
    } finally {
      slow.unsubscribe(listener)
    }
    expect(db.stats().snapshots.count).toBe(0)
    return found
  }

  it('of every kind is reported with what it asks and its plan, by every blocking terminal and by no other', async () => {
    const clock = steppingClock()
    await withFilled(
      async (db) => {
        for (const [name, make] of Object.entries(EVERY_KIND)) {
          const query = make(db)
          clock.tickMs = 0
          expect(await reported(db, () => query.all()), name).toEqual([])
          clock.tickMs = 60
          const [slow, ...others] = await reported(db, () => query.all())
          expect(others, name).toEqual([])
          expect(slow, name).toMatchObject({ query: query.data, elapsedMs: expect.any(Number) })
          const { data } = query.explain()
          expect(slow?.plan.split('\n')[0], name).toContain(data.root.operator)
          expect(slow?.plan, name).toMatch(/\(estimated \d+ rows\)$/)
          expect(await reported(db, () => query.first()), name).toHaveLength(1)
          expect(await reported(db, () => query.allAsync()), name).toEqual([])
        }
        clock.tickMs = 0
      },
      { clock, slowQueryMs: 50 },
    )
  })
})
