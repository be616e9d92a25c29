import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Column } from '../../src/columns/column.ts'
import { ColumnSet } from '../../src/columns/column-set.ts'
import { readableSlots } from '../../src/columns/readable.ts'
import { TopRun } from '../../src/columns/top.ts'
import { compileOrder } from '../../src/query/row-order.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { fixtureOf, randomRowTest, WAYS } from './kernel-fixture.ts'
import { ModelRows, pick, seeds } from './model-rows.ts'

const runs = { seed: seed(), numRuns: effort(60) }

describe('the first k slots', () => {
  it('are those of the sorted records, for any keys, directions and places of nulls, generated or not', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const fixture = fixtureOf(from)
        const { random, rows, snapshot, live, columns } = fixture
        const { ranges, unsure } = readableSlots(rows, { snapshot, from: 0, to: rows.highSlot })
        const doubtful = new Set(unsure)
        for (let round = 0; round < 4; round++) {
          const keys = Array.from({ length: Math.floor(random() * 4) }, () => ({
            path: [pick(random, [...columns.keys()])],
            descending: random() < 0.5,
            nocase: random() < 0.3,
            nulls: pick(random, [undefined, 'first', 'last'] as const),
          }))
          const { test, holds } = randomRowTest(fixture)
          const order = compileOrder(keys)
          const limit = pick(random, [0, 1, 3, 20, 10_000])
          // Ids are slots here.
          const sign = keys.at(-1)?.descending === true ? -1 : 1
          const expected = rows
            .all(snapshot)
            .filter(({ slot, record }) => !doubtful.has(slot) && holds(record))
            .map(({ record }) => order.place(record))
            .sort(order.compare)
            .slice(0, limit)
            .map(({ id }) => id)
          for (const way of WAYS) {
            const spec = {
              keys: keys.map(({ path, ...key }) => ({ ...key, ref: { column: columns.get(path[0]!)! } })),
              limit,
              where: test,
              compareSlots: (a: number, b: number): number => sign * (a - b),
            }
            const run = new TopRun(live, spec, way)
            for (let r = 0; r < ranges.length; r += 2) run.add(ranges[r]!, ranges[r + 1]!)
            expect(run.slots()).toEqual(expected)
          }
        }
      }),
      runs,
    )
  })

  it('compare ids only among the ties at the edge', () => {
    const { live, columns, rows, snapshot } = fixtureOf(21)
    let compared = 0
    const run = new TopRun(live, {
      keys: [{ ref: { column: columns.get('few')! }, descending: true }],
      limit: 5,
      compareSlots: (a, b) => {
        compared++
        return a - b
      },
    })
    run.add(0, live.bytes.length)
    const ties = rows.all(snapshot).filter(({ record }) => record['few'] === 4).length
    expect(run.slots()).toHaveLength(5)
    expect(compared).toBeLessThan(ties + 200)
  })

  it('take Infinity before what has no number, whatever their second keys', () => {
    const rows = new ModelRows()
    for (let slot = 0; slot < 600; slot++) rows.write(slot, { id: slot, a: null, b: slot / 8 })
    for (let slot = 600; slot < 1200; slot++)
      rows.write(slot, { id: slot, a: slot < 1198 ? null : Infinity, b: slot / 8 })
    for (let slot = 1200; slot < 1400; slot++) rows.write(slot, { id: slot, a: slot - 1300 })
    const { live, columns } = new ColumnSet(rows, { memoryBytes: 1 << 24, codedNumbers: 100 })
      .prepare([['a'], ['b']])
      .finish()
    const [a, b] = columns as readonly Column[]
    for (const way of WAYS) {
      const run = new TopRun(
        live,
        {
          keys: [
            { ref: { column: a! }, descending: false, nulls: 'last' },
            { ref: { column: b! }, descending: false },
          ],
          limit: 203,
          compareSlots: (left, right) => left - right,
        },
        way,
      )
      run.add(0, rows.highSlot)
      expect(a!.kind).toBe('number')
      expect(run.slots().slice(200)).toEqual([1198, 1199, 0])
    }
  })
})
