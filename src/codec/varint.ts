/** Counts and sizes: seven bits a byte, low bits first, the high bit says that more follow. Up to 2^53 − 1. */

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
