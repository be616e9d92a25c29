/**
 * Entries of the log for who reads most of it once, in about the order in which it was written: whole frames are read
 * into one window, verified there, and not kept. What memory has is taken from there.
 *
 *   segment   ├──────┤ window ├────────┤
 *                    ▲        ▲ the next miss here, or a little further: the window moves on and grows
 *                    └ behind it, or elsewhere: not in order, and kept as every other read keeps it
 *
 * Bringing a frame into memory costs three times as much as reading and verifying it, most of it for fresh memory. Who
 * comes back again and again for what a window has left behind gives up streaming, and is served as others are.
 * Invariant: the window holds verified frames of one segment, whole; what they say never changes, because bytes of the
 * log are written once.
 */
import type { ResidentLog } from './resident.ts'
import { isResident, type Segment } from './segment.ts'

const FIRST_WINDOW = 0x10000
const LAST_WINDOW = 0x40000
/** A miss so far beyond the window is still in order: frames of other collections lie between. */
const MOST_SKIPPED = 0x100000
/** Misses behind the window after which the records are taken not to lie in order. */
const MOST_REGRETS = 64

export class LogStream {
  readonly #log: ResidentLog
  /** What `find` has found the entry in: valid until the next safe point. */
  bytes: Uint8Array = new Uint8Array(0)
  #window: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #segment: Segment | undefined
  #start = 0
  #end = 0
  #windowBytes = FIRST_WINDOW
  #regrets = 0

  constructor(log: ResidentLog) {
    this.#log = log
  }

  /** Where in `bytes` the entry at an offset of a segment lies, verified. Throws CORRUPT or IO. */
  find(id: number, offset: number): number {
    const last = this.#segment
    if (last !== undefined && last.id === id) {
      if (offset >= this.#start && offset < this.#end) {
        this.bytes = this.#window
        return offset - this.#start
      }
      // Hot where all is in memory.
      if (isResident(last, offset)) {
        last.referenced = true
        this.bytes = last.bytes
        return offset
      }
    }
    return this.#miss(id, offset)
  }

  #miss(id: number, offset: number): number {
    const segment = this.#log.segment(id)
    if (this.#regrets === MOST_REGRETS || isResident(segment, offset)) {
      // Only an empty window may be another segment's.
      if (this.#end === 0) this.#segment = segment
      this.bytes = this.#log.bytesOf(id, offset)
      return offset
    }
    if (this.#isInOrder(segment, offset)) return this.#move(segment, offset)
    this.#regrets++
    this.bytes = this.#log.bytesOf(id, offset)
    return offset
  }

  #isInOrder({ id }: Segment, offset: number): boolean {
    if (this.#segment === undefined || this.#end === 0) return true
    if (id !== this.#segment.id) return id > this.#segment.id
    return offset >= this.#end && offset - this.#end < MOST_SKIPPED
  }

  /** Reads the frame around the entry, and those that follow it as far as the window goes. */
  #move(segment: Segment, offset: number): number {
    // Until it is read again nothing is in the window: a read may fail half way.
    this.#end = 0
    const { bytes, start, end } = this.#log.readFrames(segment, offset, this.#windowBytes, this.#window)
    this.#windowBytes = Math.min(2 * this.#windowBytes, LAST_WINDOW)
    this.#segment = segment
    this.#window = bytes
    this.#start = start
    this.#end = end
    this.bytes = bytes
    return offset - start
  }
}
