/**
 * A text index as bytes, in pieces of at most 64 KB that follow each other without alignment. Integers are little-endian,
 * 32 bits; floats 64 bits.
 *
 *   image     = "BZTX" version spec codes segmentCount segment… "BZTX"
 *   spec      = size, JSON text of the declaration in UTF-8: an image is for this one only
 *   codes     = number of codes, then for each its count in each field          (field-counts.ts)
 *   segment   = documents terms termBytes postings positions                    (five sizes)
 *               slots commits lengths deaths                                    (u32, f64, f64, u8; one a document)
 *               starts counts                                                   (u32; terms + 1, and terms)
 *               term bytes, posting bytes, position bytes                       (as in segment.ts)
 *
 * What can be computed (where blocks begin, what bounds their scores) is not in it: reading goes through every posting
 * anyway, because what is not as it must be is refused. Checksums are the business of whoever keeps the image.
 */
import { BlazeError } from '../base/errors.ts'
import type { Documents } from './documents.ts'
import type { FieldCounts } from './field-counts.ts'
import { BLOCK_SIZE, readPostings, type Segment } from './segment.ts'
import type { TextSpec } from './text-fields.ts'

/** Bytes of a piece at most: it fits into a frame of the storage. */
export const PIECE_SIZE = 65_536

const MAGIC = 0x58545a42
const VERSION = 1

type Numbers = Uint8Array | Uint32Array | Float64Array

/** What of a segment is an image's, with the deaths of the moment. */
interface SegmentImage {
  readonly segment: Segment
  readonly deaths: Uint8Array
}

/** The image of these segments as they are now; what changes afterwards is not in it. */
export function writeImage(
  spec: TextSpec,
  fieldCounts: FieldCounts,
  segments: readonly Segment[],
): Iterable<Uint8Array> {
  const images = segments.map((segment) => ({ segment, deaths: segment.documents.deaths.slice() }))
  const codes = new Uint32Array(fieldCounts.size * fieldCounts.fields)
  for (let i = 0; i < codes.length; i++) {
    codes[i] = fieldCounts.count(Math.floor(i / fieldCounts.fields), i % fieldCounts.fields)
  }
  return pieces(arraysOf(spec, codes, fieldCounts.size, images))
}

/**
 * Reads an image and hands over its segments, one by one. False when it is of another version or declaration; CODEC when
 * it is damaged, also when `adopt` refuses a segment. What was adopted until then is of no use.
 */
export function readImage(
  spec: TextSpec,
  fieldCounts: FieldCounts,
  source: Iterable<Uint8Array>,
  adopt: (segment: Segment) => boolean,
): boolean {
  const input = new ImageInput(source)
  input.expect(MAGIC, 'the beginning of a text index')
  if (input.word() !== VERSION) return false
  const declared = specBytes(spec)
  const size = input.word()
  if (size !== declared.length) return false
  const found = input.bytes(size)
  if (found.some((byte, i) => byte !== declared[i])) return false
  readCodes(input, fieldCounts)
  for (let left = input.word(); left > 0; left--) {
    const segment = readSegment(input, fieldCounts)
    if (!adopt(segment)) throw input.damaged('a slot with one living document', 'two')
  }
  input.expect(MAGIC, 'the end of a text index')
  input.end()
  return true
}

function specBytes(spec: TextSpec): Uint8Array {
  const fields = spec.fields.map(({ path, weight = 1 }) => ({ path, weight }))
  const { language = null, stopWords = [] } = spec
  return new TextEncoder().encode(JSON.stringify({ fields, language, stopWords: stopWords.toSorted() }))
}

function* arraysOf(
  spec: TextSpec,
  codes: Uint32Array,
  codeCount: number,
  images: readonly SegmentImage[],
): Generator<Numbers> {
  const declared = specBytes(spec)
  yield Uint32Array.of(MAGIC, VERSION, declared.length)
  yield declared
  yield Uint32Array.of(codeCount)
  yield codes
  yield Uint32Array.of(images.length)
  for (const { segment, deaths } of images) {
    const { documents, terms, counts, postings, positions } = segment
    const { count } = documents
    yield Uint32Array.of(count, terms.count, terms.bytes.length, postings.length, positions.length)
    yield documents.slots.subarray(0, count)
    yield documents.commits.subarray(0, count)
    yield documents.lengths.subarray(0, count)
    yield deaths.subarray(0, count)
    yield terms.starts
    yield counts
    yield terms.bytes
    yield postings
    yield positions
  }
  yield Uint32Array.of(MAGIC)
}

