/**
 * RESTORE: a database folder from a full backup and the increments that continue it, whole or up to one commit.
 *
 *   full 7 ─────▶ P₁ │ increment P₁ ▶ P₂ │ increment P₂ ▶ P₃          until: within the last part that is taken
 *
 * Bytes go back to the files and places they came from, each file checked against the SHA-256 of its manifest; no key is
 * needed, encrypted or not. `until` cannot cut here, where frames are not understood: the folder gets a restore point
 * (restore-point.ts), and the first open cuts the log there, before anything else is done.
 *
 * Invariants: nothing is written over what is there; until all is there and synced the folder is marked and has no
 * identity; a restore ends with a folder that opens, or with an error.
 */
import { toHex } from '../../base/bytes.ts'
import { BlazeError, corrupt } from '../../base/errors.ts'
import { FileError, type Platform } from '../../platform/platform.ts'
import { ioError } from '../../wal/segment.ts'
import { takenText } from '../incomplete.ts'
import { assertKnown } from '../known-options.ts'
import { Task, type TaskOptions } from '../task.ts'
import { archived } from './archive.ts'
import { chosenChain } from './chain.ts'
import { type BackupPart, isFolder, openPart } from './input.ts'
import { type BackupFile, MANIFEST_FILE, notABackup, OPEN_ROOT_FILE } from './manifest.ts'
import { FolderOutput } from './output.ts'
import { encodeRestorePoint, RESTORE_POINT_FILE, type RestorePoint } from './restore-point.ts'

export interface RestoreOptions extends TaskOptions {
  /** A backup (folder or file), an archive, or a full backup with its increments in order. */
  readonly from: string | readonly string[]
  /** The folder to make: new, or empty. */
  readonly to: string
  /**
   * The state right after this commit; or the newest in which no commit is of a later time. It reaches back to the commit at
   * which the full backup was taken. All of the backup by default.
   */
  readonly until?: number | Date
}

export interface RestoreResult {
  readonly path: string
  /** The newest commit that is in the backups that were used; with `until` the folder has fewer, cut by its first open. */
  readonly commitNumber: number
  /** The backups that were used, in order. */
  readonly used: readonly string[]
  readonly bytes: number
}

/** A file of the database, and where its bytes come from, one after the other. */
interface RestoredFile {
  readonly name: string
  readonly sizeBytes: number
  readonly sources: readonly { readonly part: BackupPart; readonly file: BackupFile }[]
}

const COPY_BYTES = 0x100000
const ROOTS: readonly string[] = ['root', OPEN_ROOT_FILE]

/** Makes a database folder from backups. Errors: see `restore`. */
export async function restoreDatabase(platform: Platform, options: RestoreOptions): Promise<RestoreResult> {
  assertKnown('restore()', options, ['from', 'to', 'until', 'signal', 'onProgress'])
  const { to } = options
  const until = checkedUntil(options.until)
  if (typeof to !== 'string' || to.length === 0) throw refused('restore() needs the folder to make', 'to')
  try {
    if (platform.files.existsSync(to) && (!isFolder(platform, to) || platform.files.listSync(to).length > 0)) {
      throw refused(`${takenText(platform.files, to)}: a restore writes over nothing`, 'to')
    }
    const task = new Task('the restore', platform.clock, options)
    const parts = openParts(platform, options.from)
    try {
      const chain = chosenChain(parts, until)
      return await restoreParts(platform, { to, chain, until, task })
    } finally {
      for (const part of parts) part.close()
    }
  } catch (error) {
    throw error instanceof FileError ? restoreError(error) : error
  }
}

function checkedUntil(until: number | Date | undefined): number | Date | undefined {
  if (until === undefined) return undefined
  if (until instanceof Date && !Number.isNaN(until.getTime())) return until
  if (typeof until === 'number' && Number.isSafeInteger(until) && until >= 0) return until
  throw refused('until is the number of a commit or a Date', 'until')
}

function openParts(platform: Platform, from: string | readonly string[]): BackupPart[] {
  const paths = typeof from === 'string' ? pathsOf(platform, from) : from
  if (!Array.isArray(paths) || paths.length === 0) throw refused('restore() needs a backup to restore from', 'from')
  const parts: BackupPart[] = []
  try {
    for (const path of paths) parts.push(openPart(platform, path))
  } catch (error) {
    for (const part of parts) part.close()
    throw error
  }
  return parts
}

/** A single path may be that of an archive. */
function pathsOf(platform: Platform, path: string): readonly string[] {
  if (!platform.files.existsSync(path) || !isFolder(platform, path)) return [path]
  if (platform.files.existsSync(`${path}/${MANIFEST_FILE}`)) return [path]
  const paths = archived(platform, path)
  return paths.length > 0 ? paths : [path]
}

