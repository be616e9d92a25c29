/**
 * Compression of blocks, by a method that is a number in the bytes. A block stays as it is when compressing does not
 * make it smaller, so that nothing ever grows by asking for it.
 */
import type { Compression, CompressionMethod, Compressor } from '../base/compression.ts'
import { BlazeError } from '../base/errors.ts'
import type { ByteSource } from './byte-source.ts'

/** The methods by their numbers in the bytes; 0 is none. Numbers are never given anew. */
const METHODS: readonly (CompressionMethod | undefined)[] = [undefined, 'deflate', 'brotli', 'zstd']

/** The number of no compression. */
export const PLAIN = 0

/** A block as it is kept. */
export interface Packed {
  readonly method: number
  readonly bytes: Uint8Array
}

/** The number of a method. INVALID_ARGUMENT when there is none of that name, UNSUPPORTED when the runtime lacks it. */
export function methodNumber(compression: Compression, compressor: Compressor): number {
  if (compression === 'none') return PLAIN
  const method = METHODS.indexOf(compression)
  if (method < 1) {
    const text = `compression is one of none, ${METHODS.slice(1).join(', ')}, not ${JSON.stringify(compression)}.`
    throw new BlazeError('INVALID_ARGUMENT', text, { argument: 'compression' })
  }
  requireMethod(compression, compressor)
  return method
}

/** The block compressed by a method of {@link methodNumber}; the same bytes when that makes them no smaller. */
export function pack(bytes: Uint8Array, method: number, compressor: Compressor): Packed {
  const name = METHODS[method]
  if (name === undefined) return { method: PLAIN, bytes }
  const smaller = compressor.compress(name, bytes)
  return smaller.length < bytes.length ? { method, bytes: smaller } : { method: PLAIN, bytes }
}

/**
 * The `size` bytes of a block that is all that is left of `source`: a VIEW of it when it is plain. The caller has
 * checked `size` against its limit. CODEC with the offset, UNSUPPORTED.
 */
export function unpack(source: ByteSource, method: number, size: number, compressor: Compressor): Uint8Array {
  if (method === PLAIN) {
    if (size !== source.left) throw source.damaged(`${source.left} bytes, which say to be ${size}`)
    return source.bytes.subarray(source.at, source.end)
  }
  const name = METHODS[method]
  if (name === undefined) throw source.damaged(`compression ${method}, which this version does not know`)
  requireMethod(name, compressor)
  try {
    return compressor.decompress(name, source.bytes.subarray(source.at, source.end), size)
  } catch (cause) {
    throw source.damaged(`bytes that ${name} does not give back`, { cause })
  }
}

function requireMethod(method: CompressionMethod, compressor: Compressor): void {
  if (compressor.has(method)) return
  const text = `This runtime has no ${method}; Node has zstd from 22.15 on. Use deflate or brotli.`
  throw new BlazeError('UNSUPPORTED', text, undefined)
}
