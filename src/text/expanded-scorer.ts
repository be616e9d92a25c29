/**
 * Scores the documents with any of several terms, which count as one word: of a prefix, or of a word with typing errors.
 * Expansions can be thousands, each in few documents, so that their weighted counts are summed for the whole part first:
 * eight bytes a document of it for the time of the search, and no limit of their number.
 */
import { addend } from './bm25.ts'
import { MemoryPart, newTermPostings } from './memory-part.ts'
import type { Part, WeightedTerm } from './part.ts'
import { END } from './posting-cursor.ts'
import { excludeThrough, intersectThrough, type Scorer } from './scorer.ts'
import { BLOCK_SIZE, readPostings, type Segment } from './segment.ts'

export class ExpandedScorer implements Scorer {
  readonly cost: number
  /** Weighted count by ordinal. */
  readonly #tfs: Float64Array
  readonly #lengths: Float64Array
  readonly #factor: number
  readonly #lengthFactor: number
  readonly #buffer: Float64Array

  constructor(
    part: Part,
    terms: readonly WeightedTerm[],
    sums: () => Float64Array,
    factors: { readonly factor: number; readonly lengthFactor: number },
    buffer: Float64Array,
  ) {
    const { count, lengths } = part.documents
    this.#tfs = new Float64Array(count)
    this.#lengths = lengths
    this.#factor = factors.factor
    this.#lengthFactor = factors.lengthFactor
    this.#buffer = buffer
    this.cost =
      part instanceof MemoryPart
        ? sumInMemory(part, terms, sums, this.#tfs)
        : sumInSegment(part, terms, sums(), this.#tfs)
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

/** Adds the weighted counts of the terms; gives how many postings there were. Without a cursor a term: they are many. */
function sumInSegment(segment: Segment, terms: readonly WeightedTerm[], sums: Float64Array, tfs: Float64Array): number {
  const ordinals = new Uint32Array(BLOCK_SIZE)
  const codes = new Uint32Array(BLOCK_SIZE)
  let read = 0
  for (const { number, weight } of terms) {
    let before = -1
    let block = segment.firstBlocks[number]!
    for (let left = segment.counts[number]!; left > 0; left -= BLOCK_SIZE) {
      const count = Math.min(BLOCK_SIZE, left)
      readPostings(segment.postings, segment.blockStarts[block]!, count, before, ordinals, codes)
      for (let i = 0; i < count; i++) tfs[ordinals[i]!]! += weight * sums[codes[i]!]!
      before = segment.lastOrdinals[block++]!
      read += count
    }
  }
  return read
}

function sumInMemory(
  memory: MemoryPart,
  terms: readonly WeightedTerm[],
  sums: () => Float64Array,
  tfs: Float64Array,
): number {
  const postings = newTermPostings()
  let read = 0
  for (const { number, weight } of terms) {
    memory.read(number, postings)
    // After reading, which can give out new codes.
    const here = sums()
    for (let i = 0; i < postings.count; i++) tfs[postings.ordinals[i]!]! += weight * here[postings.codes[i]!]!
    read += postings.count
  }
  return read
}
