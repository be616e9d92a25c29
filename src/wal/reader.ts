/**
 * Reading a segment from its file, front to back: its header, and its frames, each verified whole (length, position,
 * checksum) before it is handed out. Whether the frames follow one another (chain) is checked too; what a fault means is
 * the caller's to say: recovery asks whether it may be a torn tail, everybody else calls it damage.
 */

import type { DamageError } from '../base/errors.ts'
import { corrupt } from '../base/errors.ts'
import { lsnOf } from '../base/ids.ts'
import type { FileHandle } from '../platform/platform.ts'
import { readFully } from './descriptors.ts'
import type { Frame, FrameSeal } from './frame.ts'
import {
  describeFault,
  FRAME_HEAD,
  FRAME_SOUND,
  frameAt,
  frameFault,
  LENGTH_AT,
  PREV_CHAIN_AT,
  plausibleLength,
  SEGMENT_HEAD,
} from './frame.ts'
import { damageOf } from './seal.ts'
import type { ExpectedHeader, SegmentHeader } from './segment.ts'
import { decodeHeader } from './segment.ts'

/** Read from the file at a time. */
const STEP = 0x100000

/** Reads and checks the header of segment `id`; CORRUPT, TAMPERED or FORMAT_NEWER when it is not that. */
export function readHeader(handle: FileHandle, expected: ExpectedHeader): SegmentHeader {
  const bytes = new Uint8Array(SEGMENT_HEAD)
  const size = readFully(handle, bytes, 0, SEGMENT_HEAD, 0)
  if (size < SEGMENT_HEAD) throw corrupt(expected.path, 0, `a header of ${SEGMENT_HEAD} bytes`, `${size} bytes`)
  return decodeHeader(bytes, expected)
}

/** A segment to be read. */
export interface ScanPlace {
  readonly handle: FileHandle
  readonly path: string
  readonly segment: number
  readonly seal: FrameSeal
}

/** What a {@link SegmentScan} reads. */
export interface ScanSource extends ScanPlace {
  /** Where the segment ends: nothing beyond is read. */
  readonly endOffset: number
  /** Indexed by offset in the segment, at least `endOffset` long. */
  readonly buffer: Uint8Array<ArrayBuffer>
}

/** A walk over the frames of one segment. */
export class SegmentScan {
  readonly #source: ScanSource
  readonly #view: DataView
  #at: number
  #readTo: number
  /** Checksum of the frame before the next one; undefined: not known, the first frame is believed. */
  #chain: number | undefined

  constructor(source: ScanSource, startOffset: number, chain: number | undefined) {
    this.#source = source
    this.#view = new DataView(source.buffer.buffer)
    this.#at = startOffset
    this.#readTo = startOffset
    this.#chain = chain
  }

  /** Where the next frame begins; after a fault, where the fault is. */
  get offset(): number {
    return this.#at
  }

  /** The chain there. */
  get chain(): number | undefined {
    return this.#chain
  }

  /** The next frame, or undefined at the end of the segment and at a fault: `offset` tells which. */
  next(): Frame | undefined {
    const { segment, seal, endOffset, buffer } = this.#source
    const at = this.#at
    if (endOffset - at < FRAME_HEAD || !this.fill(at + FRAME_HEAD)) return undefined
    const length = this.#view.getUint32(at + LENGTH_AT, true)
    if (!plausibleLength(length, endOffset - at) || !this.fill(at + length)) return undefined
    if (this.#chain !== undefined && this.#view.getUint32(at + PREV_CHAIN_AT, true) !== this.#chain) return undefined
    if (frameFault(seal, buffer, this.#view, at, endOffset, lsnOf(segment, at)) !== FRAME_SOUND) return undefined
    const frame = frameAt(segment, buffer, this.#view, at)
    this.#chain = frame.checksum
    this.#at = frame.payloadEnd
    return frame
  }

  /** Reads up to `offset` of the segment at least; false when the file ends before. */
  fill(offset: number): boolean {
    const { handle, buffer, endOffset } = this.#source
    while (this.#readTo < offset) {
      const size = Math.min(STEP, endOffset - this.#readTo)
      const n = readFully(handle, buffer, this.#readTo, size, this.#readTo)
      this.#readTo += n
      if (n < size) break
    }
    return this.#readTo >= offset
  }

  /** Bytes read so far, from the start of the segment. */
  get readTo(): number {
    return this.#readTo
  }

  /** The error of the fault at `offset`: CORRUPT, or TAMPERED where frames are encrypted. */
  damage(): DamageError {
    const { path, segment, seal, endOffset, buffer } = this.#source
    const at = this.#at
    const limit = Math.min(endOffset, this.#readTo)
    const { expected, found } = describeFault(seal, buffer, this.#view, at, limit, lsnOf(segment, at))
    return damageOf(seal, path, at, expected, found)
  }
}
