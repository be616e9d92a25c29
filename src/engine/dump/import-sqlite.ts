/**
 * Imports an SQLite file: each table becomes a collection, each row a record (sqlite-table.ts says with which id), by
 * the writes of a load. All rows are of one read transaction of SQLite, so other programs may write to the file.
 *
 *   INTEGER  number, beyond 2^53 bigint     REAL  number     TEXT  string     BLOB  Uint8Array     NULL  null
 *
 * SQLite has no dates and no booleans; what a column means only its owner knows, and says by `map`.
 */
import { BlazeError, isBlazeError } from '../../base/errors.ts'
import type { IndexOptions } from '../../indexes/index-spec.ts'
import type { SqliteFile } from '../../platform/platform.ts'
import type { Core } from '../core.ts'
import { createIndex, indexOf } from '../ddl.ts'
import { assertKnown } from '../known-options.ts'
import { whatIsKept } from './load.ts'
import { WRITING_OPTIONS, type WritingOptions, writingSettings } from './load-options.ts'
import type { LoadDoors } from './load-target.ts'
import { withSentence } from './outside-file.ts'
import type { Pacer } from './pacer.ts'
import { RecordWriter } from './record-writer.ts'
import { type ImportedRecord, type LeftOutIndex, recordOf, type SqliteTable, tablesOf } from './sqlite-table.ts'
import type { SourceRow } from './text-rows.ts'

export interface ImportOptions extends WritingOptions {
  /** Names of tables, and of views; by default every table. */
  readonly tables?: readonly string[]
  /**
   * What becomes of a record, by table: a function gets it as it would be imported, and returns it, changed or another,
   * or undefined to leave it out.
   */
  readonly map?: { readonly [table: string]: (record: ImportedRecord) => object | undefined }
}

export interface ImportReport {
  readonly collections: readonly {
    readonly name: string
    readonly records: number
    /** Records that `onError` was told of, and that were left out. */
    readonly skipped: number
    readonly indexes: readonly string[]
    /** Indexes of the table that have no counterpart here. */
    readonly leftOut: readonly LeftOutIndex[]
  }[]
}

type Imported = ImportReport['collections'][number]

const KNOWN = ['tables', 'map', ...WRITING_OPTIONS]

const INSTALL =
  'This Node has no node:sqlite (it is there from 22.13 on), and better-sqlite3 is not installed: run npm install better-sqlite3, or use a newer Node'

const REBUILD = 'better-sqlite3 is installed for another version of Node: run npm rebuild better-sqlite3'

/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 32

/** Imports the tables of the file `path`. */
export async function importSqlite(
  core: Core,
  doors: LoadDoors,
  path: string,
  options: ImportOptions,
): Promise<ImportReport> {
  assertKnown('importSqlite()', options, KNOWN)
  const settings = writingSettings(core, options, 'the import')
  core.assertOpen()
  core.assertWritable()
  settings.pacer.assertWanted()
  const file = await openFile(core, path)
  const done: Imported[] = []
  try {
    const tables = readTables(file, path, options)
    for (const { name } of tables) doors.door(name, settings.unchecked).forWriting()
    for (const table of tables) await importTable(core, doors, file, table, { ...options, ...settings }, done)
    return { collections: done }
  } catch (error) {
    throw withSentence(error, whatIsKept(done))
  } finally {
    file.close()
  }
}

async function openFile(core: Core, path: string): Promise<SqliteFile> {
  let file: SqliteFile | undefined
  try {
    file = await core.platform.sqlite.open(path)
  } catch (cause) {
    throw isUnloadable(cause) ? unsupported(REBUILD, cause) : unreadable(path, cause)
  }
  if (file !== undefined) return file
  throw unsupported(INSTALL, undefined)
}

function readTables(file: SqliteFile, path: string, { tables, map = {} }: ImportOptions): SqliteTable[] {
  if (tables !== undefined && !Array.isArray(tables)) throw invalid('tables', 'tables is an array of names')
  const found = attempt(path, () => tablesOf(file, tables))
  for (const name of Object.keys(map)) {
    if (!found.some((table) => table.name === name))
      throw invalid('map', `map names ${JSON.stringify(name)}, which is not imported`)
  }
  for (const { indexes } of found) for (const index of indexes) indexOf(index)
  return found
}