/** The bytes of the arrays, one after the other, in full pieces but for the last. */
function* pieces(arrays: Iterable<Numbers>): Generator<Uint8Array> {
  let piece = new Uint8Array(PIECE_SIZE)
  let used = 0
  for (const array of arrays) {
    const bytes = bytesOf(array)
    for (let at = 0; at < bytes.length; ) {
      const size = Math.min(bytes.length - at, PIECE_SIZE - used)
      piece.set(bytes.subarray(at, at + size), used)
      at += size
      used += size
      if (used < PIECE_SIZE) continue
      yield piece
      piece = new Uint8Array(PIECE_SIZE)
      used = 0
    }
  }
  if (used > 0) yield piece.subarray(0, used)
}

/** The numbers as the platform has them, which is little-endian wherever Node runs today. */
function bytesOf(array: Numbers): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

function readCodes(input: ImageInput, fieldCounts: FieldCounts): void {
  const size = input.word()
  for (let code = 0; code < size; code++) {
    const counts = input.words(fieldCounts.fields)
    const isEmpty = counts.every((count) => count === 0)
    if (isEmpty || fieldCounts.codeOf(counts) !== code) throw input.damaged(`code ${code} of its own`, counts.join())
  }
}

function readSegment(input: ImageInput, fieldCounts: FieldCounts): Segment {
  const [documentCount = 0, termCount = 0, termSize = 0, postingSize = 0, positionSize = 0] = input.words(5)
  const documents = readDocuments(input, documentCount)
  const starts = input.words(termCount + 1)
  const counts = input.words(termCount)
  const terms = { count: termCount, bytes: input.bytes(termSize), starts }
  const postings = input.bytes(postingSize)
  const positions = input.bytes(positionSize)
  checkTerms(input, terms)
  const layout = { documents, terms, counts, postings, positions }
  return { ...layout, ...readBlocks(input, layout, fieldCounts) }
}

function readDocuments(input: ImageInput, count: number): Documents {
  const slots = input.words(count)
  const commits = input.floats(count)
  const lengths = input.floats(count)
  const deaths = input.bytes(count)
  let dead = 0
  for (let i = 0; i < count; i++) {
    const isSane = Number.isSafeInteger(commits[i]) && lengths[i]! >= 0 && lengths[i]! < Infinity && deaths[i]! <= 1
    if (!isSane) throw input.damaged('a document', `commit ${commits[i]}, length ${lengths[i]}, ${deaths[i]}`)
    dead += deaths[i]!
  }
  return { count, dead, slots, commits, lengths, deaths }
}

function checkTerms(input: ImageInput, { count, bytes, starts }: Segment['terms']): void {
  let isSound = starts[0] === 0 && starts[count] === bytes.length
  for (let i = 0; i < count && isSound; i++) isSound = starts[i]! < starts[i + 1]! && starts[i + 1]! <= bytes.length
  for (let i = 1; i < count && isSound; i++) isSound = isBelow(bytes, starts[i - 1]!, starts[i]!, starts[i + 1]!)
  if (!isSound) throw input.damaged('rising terms', 'others')
}

/** True when bytes[a, b) come before bytes[b, end). */
function isBelow(bytes: Uint8Array, a: number, b: number, end: number): boolean {
  const size = Math.min(b - a, end - b)
  for (let i = 0; i < size; i++) if (bytes[a + i] !== bytes[b + i]) return bytes[a + i]! < bytes[b + i]!
  return b - a < end - b
}

type Blocks = Pick<
  Segment,
  'firstBlocks' | 'blocks' | 'blockStarts' | 'positionStarts' | 'lastOrdinals' | 'maxSums' | 'minLengths'
>

