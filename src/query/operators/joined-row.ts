import { copyValue } from '../../base/copy-value.ts'
import type { StoredRecord } from '../../base/values.ts'
import { invalidQuery } from '../capture.ts'
import type { Row } from '../source.ts'

/** A fresh row: the row with a field more, or with another value in it; without it when the value is missing. */
export function withField(row: StoredRecord | undefined, name: string, value: unknown): Row {
  const joined: { [name: string]: unknown } = { ...row }
  // Assigning `__proto__` would change the row's prototype instead.
  if (name === '__proto__' && value !== undefined)
    Object.defineProperty(joined, name, { value, enumerable: true, configurable: true, writable: true })
  else if (value === undefined) delete joined[name]
  else joined[name] = value
  // Rows of joins, groups and the like are typed by the builder; here they are what flows between operators.
  return joined as unknown as Row
}

/** Refuses a row with a field of the name under which another would be put; of no name nothing is. */
export function assertNameFree(row: StoredRecord, as: string): void {
  if (as === '' || !Object.hasOwn(row, as)) return
  const what = `record ${JSON.stringify(row.id)} has a field of that name; put the other under another one`
  throw invalidQuery(`join ${as}`, what)
}

/** The row for one of several that are made of it: these may not share what it holds. A row of scalars is itself. */
export function unshared(row: StoredRecord): StoredRecord {
  for (const name in row) if (typeof row[name] === 'object' && row[name] !== null) return copyValue(row)
  return row
}
