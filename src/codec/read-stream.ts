/** Chunks of bytes to records: a block is read when all of it has arrived, and nothing is kept beyond it. */
import { getU32 } from '../base/binary.ts'
import { equalBytes } from '../base/bytes.ts'
import { crc32 } from '../base/checksum.ts'
import type { Compressor } from '../base/compression.ts'
import { BlazeError, isBlazeError } from '../base/errors.ts'
import { abortable, type Source } from './abortable.ts'
import { ArrivedBytes } from './arrived-bytes.ts'
import { ByteSource } from './byte-source.ts'
import { Codec } from './codec.ts'
import { unpack } from './compressed.ts'
import { asBytes } from './kinds.ts'
import type { DecodedRecord } from './record-codec.ts'
import {
  BLOCK_HEAD_SIZE,
  BLOCK_TAIL_SIZE,
  HEAD,
  KIND_END,
  KIND_RECORDS,
  MAX_RECORDS_PER_BLOCK,
} from './stream-format.ts'

/** What a reader goes by; all of it checked. */
export interface StreamReading {
  readonly compressor: Compressor
  readonly maxBlockBytes: number
  readonly signal: AbortSignal | undefined
}

/** The records of a stream. CODEC, UNSUPPORTED, ABORTED, INVALID_ARGUMENT for a chunk that is none, what the source throws. */
export async function* readStream(
  source: Source<Uint8Array>,
  reading: StreamReading,
): AsyncGenerator<DecodedRecord, void> {
  const reader = new BlockReader(reading)
  for await (const chunk of abortable(source, reading.signal)) {
    reader.push(chunk)
    for (let records = reader.next(); records !== undefined; records = reader.next()) {
      // yield* would wait twice for each record.
      for (const record of records) yield record
    }
    reader.keep()
  }
  reader.finish()
}

/** What the next bytes are: the stream's head, a block's head, the rest of a block, of one that is skipped, or nothing. */
type Expected = 'head' | 'block' | 'content' | 'skipped' | 'nothing'

/** The block under way. */
interface Block {
  readonly kind: number
  readonly method: number
  /** Stored bytes that have not been taken. */
  left: number
  readonly size: number
  readonly offset: number
}

const NO_BLOCK: Block = { kind: KIND_END, method: 0, left: 0, size: 0, offset: 0 }

class BlockReader {
  readonly #reading: StreamReading
  readonly #codec = new Codec()
  readonly #arrived = new ArrivedBytes()
  #expected: Expected = 'head'
  #block = NO_BLOCK
  #checksum: number = crc32(HEAD, 0, HEAD.length)
  /** Records so far. */
  #count = 0

  constructor(reading: StreamReading) {
    this.#reading = reading
  }

  /** Takes a chunk, which must stay as it is until {@link keep}. */
  push(chunk: Uint8Array): void {
    if (typeof chunk !== 'object' || chunk === null || asBytes(chunk) === undefined) {
      const text = `A stream of bytes gives Uint8Arrays, not a ${typeof chunk}; set no encoding on its source.`
      throw new BlazeError('INVALID_ARGUMENT', text, { argument: 'chunks' })
    }
    this.#arrived.push(chunk)
  }

  /** Copies what is left of the chunk. */
  keep(): void {
    this.#arrived.keep()
  }

  /** The records of the next block, or undefined when that has not arrived. */
  next(): DecodedRecord[] | undefined {
    while (this.#arrived.size >= this.#needed()) {
      const records = this.#step()
      if (records !== undefined) return records
    }
    return undefined
  }

  /** The source has ended: so must the stream have. */
  finish(): void {
    if (this.#expected === 'nothing') return
    throw damaged(this.#arrived.offset + this.#arrived.size, 'the end of the bytes before the end of the stream')
  }

  #needed(): number {
    switch (this.#expected) {
      case 'head':
        return HEAD.length
      case 'block':
        return BLOCK_HEAD_SIZE
      case 'content':
        return this.#block.left + BLOCK_TAIL_SIZE
      case 'skipped':
      case 'nothing':
        return 1
    }
  }

  /** Takes what is expected, all of which is there. Gives the records of a block of records. */
  #step(): DecodedRecord[] | undefined {
    const arrived = this.#arrived
    switch (this.#expected) {
      case 'head':
        checkHead(arrived.take(HEAD.length))
        this.#expected = 'block'
        return undefined
      case 'block':
        this.#beginBlock()
        return undefined
      case 'skipped':
        this.#skip()
        return undefined
      case 'content':
        return this.#finishBlock()
      case 'nothing':
        throw damaged(arrived.offset, 'bytes after the end of the stream')
    }
  }

