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
 * With `encryption` all of it is sealed, also the names of the files and the manifest (dumped-folder.ts, sealed-file.ts).
 * Without it a dump is plain text, whatever the database is.
 *
 * Sources: RFC 4180 (CSV), RFC 1952 (gzip); https://github.com/ndjson/ndjson-spec.
 */
import { BlazeError } from '../../base/errors.ts'
import type { StoredRecord } from '../../base/values.ts'
import type { FileSystem } from '../../platform/platform.ts'
import { queryAll } from '../../query/builder.ts'
import type { CollectionState } from '../collection-state.ts'
import type { Core } from '../core.ts'
import type { Encryption, EncryptionOptions } from '../encryption-options.ts'
import { assertKnown } from '../known-options.ts'
import { runnerOf } from '../read-view.ts'
import { SnapshotSession } from '../snapshot-session.ts'
import { manifestName, putManifest } from './dumped-folder.ts'
import { fileNames, sealedNames } from './file-names.ts'
import { type DumpedFile, type DumpFormat, describeCollection } from './manifest.ts'
import { OutsideFile, withSentence } from './outside-file.ts'
import { Pacer } from './pacer.ts'
import { csvText, findColumns, ndjsonText, textPieces } from './record-text.ts'
import { sealFile } from './sealed-file.ts'
import { ALONE_PART } from './sealed-head.ts'
import { newSealing, type Sealing } from './sealing.ts'
import { prepareFolder } from './target-folder.ts'

const KNOWN = ['format', 'collections', 'compress', 'encryption', 'overwrite', 'signal', 'onProgress']

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
  /**
   * Seals everything, names and manifest too, with a password or a key of this dump's own. The secret is asked for, and a
   * password made a key, before the snapshot is taken.
   */
  readonly encryption?: EncryptionOptions
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
  /** Seals the bytes: one file that stands alone, which shows when its end is missing. */
  readonly encryption?: EncryptionOptions
  readonly signal?: AbortSignal
}

/** Writes a dump into the folder `target`. `encryption` is the option of this name, checked; it is forgotten here. */
export async function dump(
  core: Core,
  target: string,
  options: DumpOptions,
  encryption: Encryption | undefined,
): Promise<DumpReport> {
  const made: Made = { files: [], folder: undefined }
  let sealing: Sealing | undefined
  try {
    assertKnown('dump()', options, KNOWN)
    const format = checkedFormat(options.format)
    checkCompress(options.compress)
    const pacer = new Pacer(core.platform.clock, 'the dump', options.signal)
    sealing = await askedSealing(core, pacer, encryption)
    return await dumpNow(core, target, { ...options, format, pacer, sealing }, made)
  } catch (error) {
    throw withSentence(error, `There is no dump${removed(core.platform.outside, made)}; the database is as it was.`)
  } finally {
    encryption?.forget()
    sealing?.close()
  }
}

/** What a dump is made with. */
interface Dumping extends DumpOptions {
  readonly format: DumpFormat
  readonly pacer: Pacer
  readonly sealing: Sealing | undefined
}

/** The paths of what a dump has made so far; the folder only when it was not there. */
interface Made {
  readonly files: string[]
  folder: string | undefined
}

/** Notes in `made` what it makes, each file before it is there. */
async function dumpNow(core: Core, target: string, dumping: Dumping, made: Made): Promise<DumpReport> {
  const { format, compress, pacer, sealing } = dumping
  const session = new SnapshotSession(core, 'dump')
  try {
    // In this turn with the snapshot: what the collections are is of the same moment as what they hold.
    const chosen = chosenCollections(core, dumping.collections)
    const described = chosen.map((state) => ({ state, ...describeCollection(state) }))
    pacer.assertWanted()
    if (core.takesWrites) await core.log.flush()
    const { folder, isNew } = await prepareFolder(core, target, dumping.overwrite === true)
    if (isNew) made.folder = folder
    const names = sealing === undefined ? plainNames(chosen, dumping) : sealedNames(chosen.length)
    const files: DumpedFile[] = []
    for (const [i, { state, ...collection }] of described.entries()) {
      const file = names[i]!
      made.files.push(`${folder}/${file}`)
      const place = { path: `${folder}/${file}`, part: i + 1 }
      const written = await writeCollection(core, session, state, place, dumping)
      files.push({ file, format, compress: compress ?? null, ...collection, ...written })
    }
    pacer.assertWanted()
    // What the manifest names is there before it, whatever a power cut does.
    core.platform.outside.syncFolderSync(folder)
    const manifest = `${folder}/${manifestName(sealing !== undefined)}`
    made.files.push(`${manifest}.tmp`, manifest)
    const createdAt = new Date(core.platform.clock.now()).toISOString()
    await putManifest(core.platform, folder, { commit: session.commit, createdAt, files }, sealing)
    return { target: folder, commit: session.commit, files }
  } finally {
    session.end()
  }
}

