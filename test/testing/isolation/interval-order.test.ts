import { expect, it } from 'vitest'
import { seededRandom } from '../../../src/platform/seeded-random.ts'
import { type Interval, visitIntervalOrder } from '../../../src/testing/isolation/interval-order.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'

/** Who comes before whom, directly or through others. */
function closureOf(count: number, pairs: readonly (readonly [number, number])[]): boolean[][] {
  const reach = Array.from({ length: count }, () => new Array<boolean>(count).fill(false))
  for (const [before, after] of pairs) reach[before]![after] = true
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < count; i++) for (let j = 0; j < count; j++) reach[i]![j] ||= reach[i]![k]! && reach[k]![j]!
  }
  return reach
}

it('the pairs of an order of intervals give, with what follows from them, exactly those that do not overlap', () => {
  const random = seededRandom(seed())
  for (let run = 0; run < effort(200); run++) {
    const intervals = Array.from({ length: 1 + random.below(12) }, (): Interval => {
      const begin = random.below(20)
      return { begin, end: random.below(10) === 0 ? Number.POSITIVE_INFINITY : begin + random.below(8) }
    })
    const pairs: [number, number][] = []
    visitIntervalOrder(intervals, (before, after) => pairs.push([before, after]))
    const expected = intervals.map((a) => intervals.map((b) => a.end < b.begin))
    expect(closureOf(intervals.length, pairs)).toEqual(expected)
  }
})

it('of intervals one after another there is one pair each, however many there are', () => {
  const intervals = Array.from({ length: 1000 }, (_, i) => ({ begin: 2 * i, end: 2 * i + 1 }))
  let pairs = 0
  visitIntervalOrder(intervals, () => pairs++)
  expect(pairs).toBe(999)
})
