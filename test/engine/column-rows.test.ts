import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatPath, parsePath, valueAt } from '../../src/base/path.ts'
import type { Path, Value } from '../../src/base/values.ts'
import { CollectionRows } from '../../src/engine/column-rows.ts'
import { PIECES_FROM } from '../../src/engine/commit.ts'
import { Database } from '../../src/engine/database.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { withDatabase } from './fixture.ts'

const PATHS: readonly Path[] = ['n', 'id', 'when', 'who.name', 'tags.0', 'text', 'id.x', 'none'].map(parsePath)

const value = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.double(),
  fc.string({ maxLength: 40 }),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
)
const body = fc.record(
  {
    n: value,
    when: fc.date({ noInvalidDate: true }),
    text: fc.oneof(
      { weight: 9, arbitrary: fc.string() },
      { weight: 1, arbitrary: fc.constant('x'.repeat(PIECES_FROM)) },
    ),
    who: fc.record({ name: value }),
    tags: fc.array(value, { maxLength: 3 }),
  },
  { requiredKeys: [] },
)
const step = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'delete'),
  id: fc.oneof(
    fc.integer({ min: 0, max: 20 }),
    fc.integer({ min: 0, max: 20 }).map((n) => `record ${n}`),
  ),
  body,
})

describe('the rows of a collection for columns', () => {
  it('are the fields of the newest installed records, with their commits', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), (steps) =>
      withDatabase(async (db) => {
        const things = db.collection('things')
        const writes = steps.map(({ kind, id, body }) =>
          kind === 'put' ? things.upsert({ ...body, id }) : things.delete(id),
        )
        // Installed, not yet visible.
        const core = Database.coreOf(db)
        const state = core.collections.get('things')
        if (state === undefined) return
        const rows = new CollectionRows(state, () => core.safePoint())
        const read = rows.reader(PATHS)
        const values: (Value | undefined)[] = []
        expect(rows.highSlot).toBe(state.heap.slots.highSlot)
        for (let slot = 0; slot < rows.highSlot; slot++) {
          expect(rows.commitOf(slot)).toBe(state.heap.isLive(slot) ? state.heap.slots.commitOf(slot) : 0)
          expect(rows.zoneCommit(slot >>> 9)).toBe(rows.newestCommit)
          if (rows.commitOf(slot) === 0) continue
          const record = state.readNewest(slot)
          read(slot, values)
          for (const [f, path] of PATHS.entries()) {
            expect([formatPath(path), values[f]]).toEqual([formatPath(path), valueAt(record, path)])
          }
        }
        await Promise.all(writes)
      }),
    )
    await fc.assert(property, { seed: seed(), numRuns: effort(60) })
  })

  it('are read by generated getters once their shape has types', () =>
    withDatabase(async (db) => {
      const things = db.collection('things')
      const days = (n: number): Date => new Date(1_700_000_000_000 + n * 86_400_000)
      await things.insertMany(
        Array.from({ length: 300 }, (_, n) => ({
          id: n,
          n: n % 7,
          when: days(n),
          text: `text ${n % 3}`,
          big: n * 1000,
        })),
      )
      const core = Database.coreOf(db)
      const state = core.collections.get('things')!
      const read = new CollectionRows(state, () => core.safePoint()).reader([
        ['n'],
        ['when'],
        ['text'],
        ['big'],
        ['id'],
      ])
      const values: (Value | undefined)[] = []
      for (let slot = 0; slot < 300; slot++) {
        read(slot, values)
        expect(values).toEqual([slot % 7, days(slot), `text ${slot % 3}`, slot * 1000, slot])
      }
    }))
})
