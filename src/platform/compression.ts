/**
 * Compression by Node's own zlib. Levels are chosen for blocks that are written once and read often, on 1,000 bugs in
 * the record layout (MB/s to write, share of the bytes left): deflate 1: 140, 49 %; deflate 6: 40, 46 %; brotli 4: 94,
 * 46 %; brotli 5: 52, 44 %; brotli 6: 44, 43 %. So deflate is the quick one and brotli the small one.
 */
import * as zlib from 'node:zlib'
import type { CompressionMethod, Compressor } from '../base/compression.ts'

const DEFLATE_LEVEL = 1
const BROTLI_QUALITY = 5

/** Output is collected in pieces of at most this size, so that a false size costs no memory before the data is there. */
const MAX_CHUNK_BYTES = 1 << 16
/** The smallest piece that zlib takes. */
const MIN_CHUNK_BYTES = 64

interface Limits {
  readonly maxOutputLength: number
  readonly chunkSize: number
}

/** What the calls give with `info`: the output, and the engine, which knows how much input it has used. */
interface Informed {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

type Compress = (bytes: Uint8Array) => Uint8Array
type Restore = (bytes: Uint8Array, options: Limits & { readonly info: true }) => unknown

/** Node has these from 22.15 and 23.8 on; the types that the package is built with are older. */
interface Zstd {
  readonly zstdCompressSync?: Compress
  readonly zstdDecompressSync?: Restore
}
const { zstdCompressSync, zstdDecompressSync }: Zstd = zlib as object

const compressors: Readonly<Record<CompressionMethod, Compress | undefined>> = {
  deflate: (bytes) => zlib.deflateSync(bytes, { level: DEFLATE_LEVEL }),
  brotli: (bytes) =>
    zlib.brotliCompressSync(bytes, {
      params: {
        [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  zstd: zstdCompressSync,
}

const restorers: Readonly<Record<CompressionMethod, Restore | undefined>> = {
  deflate: (bytes, options) => zlib.inflateSync(bytes, options),
  brotli: (bytes, options) => zlib.brotliDecompressSync(bytes, options),
  zstd: zstdDecompressSync,
}

/** Compression of this machine. */
export const nodeCompressor: Compressor = {
  has: (method) => compressors[method] !== undefined && restorers[method] !== undefined,
  compress: (method, bytes) => present(compressors[method], method)(bytes),
  decompress(method, bytes, size) {
    const maxOutputLength = Math.max(1, size)
    const chunkSize = Math.max(MIN_CHUNK_BYTES, Math.min(maxOutputLength, MAX_CHUNK_BYTES))
    const restore = present(restorers[method], method)
    // `info` is documented to change the result to this.
    const { buffer, engine } = restore(bytes, { maxOutputLength, chunkSize, info: true }) as Informed
    if (engine.bytesWritten !== bytes.length)
      throw new Error(`${bytes.length - engine.bytesWritten} bytes are left over`)
    if (buffer.length !== size) throw new Error(`${buffer.length} bytes came out, not ${size}`)
    // As a Uint8Array: slice() of a Buffer would be no copy.
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
  },
}

function present<T>(call: T | undefined, method: CompressionMethod): T {
  if (call === undefined) throw new Error(`this runtime has no ${method}`)
  return call
}
