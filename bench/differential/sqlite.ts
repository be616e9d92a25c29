/** SQLite in memory with the records of a database, one table for a collection (see to-sql.ts). */
import { createRequire } from 'node:module'
import { valueAt } from '../../src/base/path.ts'
import type { Path, StoredRecord, Value } from '../../src/base/values.ts'
import type { QueryData } from '../../src/query/query-data.ts'
import { columnNames, type Tables } from './sql-terms.ts'
import { toSql } from './to-sql.ts'

/** What is used of better-sqlite3. */
interface Statement {
  run(...values: readonly unknown[]): unknown
  all(): { readonly [name: string]: Cell }[]
}
interface Sqlite {
  exec(sql: string): void
  pragma(text: string): unknown
  prepare(sql: string): Statement
  close(): void
}

type Cell = number | string | null
/** A row as both sides can give it: the text of each path to its value, without what is missing. */
export type FlatRow = { readonly [path: string]: Cell }

export interface SqlDatabase {
  rows(data: QueryData): FlatRow[]
  /** The same row of a query of the engine, as SQL has it. */
  flat(data: QueryData, row: { readonly [name: string]: Value | undefined }): FlatRow
  sql(data: QueryData): string
  close(): void
}

/** The library of `npm run bench:setup`, or undefined where it is not installed. */
export function sqliteLibrary(): (new (path: string) => Sqlite) | undefined {
  try {
    return createRequire(new URL('../package.json', import.meta.url))('better-sqlite3') as new (
      path: string,
    ) => Sqlite
  } catch {
    return undefined
  }
}

export function openSqlite(
  Library: new (path: string) => Sqlite,
  tables: Tables,
  database: ReadonlyMap<string, readonly StoredRecord[]>,
): SqlDatabase {
  const db = new Library(':memory:')
  db.pragma('case_sensitive_like = ON')
  for (const [name, columns] of tables) {
    db.exec(`CREATE TABLE "${name}" (${columns.flatMap(columnNames).join(', ')})`)
    const insert = db.prepare(`INSERT INTO "${name}" VALUES (${columns.map(() => '?, ?').join(', ')})`)
    for (const record of database.get(name) ?? []) {
      insert.run(...columns.flatMap((path) => cellsOf(valueAt(record, path))))
    }
  }
  return {
    rows(data) {
      const { sql, columns } = toSql(data, tables)
      return db
        .prepare(sql)
        .all()
        .map((row) =>
          fieldsOf(columns, (path) => {
            const name = path.join('.')
            return row[`${name}?`] === 1 ? row[name] : undefined
          }),
        )
    },
    flat(data, row) {
      return fieldsOf(toSql(data, tables).columns, (path) => cellOf(valueAt(row, path)))
    },
    sql: (data) => toSql(data, tables).sql,
    close: () => db.close(),
  }
}

function fieldsOf(columns: readonly Path[], at: (path: Path) => Cell | undefined): FlatRow {
  const fields = columns.map((path): [string, Cell | undefined] => [path.join('.'), at(path)])
  // What is undefined is taken out here.
  return Object.fromEntries(fields.filter(([, cell]) => cell !== undefined)) as FlatRow
}

function cellsOf(value: Value | undefined): readonly [Cell, number] {
  const cell = cellOf(value)
  return [cell ?? null, cell === undefined ? 0 : 1]
}

function cellOf(value: Value | undefined): Cell | undefined {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'boolean') return Number(value)
  // The worlds of these queries hold no other types.
  return value as Cell | undefined
}
