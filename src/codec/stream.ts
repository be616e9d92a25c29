/**
 * Streams of records: as many as there are, in bounded memory, for files, sockets and exports.
 *
 *   records ──▶ blocks of ≤ 1,024 records or about 64 KB ──▶ chunks of bytes ──▶ file, socket
 *
 *   ┌ head ────────────┬ block ─────────────────────────────────────┬ block ─────────┬ end ────────┐
 *   │ 89 BLZS 0D 0A 00 │ sizes · definitions 0–2 · 1,024 rows · crc │ … no new ones … │ 2,011 · crc │
 *   └──────────────────┴────────────────────────────────────────────┴────────────────┴─────────────┘
 *
 * One codec serves a stream, so names are spelt once: the definitions that a block is the first to need travel in it.
 *
 *   stream   := head block* end
 *   head     := 0x89 "BLZS" 0x0D 0x0A format        what is not 8-bit clean, or mends line ends, breaks it visibly
 *   format   := 0x00
 *   block    := kind method u32 stored, u32 size, byte{stored} crc
 *   kind     := 0 end | 1 records | a later version's: skipped by `stored`
 *   method   := 0 plain | 1 deflate | 2 brotli | 3 zstd     how `stored` bytes hold the `size` bytes of the content
 *   records  := varint n, varint (definitions size), definitions, rows      as Codec.definitions and encodeArray give them
 *   end      := varint n                            all records of the stream
 *   crc      := u32                                 CRC-32 of the block before it, begun with the crc before, or the head's
 *
 * Each checksum continues the one before: a block that is missing, doubled or moved fails at once, as one that is damaged.
 *
 * Invariants
 *  - What was written comes back in order, whatever the chunks in which it arrives.
 *  - A stream that ends before its end block, or goes on after it, is CODEC with the offset in the stream.
 *  - Nothing is held but one block and what one chunk holds beyond it; sizes are checked before anything is made.
 *  - A consumer that stops early, by return, throw or abort, closes the source. One that never began has not opened it.
 *
 * What it does not do: salvage what lies behind damage, timed flushes (a block goes out when it is full or the source
 * ends: a live feed takes small blocks), back-references across streams.
 */
import type { Compression, Compressor } from '../base/compression.ts'
import { BlazeError } from '../base/errors.ts'
import type { Source } from './abortable.ts'
import { methodNumber } from './compressed.ts'
import { readStream } from './read-stream.ts'
import type { DecodedRecord } from './record-codec.ts'
import { MAX_BLOCK_BYTES, MAX_BYTES_PER_BLOCK, MAX_RECORDS_PER_BLOCK } from './stream-format.ts'
import { writeStream } from './write-stream.ts'

/** Records in a block unless asked: from here on larger blocks are hardly smaller on disk. */
export const RECORDS_PER_BLOCK = 1024
/** Bytes of records, as they are estimated, after which a block is closed unless asked: a write that is worth its call. */
export const BYTES_PER_BLOCK: number = 64 * 1024

/** How a stream is written. */
export interface EncodeStreamOptions {
  /** Per block; default 'none'. What does not get smaller stays as it is. */
  readonly compression?: Compression
  /** Records in a block, 1 to 65,536; default 1,024. A reader gets them when their block is complete. */
  readonly recordsPerBlock?: number
  /** Bytes of records, about, after which a block is closed, 1 to 16 MiB; default 64 KiB. */
  readonly bytesPerBlock?: number
  readonly signal?: AbortSignal
}

/** How a stream is read. */
export interface DecodeStreamOptions {
  /** The largest block that is taken, in bytes, as stored and as restored; default and most 128 MiB. */
  readonly maxBlockBytes?: number
  readonly signal?: AbortSignal
}

/** The stream of the records. The options are checked at the call: INVALID_ARGUMENT, UNSUPPORTED. */
export function encodeBlocks(
  records: Source<object>,
  options: EncodeStreamOptions,
  compressor: Compressor,
): AsyncGenerator<Uint8Array, void> {
  const { compression = 'none', recordsPerBlock = RECORDS_PER_BLOCK, bytesPerBlock = BYTES_PER_BLOCK } = options
  checkBound('recordsPerBlock', recordsPerBlock, MAX_RECORDS_PER_BLOCK)
  checkBound('bytesPerBlock', bytesPerBlock, MAX_BYTES_PER_BLOCK)
  const method = methodNumber(compression, compressor)
  return writeStream(records, { method, compressor, recordsPerBlock, bytesPerBlock, signal: options.signal })
}

/** The records of a stream. The options are checked at the call: INVALID_ARGUMENT. */
export function decodeBlocks(
  chunks: Source<Uint8Array>,
  options: DecodeStreamOptions,
  compressor: Compressor,
): AsyncGenerator<DecodedRecord, void> {
  const { maxBlockBytes = MAX_BLOCK_BYTES, signal } = options
  checkBound('maxBlockBytes', maxBlockBytes, MAX_BLOCK_BYTES)
  return readStream(chunks, { compressor, maxBlockBytes, signal })
}

function checkBound(argument: string, value: number, limit: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= limit) return
  throw new BlazeError('INVALID_ARGUMENT', `${argument} is a whole number from 1 to ${limit}, not ${value}.`, {
    argument,
  })
}
