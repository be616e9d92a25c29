/** The real machine: the parts of this folder put together. */
import { totalmem } from 'node:os'
import { crc32, digest } from './checksums.ts'
import { cipher } from './cipher.ts'
import { systemClock } from './clock.ts'
import { lmdbDirectoryStore } from './directory-store.ts'
import { nodeLocks } from './lock.ts'
import { nodeFiles } from './node-files.ts'
import type { Platform } from './platform.ts'
import { systemRandom } from './random.ts'
import { sqliteDoor } from './sqlite.ts'
import { byteStreams } from './streams.ts'

/** The platform of this process. `probePath` is where the database lies or will lie: its file system is looked at. */
export function nodePlatform(probePath?: string): Platform {
  const random = systemRandom()
  // What is no path at all is refused by whoever opens it.
  const files = nodeFiles(typeof probePath === 'string' ? probePath : undefined)
  return {
    files,
    outside: files,
    clock: systemClock(),
    random,
    locks: nodeLocks(random),
    directories: lmdbDirectoryStore(),
    digest,
    streams: byteStreams,
    sqlite: sqliteDoor,
    cipher,
    crc32,
    memoryBytes: memoryOfMachine(),
    codeGeneration: codeGenerationAllowed(),
  }
}

/** The container's limit where it has one: Node says 0 or a number beyond the machine's when there is none. */
function memoryOfMachine(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

/** `--disallow-code-generation-from-strings` and some hosts forbid it; asking by trying is the only way. */
function codeGenerationAllowed(): boolean {
  try {
    return new Function('return true')() === true
  } catch {
    return false
  }
}
