/**
 * An immutable part of the index: sorted terms, and for each the documents in which it occurs.
 *
 *   terms       term i: postings counts[i], blocks firstBlocks[i] … firstBlocks[i + 1] - 1
 *   block       up to 128 postings (all but a term's last have 128): bytes from blockStarts[k], positions from positionStarts[k]
 *     postings  gap of each ordinal to the one before (minus 1; the term's first to -1), then the code of each, varints
 *     positions for each posting, field by field, its occurrences: the first as it is, the next as gaps; varints
 *   blocks      last ordinal, greatest weighted count, least length of a document: what bounds the scores in it
 *
 * Only the deaths of documents change.
 */
import type { Documents } from './documents.ts'
import { documentsBytes } from './documents.ts'
import type { TermBytes } from './term-bytes.ts'

/** Postings of a block. */
export const BLOCK_SIZE = 128

export interface Segment {
  readonly documents: Documents
  readonly terms: TermBytes
  readonly counts: Uint32Array
  readonly firstBlocks: Uint32Array
  readonly blocks: number
  readonly blockStarts: Uint32Array
  readonly positionStarts: Uint32Array
  readonly lastOrdinals: Uint32Array
  readonly maxSums: Float64Array
  readonly minLengths: Float64Array
  readonly postings: Uint8Array
  readonly positions: Uint8Array
}

/** Bytes held for the segment. */
export function segmentBytes(segment: Segment): number {
  return (
    documentsBytes(segment.documents) +
    segment.terms.bytes.byteLength +
    segment.terms.starts.byteLength +
    segment.counts.byteLength +
    segment.firstBlocks.byteLength +
    segment.blockStarts.byteLength +
    segment.positionStarts.byteLength +
    segment.lastOrdinals.byteLength +
    segment.maxSums.byteLength +
    segment.minLengths.byteLength +
    segment.postings.byteLength +
    segment.positions.byteLength
  )
}

/** Reads `count` postings at `at`, of which the one before has the ordinal `before` (-1 for none). Gives where they end. */
export function readPostings(
  bytes: Uint8Array,
  at: number,
  count: number,
  before: number,
  ordinals: Uint32Array,
  codes: Uint32Array,
): number {
  let next = at
  let ordinal = before
  for (let i = 0; i < count; i++) {
    let gap = bytes[next++]!
    if (gap >= 0x80) {
      gap &= 0x7f
      for (let shift = 7; ; shift += 7) {
        const byte = bytes[next++]!
        gap |= (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
    }
    ordinal += gap + 1
    ordinals[i] = ordinal
  }
  for (let i = 0; i < count; i++) {
    let code = bytes[next++]!
    if (code >= 0x80) {
      code &= 0x7f
      for (let shift = 7; ; shift += 7) {
        const byte = bytes[next++]!
        code |= (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
    }
    codes[i] = code
  }
  return next
}

/** Where the varint after `count` varints at `at` begins. */
export function skipVarints(bytes: Uint8Array, at: number, count: number): number {
  let next = at
  for (let left = count; left > 0; next++) if (bytes[next]! < 0x80) left--
  return next
}
