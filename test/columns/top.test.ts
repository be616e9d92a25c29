import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readableSlots } from '../../src/columns/readable.ts'
import { TopRun } from '../../src/columns/top.ts'
import { compileOrder } from '../../src/query/row-order.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { fixtureOf, randomRowTest, WAYS } from './kernel-fixture.ts'
import { pick, seeds } from './model-rows.ts'

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
})
