/**
 * What is built and not yet written: the segments from the one being written to the one being filled, and the running
 * chain of their sealed frames.
 *
 *   [ writing ][ … ][ filling ]      in each:  writtenTo ≤ sealedTo ≤ usedBytes
 *
 * Frames are sealed when the write that carries them is chosen, so that durableBefore says what is durable then; a
 * boundary seals all that is built at once, with what will be durable when those frames are written.
 */

import type { Lsn } from '../base/ids.ts'
import { lsnOf } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import { LENGTH_AT, MAX_WRITE, PREV_CHAIN_AT, SEGMENT_HEAD, sealFrame } from './frame.ts'
import type { LogPosition } from './log-config.ts'
import type { Segment } from './segment.ts'

export class WriteQueue {
  readonly #segments: Segment[] = []
  readonly #start: LogPosition
  #chain: number

  constructor(start: LogPosition) {
    this.#start = start
    this.#chain = start.chain
  }

  /** The segment that is being written. */
  get first(): Segment | undefined {
    return this.#segments[0]
  }

  /** The one after it. */
  get second(): Segment | undefined {
    return this.#segments[1]
  }

  get segments(): readonly Segment[] {
    return this.#segments
  }

  /** The end of what is built, open frame excluded. */
  get end(): Lsn {
    const newest = this.#segments.at(-1)
    return newest === undefined ? this.#start.lsn : lsnOf(newest.id, newest.usedBytes)
  }

  /** Bytes that are built and not yet given to the system. */
  pendingBytes(): number {
    let sum = 0
    for (const segment of this.#segments) sum += segment.usedBytes - segment.writtenTo
    return sum
  }

  push(segment: Segment): void {
    this.#segments.push(segment)
  }

  /** Takes the first off when its successor is begun. */
  shift(): void {
    this.#segments.shift()
  }

  /** The end of a write that begins where the first segment is written to: whole frames, at most 1 MB. */
  writeEnd(segment: Segment): number {
    const from = segment.writtenTo
    let to = from
    while (to < segment.usedBytes) {
      const length = segment.view.getUint32(to + LENGTH_AT, true)
      if (to + length - from > MAX_WRITE && to > from) break
      to += length
    }
    return to
  }

  /** Seals the frames of a segment up to `to`; those sealed already stay as they are. */
  seal(segment: Segment, to: number, durableBefore: Lsn): void {
    const { bytes, view, seal, sealedBytes = bytes } = segment
    invariant(seal !== undefined, () => `segment ${segment.id} has a seal`)
    for (let at = segment.sealedTo; at < to; at += view.getUint32(at + LENGTH_AT, true)) {
      this.#chain = sealFrame(seal, bytes, view, at, durableBefore, this.#chain, sealedBytes)
    }
    if (to > segment.sealedTo) segment.sealedTo = to
  }

  /** Seals all; the end with its chain. */
  sealAll(durableBefore: Lsn): LogPosition {
    for (const segment of this.#segments) this.seal(segment, segment.usedBytes, durableBefore)
    return { lsn: this.end, chain: this.#chain }
  }

  /** Where the log ends before `segment`, which is about to be begun: what its header states. */
  endBefore(segment: Segment): LogPosition {
    const first = this.#segments[0]
    const lsn = first === undefined || first === segment ? this.#start.lsn : lsnOf(first.id, first.usedBytes)
    const sealed = segment.sealedTo > SEGMENT_HEAD
    return { lsn, chain: sealed ? segment.view.getUint32(SEGMENT_HEAD + PREV_CHAIN_AT, true) : this.#chain }
  }
}
