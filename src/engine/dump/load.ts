/**
 * A load: records from a dump, from a file, or from a stream, by the very writes that everyone makes: ids, schema,
 * limits, unique keys, indexes, batch by batch (record-writer.ts).
 *
 *   of a dump     1. the manifest is read and proven
 *                 2. what cannot be loaded is refused: versions, schemas, names
 *                 3. every file is read once: size, SHA-256, count of records
 *                 4. per collection: catalogue and indexes, then the records; the file is proven again as it is read
 *   of a file     only the records, as they are read, into one collection
 *
 * Until the end of 3 nothing is written, so a dump that was damaged, cut or forged leaves no trace. A failure in 4, or
 * of a file without a manifest, leaves what was committed before it: all records before the batch that failed, none
 * after, which the error says. To go on, load again with mode 'upsert' or 'replace', which take what is there.
 *
 * What must hold: never more than a piece of the file, two batches and one record are in memory; a line that is longer
 * than may be is refused before it is.
 */
import { BlazeError } from '../../base/errors.ts'
import { FileError, type FileSystem } from '../../platform/platform.ts'
import type { Core } from '../core.ts'
import { assertKnown } from '../known-options.ts'
import { checkedDurability, type Durability } from '../publisher.ts'
import type { TransferProgress } from './dump.ts'
import { assertLoadable, type LoadDoors, prepareTarget } from './load-target.ts'
import { type DumpedFile, type DumpFormat, hasManifest, readManifest } from './manifest.ts'
import { readPieces, withSentence } from './outside-file.ts'
import { Pacer } from './pacer.ts'
import { MAX_STRING } from './record-text.ts'
import { type OnRecordError, RecordWriter, type WriteMode } from './record-writer.ts'
import { type ByteSource, piecesOfSource, textOf } from './source-text.ts'
import { type CsvOptions, csvRows, ndjsonRows, type RowReader } from './text-rows.ts'
import { FileSeal, verifyFile } from './verify-file.ts'

export interface WritingOptions {
  /**
   * What happens when an id is there. `insert` (default): DUPLICATE_ID. `upsert`: the fields given are put, the others
   * stay. `replace`: the whole record is put.
   */
  readonly mode?: WriteMode
  /** Records of one commit; 250 by default. */
  readonly batchSize?: number
  /** When a batch counts as written; the database's own setting by default. */
  readonly durability?: Durability
  /** Makes the indexes that are described with the records; true by default. */
  readonly indexes?: boolean
  /** Writes also to a collection whose schema this code does not declare. */
  readonly unchecked?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TransferProgress) => void
  /** Told of each record that cannot be read or is refused, which is then left out; throw in it to stop. */
  readonly onError?: OnRecordError
}

export interface LoadOptions extends WritingOptions {
  /** Of a dump: names of collections; all of them by default. */
  readonly collections?: readonly string[]
  /** Of a file or a stream: the collection that its records go into. */
  readonly collection?: string
  /** Of a file or a stream; for a file, what its name ends in by default. */
  readonly format?: DumpFormat
  /** How a CSV file is read. */
  readonly csv?: CsvOptions
  /** The longest line or row, in UTF-16 units; 4 × maxRecordBytes by default. */
  readonly maxLineLength?: number
}

export interface LoadReport {
  readonly collections: readonly {
    readonly name: string
    /** Records that were written. */
    readonly records: number
    /** Records that `onError` was told of, and that were left out. */
    readonly skipped: number
    /** Indexes that were made. */
    readonly indexes: readonly string[]
  }[]
}

type Loaded = LoadReport['collections'][number]

/** The options with their defaults. */
interface Settings extends LoadOptions {
  readonly mode: WriteMode
  readonly batchSize: number
  readonly durability: Durability
  readonly unchecked: boolean
  readonly pacer: Pacer
  readonly onProgress: (progress: TransferProgress) => void
}

const KNOWN = [
  'collections',
  'collection',
  'format',
  'csv',
  'maxLineLength',
  'mode',
  'batchSize',
  'durability',
  'indexes',
  'unchecked',
  'signal',
  'onProgress',
  'onError',
]

/** Of small records the largest batch is installed in a few milliseconds. */
const DEFAULT_BATCH = 250
const MAX_BATCH = 10_000
const FORMATS: readonly (readonly [RegExp, DumpFormat])[] = [
  [/\.(?:ndjson|jsonl)(?:\.gz)?$/i, 'ndjson'],
  [/\.csv(?:\.gz)?$/i, 'csv'],
]

