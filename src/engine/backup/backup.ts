/**
 * BACKUP: a copy of the log up to one commit, taken while writing goes on.
 *
 *   tail                         P = end of the log in one turn, flushed before a byte is copied
 *   [ 7 ][ 8 ][ 9 ][ 10 …      │ …]         full: 7 … P         increment since Q: Q … P
 *
 * The log is the truth and everything else is derived from it, so a backup is identity, a root that says where the log
 * begins, and the log; who opens it makes the tables anew. Frames are copied as they are stored, each verified before
 * its bytes go out; so a backup of an encrypted database is encrypted under the same keys, and holds the wrapped keys.
 *
 * Worked example: `db.backup('monday')` holds the log from its tail, writes `monday/incomplete`, the segments, the root,
 * `backup.json`, then `monday/identity`, and takes `incomplete` away: from there on `monday` is a database that opens.
 *
 * Invariants: nothing is copied that is not durable (13); the segments that are copied are neither cleaned nor unlinked
 * meanwhile, for a bounded number of bytes; an increment begins exactly where the backup before it ended, with the same
 * chain; the database itself is only read. At most two segments of memory.
 *
 * What it does not do: copy pages (a first open makes them), compress, send anywhere.
 */
import { toHex } from '../../base/bytes.ts'
import { BlazeError } from '../../base/errors.ts'
import type { CommitNumber, Lsn } from '../../base/ids.ts'
import { lsnOf, offsetOf, segmentOf } from '../../base/ids.ts'
import type { LogHold } from '../../gc/log-holds.ts'
import { firstRoot, type Root } from '../../gc/root.ts'
import { FileError, type Platform } from '../../platform/platform.ts'
import type { LogPosition } from '../../wal/log.ts'
import { ioError, segmentPath, segmentStart } from '../../wal/segment.ts'
import { type StoredPart, type StoredPiece, storedBytes, storedHeader } from '../../wal/stored-bytes.ts'
import { type Core, closedError } from '../core.ts'
import { IDENTITY_FILES, identityBytes } from '../identity-file.ts'
import { takenText } from '../incomplete.ts'
import { liesInside } from '../inside-folder.ts'
import { assertKnown } from '../known-options.ts'
import type { DatabaseFiles } from '../opened.ts'
import { rootBytes } from '../root-file.ts'
import { Task, type TaskOptions } from '../task.ts'
import { lastPosition, nextArchiveFile, positionOfBackup } from './archive.ts'
import { chainError } from './chain-error.ts'
import {
  type BackupFile,
  type BackupManifest,
  type BackupPosition,
  encodeManifest,
  MANIFEST_FORMAT,
  OPEN_ROOT_FILE,
} from './manifest.ts'
import { type BackupOutput, FileOutput, FolderOutput } from './output.ts'

export interface BackupOptions extends TaskOptions {
  /**
   * 'folder' (the default): a database folder, which opens as it is. 'file': one file, for `restore`. 'archive': a folder of
   * such files, full or incremental, to which each call adds what was committed since the call before.
   */
  readonly as?: 'folder' | 'file' | 'archive'
  /** An increment: only what was committed since that backup, as its result said or as its path names it. Always a file. */
  readonly since?: BackupPosition | string
  /** With 'archive': begins with a full backup again. */
  readonly full?: boolean
}

export interface BackupResult {
  /** The folder or file that was written. */
  readonly path: string
  readonly kind: 'full' | 'increment'
  /** Where it ends: `since` of the next increment. Its commitNumber is the newest commit that is in it. */
  readonly position: BackupPosition
  readonly createdMs: number
  readonly files: number
  readonly bytes: number
  readonly durationMs: number
}

/** What the log may grow by while a backup holds it. A target that hangs must not fill the disk. */
const MAX_GROWTH_BYTES = 0x40000000
const UNHARMED = 'The backup was given up; the database goes on unharmed.'

/** Databases that back up just now, by target. */
const running = new WeakMap<Core, Set<string>>()

/** Takes one backup. Errors: see Database.backup. */
export async function backupDatabase(
  database: DatabaseFiles,
  target: string,
  options: BackupOptions,
): Promise<BackupResult> {
  checkOptions(target, options)
  const { core } = database
  if (core.cut !== undefined) {
    throw new BlazeError(
      'UNSUPPORTED',
      'this database was restored up to a commit and never opened for writing, so its log is not cut yet; nothing was written. Open it once without readOnly.',
      undefined,
    )
  }
  const targets = running.get(core) ?? new Set()
  running.set(core, targets)
  if (targets.has(target)) throw refused(`a backup to ${target} is running already`, 'target')
  targets.add(target)
  try {
    return await run(database, target, options)
  } catch (error) {
    throw error instanceof FileError ? targetError(error) : error
  } finally {
    targets.delete(target)
  }
}

