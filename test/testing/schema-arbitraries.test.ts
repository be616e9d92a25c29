/** Records from Standard Schemas: of libraries that tell their JSON Schema, and of those that have to be asked. */
import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { collection } from '../../src/engine/collection-spec.ts'
import type { StandardSchema } from '../../src/engine/schema.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { withDatabase } from '../engine/fixture.ts'
import { seed } from '../support/seed.ts'

const zodBug = z.object({
  id: z.uuid().optional(),
  title: z.string().min(3).max(20),
  status: z.enum(['open', 'closed']).default('open'),
  priority: z.int().min(1).max(5),
  ratio: z.number().gt(0).lt(1),
  mail: z.email(),
  createdAt: z.date(),
  tags: z.array(z.string().max(5)).max(3),
  owner: z.object({ name: z.string(), team: z.string().nullable() }).optional(),
  size: z.union([z.literal('small'), z.literal(7)]),
})

const arktypeBug = type({
  id: 'string.uuid',
  title: '3 <= string <= 20',
  status: "'open' | 'closed'",
  priority: '1 <= number.integer <= 5',
  createdAt: 'Date',
  'owner?': { name: 'string', team: 'string | null' },
  tags: 'string[] <= 3',
})

const valibotBug = v.object({
  id: v.pipe(v.string(), v.uuid()),
  title: v.pipe(v.string(), v.minLength(3)),
  status: v.picklist(['open', 'closed']),
  priority: v.pipe(v.number(), v.integer()),
  createdAt: v.date(),
  isUrgent: v.boolean(),
  owner: v.object({ name: v.string(), since: v.date() }),
  tags: v.array(v.number()),
  body: v.optional(v.string()),
  bytes: v.instance(Uint8Array),
})

const schemas: readonly (readonly [string, StandardSchema])[] = [
  ['zod', zodBug],
  ['arktype', arktypeBug],
  ['valibot', valibotBug],
]

function accepts(schema: StandardSchema, record: unknown): boolean {
  const result = schema['~standard'].validate(record)
  return !('then' in result) && result.issues === undefined
}

describe.each(schemas)('records of a schema of %s', (_, schema) => {
  it('pass it, the same for the same seed', () => {
    const records = arbitraries.record({ schema })
    const drawn = fc.sample(records, { seed: seed(), numRuns: 60 })
    for (const record of drawn) expect(accepts(schema, record), JSON.stringify(record)).toBe(true)
    expect(fc.sample(arbitraries.record({ schema }), { seed: seed(), numRuns: 60 })).toEqual(drawn)
  })

  it('differ in every field, and shrink to small ones', () => {
    const records = arbitraries.record({ schema })
    const drawn = fc.sample(records, { seed: seed(), numRuns: 60 })
    for (const name of ['title', 'priority', 'createdAt', 'status', 'tags']) {
      const seen = new Set(drawn.map((record) => JSON.stringify(record[name])))
      expect(seen.size, name).toBeGreaterThan(name === 'status' ? 1 : 4)
    }
    const { counterexample } = fc.check(
      fc.property(records, (record) => Array.isArray(record['tags']) && record['tags'].length < 2),
      { seed: seed() },
    )
    expect(counterexample?.[0]?.['tags']).toHaveLength(2)
    expect(String(counterexample?.[0]?.['title']).length).toBeLessThan(12)
  })

  it('are inserted, and come back as their output', async () => {
    await withDatabase(
      async (db) => {
        for (const record of fc.sample(arbitraries.record({ schema, as: 'output' }), { seed: 5, numRuns: 20 })) {
          const stored = await db.collection('bugs').insert(record as { id?: string })
          expect({ ...stored, id: null }).toEqual({ ...record, id: null })
          await db.collection('bugs').delete(stored.id)
        }
      },
      { collections: { bugs: collection({ schema }) } },
    )
  })
})

describe('records of a schema', () => {
  it('take the fields that a shape names from the shape', () => {
    const shape = { id: arbitraries.id({ count: 1 }), title: fc.constant('always') }
    const schema = z.object({ id: z.int(), title: z.string(), n: z.int() })
    for (const record of fc.sample(arbitraries.record({ schema, shape }), { numRuns: 20, seed: 1 })) {
      expect(record).toMatchObject({ id: 0, title: 'always' })
    }
  })

  it('may be about fields of each other, as long as some pass', () => {
    const schema = z.object({ low: z.int(), high: z.int() }).refine(({ low, high }) => low <= high)
    const drawn = fc.sample(arbitraries.record({ schema }), { seed: seed(), numRuns: 50 })
    expect(drawn.every(({ low, high }) => Number(low) <= Number(high))).toBe(true)
  })

  it('follow references, and end', () => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree)
      },
    })
    const drawn = fc.sample(arbitraries.record({ schema: tree }), { seed: seed(), numRuns: 30 })
    expect(drawn.every((record) => accepts(tree, record))).toBe(true)
  })

  it('that nothing passes are refused at the call, with the issue and what to do', () => {
    const schema = v.object({ code: v.pipe(v.string(), v.regex(/^[A-Z]{40}$/, 'forty capitals')) })
    expect(() => arbitraries.record({ schema })).toThrow(
      /none of 200 records passes the schema.* at code .*forty capitals.*shape: \{ code: …/s,
    )
    const codes = fc.string({ unit: fc.constantFrom('A', 'B'), minLength: 40, maxLength: 40, size: 'max' })
    const [record] = fc.sample(arbitraries.record({ schema, shape: { code: codes } }), { numRuns: 1, seed: 1 })
    expect(accepts(schema, record)).toBe(true)
  })

  it('that validates asynchronously are refused', () => {
    const schema = z.object({ a: z.string().refine(async () => true) })
    expect(() => arbitraries.record({ schema })).toThrow('asynchronously')
  })
})