  #beginBlock(): void {
    const { offset } = this.#arrived
    const head = this.#take(BLOCK_HEAD_SIZE)
    const block = { kind: head[0]!, method: head[1]!, left: getU32(head, 2), size: getU32(head, 6), offset }
    this.#block = block
    const known = block.kind === KIND_RECORDS || block.kind === KIND_END
    this.#expected = known || block.left === 0 ? 'content' : 'skipped'
    if (!known) return
    const { maxBlockBytes } = this.#reading
    const largest = Math.max(block.left, block.size)
    if (largest > maxBlockBytes)
      throw damaged(offset, `a block of ${largest} bytes, above the limit of ${maxBlockBytes} (maxBlockBytes)`)
  }

  /** Passes over what has arrived of a block of a later version; its checksum is still to come then. */
  #skip(): void {
    const size = Math.min(this.#arrived.size, this.#block.left)
    this.#take(size)
    this.#block.left -= size
    if (this.#block.left === 0) this.#expected = 'content'
  }

  #finishBlock(): DecodedRecord[] | undefined {
    const block = this.#block
    const stored = this.#take(block.left)
    const checksum = getU32(this.#arrived.take(BLOCK_TAIL_SIZE), 0)
    if (checksum !== this.#checksum) throw damaged(block.offset, 'a block whose checksum does not fit')
    this.#expected = block.kind === KIND_END ? 'nothing' : 'block'
    if (block.kind !== KIND_RECORDS && block.kind !== KIND_END) return undefined
    return withinBlock(block.offset, () => this.#readContent(block, stored))
  }

  #readContent({ kind, method, size }: Block, stored: Uint8Array): DecodedRecord[] | undefined {
    const content = new ByteSource(unpack(new ByteSource(stored), method, size, this.#reading.compressor))
    const count = content.varint()
    if (kind === KIND_END) {
      if (count !== this.#count) throw content.damaged(`${count} records announced, and ${this.#count} read`)
      return undefined
    }
    if (count > MAX_RECORDS_PER_BLOCK) throw content.damaged(`${count} records in a block`)
    const definitions = content.part()
    if (definitions.left > 0) definitions.rest((bytes) => this.#codec.define(bytes))
    const records = content.rest((bytes) => this.#codec.decodeArray(bytes))
    if (records.length !== count) throw content.damaged(`${records.length} records instead of ${count}`)
    this.#count += count
    return records
  }

  /** Takes bytes that the checksum covers. */
  #take(size: number): Uint8Array {
    const bytes = this.#arrived.take(size)
    this.#checksum = crc32(bytes, 0, size, this.#checksum)
    return bytes
  }
}

function checkHead(head: Uint8Array): void {
  if (equalBytes(head, HEAD)) return
  const format = HEAD.length - 1
  if (!equalBytes(head.subarray(0, format), HEAD.subarray(0, format)))
    throw new BlazeError('CODEC', 'These bytes are no stream of records.', { offset: 0 })
  const text = `This stream has format ${head[format]}; this version reads ${HEAD[format]}.`
  throw new BlazeError('CODEC', text, { offset: format })
}

/** Runs `read`, what the content of a block is read by; its CODEC is told as one at the block's place in the stream. */
function withinBlock<T>(offset: number, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!isBlazeError(error, 'CODEC')) throw error
    const text = `The block at byte ${offset} of the stream cannot be read. ${error.message}`
    throw new BlazeError('CODEC', text, { offset }, { cause: error })
  }
}

function damaged(offset: number, found: string): BlazeError<'CODEC'> {
  return new BlazeError('CODEC', `The stream is damaged at byte ${offset}: found ${found}.`, { offset })
}
