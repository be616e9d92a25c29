import { valueAt } from '../base/path.ts'
import type { Path, StoredRecord, Value } from '../base/values.ts'

/** Reads one field of a record: undefined when it is missing. */
export function compileGetter(path: Path): (record: StoredRecord) => Value | undefined {
  const name = path[0]
  // The empty path is the row itself.
  if (name === undefined) return (record) => record
  // A name that every object inherits (`constructor`) needs the check that the property is the record's own.
  if (path.length === 1 && !(name in Object.prototype)) return (record) => record[name]
  return (record) => valueAt(record, path)
}
