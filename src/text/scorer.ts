/**
 * Scorers evaluate a query over one part, window by window: an array of scores, one a document of the window, 0 for
 * those that do not match. Going term by term through a window that fits the processor's first cache beats merging
 * lists document by document: each loop reads two arrays and writes one, without a choice among lists.
 *
 * A scorer only goes forward: windows come in rising order. Between calls all its own buffers are zero.
 */

/** Documents of a window. */
export const WINDOW = 2_048

export interface Scorer {
  /** About how many postings it reads. */
  readonly cost: number
  /** The first document from `from` on that may match, or END. */
  next(from: number): number
  /** No document of [start, end) scores more. */
  bound(start: number, end: number): number
  /** Adds the score of each document of [start, end) that matches to into[document - start]; gives 0 if none does. */
  add(start: number, end: number, into: Float64Array): number
  /** For each that matches and has a score in `from`, adds that and its own to `into`; gives 0 if there is none. */
  intersect(start: number, end: number, from: Float64Array, into: Float64Array): number
  /** Sets `into` to 0 for each that matches. */
  exclude(start: number, end: number, into: Float64Array): void
}

/** The intersection of a scorer that can only add: through a buffer, which is zero before and after. */
export function intersectThrough(
  scorer: Scorer,
  buffer: Float64Array,
  start: number,
  end: number,
  from: Float64Array,
  into: Float64Array,
): number {
  if (scorer.add(start, end, buffer) === 0) return 0
  const size = end - start
  let found = 0
  for (let i = 0; i < size; i++) {
    const score = buffer[i]!
    if (score === 0) continue
    buffer[i] = 0
    const other = from[i]!
    if (other === 0) continue
    into[i]! += other + score
    found++
  }
  return found
}

/** The exclusion of a scorer that can only add: through a buffer, which is zero before and after. */
export function excludeThrough(
  scorer: Scorer,
  buffer: Float64Array,
  start: number,
  end: number,
  into: Float64Array,
): void {
  if (scorer.add(start, end, buffer) === 0) return
  const size = end - start
  for (let i = 0; i < size; i++) {
    if (buffer[i] === 0) continue
    buffer[i] = 0
    into[i] = 0
  }
}

/** Buffers of one search, used again from part to part. */
export class WindowBuffers {
  readonly #buffers: Float64Array[] = []
  #taken = 0

  /** A buffer of zeros, that is left as zeros. */
  take(): Float64Array {
    let buffer = this.#buffers[this.#taken]
    if (buffer === undefined) {
      buffer = new Float64Array(WINDOW)
      this.#buffers.push(buffer)
    }
    this.#taken++
    return buffer
  }

  /** Nobody uses any of them any more. */
  giveBack(): void {
    this.#taken = 0
  }
}
