/**
 * Smaller cases of a failing one: a query with a clause less, a database with a record or a field less. Whatever is
 * taken away leaves a valid query, because a path that leads nowhere is a missing value.
 */
import type { Predicate, QueryData } from '../../../../src/query/query-data.ts'
import { hasOrder } from '../naive/evaluate.ts'
import type { Database } from './world.ts'

export function* smallerQueries(data: QueryData, isWithin = false): Generator<QueryData> {
  const { from, joins, computed, windows, sets, group, where, orderBy, select } = data
  const settled = (made: QueryData): QueryData =>
    isWithin && made.limit !== undefined && !hasOrder(made) ? { ...made, limit: undefined } : made
  if (from !== undefined && !isWithin) yield from
  if (from !== undefined) yield settled({ ...data, from: undefined })
  for (const set of isWithin ? [] : sets) yield set.other
  if (sets.length > 0) yield settled({ ...data, sets: [] })
  if (data.nearest !== undefined) yield settled({ ...data, nearest: undefined })
  for (const joined of without(joins)) yield settled({ ...data, joins: joined })
  for (const made of without(windows)) yield settled({ ...data, windows: made })
  if (group !== undefined) {
    yield settled({ ...data, group: undefined })
    if (group.having !== undefined) yield settled({ ...data, group: { ...group, having: undefined } })
    for (const keys of without(group.keys)) yield settled({ ...data, group: { ...group, keys } })
    for (const aggregates of without(group.aggregates)) {
      // Rows of nothing at all are no row to speak of.
      if (aggregates.length > 0) yield settled({ ...data, group: { ...group, aggregates } })
    }
  }
  if (where !== undefined) yield settled({ ...data, where: undefined })
  for (const made of without(computed)) yield settled({ ...data, computed: made })
  if (data.distinct) yield settled({ ...data, distinct: false })
  if (data.limit !== undefined) yield settled({ ...data, limit: undefined })
  if (data.offset > 0) yield settled({ ...data, offset: 0 })
  for (const keys of without(orderBy)) yield settled({ ...data, orderBy: keys })
  if (select !== undefined && !isWithin && sets.length === 0) yield settled({ ...data, select: undefined })
  if (select !== undefined && sets.length === 0) {
    for (const fields of without(select)) if (fields.length > 0) yield settled({ ...data, select: fields })
  }
  if (where !== undefined) for (const made of smallerPredicates(where)) yield settled({ ...data, where: made })
  if (group?.having !== undefined) {
    for (const having of smallerPredicates(group.having)) yield settled({ ...data, group: { ...group, having } })
  }
  if (from !== undefined) for (const made of smallerQueries(from, true)) yield settled({ ...data, from: made })
  for (const [i, join] of joins.entries()) {
    for (const other of smallerQueries(join.other, true)) yield { ...data, joins: joins.with(i, { ...join, other }) }
    for (const on of without(join.on)) if (on.length > 0) yield { ...data, joins: joins.with(i, { ...join, on }) }
  }
  for (const [i, set] of sets.entries()) {
    for (const other of smallerQueries(set.other, true)) {
      // Both sides keep the same fields.
      if (other.select === set.other.select) yield { ...data, sets: sets.with(i, { ...set, other }) }
    }
  }
  for (const [i, window] of windows.entries()) {
    for (const partitionBy of without(window.partitionBy)) {
      yield { ...data, windows: windows.with(i, { ...window, partitionBy }) }
    }
    for (const keys of without(window.orderBy)) {
      yield { ...data, windows: windows.with(i, { ...window, orderBy: keys }) }
    }
  }
}

/** The query without anything that could be taken away and leave `fails` true. */
export function smallest(data: QueryData, fails: (data: QueryData) => boolean): QueryData {
  for (const smaller of smallerQueries(data)) if (fails(smaller)) return smallest(smaller, fails)
  return data
}

function* smallerPredicates(predicate: Predicate): Generator<Predicate> {
  switch (predicate.kind) {
    case 'and':
    case 'or':
      yield* predicate.of
      for (const of of without(predicate.of)) yield { ...predicate, of }
      for (const [i, one] of predicate.of.entries()) {
        for (const made of smallerPredicates(one)) yield { ...predicate, of: predicate.of.with(i, made) }
      }
      break
    case 'not':
      yield predicate.of
      for (const of of smallerPredicates(predicate.of)) yield { ...predicate, of }
      break
    case 'inQuery':
      for (const query of smallerQueries(predicate.query, true)) {
        if (query.select?.length === 1) yield { ...predicate, query }
      }
      break
    case 'exists':
      if (predicate.on.length > 0) yield { ...predicate, on: [] }
      for (const query of smallerQueries(predicate.query, true)) yield { ...predicate, query }
      break
    default:
      break
  }
}

/** The database without anything that could be taken away and leave `fails` true. */
export function smallestDatabase(database: Database, fails: (database: Database) => boolean): Database {
  for (const smaller of smallerDatabases(database)) if (fails(smaller)) return smallestDatabase(smaller, fails)
  return database
}

export function* smallerDatabases(database: Database): Generator<Database> {
  const change = (name: string, records: NonNullable<ReturnType<Database['get']>>): Database =>
    new Map([...database, [name, records]])
  for (const [name, records] of database) {
    for (let size = records.length; size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < records.length; at += size) yield change(name, records.toSpliced(at, size))
    }
  }
  for (const [name, records] of database) {
    const fields = new Set(records.flatMap((record) => Object.keys(record)))
    fields.delete('id')
    for (const field of fields) {
      yield change(
        name,
        records.map(({ [field]: _, ...rest }) => rest as (typeof records)[number]),
      )
    }
    for (const [i, record] of records.entries()) {
      for (const field of fields) {
        if (!(field in record)) continue
        const { [field]: _, ...rest } = record
        yield change(name, records.with(i, rest as typeof record))
      }
    }
  }
}

/** The list without each of its elements; of several first without all. */
function* without<T>(list: readonly T[]): Generator<readonly T[]> {
  if (list.length > 1) yield []
  for (let i = 0; i < list.length; i++) yield list.toSpliced(i, 1)
}
