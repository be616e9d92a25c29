/**
 * A dump: what a database holds, as text that other programs read, and that this one loads back exactly.
 *
 *   backup-2026-01-01/
 *     bugs.ndjson           one line a record           {"id":"b1","title":"Login broken","at":{"$date":"2026-…Z"}}
 *     users.csv.gz          or a row, or compressed     id:string,name:string,joined:date
 *     manifest.json         records, bytes and SHA-256 of each file, indexes, search, schema versions, commit number
 *
 * All files are of one snapshot, and what it holds is durable before a byte of it is written (unless the log has failed:
 * then it is what readers see). Records are read in slices and written as they come, one piece in flight, so neither the
 * size of the database nor a slow disk costs memory. CSV reads the records twice: its header names what columns there
 * are.
 *
 * What must hold: the manifest is written last, whole or not at all, and each file is on the device before it; so a
 * folder with a manifest has every file of it. The database is only read.
 *
 * What it does not do: keep a secret. A dump is plain text, whatever the database is. Use a disk or a folder that is
 * encrypted, or pipe `dumpStream` through a program that encrypts.
 *
 * Sources: RFC 4180 (CSV), RFC 1952 (gzip); https://github.com/ndjson/ndjson-spec.
 */
import { BlazeError } from '../../base/errors.ts'
import { FileError, type FileSystem } from '../../platform/platform.ts'
import type { CollectionState } from '../collection-state.ts'
import type { Core } from '../core.ts'
import { liesInside } from '../inside-folder.ts'
import { assertKnown } from '../known-options.ts'
import { fileNames, isFileName } from './file-names.ts'
import { type DumpedFile, type DumpFormat, describeCollection, MANIFEST_FILE, writeManifest } from './manifest.ts'
import { OutsideFile, readWhole, withSentence } from './outside-file.ts'
import { Pacer } from './pacer.ts'
import { Pinned } from './pinned.ts'
import { csvText, findColumns, ndjsonText, textPieces } from './record-text.ts'

/** What the folder of every database has (identity-file.ts). */
const IDENTITY_FILE = 'identity'

/** How far a dump, a load or an import is. */
export interface TransferProgress {
  readonly step: 'columns' | 'dump' | 'verify' | 'load' | 'import'
  readonly collection: string
  /** Records of the collection done in this step. */
  readonly records: number
  /** As many as the collection had when it began; undefined when that is not known. */
  readonly totalRecords: number | undefined
  /** Bytes of the collection's file read or written. */
  readonly bytes: number
}

export interface DumpOptions {
  /** `ndjson` by default: a JSON object a line. */
  readonly format?: DumpFormat
  /** Names of collections; all of them by default. */
  readonly collections?: readonly string[]
  readonly compress?: 'gzip'
  /** Writes into a folder that is not empty. A dump that is in it is given up at once. */
  readonly overwrite?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TransferProgress) => void
}

export interface DumpReport {
  /** The folder, canonical. */
  readonly target: string
  /** The commit whose state it is. */
  readonly commit: number
  readonly files: readonly DumpedFile[]
}

export interface DumpStreamOptions {
  readonly format?: DumpFormat
  readonly signal?: AbortSignal
}

