/** Keys for those who keep their own index: the bytes of key.ts as a call. */
import type { Value } from '../base/values.ts'
import { type KeyPartOptions, KeyWriter } from './key.ts'
import { encode } from './standalone.ts'

const writer = new KeyWriter()

/**
 * Bytes that compare, byte by byte and unsigned, as the parts do one after the other: null before false, true, numbers,
 * strings, dates, bytes, arrays, objects; `undefined`, a missing field, before all. A copy, the caller's own.
 * `options` go with the parts by position: `descending` turns the order of one around, `nocase` folds its strings.
 * UNSUPPORTED for a vector, which has no order; INVALID_VALUE for what is no value at all.
 * @example
 * const key = encodeKey([bug.status, bug.createdAt], [{}, { descending: true }])
 * compareKeys(key, encodeKey(['open', new Date(0)], [{}, { descending: true }]))
 */
export function encodeKey(parts: readonly (Value | undefined)[], options: readonly KeyPartOptions[] = []): Uint8Array {
  writer.reset()
  parts.forEach((part, i) => {
    // Keys are otherwise made of what was stored: here nobody has looked at the value before.
    if (!isSimple(part)) encode(part as Value)
    writer.append(part, options[i])
  })
  return writer.finish()
}

function isSimple(part: unknown): boolean {
  if (typeof part === 'object') return part === null || part instanceof Date
  return typeof part !== 'function' && typeof part !== 'symbol'
}
