/**
 * The codec: records to bytes and back, every value exactly.
 *
 *   {id: 'b1', title: 'Crash on save', votes: 7, tags: ['ui', 'io'], created: Date}
 *
 *   ┌ shape ┬ slab sizes ┬ narrow slab ────────┬ wide slab ┬ body ─────────────────────────┐
 *   │ 1     │ 2 × 17     │ Crash on saveuiio   │ (none)    │ 13· 7 [2 2· 2· DATE 48 bits   │
 *   └───────┴────────────┴─────────────────────┴───────────┴───────────────────────────────┘
 *
 * The names stand once in the table of shapes (shapes.ts). All strings of a record lie in one or two slabs, so that
 * reading them is one native call each and a substring per field; the body holds the lengths, tags and everything else.
 * After some records of a shape, learn.ts gives it types: then each field has a cell at a fixed place (field-type.ts), and
 * code is generated that reads and writes them. FORMAT.md is the grammar.
 *
 *   write-value ─ write-scalar, write-cell   interpreted   read-value ─ read-cell     locate: single fields
 *   generate-writer                          generated     generate-reader            generate-field
 *   batch: rows that share slabs             anatomy: what bytes are for
 *   body-writer, body-reader: the state of one call
 *
 * Invariants
 *  - decode(encode(x)) is x, field order included; equal records have equal bytes as long as the table does not grow.
 *  - Bytes decode to a value or to CODEC, whatever they are; nothing is allocated that the bytes could not fill.
 *  - The bytes name only shapes of the table: `newShapesSince` gives those that must become durable first.
 *  - A failed or re-entrant call leaves the codec as it was, but for shapes that were added.
 *
 * What it does not do: checksums (the frame has one), limits on the size of a record (the engine's), schemas, sharing.
 * With `keyed` the field `id` at the top keeps its place among the names but takes no bytes: the engine has it anyway.
 */
import type { Path, Value } from '../base/values.ts'
import { type AnatomyPart, batchAnatomy, recordAnatomy } from './anatomy.ts'
import { readBatch, writeBatch } from './batch.ts'
import { BodyReader, beginSlabs, damaged, endBody, readShape, readVarint, release } from './body-reader.ts'
import { assembleBody, BodyWriter, beginBody, type Fields, refused } from './body-writer.ts'
import { type FieldReader, type FieldsReader, generateFieldReader, generateFieldsReader } from './generate-field.ts'
import { codeGenerationAllowed, GeneratedReaders } from './generate-reader.ts'
import { GeneratedWriters } from './generate-writer.ts'
import { LEARN_COUNT } from './learn.ts'
import { readRecordPath } from './locate.ts'
import { interpretShape, readGeneric, withoutUndefined } from './read-value.ts'
import { type Shape, ShapeTable } from './shapes.ts'
import { varintSize, writeVarint } from './varint.ts'
import { isPlainObject, writeRecord } from './write-value.ts'

export { ShapeTable } from './shapes.ts'

/** How a codec is set up. */
export interface RecordCodecOptions {
  /** The table to use; a new one by default. */
  readonly shapes?: ShapeTable
  /** The field `id` takes no bytes; decode is given it. Default false. */
  readonly keyed?: boolean
  /** Generate readers and writers where the runtime allows it. Default true. */
  readonly codeGeneration?: boolean
  /** Give dates as milliseconds since 1970. Default false. */
  readonly datesAsNumbers?: boolean
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

/** Names whose readers a codec keeps: those beyond are made at each call. */
const MAX_FIELD_READERS = 1024

/** Encodes and decodes the records of one collection. */
export class RecordCodec {
  readonly shapes: ShapeTable
  readonly #keyed: boolean
  readonly #writer: BodyWriter
  readonly #writers: GeneratedWriters | undefined
  readonly #reader: BodyReader
  readonly #tops: GeneratedReaders | undefined
  readonly #fieldReaders = new Map<string, FieldReader>()
  #busy = false
  #hint: Shape | undefined

