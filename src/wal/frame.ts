/**
 * The frame: the unit of everything on disk. Written once, sealed by a checksum, verified whole before any of its bytes
 * is used.
 *
 *   frame := length u32 | flags u32 | lsn f64 | durableBefore f64 | prevChain u32 | checksum u32 | zero 8 | item*
 *   at       0            4           8         16                  24              28             32       40
 *
 * Little-endian. `length` counts the head and is a multiple of 8. The checksum is a CRC-32 over the frame without the
 * checksum itself, seeded by (file id, kind, epoch) of its segment; the lsn lies among the bytes it covers, so a frame is
 * right at one place of one file in one epoch only. `prevChain` is the checksum of the frame before. The twelve bytes
 * from 28 are room for a 96-bit tag, so that encrypted frames keep every offset.
 *
 * `durableBefore` is the position up to which the log was surely on the device when the write that carries this frame
 * began. Recovery uses it to tell a torn tail from rot: see recovery.ts.
 */
import { crc32 } from '../base/checksum.ts'
import type { Lsn } from '../base/ids.ts'
import { lsnOf } from '../base/ids.ts'
import type { Platform } from '../platform/platform.ts'

/** Bytes of a frame's head; its items begin behind. */
export const FRAME_HEAD = 40
/** Bytes of the largest ordinary frame. */
export const MAX_FRAME = 65536
/** The largest reserve that fits an ordinary frame. */
export const MAX_ITEM: number = MAX_FRAME - FRAME_HEAD
/** Bytes of a segment's header; its first frame begins behind. */
export const SEGMENT_HEAD = 512
/** Bytes of the largest write to the device. */
export const MAX_WRITE = 0x100000
/** The largest frame that holds one item only: with a segment's header it fits the first segment of an open, 1 MB. */
export const MAX_LARGE_FRAME: number = MAX_WRITE - SEGMENT_HEAD
/** The largest reserve of all. */
export const MAX_LARGE_ITEM: number = MAX_LARGE_FRAME - FRAME_HEAD

/** Flag: the frame holds one item only and may be longer than MAX_FRAME. The other flag bits are kept for encryption and compression and are zero. */
export const FLAG_LARGE = 1

export const LENGTH_AT = 0
export const FLAGS_AT = 4
export const LSN_AT = 8
export const DURABLE_BEFORE_AT = 16
export const PREV_CHAIN_AT = 24
export const CHECKSUM_AT = 28

/** What a frame's checksum is computed with. */
export type Checksums = Pick<Platform, 'crc32'>

/** A verified frame: `bytes` is indexed by offset within the segment. A view, valid until the next frame is asked for unless kept. */
export interface Frame {
  readonly segment: number
  readonly start: number
  readonly payloadStart: number
  readonly payloadEnd: number
  readonly lsn: Lsn
  readonly bytes: Uint8Array
  /** The checksum, which the next frame names as prevChain. */
  readonly checksum: number
}

/** Why bytes are not the frame that belongs there; `FRAME_SOUND` when they are. */
export type FrameFault = 0 | 1 | 2 | 3 | 4
export const FRAME_SOUND = 0
const FAULT_LENGTH = 1
const FAULT_LSN = 2
const FAULT_CHECKSUM = 3
const FAULT_FLAGS = 4

/** The checksum of the frame at [start, end) under a segment's seed. */
export function frameChecksum(sums: Checksums, bytes: Uint8Array, start: number, end: number, seed: number): number {
  const head = crc32(bytes, start, start + CHECKSUM_AT, seed)
  return sums.crc32(bytes, start + CHECKSUM_AT + 4, end, head)
}

/** Begins a frame in fresh (zero) memory: everything of the head that is known before the frame is sealed. */
export function beginFrame(view: DataView, start: number, lsn: Lsn, flags: number): void {
  view.setUint32(start + FLAGS_AT, flags, true)
  view.setFloat64(start + LSN_AT, lsn, true)
}

