/**
 * The directory store of the memory twin: one flat file, so that crashes and faults reach it like any other.
 *
 *   file  := magic(u32) count(u32) entry* crc32(u32)
 *   entry := key(f64) size(u32) bytes          little-endian
 */
import { crc32 } from '../base/checksum.ts'
import { corrupt } from '../base/errors.ts'
import { checkedEntries } from './directory-entries.ts'
import { type DirectoryStore, FileError, type FileSystem } from './platform.ts'

const MAGIC = 0x52494442 // 'BDIR'
const HEAD_BYTES = 8
const ENTRY_HEAD_BYTES = 12

/** A directory store whose files lie in `files`. */
export function memoryDirectoryStore(files: FileSystem): DirectoryStore {
  return {
    async build(path, entries) {
      const bytes = encode(checkedEntries(entries))
      const file = files.openSync(path, 'write')
      try {
        file.truncateSync(0)
        const written = await file.write(bytes, 0, bytes.length, 0)
        if (written !== bytes.length) throw new FileError('ENOSPC', 'build', path)
        await file.sync()
      } finally {
        file.closeSync()
      }
    },
    load: async (path, bytes) => decode(path, bytes),
  }
}

function encode(entries: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  let size = HEAD_BYTES + 4
  for (const [, value] of entries) size += ENTRY_HEAD_BYTES + value.length
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, entries.length, true)
  let at = HEAD_BYTES
  for (const [key, value] of entries) {
    view.setFloat64(at, key, true)
    view.setUint32(at + 8, value.length, true)
    bytes.set(value, at + ENTRY_HEAD_BYTES)
    at += ENTRY_HEAD_BYTES + value.length
  }
  view.setUint32(at, crc32(bytes, 0, at), true)
  return bytes
}

function decode(path: string, bytes: Uint8Array): (readonly [number, Uint8Array])[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = bytes.length - 4
  if (end < HEAD_BYTES) throw corrupt(path, 0, 'a directory', `${bytes.length} bytes`)
  const stated = view.getUint32(end, true)
  const found = crc32(bytes, 0, end)
  if (stated !== found || view.getUint32(0, true) !== MAGIC) throw corrupt(path, end, `${stated}`, `${found}`)
  const entries: (readonly [number, Uint8Array])[] = []
  let at = HEAD_BYTES
  for (let left = view.getUint32(4, true); left > 0; left--) {
    const size = view.getUint32(at + 8, true)
    entries.push([view.getFloat64(at, true), bytes.slice(at + ENTRY_HEAD_BYTES, at + ENTRY_HEAD_BYTES + size)])
    at += ENTRY_HEAD_BYTES + size
  }
  return entries
}
