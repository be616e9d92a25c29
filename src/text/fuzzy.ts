/**
 * Words within a number of edits: insertions, deletions and replacements of code points (Levenshtein). Over sorted terms
 * the rows of the distance table are kept for the beginning that a term shares with the one before, and a beginning that
 * is already too far away takes all terms that have it with it.
 */
import type { TermBytes } from './term-bytes.ts'

/** A term by its number, and how far away it is. */
export interface FuzzyTerm {
  readonly number: number
  readonly edits: number
}

/** The code points of a text. */
export function codePointsOf(text: string): Uint32Array {
  return Uint32Array.from(text, (char) => char.codePointAt(0)!)
}

/** The distance of two texts in code points, or `limit` + 1 when it is more than `limit`. */
export function editDistance(a: Uint32Array, b: Uint32Array, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let row = Uint32Array.from({ length: a.length + 1 }, (_, i) => i)
  let next = new Uint32Array(a.length + 1)
  for (let i = 0; i < b.length; i++) {
    if (fillRow(a, row, 0, next, 0, b[i]!) > limit) return limit + 1
    const done = row
    row = next
    next = done
  }
  return Math.min(row[a.length]!, limit + 1)
}

/** All terms that are at most `limit` edits away from the word, in their order. */
export function fuzzyTerms(terms: TermBytes, word: Uint32Array, limit: number): FuzzyTerm[] {
  const width = word.length + 1
  // Row d belongs to the first d code points of the term at hand; one of more than length + limit is always too far.
  const depthLimit = word.length + limit + 1
  const rows = new Uint32Array((depthLimit + 1) * width)
  for (let i = 0; i < width; i++) rows[i] = i
  // Bytes of the first d code points of the term at hand.
  const ends = new Uint32Array(depthLimit + 1)
  const found: FuzzyTerm[] = []
  const { bytes, starts } = terms
  // Rows that are filled, and whether the last one is beyond the limit.
  let depth = 0
  let isTooFar = false
  for (let number = 0; number < terms.count; number++) {
    const start = starts[number]!
    const size = starts[number + 1]! - start
    const before = number === 0 ? start : starts[number - 1]!
    // Of the term before, only the beginning that has rows counts.
    const most = Math.min(size, number === 0 ? 0 : ends[depth]!)
    let same = 0
    while (same < most && bytes[before + same] === bytes[start + same]) same++
    if (isTooFar && same === ends[depth]) continue
    while (ends[depth]! > same) depth--
    isTooFar = false
    let at = ends[depth]!
    while (at < size) {
      const code = codePointAt(bytes, start + at)
      at += sizeOf(code)
      const least = fillRow(word, rows, depth * width, rows, (depth + 1) * width, code)
      depth++
      ends[depth] = at
      if (least > limit) {
        isTooFar = true
        break
      }
    }
    const edits = rows[depth * width + word.length]!
    if (!isTooFar && edits <= limit) found.push({ number, edits })
  }
  return found
}

/** The row after one more code point; gives its least entry. */
function fillRow(
  word: Uint32Array,
  row: Uint32Array,
  rowStart: number,
  next: Uint32Array,
  nextStart: number,
  code: number,
): number {
  let left = row[rowStart]! + 1
  next[nextStart] = left
  let least = left
  for (let i = 0; i < word.length; i++) {
    let distance = row[rowStart + i]! + (word[i] === code ? 0 : 1)
    const deleted = row[rowStart + i + 1]! + 1
    if (deleted < distance) distance = deleted
    if (left + 1 < distance) distance = left + 1
    next[nextStart + i + 1] = distance
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
