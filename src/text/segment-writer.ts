/** Builds a segment term by term, in the order of terms and of ordinals. The layout is in segment.ts. */
import { invariant } from '../base/invariant.ts'
import { writeVarint } from '../codec/varint.ts'
import type { Documents } from './documents.ts'
import type { FieldCounts } from './field-counts.ts'
import { BLOCK_SIZE, type Segment } from './segment.ts'

/** Bytes that a varint of 32 bits takes at most. */
const MAX_SIZE = 5

/** What a segment takes at most. */
export interface SegmentSize {
  readonly terms: number
  readonly termBytes: number
  readonly blocks: number
  readonly postings: number
  readonly positions: number
}

export class SegmentWriter {
  readonly #documents: Documents
  readonly #fieldCounts: FieldCounts
  #termBytes: Uint8Array = new Uint8Array(1024)
  #termEnd = 0
  #terms = 0
  #termStarts: Uint32Array = new Uint32Array(64)
  #counts: Uint32Array = new Uint32Array(64)
  #firstBlocks: Uint32Array = new Uint32Array(64)
  #blocks = 0
  #blockStarts: Uint32Array = new Uint32Array(64)
  #positionStarts: Uint32Array = new Uint32Array(64)
  #lastOrdinals: Uint32Array = new Uint32Array(64)
  #maxSums: Float64Array = new Float64Array(64)
  #minLengths: Float64Array = new Float64Array(64)
  #postings: Uint8Array = new Uint8Array(4096)
  #postingEnd = 0
  #positions: Uint8Array = new Uint8Array(4096)
  #positionEnd = 0
  // The term under way.
  #count = 0
  #last = -1
  // The block under way.
  #pending = 0
  #blockPositions = 0
  readonly #ordinals: Uint32Array = new Uint32Array(BLOCK_SIZE)
  readonly #codes: Uint32Array = new Uint32Array(BLOCK_SIZE)

  /** With room for `size`, nothing of that is moved while it is written: what is not used takes no memory. */
  constructor(documents: Documents, fieldCounts: FieldCounts, size?: SegmentSize) {
    this.#documents = documents
    this.#fieldCounts = fieldCounts
    if (size === undefined) return
    this.#termBytes = new Uint8Array(size.termBytes)
    this.#termStarts = new Uint32Array(size.terms + 2)
    this.#counts = new Uint32Array(size.terms + 2)
    this.#firstBlocks = new Uint32Array(size.terms + 2)
    this.#blockStarts = new Uint32Array(size.blocks + 1)
    this.#positionStarts = new Uint32Array(size.blocks + 1)
    this.#lastOrdinals = new Uint32Array(size.blocks + 1)
    this.#maxSums = new Float64Array(size.blocks + 1)
    this.#minLengths = new Float64Array(size.blocks + 1)
    this.#postings = new Uint8Array(size.postings + 2 * MAX_SIZE * BLOCK_SIZE)
    this.#positions = new Uint8Array(size.positions + MAX_SIZE)
  }

