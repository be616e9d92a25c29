/**
 * Which fields of its records a block reads: what a record need be decoded for. All of them, unless the block says what
 * becomes of its rows (a projection, groups) and no condition asks another query.
 */
import { isFiltered, isShaped } from './block-shape.ts'
import type { JoinClause, QueryData } from './query-data.ts'
import { subqueriesOf, visitExpression, visitOwnPaths, visitPaths } from './references.ts'
import type { RecordSource } from './source.ts'

/** The names at the top of the block's own records; undefined: all. Those of joined rows may be among them. */
export function fieldsRead(data: QueryData): ReadonlySet<string> | undefined {
  const { from, search, select, group, joins, windows } = data
  if (from !== undefined || search !== undefined || (select === undefined && group === undefined)) return undefined
  // What windows look at is not among the paths of a block whose rows are told apart by value.
  if (asksQueries(data) || (isShaped(data) && windows.length > 0)) return undefined
  const names = new Set<string>(['id'])
  let isWhole = false
  const note = ([name]: readonly string[]): void => {
    if (name === undefined) isWhole = true
    else names.add(name)
  }
  visitOwnPaths(data, note)
  for (const { path } of group === undefined ? (select ?? []) : []) note(path)
  // A record must not have a field under which another is put, nor one that a window gives.
  for (const { as } of joins) if (as !== '') names.add(as)
  for (const { name } of windows) names.add(name)
  return isWhole ? undefined : names
}

/** The same of the records that a join finds; undefined: all. */
export function fieldsJoined(data: QueryData, { as, on, other }: JoinClause): ReadonlySet<string> | undefined {
  if (fieldsRead(data) === undefined || !isFiltered(other) || asksQueries(other)) return undefined
  const names = new Set<string>(['id'])
  let isWhole = false
  const note = ([name]: readonly string[]): void => {
    if (name === undefined) isWhole = true
    else names.add(name)
  }
  const noteWithin = ([first, ...rest]: readonly string[]): void => {
    if (first === as && as !== '') note(rest)
  }
  visitOwnPaths(data, noteWithin)
  for (const { path } of data.group === undefined ? (data.select ?? []) : []) noteWithin(path)
  for (const { right } of on) visitExpression(right, note)
  if (other.where !== undefined) visitPaths(other.where, note)
  return isWhole ? undefined : names
}

/** The source as far as these fields are read; undefined: all. */
export function narrow(source: RecordSource, fields: ReadonlySet<string> | undefined): RecordSource {
  return fields === undefined ? source : (source.narrowed?.(fields) ?? source)
}

/** A query within may look at any field of the row outside it. */
function asksQueries({ where, group, joins }: QueryData): boolean {
  const conditions = [where, group?.having, ...(group?.aggregates ?? []).map((one) => one.where)]
  if (joins.some(({ other }) => other.where !== undefined && subqueriesOf(other.where).length > 0)) return true
  return conditions.some((one) => one !== undefined && subqueriesOf(one).length > 0)
}
