/** What a block is evaluated in, and what rows are. */

import { BlazeError } from '../../../../src/base/errors.ts'
import type { StoredRecord, Value } from '../../../../src/base/values.ts'
import type { QueryData } from '../../../../src/query/query-data.ts'

/** A row of a block: a record, a group, or fields put together. A field that is undefined is never there. */
export type Row = { readonly [name: string]: Value | undefined }

export type NaiveDatabase = ReadonlyMap<string, readonly StoredRecord[]>

export interface Scope {
  readonly database: NaiveDatabase
  /** The row outside of the query of an `exists`. */
  readonly outer: Row | undefined
  /** The rows of a block within this scope, or of one around it when a row is given. */
  rowsOf(data: QueryData, outer?: Row): readonly Row[]
}

/** The row with one field more; without it where the value is missing. */
export function withField(row: Row, name: string, value: Value | undefined): Row {
  return value === undefined ? row : { ...row, [name]: value }
}

/** The refusal of a value of a type that cannot be taken. */
export function wrongType(row: Row | undefined, what: string): BlazeError<'INVALID_QUERY'> {
  return new BlazeError('INVALID_QUERY', `${what}, in the row with id ${String(row?.['id'])}`, { path: '' })
}
