/** A range of keys, compared as unsigned bytes. A bound that is absent leaves that side open to the end. */
export interface KeyBounds {
  readonly lower?: Uint8Array
  /** True: the lower key itself is left out. */
  readonly lowerOpen?: boolean
  readonly upper?: Uint8Array
  /** True: the upper key itself is left out. */
  readonly upperOpen?: boolean
}

/** Everything. */
export const ALL_KEYS: KeyBounds = {}

/**
 * The smallest key above all keys that begin with `prefix`, a copy; undefined when there is none (all bytes 255).
 * A key of `prefix` and anything behind it is within { lower: prefix, upper: prefixUpper(prefix), upperOpen: true }.
 */
export function prefixUpper(prefix: Uint8Array): Uint8Array | undefined {
  let size = prefix.length
  while (size > 0 && prefix[size - 1] === 255) size--
  if (size === 0) return undefined
  const upper = prefix.slice(0, size)
  upper[size - 1]!++
  return upper
}

/** The range of all keys that begin with `prefix`: an equality on the first parts of an index. */
export function prefixBounds(prefix: Uint8Array): KeyBounds {
  const upper = prefixUpper(prefix)
  return upper === undefined ? { lower: prefix } : { lower: prefix, upper, upperOpen: true }
}