/** Seals a closed frame (its length is set): after this its bytes never change. Returns the checksum. */
export function sealFrame(
  sums: Checksums,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  durableBefore: Lsn,
  prevChain: number,
  seed: number,
): number {
  view.setFloat64(start + DURABLE_BEFORE_AT, durableBefore, true)
  view.setUint32(start + PREV_CHAIN_AT, prevChain, true)
  const end = start + view.getUint32(start + LENGTH_AT, true)
  const checksum = frameChecksum(sums, bytes, start, end, seed)
  view.setUint32(start + CHECKSUM_AT, checksum, true)
  return checksum
}

/**
 * True when `length` can be a frame's length. Checked before the frame's bytes are asked for, so that hostile lengths
 * read nothing.
 */
export function plausibleLength(length: number, room: number): boolean {
  return length > FRAME_HEAD && length % 8 === 0 && length <= MAX_LARGE_FRAME && length <= room
}

/**
 * Verifies the frame at `at` of `bytes`, which must be the frame at `lsn`. `limit` is the end of what belongs to the
 * segment in `bytes`, all of it read. The chain is the caller's to check: a frame read alone has no neighbour.
 */
export function frameFault(
  sums: Checksums,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  limit: number,
  lsn: Lsn,
  seed: number,
): FrameFault {
  if (limit - at < FRAME_HEAD) return FAULT_LENGTH
  const length = view.getUint32(at + LENGTH_AT, true)
  if (!plausibleLength(length, limit - at)) return FAULT_LENGTH
  if (view.getFloat64(at + LSN_AT, true) !== lsn) return FAULT_LSN
  const flags = view.getUint32(at + FLAGS_AT, true)
  if ((flags & ~FLAG_LARGE) !== 0 || (length > MAX_FRAME && flags !== FLAG_LARGE)) return FAULT_FLAGS
  const checksum = frameChecksum(sums, bytes, at, at + length, seed)
  return checksum === view.getUint32(at + CHECKSUM_AT, true) ? FRAME_SOUND : FAULT_CHECKSUM
}

/** The two words of an error about a faulty frame. */
export function describeFault(
  sums: Checksums,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  limit: number,
  lsn: Lsn,
  seed: number,
): { readonly expected: string; readonly found: string } {
  const fault = frameFault(sums, bytes, view, at, limit, lsn, seed)
  if (limit - at < FRAME_HEAD)
    return { expected: `a frame of at least ${FRAME_HEAD} bytes`, found: `${limit - at} bytes` }
  const length = view.getUint32(at + LENGTH_AT, true)
  switch (fault) {
    case FAULT_LENGTH:
      return { expected: `a frame length up to ${Math.min(MAX_LARGE_FRAME, limit - at)}`, found: `${length}` }
    case FAULT_LSN:
      return { expected: `the frame of position ${lsn}`, found: `${view.getFloat64(at + LSN_AT, true)}` }
    case FAULT_FLAGS:
      return { expected: 'frame flags known to this version', found: `${view.getUint32(at + FLAGS_AT, true)}` }
    case FAULT_CHECKSUM:
      return {
        expected: `checksum ${view.getUint32(at + CHECKSUM_AT, true)}`,
        found: `${frameChecksum(sums, bytes, at, at + length, seed)}`,
      }
    case FRAME_SOUND:
      return { expected: 'a frame that follows its predecessor', found: 'a frame of another history' }
  }
}

/** The Frame at `start` of a segment whose `bytes` are indexed by segment offset. */
export function frameAt(segment: number, bytes: Uint8Array, view: DataView, start: number): Frame {
  return {
    segment,
    start,
    payloadStart: start + FRAME_HEAD,
    payloadEnd: start + view.getUint32(start + LENGTH_AT, true),
    lsn: lsnOf(segment, start),
    bytes,
    checksum: view.getUint32(start + CHECKSUM_AT, true),
  }
}
