/**
 * Several segments into one, without their dead documents: term by term, in steps. Postings are renumbered, positions
 * copied as they are. Documents keep the order of the segments.
 *
 * Which ones: segments are of tiers, each eight times the one below, and eight of a tier become one of the next, so that
 * a posting is copied once a tier and a search looks at a few dozen segments at most. One with a third of its documents
 * dead is written again by itself.
 */
import { compareBytes } from '../base/bytes.ts'
import { addDocument, type Documents, newDocuments } from './documents.ts'
import type { FieldCounts } from './field-counts.ts'
import { MAX_MEMORY_DOCUMENTS } from './memory-part.ts'
import { BLOCK_SIZE, readPostings, type Segment, skipVarints } from './segment.ts'
import { SegmentWriter } from './segment-writer.ts'

/** Segments of a tier that become one, and how much larger the next tier is. */
const FAN_IN = 8
/** A segment with more than this share of dead documents is written again. */
const MAX_DEAD_SHARE = 1 / 3
/** Offsets in a segment are 32 bits: what would come near that stays in parts. */
const MAX_MERGED_BYTES = 2 ** 31
/** Postings, documents or terms between two yields: a fraction of a millisecond. */
const STEP = 512
/** What it costs to find the next term, in postings. */
const TERM_COST = 16

/** Ordinal of a document that was dead when the merge began. */
export const GONE = 0xffffffff

/** What a merge made: the segment, and by input and ordinal where each document is now. */
export interface Merged {
  readonly segment: Segment
  readonly ordinals: readonly Uint32Array[]
}

/** The segments to merge next; undefined when all is well. */
export function chooseMerge(segments: readonly Segment[]): readonly Segment[] | undefined {
  const tiers = new Map<number, Segment[]>()
  for (const segment of segments) {
    const { count, dead } = segment.documents
    if (dead > count * MAX_DEAD_SHARE) return [segment]
    const tier = Math.max(0, Math.floor(Math.log((count - dead) / MAX_MEMORY_DOCUMENTS) / Math.log(FAN_IN)))
    const others = tiers.get(tier)
    if (others === undefined) tiers.set(tier, [segment])
    else others.push(segment)
    if (others?.length === FAN_IN && totalBytes(others) < MAX_MERGED_BYTES) return others
  }
  return undefined
}

/** Merges; yields how much was done since the last yield, in postings. The inputs' deaths are those of the beginning. */
export function* mergeSegments(inputs: readonly Segment[], fieldCounts: FieldCounts): Generator<number, Merged> {
  const live = inputs.reduce((sum, { documents }) => sum + documents.count - documents.dead, 0)
  const documents = newDocuments(live)
  const ordinals: Uint32Array[] = []
  for (const input of inputs) {
    ordinals.push(moveDocuments(input.documents, documents))
    yield input.documents.count
  }
  const writer = new SegmentWriter(documents, fieldCounts, {
    terms: sumOf(inputs, (input) => input.terms.count),
    termBytes: sumOf(inputs, (input) => input.terms.bytes.length),
    blocks: sumOf(inputs, (input) => input.blocks),
    // The gap to the last document of the input before can take more bytes than the gap it replaces.
    postings: sumOf(inputs, (input) => input.postings.length + 5 * input.terms.count),
    positions: sumOf(inputs, (input) => input.positions.length),
  })
  const heads = inputs.map(() => 0)
  const scratch = { ordinals: new Uint32Array(BLOCK_SIZE), codes: new Uint32Array(BLOCK_SIZE) }
  let done = 0
  for (;;) {
    const least = leastHead(inputs, heads)
    if (least < 0) break
    const { terms } = inputs[least]!
    const start = terms.starts[heads[least]!]!
    const end = terms.starts[heads[least]! + 1]!
    for (let i = least; i < inputs.length; i++) {
      const input = inputs[i]!
      const term = heads[i]!
      if (i !== least && !hasTerm(input, term, terms.bytes, start, end)) continue
      heads[i]!++
      for (let block = input.firstBlocks[term]!; block < input.firstBlocks[term + 1]!; block++) {
        done += moveBlock(input, term, block, ordinals[i]!, scratch, fieldCounts, writer)
        if (done < STEP) continue
        yield done
        done = 0
      }
    }
    writer.endTerm(terms.bytes, start, end)
    done += TERM_COST
    if (done < STEP) continue
    yield done
    done = 0
  }
  return { segment: writer.finish(), ordinals }
}

/** Adds the living at the end; gives their ordinals there. */
function moveDocuments(from: Documents, to: Documents): Uint32Array {
  const ordinals = new Uint32Array(from.count)
  for (let i = 0; i < from.count; i++) {
    const isDead = from.deaths[i] === 1
    ordinals[i] = isDead ? GONE : addDocument(to, from.slots[i]!, from.commits[i]!, from.lengths[i]!)
  }
  return ordinals
}

function moveBlock(
  input: Segment,
  term: number,
  block: number,
  newOrdinals: Uint32Array,
  scratch: { readonly ordinals: Uint32Array; readonly codes: Uint32Array },
  fieldCounts: FieldCounts,
  writer: SegmentWriter,
): number {
  const { ordinals, codes } = scratch
  const inTerm = block - input.firstBlocks[term]!
  const count = Math.min(BLOCK_SIZE, input.counts[term]! - inTerm * BLOCK_SIZE)
  const before = inTerm === 0 ? -1 : input.lastOrdinals[block - 1]!
  readPostings(input.postings, input.blockStarts[block]!, count, before, ordinals, codes)
  const { totals } = fieldCounts
  let at = input.positionStarts[block]!
  for (let i = 0; i < count; i++) {
    const code = codes[i]!
    const end = skipVarints(input.positions, at, totals[code]!)
    const ordinal = newOrdinals[ordinals[i]!]!
    if (ordinal !== GONE) {
      writer.posting(ordinal, code)
      writer.copyPositions(input.positions, at, end)
    }
    at = end
  }
  return count
}

/** The input whose next term is the least, the first of equals; -1 when all are at their end. */
function leastHead(inputs: readonly Segment[], heads: readonly number[]): number {
  let least = -1
  for (let i = 0; i < inputs.length; i++) {
    const { terms } = inputs[i]!
    const head = heads[i]!
    if (head === terms.count) continue
    if (least < 0) {
      least = i
      continue
    }
    const best = inputs[least]!.terms
    const bestHead = heads[least]!
    const order = compareBytes(
      terms.bytes,
      terms.starts[head]!,
      terms.starts[head + 1]!,
      best.bytes,
      best.starts[bestHead]!,
      best.starts[bestHead + 1]!,
    )
    if (order < 0) least = i
  }
  return least
}

function hasTerm(input: Segment, term: number, bytes: Uint8Array, start: number, end: number): boolean {
  const { terms } = input
  if (term === terms.count) return false
  return compareBytes(terms.bytes, terms.starts[term]!, terms.starts[term + 1]!, bytes, start, end) === 0
}

function totalBytes(segments: readonly Segment[]): number {
  return sumOf(segments, (segment) => segment.postings.length + segment.positions.length)
}

function sumOf(segments: readonly Segment[], of: (segment: Segment) => number): number {
  return segments.reduce((sum, segment) => sum + of(segment), 0)
}
