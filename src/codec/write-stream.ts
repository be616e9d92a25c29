/** Records to blocks: gathered until one is full, encoded by one codec, chained by their checksums. */
import { crc32 } from '../base/checksum.ts'
import type { Compressor } from '../base/compression.ts'
import { BlazeError } from '../base/errors.ts'
import { abortable, type Source } from './abortable.ts'
import { ByteSink } from './byte-sink.ts'
import { Codec } from './codec.ts'
import { pack } from './compressed.ts'
import { roughSize } from './rough-size.ts'
import { HEAD, KIND_END, KIND_RECORDS, MAX_BLOCK_BYTES } from './stream-format.ts'
import { withRecordPaths } from './value-path.ts'

/** What a writer goes by; all of it checked. */
export interface StreamWriting {
  readonly method: number
  readonly compressor: Compressor
  readonly recordsPerBlock: number
  readonly bytesPerBlock: number
  readonly signal: AbortSignal | undefined
}

/** The bytes of a stream, a chunk for each block: copies. INVALID_VALUE, TOO_LARGE, ABORTED, what the source throws. */
export async function* writeStream(source: Source<object>, writing: StreamWriting): AsyncGenerator<Uint8Array, void> {
  const writer = new BlockWriter(writing)
  for await (const record of abortable(source, writing.signal)) {
    if (writer.add(record)) yield writer.finishBlock()
  }
  if (writer.holdsRecords) yield writer.finishBlock()
  yield writer.finishStream()
}

class BlockWriter {
  readonly #writing: StreamWriting
  readonly #codec = new Codec()
  readonly #content = new ByteSink()
  readonly #target = new ByteSink()
  /** The records of the block under way, and about how large they are. */
  #records: object[] = []
  #roughSize = 0
  /** Records in blocks. */
  #count = 0
  #checksum: number

  constructor(writing: StreamWriting) {
    this.#writing = writing
    this.#checksum = crc32(HEAD, 0, HEAD.length)
    this.#target.append(HEAD)
  }

  get holdsRecords(): boolean {
    return this.#records.length > 0
  }

  /** Takes a record; true when the block is full. */
  add(record: object): boolean {
    const { recordsPerBlock, bytesPerBlock } = this.#writing
    this.#records.push(record)
    this.#roughSize += roughSize(record, bytesPerBlock - this.#roughSize)
    return this.#records.length >= recordsPerBlock || this.#roughSize >= bytesPerBlock
  }

  /** The bytes of the block, and what went before it; the next one begins. */
  finishBlock(): Uint8Array {
    const records = this.#records
    const codec = this.#codec
    const known = codec.definitionCount
    const rows = withRecordPaths(
      (i) => `[${this.#count + i}]`,
      () => codec.encodeArray(records),
    )
    const content = this.#content
    content.clear()
    content.varint(records.length)
    content.sized(codec.definitionCount === known ? new Uint8Array(0) : codec.definitions(known))
    content.append(rows)
    this.#count += records.length
    this.#records = []
    this.#roughSize = 0
    return this.#block(KIND_RECORDS)
  }

  /** The bytes of the end block. */
  finishStream(): Uint8Array {
    this.#content.clear()
    this.#content.varint(this.#count)
    return this.#block(KIND_END)
  }

  #block(kind: number): Uint8Array {
    const { method: asked, compressor } = this.#writing
    const content = this.#content.bytes
    if (content.length > MAX_BLOCK_BYTES) throw tooLarge(content.length)
    const { method, bytes } = pack(content, asked, compressor)
    const target = this.#target
    const start = target.size
    target.byte(kind)
    target.byte(method)
    target.word(bytes.length)
    target.word(content.length)
    target.append(bytes)
    this.#checksum = crc32(target.bytes, start, target.size, this.#checksum)
    target.word(this.#checksum)
    const block = target.bytes.slice()
    target.clear()
    return block
  }
}

function tooLarge(actual: number): BlazeError<'TOO_LARGE'> {
  const text = `A block of a stream has at most ${MAX_BLOCK_BYTES} bytes; its last record made this one ${actual}.`
  return new BlazeError('TOO_LARGE', text, { limit: MAX_BLOCK_BYTES, actual })
}
