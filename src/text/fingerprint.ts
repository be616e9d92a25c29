/**
 * Fingerprints of what an index holds of each document: a sum over its words, of which term stands in which field at
 * which position. Two documents of the same texts have the same one, in whatever parts and order their postings lie; so
 * that what is indexed can be held against the records, at a pass over each.
 */
import { crc32 } from '../base/checksum.ts'
import type { Documents } from './documents.ts'
import type { FieldCounts } from './field-counts.ts'
import { MemoryPart } from './memory-part.ts'
import { openCursor, type Part } from './part.ts'
import { loadBlock, readPositions } from './posting-cursor.ts'
import { encodeTerm } from './term-bytes.ts'

/** The documents of a part as they were counted: entries from `count` on came later. */
export interface PartFingerprints {
  readonly documents: Documents
  readonly count: number
  /** By ordinal. */
  readonly sums: Uint32Array
}

/** Postings between two yields. */
const POSTINGS_AT_ONCE = 4096

/** Yields now and then; a part in memory, which changes, is read at once. */
export function* fingerprintsOf(part: Part, fieldCounts: FieldCounts): Generator<undefined, PartFingerprints> {
  const { documents } = part
  const { count } = documents
  const sums = new Uint32Array(count)
  const isChanging = part instanceof MemoryPart
  const terms = isChanging ? part.terms.length : part.terms.count
  let read = 0
  for (let term = 0; term < terms; term++) {
    const hash = hashOf(part, term)
    const cursor = openCursor(part, term)
    while (cursor.at < cursor.count || loadBlock(cursor)) {
      for (; cursor.at < cursor.count; cursor.at++) {
        readPositions(cursor, fieldCounts)
        const ordinal = cursor.ordinals[cursor.at]!
        sums[ordinal]! += sumOf(cursor.codes[cursor.at]!, cursor, hash, fieldCounts)
        read++
      }
      if (isChanging || read < POSTINGS_AT_ONCE) continue
      read = 0
      yield undefined
    }
  }
  return { documents, count, sums }
}

function hashOf(part: Part, term: number): number {
  if (part instanceof MemoryPart) {
    const bytes = encodeTerm(part.terms[term]!)
    return crc32(bytes, 0, bytes.length)
  }
  const { bytes, starts } = part.terms
  return crc32(bytes, starts[term]!, starts[term + 1]!)
}

/** The share of one posting. */
function sumOf(
  code: number,
  { positions, positionStart }: { readonly positions: Uint32Array; readonly positionStart: number },
  hash: number,
  fieldCounts: FieldCounts,
): number {
  let sum = 0
  let at = positionStart
  for (let field = 0; field < fieldCounts.fields; field++) {
    for (let left = fieldCounts.count(code, field); left > 0; left--) {
      sum = (sum + mixed(hash, field, positions[at++]!)) >>> 0
    }
  }
  return sum
}

/** The finish of MurmurHash3 over the three. */
function mixed(hash: number, field: number, position: number): number {
  let h = (hash ^ Math.imul(field + 1, 0x9e3779b1) ^ Math.imul(position + 1, 0x85ebca77)) >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
