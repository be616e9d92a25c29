/**
 * What a table of an SQLite file is as a collection: its id, and those of its indexes that have a counterpart.
 *
 *   primary key of one column      its value is the id, and the field is called id
 *   of several columns             the id is the JSON array of their values, and the fields stay
 *   none, and a column `id`        that column
 *   none at all                    the rowid; of a view, which has none, an id is made
 *
 * An integer key beyond 2^53, which no number keeps, becomes the string of its digits.
 */
import { BlazeError } from '../../base/errors.ts'
import { formatPath } from '../../base/path.ts'
import type { IndexOptions } from '../../indexes/index-spec.ts'
import type { SqliteFile, SqliteRow } from '../../platform/platform.ts'

/** A record on its way in: what a table's row is, before `map`. */
export type ImportedRecord = { [field: string]: unknown }

export interface SqliteTable {
  readonly name: string
  /** Reads the rows; with the rowid under a name of ours when it is the id. */
  readonly query: string
  /** What the id is made of. */
  readonly key: readonly string[]
  readonly indexes: readonly IndexOptions[]
  /** Indexes that have no counterpart, and why. */
  readonly leftOut: readonly LeftOutIndex[]
}

export interface LeftOutIndex {
  readonly index: string
  readonly reason: string
}

/** No column has this name by accident. */
const ROWID = '$rowid'

/** The tables of a file, or those of these names; views only by name. INVALID_ARGUMENT for a name that is none. */
export function tablesOf(file: SqliteFile, names: readonly string[] | undefined): SqliteTable[] {
  const all = file.all(
    "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
  )
  const chosen = names ?? all.filter(({ type }) => type === 'table').map(({ name }) => String(name))
  return [...new Set(chosen)].map((name) => {
    const found = all.find((each) => each['name'] === name)
    if (found !== undefined) return tableOf(file, name, found)
    throw invalid(
      'tables',
      `the file has no table ${JSON.stringify(name)}; it has ${all.map((each) => each['name']).join(', ')}`,
    )
  })
}

function tableOf(file: SqliteFile, name: string, { type, wr }: SqliteRow): SqliteTable {
  const columns = file.all(`SELECT name, pk FROM pragma_table_info(${text(name)}) ORDER BY cid`)
  const all = columns.map((column) => String(column['name']))
  const primary = columns
    .filter(({ pk }) => Number(pk) > 0)
    .toSorted((a, b) => Number(a['pk']) - Number(b['pk']))
    .map((column) => String(column['name']))
  const byRowid = primary.length === 0 && !all.includes('id') && type === 'table' && Number(wr) === 0
  const key = primary.length > 0 ? primary : all.includes('id') ? ['id'] : byRowid ? [ROWID] : []
  if (key[0] !== 'id' && all.includes('id')) {
    throw invalid(
      'tables',
      `${name} has a column id that is not its primary key (${primary.join(', ')}), and a record has one id. Import a view in which one of them has another name`,
    )
  }
  const rowid = all.some((column) => column.toLowerCase() === 'rowid') ? '_rowid_' : 'rowid'
  const query = `SELECT *${byRowid ? `, ${rowid} AS ${quoted(ROWID)}` : ''} FROM ${quoted(name)}`
  return { name, query, key, ...indexesOf(file, name, key) }
}

/** The record of a row. */
export function recordOf(row: SqliteRow, key: readonly string[]): ImportedRecord {
  const record: ImportedRecord = {}
  const [only] = key
  if (key.length > 1) setField(record, 'id', JSON.stringify(key.map((column) => textKey(row[column]))))
  else if (only !== undefined) setField(record, 'id', keyOf(row[only]))
  for (const column of Object.keys(row)) {
    if (key.length === 1 && column === only) continue
    setField(record, column, stored(row[column]))
  }
  return record
}

function keyOf(value: SqliteRow[string] | undefined): unknown {
  const key = stored(value)
  return typeof key === 'bigint' ? String(key) : key
}

/** In the JSON of a composite key: bytes as their hexadecimal digits, large integers as their digits. */
function textKey(value: SqliteRow[string] | undefined): unknown {
  const key = keyOf(value)
  return key instanceof Uint8Array ? Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('') : key
}

/** Integers that a number keeps are numbers; bytes are copies. */
function stored(value: SqliteRow[string] | undefined): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  return value instanceof Uint8Array ? Uint8Array.from(value) : (value ?? null)
}

function setField(record: ImportedRecord, name: string, value: unknown): void {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true })
}

function indexesOf(file: SqliteFile, table: string, key: readonly string[]): Pick<SqliteTable, 'indexes' | 'leftOut'> {
  const indexes: IndexOptions[] = []
  const leftOut: LeftOutIndex[] = []
  const list = file.all(
    `SELECT name, "unique", origin, partial FROM pragma_index_list(${text(table)}) ORDER BY seq DESC`,
  )
  for (const { name, unique, origin, partial } of list) {
    // The primary key is the id, or stays a matter of the id.
    if (origin === 'pk') continue
    const index = String(name)
    const columns = file.all(
      `SELECT name, "desc", coll FROM pragma_index_xinfo(${text(index)}) WHERE key = 1 ORDER BY seqno`,
    )
    const reason = Number(partial) === 1 ? 'it is partial' : reasonOf(columns)
    if (reason === undefined) indexes.push(indexOf(index, columns, Number(unique) === 1, key))
    else leftOut.push({ index, reason })
  }
  return { indexes, leftOut }
}

function reasonOf(columns: readonly SqliteRow[]): string | undefined {
  const collations = new Set(columns.map(({ coll }) => String(coll).toUpperCase()))
  if (columns.some(({ name }) => name === null)) return 'it is over an expression'
  if (collations.size > 1) return 'its columns have different collations'
  if (!collations.has('BINARY') && !collations.has('NOCASE')) return `its collation is ${[...collations].join()}`
  return undefined
}

function indexOf(name: string, columns: readonly SqliteRow[], unique: boolean, key: readonly string[]): IndexOptions {
  const on = columns.map((column) => {
    const own = String(column['name'])
    const path = formatPath([key.length === 1 && own === key[0] ? 'id' : own])
    return Number(column['desc']) === 1 ? `-${path}` : path
  })
  const nocase = columns.some(({ coll }) => String(coll).toUpperCase() === 'NOCASE')
  // What SQLite makes for UNIQUE has a name of SQLite's own.
  const given = name.startsWith('sqlite_autoindex_') ? {} : { name }
  return { on, unique, ...given, ...(nocase ? { collation: 'nocase' as const } : {}) }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

function invalid(argument: string, message: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${message}.`, { argument })
}
