/** The public door of `blazedb/codec`: the record codec alone, without the database. */

export { BlazeError, type ErrorCode, type ErrorDetails, isBlazeError } from '../base/errors.ts'
export type { RecordId } from '../base/ids.ts'
export type { Change, ChangeKind, Operation } from '../base/operation.ts'
export type { StoredRecord, Value } from '../base/values.ts'
export { Codec, type CodecOptions } from '../codec/codec.ts'
export { decodeOperation, decodeOperations, encodeOperation, encodeOperations } from '../codec/operation.ts'
export type { DecodedRecord } from '../codec/record-codec.ts'
export { decode, decodeArray, encode, encodeArray } from '../codec/standalone.ts'
export { RecordView } from '../codec/view.ts'
