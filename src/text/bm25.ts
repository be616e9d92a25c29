/**
 * BM25 over weighted fields (Robertson, Zaragoza, Taylor, "Simple BM25 Extension to Multiple Weighted Fields", 2004): a
 * document counts as if each field stood in it `weight` times.
 *
 *   tf = Σ weight × occurrences in the field        length = Σ weight × words of the field
 *   score of a word = idf × (k1 + 1) × tf / (tf + k1 × (1 − b + b × length / average length))
 *   idf = ln(1 + (N − n + 0.5) / (n + 0.5))         N documents, n of them with the word; always above 0
 *
 * Scores are sums over words, and must not depend on the order of adding: ties are broken by id, and two plans of one
 * query must agree about what is a tie. So each addend is put on a grid of 2^-38, on which float64 adds exactly up to
 * 2^15, and raised by one step of it, so that what matches scores above 0.
 */

const K1 = 1.2
const B = 0.75

/** What of the denominator no length changes. */
export const FREE_LENGTH: number = K1 * (1 - B)

/** Adding the one and taking away the other rounds to the grid, and one step up. 2^14 + 2^13 has an ulp of 2^-38. */
export const GRID_DOWN: number = 24_576
export const GRID_UP: number = GRID_DOWN + 2 ** -38

/** ln(1 + …) of a word in `frequency` of `documents`, with the factor k1 + 1 that every addend has. */
export function wordFactor(documents: number, frequency: number): number {
  const n = Math.min(frequency, documents)
  return (K1 + 1) * Math.log(1 + (documents - n + 0.5) / (n + 0.5))
}

/** What a unit of a document's weighted length adds to the denominator. */
export function perLength(averageLength: number): number {
  return averageLength > 0 ? (K1 * B) / averageLength : 0
}

/** The addend of one word, on the grid. The hot loops have it written out. */
export function addend(factor: number, tf: number, length: number, lengthFactor: number): number {
  return (factor * tf) / (tf + FREE_LENGTH + lengthFactor * length) + GRID_UP - GRID_DOWN
}

/** How much a word that is `edits` away from the one sought counts of its occurrences. */
export function editWeight(edits: number): number {
  return 1 / (1 + edits)
}
