/**
 * Arbitraries of fast-check for whatever a database takes in: values, records, filters, queries, transactions, whole
 * histories. Each is repeatable by the seed of fast-check, shrinks to what is small and plain, and is bounded by its
 * options. All of them are plain arbitraries: map them, filter them, combine them with others.
 *
 *   import { arbitraries } from 'blazedb/testing'
 *
 *   fc.assert(fc.property(arbitraries.record({ schema: bug }), (bug) => …), { seed: 42 })
 */
import { query } from './arbitraries/query.ts'
import { record } from './arbitraries/record.ts'
import { bigint, bytes, date, id, name, number, text, vector } from './arbitraries/scalars.ts'
import { history, schedule, transaction } from './arbitraries/transaction.ts'
import { key, value } from './arbitraries/value.ts'
import { where } from './arbitraries/where.ts'

export const arbitraries: {
  readonly bigint: typeof bigint
  readonly bytes: typeof bytes
  readonly date: typeof date
  readonly history: typeof history
  readonly id: typeof id
  readonly key: typeof key
  readonly name: typeof name
  readonly number: typeof number
  readonly query: typeof query
  readonly record: typeof record
  readonly schedule: typeof schedule
  readonly text: typeof text
  readonly transaction: typeof transaction
  readonly value: typeof value
  readonly vector: typeof vector
  readonly where: typeof where
} = {
  bigint,
  bytes,
  date,
  history,
  id,
  key,
  name,
  number,
  query,
  record,
  schedule,
  text,
  transaction,
  value,
  vector,
  where,
}
