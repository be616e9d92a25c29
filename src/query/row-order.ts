/** The order of rows: the keys of `orderBy`, ties broken by `id` in the direction of the last key. */
import type { RecordId } from '../base/ids.ts'
import type { StoredRecord, Value } from '../base/values.ts'
import { compareValues, foldValue } from '../codec/order.ts'
import { compileGetter } from './getter.ts'
import type { OrderKey } from './query-data.ts'

/** Where a row stands in an order: the values of its keys (folded where the key says so) and its id. */
export interface RowKey {
  readonly keys: readonly (Value | undefined)[]
  /** Undefined where rows have none: the keys then decide all ties. */
  readonly id: RecordId | undefined
}

/** A row with its place, taken once so that comparing does not read the record again. */
export interface PlacedRow extends RowKey {
  readonly row: StoredRecord
}

export interface RowOrder {
  place(row: StoredRecord): PlacedRow
  /** Total: 0 only for the same id. */
  compare(a: RowKey, b: RowKey): number
  /** By the keys alone, ties left open. */
  compareKeys(a: RowKey, b: RowKey): number
}

/** The order that the keys state. Of no keys: by id, ascending. */
export function compileOrder(orderBy: readonly OrderKey[]): RowOrder {
  const getters = orderBy.map((key) => compileGetter(key.path))
  const comparers = orderBy.map(compileKeyOrder)
  const idSign = orderBy.at(-1)?.descending === true ? -1 : 1
  const only = comparers.length === 1 ? comparers[0] : undefined
  const compareKeys = (a: RowKey, b: RowKey): number => {
    if (only !== undefined) return only(a.keys[0], b.keys[0])
    for (let i = 0; i < comparers.length; i++) {
      const order = comparers[i]!(a.keys[i], b.keys[i])
      if (order !== 0) return order
    }
    return 0
  }
  return {
    place: (row) => {
      const keys = new Array<Value | undefined>(getters.length)
      for (let i = 0; i < getters.length; i++) keys[i] = keyOf(getters[i]!(row), orderBy[i]!.nocase)
      return { keys, id: isRecordId(row.id) ? row.id : undefined, row }
    },
    compareKeys,
    compare: (a, b) => {
      const order = compareKeys(a, b)
      return order !== 0 ? order : idSign * compareScalars(a.id, b.id)
    },
  }
}

/** A group may have anything in its field `id`: then its keys decide. */
export function isRecordId(id: unknown): id is RecordId {
  return typeof id === 'string' || Number.isSafeInteger(id)
}

function compileKeyOrder(key: OrderKey): (a: Value | undefined, b: Value | undefined) => number {
  const sign = key.descending ? -1 : 1
  if (key.nulls === undefined) return (a, b) => sign * compareScalars(a, b)
  const nullSign = key.nulls === 'first' ? -1 : 1
  return (a, b) => {
    const aIsNull = a === undefined || a === null
    const bIsNull = b === undefined || b === null
    if (aIsNull !== bIsNull) return aIsNull ? nullSign : -nullSign
    return sign * compareScalars(a, b)
  }
}

/** compareValues, with the commonest case taken first: two numbers that are not NaN. */
function compareScalars(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') {
    if (a < b) return -1
    if (a > b) return 1
    if (a === b) return 0
  }
  return compareValues(a, b)
}

/** What a row is ordered by: in an order that ignores case, the value folded, as an index does. */
function keyOf(value: Value | undefined, nocase: boolean): Value | undefined {
  return nocase ? foldValue(value) : value
}
