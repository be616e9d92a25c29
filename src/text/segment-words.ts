/**
 * Words of scripts that are written without spaces, found by the platform's dictionaries. It is a hundred times slower
 * than looking for letters, so only runs of these scripts come here.
 *
 * A query is segmented without its surroundings, so that a word may be cut otherwise than in a document; a query of
 * whole words is cut like them.
 */

/** Runs of Chinese, Japanese, Thai, Lao, Khmer or Burmese; the mark ー lengthens a vowel and belongs to them. */
const UNSPACED_RUN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u30fc\uff70]+/gu
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

let segmenter: Intl.Segmenter | undefined

/** True when the run of letters has a part that spaces do not divide into words. */
export function isUnspaced(run: string): boolean {
  return UNSPACED.test(run)
}

/** Calls `visit` with each word of a run of letters of mixed scripts, in order, by its place in the run. */
export function eachMixedWord(run: string, visit: (start: number, end: number) => void): void {
  let done = 0
  for (const match of run.matchAll(UNSPACED_RUN)) {
    if (match.index > done) visit(done, match.index)
    done = match.index + match[0].length
    eachSegment(match[0], match.index, visit)
  }
  if (done < run.length) visit(done, run.length)
}

function eachSegment(text: string, offset: number, visit: (start: number, end: number) => void): void {
  segmenter ??= new Intl.Segmenter('und', { granularity: 'word' })
  for (const { segment, index, isWordLike } of segmenter.segment(text)) {
    if (isWordLike === true) visit(offset + index, offset + index + segment.length)
  }
}