/** Writes a dump into the folder `target`. */
export async function dump(core: Core, target: string, options: DumpOptions): Promise<DumpReport> {
  assertKnown('dump()', options, ['format', 'collections', 'compress', 'overwrite', 'signal', 'onProgress'])
  const format = checkedFormat(options.format)
  checkCompress(options.compress)
  const pinned = new Pinned(core, 'dump')
  const made: string[] = []
  let madeFolder: string | undefined
  try {
    // In this turn with the snapshot: what the collections are is of the same moment as what they hold.
    const chosen = chosenCollections(core, options.collections)
    const described = chosen.map((state) => ({ state, ...describeCollection(state) }))
    const pacer = new Pacer(core.platform.clock, 'the dump', options.signal)
    pacer.assertWanted()
    if (core.takesWrites) await core.log.flush()
    const { folder, isNew } = await prepareFolder(core, target, options.overwrite === true)
    if (isNew) madeFolder = folder
    const names = fileNames(
      chosen.map(({ name }) => name),
      `.${format}${options.compress === 'gzip' ? '.gz' : ''}`,
    )
    const files: DumpedFile[] = []
    for (const [i, { state, ...collection }] of described.entries()) {
      const file = names[i]!
      made.push(`${folder}/${file}`)
      const written = await writeCollection(core, pinned, state, `${folder}/${file}`, { ...options, format, pacer })
      files.push({ file, format, compress: options.compress ?? null, ...collection, ...written })
    }
    pacer.assertWanted()
    // What the manifest names is there before it, whatever a power cut does.
    core.platform.outside.syncFolderSync(folder)
    made.push(`${folder}/${MANIFEST_FILE}.tmp`, `${folder}/${MANIFEST_FILE}`)
    const createdAt = new Date(core.platform.clock.now()).toISOString()
    writeManifest(core.platform, folder, { commit: pinned.commitNumber, createdAt, files })
    return { target: folder, commit: pinned.commitNumber, files }
  } catch (error) {
    throw withSentence(
      error,
      `There is no dump${removed(core.platform.outside, made, madeFolder)}; the database is as it was.`,
    )
  } finally {
    pinned.close()
  }
}

/** The bytes of one collection, as its file in a dump would hold them; the snapshot is held from the first to the last. */
export async function* dumpStream(
  core: Core,
  name: string,
  options: DumpStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  assertKnown('dumpStream()', options, ['format', 'signal'])
  const format = checkedFormat(options.format)
  const pacer = new Pacer(core.platform.clock, 'the dump', options.signal)
  const pinned = new Pinned(core, 'dumpStream')
  try {
    const [state] = chosenCollections(core, [name])
    if (core.takesWrites) await core.log.flush()
    pacer.assertWanted()
    yield* piecesOf(pinned, state!, format, pacer, () => undefined)
  } finally {
    pinned.close()
  }
}

type Told = (step: 'columns' | 'dump', records: number) => void

async function* piecesOf(
  pinned: Pinned,
  state: CollectionState,
  format: DumpFormat,
  pacer: Pacer,
  told: Told,
): AsyncGenerator<Uint8Array, void, undefined> {
  let text = ndjsonText
  if (format === 'csv') {
    const found = await findColumns(pinned.records(state), pacer, (records) => told('columns', records))
    text = csvText(found.columns, found.hasRest)
  }
  yield* textPieces(pinned.records(state), text, pacer, (records) => told('dump', records))
}

interface Writing extends DumpOptions {
  readonly format: DumpFormat
  readonly pacer: Pacer
}

async function writeCollection(
  core: Core,
  pinned: Pinned,
  state: CollectionState,
  path: string,
  { format, pacer, compress, onProgress }: Writing,
): Promise<Pick<DumpedFile, 'records' | 'bytes' | 'sha256'>> {
  const { outside, digest, streams } = core.platform
  const totalRecords = state.heap.liveCount
  const file = new OutsideFile(outside, path, digest.sha256InPieces())
  let records = 0
  const told: Told = (step, count) => {
    records = step === 'dump' ? count : 0
    onProgress?.({ step, collection: state.name, records: count, totalRecords, bytes: file.sizeBytes })
  }
  try {
    const plain = piecesOf(pinned, state, format, pacer, told)
    for await (const piece of compress === 'gzip' ? streams.gzip(plain) : plain) {
      await file.write(piece)
      await pacer.step()
    }
    const sha256 = await file.finish()
    return { records, bytes: file.sizeBytes, sha256 }
  } finally {
    file.close()
  }
}

/** The collections of these names, or all that are there. A name that is none is refused: a typing error would lose it. */
function chosenCollections(core: Core, names: readonly string[] | undefined): CollectionState[] {
  if (names === undefined) return [...core.collections.values()].filter((each) => each.logged)
  if (!Array.isArray(names)) throw invalid('collections', 'collections is an array of names')
  return [...new Set(names)].map((name: string) => {
    const state = core.collections.get(name)
    if (state === undefined) throw invalid('collections', `there is no collection ${JSON.stringify(name)}`)
    return state
  })
}

