import type { StoredRecord } from '../../base/values.ts'
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
