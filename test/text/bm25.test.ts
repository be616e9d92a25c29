import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addend, perLength, wordFactor } from '../../src/text/bm25.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

const part = fc
  .record({
    documents: fc.integer({ min: 1, max: 2 ** 31 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    tf: fc.double({ min: 0.01, max: 1e6, noNaN: true }),
    length: fc.double({ min: 0, max: 1e9, noNaN: true }),
    average: fc.double({ min: 1, max: 1e4, noNaN: true }),
  })
  .map(({ documents, share, tf, length, average }) =>
    addend(wordFactor(documents, Math.ceil(share * documents)), tf, length, perLength(average)),
  )

describe('what a word adds to a score', () => {
  it('is above zero, however little, so that a match always shows', () => {
    fc.assert(
      fc.property(part, (score) => {
        expect(score).toBeGreaterThan(0)
      }),
      { seed: seed(), numRuns: effort(1_000) },
    )
    expect(addend(wordFactor(2 ** 31, 2 ** 31), 0.01, 1e9, perLength(1))).toBeGreaterThan(0)
  })

  it('gives the same sum in any order', () => {
    const twoOrders = fc
      .array(part, { minLength: 2, maxLength: 60 })
      .chain((scores) => fc.tuple(fc.constant(scores), fc.shuffledSubarray(scores, { minLength: scores.length })))
    fc.assert(
      fc.property(twoOrders, ([scores, shuffled]) => {
        const sum = (a: number, b: number): number => a + b
        expect(shuffled.reduce(sum)).toBe(scores.reduce(sum))
      }),
      { seed: seed(), numRuns: effort(500) },
    )
  })

  it('rises with the occurrences, and falls with the length and with how common the word is', () => {
    const lengthFactor = perLength(20)
    const rare = wordFactor(1_000, 10)
    expect(addend(rare, 2, 20, lengthFactor)).toBeGreaterThan(addend(rare, 1, 20, lengthFactor))
    expect(addend(rare, 1, 20, lengthFactor)).toBeGreaterThan(addend(rare, 1, 40, lengthFactor))
    expect(rare).toBeGreaterThan(wordFactor(1_000, 900))
    expect(wordFactor(1_000, 5_000)).toBe(wordFactor(1_000, 1_000))
  })
})