/** Loads a dump (the path of its folder), a file (its path), or a stream. */
export async function load(
  core: Core,
  doors: LoadDoors,
  source: string | ByteSource,
  options: LoadOptions,
): Promise<LoadReport> {
  const done: Loaded[] = []
  try {
    const settings = checkedOptions(core, options)
    core.assertOpen()
    core.assertWritable()
    settings.pacer.assertWanted()
    if (typeof source !== 'string') await loadStream(core, doors, source, settings, done)
    else if (isFolder(core.platform.outside, source)) await loadDump(core, doors, source, settings, done)
    else await loadFile(core, doors, source, settings, done)
    return { collections: done }
  } catch (error) {
    throw withSentence(error, whatIsKept(done))
  }
}

async function loadDump(
  core: Core,
  doors: LoadDoors,
  source: string,
  settings: Settings,
  done: Loaded[],
): Promise<void> {
  const { platform } = core
  for (const name of ['collection', 'format', 'csv'] as const) {
    if (settings[name] !== undefined) throw invalid(name, `${name} is for a file or a stream; a dump says it itself`)
  }
  const folder = platform.outside.realPathSync(source)
  const manifest = await readManifest(platform, folder)
  const files = chosenFiles(manifest.files, settings.collections)
  const isDeclared = (file: DumpedFile): boolean => doors.declared.includes(file.collection)
  for (const file of files) {
    assertLoadable(core, file, { unchecked: settings.unchecked, isDeclared: isDeclared(file) })
  }
  for (const file of files) {
    const { collection, records: totalRecords } = file
    await verifyFile(platform, `${folder}/${file.file}`, file, settings.pacer, (bytes) =>
      settings.onProgress({ step: 'verify', collection, records: 0, totalRecords, bytes }),
    )
  }
  for (const file of files) {
    const { collection: name } = file
    const { signal, indexes = true } = settings
    const made = await prepareTarget(core, file, { isDeclared: isDeclared(file), indexes, signal })
    const path = `${folder}/${file.file}`
    const seal = new FileSeal(platform.digest.sha256InPieces())
    // The file is the one that was written, so no line of it is too long to be had unless the caller says so.
    const rows = rowsOf(file.format, settings.maxLineLength ?? MAX_STRING, undefined)
    const from = { name, file: path, totalRecords: file.records, indexes: made }
    await loadPieces(core, doors, seal.over(readPieces(platform.outside, path)), rows, from, settings, done)
    seal.assertEqual(path, file)
  }
}

async function loadFile(
  core: Core,
  doors: LoadDoors,
  source: string,
  settings: Settings,
  done: Loaded[],
): Promise<void> {
  const format = settings.format ?? FORMATS.find(([ending]) => ending.test(source))?.[1]
  if (format === undefined)
    throw invalid('format', `the name of ${source} does not say its format; give format: 'ndjson' or 'csv'`)
  const rows = rowsOf(format, lineLimit(core, settings), settings.csv)
  const from = { name: collectionOf(settings), file: source, totalRecords: undefined, indexes: [] }
  await loadPieces(core, doors, readPieces(core.platform.outside, source), rows, from, settings, done)
}

async function loadStream(
  core: Core,
  doors: LoadDoors,
  source: ByteSource,
  settings: Settings,
  done: Loaded[],
): Promise<void> {
  if (typeof source !== 'object' || source === null || !(Symbol.asyncIterator in source)) {
    throw invalid('source', 'load() takes the path of a dump or a file, or an async iterable of bytes')
  }
  if (settings.format === undefined) throw invalid('format', "a stream needs its format: 'ndjson' or 'csv'")
  const rows = rowsOf(settings.format, lineLimit(core, settings), settings.csv)
  const from = { name: collectionOf(settings), file: 'source', totalRecords: undefined, indexes: [] }
  await loadPieces(core, doors, piecesOfSource(source), rows, from, settings, done)
}

interface From {
  readonly name: string
  readonly file: string
  readonly totalRecords: number | undefined
  readonly indexes: readonly string[]
}

/** The records of one file. What was written of them is noted in `done`, also when it fails. */
async function loadPieces(
  core: Core,
  doors: LoadDoors,
  pieces: AsyncIterable<Uint8Array>,
  rows: RowReader,
  { name, file, totalRecords, indexes }: From,
  settings: Settings,
  done: Loaded[],
): Promise<void> {
  const { mode, batchSize, durability, onError, pacer } = settings
  const door = doors.door(name, settings.unchecked)
  door.forWriting()
  const writer = new RecordWriter(core, name, door, { mode, batchSize, durability, onError, file, unit: 'line' })
  let bytes = 0
  const counted = counting(pieces, (size) => {
    bytes += size
  })
  try {
    for await (const text of textOf(counted, core.platform.streams)) {
      await writer.add(rows.push(text))
      settings.onProgress({ step: 'load', collection: name, records: writer.written, totalRecords, bytes })
      await pacer.step()
    }
    await writer.add(rows.end())
    await writer.finish()
  } catch (error) {
    // What is in flight ends before anything is said; of two failures the first one is told.
    await writer.settle().catch(() => undefined)
    throw atFile(error, file)
  } finally {
    done.push({ name, records: writer.written, skipped: writer.skipped, indexes })
  }
}

