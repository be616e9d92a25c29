/**
 * OPEN: from a folder to a database, by the steps of the storage rules. Nothing on disk is changed before all that is
 * read has been proven; a read-only open changes nothing at all.
 *
 *  1. the lock; identity (format, file id), and the keys of an encrypted database
 *  2. root; the directory it names, verified → page map, structures as they were at C
 *  3. the log from C, verified: a torn tail is cut in memory, damage is an error
 *  4. system collections, catalogue, shapes from the image; replay of the tail
 *  5. only now: void files go, a new epoch begins
 *  6. declared collections: schema versions, indexes
 * When root, directory or a page of the tables cannot be had: rebuild from the log alone (8 of the rules).
 */

import { getU32 } from '../base/binary.ts'
import { corrupt, type DamageError, isDamage } from '../base/errors.ts'
import type { CommitNumber, StructureId } from '../base/ids.ts'
import { EntryView } from '../codec/entry.ts'
import { readDirectory, removeVoidFiles } from '../gc/directory-file.ts'
import type { DirectoryImage } from '../gc/directory-image.ts'
import { PageMap } from '../gc/page-map.ts'
import { firstRoot, type Root } from '../gc/root.ts'
import { Budget } from '../pages/budget.ts'
import { PageStore } from '../pages/page-table.ts'
import { FileError, type Lock, type Platform } from '../platform/platform.ts'
import type { Frame } from '../wal/frame.ts'
import { Log, type LogConfig } from '../wal/log.ts'
import { PageSegmentReader } from '../wal/page-file.ts'
import { oldestSegment, type Recovered, recoverLog, removeVoid } from '../wal/recovery.ts'
import { ioError, segmentStart } from '../wal/segment.ts'
import { remakeLater, startBackground } from './background.ts'
import {
  cutForGood,
  cutInMemory,
  findCut,
  forgetRestorePoint,
  type LogCut,
  type RestorePoint,
  readRestorePoint,
  upToCut,
} from './backup/restore-point.ts'
import { CatalogueLoader } from './catalogue.ts'
import { closeDatabase } from './close.ts'
import { type CollectionSpecs, checkedName } from './collection-spec.ts'
import type { CompactOptions, CompactResult } from './compact.ts'
import { Core, type EngineOptions } from './core.ts'
import { Database, type DatabaseWith, withCollections } from './database.ts'
import { declareCollection } from './declare.ts'
import { poisonings } from './diagnostics.ts'
import type { Encryption } from './encryption-options.ts'
import {
  askForRebuild,
  type Identified,
  identify,
  notEncrypted,
  prepareFolder,
  rebuildAsked,
  takeLock,
} from './folder.ts'
import { HistoryWindow } from './history-window.ts'
import { mendIdentity } from './identity-file.ts'
import { ImageReader } from './image.ts'
import { encryptionOf, engineOptions, type OpenOptions } from './open-options.ts'
import type { Given, Opened } from './opened.ts'
import { Publisher } from './publisher.ts'
import { Replay } from './replay.ts'
import { readRoot } from './root-file.ts'
import { collectionOf, partOf, TEXT_STRUCTURES } from './structures.ts'
import { CATALOGUE_ID, makeCollection, PIECES_ID, SHAPES_ID } from './system-collections.ts'

const SALT_BYTES = 32

/** Opens the database in `path` on a platform; the folder is made when it is not there. */
export async function openDatabase<C extends CollectionSpecs>(
  platform: Platform,
  path: string,
  options: OpenOptions<C>,
): Promise<DatabaseWith<C>> {
  const settings = engineOptions(options, platform)
  const encryption = encryptionOf(options)
  const names = Object.keys(options.collections ?? {})
  for (const name of names) checkedName(name, true)
  try {
    const folder = prepareFolder(platform, path, settings.readOnly)
    const lock = await takeLock(platform, folder, settings.readOnly)
    try {
      return await openLocked(platform, { folder, lock, settings, encryption, options, names })
    } catch (error) {
      await lock.release()
      throw error
    }
  } catch (error) {
    throw error instanceof FileError ? ioError(error, 'Nothing was changed.') : error
  }
}

interface Opening<C extends CollectionSpecs> {
  readonly folder: string
  readonly lock: Lock
  readonly settings: EngineOptions
  readonly encryption: Encryption | undefined
  readonly options: OpenOptions<C>
  readonly names: readonly string[]
}

