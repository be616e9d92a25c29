/**
 * The image of a text index in pages, as one run of bytes over pages 0, 1, 2 …:
 *
 *   run   := piece*         piece := size u32 | bytes        little-endian; pieces lie across the ends of pages
 *
 * The pieces are the text index's own; pages are verified as frames when they are read from disk.
 */
import { getU32, setU32 } from '../base/binary.ts'
import { corrupt } from '../base/errors.ts'
import type { PageSpace } from '../pages/page-table.ts'
import { PAGE_SIZE } from '../pages/slabs.ts'

const HEAD_SIZE = 4
/** The text index makes none above 64 KB. */
const MAX_PIECE = 1 << 20

/** Appends pieces to a new space, one a step; gives the size of the run at the end. */
export function* writePieces(space: PageSpace, pieces: Iterable<Uint8Array>): Generator<void, number, undefined> {
  const head = new Uint8Array(HEAD_SIZE)
  let at = 0
  for (const piece of pieces) {
    setU32(head, 0, piece.length)
    at = append(space, at, head)
    at = append(space, at, piece)
    yield
  }
  return at
}

/** The pieces of a run of `size` bytes: copies. Between two of them no page is held. CORRUPT. */
export function* readPieces(
  space: PageSpace,
  size: number,
  safePoint: () => void,
): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < size; ) {
    safePoint()
    const length = getU32(read(space, at, HEAD_SIZE, size), 0)
    yield read(space, at + HEAD_SIZE, length, size)
    at += HEAD_SIZE + length
  }
}

function append(space: PageSpace, at: number, bytes: Uint8Array): number {
  let done = 0
  while (done < bytes.length) {
    const offset = (at + done) % PAGE_SIZE
    if (offset === 0) space.allocate()
    const frame = space.write(Math.floor((at + done) / PAGE_SIZE))
    const part = bytes.subarray(done, done + PAGE_SIZE - offset)
    space.store.slabs.bytes(frame).set(part, offset)
    done += part.length
  }
  return at + bytes.length
}

function read(space: PageSpace, at: number, length: number, size: number): Uint8Array {
  if (length > MAX_PIECE || at + length > size) {
    throw corrupt('the image of a text index', at, `a piece within ${size} bytes`, `${length} bytes`)
  }
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const offset = (at + done) % PAGE_SIZE
    const frame = space.read(Math.floor((at + done) / PAGE_SIZE))
    const part = space.store.slabs.bytes(frame).subarray(offset, Math.min(PAGE_SIZE, offset + length - done))
    bytes.set(part, done)
    done += part.length
  }
  return bytes
}
