/**
 * The state of one decoding, and the reads that everything else is made of. Each is checked against the end of the
 * bytes, strings against their slab, so that hostile bytes give CODEC with the offset and nothing else.
 *
 * A reader belongs to one call; no user code runs while it works, so one reader serves a codec.
 */
import { BlazeError } from '../base/errors.ts'
import { MAX_DEPTH, type Value } from '../base/values.ts'
import { LIMIT_32 } from './format.ts'
import type { Shape, ShapeTable } from './shapes.ts'
import { readNarrow, readWide } from './text.ts'

/** A plain object being filled. */
export type Fields = { [name: string]: Value | undefined }

/** Reads an object of one shape whose fields begin at the reader's position. */
export type ShapeReader = (r: BodyReader, depth: number, key: string | number | undefined) => Fields

/** Gives the generated reader of a shape, or undefined to have it interpreted. */
export type ReaderSource = (shape: Shape) => ShapeReader | undefined

/** The state of one decoding. Plain fields: free functions work on them in hot loops. */
export class BodyReader {
  readonly shapes: ShapeTable
  readonly generated: ReaderSource | undefined
  /** Dates are given as milliseconds. */
  readonly datesAsNumbers: boolean
  bytes: Uint8Array = EMPTY
  /** Where offsets in errors are counted from. */
  origin = 0
  at = 0
  end = 0
  /** The whole narrow slab as a string, or undefined when strings are to be read one by one. */
  narrowText: string | undefined = ''
  narrowStart = 0
  narrowCount = 0
  /** Units of the narrow slab that were used. */
  narrowAt = 0
  wideText: string | undefined = ''
  wideStart = 0
  wideCount = 0
  wideAt = 0
  skipped = 0

  constructor(shapes: ShapeTable, generated: ReaderSource | undefined, datesAsNumbers = false) {
    this.shapes = shapes
    this.generated = generated
    this.datesAsNumbers = datesAsNumbers
  }
}

const EMPTY = new Uint8Array(0)

/** Reads the sizes of the slabs at the reader's position and goes to the body. `whole`: all strings will be read. */
export function beginSlabs(r: BodyReader, whole: boolean): void {
  const head = readVarint(r)
  const narrowCount = Math.floor(head / 2)
  const wideCount = head % 2 === 1 ? readVarint(r) : 0
  if (narrowCount + 2 * wideCount > r.end - r.at) throw damaged(r, 'strings beyond the end')
  r.narrowStart = r.at
  r.narrowCount = narrowCount
  r.narrowAt = 0
  r.wideStart = r.at + narrowCount
  r.wideCount = wideCount
  r.wideAt = 0
  r.at = r.wideStart + 2 * wideCount
  if (!whole) {
    r.narrowText = undefined
    r.wideText = undefined
    return
  }
  r.narrowText = narrowCount === 0 ? '' : readNarrow(r.bytes, r.narrowStart, r.wideStart)
  r.wideText = wideCount === 0 ? '' : readWide(r.bytes, r.wideStart, r.at)
}

/** Checks that everything was used, and lets go. */
export function endBody(r: BodyReader): void {
  if (r.at !== r.end) throw damaged(r, 'bytes after the end')
  checkSlabs(r)
  release(r)
}

/** Checks that all strings were used. */
export function checkSlabs(r: BodyReader): void {
  if (r.narrowAt !== r.narrowCount || r.wideAt !== r.wideCount) throw damaged(r, 'strings that nothing uses')
}

/** Lets go of the bytes and slabs: a reader at rest keeps no frame alive. */
export function release(r: BodyReader): void {
  r.bytes = EMPTY
  r.narrowText = ''
  r.wideText = ''
}
/** Passes over `size` bytes; gives where they begin. */
export function take(r: BodyReader, size: number): number {
  const start = r.at
  if (size > r.end - start) throw damaged(r, `${size} bytes beyond the end`)
  r.at = start + size
  return start
}

/** Reads a count or size. */
export function readVarint(r: BodyReader): number {
  let value = 0
  let scale = 1
  for (let i = 0; i < 7; i++) {
    const byte = r.bytes[take(r, 1)]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 0x80
  }
  throw damaged(r, 'a count without end')
}

/** Reads an unsigned little-endian integer of 1, 2, 4 or 6 bytes. */
export function readInteger(r: BodyReader, size: number): number {
  const at = take(r, size)
  const { bytes } = r
  if (size === 1) return bytes[at]!
  const low = bytes[at]! | (bytes[at + 1]! << 8)
  if (size === 2) return low
  const word = (low | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  return size === 4 ? word : word + (bytes[at + 4]! | (bytes[at + 5]! << 8)) * LIMIT_32
}

/** The next `count` units of the narrow slab. */
export function readNarrowText(r: BodyReader, count: number): string {
  const from = r.narrowAt
  const to = from + count
  if (to > r.narrowCount) throw damaged(r, 'a string beyond its slab')
  r.narrowAt = to
  const { narrowText } = r
  if (narrowText !== undefined) return narrowText.substring(from, to)
  return readNarrow(r.bytes, r.narrowStart + from, r.narrowStart + to)
}

/** The next `count` units of the wide slab. */
export function readWideText(r: BodyReader, count: number): string {
  const from = r.wideAt
  const to = from + count
  if (to > r.wideCount) throw damaged(r, 'a string beyond its slab')
  r.wideAt = to
  const { wideText } = r
  if (wideText !== undefined) return wideText.substring(from, to)
  return readWide(r.bytes, r.wideStart + 2 * from, r.wideStart + 2 * to)
}
/** A container of `count` elements begins: checks its depth, and that its elements can be there. */
export function enter(r: BodyReader, count: number, depth: number): void {
  if (depth >= MAX_DEPTH) throw damaged(r, `nesting deeper than ${MAX_DEPTH} levels`)
  if (count > r.end - r.at) throw damaged(r, `${count} elements beyond the end`)
}

/** The shape of an id that stands in the bytes. */
export function readShape(r: BodyReader, id: number): Shape {
  const shape = r.shapes.get(id)
  if (shape === undefined) throw damaged(r, `shape ${id}, which is not defined`)
  return shape
}

/** The error of bytes that cannot be read. */
export function damaged(r: BodyReader, found: string): BlazeError<'CODEC'> {
  const offset = r.at - r.origin
  return new BlazeError('CODEC', `The encoded bytes are damaged at byte ${offset}: found ${found}.`, { offset })
}