async function openLocked<C extends CollectionSpecs>(
  platform: Platform,
  { folder, lock, settings, encryption, options, names }: Opening<C>,
): Promise<DatabaseWith<C>> {
  const epochSalt = platform.random.fill(new Uint8Array(SALT_BYTES))
  const identified = await identify(platform, folder, { readOnly: settings.readOnly, encryption, epochSalt })
  const { identity, seals } = identified
  let opened: Opened
  try {
    opened = await openEngine({ platform, folder, settings, identity, seals, epochSalt })
  } catch (error) {
    seals.close()
    throw error
  }
  const { core, collector } = opened
  const database = new Database<C>({
    core,
    files: {
      core,
      fileId: identity.fileId,
      epochSalt,
      map: opened.context.map,
      seals,
      outside: { ...platform, files: platform.outside },
      root: () => (opened.rebuilding() ? undefined : opened.root()),
    },
    declared: names,
    checkpoint: () => collector.checkpointOrThrow(),
    compact: (options) => compactLater(opened, options),
    rekey: (to) => rekeyOpen(core, folder, identified, to),
    close: () => closeDatabase({ ...opened, lock, seals }),
  })
  try {
    // Only now: the log is this identity's, or it would not have been opened.
    if (!settings.readOnly) mendIdentity(platform, folder, identity)
    for (const name of names) {
      await declareCollection(core, name, options.collections?.[name]?.options ?? {}, options.onProgress)
    }
  } catch (error) {
    await database.close()
    throw error
  }
  core.onPublished = () => collector.noteCommit()
  collector.noteCommit()
  return withCollections<DatabaseWith<C>>(database)
}

/** Few databases are compacted by hand: what does it is loaded then. */
async function compactLater(opened: Opened, options: CompactOptions): Promise<CompactResult> {
  const { compactDatabase } = await import('./compact.ts')
  return compactDatabase(opened, options)
}

/** Another secret for an open database. */
async function rekeyOpen(core: Core, folder: string, known: Identified, encryption: Encryption): Promise<void> {
  core.assertWritable()
  if (!known.seals.encrypts) throw notEncrypted(folder)
  const { rekey } = await import('./unlock.ts')
  const { platform } = core
  const { keys, identity } = known
  await rekey({ platform, folder, keys, fileId: identity.fileId, assertOpen: () => core.assertWritable() }, encryption)
}

async function openEngine(given: Given): Promise<Opened> {
  const { platform, folder, epochSalt, seals } = given
  const point = readRestorePoint(platform, folder)
  const asked = rebuildAsked(platform, folder) || point !== undefined
  const root = readRoot(platform, folder, { fileId: given.identity.fileId, seals })
  let damage: Error | undefined
  if (root !== undefined && !asked) {
    try {
      return recover(given, root, await readImage(given, root))
    } catch (error) {
      // The tables are derived: what of them is damaged is made again from the log, which proves itself.
      if (!(error instanceof ImageError)) throw error
      damage = error.damage
    }
  }
  const rebuilt = rebuildRoot(platform, folder, root, epochSalt)
  const opened = recover(given, rebuilt, undefined, true, point && passRestorePoint(given, rebuilt, point))
  if (damage !== undefined) opened.core.noteBackgroundError(damage)
  return opened
}

/** The log ends at the restore point, for ever, before anything is read or written; a read-only open gets the place. */
function passRestorePoint(given: Given, root: Root, point: RestorePoint): LogCut | undefined {
  const { platform, folder, identity, seals } = given
  const { readOnly } = given.settings
  const config = { platform, folder: `${folder}/log`, fileId: identity.fileId, seals, readOnly }
  const cut = findCut(config, root.logTail, point)
  if (readOnly) return cut
  if (cut !== undefined) cutForGood(config, cut)
  forgetRestorePoint(platform, folder)
  return undefined
}

/** Damage of something that the log can make again. */
class ImageError extends Error {
  readonly damage: DamageError
  constructor(damage: DamageError) {
    super(damage.message, { cause: damage })
    this.damage = damage
  }
}

async function readImage(
  { platform, folder, settings, seals }: Given,
  root: Root,
): Promise<DirectoryImage | undefined> {
  if (root.directory === undefined) return undefined
  try {
    return await readDirectory(platform, folder, root.directory, { readOnlyFolder: settings.readOnly, seals })
  } catch (error) {
    throw imageError(error)
  }
}

