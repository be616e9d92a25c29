/** Windows: each row asks the rows of its partition. */
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
  return rows.map((row) =>
    windows.reduce((made, window) => {
      const partition = rows.filter((other) => samePartition(row, other, window, scope))
      return withField(made, window.name, valueIn(sorted(partition, window.orderBy, identity), row, window, scope))
    }, row),
  )
}

function samePartition(row: Row, other: Row, { partitionBy }: WindowField, scope: Scope): boolean {
  return partitionBy.every((by) => equalValues(resultOf(by, row, scope), resultOf(by, other, scope)))
}

function valueIn(partition: readonly Row[], row: Row, window: WindowField, scope: Scope): Value | undefined {
  const at = partition.indexOf(row)
  // The first row of each run of rows that the order does not tell apart.
  const steps = partition.filter((one, i) => i === 0 || compareRows(partition[i - 1]!, one, window.orderBy) !== 0)
  const stepsSoFar = steps.filter((one) => partition.indexOf(one) <= at)
  switch (window.fn) {
    case 'rowNumber':
      return at + 1
    case 'denseRank':
      return stepsSoFar.length
    case 'rank':
      return partition.indexOf(stepsSoFar.at(-1)!) + 1
    case 'lag':
    case 'lead': {
      const found = partition[window.fn === 'lag' ? at - window.distance : at + window.distance]
      return found === undefined ? window.fallback : resultOf(window.of!, found, scope)
    }
    default: {
      const frame = window.orderBy.length === 0 ? partition : partition.slice(0, at + 1)
      const { of } = window
      if (of === undefined) return frame.length
      return aggregated(
        window.fn,
        frame.map((one) => resultOf(of, one, scope)),
        undefined,
      )
    }
  }
}
