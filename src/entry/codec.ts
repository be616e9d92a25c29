/** The public door of `blazedb/codec`: the record codec alone, without the database. */

import { type DecodeArrayOptions, decodePacked, type EncodeArrayOptions, encodePacked } from '../codec/packed-array.ts'
import type { DecodedRecord } from '../codec/record-codec.ts'
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

export type { Compression } from '../base/compression.ts'
export { BlazeError, type ErrorCode, type ErrorDetails, isBlazeError } from '../base/errors.ts'
export type { RecordId } from '../base/ids.ts'
export type { Change, ChangeKind, Operation } from '../base/operation.ts'
export type { StoredRecord, Value } from '../base/values.ts'
export { Codec, type CodecOptions } from '../codec/codec.ts'
export { decodeOperation, decodeOperations, encodeOperation, encodeOperations } from '../codec/operation.ts'
export type { DecodeArrayOptions, EncodeArrayOptions } from '../codec/packed-array.ts'
export type { DecodedRecord } from '../codec/record-codec.ts'
export { decode, encode } from '../codec/standalone.ts'
export { RecordView } from '../codec/view.ts'
