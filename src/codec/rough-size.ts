/** About how many bytes a value will take, told quickly: what closes a block before it is too large. */
import { MAX_DEPTH } from '../base/values.ts'

const SCALAR_SIZE = 4
const DATE_SIZE = 6

/**
 * The estimate: strings by their units, everything else by what it mostly takes. It stops counting at `limit`, so that
 * the time is bounded, too. What cannot be stored has some size as well: encoding will refuse it.
 */
export function roughSize(value: unknown, limit: number, depth = 0): number {
  if (typeof value === 'string') return 1 + value.length
  if (typeof value === 'bigint') return 1 + value.toString(16).length / 2
  if (typeof value !== 'object' || value === null) return SCALAR_SIZE
  if (ArrayBuffer.isView(value)) return 1 + value.byteLength
  if (depth > MAX_DEPTH) return 0
  const parts = Object.values(value)
  if (parts.length === 0) return DATE_SIZE
  let size = 1
  for (let i = 0; i < parts.length && size < limit; i++) size += roughSize(parts[i], limit - size, depth + 1)
  return size
}
