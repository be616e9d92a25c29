/** Sorts terms by code points, most of it as numbers: a third of the time of sorting strings. */
import { compareStrings } from '../codec/order.ts'

/** Units of a term that its number holds, of 7 bits each, and bits for which term it is: 53 in all. */
const KEY_UNITS = 5
const UNIT_LIMIT = 128
const NUMBER_SPAN = 2 ** 18

/** The numbers of the terms, in the order of the terms, which differ. */
export function sortTerms(terms: readonly string[]): Uint32Array {
  // Only a single text of many megabytes has more.
  if (terms.length > NUMBER_SPAN) {
    return Uint32Array.from(terms, (_, i) => i).sort((a, b) => compareStrings(terms[a]!, terms[b]!))
  }
  const keys = new Float64Array(terms.length)
  for (let i = 0; i < terms.length; i++) keys[i] = keyOf(terms[i]!) * NUMBER_SPAN + i
  keys.sort()
  const numbers = Uint32Array.from(keys, (key) => key % NUMBER_SPAN)
  // Terms of one beginning are together now, in any order.
  for (let start = 0; start < keys.length; ) {
    const key = Math.floor(keys[start]! / NUMBER_SPAN)
    let end = start + 1
    while (end < keys.length && Math.floor(keys[end]! / NUMBER_SPAN) === key) end++
    if (end > start + 1) numbers.subarray(start, end).sort((a, b) => compareStrings(terms[a]!, terms[b]!))
    start = end
  }
  return numbers
}

/** Rises with the term's first units; what is not ASCII is above it, all of it equal with whatever follows. */
function keyOf(term: string): number {
  let key = 0
  let isAscii = true
  for (let i = 0; i < KEY_UNITS; i++) {
    // Past the end 0: no word has U+0000 in it.
    const unit = !isAscii || i >= term.length ? 0 : term.charCodeAt(i)
    if (unit >= UNIT_LIMIT - 1) isAscii = false
    key = key * UNIT_LIMIT + Math.min(unit, UNIT_LIMIT - 1)
  }
  return key
}
