/** Scores the documents with a phrase, document by document: the terms' lists are joined first, positions read after. */
import { addend } from './bm25.ts'
import type { FieldCounts } from './field-counts.ts'
import { countPhrases } from './phrase.ts'
import { END, type PostingCursor, readPositions, seek } from './posting-cursor.ts'
import { excludeThrough, intersectThrough, type Scorer } from './scorer.ts'

export class PhraseScorer implements Scorer {
  readonly cost: number
  /** In the order of the phrase, and from the rarest. */
  readonly #cursors: readonly PostingCursor[]
  readonly #byCost: readonly PostingCursor[]
  readonly #offsets: readonly number[]
  readonly #field: number | undefined
  readonly #fieldCounts: FieldCounts
  readonly #lengths: Float64Array
  readonly #factor: number
  readonly #lengthFactor: number
  readonly #buffer: Float64Array
  readonly #starts: Uint32Array
  readonly #ends: Uint32Array
  readonly #froms: Uint32Array
  readonly #lists: Uint32Array[]

  constructor(
    cursors: readonly PostingCursor[],
    place: { readonly offsets: readonly number[]; readonly field: number | undefined },
    fieldCounts: FieldCounts,
    lengths: Float64Array,
    factors: { readonly factor: number; readonly lengthFactor: number },
    buffer: Float64Array,
  ) {
    this.#cursors = cursors
    this.#byCost = cursors.toSorted((a, b) => a.frequency - b.frequency)
    this.#offsets = place.offsets
    this.#field = place.field
    this.#fieldCounts = fieldCounts
    this.#lengths = lengths
    this.#factor = factors.factor
    this.#lengthFactor = factors.lengthFactor
    this.#buffer = buffer
    this.#starts = new Uint32Array(cursors.length)
    this.#ends = new Uint32Array(cursors.length)
    this.#froms = new Uint32Array(cursors.length)
    this.#lists = cursors.map((cursor) => cursor.positions)
    this.cost = this.#byCost[0]!.frequency * 4
  }

  /** The next document with all the terms. */
  next(from: number): number {
    let ordinal = from
    for (let i = 0; i < this.#byCost.length; ) {
      const found = seek(this.#byCost[i]!, ordinal)
      if (found === END) return END
      if (found === ordinal || i === 0) {
        ordinal = found
        i++
      } else {
        ordinal = found
        i = 0
      }
    }
    return ordinal
  }

  bound(): number {
    return this.#factor + 1
  }

  add(start: number, end: number, into: Float64Array): number {
    let found = 0
    for (let ordinal = this.next(start); ordinal < end; ordinal = this.next(ordinal + 1)) {
      const tf = this.#weightedCount()
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

  /** Σ weight × occurrences of the phrase in the document on which all cursors stand. */
  #weightedCount(): number {
    const cursors = this.#cursors
    for (let i = 0; i < cursors.length; i++) {
      const cursor = cursors[i]!
      readPositions(cursor, this.#fieldCounts)
      this.#lists[i] = cursor.positions
      this.#froms[i] = cursor.positionStart
    }
    let sum = 0
    for (let field = 0; field < this.#fieldCounts.fields; field++) {
      let isInAll = true
      for (let i = 0; i < cursors.length; i++) {
        const cursor = cursors[i]!
        const count = this.#fieldCounts.count(cursor.codes[cursor.at]!, field)
        this.#starts[i] = this.#froms[i]!
        this.#froms[i]! += count
        this.#ends[i] = this.#froms[i]!
        if (count === 0) isInAll = false
      }
      if (!isInAll || (this.#field !== undefined && this.#field !== field)) continue
      const count = countPhrases(this.#lists, this.#starts, this.#ends, this.#offsets)
      sum += this.#fieldCounts.weights[field]! * count
    }
    return sum
  }
}
