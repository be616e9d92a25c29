/**
 * Bytes that arrived in chunks and are taken in pieces of other sizes. What lies whole in a chunk is taken from it
 * without a copy; what is left over when the next one comes has been copied, because the chunk is its sender's again.
 */
import { plainBytes } from './byte-source.ts'

const FIRST_SIZE = 4096

/** A queue of bytes. Pieces are taken as VIEWS, valid until the next push or keep. */
export class ArrivedBytes {
  /** Either the last chunk, or `#kept`. */
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0
  #offset = 0
  #kept = new Uint8Array(0)

  /** Bytes that can be taken. */
  get size(): number {
    return this.#end - this.#at
  }

  /** Where they begin, counted from the first byte that ever arrived. */
  get offset(): number {
    return this.#offset
  }

  /** Adds a chunk, which must stay as it is until {@link keep}. */
  push(chunk: Uint8Array): void {
    if (this.size > 0) {
      this.#reserve(this.size + chunk.length)
      this.#kept.set(chunk, this.#end)
      this.#end += chunk.length
      return
    }
    this.#bytes = plainBytes(chunk)
    this.#at = 0
    this.#end = chunk.length
  }

  /** Copies what is left of the chunk, if it is not copied yet. */
  keep(): void {
    if (this.size > 0) this.#reserve(this.size)
    else {
      // At rest it holds neither a chunk nor the room that the largest block took.
      this.#bytes = new Uint8Array(0)
      this.#kept = new Uint8Array(0)
      this.#at = 0
      this.#end = 0
    }
  }

  /** Takes the next `size` bytes, which are there. */
  take(size: number): Uint8Array {
    const start = this.#at
    this.#at += size
    this.#offset += size
    return this.#bytes.subarray(start, this.#at)
  }

  /** Moves what there is to the front of the kept bytes, with room for `size`. */
  #reserve(size: number): void {
    if (this.#bytes === this.#kept && this.#at + size <= this.#kept.length) return
    const { size: held } = this
    const target = size <= this.#kept.length ? this.#kept : new Uint8Array(Math.max(size, 2 * held, FIRST_SIZE))
    if (target === this.#bytes) target.copyWithin(0, this.#at, this.#end)
    else target.set(this.#bytes.subarray(this.#at, this.#end))
    this.#kept = target
    this.#bytes = target
    this.#at = 0
    this.#end = held
  }
}
