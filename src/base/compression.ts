/** Compression of blocks of bytes, as the layers that never import `node:` modules see it. */

/** How blocks are compressed: quickly, small, or between the two where the runtime has it. */
export type Compression = 'none' | 'deflate' | 'brotli' | 'zstd'

/** The methods that change the bytes. */
export type CompressionMethod = Exclude<Compression, 'none'>

/** Compresses and restores whole blocks, in the turn of the call. */
export interface Compressor {
  /** True when this runtime has the method. */
  has(method: CompressionMethod): boolean
  /** The compressed bytes: a copy. Only for a method it has. */
  compress(method: CompressionMethod, bytes: Uint8Array): Uint8Array
  /**
   * The bytes that were compressed, which are `size` many: a copy. Only for a method it has. Throws when the bytes are
   * damaged, are not used up, or give more or fewer; it never makes more than `size` bytes to find that out.
   */
  decompress(method: CompressionMethod, bytes: Uint8Array, size: number): Uint8Array
}