  /** Begins a posting of the term under way; its positions follow, by {@link position} or {@link copyPositions}. */
  posting(ordinal: number, code: number): void {
    if (this.#pending === BLOCK_SIZE) this.#endBlock()
    if (this.#pending === 0) this.#blockPositions = this.#positionEnd
    this.#ordinals[this.#pending] = ordinal
    this.#codes[this.#pending++] = code
    this.#count++
  }

  /** The next position: of a posting's first occurrence in a field as it is, of the others the gap. */
  position(value: number): void {
    if (this.#positionEnd + MAX_SIZE > this.#positions.length) this.#growPositions(MAX_SIZE)
    if (value < 0x80) this.#positions[this.#positionEnd++] = value
    else this.#positionEnd = writeVarint(this.#positions, this.#positionEnd, value)
  }

  /** The positions of a posting, as another segment has them. */
  copyPositions(source: Uint8Array, start: number, end: number): void {
    const size = end - start
    if (this.#positionEnd + size > this.#positions.length) this.#growPositions(size)
    // Nearly all are a byte or two, where a call of copyWithin or set costs more than it moves.
    for (let i = start; i < end; i++) this.#positions[this.#positionEnd++] = source[i]!
  }

  /** Ends the term under way, whose bytes are given; one without postings is left out. */
  endTerm(bytes: Uint8Array, start: number, end: number): void {
    if (this.#count === 0) return
    const firstBlock = this.#blocks - Math.floor((this.#count - this.#pending) / BLOCK_SIZE)
    if (this.#pending > 0) this.#endBlock()
    const size = end - start
    if (this.#termEnd + size > this.#termBytes.length) {
      this.#termBytes = enlarged(this.#termBytes, this.#termEnd + size)
    }
    if (this.#terms + 1 >= this.#termStarts.length) {
      this.#termStarts = enlargedWords(this.#termStarts)
      this.#counts = enlargedWords(this.#counts)
      this.#firstBlocks = enlargedWords(this.#firstBlocks)
    }
    this.#termStarts[this.#terms] = this.#termEnd
    for (let i = start; i < end; i++) this.#termBytes[this.#termEnd++] = bytes[i]!
    this.#counts[this.#terms] = this.#count
    this.#firstBlocks[this.#terms] = firstBlock
    this.#terms++
    this.#termStarts[this.#terms] = this.#termEnd
    this.#firstBlocks[this.#terms] = this.#blocks
    this.#count = 0
    this.#last = -1
  }

  /** The segment of what was written. */
  finish(): Segment {
    invariant(this.#count === 0, () => 'a segment finished within a term')
    invariant(this.#postingEnd < 2 ** 32 && this.#positionEnd < 2 ** 32, () => 'a segment beyond 4 GB')
    return {
      documents: this.#documents,
      terms: {
        count: this.#terms,
        bytes: cut(this.#termBytes, this.#termEnd),
        starts: cut(this.#termStarts, this.#terms + 1),
      },
      counts: cut(this.#counts, this.#terms),
      firstBlocks: cut(this.#firstBlocks, this.#terms + 1),
      blocks: this.#blocks,
      blockStarts: cut(this.#blockStarts, this.#blocks),
      positionStarts: cut(this.#positionStarts, this.#blocks),
      lastOrdinals: cut(this.#lastOrdinals, this.#blocks),
      maxSums: cut(this.#maxSums, this.#blocks),
      minLengths: cut(this.#minLengths, this.#blocks),
      postings: cut(this.#postings, this.#postingEnd),
      positions: cut(this.#positions, this.#positionEnd),
    }
  }

  #endBlock(): void {
    const count = this.#pending
    if (this.#postingEnd + 2 * MAX_SIZE * count > this.#postings.length) {
      this.#postings = enlarged(this.#postings, this.#postingEnd + 2 * MAX_SIZE * count)
    }
    if (this.#blocks === this.#blockStarts.length) this.#growBlocks()
    const block = this.#blocks++
    this.#blockStarts[block] = this.#postingEnd
    this.#positionStarts[block] = this.#blockPositions
    let at = this.#postingEnd
    let last = this.#last
    const sums = this.#fieldCounts.sums()
    let maxSum = 0
    let minLength = Infinity
    for (let i = 0; i < count; i++) {
      const ordinal = this.#ordinals[i]!
      const gap = ordinal - last - 1
      if (gap < 0x80) this.#postings[at++] = gap
      else at = writeVarint(this.#postings, at, gap)
      last = ordinal
      const sum = sums[this.#codes[i]!]!
      const length = this.#documents.lengths[ordinal]!
      if (sum > maxSum) maxSum = sum
      if (length < minLength) minLength = length
    }
    for (let i = 0; i < count; i++) {
      const code = this.#codes[i]!
      if (code < 0x80) this.#postings[at++] = code
      else at = writeVarint(this.#postings, at, code)
    }
    this.#lastOrdinals[block] = last
    this.#maxSums[block] = maxSum
    this.#minLengths[block] = minLength
    this.#postingEnd = at
    this.#last = last
    this.#pending = 0
  }

  #growPositions(more: number): void {
    this.#positions = enlarged(this.#positions, this.#positionEnd + more)
  }

  #growBlocks(): void {
    this.#blockStarts = enlargedWords(this.#blockStarts)
    this.#positionStarts = enlargedWords(this.#positionStarts)
    this.#lastOrdinals = enlargedWords(this.#lastOrdinals)
    this.#maxSums = enlargedFloats(this.#maxSums)
    this.#minLengths = enlargedFloats(this.#minLengths)
  }
}

function enlarged(old: Uint8Array, least: number): Uint8Array {
  const larger = new Uint8Array(Math.max(old.length * 2, least))
  larger.set(old)
  return larger
}

function enlargedWords(old: Uint32Array): Uint32Array {
  const larger = new Uint32Array(old.length * 2)
  larger.set(old)
  return larger
}

function enlargedFloats(old: Float64Array): Float64Array {
  const larger = new Float64Array(old.length * 2)
  larger.set(old)
  return larger
}

/** The first entries: without the rest when that is much of it, else as a view, which costs nothing. */
function cut<T extends Uint8Array | Uint32Array | Float64Array>(array: T, length: number): T {
  // slice() and subarray() give an array of the same type.
  return (length < array.length / 2 ? array.slice(0, length) : array.subarray(0, length)) as T
}
