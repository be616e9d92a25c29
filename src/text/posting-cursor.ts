/**
 * Walks the postings of one term of one part, in the order of ordinals, a block at a time. The loops of the scorers read
 * `ordinals` and `codes` from `at` to `count` themselves; positions are read when a phrase asks for them.
 */
import type { FieldCounts } from './field-counts.ts'
import { type MemoryPart, newTermPostings } from './memory-part.ts'
import { BLOCK_SIZE, readPostings, type Segment } from './segment.ts'

/** What is behind every ordinal. */
export const END = 0xffffffff

export class PostingCursor {
  /** The block in hand: entries [0, count), of which those before `at` are done. */
  ordinals: Uint32Array
  codes: Uint32Array
  count = 0
  at = 0
  /** Of the block in hand, once {@link loadPositions} was called: of posting i from positionStarts[i] on. */
  positions: Uint32Array
  positionStarts: Uint32Array = new Uint32Array(0)
  hasPositions = false
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
  cursor.hasPositions = false
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

/** Reads the positions of the block in hand. */
export function loadPositions(cursor: PostingCursor, fieldCounts: FieldCounts): void {
  if (cursor.hasPositions) return
  const { count, codes, segment } = cursor
  const { totals } = fieldCounts
  if (cursor.positionStarts.length < count) cursor.positionStarts = new Uint32Array(count)
  let total = 0
  for (let i = 0; i < count; i++) {
    cursor.positionStarts[i] = total
    total += totals[codes[i]!]!
  }
  cursor.hasPositions = true
  if (segment === undefined) return
  if (cursor.positions.length < total) cursor.positions = new Uint32Array(total)
  readPositions(segment.positions, segment.positionStarts[cursor.nextBlock - 1]!, cursor, fieldCounts)
}

function readPositions(bytes: Uint8Array, start: number, cursor: PostingCursor, fieldCounts: FieldCounts): void {
  const { codes, count, positions } = cursor
  const { fields } = fieldCounts
  let at = start
  let written = 0
  for (let i = 0; i < count; i++) {
    for (let field = 0; field < fields; field++) {
      let position = 0
      for (let left = fieldCounts.count(codes[i]!, field); left > 0; left--) {
        let gap = bytes[at++]!
        if (gap >= 0x80) {
          gap &= 0x7f
          for (let shift = 7; ; shift += 7) {
            const byte = bytes[at++]!
            gap |= (byte & 0x7f) << shift
            if (byte < 0x80) break
          }
        }
        position += gap
        positions[written++] = position
      }
    }
  }
}
