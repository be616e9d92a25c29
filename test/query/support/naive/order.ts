/** The order of rows. */
import { valueAt } from '../../../../src/base/path.ts'
import type { Path } from '../../../../src/base/values.ts'
import { compareValues, foldValue } from '../../../../src/codec/order.ts'
import type { OrderKey } from '../../../../src/query/query-data.ts'
import type { Row } from './scope.ts'

/** By the keys, then by the rows' identity in the direction of the last key. */
export function sorted(rows: readonly Row[], keys: readonly OrderKey[], identity: readonly Path[]): Row[] {
  const ties = identity.map((path) => keyOf(path, keys.at(-1)?.descending ?? false))
  return [...rows].sort((a, b) => compareRows(a, b, [...keys, ...ties]))
}

/** 0 where no key tells the rows apart. */
export function compareRows(a: Row, b: Row, keys: readonly OrderKey[]): number {
  for (const key of keys) {
    const order = compareByKey(a, b, key)
    if (order !== 0) return order
  }
  return 0
}

function compareByKey(a: Row, b: Row, { path, descending, nocase, nulls }: OrderKey): number {
  const left = nocase ? foldValue(valueAt(a, path)) : valueAt(a, path)
  const right = nocase ? foldValue(valueAt(b, path)) : valueAt(b, path)
  const leftIsNull = left === undefined || left === null
  const rightIsNull = right === undefined || right === null
  if (nulls !== undefined && leftIsNull !== rightIsNull) return leftIsNull === (nulls === 'first') ? -1 : 1
  return descending ? compareValues(right, left) : compareValues(left, right)
}

function keyOf(path: Path, descending: boolean): OrderKey {
  return { path, descending, nocase: false, nulls: undefined }
}