async function* counting(
  pieces: AsyncIterable<Uint8Array>,
  told: (size: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    told(piece.length)
    yield piece
  }
}

function rowsOf(format: DumpFormat, maxLength: number, csv: CsvOptions | undefined): RowReader {
  if (format === 'csv') return csvRows(maxLength, csv ?? {})
  if (csv !== undefined && Object.keys(csv).length > 0) throw invalid('csv', 'csv is for a CSV file')
  return ndjsonRows(maxLength)
}

/** An error of what a file holds, with its name; one of the system or of the caller has or needs none. */
function atFile(error: unknown, file: string): unknown {
  if (!(error instanceof BlazeError) || error.code === 'ABORTED' || error.code === 'CLOSED') return error
  return new BlazeError(error.code, `${file}, ${error.message}`, error.details, { cause: error.cause ?? error })
}

function chosenFiles(files: readonly DumpedFile[], names: readonly string[] | undefined): readonly DumpedFile[] {
  if (names === undefined) return files
  if (!Array.isArray(names)) throw invalid('collections', 'collections is an array of names')
  return [...new Set(names)].map((name: string) => {
    const file = files.find(({ collection }) => collection === name)
    if (file === undefined) throw invalid('collections', `the dump has no collection ${JSON.stringify(name)}`)
    return file
  })
}

function isFolder(files: FileSystem, source: string): boolean {
  if (source === '' || !files.existsSync(source))
    throw invalid('source', `there is no file or folder ${JSON.stringify(source)}`)
  if (hasManifest(files, source)) return true
  try {
    files.listSync(source)
    return true
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOTDIR') return false
    throw error
  }
}

function collectionOf({ collection, collections }: LoadOptions): string {
  if (collections !== undefined) throw invalid('collections', 'collections is for a dump; name one collection')
  if (typeof collection === 'string') return collection
  throw invalid('collection', 'a file or a stream needs the collection that its records go into')
}

/** What a failed load leaves. */
export function whatIsKept(done: readonly Pick<Loaded, 'name' | 'records'>[]): string {
  const written = done.filter(({ records }) => records > 0)
  if (written.length === 0) return 'No record was written.'
  const counts = written.map(({ name, records }) => `${records} of ${name}`).join(', ')
  return `The batches before it are written and stay: ${counts}. To go on, load again with mode: 'upsert' or 'replace'.`
}

/** The options of what writes records, with their defaults. */
export function writingSettings(
  core: Core,
  options: WritingOptions,
  what: string,
): Pick<Settings, 'mode' | 'batchSize' | 'durability' | 'unchecked' | 'pacer' | 'onProgress'> {
  const { mode = 'insert', batchSize = DEFAULT_BATCH, durability = core.options.durability } = options
  if (!['insert', 'upsert', 'replace'].includes(mode)) {
    throw invalid('mode', `mode is 'insert', 'upsert' or 'replace', found ${String(mode)}`)
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1 || batchSize > MAX_BATCH) {
    throw invalid('batchSize', `batchSize is a whole number from 1 to ${MAX_BATCH}, found ${String(batchSize)}`)
  }
  return {
    mode,
    batchSize,
    durability: checkedDurability(durability),
    unchecked: options.unchecked === true,
    pacer: new Pacer(core.platform.clock, what, options.signal),
    onProgress: options.onProgress ?? (() => undefined),
  }
}

function checkedOptions(core: Core, options: LoadOptions): Settings {
  assertKnown('load()', options, KNOWN)
  const { maxLineLength = 1 } = options
  if (!Number.isSafeInteger(maxLineLength) || maxLineLength < 1 || maxLineLength > MAX_STRING) {
    throw invalid(
      'maxLineLength',
      `maxLineLength is a whole number from 1 to ${MAX_STRING}, found ${String(maxLineLength)}`,
    )
  }
  return { ...options, ...writingSettings(core, options, 'the load') }
}

/** A record as text takes seldom more than four times its bytes. */
function lineLimit(core: Core, { maxLineLength }: LoadOptions): number {
  return maxLineLength ?? Math.min(MAX_STRING, 4 * core.options.maxRecordBytes)
}

function invalid(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}.`, { argument })
}
