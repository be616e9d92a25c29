/** Many records as one piece of bytes: `varint n, (varint size, record){n}`. */
import { BlazeError } from '../base/errors.ts'
import type { DecodedRecord, RecordCodec } from './record-codec.ts'
import { MAX_VARINT_SIZE, readPlainVarint, varintSize, writeVarint } from './varint.ts'

/** The bytes of the records: a copy. INVALID_VALUE with the path, from the record's position, of what cannot be stored. */
export function encodeBatch(codec: RecordCodec, records: readonly object[]): Uint8Array {
  const parts = records.map((record, i) => codec.encode(record, `[${i}]`).slice())
  const size = parts.reduce((sum, { length }) => sum + varintSize(length) + length, MAX_VARINT_SIZE)
  const bytes = new Uint8Array(size)
  let at = writeVarint(bytes, 0, parts.length)
  for (const part of parts) {
    at = writeVarint(bytes, at, part.length)
    bytes.set(part, at)
    at += part.length
  }
  return bytes.slice(0, at)
}

/** The records of a batch. CODEC when the bytes cannot be read. */
export function decodeBatch(codec: RecordCodec, bytes: Uint8Array): DecodedRecord[] {
  const count = readPlainVarint(bytes, 0)
  const records: DecodedRecord[] = []
  let at = count.end
  for (let i = 0; i < count.value; i++) {
    const size = readPlainVarint(bytes, at)
    at = size.end + size.value
    records.push(codec.decode(bytes, size.end, at))
  }
  if (at !== bytes.length) throw new BlazeError('CODEC', 'Bytes after the last record.', { offset: at })
  return records
}