/** The bytes of one collection, as its file in a dump would hold them; the snapshot is held from the first to the last. */
export async function* dumpStream(
  core: Core,
  name: string,
  options: DumpStreamOptions,
  encryption: Encryption | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sealing: Sealing | undefined
  try {
    assertKnown('dumpStream()', options, ['format', 'encryption', 'signal'])
    const format = checkedFormat(options.format)
    const pacer = new Pacer(core.platform.clock, 'the dump', options.signal)
    sealing = await askedSealing(core, pacer, encryption)
    const pieces = collectionPieces(core, name, format, pacer)
    yield* sealing === undefined ? pieces : sealFile(core.platform, sealing, ALONE_PART, pieces)
  } finally {
    encryption?.forget()
    sealing?.close()
  }
}

/** Of a snapshot that is taken when the first piece is asked for. */
async function* collectionPieces(
  core: Core,
  name: string,
  format: DumpFormat,
  pacer: Pacer,
): AsyncGenerator<Uint8Array, void, undefined> {
  const session = new SnapshotSession(core, 'dumpStream')
  try {
    const [state] = chosenCollections(core, [name])
    if (core.takesWrites) await core.log.flush()
    pacer.assertWanted()
    yield* piecesOf(session, state!, format, pacer, () => undefined)
  } finally {
    session.end()
  }
}

/** The keys of a new dump that is to be encrypted. */
async function askedSealing(
  core: Core,
  pacer: Pacer,
  encryption: Encryption | undefined,
): Promise<Sealing | undefined> {
  core.assertOpen()
  pacer.assertWanted()
  return encryption === undefined ? undefined : newSealing(core.platform, encryption)
}

/**
 * Every record of a collection, in slices. It is held as what it is, not by its name: one that is renamed meanwhile is read
 * to its end, one that is dropped is CONFLICT. SNAPSHOT_TOO_OLD, CLOSED.
 */
function recordsOf({ view }: SnapshotSession, collection: CollectionState): AsyncIterable<StoredRecord> {
  const runner = { ...runnerOf(view), open: () => view.open(collection) }
  return queryAll<StoredRecord>(collection.name, runner).iterate()
}

type Told = (step: 'columns' | 'dump', records: number) => void

async function* piecesOf(
  session: SnapshotSession,
  state: CollectionState,
  format: DumpFormat,
  pacer: Pacer,
  told: Told,
): AsyncGenerator<Uint8Array, void, undefined> {
  let text = ndjsonText
  if (format === 'csv') {
    const found = await findColumns(recordsOf(session, state), pacer, (records) => told('columns', records))
    text = csvText(found.columns, found.hasRest)
  }
  yield* textPieces(recordsOf(session, state), text, pacer, (records) => told('dump', records))
}

async function writeCollection(
  core: Core,
  session: SnapshotSession,
  state: CollectionState,
  { path, part }: { readonly path: string; readonly part: number },
  { format, pacer, compress, sealing, onProgress }: Dumping,
): Promise<Pick<DumpedFile, 'records' | 'bytes' | 'sha256'>> {
  const { platform } = core
  const { outside, digest, streams } = platform
  const totalRecords = state.heap.liveCount
  const file = new OutsideFile(outside, path, digest.sha256InPieces())
  let records = 0
  const told: Told = (step, count) => {
    records = step === 'dump' ? count : 0
    onProgress?.({ step, collection: state.name, records: count, totalRecords, bytes: file.sizeBytes })
  }
  try {
    const plain = piecesOf(session, state, format, pacer, told)
    const pieces = compress === 'gzip' ? streams.gzip(plain) : plain
    for await (const piece of sealing === undefined ? pieces : sealFile(platform, sealing, part, pieces)) {
      await file.write(piece)
      await pacer.step()
    }
    const sha256 = await file.finish()
    return { records, bytes: file.sizeBytes, sha256 }
  } finally {
    file.close()
  }
}

function plainNames(chosen: readonly CollectionState[], { format, compress }: Dumping): string[] {
  const names = chosen.map(({ name }) => name)
  return fileNames(names, `.${format}${compress === 'gzip' ? '.gz' : ''}`)
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

/** Removes what was made of a dump that failed, the manifest first, a folder last; says what could not be removed. */
function removed(files: FileSystem, made: Made): string {
  const left: string[] = []
  for (const path of [...made.files.toReversed(), made.folder]) {
    try {
      if (path === undefined) continue
      if (path === made.folder) files.removeFolderSync(path)
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