function checkOptions(target: string, options: BackupOptions): void {
  assertKnown('backup()', options, ['as', 'since', 'full', 'signal', 'onProgress'])
  const { as, since, full } = options
  if (typeof target !== 'string' || target.length === 0) throw refused('backup() needs a path to write to', 'target')
  if (as !== undefined && as !== 'folder' && as !== 'file' && as !== 'archive') {
    throw refused(`as is one of folder, file, archive, found ${String(as)}`, 'as')
  }
  if (since !== undefined && as !== undefined && as !== 'file') {
    throw refused(
      `an increment is written as a file; leave 'as' out${as === 'archive' ? ', or leave since out: an archive knows what is in it' : ''}`,
      'since',
    )
  }
  if (full !== undefined && as !== 'archive') throw refused("full belongs to as: 'archive'", 'full')
}

async function run(database: DatabaseFiles, target: string, options: BackupOptions): Promise<BackupResult> {
  const { core } = database
  const { platform } = core
  const startedMs = platform.clock.monotonic()
  const hold = core.holds.hold(core.log.tailSegment, core.log.totalBytes + MAX_GROWTH_BYTES)
  try {
    const task = new Task('the backup', platform.clock, options, () => {
      if (core.closing) throw closedError()
      if (hold.lost) throw tooSlow()
    })
    const since = await sinceOf(database, target, options)
    const plan = planOf(database, since)
    await core.log.flush()
    const { path, output } = await begin(database, target, options, since)
    try {
      const files = await copy(database, plan, { hold, task, output })
      const manifest: BackupManifest = {
        format: MANIFEST_FORMAT,
        kind: since === undefined ? 'full' : 'increment',
        createdMs: plan.createdMs,
        from: since ?? null,
        to: plan.to,
        files,
      }
      task.check()
      await output.finish(encodeManifest(manifest, platform.digest))
      return {
        path,
        kind: manifest.kind,
        position: plan.to,
        createdMs: plan.createdMs,
        files: files.length,
        bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        durationMs: platform.clock.monotonic() - startedMs,
      }
    } catch (error) {
      output.abandon()
      throw error
    }
  } finally {
    hold.release()
    core.onPublished()
  }
}

/** A part of a segment that is copied. */
interface LogPart {
  readonly segment: number
  readonly from: number
  readonly to: number
}

interface BackupPlan {
  readonly to: BackupPosition
  readonly end: LogPosition
  readonly createdMs: number
  readonly tail: number
  readonly parts: readonly LogPart[]
  /** The chain where the first part begins. */
  readonly chain: number
  readonly full: boolean
}

/** The end of the log in this turn, and what lies between. Durable once the log is flushed. */
function planOf(files: DatabaseFiles, since: BackupPosition | undefined): BackupPlan {
  const { core, fileId } = files
  const end = core.log.boundary()
  const database = toHex(fileId)
  const to = { database, lsn: end.lsn, chain: end.chain, commitNumber: core.installed }
  const tail = core.log.tailSegment
  const start = since === undefined ? lsnOf(tail, 0) : (since.lsn as Lsn)
  if (since !== undefined) assertContinues(files, since, to)
  const parts: LogPart[] = []
  for (const { id, sizeBytes } of core.log.segments()) {
    const from = id === segmentOf(start) ? offsetOf(start) : 0
    const to = id === segmentOf(end.lsn) ? offsetOf(end.lsn) : sizeBytes
    if (id >= segmentOf(start) && id <= segmentOf(end.lsn) && from < to) parts.push({ segment: id, from, to })
  }
  const chain = since?.chain ?? 0
  return { to, end, createdMs: core.platform.clock.now(), tail, parts, chain, full: since === undefined }
}

/** BACKUP_CHAIN when the log does not go on from that position. */
function assertContinues(files: DatabaseFiles, since: BackupPosition, to: BackupPosition): void {
  const { core } = files
  if (since.database !== to.database) {
    throw chainError('other-database', 'The backup before is that of another database.')
  }
  if (since.lsn > to.lsn || (since.lsn === to.lsn && since.chain !== to.chain)) throw otherHistory()
  const segment = segmentOf(since.lsn as Lsn)
  const { tailSegment } = core.log
  if (since.lsn === to.lsn) return
  const info = core.log.segments().find(({ id }) => id === segment)
  // Where a segment ended, the header of the next one tells its chain; within one, the next frame does as it is copied.
  if (info !== undefined && since.lsn < lsnOf(segment, info.sizeBytes)) {
    if (offsetOf(since.lsn as Lsn) === offsetOf(segmentStart(segment))) assertHeader(files, segment, since)
    return
  }
  if (segment + 1 < tailSegment) throw logCleaned(since)
  assertHeader(files, segment + 1, since)
}

