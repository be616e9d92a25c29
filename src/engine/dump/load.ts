/**
 * A load: records from a dump, from a file, or from a stream, by the very writes that everyone makes: ids, schema,
 * limits, unique keys, indexes, batch by batch (record-writer.ts).
 *
 *   of a dump     1. the manifest is read and proven; of a sealed one (dumped-folder.ts) with the keys that the secret opens
 *                 2. what cannot be loaded is refused: versions, schemas, names
 *                 3. every file is read once: size, SHA-256, count of records
 *                 4. per collection: catalogue and indexes, then the records; the file is proven again as it is read
 *   of a file     only the records, as they are read, into one collection; one that is sealed is read twice too, the
 *                 first time to see that every piece of it opens
 *   of a stream   only the records, as they come; of what is sealed each piece is proven before its records are
 *
 * Until the end of 3 nothing is written, so a dump that was damaged, cut or forged leaves no trace. A failure in 4, or
 * of a file without a manifest, leaves what was committed before it: all records before the batch that failed, none
 * after, which the error says. To go on, load again with mode 'upsert' or 'replace', which take what is there.
 *
 * What must hold: never more than a piece of the file, two batches and one record are in memory; a line that is longer
 * than may be is refused before it is.
 */
import { BlazeError, type ErrorCode } from '../../base/errors.ts'
import { FileError, type FileSystem } from '../../platform/platform.ts'
import type { Core } from '../core.ts'
import type { Encryption } from '../encryption-options.ts'
import { MAGIC_SIZE } from '../identity.ts'
import { type DumpedFolder, hasManifest, openDumped, unsealed } from './dumped-folder.ts'
import { checkedOptions, type LoadOptions, type LoadSettings } from './load-options.ts'
import { assertLoadable, type LoadDoors, prepareTarget } from './load-target.ts'
import type { DumpedFile, DumpFormat } from './manifest.ts'
import { counting, readPieces, withSentence } from './outside-file.ts'
import { MAX_STRING } from './record-text.ts'
import { RecordWriter } from './record-writer.ts'
import { openFile } from './sealed-file.ts'
import { beginsSealed, decodeHead, MANIFEST_PART, SEALED_HEAD } from './sealed-head.ts'
import { openSealing, plainDump, sealedDump } from './sealing.ts'
import { BegunSource, type ByteSource, firstBytes, piecesOfSource, textOf } from './source-text.ts'
import { type CsvOptions, csvRows, ndjsonRows, type RowReader } from './text-rows.ts'
import { FileSeal, type Unsealing, verifyFile, verifySealed } from './verify-file.ts'

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

const FORMATS: readonly (readonly [RegExp, DumpFormat])[] = [
  [/\.(?:ndjson|jsonl)(?:\.gz)?(?:\.sealed)?$/i, 'ndjson'],
  [/\.csv(?:\.gz)?(?:\.sealed)?$/i, 'csv'],
]

/**
 * Loads a dump (the path of its folder), a file (its path), or a stream. `encryption` is the option of this name, checked;
 * it is forgotten here.
 */
export async function load(
  core: Core,
  doors: LoadDoors,
  source: string | ByteSource,
  { options, encryption }: { readonly options: LoadOptions; readonly encryption: Encryption | undefined },
): Promise<LoadReport> {
  const done: Loaded[] = []
  try {
    const settings = checkedOptions(core, options)
    core.assertOpen()
    core.assertWritable()
    settings.pacer.assertWanted()
    const loading: Loading = { core, doors, settings, encryption, done }
    if (typeof source !== 'string') await loadStream(loading, source)
    else if (isFolder(core.platform.outside, source)) await loadDump(loading, source)
    else await loadFile(loading, source)
    return { collections: done }
  } catch (error) {
    throw withSentence(error, whatIsKept(done))
  } finally {
    encryption?.forget()
  }
}

/** One load. */
interface Loading {
  readonly core: Core
  readonly doors: LoadDoors
  readonly settings: LoadSettings
  readonly encryption: Encryption | undefined
  /** What was written so far, also when it fails. */
  readonly done: Loaded[]
}

async function loadDump(loading: Loading, source: string): Promise<void> {
  const { core, settings, encryption } = loading
  for (const name of ['collection', 'format', 'csv'] as const) {
    if (settings[name] !== undefined) throw invalid(name, `${name} is for a file or a stream; a dump says it itself`)
  }
  const folder = core.platform.outside.realPathSync(source)
  const dumped = await openDumped(core.platform, folder, encryption)
  try {
    const files = chosenFiles(dumped.manifest.files, settings.collections)
    await proveDump(loading, dumped, files)
    for (const file of files) await loadDumped(loading, dumped, file)
  } finally {
    dumped.sealing?.close()
  }
}

/** Refuses what cannot be loaded, or is not what was dumped. Nothing is written. */
async function proveDump(
  { core, doors, settings }: Loading,
  dumped: DumpedFolder,
  files: readonly DumpedFile[],
): Promise<void> {
  const { platform } = core
  const { unchecked, pacer } = settings
  for (const file of files) assertLoadable(core, file, { unchecked, isDeclared: isDeclared(doors, file) })
  for (const file of files) {
    const { collection, records: totalRecords } = file
    const told = (bytes: number) => settings.onProgress({ step: 'verify', collection, records: 0, totalRecords, bytes })
    const unseal = unsealed(platform, dumped, file)
    await verifyFile(platform, `${dumped.path}/${file.file}`, file, { unseal, pacer, told })
  }
}

