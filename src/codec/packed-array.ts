/**
 * Arrays of records, by themselves and compressed if asked for: for files, messages and caches that are read whole.
 *
 *   packed  := array | head varint size, byte*      size: bytes of the array before it was compressed
 *   array   := as standalone.ts gives it            begins with its format number, which is below 0xF0
 *   head    := 0xF0 + method                        1 deflate, 2 brotli, 3 zstd; the rest is reserved
 *
 * The head tells which of them it is, so one call reads all. Compressed bytes that say to be larger than the limit are
 * refused before anything is made, and none are made beyond what they say: no bytes, however few, take more memory.
 */
import type { Compression, Compressor } from '../base/compression.ts'
import { BlazeError } from '../base/errors.ts'
import { ByteSink } from './byte-sink.ts'
import { ByteSource } from './byte-source.ts'
import { methodNumber, PLAIN, pack, unpack } from './compressed.ts'
import type { DecodedRecord } from './record-codec.ts'
import { decodeArray, encodeArray } from './standalone.ts'

const PACKED = 0xf0

/** The largest array that is unpacked unless asked: about a million records, which take a few times that as objects. */
export const MAX_UNPACKED_BYTES: number = 256 * 1024 * 1024

/** How an array is encoded. */
export interface EncodeArrayOptions {
  /** Default 'none'. What does not get smaller stays as it is. */
  readonly compression?: Compression
}

/** How an array is decoded. */
export interface DecodeArrayOptions {
  /** What compressed bytes may become, in bytes. Default 256 MiB. */
  readonly maxBytes?: number
}

/** The bytes of the records. Errors: INVALID_VALUE, INVALID_ARGUMENT, UNSUPPORTED. */
export function encodePacked(
  records: readonly object[],
  { compression = 'none' }: EncodeArrayOptions,
  compressor: Compressor,
): Uint8Array {
  const asked = methodNumber(compression, compressor)
  const array = encodeArray(records)
  const { method, bytes } = pack(array, asked, compressor)
  if (method === PLAIN) return array
  const target = new ByteSink()
  target.byte(PACKED + method)
  target.varint(array.length)
  target.append(bytes)
  // A head of some bytes can eat up what compression saved.
  return target.size < array.length ? target.bytes.slice() : array
}

/** The records of the bytes. Errors: CODEC, INVALID_ARGUMENT, UNSUPPORTED. */
export function decodePacked(
  bytes: Uint8Array,
  { maxBytes = MAX_UNPACKED_BYTES }: DecodeArrayOptions,
  compressor: Compressor,
): DecodedRecord[] {
  if (!(maxBytes >= 0))
    throw new BlazeError('INVALID_ARGUMENT', 'maxBytes is a number of bytes.', { argument: 'maxBytes' })
  const head = bytes[0]
  if (head === undefined || head < PACKED) return decodeArray(bytes)
  const source = new ByteSource(bytes, 1)
  const size = source.varint()
  if (size > maxBytes) throw source.damaged(`an array of ${size} bytes, above the limit of ${maxBytes} (maxBytes)`)
  return decodeArray(unpack(source, head - PACKED, size, compressor))
}