  constructor(options: RecordCodecOptions = {}) {
    this.shapes = options.shapes ?? new ShapeTable()
    this.#keyed = options.keyed ?? false
    const datesAsNumbers = options.datesAsNumbers ?? false
    const generates = (options.codeGeneration ?? true) && codeGenerationAllowed()
    const nested = generates ? new GeneratedReaders(this.shapes, { keyed: false, datesAsNumbers }) : undefined
    const keyed = this.#keyed && generates
    this.#tops = keyed ? new GeneratedReaders(this.shapes, { keyed, datesAsNumbers }) : nested
    this.#reader = new BodyReader(this.shapes, nested && ((shape) => nested.readerOf(shape)), datesAsNumbers)
    const writers = generates ? new GeneratedWriters(this.shapes) : undefined
    this.#writers = writers
    this.#writer = this.#newWriter()
  }

  /**
   * The bytes of a record: a VIEW into the codec's buffer, valid until the next encode. `path` is what paths in errors
   * begin with. INVALID_VALUE with the path of the first value that cannot be stored.
   */
  encode(record: object, path: string): Uint8Array {
    // A getter of the record may come back here: then the buffers are in use, and this call gets its own.
    if (this.#busy) return this.#encodeWith(this.#newWriter(), record, path)
    this.#busy = true
    try {
      const w = this.#writer
      const end = this.#writeDirect(record, w.narrow, 0, w.narrow.length)
      return end < 0 ? this.#encodeWith(w, record, path) : w.narrow.subarray(0, end)
    } finally {
      this.#busy = false
    }
  }

  /**
   * Writes the bytes of a record into `target` from `offset`; gives where they end, or -1 when there is no room for
   * them: then what is in `target` from `offset` is undefined. INVALID_VALUE as {@link encode}.
   */
  encodeInto(record: object, target: Uint8Array, offset: number, path: string): number {
    const end = this.#writeDirect(record, target, offset, target.length)
    if (end >= 0) return end
    const bytes = this.encode(record, path)
    if (bytes.length > target.length - offset) return -1
    target.set(bytes, offset)
    return offset + bytes.length
  }

  /** Has a fresh codec look at records from all over the batch, so that all rows are written with types. */
  #learnFrom(records: readonly object[]): void {
    if (this.shapes.shapeCount > 0 || records.length < 2 * LEARN_COUNT) return
    for (let i = 0; i < LEARN_COUNT; i++) this.encode(records[Math.floor((i * records.length) / LEARN_COUNT)]!, '')
  }

  /** As encodeInto; -1 also when only the other way of writing can do it. */
  #writeDirect(record: object, target: Uint8Array, offset: number, end: number): number {
    const hint = this.#hint
    const typed = this.#keyed && hint !== undefined && hint.idIndex >= 0 ? hint.typedKeyed : hint?.typed
    if (typed === undefined || this.#writers === undefined) return -1
    const direct = this.#writers.writerOf(typed)?.writeDirect
    if (direct === undefined || typeof record !== 'object' || record === null || !isPlainObject(record)) return -1
    // Plain objects have string keys; whatever their values are, the writer looks.
    return direct(record as Fields, target, offset, end)
  }