/** One collection: what it is, then its records. */
async function loadDumped(loading: Loading, dumped: DumpedFolder, file: DumpedFile): Promise<void> {
  const { core, doors, settings } = loading
  const { platform } = core
  const { signal, indexes: wanted = true } = settings
  const indexes = await prepareTarget(core, file, { isDeclared: isDeclared(doors, file), indexes: wanted, signal })
  const path = `${dumped.path}/${file.file}`
  const seal = new FileSeal(platform.digest.sha256InPieces())
  await loadPieces(loading, seal.over(readPieces(platform.outside, path)), {
    name: file.collection,
    file: path,
    totalRecords: file.records,
    indexes,
    // The file is the one that was written, so no line of it is too long to be had unless the caller says so.
    rows: rowsOf(file.format, settings.maxLineLength ?? MAX_STRING, undefined),
    unseal: unsealed(platform, dumped, file),
  })
  seal.assertEqual(path, file)
}

function isDeclared({ declared }: LoadDoors, { collection }: DumpedFile): boolean {
  return declared.includes(collection)
}

async function loadFile(loading: Loading, source: string): Promise<void> {
  const { core, settings } = loading
  const { platform } = core
  const format = settings.format ?? FORMATS.find(([ending]) => ending.test(source))?.[1]
  if (format === undefined)
    throw invalid('format', `the name of ${source} does not say its format; give format: 'ndjson' or 'csv'`)
  const name = collectionOf(settings)
  const rows = rowsOf(format, lineLimit(core, settings), settings.csv)
  const { pacer } = settings
  const first = (sizeBytes: number) => firstBytes(readPieces(platform.outside, source), sizeBytes)
  await withUnsealing(loading, { path: source, first }, async (unseal, isSealed) => {
    const told = (bytes: number) =>
      settings.onProgress({ step: 'verify', collection: name, records: 0, totalRecords: undefined, bytes })
    if (isSealed) await verifySealed(platform, source, { unseal, pacer, told })
    const from = { name, file: source, totalRecords: undefined, indexes: [], rows, unseal }
    await loadPieces(loading, readPieces(platform.outside, source), from)
  })
}

async function loadStream(loading: Loading, source: ByteSource): Promise<void> {
  const { core, settings } = loading
  if (typeof source !== 'object' || source === null || !(Symbol.asyncIterator in source)) {
    throw invalid('source', 'load() takes the path of a dump or a file, or an async iterable of bytes')
  }
  if (settings.format === undefined) throw invalid('format', "a stream needs its format: 'ndjson' or 'csv'")
  const name = collectionOf(settings)
  const rows = rowsOf(settings.format, lineLimit(core, settings), settings.csv)
  const pieces = new BegunSource(piecesOfSource(source))
  const first = (sizeBytes: number) => pieces.first(sizeBytes)
  try {
    await withUnsealing(loading, { path: SOURCE, first }, async (unseal) => {
      const from = { name, file: SOURCE, totalRecords: undefined, indexes: [], rows, unseal }
      await loadPieces(loading, pieces.all(), from)
    })
  } finally {
    await pieces.close()
  }
}

/** What a stream is called. */
const SOURCE = 'source'

/** Runs `work` with what makes plain bytes of a source that begins like this; the keys are gone when it has ended. */
async function withUnsealing(
  { core, encryption }: Loading,
  { path, first }: { readonly path: string; first(sizeBytes: number): Promise<Uint8Array> },
  work: (unseal: Unsealing, isSealed: boolean) => Promise<void>,
): Promise<void> {
  if (!beginsSealed(await first(MAGIC_SIZE))) {
    if (encryption !== undefined) throw plainDump(path)
    return work((pieces) => pieces, false)
  }
  if (encryption === undefined) throw sealedDump(path)
  const head = decodeHead(path, await first(SEALED_HEAD))
  if (head.part === MANIFEST_PART) throw invalid('source', `${path} is the manifest of a dump; name its folder`)
  const sealing = await openSealing(core.platform, head, encryption)
  try {
    const source = { path, part: head.part }
    await work((pieces) => openFile(core.platform.cipher, sealing, source, pieces), true)
  } finally {
    sealing.close()
  }
}

interface From {
  readonly name: string
  readonly file: string
  readonly totalRecords: number | undefined
  readonly indexes: readonly string[]
  readonly rows: RowReader
  readonly unseal: Unsealing
}

/** The records of one file. What was written of them is noted in `done`, also when it fails. */
async function loadPieces(
  { core, doors, settings, done }: Loading,
  pieces: AsyncIterable<Uint8Array>,
  { name, file, totalRecords, indexes, rows, unseal }: From,
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
    for await (const text of textOf(unseal(counted), core.platform.streams)) {
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

function rowsOf(format: DumpFormat, maxLength: number, csv: CsvOptions | undefined): RowReader {
  if (format === 'csv') return csvRows(maxLength, csv ?? {})
  if (csv !== undefined && Object.keys(csv).length > 0) throw invalid('csv', 'csv is for a CSV file')
  return ndjsonRows(maxLength)
}

/** What says itself which file it is of, or is of none. */
const NAMED: ReadonlySet<ErrorCode> = new Set(['ABORTED', 'CLOSED', 'TAMPERED'])

/** An error of what a file holds, with its name; one of the system or of the caller has or needs none. */
function atFile(error: unknown, file: string): unknown {
  if (!(error instanceof BlazeError) || NAMED.has(error.code)) return error
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

/** A record as text takes seldom more than four times its bytes. */
function lineLimit(core: Core, { maxLineLength }: LoadOptions): number {
  return maxLineLength ?? Math.min(MAX_STRING, 4 * core.options.maxRecordBytes)
}

function invalid(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}.`, { argument })
}
