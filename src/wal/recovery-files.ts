/** What recovery asks of the files themselves: headers, ends, which were begun. */
import { offsetOf, segmentOf } from '../base/ids.ts'
import { FileError, type FileHandle } from '../platform/platform.ts'
import { readFully } from './descriptors.ts'
import { SEGMENT_HEAD } from './frame.ts'
import type { LogConfig } from './log-config.ts'
import { damageOf } from './seal.ts'
import { decodeHeader, headerSealed, PREV_END_AT, type SegmentHeader, segmentPath } from './segment.ts'

/** The part of the log's configuration that reading needs. */
export type RecoveryConfig = Pick<LogConfig, 'platform' | 'folder' | 'fileId' | 'seals' | 'readOnly'>

const WINDOW = 0x100000

/** The header of segment `id`; CORRUPT, TAMPERED or FORMAT_NEWER. */
export function headerOfSegment(config: RecoveryConfig, id: number, handle: FileHandle): SegmentHeader {
  const bytes = new Uint8Array(SEGMENT_HEAD)
  readFully(handle, bytes, 0, SEGMENT_HEAD, 0)
  const { folder, fileId, seals } = config
  return decodeHeader(bytes, { path: segmentPath(folder, id), kind: 'log', id, fileId, seals })
}

/** Takes the newest files that were never begun off `ids` and returns them. A bad header before other bytes is corruption. */
export function dropUnbegun(config: RecoveryConfig, ids: number[], open: (id: number) => FileHandle): number[] {
  const dropped: number[] = []
  const bytes = new Uint8Array(SEGMENT_HEAD)
  for (let id = ids.at(-1); id !== undefined; id = ids.at(-1)) {
    const size = readFully(open(id), bytes, 0, SEGMENT_HEAD, 0)
    if (headerSealed(bytes.subarray(0, size))) break
    const at = firstNonZero(open(id), SEGMENT_HEAD)
    if (at >= 0) {
      const path = segmentPath(config.folder, id)
      throw damageOf(config.seals, path, 0, 'a segment header', `other bytes, and data at ${at}`)
    }
    dropped.unshift(id)
    ids.pop()
  }
  return dropped
}

function firstNonZero(handle: FileHandle, from: number): number {
  const window = new Uint8Array(WINDOW)
  const words = new Float64Array(window.buffer)
  for (let at = from; ; ) {
    const size = readFully(handle, window, 0, WINDOW, at)
    if (size === 0) return -1
    window.fill(0, size)
    // Words first: a prepared segment has megabytes of nothing. A word that is -0 is not zero bytes; Object.is sees it.
    for (let word = 0; word * 8 < size; word++) {
      if (Object.is(words[word], 0)) continue
      const index = window.subarray(word * 8, word * 8 + 8).findIndex((byte) => byte !== 0)
      return at + word * 8 + index
    }
    at += size
  }
}

/** A segment ends where its successor's header says. */
export function endOf(config: RecoveryConfig, id: number, successor: SegmentHeader): number {
  const end = offsetOf(successor.prevEnd)
  if (segmentOf(successor.prevEnd) === id && end >= SEGMENT_HEAD) return end
  throw damageOf(
    config.seals,
    segmentPath(config.folder, successor.id),
    PREV_END_AT,
    `an end in segment ${id}`,
    `${successor.prevEnd}`,
  )
}

/**
 * Puts [from, to) of the newest segment, which recovery believed, on the device. The bytes may lie in the system's cache
 * only; after a sync that failed the system even calls them clean, and another sync would promise nothing. So the same
 * bytes are written once more, and then synced.
 */
export function makeDurable(config: RecoveryConfig, id: number, from: number, to: number): void {
  const handle = config.platform.files.openSync(segmentPath(config.folder, id), 'write')
  try {
    const window = new Uint8Array(Math.min(WINDOW, to - from))
    for (let at = from; at < to; ) {
      const size = readFully(handle, window, 0, Math.min(window.length, to - at), at)
      if (size === 0) throw new FileError('EIO', 'read', handle.path)
      for (let done = 0; done < size; ) {
        const n = handle.writeSync(window, done, size - done, at + done)
        if (n <= 0) throw new FileError('EIO', 'write', handle.path)
        done += n
      }
      at += size
    }
    handle.syncSync()
  } finally {
    handle.closeSync()
  }
}
