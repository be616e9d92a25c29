/**
 * The codec by itself, without the database: what `blazedb/codec` hands out.
 *
 *   const codec = new Codec()
 *   const bytes = codec.encode(bug)            names stand in the codec's table, not in the bytes
 *   const table = codec.definitions()          keep it, or send it first: without it nobody reads the bytes
 *
 *   const other = new Codec()
 *   other.define(table)
 *   other.decode(bytes)                        a fresh plain object
 *
 * A codec holds a table of definitions (shapes.ts), which only grows. Bytes refer to it by number, so it has to be where
 * the bytes are: a database keeps it in its log, a file in its blocks, and the functions of standalone.ts put it into the
 * bytes themselves.
 */
import { BlazeError } from '../base/errors.ts'
import { parsePath } from '../base/path.ts'
import type { Value } from '../base/values.ts'
import type { AnatomyPart } from './anatomy.ts'
import { formatDefinitions, takeDefinitions } from './definitions.ts'
import { type DecodedRecord, RecordCodec } from './record-codec.ts'
import { RecordView } from './view.ts'

/** How a codec is set up. */
export interface CodecOptions {
  /** Generate code where the runtime allows it. Default true. */
  readonly codeGeneration?: boolean
  /** What dates are decoded to: Date objects, or milliseconds since 1970, which are cheaper. Default 'date'. */
  readonly dates?: 'date' | 'number'
}

/** Encodes and decodes records of one kind, faster and smaller the more of them it has seen. */
export class Codec {
  readonly #records: RecordCodec
  #pool = new Uint8Array(0)
  #poolEnd = 0

  constructor(options: CodecOptions = {}) {
    this.#records = new RecordCodec({
      codeGeneration: options.codeGeneration ?? true,
      datesAsNumbers: options.dates === 'number',
    })
  }

  /**
   * The bytes of a record, the caller's own. Small ones are pieces of a larger buffer, as those of Buffer.from are: what
   * is kept for long is better copied. INVALID_VALUE with the path of what cannot be stored.
   */
  encode(record: object): Uint8Array {
    const pool = this.#pool
    const end = this.#records.encodeInto(record, pool, this.#poolEnd, '')
    if (end < 0) return this.#encodeApart(record)
    const bytes = pool.subarray(this.#poolEnd, end)
    this.#poolEnd = end
    return bytes
  }

  /**
   * Writes the bytes of a record into `target` from `offset`; gives where they end, or -1 when there is no room for
   * them (then the target's content from `offset` is undefined). INVALID_VALUE as {@link encode}.
   */
  encodeInto(record: object, target: Uint8Array, offset: number): number {
    return this.#records.encodeInto(record, target, offset, '')
  }

  /** The record in bytes[start, end): a fresh plain object. CODEC with the offset when they cannot be read. */
  decode(bytes: Uint8Array, start = 0, end: number = bytes.length): DecodedRecord {
    return this.#records.decode(bytes, start, end)
  }

  /** The value at a path (`'author.name'`), or undefined; nothing else is decoded. */
  field(bytes: Uint8Array, path: string, start = 0, end: number = bytes.length): Value | undefined {
    return this.#records.field(bytes, start, end, parsePath(path))
  }

  /**
   * A function (bytes, start?, end?) that gives the value at a path of a record: as {@link field}, made for being called
   * many times, to filter records by their bytes.
   */
  reader(path: string): (bytes: Uint8Array, start?: number, end?: number) => Value | undefined {
    const read = this.#records.fieldReader(parsePath(path))
    return (bytes, start = 0, end = bytes.length) => read(bytes, start, end)
  }

  /** A view of the record in bytes[start, end), which reads fields when asked for. The bytes must stay as they are. */
  view(bytes: Uint8Array, start = 0, end: number = bytes.length): RecordView {
    return new RecordView(this.#records, bytes, start, end)
  }

  /** Many records as one piece of bytes, smaller and faster than one by one: a copy, the caller's own. */
  encodeArray(records: readonly object[]): Uint8Array {
    return this.#records.encodeMany(records)
  }

  /** The records that {@link encodeArray} was given, by this codec or one with the same definitions. */
  decodeArray(bytes: Uint8Array): DecodedRecord[] {
    return this.#records.decodeMany(bytes, 0, bytes.length)
  }

  /**
   * What the bytes of an encoded record are for: how many of them go to which field, and for what. Together they are all of
   * them. Made for looking, not for speed. CODEC with the offset when the bytes cannot be read.
   * @example
   * for (const { path, kind, bytes } of codec.anatomy(codec.encode(bug))) console.log(path.join('.'), kind, bytes)
   */
  anatomy(bytes: Uint8Array, start = 0, end: number = bytes.length): AnatomyPart[] {
    return this.#records.anatomy(bytes, start, end)
  }

  /** The same of the bytes of {@link encodeArray}: a field's are those of it in all records. */
  anatomyOfArray(bytes: Uint8Array): AnatomyPart[] {
    return this.#records.anatomyOfMany(bytes, 0, bytes.length)
  }

  /** Definitions so far. Bytes encoded until now refer to no others. */
  get definitionCount(): number {
    return this.#records.shapes.count
  }

  /** The definitions from number `from` on, for {@link define} of another codec. A copy. */
  definitions(from = 0): Uint8Array {
    return formatDefinitions(this.#records.shapes, from)
  }

  /** Takes over what {@link definitions} gave. In order; the same ones again are fine. Anything else is CODEC. */
  define(definitions: Uint8Array): void {
    const end = takeDefinitions(this.#records.shapes, definitions, 0)
    if (end !== definitions.length)
      throw new BlazeError('CODEC', `${definitions.length - end} bytes after the definitions.`, { offset: end })
  }

  /** Bytes for which the pool has no room: a pool of their own, or a new one. */
  #encodeApart(record: object): Uint8Array {
    const bytes = this.#records.encode(record, '')
    if (bytes.length > POOL_SIZE / 8) return bytes.slice()
    const pool = new Uint8Array(POOL_SIZE)
    pool.set(bytes)
    this.#pool = pool
    this.#poolEnd = bytes.length
    return pool.subarray(0, bytes.length)
  }
}

/** Bytes of a buffer that results of encode share: making one for each costs as much as encoding does. */
const POOL_SIZE = 1 << 16
