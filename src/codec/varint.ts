/** Counts and sizes: seven bits a byte, low bits first, the high bit says that more follow. Up to 2^53 − 1. */
import { BlazeError } from '../base/errors.ts'

/** Bytes the longest varint takes. */
export const MAX_VARINT_SIZE = 8

/** Writes `value` at `at`, which has room for {@link MAX_VARINT_SIZE} bytes; gives the position after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let next = at
  while (rest >= 0x80) {
    bytes[next++] = (rest % 0x80) | 0x80
    rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80)
  }
  bytes[next++] = rest
  return next
}

/** Bytes that `value` takes. */
export function varintSize(value: number): number {
  let size = 1
  for (let limit = 0x80; value >= limit; limit *= 0x80) size++
  return size
}

/** Reads a varint at `at`. CODEC when the bytes end in it, or it has no end. */
export function readPlainVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0
  let scale = 1
  for (let end = at; end < at + MAX_VARINT_SIZE - 1; ) {
    const byte = bytes[end++]
    if (byte === undefined) break
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value, end }
    scale *= 0x80
  }
  throw new BlazeError('CODEC', `The encoded bytes are damaged at byte ${at}: found a count without end.`, {
    offset: at,
  })
}
