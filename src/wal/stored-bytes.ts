/**
 * The bytes of a segment as they are stored, for whoever copies them: each frame is verified whole (position, checksum,
 * chain) before its bytes are handed out, and what is handed out are the bytes that were verified, not a second reading.
 *
 *   header, frame, frame │ frame, frame │ …      pieces of about 1 MB, always whole frames
 *
 * The scan may change its buffer to make frames readable; so the bytes are kept aside as they come from the file.
 */
import type { FileHandle, Platform } from '../platform/platform.ts'
import { readFully } from './descriptors.ts'
import { SEGMENT_HEAD } from './frame.ts'
import { readHeader, SegmentScan } from './reader.ts'
import { ReadingHandle } from './reading-handle.ts'
import type { Seals } from './seal.ts'
import { type SegmentHeader, segmentPath } from './segment.ts'

/** A segment of a log. */
export interface StoredSegment {
  readonly platform: Platform
  /** The folder of the log. */
  readonly folder: string
  readonly fileId: Uint8Array
  readonly seals: Seals
  readonly segment: number
}

/** What of a segment is read. */
export interface StoredPart extends StoredSegment {
  /** 0: with the header; else where a frame begins. */
  readonly from: number
  /** Where a frame ends. */
  readonly to: number
  /** The chain at `from`; of no concern where the header is read, which states it. */
  readonly chain: number
}

/** Verified bytes: a view, valid until the next are asked for. */
export interface StoredPiece {
  readonly offset: number
  readonly bytes: Uint8Array
  /** The chain behind them. */
  readonly chain: number
}

/** Bytes of frames that are handed out together. */
const PIECE_BYTES = 0x100000

/** The verified bytes of a part of a segment, in order. Throws CORRUPT naming file and offset, FORMAT_NEWER, FileError. */
export function* storedBytes(part: StoredPart): Generator<StoredPiece, void, undefined> {
  const { platform, folder, segment, from, to } = part
  const path = segmentPath(folder, segment)
  const handle = platform.files.openSync(path, 'read')
  try {
    const header = readHeader(handle, { path, kind: 'log', id: segment, fileId: part.fileId, seals: part.seals })
    const stored = new Uint8Array(to)
    if (from === 0) readFully(handle, stored, 0, SEGMENT_HEAD, 0)
    const first = Math.max(from, SEGMENT_HEAD)
    const scan = new SegmentScan(
      {
        handle: new KeepingHandle(handle, stored),
        path,
        segment,
        seal: part.seals.frames('log', header),
        endOffset: to,
        buffer: new Uint8Array(new ArrayBuffer(to)),
      },
      first,
      from === 0 ? header.prevChain : part.chain,
    )
    let given = from
    let chain = from === 0 ? header.prevChain : part.chain
    for (let frame = scan.next(); frame !== undefined; frame = scan.next()) {
      chain = frame.checksum
      if (frame.payloadEnd - given < PIECE_BYTES) continue
      yield { offset: given, bytes: stored.subarray(given, frame.payloadEnd), chain }
      given = frame.payloadEnd
    }
    if (scan.offset !== to) throw scan.damage()
    if (given < to) yield { offset: given, bytes: stored.subarray(given, to), chain }
  } finally {
    handle.closeSync()
  }
}

/** The header of a segment of the log. Throws CORRUPT, FORMAT_NEWER, FileError. */
export function storedHeader({ platform, folder, segment, fileId, seals }: StoredSegment): SegmentHeader {
  const path = segmentPath(folder, segment)
  const handle = platform.files.openSync(path, 'read')
  try {
    return readHeader(handle, { path, kind: 'log', id: segment, fileId, seals })
  } finally {
    handle.closeSync()
  }
}

/** A handle for a scan, which reads one position once: what it reads is kept as it came. */
class KeepingHandle extends ReadingHandle {
  readonly #handle: FileHandle
  readonly #kept: Uint8Array

  constructor(handle: FileHandle, kept: Uint8Array) {
    super(handle.path)
    this.#handle = handle
    this.#kept = kept
  }

  readSync(target: Uint8Array, offset: number, size: number, position: number): number {
    const n = this.#handle.readSync(target, offset, size, position)
    if (n > 0) this.#kept.set(target.subarray(offset, offset + n), position)
    return n
  }

  sizeSync(): number {
    return this.#handle.sizeSync()
  }
}