type Importing = ImportOptions & ReturnType<typeof writingSettings>

async function importTable(
  core: Core,
  doors: LoadDoors,
  file: SqliteFile,
  table: SqliteTable,
  settings: Importing,
  done: Imported[],
): Promise<void> {
  const { name, leftOut } = table
  const { mode, batchSize, durability, unchecked, onError, pacer, onProgress } = settings
  const door = doors.door(name, unchecked)
  const isDeclared = doors.declared.includes(name)
  const wanted = settings.indexes === false || isDeclared ? [] : table.indexes
  const indexes = await makeIndexes(core, door.forWriting(), wanted)
  const writer = new RecordWriter(core, name, door, { mode, batchSize, durability, onError, file: name, unit: 'row' })
  try {
    for (const rows of rowsOf(file, table, settings.map?.[name], pacer)) {
      await writer.add(rows)
      onProgress({ step: 'import', collection: name, records: writer.written, totalRecords: undefined, bytes: 0 })
      await pacer.step()
    }
    await writer.finish()
  } catch (error) {
    // What is in flight ends before anything is said; of two failures the first one is told.
    await writer.settle().catch(() => undefined)
    throw error instanceof BlazeError && error.code !== 'ABORTED'
      ? new BlazeError(error.code, `${name}, ${error.message}`, error.details, { cause: error.cause ?? error })
      : error
  } finally {
    done.push({ name, records: writer.written, skipped: writer.skipped, indexes, leftOut })
  }
}

async function makeIndexes(
  core: Core,
  collection: Parameters<typeof createIndex>[1],
  wanted: readonly IndexOptions[],
): Promise<readonly string[]> {
  const made: string[] = []
  for (const form of wanted) {
    const { name } = indexOf(form).spec
    if (collection.indexes.some(({ spec }) => spec.name === name)) continue
    await createIndex(core, collection, form, {})
    made.push(name)
  }
  return made
}

/** Rows in groups that take a slice each. */
function* rowsOf(
  file: SqliteFile,
  { name, query, key }: SqliteTable,
  map: ((record: ImportedRecord) => object | undefined) | undefined,
  pacer: Pacer,
): Generator<readonly SourceRow[], void, undefined> {
  const rows = attempt(name, () => file.rows(query))
  let group: SourceRow[] = []
  let line = 0
  try {
    for (let next = attempt(name, () => rows.next()); next.done !== true; next = attempt(name, () => rows.next())) {
      line++
      const made = recordOf(next.value, key)
      const record = map === undefined ? made : map(made)
      if (record !== undefined) group.push({ line, size: sizeOf(made), record })
      if (line % ROWS_PER_LOOK !== 0 || !(pacer.isOver || group.length >= MAX_GROUP)) continue
      yield group
      group = []
    }
    yield group
  } finally {
    // Ends the statement: SQLite refuses others while it runs.
    rows.return?.()
  }
}

/** Rows held before a batch is looked at. */
const MAX_GROUP = 1024

/** About what a record takes as text. */
function sizeOf(record: ImportedRecord): number {
  let size = 0
  for (const value of Object.values(record)) {
    size += typeof value === 'string' || value instanceof Uint8Array ? value.length : 8
  }
  return size
}

/** What the library throws is told as what it means: the file cannot be read. */
function attempt<V>(what: string, call: () => V): V {
  try {
    return call()
  } catch (cause) {
    if (isBlazeError(cause)) throw cause
    throw unreadable(what, cause)
  }
}

/** A library whose native part is not for this process. */
function isUnloadable(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_DLOPEN_FAILED'
}

function unsupported(text: string, cause: unknown): BlazeError<'UNSUPPORTED'> {
  return new BlazeError('UNSUPPORTED', `${text}. Nothing was written.`, undefined, { cause })
}

function unreadable(what: string, cause: unknown): BlazeError<'INVALID_ARGUMENT'> {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new BlazeError(
    'INVALID_ARGUMENT',
    `${what} cannot be read as SQLite: ${reason}.`,
    { argument: 'path' },
    { cause },
  )
}

function invalid(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}.`, { argument })
}
