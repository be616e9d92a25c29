/**
 * The codec: records to bytes and back, values exactly as SEMANTICS.md has them.
 *
 *   {id: 'b1', title: 'Crash on save', votes: 7, tags: ['ui', 'io'], created: Date}
 *
 *   ┌ shape ┬ slab sizes ┬ narrow slab ────────┬ wide slab ┬ body ─────────────────────────┐
 *   │ 1     │ 2 × 17     │ Crash on saveuiio   │ (none)    │ 13· 7 [2 2· 2· DATE 48 bits   │
 *   └───────┴────────────┴─────────────────────┴───────────┴───────────────────────────────┘
 *
 * The names stand once in the table of shapes (shapes.ts). All strings of a record lie in one or two slabs, so that
 * reading them is one native call each and a substring per field; the body holds the lengths, tags and everything
 * else. FORMAT.md is the grammar; write-value.ts and read-value.ts are its two directions, locate.ts reads single
 * fields, generate.ts makes readers per shape. A chunk of rows can share slabs and a shape can get typed fields without
 * another layout: both are seams of the format (CODEC.md).
 *
 * Invariants
 *  - decode(encode(x)) is x, field order included; equal records written through the same table have equal bytes.
 *  - Bytes decode to a value or to CODEC, whatever they are; nothing is allocated that the bytes could not fill.
 *  - The bytes name only shapes of the table: `newShapesSince` gives those that must become durable first.
 *  - A failed or re-entrant call leaves the codec as it was, but for shapes that were added.
 *
 * What it does not do: checksums (the frame has one), limits on the size of a record (the engine's), schemas, sharing.
 * With `keyed` the field `id` at the top keeps its place among the names but takes no bytes: the engine has it anyway.
 */
import type { Path, Value } from '../base/values.ts'
import { BodyReader, beginSlabs, endBody, readShape, readVarint, release } from './body-reader.ts'
import { assembleBody, BodyWriter, beginBody, HEAD_RESERVE, refused, rewind } from './body-writer.ts'
import { TAG_KEY } from './format.ts'
import { codeGenerationAllowed, GeneratedReaders } from './generate.ts'
import { enterField, enterGeneric, enterShaped } from './locate.ts'
import { interpretShape, readGeneric, readValue, withoutUndefined } from './read-value.ts'
import { type Shape, ShapeTable } from './shapes.ts'
import { varintSize, writeVarint } from './varint.ts'
import { hasNames, isPlainObject, presentValues, writeFields, writeGeneric, writePresent } from './write-value.ts'

export { ShapeTable } from './shapes.ts'

/** How a codec is set up. */
export interface RecordCodecOptions {
  /** The table to use; a new one by default. */
  readonly shapes?: ShapeTable
  /** The field `id` takes no bytes; decode is given it. Default false. */
  readonly keyed?: boolean
  /** Generate readers where the runtime allows it. Default true. */
  readonly codeGeneration?: boolean
}

/** A shape that must be durable before bytes that name it. */
export interface NewShape {
  readonly id: number
  /** The table's own bytes, not to be changed. */
  readonly definition: Uint8Array
}

/** A decoded record: a fresh plain object, the caller's own. Its fields may be assigned. */
export type DecodedRecord = { [name: string]: Value | undefined }

type Id = string | number

/** Encodes and decodes the records of one collection. */
export class RecordCodec {
  readonly shapes: ShapeTable
  readonly #keyed: boolean
  readonly #writer: BodyWriter
  readonly #reader: BodyReader
  readonly #tops: GeneratedReaders | undefined
  #busy = false
  #hint: Shape | undefined

  constructor(options: RecordCodecOptions = {}) {
    this.shapes = options.shapes ?? new ShapeTable()
    this.#keyed = options.keyed ?? false
    this.#writer = new BodyWriter(this.shapes)
    const generates = (options.codeGeneration ?? true) && codeGenerationAllowed()
    const nested = generates ? new GeneratedReaders(false) : undefined
    this.#tops = generates ? (this.#keyed ? new GeneratedReaders(true) : nested) : undefined
    this.#reader = new BodyReader(this.shapes, nested && ((shape) => nested.readerOf(shape)))
  }

