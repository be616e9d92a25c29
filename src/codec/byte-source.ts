/**
 * Bytes being read, front to back, each read checked against the end: whatever the bytes are, the answer is a value or
 * CODEC with the offset. Offsets count from where the outermost bytes begin, however deep the part being read lies.
 */
import { getU32 } from '../base/binary.ts'
import { BlazeError, isBlazeError } from '../base/errors.ts'
import { readNarrow, readWide } from './text.ts'
import { MAX_VARINT_SIZE } from './varint.ts'

/** How the message of damaged bytes begins. */
const PLACE = /^The encoded bytes are damaged at byte \d+: /

/** A position in bytes[at, end). */
export class ByteSource {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
  readonly #origin: number

  /** `origin`: what `bytes[0]` is called in errors. */
  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length, origin = 0) {
    this.bytes = plainBytes(bytes)
    this.at = at
    this.end = end
    this.#origin = origin
  }

  /** Bytes left. */
  get left(): number {
    return this.end - this.at
  }

  /** Passes over `size` bytes; gives where they begin. */
  take(size: number): number {
    const start = this.at
    if (size > this.left) throw this.damaged(`${size} bytes beyond the end`)
    this.at = start + size
    return start
  }

  byte(): number {
    return this.bytes[this.take(1)]!
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 1; i < MAX_VARINT_SIZE; i++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
    throw this.damaged('a count without end')
  }

  /** A count of things that take at least a byte each. */
  count(): number {
    const count = this.varint()
    if (count > this.left) throw this.damaged(`${count} elements beyond the end`)
    return count
  }

  /** 32 bits, little-endian, unsigned. */
  word(): number {
    return getU32(this.bytes, this.take(4))
  }

  /** What {@link ByteSink.text} wrote. */
  text(): string {
    const head = this.varint()
    const units = Math.floor(head / 2)
    const wide = head % 2 === 1
    const start = this.take(wide ? 2 * units : units)
    return (wide ? readWide : readNarrow)(this.bytes, start, this.at)
  }

  /** A size and that many bytes, as a source of their own. */
  part(): ByteSource {
    const size = this.varint()
    const start = this.take(size)
    return new ByteSource(this.bytes, start, this.at, this.#origin)
  }

  /** Has `read` read all bytes left, as a VIEW; offsets in its errors are made to count as those here. */
  rest<T>(read: (bytes: Uint8Array) => T): T {
    const start = this.take(this.left)
    try {
      return read(this.bytes.subarray(start, this.end))
    } catch (error) {
      if (!isBlazeError(error, 'CODEC')) throw error
      const offset = this.#origin + Math.min(start + error.details.offset, this.end)
      throw new BlazeError('CODEC', damage(offset, error.message.replace(PLACE, '')), { offset }, { cause: error })
    }
  }

  /** The error of bytes that cannot be read, at the byte that is next. */
  damaged(found: string, options?: { readonly cause: unknown }): BlazeError<'CODEC'> {
    const offset = this.#origin + this.at
    return new BlazeError('CODEC', damage(offset, `found ${found}.`), { offset }, options)
  }
}

/** The same bytes as a Uint8Array and no Buffer, whose slice() is no copy. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (Object.getPrototypeOf(bytes) === Uint8Array.prototype) return bytes
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

function damage(offset: number, what: string): string {
  return `The encoded bytes are damaged at byte ${offset}: ${what}`
}
