import { createHash } from 'node:crypto'
import * as zlib from 'node:zlib'
import { crc32 as crc32InScript } from '../base/checksum.ts'
import type { Digest } from './platform.ts'

/** Below this many bytes the call into native code costs more than it saves. */
const NATIVE_FROM_BYTES = 100

/** CRC-32 (IEEE) of source[start, end), continuing `seed`: in script for short inputs, native for long ones. */
export function crc32(source: Uint8Array, start: number, end: number, seed: number): number {
  if (end - start < NATIVE_FROM_BYTES) return crc32InScript(source, start, end, seed)
  return zlib.crc32(source.subarray(start, end), seed)
}

/** SHA-256 of Node's own crypto. */
export const digest: Digest = {
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  running() {
    const hash = createHash('sha256')
    return {
      update(bytes) {
        hash.update(bytes)
      },
      finish: () => hash.digest(),
    }
  },
}
