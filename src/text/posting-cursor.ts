/**
 * Walks the postings of one term of one part, in the order of ordinals, a block at a time. The loops of the scorers read
 * `ordinals` and `codes` from `at` to `count` themselves; positions are read when a phrase asks for them.
 */
import type { FieldCounts } from './field-counts.ts'
import { type MemoryPart, newTermPostings } from './memory-part.ts'
import { BLOCK_SIZE, readPostings, type Segment, skipVarints } from './segment.ts'

/** What is behind every ordinal. */
export const END = 0xffffffff

export class PostingCursor {
  /** The block in hand: entries [0, count), of which those before `at` are done. */
  ordinals: Uint32Array
  codes: Uint32Array
  count = 0
  at = 0
  /** Positions, field by field, of the posting at which {@link readPositions} was called, from positionStart on. */
  positions: Uint32Array
  positionStart = 0
  /** Postings of the block whose positions are passed, and where those of the next begin: a byte, or an entry. */
  passed = 0
  passedEnd = 0
  readonly segment: Segment | undefined
  /** The next block to load, and the end of the term's. */
  nextBlock = 0
  readonly firstBlock: number
  readonly endBlock: number
  readonly frequency: number

  private constructor(segment: Segment | undefined, term: number, memory: MemoryPart | undefined) {
    this.segment = segment
    if (segment !== undefined) {
      this.firstBlock = segment.firstBlocks[term]!
      this.endBlock = segment.firstBlocks[term + 1]!
      this.frequency = segment.counts[term]!
      const size = Math.min(BLOCK_SIZE, this.frequency)
      this.ordinals = new Uint32Array(size)
      this.codes = new Uint32Array(size)
      this.positions = new Uint32Array(0)
    } else {
      const postings = newTermPostings()
      memory?.read(term, postings)
      this.firstBlock = 0
      this.endBlock = 0
      this.frequency = postings.count
      this.ordinals = postings.ordinals
      this.codes = postings.codes
      this.positions = postings.positions
      this.count = postings.count
    }
    this.nextBlock = this.firstBlock
  }

  static ofSegment(segment: Segment, term: number): PostingCursor {
    return new PostingCursor(segment, term, undefined)
  }

  static ofMemory(memory: MemoryPart, term: number): PostingCursor {
    return new PostingCursor(undefined, term, memory)
  }
}

/** Loads the next block; false when there is none. */
export function loadBlock(cursor: PostingCursor): boolean {
  const { segment } = cursor
  const block = cursor.nextBlock
  if (segment === undefined || block === cursor.endBlock) {
    cursor.at = cursor.count
    return false
  }
  const isLast = block === cursor.endBlock - 1
  const count = isLast ? cursor.frequency - (block - cursor.firstBlock) * BLOCK_SIZE : BLOCK_SIZE
  const before = block === cursor.firstBlock ? -1 : segment.lastOrdinals[block - 1]!
  readPostings(segment.postings, segment.blockStarts[block]!, count, before, cursor.ordinals, cursor.codes)
  cursor.count = count
  cursor.at = 0
  cursor.passed = 0
  cursor.passedEnd = segment.positionStarts[block]!
  cursor.nextBlock = block + 1
  return true
}

/** Goes on to the first posting that is not before `ordinal`, past blocks unread; gives its ordinal, or END. */
export function seek(cursor: PostingCursor, ordinal: number): number {
  const { count } = cursor
  if (cursor.at < count) {
    const here = cursor.ordinals[cursor.at]!
    if (here >= ordinal) return here
    if (cursor.ordinals[count - 1]! >= ordinal) return seekInBlock(cursor, ordinal)
  }
  const { segment, endBlock } = cursor
  if (segment === undefined) {
    cursor.at = count
    return END
  }
  let block = cursor.nextBlock
  while (block < endBlock && segment.lastOrdinals[block]! < ordinal) block++
  cursor.nextBlock = block
  return loadBlock(cursor) ? seekInBlock(cursor, ordinal) : END
}

/** The block in hand has such a posting. */
function seekInBlock(cursor: PostingCursor, ordinal: number): number {
  const { ordinals } = cursor
  let low = cursor.at
  let high = cursor.count - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ordinals[middle]! < ordinal) low = middle + 1
    else high = middle
  }
  cursor.at = low
  return ordinals[low]!
}

/** Reads the positions of the posting at hand, past those of the postings before it. */
export function readPositions(cursor: PostingCursor, fieldCounts: FieldCounts): void {
  const { codes, at, segment } = cursor
  const { totals } = fieldCounts
  let skipped = 0
  for (let i = cursor.passed; i < at; i++) skipped += totals[codes[i]!]!
  cursor.passed = at
  if (segment === undefined) {
    cursor.passedEnd += skipped
    cursor.positionStart = cursor.passedEnd
    return
  }
  const bytes = segment.positions
  cursor.passedEnd = skipVarints(bytes, cursor.passedEnd, skipped)
  const total = totals[codes[at]!]!
  if (cursor.positions.length < total) cursor.positions = new Uint32Array(Math.max(8, total * 2))
  if (total === 1) cursor.positions[0] = readVarint(bytes, cursor.passedEnd)
  else readGaps(bytes, cursor.passedEnd, codes[at]!, fieldCounts, cursor.positions)
}

/** The positions of one posting: in each field the first as it is, then gaps. */
function readGaps(bytes: Uint8Array, start: number, code: number, fieldCounts: FieldCounts, into: Uint32Array): void {
  let at = start
  let read = 0
  for (let field = 0; field < fieldCounts.fields; field++) {
    let position = 0
    for (let left = fieldCounts.count(code, field); left > 0; left--) {
      position += readVarint(bytes, at)
      at = skipVarints(bytes, at, 1)
      into[read++] = position
    }
  }
}

function readVarint(bytes: Uint8Array, at: number): number {
  let value = bytes[at]! & 0x7f
  for (let i = at, shift = 7; bytes[i]! >= 0x80; shift += 7) value |= (bytes[++i]! & 0x7f) << shift
  return value
}
