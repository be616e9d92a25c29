/**
 * The naive evaluator: what a query means, said as plainly as can be, for everything else to be held to. It shares with
 * the engine only the total order of values, the rows' identity and the data of a query; every operator is the sentence
 * that defines it, over whole arrays, each row tried with every other. A block runs through these, top to bottom:
 *
 *   rows of the collection, or of the block `from`
 *   → nearest → joins → computed → where → group, having → windows
 *   → with distinct or sets: select, distinct, sets, order, offset and limit
 *   → else:                  order, offset and limit, select
 *
 * Without an order rows come in any: the caller compares them as a multiset (same-rows.ts). Text search is judged
 * elsewhere.
 */
import { valueAt } from '../../../../src/base/path.ts'
import { equalValues } from '../../../../src/codec/order.ts'
import {
  BY_ID,
  type OrderKey,
  type QueryData,
  type SelectedField,
  type SetClause,
} from '../../../../src/query/query-data.ts'
import { identityOf } from '../../../../src/query/row-identity.ts'
import { resultOf } from './expression.ts'
import { grouped } from './group.ts'
import { joined } from './join.ts'
import { sorted } from './order.ts'
import { withDistances } from './place.ts'
import { holds } from './predicate.ts'
import { type NaiveDatabase, type Row, type Scope, withField } from './scope.ts'
import { windowed } from './window.ts'

/** The rows of a query over a database, in its order where it has one. */
export function evaluate(data: QueryData, database: NaiveDatabase): Row[] {
  return rowsOfBlock(data, scopeOf(database, undefined))
}

function scopeOf(database: NaiveDatabase, outer: Row | undefined): Scope {
  const scope: Scope = {
    database,
    outer,
    rowsOf: (data, around) => rowsOfBlock(data, around === undefined ? scope : scopeOf(database, around)),
  }
  return scope
}

function rowsOfBlock(data: QueryData, scope: Scope): Row[] {
  const { from, nearest, joins, computed, where, group, windows, select, offset, limit } = data
  let rows: readonly Row[] = from === undefined ? (scope.database.get(data.collection) ?? []) : scope.rowsOf(from)
  if (nearest !== undefined) rows = withDistances(rows, nearest)
  for (const join of joins) rows = joined(rows, join, scope)
  for (const { name, value } of computed) rows = rows.map((row) => withField(row, name, resultOf(value, row, scope)))
  if (where !== undefined) rows = rows.filter((row) => holds(where, row, scope))
  const whole: QueryData = { ...data, distinct: false, sets: [] }
  if (group !== undefined) rows = grouped(rows, group, identityOf({ ...whole, group: undefined }), scope)
  rows = windowed(rows, windows, identityOf(whole), scope)

  const isSelectedFirst = data.distinct || data.sets.length > 0
  if (select !== undefined && isSelectedFirst) rows = rows.map((row) => selected(row, select))
  if (data.distinct) rows = distinct(rows)
  for (const set of data.sets) rows = combined(rows, set, scope)
  if (hasOrder(data)) rows = sorted(rows, orderOf(data), identityOf(data))
  rows = rows.slice(offset, limit === undefined ? undefined : offset + limit)
  return select === undefined || isSelectedFirst ? [...rows] : rows.map((row) => selected(row, select))
}

/** True where the rows of a query come in one order only. */
export function hasOrder(data: QueryData): boolean {
  return orderOf(data).length > 0
}

function orderOf(data: QueryData): readonly OrderKey[] {
  if (data.orderBy.length > 0) return data.orderBy
  const isRanked = data.nearest !== undefined && data.group === undefined && !data.distinct && data.sets.length === 0
  if (isRanked) return [{ ...BY_ID, path: ['$distance'] }]
  return data.offset > 0 ? [BY_ID] : []
}

function selected(row: Row, select: readonly SelectedField[]): Row {
  return select.reduce((made: Row, { name, path }) => withField(made, name, valueAt(row, path)), {})
}

function distinct(rows: readonly Row[]): Row[] {
  return rows.filter((row, i) => rows.findIndex((other) => equalValues(other, row)) === i)
}

function combined(rows: readonly Row[], { kind, other }: SetClause, scope: Scope): Row[] {
  const others = scope.rowsOf(other)
  const isAmongOthers = (row: Row): boolean => others.some((one) => equalValues(one, row))
  switch (kind) {
    case 'union':
      return distinct([...rows, ...others])
    case 'unionAll':
      return [...rows, ...others]
    case 'intersect':
      return distinct(rows.filter(isAmongOthers))
    case 'except':
      return distinct(rows.filter((row) => !isAmongOthers(row)))
  }
}