interface Restoring {
  readonly to: string
  readonly chain: readonly BackupPart[]
  readonly until: number | Date | undefined
  readonly task: Task
}

async function restoreParts(platform: Platform, { to, chain, until, task }: Restoring): Promise<RestoreResult> {
  const last = chain.at(-1)!
  const first = chain[0]!
  const point = pointOf(until, first, last)
  const files = filesOf(chain, point !== undefined)
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const output = new FolderOutput(platform.files, to, 'restore')
  try {
    output.start()
    let done = 0
    for (const file of files) {
      await output.begin({ name: file.name, offset: 0, sizeBytes: file.sizeBytes })
      for (const { part, file: source } of file.sources) {
        await copySource(platform, part, source, async (bytes) => {
          await output.write(bytes)
          done += bytes.length
          task.tell('files', done, total)
          await task.pause()
        })
      }
      await output.end()
    }
    if (point !== undefined) {
      const bytes = encodeRestorePoint(point)
      await output.begin({ name: RESTORE_POINT_FILE, offset: 0, sizeBytes: bytes.length })
      await output.write(bytes)
      await output.end()
    }
    task.check()
    await output.finish(undefined)
  } catch (error) {
    output.abandon()
    throw error
  }
  const { commitNumber } = last.manifest.to
  return { path: to, commitNumber, used: chain.map(({ path }) => path), bytes: total }
}

/** Undefined when all of the parts is wanted. */
function pointOf(until: number | Date | undefined, first: BackupPart, last: BackupPart): RestorePoint | undefined {
  if (until === undefined || until === last.manifest.to.commitNumber) return undefined
  const after = first.manifest.to.commitNumber
  return typeof until === 'number' ? { after, commit: until } : { after, timeMs: until.getTime() }
}

/** The files of the database: segments from all parts, everything else from the newest that has it. */
function filesOf(chain: readonly BackupPart[], cut: boolean): RestoredFile[] {
  const asIs = chain.length === 1 && !cut
  const byName = new Map<string, { part: BackupPart; file: BackupFile }[]>()
  for (const part of chain) {
    for (const file of part.manifest.files) {
      // The root that states the end of the full backup's log would call what follows it damage.
      if (ROOTS.includes(file.name) && (file.name === 'root') !== asIs) continue
      const name = ROOTS.includes(file.name) ? 'root' : file.name
      const sources = byName.get(name)
      if (sources === undefined || !name.startsWith('log/')) byName.set(name, [{ part, file }])
      else sources.push({ part, file })
    }
  }
  const files: RestoredFile[] = []
  for (const [name, sources] of byName) {
    let sizeBytes = 0
    for (const { part, file } of sources) {
      if (file.offset !== sizeBytes)
        throw notABackup(part.path, `${name} begins at ${file.offset}, not at ${sizeBytes}`)
      sizeBytes += file.sizeBytes
    }
    files.push({ name: checkedName(sources[0]!.part, name), sizeBytes, sources })
  }
  return files
}

/** Names come from a file: they may not lead out of the folder. */
function checkedName(part: BackupPart, name: string): string {
  if (/^(?:log\/[1-9][0-9]{0,8}|root|rebuild|identity(?:\.copy)?)$/.test(name)) return name
  throw notABackup(part.path, `it holds a file of the name ${JSON.stringify(name)}`)
}

/** Hands the bytes of a file on, and fails at its end when they are not those that were backed up. */
async function copySource(
  platform: Platform,
  part: BackupPart,
  file: BackupFile,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const { handle, position } = part.find(file)
  const digest = platform.digest.sha256InPieces()
  const buffer = new Uint8Array(Math.min(COPY_BYTES, file.sizeBytes))
  for (let at = 0; at < file.sizeBytes; ) {
    const size = await handle.read(buffer, 0, Math.min(buffer.length, file.sizeBytes - at), position + at)
    if (size <= 0) throw corrupt(`${part.path} (${file.name})`, at, `${file.sizeBytes} bytes`, `${at} bytes`)
    const bytes = buffer.subarray(0, size)
    digest.add(bytes)
    await write(bytes)
    at += size
  }
  const found = toHex(digest.finish())
  if (found !== file.sha256) {
    throw corrupt(`${part.path} (${file.name})`, 0, `SHA-256 ${file.sha256}, as its manifest states`, found)
  }
}

function refused(text: string, argument: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}; nothing was written`, { argument })
}

function restoreError(error: FileError): BlazeError {
  if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') return ioError(error, 'The restore was given up.')
  const text = `${error.message}: no space for the database. The restore was given up; free some space and begin again.`
  return new BlazeError('DISK_FULL', text, undefined, { cause: error })
}
