/**
 * The frame: the unit of everything on disk. Written once, sealed by a checksum, verified whole before any of its bytes
 * is used.
 *
 *   frame := length u32 | flags u32 | lsn f64 | durableBefore f64 | prevChain u32 | checksum u32 | zero 8 | item*
 *   at       0            4           8         16                  24              28             32       40
 *
 * Little-endian. `length` counts the head and is a multiple of 8. The checksum is a CRC-32 over the frame without the
 * checksum itself, seeded by (file id, kind, epoch) of its segment; the lsn lies among the bytes it covers, so a frame is
 * right at one place of one file in one epoch only. `prevChain` is the checksum of the frame before. In an encrypted
 * database the twelve bytes from 28 are the tag of AES-256-GCM and the items are ciphertext, every offset the same; the
 * tag's first four bytes are what the next frame names. What seals frames, and how, is said in seal.ts.
 *
 * `durableBefore` is the position up to which the log was surely on the device when the write that carries this frame
 * began. Recovery uses it to tell a torn tail from rot: see recovery.ts.
 */
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

/** Flag: the frame holds one item only and may be longer than MAX_FRAME. The other flag bits are kept and are zero. */
export const FLAG_LARGE = 1

export const LENGTH_AT = 0
export const FLAGS_AT = 4
export const LSN_AT = 8
export const DURABLE_BEFORE_AT = 16
export const PREV_CHAIN_AT = 24
export const CHECKSUM_AT = 28

/** What the checksums of plain frames are computed with. */
export type Checksums = Pick<Platform, 'crc32'>

/** What proves, and in an encrypted database hides, the frames of the segments of one open. */
export interface FrameSeal {
  /** True: on disk there are other bytes than in memory. */
  readonly encrypts: boolean
  /**
   * Seals the frame at [start, end) of `bytes`, whose head is complete but for the checksum, and returns its chain value.
   * `sealed` gets the bytes for the disk at the same offsets: `bytes` itself when nothing is encrypted.
   */
  seal(bytes: Uint8Array, view: DataView, start: number, end: number, sealed: Uint8Array): number
  /** Verifies the frame at [start, end), as it was read; its items are plain in place when that is true, untouched if not. */
  open(bytes: Uint8Array, view: DataView, start: number, end: number): boolean
  /** The words of an error about a frame that `open` refused. */
  mismatch(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): { readonly expected: string; readonly found: string }
}

/** A verified frame: `bytes` is indexed by offset within the segment. A view, valid until the next frame is asked for unless kept. */
export interface Frame {
  readonly segment: number
  readonly start: number
  readonly payloadStart: number
  readonly payloadEnd: number
  readonly lsn: Lsn
  readonly bytes: Uint8Array
  /** The checksum, or the beginning of the tag, which the next frame names as prevChain. */
  readonly checksum: number
}

/** Why bytes are not the frame that belongs there; `FRAME_SOUND` when they are. */
export type FrameFault = 0 | 1 | 2 | 3 | 4
export const FRAME_SOUND = 0
const FAULT_LENGTH = 1
const FAULT_LSN = 2
const FAULT_CHECKSUM = 3
const FAULT_FLAGS = 4

/** Begins a frame in fresh (zero) memory: everything of the head that is known before the frame is sealed. */
export function beginFrame(view: DataView, start: number, lsn: Lsn, flags: number): void {
  view.setUint32(start + FLAGS_AT, flags, true)
  view.setFloat64(start + LSN_AT, lsn, true)
}

/** Seals a closed frame (its length is set) into `sealed`: after this its bytes never change. Returns its chain value. */
export function sealFrame(
  seal: FrameSeal,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  durableBefore: Lsn,
  prevChain: number,
  sealed: Uint8Array,
): number {
  view.setFloat64(start + DURABLE_BEFORE_AT, durableBefore, true)
  view.setUint32(start + PREV_CHAIN_AT, prevChain, true)
  return seal.seal(bytes, view, start, start + view.getUint32(start + LENGTH_AT, true), sealed)
}

/**
 * True when `length` can be a frame's length. Checked before the frame's bytes are asked for, so that hostile lengths
 * read nothing.
 */
export function plausibleLength(length: number, room: number): boolean {
  return length > FRAME_HEAD && length % 8 === 0 && length <= MAX_LARGE_FRAME && length <= room
}

/**
 * Verifies the frame at `at` of `bytes`, as it was read, which must be the frame at `lsn`; a sound one is plain in place
 * afterwards, so it is verified once. `limit` is the end of what belongs to the segment in `bytes`, all of it read. The
 * chain is the caller's to check: a frame read alone has no neighbour.
 */
export function frameFault(
  seal: FrameSeal,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  limit: number,
  lsn: Lsn,
): FrameFault {
  if (limit - at < FRAME_HEAD) return FAULT_LENGTH
  const length = view.getUint32(at + LENGTH_AT, true)
  if (!plausibleLength(length, limit - at)) return FAULT_LENGTH
  if (view.getFloat64(at + LSN_AT, true) !== lsn) return FAULT_LSN
  const flags = view.getUint32(at + FLAGS_AT, true)
  if ((flags & ~FLAG_LARGE) !== 0 || (length > MAX_FRAME && flags !== FLAG_LARGE)) return FAULT_FLAGS
  return seal.open(bytes, view, at, at + length) ? FRAME_SOUND : FAULT_CHECKSUM
}

/** The two words of an error about a faulty frame. */
export function describeFault(
  seal: FrameSeal,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  limit: number,
  lsn: Lsn,
): { readonly expected: string; readonly found: string } {
  const fault = frameFault(seal, bytes, view, at, limit, lsn)
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
      return seal.mismatch(bytes, view, at, at + length)
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