/** Where a rebuild begins: the oldest segment. Without a root it must be the first, or part of the data is gone. */
function rebuildRoot(platform: Platform, folder: string, root: Root | undefined, epochSalt: Uint8Array): Root {
  // Nothing is known of the tables, so the image that this root stands for is that of the log's beginning.
  if (root !== undefined) {
    const checkpoint = { lsn: segmentStart(root.logTail), chain: 0 }
    return { ...root, checkpoint, directory: undefined, commit: 0 as CommitNumber }
  }
  const oldest = oldestSegment(platform, `${folder}/log`)
  if (oldest !== undefined && oldest !== 1) {
    throw corrupt(`${folder}/root`, 0, 'the root file, or a log from segment 1', `a log from segment ${oldest}`)
  }
  return firstRoot(epochSalt)
}

/** Steps 3 to 5. */
function recover(given: Given, root: Root, image: DirectoryImage | undefined, rebuild = false, cut?: LogCut): Opened {
  const { platform, folder, settings, identity, seals, epochSalt } = given
  const budget = new Budget(settings.memoryBytes)
  const pageConfig = { platform, folder: `${folder}/pages`, fileId: identity.fileId, seals }
  const reader = new PageSegmentReader(pageConfig)
  const map = new PageMap(reader)
  if (image !== undefined) map.restore(image)
  let opening = true
  const pages = new PageStore(budget, (structure, page, target) => {
    try {
      map.load(structure, page, target)
    } catch (error) {
      if (opening) throw imageError(error)
      noteDamagedPage(core, structure, error)
      throw error
    }
  })
  const core: Core = new Core({
    path: folder,
    platform,
    options: settings,
    budget,
    pages,
    hashSeed: getU32(identity.fileId, 0),
    spillSeal: seals.spill(epochSalt),
  })
  const logConfig = makeLogConfig(given, core)
  const frames: Frame[] = []
  // A rebuild may be larger than memory: it reads the segments again, one after the other.
  const onFrame = rebuild ? () => undefined : (frame: Frame) => frames.push(frame)
  const whole = recoverTail(logConfig, root, image, rebuild, onFrame)
  const recovered = cut === undefined ? whole : cutInMemory(whole, cut)
  core.cut = cut
  core.log = new Log(logConfig, recovered)
  budget.register(core.log.resident)
  budget.register(pages)
  budget.register(core.derived)
  budget.register(core.texts)
  core.onDamage = () => {
    if (!settings.readOnly) askForRebuild(platform, folder)
  }
  core.onBrokenIndex = (collection, index) => remakeLater(given, core, collection, index)
  core.liveBytes.sizeOf = (place) => entrySizeAt(core, place)
  try {
    const loader = replayLog(core, root, image, rebuild ? allFrames(core) : () => frames)
    core.installedAtOpen = core.installed
    core.publisher = new Publisher({ commit: core.installed, end: core.log.end }, () => core.published())
    if (settings.retainHistoryMs > 0) {
      core.window = new HistoryWindow(settings.retainHistoryMs, platform.clock.monotonic(), core.installed)
    }
    loader.buildMissing()
  } catch (error) {
    reader.close()
    core.log.resident.close()
    throw error
  }
  opening = false
  if (!settings.readOnly) core.startSweep()
  if (!settings.readOnly) removeVoidParts(given, root, recovered, rebuild)
  return startBackground(given, { core, reader, map, root, pageConfig, epochSalt, rebuild })
}

/** Every frame of the log, segment by segment, within the memory budget. */
function allFrames(core: Core): () => Iterable<Frame> {
  return function* () {
    for (const { id } of core.log.segments()) {
      yield* upToCut(core.log.readSegment(id), core.cut)
      core.budget.trim()
    }
  }
}

/** Damage of a page, or its file gone, while the database opens: the tables are made again. */
function imageError(error: unknown): unknown {
  if (isDamage(error)) return new ImageError(error)
  const cause = error instanceof Error ? error.cause : undefined
  if (!(cause instanceof FileError) || cause.code !== 'ENOENT') return error
  return new ImageError(corrupt(cause.file, 0, 'a page segment', 'no such file'))
}

