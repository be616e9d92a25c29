/** Windows: each row asks the rows of its partition, in their order. */
import type { Path, Value } from '../../../../src/base/values.ts'
import { equalValues } from '../../../../src/codec/order.ts'
import type { WindowField } from '../../../../src/query/query-data.ts'
import { resultOf } from './expression.ts'
import { aggregated } from './group.ts'
import { compareRows, sorted } from './order.ts'
import { type Row, type Scope, withField } from './scope.ts'

/** The rows with all fields of the windows, none of which sees another. */
export function windowed(
  rows: readonly Row[],
  windows: readonly WindowField[],
  identity: readonly Path[],
  scope: Scope,
): Row[] {
  const fields = windows.map((window) => {
    const values = new Map<Row, Value | undefined>()
    for (const partition of partitionsOf(rows, window, scope)) {
      const inOrder = sorted(partition, window.orderBy, identity)
      for (const [at, row] of inOrder.entries()) values.set(row, valueIn(inOrder, at, window, scope))
    }
    return { name: window.name, values }
  })
  return rows.map((row) => fields.reduce((made, { name, values }) => withField(made, name, values.get(row)), row))
}

function partitionsOf(rows: readonly Row[], { partitionBy }: WindowField, scope: Scope): readonly Row[][] {
  const partitions: { readonly key: readonly (Value | undefined)[]; readonly rows: Row[] }[] = []
  for (const row of rows) {
    const key = partitionBy.map((by) => resultOf(by, row, scope))
    const found = partitions.find((one) => one.key.every((value, i) => equalValues(value, key[i])))
    if (found === undefined) partitions.push({ key, rows: [row] })
    else found.rows.push(row)
  }
  return partitions.map((one) => one.rows)
}

/** Of the row at `at` of its partition, which is in order. */
function valueIn(partition: readonly Row[], at: number, window: WindowField, scope: Scope): Value | undefined {
  // True for the first of rows that the order does not tell apart.
  const isStep = (i: number): boolean => i === 0 || compareRows(partition[i - 1]!, partition[i]!, window.orderBy) !== 0
  const soFar = partition.slice(0, at + 1)
  switch (window.fn) {
    case 'rowNumber':
      return at + 1
    case 'rank':
      return soFar.findLastIndex((_, i) => isStep(i)) + 1
    case 'denseRank':
      return soFar.filter((_, i) => isStep(i)).length
    case 'lag':
    case 'lead': {
      const found = partition[window.fn === 'lag' ? at - window.distance : at + window.distance]
      return found === undefined ? window.fallback : resultOf(window.of!, found, scope)
    }
    default: {
      const frame = window.orderBy.length === 0 ? partition : soFar
      const { of } = window
      if (of === undefined) return frame.length
      const values = frame.map((one) => resultOf(of, one, scope))
      return aggregated(window.fn, values, undefined)
    }
  }
}
