/** The arbitraries: of every kind, valid, bounded, the same for a seed, and small when they have to be. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_DEPTH } from '../../src/base/values.ts'
import { decode, encode } from '../../src/codec/standalone.ts'
import { queryOn } from '../../src/testing/arbitraries/query.ts'
import { type WherePlan, whereOf } from '../../src/testing/arbitraries/where.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { recordsModel, shown } from '../../src/testing/records-model.ts'
import { modelStep, type Step, takeStep } from '../../src/testing/steps.ts'
import { withDatabase } from '../engine/fixture.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

const fields = { n: fc.nat(9), text: arbitraries.text({ maxLength: 5 }), tags: fc.array(fc.constantFrom('a', 'b')) }

/** The smallest that is not `good`. */
function smallest<T>(arbitrary: fc.Arbitrary<T>, good: (one: T) => boolean): T {
  const { counterexample } = fc.check(fc.property(arbitrary, good), { seed: seed(), numRuns: 2000 })
  if (counterexample === null) throw new Error('all are good')
  return counterexample[0]
}

const everything: readonly (readonly [string, fc.Arbitrary<unknown>])[] = [
  ['bigint', arbitraries.bigint()],
  ['bytes', arbitraries.bytes()],
  ['date', arbitraries.date()],
  ['history', arbitraries.history()],
  ['id', arbitraries.id()],
  ['key', arbitraries.key()],
  ['name', arbitraries.name()],
  ['number', arbitraries.number()],
  ['query', arbitraries.query(fields)],
  ['record', arbitraries.record()],
  ['schedule', arbitraries.schedule()],
  ['text', arbitraries.text()],
  ['transaction', arbitraries.transaction()],
  ['value', arbitraries.value()],
  ['vector', arbitraries.vector()],
  ['where', arbitraries.where(fields)],
]

describe('every arbitrary', () => {
  it('is among these', () => {
    expect(everything.map(([name]) => name)).toEqual(Object.keys(arbitraries).sort())
  })

  it.each(everything)('%s gives the same for the same seed', (_, arbitrary) => {
    const first = fc.sample(arbitrary, { seed: seed(), numRuns: 50 })
    expect(fc.sample(arbitrary, { seed: seed(), numRuns: 50 })).toEqual(first)
    expect(new Set(first.map((one) => shown(one as string))).size).toBeGreaterThan(10)
  })
})

describe('values', () => {
  it('are of every kind, and can be stored', () => {
    const kinds = new Set<string>()
    fc.assert(
      fc.property(arbitraries.value(), (value) => {
        kinds.add(Object.prototype.toString.call(value).slice(8, -1))
        expect(shown(decode(encode({ value })))).toBe(shown({ value }))
      }),
      { seed: seed(), numRuns: effort(500) },
    )
    const scalars = ['Null', 'Boolean', 'Number', 'BigInt', 'String', 'Date', 'Uint8Array']
    expect([...kinds]).toEqual(expect.arrayContaining([...scalars, 'Float32Array', 'Float64Array', 'Array', 'Object']))
  })

  it('stay within their options', () => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !(value instanceof Date)
        ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
        : 0
    const options = { maxDepth: 2, maxLength: 3, maxTextLength: 7, vectors: false }
    fc.assert(
      fc.property(arbitraries.value(options), (value) => {
        expect(depthOf(value)).toBeLessThanOrEqual(2)
        if (typeof value === 'string') expect(value.length).toBeLessThanOrEqual(7)
        if (Array.isArray(value)) expect(value.length).toBeLessThanOrEqual(3)
        expect(value instanceof Float32Array).toBe(false)
      }),
      { seed: seed(), numRuns: 500 },
    )
    expect(MAX_DEPTH).toBeGreaterThan(4)
  })

  it('shrink to little', () => {
    const list = smallest(arbitraries.value(), (value) => !Array.isArray(value) || value.length < 2)
    expect(shown(list).length).toBeLessThan(20)
    expect(smallest(arbitraries.text(), (text) => text.length < 3)).toHaveLength(3)
    expect(smallest(arbitraries.number(), (n) => n < 1000)).toBe(1000)
  })
})

