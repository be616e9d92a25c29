/**
 * Where the parts of a key end. Reads the grammar of codec/key.ts, but no values: enough to tell two keys apart by their
 * first part. A descending part is the same with all bytes complemented.
 */
import { invariant } from '../base/invariant.ts'

const LAST_BARE_TAG = 0x08
const NUMBER = 0x09
const STRING = 0x10
const DATE = 0x18
const BYTES = 0x20
const ARRAY = 0x28
const OBJECT = 0x30
const EXACT = 0x80
const LONG_REST = 0x7f

/** The index behind the part that begins at `start`. */
export function partEnd(key: Uint8Array, start: number, descending: boolean): number {
  const flip = descending ? 0xff : 0
  const tag = key[start]! ^ flip
  if (tag <= LAST_BARE_TAG) return start + 1
  switch (tag) {
    case NUMBER:
      return numberEnd(key, start + 1, flip)
    case DATE:
      return start + 8
    case STRING:
    case BYTES:
      return textEnd(key, start + 1, flip)
    case ARRAY: {
      let at = start + 1
      while (key[at]! !== flip) at = partEnd(key, at, descending)
      return at + 1
    }
    case OBJECT: {
      let at = start + 1
      while (key[at]! !== flip) at = partEnd(key, textEnd(key, at + 1, flip), descending)
      return at + 1
    }
  }
  invariant(false, () => `no part of a key begins with ${tag}`)
}

/** The index behind the zero that ends a text. */
function textEnd(key: Uint8Array, start: number, flip: number): number {
  const end = key.indexOf(flip, start)
  invariant(end >= 0, () => `the text at ${start} has no end`)
  return end + 1
}

/** Only a float64 of 2^53 or more, or −2^53 or less, is followed by a marker and perhaps a rest. */
function numberEnd(key: Uint8Array, start: number, flip: number): number {
  const end = start + 8
  const high = ((key[start]! ^ flip) << 8) | (key[start + 1]! ^ flip)
  const negative = high < 0x8000
  // Sign and exponent of a float64, as codec/key.ts writes them; 2^53 has the biased exponent 1076.
  const exponent = ((negative ? ~high : high) >>> 4) & 0x7ff
  if (exponent < 1076) return end
  const marker = (key[end]! ^ flip) & 0xff
  if (marker === EXACT) return end + 1
  // A negative number's rest is complemented, marker included.
  const turn = marker < EXACT ? flip ^ 0xff : flip
  const size = (key[end]! ^ turn) - EXACT
  if (size < LONG_REST) return end + 1 + size
  let long = 0
  for (let i = 1; i <= 4; i++) long = long * 256 + (key[end + i]! ^ turn)
  return end + 5 + long
}