/** Goes through all postings: finds the blocks, and refuses what is no posting. */
function readBlocks(
  input: ImageInput,
  layout: Pick<Segment, 'documents' | 'terms' | 'counts' | 'postings' | 'positions'>,
  fieldCounts: FieldCounts,
): Blocks {
  const { documents, terms, counts, postings, positions } = layout
  // Ended varints at the end mean that none runs out of the bytes.
  const isEnded = (postings.at(-1) ?? 0) < 0x80 && (positions.at(-1) ?? 0) < 0x80
  const firstBlocks = new Uint32Array(terms.count + 1)
  for (let i = 0; i < terms.count; i++) firstBlocks[i + 1] = firstBlocks[i]! + Math.ceil(counts[i]! / BLOCK_SIZE)
  const blocks = firstBlocks[terms.count]!
  // A posting has two bytes at least, so that more blocks than bytes are never taken room for.
  if (!isEnded || blocks > postings.length || counts.some((count) => count === 0 || count > documents.count)) {
    throw input.damaged('postings', 'a count of them that cannot be')
  }
  const found: Blocks = {
    firstBlocks,
    blocks,
    blockStarts: new Uint32Array(blocks),
    positionStarts: new Uint32Array(blocks),
    lastOrdinals: new Uint32Array(blocks),
    maxSums: new Float64Array(blocks),
    minLengths: new Float64Array(blocks),
  }
  const sums = fieldCounts.sums()
  const ordinals = new Uint32Array(BLOCK_SIZE)
  const codes = new Uint32Array(BLOCK_SIZE)
  let at = 0
  let positionAt = 0
  let block = 0
  for (let term = 0; term < terms.count; term++) {
    let before = -1
    for (let left = counts[term]!; left > 0; left -= BLOCK_SIZE) {
      const count = Math.min(BLOCK_SIZE, left)
      found.blockStarts[block] = at
      found.positionStarts[block] = positionAt
      at = readPostings(postings, at, count, before, ordinals, codes)
      let maxSum = 0
      let minLength = Infinity
      let occurrences = 0
      for (let i = 0; i < count; i++) {
        const ordinal = ordinals[i]!
        const code = codes[i]!
        if (ordinal <= before || ordinal >= documents.count || code >= fieldCounts.size) {
          throw input.damaged('a posting', `document ${ordinal} after ${before}, code ${code}`)
        }
        before = ordinal
        occurrences += fieldCounts.totals[code]!
        maxSum = Math.max(maxSum, sums[code]!)
        minLength = Math.min(minLength, documents.lengths[ordinal]!)
      }
      positionAt = skipChecked(positions, positionAt, occurrences)
      found.lastOrdinals[block] = before
      found.maxSums[block] = maxSum
      found.minLengths[block++] = minLength
      if (at > postings.length || positionAt > positions.length) throw input.damaged('a whole posting', 'its beginning')
    }
  }
  if (at !== postings.length || positionAt !== positions.length) {
    throw input.damaged(`postings of ${at} and positions of ${positionAt} bytes`, 'more')
  }
  return found
}

/** Where `count` varints end; beyond the bytes when there are fewer. */
function skipChecked(bytes: Uint8Array, at: number, count: number): number {
  let next = at
  for (let left = count; left > 0; next++) {
    if (next >= bytes.length) return bytes.length + 1
    if (bytes[next]! < 0x80) left--
  }
  return next
}

/** Takes an image apart. Numbers are copied to where they are aligned. */
class ImageInput {
  readonly #source: Iterator<Uint8Array>
  #piece: Uint8Array = new Uint8Array(0)
  #at = 0
  /** Offset of the piece at hand in the image. */
  #offset = 0

  constructor(source: Iterable<Uint8Array>) {
    this.#source = source[Symbol.iterator]()
  }

  bytes(size: number): Uint8Array {
    // Taken as it comes: a size that was damaged to 4 GB is found to be wrong at the end of the image, not of memory.
    const parts: Uint8Array[] = []
    for (let left = size; left > 0; ) {
      if (this.#at === this.#piece.length) this.#nextPiece(left)
      const part = this.#piece.subarray(this.#at, this.#at + Math.min(left, this.#piece.length - this.#at))
      parts.push(part)
      this.#at += part.length
      left -= part.length
    }
    const whole = new Uint8Array(size)
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  word(): number {
    return this.words(1)[0]!
  }

  words(count: number): Uint32Array {
    return new Uint32Array(this.bytes(count * 4).buffer)
  }

  floats(count: number): Float64Array {
    return new Float64Array(this.bytes(count * 8).buffer)
  }

  expect(word: number, what: string): void {
    const found = this.word()
    if (found !== word) throw this.damaged(what, `0x${found.toString(16)}`)
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#at < this.#piece.length || this.#source.next().done !== true) throw this.damaged('the end', 'more bytes')
  }

  damaged(expected: string, found: string): BlazeError<'CODEC'> {
    const offset = this.#offset + this.#at
    return new BlazeError(
      'CODEC',
      `The image of a text index is damaged before byte ${offset}: expected ${expected}, found ${found}.`,
      { offset },
    )
  }

  #nextPiece(wanted: number): void {
    this.#offset += this.#piece.length
    this.#at = 0
    const next = this.#source.next()
    this.#piece = next.done === true ? new Uint8Array(0) : next.value
    if (next.done === true) throw this.damaged(`${wanted} more bytes`, 'the end')
  }
}
