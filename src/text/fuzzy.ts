/**
 * Words within a number of edits: insertions, deletions and replacements of code points (Levenshtein). Of a dictionary
 * nearly all terms are passed over by their signature, which characters they have, in 2 ns each; the table of distances
 * is filled for the few that are left.
 */
import type { TermBytes } from './term-bytes.ts'

/** A term by its number, and how far away it is. */
export interface FuzzyTerm {
  readonly number: number
  readonly edits: number
}

/** The code points of a text. */
export function codePointsOf(text: string): Uint32Array {
  const points = new Uint32Array(text.length)
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i)!
    if (code > 0xffff) i++
    points[count++] = code
  }
  return points.subarray(0, count)
}

/** The distance of two texts in code points, or `limit` + 1 when it is more than `limit`. */
export function editDistance(a: Uint32Array, b: Uint32Array, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let row = new Uint32Array(a.length + 1)
  for (let i = 0; i < row.length; i++) row[i] = i
  let next = new Uint32Array(a.length + 1)
  for (let i = 0; i < b.length; i++) {
    if (fillRow(a, b[i]!, row, next) > limit) return limit + 1
    const done = row
    row = next
    next = done
  }
  return Math.min(row[a.length]!, limit + 1)
}

/** All terms that are at most `limit` edits away from the word, in their order. */
export function fuzzyTerms(terms: TermBytes, word: Uint32Array, limit: number): FuzzyTerm[] {
  const signatures = signaturesOf(terms)
  const wanted = signatureOf(word)
  const found: FuzzyTerm[] = []
  for (let number = 0; number < terms.count; number++) {
    const signature = signatures[number]!
    if (wanted !== signature) {
      if (bitCount(wanted & ~signature) > limit || bitCount(signature & ~wanted) > limit) continue
    }
    const start = terms.starts[number]!
    const end = terms.starts[number + 1]!
    // A code point has one to four bytes.
    if (end - start < word.length - limit || end - start > 4 * (word.length + limit)) continue
    const edits = editDistance(word, decodePoints(terms.bytes, start, end), limit)
    if (edits <= limit) found.push({ number, edits })
  }
  return found
}

/** The distance of a term to the word, or `limit` + 1 when it is more; `signature` is the word's. */
export function distanceTo(word: Uint32Array, signature: number, term: string, limit: number): number {
  let found = 0
  let points = 0
  for (let i = 0; i < term.length; i++, points++) {
    const code = term.codePointAt(i)!
    if (code > 0xffff) i++
    found |= 1 << (code & 31)
  }
  const isNear =
    Math.abs(points - word.length) <= limit &&
    bitCount(signature & ~found) <= limit &&
    bitCount(found & ~signature) <= limit
  return isNear ? editDistance(word, codePointsOf(term), limit) : limit + 1
}

/** Which characters a word has, as 32 bits: an edit adds one character at most, and takes one away at most. */
export function signatureOf(word: Uint32Array): number {
  let signature = 0
  for (let i = 0; i < word.length; i++) signature |= 1 << (word[i]! & 31)
  return signature
}

/** Made at the first search for errors in a dictionary, and kept as long as it lives: four bytes a term. */
const knownSignatures = new WeakMap<TermBytes, Int32Array>()

function signaturesOf(terms: TermBytes): Int32Array {
  const known = knownSignatures.get(terms)
  if (known !== undefined) return known
  const { bytes, starts } = terms
  const signatures = new Int32Array(terms.count)
  for (let number = 0; number < terms.count; number++) {
    let signature = 0
    for (let at = starts[number]!; at < starts[number + 1]!; ) {
      const code = codePointAt(bytes, at)
      at += sizeOf(code)
      signature |= 1 << (code & 31)
    }
    signatures[number] = signature
  }
  knownSignatures.set(terms, signatures)
  return signatures
}

function bitCount(bits: number): number {
  let rest = bits - ((bits >>> 1) & 0x55555555)
  rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333)
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

function decodePoints(bytes: Uint8Array, start: number, end: number): Uint32Array {
  const points = new Uint32Array(end - start)
  let count = 0
  for (let at = start; at < end; ) {
    const code = codePointAt(bytes, at)
    points[count++] = code
    at += sizeOf(code)
  }
  return points.subarray(0, count)
}

/** The row of the table after one more code point; gives its least entry. */
function fillRow(word: Uint32Array, code: number, row: Uint32Array, next: Uint32Array): number {
  let left = row[0]! + 1
  next[0] = left
  let least = left
  for (let i = 0; i < word.length; i++) {
    let distance = row[i]! + (word[i] === code ? 0 : 1)
    const deleted = row[i + 1]! + 1
    if (deleted < distance) distance = deleted
    if (left + 1 < distance) distance = left + 1
    next[i + 1] = distance
    left = distance
    if (distance < least) least = distance
  }
  return least
}

/** The code point whose well-formed UTF-8 begins at `at`. */
function codePointAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) return first
  const second = bytes[at + 1]! & 0x3f
  if (first < 0xe0) return ((first & 0x1f) << 6) | second
  const third = bytes[at + 2]! & 0x3f
  if (first < 0xf0) return ((first & 0x0f) << 12) | (second << 6) | third
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | (bytes[at + 3]! & 0x3f)
}

function sizeOf(code: number): number {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
}
