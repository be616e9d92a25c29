/**
 * The three parts of a record's bytes while they are being written: the body (tags, numbers, lengths), the narrow slab
 * (strings of one byte a unit) and the wide slab (two bytes a unit). They grow side by side and are put together at the
 * end; the narrow slab, mostly the largest, is already in its place then.
 *
 * `path` holds the names and positions of the containers around the value being written, so that a refusal can say where
 * it is without anybody having built texts on the way. A writer belongs to one call, the next call begins anew.
 */
import { BlazeError } from '../base/errors.ts'
import type { Shape, ShapeTable } from './shapes.ts'
import { MAX_VARINT_SIZE, writeVarint } from './varint.ts'

/** Bytes kept before the narrow slab for what precedes it. */
export const HEAD_RESERVE = 32
/** Room that each value is given before it is written: more than any tag with a number or a UUID takes. */
export const VALUE_RESERVE = 32

const FIRST_SIZE = 1024
/** Buffers above this are given back before the next record: one huge record must not hold memory for ever. */
const KEEP_SIZE = 1 << 20

/** Writes an object of one typed shape; false when it is none, or its values do not fit. */
export type ShapeWriter = (w: BodyWriter, object: Fields, depth: number) => boolean

/** Where the generated writers of typed shapes come from. */
export interface WriterSource {
  /** Those that there are, by number of the shape: asked first, because a call costs as much as a small object. */
  readonly ready: readonly (ShapeWriter | undefined)[]
  /** The writer of a shape, made when it is worth it; undefined to have it interpreted. */
  writeOf(shape: Shape): ShapeWriter | undefined
}

/** An object of the caller's. */
export type Fields = { readonly [name: string]: unknown }

/** The buffers of one encoding under way. Plain fields: free functions work on them in hot loops. */
export class BodyWriter {
  readonly shapes: ShapeTable
  body: Uint8Array = new Uint8Array(FIRST_SIZE)
  bodyView: DataView = new DataView(this.body.buffer)
  bodyEnd = 0
  narrow: Uint8Array = new Uint8Array(FIRST_SIZE)
  narrowEnd: number = HEAD_RESERVE
  wide: Uint8Array = new Uint8Array(0)
  wideEnd = 0
  readonly path: (string | number)[] = []
  /** The text before every path. */
  prefix = ''
  /** In a batch: the row being written, for paths; else -1. */
  row = -1
  /** The object written next is the record itself. */
  isTop = false
  /** The layout that the object last written has; undefined for the generic form. */
  written: Shape | undefined
  /** The field `id` of records takes no bytes. */
  readonly keyed: boolean
  readonly generated: WriterSource | undefined

  constructor(shapes: ShapeTable, keyed = false, generated?: WriterSource) {
    this.shapes = shapes
    this.keyed = keyed
    this.generated = generated
  }
}

/** Makes the writer ready for a record whose paths begin with `prefix`. */
export function beginBody(w: BodyWriter, prefix: string): void {
  if (w.body.length > KEEP_SIZE) setBody(w, new Uint8Array(FIRST_SIZE))
  if (w.narrow.length > KEEP_SIZE) w.narrow = new Uint8Array(FIRST_SIZE)
  if (w.wide.length > KEEP_SIZE) w.wide = new Uint8Array(0)
  w.bodyEnd = 0
  w.narrowEnd = HEAD_RESERVE
  w.wideEnd = 0
  w.prefix = prefix
  w.row = -1
}

/** Puts the sizes of the slabs, the slabs and the body together; gives where they start and end in `w.narrow`. */
export function assembleBody(w: BodyWriter): { readonly start: number; readonly end: number } {
  const bodyStart = w.narrowEnd + w.wideEnd
  const end = bodyStart + w.bodyEnd
  if (end > w.narrow.length) w.narrow = grown(w.narrow, w.narrowEnd, end)
  if (w.wideEnd > 0) w.narrow.set(w.wide.subarray(0, w.wideEnd), w.narrowEnd)
  const { narrow, body, bodyEnd } = w
  // Bodies are short when their strings are: a loop beats making a subarray to copy from.
  if (bodyEnd <= 128) for (let i = 0; i < bodyEnd; i++) narrow[bodyStart + i] = body[i]!
  else narrow.set(body.subarray(0, bodyEnd), bodyStart)
  return { start: writeSlabSizes(w), end }
}

/** Writes the sizes right before the narrow slab; gives where they begin. */
function writeSlabSizes(w: BodyWriter): number {
  const narrowSize = w.narrowEnd - HEAD_RESERVE
  if (w.wideEnd === 0 && narrowSize < 64) {
    w.narrow[HEAD_RESERVE - 1] = 2 * narrowSize
    return HEAD_RESERVE - 1
  }
  const first = writeVarint(sizes, 0, 2 * narrowSize + Number(w.wideEnd > 0))
  const size = w.wideEnd > 0 ? writeVarint(sizes, first, w.wideEnd / 2) : first
  const start = HEAD_RESERVE - size
  for (let i = 0; i < size; i++) w.narrow[start + i] = sizes[i]!
  return start
}

const sizes: Uint8Array = new Uint8Array(2 * MAX_VARINT_SIZE)

/** Forgets what was written since the three ends were these. */
export function rewind(w: BodyWriter, bodyEnd: number, narrowEnd: number, wideEnd: number): void {
  w.bodyEnd = bodyEnd
  w.narrowEnd = narrowEnd
  w.wideEnd = wideEnd
}
/** The refusal of the value at w.path[0, depth). */
export function refused(w: BodyWriter, depth: number, why: string): BlazeError<'INVALID_VALUE'> {
  let path = w.row < 0 ? w.prefix : `[${w.row}]`
  for (let i = 0; i < depth; i++) {
    const step = w.path[i]!
    if (typeof step === 'number') path += `[${step}]`
    else path += `${path === '' ? '' : '.'}${step.replace(/[\\.]/g, '\\$&')}`
  }
  return new BlazeError('INVALID_VALUE', `${path === '' ? 'The value' : path}: ${why}. Nothing was written.`, { path })
}
/** Makes room for `size` more bytes of the body. */
export function reserveBody(w: BodyWriter, size: number): void {
  const needed = w.bodyEnd + size
  if (needed > w.body.length) setBody(w, grown(w.body, w.bodyEnd, needed))
}

function setBody(w: BodyWriter, body: Uint8Array): void {
  w.body = body
  w.bodyView = new DataView(body.buffer)
}

/** A larger buffer with the first `used` bytes of this one. */
export function grown(bytes: Uint8Array, used: number, needed: number): Uint8Array {
  const larger = new Uint8Array(Math.max(needed, 2 * bytes.length, 64))
  larger.set(bytes.subarray(0, used))
  return larger
}