  #newWriter(): BodyWriter {
    return new BodyWriter(this.shapes, this.#keyed, this.#writers)
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

  /** The bytes of many records, without their keys' help: for codecs that are not keyed. A copy, the caller's own. */
  encodeMany(records: readonly object[]): Uint8Array {
    if (this.#busy) return writeBatch(this.#newWriter(), records, this.#hint)
    this.#learnFrom(records)
    this.#busy = true
    try {
      return writeBatch(this.#writer, records, this.#hint)
    } finally {
      this.#busy = false
    }
  }

  /** The records that {@link encodeMany} was given. CODEC when the bytes cannot be read. */
  decodeMany(bytes: Uint8Array, start: number, end: number): DecodedRecord[] {
    const r = this.#begin(bytes, start, end)
    const records = readBatch(r, (_, shape) =>
      shape === undefined ? readGeneric(r, 0, false, undefined) : this.#readTop(r, shape, undefined),
    )
    if (r.at !== r.end) throw damaged(r, 'bytes after the end')
    release(r)
    return records
  }

  /** What the bytes of a record are for; for codecs that are not keyed. CODEC when the bytes cannot be read. */
  anatomy(bytes: Uint8Array, start: number, end: number): AnatomyPart[] {
    return recordAnatomy(this.#begin(bytes, start, end))
  }

  /** The same of the bytes of {@link encodeMany}. */
  anatomyOfMany(bytes: Uint8Array, start: number, end: number): AnatomyPart[] {
    return batchAnatomy(this.#begin(bytes, start, end))
  }

  /** The value at `path`, or undefined when the record has no such field; without decoding what is before it. */
  field(bytes: Uint8Array, start: number, end: number, path: Path, id?: Id): Value | undefined {
    const r = this.#begin(bytes, start, end)
    const value = this.#readField(r, path, id)
    release(r)
    return value
  }

  /**
   * A function that gives the value at `path` of the record in bytes[start, end), or undefined: as {@link field}, and
   * many times as fast where the field stands at a place that the shape alone decides. A keyed codec gives no id.
   */
  fieldReader(path: Path): FieldReader {
    const other: FieldReader = (bytes, start, end) => this.field(bytes, start, end, path)
    const name = path[0]
    if (path.length !== 1 || name === undefined || this.#writers === undefined) return other
    if (this.#keyed && name === 'id') return other
    const options = { datesAsNumbers: this.#reader.datesAsNumbers, other }
    const readers: (FieldReader | undefined)[] = []
    return (bytes, start, end) => {
      // The first byte is enough to choose: a reader compares the whole head.
      const head = bytes[start]!
      const reader = readers[head]
      if (reader !== undefined) return reader(bytes, start, end)
      const shape = head > 0 && head < 128 ? this.shapes.get(head - 1) : undefined
      const made = shape && generateFieldReader(shape, shape.names.indexOf(name), this.shapes, options)
      if (head < 128 && (head === 0 || shape !== undefined)) readers[head] = made ?? other
      return other(bytes, start, end)
    }
  }

  /** A function that reads the values at some paths: as their {@link fieldReader}s, with one look at the record's head. */
  fieldsReader(paths: readonly Path[]): FieldsReader {
    const others = paths.map((path) => this.fieldReader(path))
    const [only] = others
    if (only !== undefined && others.length === 1) {
      return (bytes, start, end, values) => {
        values[0] = only(bytes, start, end)
      }
    }
    const other: FieldsReader = (bytes, start, end, values) => {
      for (let i = 0; i < others.length; i++) values[i] = others[i]!(bytes, start, end)
    }
    const isGeneral = paths.some((path) => path.length !== 1 || (this.#keyed && path[0] === 'id'))
    if (isGeneral || this.#writers === undefined) return other
    const names = paths.map(([name]) => name!)
    const options = { datesAsNumbers: this.#reader.datesAsNumbers, others, other }
    const readers: (FieldsReader | undefined)[] = []
    return (bytes, start, end, values) => {
      const head = bytes[start]!
      const reader = readers[head]
      if (reader !== undefined) return reader(bytes, start, end, values)
      const shape = head > 0 && head < 128 ? this.shapes.get(head - 1) : undefined
      const made = shape && generateFieldsReader(shape, names, this.shapes, options)
      if (head < 128 && (head === 0 || shape !== undefined)) readers[head] = made ?? other
      return other(bytes, start, end, values)
    }
  }

  /** The {@link fieldReader} of a top-level name, kept for the next call. */
  readerOf(name: string): FieldReader {
    let reader = this.#fieldReaders.get(name)
    if (reader === undefined) {
      reader = this.fieldReader([name])
      if (this.#fieldReaders.size < MAX_FIELD_READERS) this.#fieldReaders.set(name, reader)
    }
    return reader
  }

  /** The shapes that the table got since it had `count`. */
  newShapesSince(count: number): NewShape[] {
    const added: NewShape[] = []
    for (let id = count; id < this.shapes.count; id++) added.push({ id, definition: this.shapes.definition(id) })
    return added
  }

  #readField(r: BodyReader, path: Path, id: Id | undefined): Value | undefined {
    if (path.length === 0) return undefined
    const head = readVarint(r)
    const shape = head === 0 ? undefined : readShape(r, head - 1)
    beginSlabs(r, false)
    return readRecordPath(r, shape, path, this.#keyed, id)
  }

  #encodeWith(w: BodyWriter, record: object, path: string): Uint8Array {
    beginBody(w, path)
    if (typeof record !== 'object' || record === null || Array.isArray(record) || !isPlainObject(record))
      throw refused(w, 0, 'a record must be a plain object')
    this.#hint = writeRecord(w, record as Fields, this.#hint)
    const head = w.written === undefined ? 0 : w.written.id + 1
    const { start, end } = assembleBody(w)
    const from = start - varintSize(head)
    writeVarint(w.narrow, from, head)
    return w.narrow.subarray(from, end)
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
