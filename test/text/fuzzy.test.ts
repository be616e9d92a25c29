import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codePointsOf, distanceTo, editDistance, fuzzyTerms, signatureOf } from '../../src/text/fuzzy.ts'
import { sortTerms } from '../../src/text/sort-terms.ts'
import { encodeTerm, endOfPrefix, findTerm, lowerBound, type TermBytes, termAt } from '../../src/text/term-bytes.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { naiveDistance } from './naive.ts'

const term = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', '東', '🐛'), minLength: 1, maxLength: 7 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 12 }),
)

function termsOf(words: readonly string[]): { readonly terms: TermBytes; readonly sorted: readonly string[] } {
  const sorted = [...new Set(words)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const parts = sorted.map(encodeTerm)
  const starts = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => {
    starts[i + 1] = starts[i]! + part.length
  })
  return { terms: { count: parts.length, bytes: new Uint8Array(Buffer.concat(parts)), starts }, sorted }
}

describe('words with errors', () => {
  it('are those within the number of edits, each at its distance', () => {
    fc.assert(
      fc.property(fc.array(term, { maxLength: 60 }), term, fc.integer({ min: 1, max: 2 }), (words, word, limit) => {
        const { terms, sorted } = termsOf(words)
        const expected = sorted
          .map((other, number) => ({ number, edits: naiveDistance(word, other) }))
          .filter(({ edits }) => edits <= limit)
        expect(fuzzyTerms(terms, codePointsOf(word), limit)).toEqual(expected)
        for (const other of sorted) {
          const distance = editDistance(codePointsOf(word), codePointsOf(other), limit)
          expect(distance).toBe(Math.min(limit + 1, naiveDistance(word, other)))
          expect(distanceTo(codePointsOf(word), signatureOf(codePointsOf(word)), other, limit)).toBe(distance)
        }
      }),
      { seed: seed(), numRuns: effort(300) },
    )
  })
})

describe('sorted terms', () => {
  it('are found by themselves and by how they begin', () => {
    fc.assert(
      fc.property(fc.array(term, { maxLength: 60 }), term, (words, word) => {
        const { terms, sorted } = termsOf(words)
        const key = encodeTerm(word)
        expect(findTerm(terms, key)).toBe(sorted.indexOf(word))
        const from = lowerBound(terms, key)
        const found = Array.from({ length: endOfPrefix(terms, from, key) - from }, (_, i) => termAt(terms, from + i))
        expect(found).toEqual(sorted.filter((other) => other.startsWith(word)))
      }),
      { seed: seed(), numRuns: effort(300) },
    )
  })
})

describe('sorting terms', () => {
  it('gives the order of their bytes', () => {
    const any = fc.oneof(
      term,
      fc.string({ unit: fc.constantFrom('\ud83d\ude00', '\uff21', 'z', 'é', '~'), minLength: 1 }),
    )
    fc.assert(
      fc.property(fc.uniqueArray(any, { maxLength: 80 }), (terms) => {
        const sorted = terms.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect(Array.from(sortTerms(terms), (number) => terms[number])).toEqual(sorted)
      }),
      { seed: seed(), numRuns: effort(300) },
    )
  })
})
