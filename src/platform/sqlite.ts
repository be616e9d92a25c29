/**
 * Reads SQLite files with what the process has: node:sqlite where Node has it (from 22.13 on with row by row), else the
 * package better-sqlite3 when it is installed beside this one or beside the program. Neither is a dependency.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { SqliteDoor, SqliteFile, SqliteRow } from './platform.ts'

/** What both libraries have of a statement that gives integers as bigint. */
interface Statement {
  run(): unknown
  all(): unknown[]
  iterate(): IterableIterator<unknown>
}

/** A connection of one of them. */
interface Connection {
  prepare(sql: string): Statement
  close(): void
}

type NodeStatement = Statement & { setReadBigInts(enabled: boolean): void }
type NodeConnection = { prepare(sql: string): NodeStatement; close(): void }
interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options: { readonly readOnly: boolean }) => NodeConnection
  readonly StatementSync: { readonly prototype: object }
}

type BetterStatement = Statement & { safeIntegers(enabled: boolean): BetterStatement }
type BetterConnection = { prepare(sql: string): BetterStatement; close(): void }
/** The constructor that better-sqlite3 exports. */
export type BetterSqlite = new (
  path: string,
  options: { readonly readonly: boolean; readonly fileMustExist: boolean },
) => BetterConnection

export const sqliteDoor: SqliteDoor = {
  async open(path) {
    const native = nodeSqlite()
    if (native !== undefined) return sqliteFile(openNative(native, path))
    const better = await betterSqlite()
    return better === undefined ? undefined : openBetter(better, path)
  },
}

/** A file read by better-sqlite3. */
export function openBetter(Database: BetterSqlite, path: string): SqliteFile {
  const connection = new Database(path, { readonly: true, fileMustExist: true })
  return sqliteFile({
    prepare: (sql) => connection.prepare(sql).safeIntegers(true),
    close: () => connection.close(),
  })
}

function openNative({ DatabaseSync }: NodeSqlite, path: string): Connection {
  const connection = new DatabaseSync(path, { readOnly: true })
  return {
    prepare(sql) {
      const statement = connection.prepare(sql)
      statement.setReadBigInts(true)
      return statement
    },
    close: () => connection.close(),
  }
}

function sqliteFile(connection: Connection): SqliteFile {
  try {
    // All that is read is of one moment, whoever writes to the file meanwhile.
    connection.prepare('BEGIN').run()
  } catch (error) {
    connection.close()
    throw error
  }
  // Both libraries give a row as an object of what SQLite knows: null, number, bigint, string, bytes.
  return {
    all: (sql) => connection.prepare(sql).all() as SqliteRow[],
    rows: (sql) => connection.prepare(sql).iterate() as IterableIterator<SqliteRow>,
    close: () => connection.close(),
  }
}

/** Without an import: bundlers and older versions of Node know no such module. */
function nodeSqlite(): NodeSqlite | undefined {
  // Node has it from 20.16 and 22.3 on; the types that the package is built with are older.
  const { getBuiltinModule } = process as unknown as { readonly getBuiltinModule?: (id: string) => unknown }
  const found = getBuiltinModule?.('node:sqlite') as NodeSqlite | undefined
  return found !== undefined && 'iterate' in found.StatementSync.prototype ? found : undefined
}

async function betterSqlite(): Promise<BetterSqlite | undefined> {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from)('better-sqlite3') as BetterSqlite
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error
    }
  }
  return undefined
}
