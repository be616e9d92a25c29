/** Which slots have a live record, as a byte each, and how many. */
import { type LiveSlots, ZONE_SLOTS } from './column.ts'

export class LiveBuilder {
  #bytes = new Uint8Array(0)
  #count = 0

  reserve(slots: number): void {
    if (slots <= this.#bytes.length) return
    const wanted = Math.max(slots, this.#bytes.length + (this.#bytes.length >> 2))
    const bytes = new Uint8Array(Math.ceil(wanted / ZONE_SLOTS) * ZONE_SLOTS)
    bytes.set(this.#bytes)
    this.#bytes = bytes
  }

  set(slot: number, isLive: boolean): void {
    const now = isLive ? 1 : 0
    this.#count += now - this.#bytes[slot]!
    this.#bytes[slot] = now
  }

  get byteSize(): number {
    return this.#bytes.length
  }

  /** `highSlot`: the mark below which all slots were looked at. */
  slots(highSlot: number): LiveSlots {
    return { bytes: this.#bytes, count: this.#count, all: this.#count === highSlot }
  }
}
