/** gzip by Node's own streams. */
import { pipeline, Readable, type Transform } from 'node:stream'
import { createGunzip, createGzip } from 'node:zlib'
import { type ByteStreams, StreamError } from './platform.ts'

/** Level 6 is gzip's own default; what is written here is read for years. */
const LEVEL = 6
/** What comes out at a time: a bomb of zeros unfolds no further than its reader asks. */
const CHUNK_BYTES = 65_536

export const byteStreams: ByteStreams = {
  gzip: (source) => through(source, createGzip({ level: LEVEL, chunkSize: CHUNK_BYTES })),
  gunzip: (source) => through(source, createGunzip({ chunkSize: CHUNK_BYTES })),
}

async function* through(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncGenerator<Uint8Array, void, undefined> {
  // A failure of either end destroys the other; the loop below meets it, so the callback has nothing to do.
  pipeline(Readable.from(source), transform, () => undefined)
  try {
    for await (const chunk of transform) yield chunk as Uint8Array // zlib gives Buffers
  } catch (error) {
    throw isZlibError(error) ? new StreamError(error.message, { cause: error }) : error
  } finally {
    transform.destroy()
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')
}
