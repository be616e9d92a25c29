/**
 * How many bytes of each log segment a slot still points to: what cleaning would have to copy. The sizes are those of
 * whole entries. Kept up by installs, stored in the directory at each checkpoint.
 */
import type { Lsn } from '../base/ids.ts'
import { SEGMENT_SPAN } from '../base/ids.ts'

export class LiveBytes {
  readonly #bySegment = new Map<number, number>()
  /** Size of the entry at a place, read from the log; set when the log is open. */
  sizeOf: (place: Lsn) => number = () => 0
  #total = 0

  get total(): number {
    return this.#total
  }

  add(place: Lsn, sizeBytes: number): void {
    const segment = Math.floor(place / SEGMENT_SPAN)
    this.#bySegment.set(segment, (this.#bySegment.get(segment) ?? 0) + sizeBytes)
    this.#total += sizeBytes
  }

  /** The entry at a place is no longer pointed to. */
  drop(place: Lsn): void {
    this.add(place, -this.sizeOf(place))
  }

  of(segment: number): number {
    return this.#bySegment.get(segment) ?? 0
  }

  /** A segment is gone. */
  forget(segment: number): void {
    this.#total -= this.of(segment)
    this.#bySegment.delete(segment)
  }

  entries(): Iterable<readonly [segment: number, sizeBytes: number]> {
    return this.#bySegment
  }

  restore(entries: Iterable<readonly [segment: number, sizeBytes: number]>): void {
    this.#bySegment.clear()
    this.#total = 0
    for (const [segment, sizeBytes] of entries) {
      this.#bySegment.set(segment, sizeBytes)
      this.#total += sizeBytes
    }
  }
}
