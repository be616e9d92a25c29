/**
 * The resident log: the log is the heap, and this is its memory. A record is read where its frame lies:
 *
 *   (segment, offset) ──▶ segments[segment − tail] ──▶ bit set? ──▶ bytes[offset …]
 *                                                        └ no: find the frame, read, verify, copy in, set its bits
 *
 * A cold entry's frame is found by the convention that the first u32 of every entry holds in its low 24 bits the distance,
 * in units of 8 bytes, back to the start of its frame. That number is read unverified and only bounds what is read
 * next; the frame is verified whole before a byte of it is used. A sequential reader is noticed (its misses follow one
 * another) and its window grows from one frame to 256 KB. In an encrypted segment that number is ciphertext, and the
 * frame's head, which is not, is sought backwards.
 *
 * Eviction drops the whole buffer of a segment: never the newest, never one with bytes that are not durable. A reader that
 * holds a view keeps that buffer alive; nobody holds one across a safe point. Invariant: a set bit, or an offset below
 * `residentBelow`, means verified bytes.
 */

import type { BlazeError } from '../base/errors.ts'
import { corrupt } from '../base/errors.ts'
import { lsnOf } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import type { Platform } from '../platform/platform.ts'
import { Descriptors, readFully } from './descriptors.ts'
import type { Frame, FrameSeal } from './frame.ts'
import {
  describeFault,
  FRAME_HEAD,
  FRAME_SOUND,
  frameAt,
  frameFault,
  LENGTH_AT,
  LSN_AT,
  MAX_FRAME,
  MAX_LARGE_FRAME,
  plausibleLength,
  SEGMENT_HEAD,
} from './frame.ts'
import type { LogConfig } from './log-config.ts'
import { readHeader, SegmentScan } from './reader.ts'
import { damageOf, type Seals } from './seal.ts'
import type { Segment } from './segment.ts'
import { ioError, isResident, markResident } from './segment.ts'

const FIRST_WINDOW = 0x4000
const LAST_WINDOW = 0x40000
const DISTANCE_MASK = 0xffffff
/** How far back the head of an encrypted frame is sought: most frames are small, all but those of one item below 64 KB. */
const SEARCH_REACHES = [0x1000, MAX_FRAME, MAX_LARGE_FRAME]
const READS_GO_ON = 'Nothing was changed.'

/** Counters for stats(). */
export interface ResidentStats {
  readonly residentBytes: number
  /** Entries that were in memory when they were asked for. */
  readonly hits: number
  readonly coldReads: number
  readonly coldBytes: number
  readonly evictions: number
}

/** Verified frames: bytes[0] is offset `start` of their segment, and they end at offset `end`. */
export interface ReadFrames {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly start: number
  readonly end: number
}

export class ResidentLog {
  /** The name under which the memory budget lists it. */
  readonly name = 'log'
  readonly #platform: Platform
  readonly #fileId: Uint8Array
  readonly #seals: Seals
  readonly #descriptors: Descriptors
  /** Contiguous ids; the first is #tail. */
  #segments: Segment[]
  #tail: number
  #scratch = new Uint8Array(LAST_WINDOW)
  readonly #word = new Uint8Array(4)
  #hand = 0
  #hits = 0
  #coldReads = 0
  #coldBytes = 0
  #evictions = 0

  constructor(
    { platform, fileId, seals }: Pick<LogConfig, 'platform' | 'fileId' | 'seals'>,
    segments: readonly Segment[],
    tail: number,
  ) {
    this.#platform = platform
    this.#fileId = fileId
    this.#seals = seals
    this.#descriptors = new Descriptors(platform.files)
    this.#segments = [...segments]
    this.#tail = tail
    invariant(
      segments.every((segment, i) => segment.id === tail + i),
      () => `segments from ${tail} are contiguous`,
    )
  }

  get segments(): readonly Segment[] {
    return this.#segments
  }

  get tail(): number {
    return this.#tail
  }