  /**
   * The bytes of a record: a VIEW into the codec's buffer, valid until the next encode. `path` is what paths in errors
   * begin with. INVALID_VALUE with the path of the first value that cannot be stored.
   */
  encode(record: object, path: string): Uint8Array {
    // A getter of the record may come back here: then the buffers are in use, and this call gets its own.
    if (this.#busy) return this.#encodeWith(new BodyWriter(this.shapes), record, path)
    this.#busy = true
    try {
      return this.#encodeWith(this.#writer, record, path)
    } finally {
      this.#busy = false
    }
  }

  /** The record in bytes[start, end), decoded whole. CODEC when the bytes cannot be read. `id`: for keyed codecs. */
  decode(bytes: Uint8Array, start: number, end: number, id?: Id): DecodedRecord {
    const r = this.#begin(bytes, start, end)
    const head = readVarint(r)
    const shape = head === 0 ? undefined : readShape(r, head - 1)
    beginSlabs(r, true)
    const record = shape === undefined ? readGeneric(r, 0, this.#keyed, id) : this.#readTop(r, shape, id)
    endBody(r)
    return record
  }

  /** The value at `path`, or undefined when the record has no such field; without decoding what is before it. */
  field(bytes: Uint8Array, start: number, end: number, path: Path, id?: Id): Value | undefined {
    const r = this.#begin(bytes, start, end)
    const value = this.#readField(r, path, id)
    release(r)
    return value
  }

  /** The shapes that the table got since it had `count`. */
  newShapesSince(count: number): NewShape[] {
    const added: NewShape[] = []
    for (let id = count; id < this.shapes.count; id++) added.push({ id, definition: this.shapes.definition(id) })
    return added
  }

  #readField(r: BodyReader, path: Path, id: Id | undefined): Value | undefined {
    const first = path[0]
    if (first === undefined) return undefined
    const head = readVarint(r)
    const shape = head === 0 ? undefined : readShape(r, head - 1)
    const skip = this.#keyed && shape !== undefined ? shape.idIndex : -1
    beginSlabs(r, false)
    const found = shape === undefined ? enterGeneric(r, first, 0) : enterShaped(r, shape, first, 0, skip)
    if (!found) return undefined
    if (this.#keyed && first === 'id' && (skip >= 0 || r.bytes[r.at] === TAG_KEY)) {
      return path.length === 1 ? id : undefined
    }
    for (let i = 1; i < path.length; i++) if (!enterField(r, path[i]!, i)) return undefined
    return readValue(r, path.length)
  }

  #encodeWith(w: BodyWriter, record: object, path: string): Uint8Array {
    beginBody(w, path)
    if (typeof record !== 'object' || record === null || Array.isArray(record) || !isPlainObject(record))
      throw refused(w, 0, 'a record must be a plain object')
    const head = 1 + this.#writeTop(w, record as { readonly [name: string]: unknown })
    const { start, end } = assembleBody(w)
    const from = start - varintSize(head)
    writeVarint(w.narrow, from, head)
    return w.narrow.subarray(from, end)
  }

  /** Writes the fields of a record; gives the id of its shape, or -1. */
  #writeTop(w: BodyWriter, record: { readonly [name: string]: unknown }): number {
    const names = Object.keys(record)
    const hint = this.#hint
    if (hint !== undefined && hasNames(hint, names)) {
      if (writeFields(w, record, hint, 0, this.#keyed ? hint.idIndex : -1)) return hint.id
      rewind(w, 0, HEAD_RESERVE, 0)
    }
    const values = presentValues(record, names)
    const reserved = names.find((name) => name.startsWith('$'))
    if (reserved !== undefined) {
      w.path[0] = reserved
      throw refused(w, 1, 'names that begin with $ are reserved at the top of a record')
    }
    const shape = this.shapes.shapeOf(names)
    if (shape === undefined) {
      writeGeneric(w, names, values, 0, this.#keyed ? 'id' : undefined)
      return -1
    }
    writePresent(w, shape, values, 0, this.#keyed ? shape.idIndex : -1)
    this.#hint = shape
    return shape.id
  }

  #begin(bytes: Uint8Array, start: number, end: number): BodyReader {
    const r = this.#reader
    r.bytes = bytes
    r.origin = start
    r.at = start
    r.end = Math.min(end, bytes.length)
    return r
  }

  #readTop(r: BodyReader, shape: Shape, id: Id | undefined): DecodedRecord {
    const skipped = r.skipped
    const generated = id === undefined && this.#keyed ? undefined : this.#tops?.readerOf(shape)
    if (generated === undefined) return interpretShape(r, shape, 0, this.#keyed ? shape.idIndex : -1, id)
    const record = generated(r, 1, id)
    return r.skipped === skipped ? record : withoutUndefined(record)
  }
}
