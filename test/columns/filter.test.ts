import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Column } from '../../src/columns/column.ts'
import { ColumnSet } from '../../src/columns/column-set.ts'
import { compileFilter } from '../../src/columns/filter.ts'
import { readableSlots } from '../../src/columns/readable.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { fixtureOf, randomRowTest, WAYS } from './kernel-fixture.ts'
import { ModelRows, seeds } from './model-rows.ts'

const runs = { seed: seed(), numRuns: effort(60) }

describe('a filter', () => {
  it('selects and counts what the predicate says of the records, generated or not, whatever was written since', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const fixture = fixtureOf(from)
        const { rows, snapshot, live } = fixture
        const { ranges, unsure } = readableSlots(rows, { snapshot, from: 0, to: rows.highSlot })
        const doubtful = new Set(unsure)
        for (let round = 0; round < 5; round++) {
          const { test, holds } = randomRowTest(fixture)
          const expected = rows
            .all(snapshot)
            .filter(({ slot, record }) => !doubtful.has(slot) && holds(record))
            .map(({ slot }) => slot)
          for (const way of WAYS) {
            const filter = compileFilter(live, test, way)
            const found: number[] = []
            let count = 0
            for (let r = 0; r < ranges.length; r += 2) {
              const out = new Uint32Array(ranges[r + 1]! - ranges[r]!)
              found.push(...out.subarray(0, filter.select(ranges[r]!, ranges[r + 1]!, out)))
              count += filter.count(ranges[r]!, ranges[r + 1]!)
            }
            expect(found).toEqual(expected)
            expect(count).toBe(expected.length)
            expect(expected.every((slot) => filter.testSlot(slot))).toBe(true)
          }
        }
      }),
      runs,
    )
  })

  it('without a test passes every live slot', () => {
    const { live, rows, snapshot } = fixtureOf(5)
    for (const way of WAYS) {
      expect(compileFilter(live, undefined, way).count(0, live.bytes.length)).toBe(rows.all(snapshot).length)
    }
  })

  it('does not look at zones whose bounds exclude the operand', () => {
    const rows = new ModelRows()
    for (let slot = 0; slot < 5120; slot++) rows.write(slot, { id: slot, at: slot })
    const set = new ColumnSet(rows, { memoryBytes: 1 << 24, codedNumbers: 10 })
    const { live, columns } = set.prepare([['at']]).finish()
    const column = columns[0] as Column
    let calls = 0
    const passes = (): boolean => {
      calls++
      return true
    }
    const filter = compileFilter(
      live,
      {
        kind: 'and',
        of: [
          { kind: 'slot', passes, missing: false },
          { kind: 'between', ref: { column }, low: 600, high: 700 },
        ],
      },
      { generate: false },
    )
    expect(filter.count(0, 5120)).toBe(101)
    expect(calls).toBeLessThanOrEqual(512)
    for (const way of WAYS) {
      const count = (low: number, high: number): number =>
        compileFilter(live, { kind: 'between', ref: { column }, low, high }, way).count(0, 5120)
      expect([count(511, 512), count(1023, 1023), count(1024, 1024), count(6000, 7000)]).toEqual([2, 1, 1, 0])
    }
  })
})
