/** A record in its bytes: fields are read when asked for, and nothing else is decoded. */
import { parsePath } from '../base/path.ts'
import type { Value } from '../base/values.ts'
import type { DecodedRecord, RecordCodec } from './record-codec.ts'

/** Reads single fields of an encoded record. It looks at the bytes it was given, which must stay as they are. */
export class RecordView {
  readonly #codec: RecordCodec
  #bytes: Uint8Array
  #start: number
  #end: number

  constructor(codec: RecordCodec, bytes: Uint8Array, start: number, end: number) {
    this.#codec = codec
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  /** Looks at another record from here on: one view serves a whole scan. Gives itself. */
  reset(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    return this
  }

  /** The value of a field of the record, or undefined when it has no such field. CODEC when it cannot be read. */
  get(name: string): Value | undefined {
    return this.#codec.readerOf(name)(this.#bytes, this.#start, this.#end)
  }

  /** The value at a path (`'author.name'`), or undefined. */
  at(path: string): Value | undefined {
    return this.#codec.field(this.#bytes, this.#start, this.#end, parsePath(path))
  }

  /** The whole record: a fresh plain object. */
  toObject(): DecodedRecord {
    return this.#codec.decode(this.#bytes, this.#start, this.#end)
  }
}
