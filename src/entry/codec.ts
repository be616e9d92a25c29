/** The public door of `blazedb/codec`: the record codec alone, without the database. */

import { type DecodeArrayOptions, decodePacked, type EncodeArrayOptions, encodePacked } from '../codec/packed-array.ts'
import type { DecodedRecord } from '../codec/record-codec.ts'
import { type DecodeStreamOptions, decodeBlocks, type EncodeStreamOptions, encodeBlocks } from '../codec/stream.ts'
import { nodeCompressor } from '../platform/compression.ts'

/**
 * The bytes of many records, definitions included: a copy, the caller's own. With `compression` they are compressed
 * when that makes them smaller: 'deflate' is the quick one, 'brotli' the small one. Errors: INVALID_VALUE with the path
 * of what cannot be stored, UNSUPPORTED when the runtime lacks the method, INVALID_ARGUMENT.
 * @example
 * const bytes = encodeArray(bugs, { compression: 'brotli' })
 * await writeFile('bugs.bin', bytes)
 * const again = decodeArray(await readFile('bugs.bin'))
 */
export function encodeArray(records: readonly object[], options: EncodeArrayOptions = {}): Uint8Array {
  return encodePacked(records, options, nodeCompressor)
}

/**
 * The records that {@link encodeArray} was given, compressed or not: fresh plain objects, the caller's own. CODEC with
 * the offset for bytes that are damaged, not all used, of a later format, or that would become more than `maxBytes`
 * (256 MiB); UNSUPPORTED when the runtime lacks the method.
 */
export function decodeArray(bytes: Uint8Array, options: DecodeArrayOptions = {}): DecodedRecord[] {
  return decodePacked(bytes, options, nodeCompressor)
}

/**
 * A stream of records as bytes: a chunk for each block, the consumer's own. Pulls from `records` as it is pulled from,
 * and holds one block of them; a record must stay as it is until its block is out. Stopping early closes the source.
 * Errors: INVALID_ARGUMENT and UNSUPPORTED at the call; INVALID_VALUE with the path from the record's number (`[7].tags`),
 * TOO_LARGE for a block above 128 MiB, ABORTED, whatever the source throws.
 * @example
 * await pipeline(Readable.from(encodeStream(bugs, { compression: 'deflate' })), createWriteStream('bugs.blz'))
 * for await (const bug of decodeStream(createReadStream('bugs.blz'))) console.log(bug.title)
 */
export function encodeStream(
  records: Iterable<object> | AsyncIterable<object>,
  options: EncodeStreamOptions = {},
): AsyncGenerator<Uint8Array, void> {
  return encodeBlocks(records, options, nodeCompressor)
}

/**
 * The records of a stream that {@link encodeStream} wrote, one by one: fresh plain objects, the caller's own. Chunks may
 * be cut anywhere; a stream of Node is taken as it is, with no encoding set. Holds one block; ends when `chunks` does, and
 * closes them when it is stopped early. Errors: CODEC with the offset in the stream for one that is damaged, cut short, too
 * long or of a later format; UNSUPPORTED, INVALID_ARGUMENT, ABORTED, whatever `chunks` throws. Records that came before
 * the error are good.
 */
export function decodeStream(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: DecodeStreamOptions = {},
): AsyncGenerator<DecodedRecord, void> {
  return decodeBlocks(chunks, options, nodeCompressor)
}

export { compareKeys } from '../base/bytes.ts'
export type { Compression } from '../base/compression.ts'
export { BlazeError, type ErrorCode, type ErrorDetails, isBlazeError } from '../base/errors.ts'
export type { RecordId } from '../base/ids.ts'
export type { Change, ChangeKind, Operation } from '../base/operation.ts'
export type { StoredRecord, Value } from '../base/values.ts'
export type { AnatomyKind, AnatomyPart } from '../codec/anatomy.ts'
export { Codec, type CodecOptions } from '../codec/codec.ts'
export { encodeKey } from '../codec/encode-key.ts'
export type { KeyPartOptions } from '../codec/key.ts'
export { decodeOperation, decodeOperations, encodeOperation, encodeOperations } from '../codec/operation.ts'
export type { DecodeArrayOptions, EncodeArrayOptions } from '../codec/packed-array.ts'
export type { DecodedRecord } from '../codec/record-codec.ts'
export { decode, encode } from '../codec/standalone.ts'
export type { DecodeStreamOptions, EncodeStreamOptions } from '../codec/stream.ts'
export { RecordView } from '../codec/view.ts'