function assertHeader({ core, fileId, seals }: DatabaseFiles, segment: number, since: BackupPosition): void {
  const header = storedHeader({ platform: core.platform, folder: `${core.path}/log`, segment, fileId, seals })
  const ends = offsetOf(since.lsn as Lsn) === offsetOf(segmentStart(segment)) && segmentOf(since.lsn as Lsn) === segment
  if (header.prevChain === since.chain && (ends || header.prevEnd === since.lsn)) return
  if (segment === core.log.tailSegment && header.prevEnd > since.lsn) throw logCleaned(since)
  throw otherHistory()
}

async function sinceOf(
  { outside }: DatabaseFiles,
  target: string,
  { as, since, full }: BackupOptions,
): Promise<BackupPosition | undefined> {
  if (as === 'archive') return full === true ? undefined : lastPosition(outside, target)
  if (since === undefined) return undefined
  if (typeof since === 'string') return positionOfBackup(outside, since)
  const { database, lsn, chain, commitNumber } = since
  if (typeof database === 'string' && [lsn, chain, commitNumber].every((each) => Number.isSafeInteger(each))) {
    return { database, lsn, chain, commitNumber }
  }
  throw refused('since is the position of a backup, or its path', 'since')
}

async function begin(
  { core, outside }: DatabaseFiles,
  target: string,
  { as }: BackupOptions,
  since: BackupPosition | undefined,
): Promise<{ readonly path: string; readonly output: BackupOutput }> {
  const { files } = outside
  if (files === core.platform.files && liesInside(files, core.path, target)) {
    throw refused(
      `${target} lies in the folder of the database, and would be lost with it; name another place`,
      'target',
    )
  }
  if (as === 'archive') {
    files.makeFolderSync(target)
    return beginFile(outside, nextArchiveFile(outside, target, since === undefined ? 'full' : 'increment'))
  }
  if (as === 'file' || since !== undefined) {
    if (files.existsSync(target)) throw refused(`${target} is there already`, 'target')
    return beginFile(outside, target)
  }
  if (files.existsSync(target) && files.listSync(target).length > 0) {
    throw refused(`${takenText(files, target)}: a backup writes over nothing`, 'target')
  }
  const output = new FolderOutput(files, target, 'backup')
  return started(target, output)
}

function beginFile(
  { files }: Platform,
  path: string,
): Promise<{ readonly path: string; readonly output: BackupOutput }> {
  return started(path, new FileOutput(files, path))
}

async function started(
  path: string,
  output: FolderOutput | FileOutput,
): Promise<{ readonly path: string; readonly output: BackupOutput }> {
  try {
    await output.start()
  } catch (error) {
    output.abandon()
    throw error
  }
  return { path, output }
}

interface Copying {
  readonly hold: LogHold
  readonly task: Task
  readonly output: BackupOutput
}

/** All files, the log first. */
async function copy(database: DatabaseFiles, plan: BackupPlan, work: Copying): Promise<BackupFile[]> {
  const files: BackupFile[] = []
  const total = plan.parts.reduce((sum, { from, to }) => sum + to - from, 0)
  let done = 0
  let { chain } = plan
  for (const part of plan.parts) {
    const copied = await copyPart(database, part, { chain, work, done, total })
    files.push(copied.file)
    chain = copied.chain
    done += part.to - part.from
    work.hold.advance(part.segment + 1)
  }
  work.task.tell('log', total, total)
  if (chain !== plan.end.chain && plan.parts.length > 0) throw otherHistory()
  for (const { name, bytes } of smallFiles(database, plan))
    files.push(await put(database.core, work.output, name, bytes))
  return files
}

async function copyPart(
  { core, fileId, seals }: DatabaseFiles,
  { segment, from, to }: LogPart,
  { chain: before, work, done, total }: { chain: number; work: Copying; done: number; total: number },
): Promise<{ readonly file: BackupFile; readonly chain: number }> {
  const { platform } = core
  const { output, task } = work
  const name = segmentPath('log', segment)
  const digest = platform.digest.sha256InPieces()
  await output.begin({ name, offset: from, sizeBytes: to - from })
  let chain = before
  const courtesy = new Courtesy(core)
  for (const piece of readable({ platform, folder: `${core.path}/log`, fileId, seals, segment, from, to, chain })) {
    digest.add(piece.bytes)
    await output.write(piece.bytes)
    chain = piece.chain
    task.tell('log', done + piece.offset - from, total)
    await task.pause()
    await courtesy.wait()
  }
  await output.end()
  return { file: { name, offset: from, sizeBytes: to - from, sha256: toHex(digest.finish()) }, chain }
}

