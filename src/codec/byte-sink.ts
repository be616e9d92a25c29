/** Bytes being put together, front to back, in a buffer that grows. */
import { WIDE_UNIT, writeNarrow, writeWide } from './text.ts'
import { MAX_VARINT_SIZE, writeVarint } from './varint.ts'

const FIRST_SIZE = 256

/** A growing run of bytes. Reused by its owner. */
export class ByteSink {
  #bytes = new Uint8Array(FIRST_SIZE)
  #size = 0

  /** Bytes so far. */
  get size(): number {
    return this.#size
  }

  /** What was written: a VIEW, valid until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size)
  }

  /** Forgets what was written. */
  clear(): void {
    this.#size = 0
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#size++] = value
  }

  /** A count or size, up to 2^49 − 1: a reader takes no longer ones. */
  varint(value: number): void {
    this.#reserve(MAX_VARINT_SIZE)
    this.#size = writeVarint(this.#bytes, this.#size, value)
  }

  /** The low 32 bits, little-endian. */
  word(value: number): void {
    this.byte(value)
    this.byte(value >>> 8)
    this.byte(value >>> 16)
    this.byte(value >>> 24)
  }

  append(source: Uint8Array): void {
    this.#reserve(source.length)
    this.#bytes.set(source, this.#size)
    this.#size += source.length
  }

  /** A size, then the bytes. */
  sized(source: Uint8Array): void {
    this.varint(source.length)
    this.append(source)
  }

  /** Any string: 2 × units + (1 when two bytes a unit follow, else one), then the units. */
  text(text: string): void {
    const wide = WIDE_UNIT.test(text)
    const size = wide ? 2 * text.length : text.length
    this.varint(2 * text.length + Number(wide))
    this.#reserve(size)
    if (wide) writeWide(this.#bytes, text, this.#size)
    else writeNarrow(this.#bytes, text, this.#size)
    this.#size += size
  }

  #reserve(size: number): void {
    const needed = this.#size + size
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = larger
  }
}