describe('ids', () => {
  it('of a count are that many, of each kind', () => {
    const ids = new Set(fc.sample(arbitraries.id({ count: 5 }), { numRuns: 200, seed: 1 }))
    expect(ids.size).toBe(5)
    expect(new Set([...ids].map((id) => typeof id))).toEqual(new Set(['string', 'number']))
  })

  it('and records are taken by a database', async () => {
    await withDatabase(async (db) => {
      for (const record of fc.sample(arbitraries.record(), { seed: seed(), numRuns: 100 })) {
        const id = record['id'] as string
        const stored = await db.collection('any').upsert({ id })
        expect(stored).toEqual({ id })
        expect(shown({ ...(await db.collection('any').replace(record as { id: string })) })).toBe(shown(record))
      }
    })
  })
})

describe('filters and queries', () => {
  it('mean to a database what they mean to the model', async () => {
    await withDatabase(async (db) => {
      const model = recordsModel()
      const shape = { id: arbitraries.id({ count: 30 }), ...fields }
      const records = fc.sample(arbitraries.record({ shape, optional: ['n', 'tags'] }), { seed: seed(), numRuns: 60 })
      for (const record of records) {
        modelStep(model, { do: 'upsert', collection: 'items', record })
        await db.collection('items').upsert(record as { id: string })
      }
      await db.createIndex('items', 'n')
      const hits: number[] = []
      const property = fc.property(arbitraries.where(fields), arbitraries.query(fields), (where, query) => {
        const step: Step = { do: 'find', collection: 'items', where }
        expect(db.transactionSync((tx) => takeStep(tx, step))).toBe(modelStep(model, step))
        const rows = queryOn(db.collection('items'), query).all()
        hits.push(rows.length)
        expect(rows.length).toBeLessThanOrEqual(query.limit ?? 100)
      })
      fc.assert(property, { seed: seed(), numRuns: effort(200) })
      // Most are about something.
      expect(hits.filter((count) => count > 0).length).toBeGreaterThan(hits.length / 3)
    })
  })

  it('shrink to a test or two', () => {
    const mentions = (plan: WherePlan): boolean => JSON.stringify(plan).includes('"text"')
    const plan = smallest(arbitraries.where(fields), (one) => !mentions(one))
    expect(JSON.stringify(plan).match(/"(n|text|tags)"/g)?.length).toBeLessThanOrEqual(2)
    expect(() => whereOf(plan)).not.toThrow()
  })
})

describe('transactions and histories', () => {
  it('do to a database what they do to the model', async () => {
    await withDatabase(async (db) => {
      const model = recordsModel()
      const property = fc.asyncProperty(arbitraries.transaction({ maxSteps: 6 }), async (steps) => {
        const got = await db.transaction((tx) => steps.map((step) => takeStep(tx, step)))
        expect(got).toEqual(steps.map((step) => modelStep(model, step)))
      })
      await fc.assert(property, { seed: seed(), numRuns: effort(150), endOnFailure: true })
    })
  })

  it('have the collections, kinds and sizes that are asked for', () => {
    const options = {
      collections: { accounts: { ids: fc.constantFrom(1, 2), fields: { n: fc.nat(5) }, counter: 'n' } },
      kinds: ['get', 'add'] as const,
      maxSteps: 3,
      maxSessions: 2,
      maxTransactions: 2,
      maxChoices: 9,
    }
    for (const { sessions, schedule } of fc.sample(arbitraries.history(options), { seed: seed(), numRuns: 100 })) {
      expect(sessions).toHaveLength(2)
      expect(schedule.length).toBeLessThanOrEqual(9)
      for (const transactions of sessions) {
        expect(transactions.length).toBeLessThanOrEqual(2)
        for (const step of transactions.flat()) {
          expect(['get', 'add']).toContain(step.do)
          expect(step.collection).toBe('accounts')
        }
      }
    }
    expect(() => arbitraries.transaction({ kinds: [] })).toThrow('needs a collection and a kind of step')
  })

  it('shrink to few steps and no switches', () => {
    const writes = (steps: readonly Step[]): boolean => steps.some((step) => step.do === 'delete')
    const { sessions, schedule } = smallest(
      arbitraries.history(),
      (one) => one.sessions.filter((transactions) => transactions.some(writes)).length < 2,
    )
    expect(sessions.map((transactions) => transactions.length)).toEqual([1, 1])
    expect(sessions.flat(2).length).toBeLessThanOrEqual(4)
    expect(schedule).toEqual([])
  })
})
