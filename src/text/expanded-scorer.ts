/**
 * Scores the documents with any of several terms, which count as one word: of a prefix, or of a word with typing errors.
 * Expansions can be thousands, each in few documents, so that their weighted counts are summed for the whole part first:
 * eight bytes a document of it for the time of the search, and no limit of their number.
 */
import { addend } from './bm25.ts'
import { END, loadBlock, type PostingCursor } from './posting-cursor.ts'
import { excludeThrough, intersectThrough, type Scorer } from './scorer.ts'

/** One term of many: its postings, and how much an occurrence counts. */
export interface Expansion {
  readonly cursor: PostingCursor
  readonly weight: number
}

export class ExpandedScorer implements Scorer {
  readonly cost: number
  /** Weighted count by ordinal. */
  readonly #tfs: Float64Array
  readonly #lengths: Float64Array
  readonly #factor: number
  readonly #lengthFactor: number
  readonly #buffer: Float64Array

  constructor(
    expansions: readonly Expansion[],
    documents: { readonly count: number; readonly lengths: Float64Array },
    sums: Float64Array,
    factors: { readonly factor: number; readonly lengthFactor: number },
    buffer: Float64Array,
  ) {
    this.#tfs = new Float64Array(documents.count)
    this.#lengths = documents.lengths
    this.#factor = factors.factor
    this.#lengthFactor = factors.lengthFactor
    this.#buffer = buffer
    let cost = 0
    for (const { cursor, weight } of expansions) {
      cost += cursor.frequency
      sumTerm(cursor, weight, sums, this.#tfs)
    }
    this.cost = cost
  }

  next(from: number): number {
    const tfs = this.#tfs
    for (let ordinal = from; ordinal < tfs.length; ordinal++) if (tfs[ordinal] !== 0) return ordinal
    return END
  }

  bound(): number {
    return this.#factor + 1
  }

  add(start: number, end: number, into: Float64Array): number {
    let found = 0
    for (let ordinal = start; ordinal < end; ordinal++) {
      const tf = this.#tfs[ordinal]!
      if (tf === 0) continue
      into[ordinal - start]! += addend(this.#factor, tf, this.#lengths[ordinal]!, this.#lengthFactor)
      found++
    }
    return found
  }

  intersect(start: number, end: number, from: Float64Array, into: Float64Array): number {
    return intersectThrough(this, this.#buffer, start, end, from, into)
  }

  exclude(start: number, end: number, into: Float64Array): void {
    excludeThrough(this, this.#buffer, start, end, into)
  }
}

function sumTerm(cursor: PostingCursor, weight: number, sums: Float64Array, tfs: Float64Array): void {
  do {
    const { ordinals, codes, count } = cursor
    for (let at = cursor.at; at < count; at++) tfs[ordinals[at]!]! += weight * sums[codes[at]!]!
  } while (loadBlock(cursor))
}
