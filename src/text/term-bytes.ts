/** Terms as bytes: UTF-8, so that their order is that of code points. */
import { compareBytes } from '../base/bytes.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Sorted terms, one after the other: term i lies in bytes[starts[i], starts[i + 1]). */
export interface TermBytes {
  readonly count: number
  readonly bytes: Uint8Array
  readonly starts: Uint32Array
}

export function encodeTerm(term: string): Uint8Array {
  return encoder.encode(term)
}

export function termAt(terms: TermBytes, i: number): string {
  return decoder.decode(terms.bytes.subarray(terms.starts[i]!, terms.starts[i + 1]!))
}

/** The number of the first term that is not below `key`. */
export function lowerBound(terms: TermBytes, key: Uint8Array): number {
  let low = 0
  let high = terms.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareAt(terms, middle, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** The number of the term, or -1. */
export function findTerm(terms: TermBytes, key: Uint8Array): number {
  const at = lowerBound(terms, key)
  return at < terms.count && compareAt(terms, at, key) === 0 ? at : -1
}

/** The first number after `from` whose term does not begin with `prefix`; all from `from` on are not below it. */
export function endOfPrefix(terms: TermBytes, from: number, prefix: Uint8Array): number {
  let low = from
  let high = terms.count
  while (low < high) {
    const middle = (low + high) >>> 1
    const start = terms.starts[middle]!
    const end = Math.min(start + prefix.length, terms.starts[middle + 1]!)
    if (compareBytes(terms.bytes, start, end, prefix, 0, prefix.length) === 0) low = middle + 1
    else high = middle
  }
  return low
}

function compareAt(terms: TermBytes, i: number, key: Uint8Array): number {
  return compareBytes(terms.bytes, terms.starts[i]!, terms.starts[i + 1]!, key, 0, key.length)
}
