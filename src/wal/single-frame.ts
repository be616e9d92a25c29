/**
 * A segment of one frame, made whole or not at all: written under a temporary name, synced, renamed. For the one case in
 * which a segment may not be begun before its first frame is durable: where its header ends the log before a frame of which
 * it holds a part itself.
 */
import type { Lsn } from '../base/ids.ts'
import { lsnOf } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import { FileError, type Platform } from '../platform/platform.ts'
import { beginFrame, FRAME_HEAD, LENGTH_AT, MAX_ITEM, SEGMENT_HEAD, sealFrame } from './frame.ts'
import type { Seals } from './seal.ts'
import { EPOCH_SALT_SIZE, encodeHeader, segmentPath, TEMPORARY_SUFFIX } from './segment.ts'

export interface SingleFrame {
  readonly platform: Platform
  /** The folder of the log. */
  readonly folder: string
  readonly fileId: Uint8Array
  readonly seals: Seals
  readonly id: number
  /** Where the log ends before it, and the chain there. */
  readonly prevEnd: Lsn
  readonly prevChain: number
  /** The items of the frame: its payload. */
  readonly items: Uint8Array
}

/** Where the items of such a segment lie. */
export function singleFrameStart(id: number): Lsn {
  return lsnOf(id, SEGMENT_HEAD + FRAME_HEAD)
}

/** Puts the segment in its place, over what is there: durable when it returns. Throws FileError. */
export function writeSingleFrame(given: SingleFrame): void {
  const { platform, folder, id } = given
  const { files } = platform
  const path = segmentPath(folder, id)
  const temporary = `${path}${TEMPORARY_SUFFIX}`
  const bytes = segmentBytes(given)
  const handle = files.openSync(temporary, 'write')
  try {
    handle.truncateSync(0)
    for (let at = 0; at < bytes.length; ) {
      const n = handle.writeSync(bytes, at, bytes.length - at, at)
      if (n <= 0) throw new FileError('EIO', 'write', temporary)
      at += n
    }
    handle.syncSync()
  } finally {
    handle.closeSync()
  }
  files.renameSync(temporary, path)
  files.syncFolderSync(folder)
}

function segmentBytes({ platform, fileId, seals, id, prevEnd, prevChain, items }: SingleFrame): Uint8Array {
  invariant(items.length > 0 && items.length % 8 === 0 && items.length <= MAX_ITEM, () => 'items fit an ordinary frame')
  // A salt of its own: this open's first segment may not be of an epoch that wrote before.
  const epochSalt = platform.random.fill(new Uint8Array(EPOCH_SALT_SIZE))
  const bytes = new Uint8Array(SEGMENT_HEAD + FRAME_HEAD + items.length)
  const header = { kind: 'log', id, fileId, epochSalt, prevEnd, prevChain, keyId: seals.keyId } as const
  bytes.set(encodeHeader(header, seals))
  bytes.set(items, SEGMENT_HEAD + FRAME_HEAD)
  const view = new DataView(bytes.buffer)
  beginFrame(view, SEGMENT_HEAD, lsnOf(id, SEGMENT_HEAD), 0)
  view.setUint32(SEGMENT_HEAD + LENGTH_AT, FRAME_HEAD + items.length, true)
  const seal = seals.frames('log', header)
  const sealed = seal.encrypts ? bytes.slice() : bytes
  sealFrame(seal, bytes, view, SEGMENT_HEAD, prevEnd, prevChain, sealed)
  return sealed
}