  add(segment: Segment): void {
    invariant(segment.id === this.#tail + this.#segments.length, () => `segment ${segment.id} follows the newest`)
    this.#segments.push(segment)
  }

  /**
   * The buffer of a segment, indexed by offset, in which the frame around `offset` is resident and verified. Hot: a
   * resident hit is two array loads. The view is valid until the next safe point. Throws CORRUPT or IO.
   */
  bytesOf(id: number, offset: number): Uint8Array {
    const segment = this.#segments[id - this.#tail]
    if (segment !== undefined && isResident(segment, offset)) {
      segment.referenced = true
      this.#hits++
      return segment.bytes
    }
    return this.#load(id, offset)
  }

  /** The segment, or CORRUPT: an address that leads below the tail or beyond the head is damage. */
  segment(id: number): Segment {
    const segment = this.#segments[id - this.#tail]
    if (segment === undefined) {
      const newest = this.#tail + this.#segments.length - 1
      throw corrupt(`log/${id}`, 0, `a segment from ${this.#tail} to ${newest}`, `an address in segment ${id}`)
    }
    return segment
  }

  /** The frames of a segment in order, each verified. `fromDisk`: read the file even where memory has them. */
  *readSegment(id: number, fromDisk = false): Generator<Frame, void, undefined> {
    const segment = this.segment(id)
    const end = segment.sealedTo
    if (segment.residentBelow > 0 && !fromDisk) {
      const { bytes, view } = segment
      for (let at = SEGMENT_HEAD; at < end; at += view.getUint32(at + LENGTH_AT, true))
        yield frameAt(id, bytes, view, at)
      return
    }
    const endOffset = segment.residentBelow > 0 ? segment.writtenTo : end
    const { path } = segment
    const handle = this.#guard(() => this.#platform.files.openSync(path, 'read'))
    try {
      const buffer = new Uint8Array(new ArrayBuffer(endOffset))
      const seal = this.#seal(segment)
      const scan = new SegmentScan({ handle, path, segment: id, seal, endOffset, buffer }, SEGMENT_HEAD, undefined)
      for (;;) {
        const frame = this.#guard(() => scan.next())
        if (frame === undefined) break
        yield frame
      }
      if (scan.offset !== endOffset) throw scan.damage()
    } finally {
      this.#guard(() => handle.closeSync())
    }
  }

  /** Forgets the segments below `id` and unlinks their files, the lowest first. */
  removeBelow(id: number): void {
    invariant(id < this.#tail + this.#segments.length, () => 'the newest segment is never removed')
    while (this.#tail < id) {
      const oldest = this.#segments[0]!
      this.#descriptors.close(oldest.path)
      this.#guard(() => this.#platform.files.unlinkSync(oldest.path))
      this.#segments.shift()
      this.#tail++
    }
    this.#hand = 0
  }

  /** Bytes of frames in memory. */
  usedBytes(): number {
    let sum = 0
    for (const segment of this.#segments) sum += segment.residentBytes()
    return sum
  }

  /** Drops buffers of old segments, those not read since the last round first; returns the bytes given back. */
  shrink(bytes: number): number {
    let freed = 0
    // Two rounds: the first takes the second chance away, the second takes the buffer.
    for (let steps = this.#segments.length * 2; steps > 0 && freed < bytes; steps--) {
      this.#hand = (this.#hand + 1) % this.#segments.length
      const segment = this.#segments[this.#hand]!
      if (segment.bytes.length === 0 || !evictable(segment)) continue
      if (segment.referenced) {
        segment.referenced = false
        continue
      }
      freed += segment.residentBytes()
      segment.drop()
      this.#evictions++
    }
    return freed
  }

  stats(): ResidentStats {
    return {
      residentBytes: this.usedBytes(),
      hits: this.#hits,
      coldReads: this.#coldReads,
      coldBytes: this.#coldBytes,
      evictions: this.#evictions,
    }
  }

  close(): void {
    this.#descriptors.closeAll()
  }

  /** Brings the frame around a cold entry into memory. */
  #load(id: number, offset: number): Uint8Array {
    const segment = this.segment(id)
    const start = this.#startOfFrame(segment, offset)
    segment.windowBytes = segment.missAt === start ? Math.min(segment.windowBytes * 2, LAST_WINDOW) : FIRST_WINDOW
    if (segment.bytes.length === 0) segment.attach(new Uint8Array(new ArrayBuffer(segment.usedBytes)), false)
    const { bytes, end } = this.#readFrames(segment, start, segment.windowBytes, this.#scratch)
    this.#scratch = bytes
    const view = new DataView(bytes.buffer)
    for (let at = start; at < end; ) {
      const next = at + view.getUint32(at - start + LENGTH_AT, true)
      if (!isResident(segment, at)) {
        segment.bytes.set(bytes.subarray(at - start, next - start), at)
        markResident(segment, at, next)
      }
      at = next
    }
    segment.missAt = end
    this.#assertInside(segment, offset, { start, end })
    segment.referenced = true
    return segment.bytes
  }

  /**
   * The verified frames of a segment from the one around the entry at `offset` on, of about `mostBytes` together and at
   * least that one: bytes[0] is offset `start` of the segment. In `buffer` if that is large enough, else in a new one.
   */
  readFrames(segment: Segment, offset: number, mostBytes: number, buffer: Uint8Array<ArrayBuffer>): ReadFrames {
    const frames = this.#readFrames(segment, this.#startOfFrame(segment, offset), mostBytes, buffer)
    this.#assertInside(segment, offset, frames)
    return frames
  }

  /** Where the frame around an entry begins. Unverified: whoever uses it verifies the frame that is there. */
  #startOfFrame(segment: Segment, offset: number): number {
    if (offset % 8 !== 0 || offset < SEGMENT_HEAD + FRAME_HEAD || offset > segment.usedBytes - 8) {
      throw corrupt(segment.path, offset, `an entry's address below ${segment.usedBytes}`, `an address outside`)
    }
    return this.#seal(segment).encrypts ? this.#searchFrame(segment, offset) : this.#distanceBack(segment, offset)
  }

  /** Follows the entry's distance back to its frame: only its bounds are believed. */
  #distanceBack(segment: Segment, offset: number): number {
    const scratch = this.#word
    if (this.#read(segment, scratch, 4, offset) < 4) {
      throw corrupt(segment.path, offset, 'an entry', 'the end of the file')
    }
    const word = scratch[0]! | (scratch[1]! << 8) | (scratch[2]! << 16)
    const start = offset - (word & DISTANCE_MASK) * 8
    if (start < SEGMENT_HEAD || offset - start < FRAME_HEAD || offset - start >= MAX_LARGE_FRAME) {
      throw corrupt(segment.path, offset, "a distance to the entry's frame", `${(word & DISTANCE_MASK) * 8} bytes`)
    }
    return start
  }

