/**
 * The patterns of `like` and `ilike`: `%` any run of characters, `_` one character (a code point), `\` takes the next
 * character literally; the whole string must match. The pattern is cut at its `%` into segments: the first must start
 * the string, the last must end it, and each between is taken at its leftmost place. Leftmost is enough, because
 * whatever could follow a later place can follow an earlier one, so nothing is ever tried again: time is at most
 * length of the text × length of the pattern, whatever both are.
 */

/** A literal, or ONE for `_`. */
type Piece = string
/** Stands for `_`; a literal piece is never empty. */
const ONE: Piece = ''

export interface LikePattern {
  /** The pieces between two `%`. One segment: no `%` at all. */
  readonly segments: readonly (readonly Piece[])[]
}

/** Parses a pattern; undefined when it ends in a lone backslash. With `fold` the literals are folded. */
export function parseLike(pattern: string, fold: (text: string) => string): LikePattern | undefined {
  const segments: Piece[][] = [[]]
  let literal = ''
  const flush = (): void => {
    if (literal !== '') segments[segments.length - 1]!.push(fold(literal))
    literal = ''
  }
  for (let i = 0; i < pattern.length; i++) {
    const unit = pattern[i]!
    if (unit === '\\') {
      i++
      if (i === pattern.length) return undefined
      literal += pattern[i]!
    } else if (unit === '%') {
      flush()
      segments.push([])
    } else if (unit === '_') {
      flush()
      segments[segments.length - 1]!.push(ONE)
    } else literal += unit
  }
  flush()
  return { segments }
}

/** The text every match begins with, up to the first `%` or `_`, and whether it is the whole pattern. */
export function likePrefix(pattern: LikePattern): { readonly prefix: string; readonly whole: boolean } {
  const first = pattern.segments[0]!
  const prefix = first[0] ?? ONE
  return {
    prefix,
    whole: pattern.segments.length === 1 && (first.length === 0 || (first.length === 1 && prefix !== ONE)),
  }
}

/** True when the whole text matches. For ilike the text must be folded too. */
export function matchLike(pattern: LikePattern, text: string): boolean {
  const segments = pattern.segments
  let at = matchAt(segments[0]!, text, 0)
  if (at < 0) return false
  const last = segments.length - 1
  if (last === 0) return at === text.length
  for (let s = 1; s < last; s++) {
    at = findFrom(segments[s]!, text, at)
    if (at < 0) return false
  }
  return matchEnd(segments[last]!, text) >= at
}

/** Where the segment ends when it matches at `at`, or -1. */
function matchAt(segment: readonly Piece[], text: string, at: number): number {
  for (let i = 0; i < segment.length; i++) {
    const piece = segment[i]!
    if (piece === ONE) {
      if (at >= text.length) return -1
      at += text.codePointAt(at)! > 0xffff ? 2 : 1
    } else if (text.startsWith(piece, at)) at += piece.length
    else return -1
  }
  return at
}

/** Where the leftmost match at or after `from` ends, or -1. */
function findFrom(segment: readonly Piece[], text: string, from: number): number {
  if (segment.length === 0) return from
  const lead = segment[0]!
  for (let at = from; at <= text.length; at++) {
    if (lead !== ONE) {
      at = text.indexOf(lead, at)
      if (at < 0) return -1
    }
    const end = matchAt(segment, text, at)
    if (end >= 0) return end
    if (lead === ONE && at < text.length && text.codePointAt(at)! > 0xffff) at++
  }
  return -1
}

/** Where the segment begins when it matches the end of the text, or -1. */
function matchEnd(segment: readonly Piece[], text: string): number {
  let at = text.length
  for (let i = segment.length - 1; i >= 0; i--) {
    const piece = segment[i]!
    if (piece === ONE) {
      if (at <= 0) return -1
      at -= at >= 2 && text.codePointAt(at - 2)! > 0xffff ? 2 : 1
    } else if (at >= piece.length && text.startsWith(piece, at - piece.length)) at -= piece.length
    else return -1
  }
  return at
}
