/** Rows are made here: fields of any name. */
import type { StoredRecord, Value } from '../base/values.ts'
import { invalidQuery } from './capture.ts'
import type { Row } from './source.ts'

/** Sets a field of a row that nobody else holds; a missing value removes it. */
export function setField(row: Row, name: string, value: Value | undefined): void {
  // The row is the operator's own until it is handed out: the only time it may change.
  const fields = row as { [name: string]: Value | undefined }
  if (value === undefined) {
    if (Object.hasOwn(row, name)) delete fields[name]
  } else if (name === '__proto__') {
    // Assigning `__proto__` would change the row's prototype instead.
    Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true })
  } else fields[name] = value
}

/** What rows of groups, and of joins without a left side, begin with. Such rows need have no `id`. */
export function emptyRow(): Row {
  // Rows of groups and the like are typed by the builder; here they are what flows between operators.
  return {} as Row
}

/** Refuses a row with a field of the name under which another would be put; of no name nothing is. */
export function assertNameFree(row: StoredRecord, as: string): void {
  if (as === '' || !Object.hasOwn(row, as)) return
  const what = `${nameOfRow(row)} has a field of that name; put the other under another one`
  throw invalidQuery(`join ${as}`, what)
}

/** How an error names a row. */
export function nameOfRow(row: StoredRecord): string {
  // Rows of groups and of outer joins may have no id, whatever their type says.
  const { id } = row as { readonly id?: Value }
  return typeof id === 'string' || typeof id === 'number' ? `record ${JSON.stringify(id)}` : 'a row without an id'
}
