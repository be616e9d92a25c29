/** The plain model of a database: records by collection and id, in maps; and what it means to be the same. */
import type { RecordId } from '../base/ids.ts'
import type { Value } from '../base/values.ts'
import { toJsonForm } from '../codec/json-form.ts'
import { sortedNames } from '../codec/order.ts'
import type { Query } from '../query/builder.ts'
import type { DynamicRecord } from '../query/types.ts'
import type { PlainRecord } from './arbitraries/plain-record.ts'

/** Records by collection and id. `1` and `'1'` are two ids, as in the database. */
export type RecordsModel = Map<string, Map<RecordId, PlainRecord>>

/** What holds collections: a database, a transaction or a snapshot. */
export interface Collections {
  collection(name: string): { query(): Query<DynamicRecord> }
}

/** An empty model. */
export function recordsModel(): RecordsModel {
  return new Map()
}

/** The records of one collection, made when it is not there. */
export function recordsOf(model: RecordsModel, collection: string): Map<RecordId, PlainRecord> {
  let records = model.get(collection)
  if (records === undefined) {
    records = new Map()
    model.set(collection, records)
  }
  return records
}

/** A copy that goes its own way. Records are never changed in place, so that they are shared. */
export function copyRecords(model: RecordsModel): RecordsModel {
  return new Map([...model].map(([name, records]) => [name, new Map(records)]))
}

/** A value as text that is equal iff the values are the same: kinds and -0 kept apart, the order of fields not. */
export function shown(value: Value | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(toJsonForm(sorted(value)))
}

/** With the fields of objects in one order. */
function sorted(value: Value): Value {
  if (Array.isArray(value)) return value.map((one: Value) => sorted(one))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const fields = value as PlainRecord
  return Object.fromEntries(sortedNames(fields).flatMap((name) => entryOf(name, fields[name])))
}

function entryOf(name: string, value: Value | undefined): [string, Value][] {
  return value === undefined ? [] : [[name, sorted(value)]]
}

/**
 * How the records of a database differ from those of the model: a line for each, none when they are the same. A collection
 * that is not there is an empty one.
 */
export function differences(db: Collections & { collections?(): string[] }, model: RecordsModel): string[] {
  const names = new Set([...(db.collections?.() ?? []), ...model.keys()])
  return [...names].flatMap((name) => {
    const expected = new Map([...(model.get(name) ?? [])])
    const lines: string[] = []
    for (const record of db.collection(name).query().all()) {
      const { id } = record
      const [is, should] = [shown({ ...record }), shown(expected.get(id))]
      if (is !== should) lines.push(`${name} ${shown(id)}: found ${is}, expected ${should}`)
      expected.delete(id)
    }
    for (const [id, record] of expected) lines.push(`${name} ${shown(id)}: found nothing, expected ${shown(record)}`)
    return lines.sort()
  })
}