function makeLogConfig({ platform, folder, settings, identity, seals, epochSalt }: Given, core: Core): LogConfig {
  return {
    platform,
    folder: `${folder}/log`,
    fileId: identity.fileId,
    seals,
    epochSalt,
    syncWrites: settings.syncWrites,
    relaxedDelayMs: settings.relaxedDelayMs,
    readOnly: settings.readOnly,
    minFreeBytes: settings.minFreeDiskBytes,
    events: {
      advanced: (durable, accepted) => core.publisher.advanced(durable, accepted),
      failed(cause) {
        if (core.publisher.failure !== undefined) return
        core.publisher.failed(cause)
        poisonings.tell({ path: folder, cause })
      },
    },
  }
}

function recoverTail(
  config: LogConfig,
  root: Root,
  image: DirectoryImage | undefined,
  rebuild: boolean,
  onFrame: (frame: Frame) => void,
): Recovered {
  const sizes = new Map<number, number>()
  for (const { id, sizeBytes } of image?.segments ?? []) if (sizeBytes > 0) sizes.set(id, sizeBytes)
  return recoverLog(
    config,
    {
      tailSegment: root.logTail,
      position: rebuild ? 'start' : root.checkpoint,
      keep: !rebuild,
      sizes,
      ...(root.cleanEnd === undefined ? {} : { cleanEnd: root.cleanEnd }),
    },
    onFrame,
  )
}

/** Step 4: the image's catalogue, then the log's tail; in a rebuild all of the log, the system's collections first. */
function replayLog(
  core: Core,
  root: Root,
  image: DirectoryImage | undefined,
  frames: () => Iterable<Frame>,
): CatalogueLoader {
  const rebuild = image === undefined
  const images = new ImageReader(image)
  const nameless = { schemaVersion: 1, hasSchema: false }
  const system = [CATALOGUE_ID, SHAPES_ID, PIECES_ID].map((id) => {
    const heap = images.heap(id)
    const made = makeCollection(core, id, { ...nameless, name: `$${id}` }, heap?.meta)
    if (heap !== undefined) made.heap.newestCommit = heap.newestCommit
    return made
  })
  const [catalogue, shapes, pieces] = system as [(typeof system)[0], (typeof system)[0], (typeof system)[0]]
  core.system = { catalogue, shapes, pieces }
  core.installed = root.commit
  if (image !== undefined) {
    core.nextCollectionId = image.nextCollectionId
    core.liveBytes.restore(image.segments.map(({ id, liveBytes }) => [id, liveBytes] as const))
    for (const { segment, transaction, commit } of image.dataCommits)
      core.dataCommits.note(segment, transaction, commit)
  }
  const loader = new CatalogueLoader(core, images)
  const replay = (only: 'all' | 'system' | 'user'): void => {
    const pass = new Replay(core, {
      only,
      rebuild,
      onCatalogue: (id, record) => loader.apply(id, record),
      onShape: (id, definition) => loader.define(id, definition),
    })
    for (const frame of frames()) pass.frame(frame)
    pass.settle()
  }
  if (rebuild) replay('system')
  loader.loadImage()
  replay(rebuild ? 'user' : 'all')
  return loader
}

/** Step 5. */
function removeVoidParts(given: Given, root: Root, recovered: Recovered, rebuild: boolean): void {
  const { platform, folder } = given
  removeVoid({ platform, folder: `${folder}/log` }, recovered)
  removeVoidFiles(platform.files, folder, rebuild ? { ...root, directory: undefined } : root)
}

/** A page that fails its check after the open: an index is made again; a record table stops writes and asks for a rebuild. */
function noteDamagedPage(core: Core, structure: StructureId, error: unknown): void {
  if (!isDamage(error)) return
  const collection = core.byId.get(collectionOf(structure))
  // Who reads the image of a text index drops a damaged one, and makes the index from the records.
  if (TEXT_STRUCTURES.includes(partOf(structure))) {
    if (collection !== undefined) core.texts.of(collection)?.dropImage()
    return
  }
  const index = collection?.indexes.find((each) => each.part === partOf(structure))
  if (index === undefined) core.noteDamage(error)
  else index.break(error)
}

const entry = new EntryView()

function entrySizeAt(core: Core, place: number): number {
  const offset = place % 0x1000000
  const bytes = core.log.bytesOf(Math.floor(place / 0x1000000), offset)
  entry.read(bytes, offset)
  return entry.end - entry.start
}
