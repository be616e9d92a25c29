import { compilePredicate } from '../../query/predicate.ts'
import type { DynamicRecord } from '../../query/types.ts'
import { parseWhere } from '../../query/where.ts'
import { showValue } from './history.ts'

/** True when a key in that state is among the rows of a read by predicate: `values` of a list, else `value` of a register. */
export type Matcher = (where: unknown, key: string, value: unknown, values: readonly unknown[] | undefined) => boolean

/**
 * Filters as `db.collection.where` takes them. A register that holds an object is matched as a record (its `id` is the
 * key where it has none), another one as `{ id, value }`, a list as `{ id, values }`. What is not there never matches.
 */
export function filterMatcher(): Matcher {
  const compiled = new Map<string, (record: DynamicRecord) => boolean>()
  return (where, key, value, values) => {
    const record = recordOf(key, value, values)
    if (record === undefined) return false
    const text = showValue(where)
    let test = compiled.get(text)
    if (test === undefined) {
      test = compilePredicate(parseWhere(where))
      compiled.set(text, test)
    }
    return test(record)
  }
}

function recordOf(key: string, value: unknown, values: readonly unknown[] | undefined): DynamicRecord | undefined {
  if (values !== undefined) return values.length === 0 ? undefined : asRecord({ id: key, values })
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) return asRecord({ id: key, value })
  return asRecord({ id: key, ...value })
}

/** A value of a history is JSON, which a record can hold. */
function asRecord(fields: { readonly id: string; readonly [name: string]: unknown }): DynamicRecord {
  return fields as DynamicRecord
}