/** The bytes of a part; a file of the database that cannot be read is no fault of the target. */
function* readable(part: StoredPart): Generator<StoredPiece, void, undefined> {
  const pieces = storedBytes(part)
  try {
    for (let step = nextOf(pieces); step.done !== true; step = nextOf(pieces)) yield step.value
  } finally {
    pieces.return()
  }
}

function nextOf<T>(pieces: Generator<T, void, undefined>): IteratorResult<T, void> {
  try {
    return pieces.next()
  } catch (error) {
    throw error instanceof FileError ? ioError(error, UNHARMED) : error
  }
}

/** While the database writes, a backup takes no more than half of the time. */
class Courtesy {
  readonly #core: Core
  #writes: number
  #sinceMs: number

  constructor(core: Core) {
    this.#core = core
    this.#writes = core.log.stats().writes
    this.#sinceMs = core.platform.clock.monotonic()
  }

  async wait(): Promise<void> {
    const { clock } = this.#core.platform
    const { writes } = this.#core.log.stats()
    const tookMs = Math.min(MAX_WAIT_MS, clock.monotonic() - this.#sinceMs)
    if (writes > this.#writes && tookMs >= 1) await clock.wait(tookMs)
    this.#writes = writes
    this.#sinceMs = clock.monotonic()
  }
}
/** A piece that took longer was waiting for something else. */
const MAX_WAIT_MS = 50

/** What makes the log a database: roots, a word that tables are to be made, the identity with the wrapped keys. */
function* smallFiles(
  database: DatabaseFiles,
  { tail, end, full }: BackupPlan,
): Generator<{ readonly name: string; readonly bytes: Uint8Array }> {
  const { core, fileId, seals } = database
  if (full) {
    const open: Root = {
      ...firstRoot(database.epochSalt),
      checkpoint: { lsn: segmentStart(tail), chain: 0 },
      commit: 0 as CommitNumber,
      logTail: tail,
    }
    yield { name: 'root', bytes: rootBytes({ ...open, cleanEnd: end }, { fileId, seals }) }
    yield { name: OPEN_ROOT_FILE, bytes: rootBytes(open, { fileId, seals }) }
    yield { name: 'rebuild', bytes: new Uint8Array(0) }
  }
  // Read once: between the two files a rekey may come, and the copy would keep the older secret.
  const bytes = identityBytes(core.platform.files, core.path)
  for (const name of IDENTITY_FILES) yield { name, bytes }
}

async function put(core: Core, output: BackupOutput, name: string, bytes: Uint8Array): Promise<BackupFile> {
  await output.begin({ name, offset: 0, sizeBytes: bytes.length })
  if (bytes.length > 0) await output.write(bytes)
  await output.end()
  return { name, offset: 0, sizeBytes: bytes.length, sha256: toHex(core.platform.digest.sha256(bytes)) }
}

function refused(text: string, argument: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}; nothing was written`, { argument })
}

function tooSlow(): BlazeError<'DISK_FULL'> {
  const grown = MAX_GROWTH_BYTES / 0x40000000
  return new BlazeError(
    'DISK_FULL',
    `the log has grown by ${grown} GiB since the backup began, which is more than it may hold. ${UNHARMED} Back up to a faster disk, or while less is written.`,
    undefined,
  )
}

function targetError(error: FileError): BlazeError {
  if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') return ioError(error, UNHARMED)
  const text = `${error.message}: no space for the backup. ${UNHARMED} Free some space and begin again.`
  return new BlazeError('DISK_FULL', text, undefined, { cause: error })
}

function otherHistory(): BlazeError<'BACKUP_CHAIN'> {
  return chainError(
    'other-history',
    'The log does not go on from where the backup before ended: an older copy of the database was put in its place since. Take a full backup.',
  )
}

function logCleaned({ commitNumber }: BackupPosition): BlazeError<'BACKUP_CHAIN'> {
  return chainError(
    'log-cleaned',
    `The log from commit ${commitNumber} on, where the backup before ended, has been cleaned away. Take a full backup; a larger retain.logBytes keeps more log for the next increment.`,
  )
}
