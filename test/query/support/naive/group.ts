/** Groups and what is aggregated of them. */
import type { Path, Value } from '../../../../src/base/values.ts'
import { compareValues, equalValues } from '../../../../src/codec/order.ts'
import type { Aggregate, AggregateFunction, GroupClause } from '../../../../src/query/query-data.ts'
import { resultOf } from './expression.ts'
import { sorted } from './order.ts'
import { holds } from './predicate.ts'
import { type Row, type Scope, withField, wrongType } from './scope.ts'

/** One row a group; without keys exactly one, also of no rows. */
export function grouped(rows: readonly Row[], group: GroupClause, identity: readonly Path[], scope: Scope): Row[] {
  const groups: { readonly key: Row; readonly rows: Row[] }[] = group.keys.length === 0 ? [{ key: {}, rows: [] }] : []
  for (const row of rows) {
    const key = group.keys.reduce(
      (made: Row, { name, value }) => withField(made, name, resultOf(value, row, scope)),
      {},
    )
    const found = groups.find((one) => equalValues(one.key, key))
    if (found === undefined) groups.push({ key, rows: [row] })
    else found.rows.push(row)
  }
  return groups
    .map((one) =>
      group.aggregates.reduce(
        (made, aggregate) => withField(made, aggregate.name, aggregateOf(aggregate, one.rows, identity, scope)),
        one.key,
      ),
    )
    .filter((row) => group.having === undefined || holds(group.having, row, scope))
}

function aggregateOf(aggregate: Aggregate, rows: readonly Row[], identity: readonly Path[], scope: Scope): Value {
  const { fn, of, where, orderBy, fraction } = aggregate
  const taken = sorted(rows, orderBy, identity).filter((row) => where === undefined || holds(where, row, scope))
  if (of === undefined) return taken.length
  return aggregated(
    fn,
    taken.map((row) => resultOf(of, row, scope)),
    fraction,
  )
}

/** Of values in their order; null and missing are passed over. */
export function aggregated(
  fn: AggregateFunction,
  values: readonly (Value | undefined)[],
  fraction: number | undefined,
): Value {
  const present = values.filter((value) => value !== undefined && value !== null)
  switch (fn) {
    case 'count':
      return present.length
    case 'countDistinct':
      return present.filter((value, i) => present.findIndex((other) => equalValues(other, value)) === i).length
    case 'sum':
      return sumOf(present)
    case 'avg':
      return present.length === 0 ? null : Number(sumOf(present)) / present.length
    case 'min':
      return present.toSorted(compareValues)[0] ?? null
    case 'max':
      return present.toSorted(compareValues).at(-1) ?? null
    case 'first':
      return present[0] ?? null
    case 'last':
      return present.at(-1) ?? null
    case 'array':
      return present
    case 'median':
      return percentileOf(present, 0.5)
    case 'percentile':
      return percentileOf(present, fraction!)
  }
}

function sumOf(values: readonly Value[]): number | bigint {
  const numbers = values.map(numeric)
  if (numbers.length > 0 && numbers.every((number) => typeof number === 'bigint')) {
    return numbers.reduce((sum, number) => sum + number, 0n)
  }
  return numbers.reduce((sum: number, number) => sum + Number(number), 0)
}

/** Between the two values around that fraction of the way from the first to the last, in proportion. */
function percentileOf(values: readonly Value[], fraction: number): number | null {
  if (values.length === 0) return null
  const numbers = values.map((value) => Number(numeric(value))).sort(compareValues)
  const at = (numbers.length - 1) * fraction
  const lower = numbers[Math.floor(at)]!
  const upper = numbers[Math.ceil(at)]!
  return lower === upper ? lower : lower + (upper - lower) * (at - Math.floor(at))
}

function numeric(value: Value): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  throw wrongType(undefined, 'sum, avg, median and percentile take numbers')
}
