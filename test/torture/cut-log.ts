/** Cuts the log of a database that nobody has open. */
import type { Lsn } from '../../src/base/ids.ts'
import { offsetOf, segmentOf } from '../../src/base/ids.ts'
import { readIdentity } from '../../src/engine/identity-file.ts'
import { readRoot } from '../../src/engine/root-file.ts'
import type { Root } from '../../src/gc/root.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { plainSealsOf } from '../support/seals.ts'
import { FOLDER } from './machine.ts'

/** The root on disk. */
export function currentRoot(platform: MemoryPlatform): Root {
  const identity = readIdentity(platform, FOLDER)!
  const { fileId } = identity
  return readRoot(platform, FOLDER, { fileId, seals: plainSealsOf(fileId) })!
}

/** Takes away all that lies at and beyond `lsn`. */
export function cutLog(platform: MemoryPlatform, lsn: Lsn): void {
  const { files } = platform
  const ids = files.listSync(`${FOLDER}/log`).filter((name) => /^\d+$/.test(name))
  for (const id of ids.map(Number)) {
    const path = `${FOLDER}/log/${id}`
    if (id > segmentOf(lsn)) files.unlinkSync(path)
    else if (id === segmentOf(lsn)) {
      const handle = files.openSync(path, 'write')
      handle.truncateSync(offsetOf(lsn))
      handle.closeSync()
    }
  }
}

/** Flips one bit of a file. */
export function flipBit(platform: MemoryPlatform, path: string, at: number): void {
  const handle = platform.files.openSync(path, 'write')
  const byte = new Uint8Array(1)
  handle.readSync(byte, 0, 1, at)
  byte[0]! ^= 16
  handle.writeSync(byte, 0, 1, at)
  handle.closeSync()
}
