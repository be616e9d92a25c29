/** What a search asks of a part of the index, whether it is in memory still or a segment. */
import { editWeight } from './bm25.ts'
import { codePointsOf, distanceTo, fuzzyTerms, signatureOf } from './fuzzy.ts'
import { MemoryPart } from './memory-part.ts'
import { PostingCursor } from './posting-cursor.ts'
import { type Segment, segmentBytes } from './segment.ts'
import { encodeTerm, endOfPrefix, findTerm, lowerBound } from './term-bytes.ts'

export type Part = MemoryPart | Segment

/** A term of a part, and how much an occurrence of it counts. */
export interface WeightedTerm {
  readonly number: number
  readonly weight: number
}

/** The number of a term in the part, or -1. */
export function findInPart(part: Part, term: string): number {
  return part instanceof MemoryPart ? part.find(term) : findTerm(part.terms, encodeTerm(term))
}

/** Documents with the term, dead ones included. */
export function frequencyInPart(part: Part, number: number): number {
  return part instanceof MemoryPart ? part.frequency(number) : part.counts[number]!
}

export function openCursor(part: Part, number: number): PostingCursor {
  return part instanceof MemoryPart ? PostingCursor.ofMemory(part, number) : PostingCursor.ofSegment(part, number)
}

/** The terms that begin with `prefix`. */
export function expandPrefix(part: Part, prefix: string): WeightedTerm[] {
  const found: WeightedTerm[] = []
  if (part instanceof MemoryPart) {
    part.terms.forEach((term, number) => {
      if (term.startsWith(prefix)) found.push({ number, weight: 1 })
    })
    return found
  }
  const bytes = encodeTerm(prefix)
  const from = lowerBound(part.terms, bytes)
  const end = endOfPrefix(part.terms, from, bytes)
  for (let number = from; number < end; number++) found.push({ number, weight: 1 })
  return found
}

/** The terms that are at most `edits` away from `word`. */
export function expandFuzzy(part: Part, word: string, edits: number): WeightedTerm[] {
  const points = codePointsOf(word)
  if (!(part instanceof MemoryPart)) {
    return fuzzyTerms(part.terms, points, edits).map((term) => ({
      number: term.number,
      weight: editWeight(term.edits),
    }))
  }
  const signature = signatureOf(points)
  const found: WeightedTerm[] = []
  part.terms.forEach((term, number) => {
    const distance = distanceTo(points, signature, term, edits)
    if (distance <= edits) found.push({ number, weight: editWeight(distance) })
  })
  return found
}

export function partBytes(part: Part): number {
  return part instanceof MemoryPart ? part.bytes : segmentBytes(part)
}