/** The folder, canonical, there and free. */
async function prepareFolder(
  core: Core,
  target: string,
  overwrite: boolean,
): Promise<{ readonly folder: string; readonly isNew: boolean }> {
  const files = core.platform.outside
  if (typeof target !== 'string' || target === '') throw invalid('target', 'dump() needs the path of a folder')
  if (!files.existsSync(target)) {
    if (files === core.platform.files && liesInside(files, core.path, target)) throw noPlace(target)
    files.makeFolderSync(target)
    const folder = files.realPathSync(target)
    files.syncFolderSync(folder.slice(0, Math.max(1, folder.lastIndexOf('/'))))
    return { folder, isNew: true }
  }
  const folder = files.realPathSync(target)
  if (namesIn(files, folder, target).length === 0) return { folder, isNew: false }
  if (!overwrite) {
    throw invalid('target', `${target} is not empty; name another folder, or dump with overwrite: true`)
  }
  if (isOfDatabase(core, folder)) throw noPlace(target)
  await giveUpOld(files, folder)
  return { folder, isNew: false }
}

function noPlace(target: string): BlazeError {
  return invalid(
    'target',
    `${target} is, or lies in, the folder of a database, where a dump has no place; name another folder`,
  )
}

/** Is it a database, or a folder inside of this one? */
function isOfDatabase({ path, platform: { files, outside } }: Core, folder: string): boolean {
  const isOwn = files === outside && `${folder}/`.startsWith(`${path}/`)
  return isOwn || outside.existsSync(`${folder}/${IDENTITY_FILE}`)
}

function namesIn(files: FileSystem, folder: string, target: string): readonly string[] {
  try {
    return files.listSync(folder)
  } catch (error) {
    if (!(error instanceof FileError) || error.code !== 'ENOTDIR') throw error
    throw invalid('target', `${target} is a file, and a dump is a folder`)
  }
}

/** Takes a dump away that is in the folder: first what makes it one, then what it names. Other files stay. */
async function giveUpOld(files: FileSystem, folder: string): Promise<void> {
  const path = `${folder}/${MANIFEST_FILE}`
  if (!files.existsSync(path)) return
  const named = filesNamedIn(await readWhole(files, path, MAX_OLD_MANIFEST))
  files.unlinkSync(path)
  files.syncFolderSync(folder)
  for (const name of named) files.unlinkSync(`${folder}/${name}`)
}

/** A larger one is left without a look at what it names. */
const MAX_OLD_MANIFEST = 64 * 1024 * 1024

/** The files that a manifest of whatever version and state names, as far as that can be read. */
function filesNamedIn(bytes: Uint8Array | undefined): string[] {
  if (bytes === undefined) return []
  const text = new TextDecoder().decode(bytes)
  const names = [...text.matchAll(/"file": "([^"\\]+)"/g)].map(([, name = '']) => name)
  return names.filter(isFileName)
}

/** Removes what was made of a dump that failed, the manifest first, a folder last; says what could not be removed. */
function removed(files: FileSystem, made: readonly string[], madeFolder: string | undefined): string {
  const left: string[] = []
  for (const path of [...made.toReversed(), madeFolder]) {
    try {
      if (path === undefined) continue
      if (path === madeFolder) files.removeFolderSync(path)
      else files.unlinkSync(path)
    } catch (error) {
      left.push(`${path} (${error instanceof Error ? error.message : String(error)})`)
    }
  }
  return left.length === 0 ? '' : `, but what was written of it could not be removed: ${left.join(', ')}`
}

function checkedFormat(format: unknown = 'ndjson'): DumpFormat {
  if (format === 'ndjson' || format === 'csv') return format
  throw invalid('format', `format is 'ndjson' or 'csv', found ${String(format)}`)
}

function checkCompress(compress: unknown): void {
  if (compress !== undefined && compress !== 'gzip') {
    throw invalid('compress', `compress is 'gzip' or not given, found ${String(compress)}`)
  }
}

function invalid(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}.`, { argument })
}
