/**
 * Page frames in slabs: 1,024 frames of 16 KB to an ArrayBuffer of 16 MB. A frame number f lives in slab f >>> 10 at
 * byte (f & 1023) << 14. Three hundred thousand small ArrayBuffers would slow every garbage collection; three hundred
 * large ones do not. Frame 0 is never handed out, so that 0 can mean "none".
 *
 * The first slabs are shorter and the numbers behind their ends are skipped: 16 MB at once make V8 collect all of a young
 * heap, 4 to 9 ms in the midst of an open that needs ten pages.
 *
 *   u32 word of frame f:  u32[f >>> FRAME_BITS][((f & FRAME_MASK) << WORD_BITS) + index]
 */
export const PAGE_SIZE = 16384
/** log2 of the frames of a slab. */
export const FRAME_BITS = 10
export const FRAME_MASK = 1023
/** log2 of the 32-bit words of a page. */
export const WORD_BITS = 12
/** log2 of the bytes of a page. */
export const BYTE_BITS = 14

/** Frames of the first slabs; all others are full. */
const FIRST_SLABS: readonly number[] = [64, 256]

export class Slabs {
  /** One view of each kind per slab; the arrays only grow. */
  readonly u8: Uint8Array[] = []
  readonly u32: Uint32Array[] = []
  readonly u16: Uint16Array[] = []
  readonly #free: number[] = []
  #next = 1
  #used = 0

  /** A frame of undefined content. */
  take(): number {
    this.#used++
    const freed = this.#free.pop()
    if (freed !== undefined) return freed
    const frame = this.#next
    const slab = frame >>> FRAME_BITS
    const frameCount = FIRST_SLABS[slab] ?? FRAME_MASK + 1
    if (slab === this.u8.length) this.#addSlab(frameCount)
    this.#next = (frame & FRAME_MASK) + 1 < frameCount ? frame + 1 : (slab + 1) << FRAME_BITS
    return frame
  }

  give(frame: number): void {
    this.#used--
    this.#free.push(frame)
  }

  #addSlab(frameCount: number): void {
    const buffer = new ArrayBuffer(frameCount * PAGE_SIZE)
    this.u8.push(new Uint8Array(buffer))
    this.u32.push(new Uint32Array(buffer))
    this.u16.push(new Uint16Array(buffer))
  }

  /** Frames handed out. */
  get usedCount(): number {
    return this.#used
  }

  /** The bytes of a frame: a view, valid until the frame is given back. */
  bytes(frame: number): Uint8Array {
    const start = (frame & FRAME_MASK) << BYTE_BITS
    return this.u8[frame >>> FRAME_BITS]!.subarray(start, start + PAGE_SIZE)
  }

  zero(frame: number): void {
    const start = (frame & FRAME_MASK) << WORD_BITS
    this.u32[frame >>> FRAME_BITS]!.fill(0, start, start + (PAGE_SIZE >>> 2))
  }

  copy(from: number, to: number): void {
    this.bytes(to).set(this.bytes(from))
  }
}