  /** Reads a window from `start`, a frame's, and verifies the frame there and those that follow whole within it. */
  #readFrames(segment: Segment, start: number, mostBytes: number, buffer: Uint8Array<ArrayBuffer>): ReadFrames {
    const { id, path, usedBytes } = segment
    const seal = this.#seal(segment)
    let bytes = buffer.length < mostBytes ? new Uint8Array(mostBytes) : buffer
    let size = this.#read(segment, bytes, Math.min(mostBytes, usedBytes - start), start)
    let view = new DataView(bytes.buffer)
    const length = size < FRAME_HEAD ? 0 : view.getUint32(LENGTH_AT, true)
    if (length > size && plausibleLength(length, usedBytes - start)) {
      if (length > bytes.length) {
        bytes = new Uint8Array(MAX_LARGE_FRAME)
        view = new DataView(bytes.buffer)
      }
      size = this.#read(segment, bytes, length, start)
    }
    let at = 0
    while (frameFault(seal, bytes, view, at, size, lsnOf(id, start + at)) === FRAME_SOUND) {
      at += view.getUint32(at + LENGTH_AT, true)
    }
    if (at === 0) {
      const fault = describeFault(seal, bytes, view, 0, size, lsnOf(id, start))
      throw damageOf(seal, path, start, fault.expected, fault.found)
    }
    this.#coldReads++
    this.#coldBytes += at
    return { bytes, start, end: start + at }
  }

  /**
   * Where the frame around an encrypted entry begins: its distance is ciphertext, so the nearest head before it is sought,
   * eight bytes that say the position at which they lie. Unverified as well: what is found is opened whole, or refused.
   */
  #searchFrame(segment: Segment, offset: number): number {
    const origin = lsnOf(segment.id, 0) - LSN_AT
    for (const reach of SEARCH_REACHES) {
      const from = Math.max(SEGMENT_HEAD, offset - reach)
      const window = this.#scratchOf(offset - from)
      const size = this.#read(segment, window, offset - from, from)
      const words = new Float64Array(window.buffer)
      // The field of a frame that begins at `at` lies at `at + LSN_AT`.
      for (let word = (size >>> 3) - 1; word * 8 >= LSN_AT; word--) {
        if (words[word] === origin + from + word * 8) return from + word * 8 - LSN_AT
      }
      if (from === SEGMENT_HEAD) break
    }
    throw damageOf(this.#seals, segment.path, offset, 'a frame that holds this entry', 'none before it')
  }

  /** An entry's address led to a frame: it must be the one around it. */
  #assertInside(segment: Segment, offset: number, { start, end }: { start: number; end: number }): void {
    if (offset >= start + FRAME_HEAD && offset < end) return
    throw damageOf(this.#seals, segment.path, offset, 'an entry inside a frame', `the frame at ${start} ends before it`)
  }

  /** What seals a segment's frames, from its header. */
  #seal(segment: Segment): FrameSeal {
    if (segment.seal === undefined) {
      const { path, id } = segment
      const expected = { path, kind: 'log', id, fileId: this.#fileId, seals: this.#seals } as const
      segment.seal = this.#seals.frames(
        'log',
        this.#guard(() => readHeader(this.#descriptors.get(path), expected)),
      )
    }
    return segment.seal
  }

  /** Memory for what is read and not verified yet, of at least this size. */
  #scratchOf(size: number): Uint8Array<ArrayBuffer> {
    if (size > this.#scratch.length) this.#scratch = new Uint8Array(MAX_LARGE_FRAME)
    return this.#scratch
  }

  #read(segment: Segment, target: Uint8Array, size: number, position: number): number {
    return this.#guard(() => readFully(this.#descriptors.get(segment.path), target, 0, size, position))
  }

  #guard<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      throw ioError(error, READS_GO_ON) as BlazeError
    }
  }
}

/** The newest segment and bytes that are not on the device stay; `closed` is set with a durable successor. */
function evictable(segment: Segment): boolean {
  return segment.closed && segment.plainHandle === undefined && segment.outstanding === 0
}
