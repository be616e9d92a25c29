import type { Value } from '../../base/values.ts'

/** A record, or the input of an insert: a plain object. */
export type PlainRecord = { [name: string]: Value | undefined }
