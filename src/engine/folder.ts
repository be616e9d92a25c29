/** The folder of a database at open: it is there or made, locked, and has an identity. */
import { BlazeError } from '../base/errors.ts'
import { firstRoot } from '../gc/root.ts'
import { FileError, type Lock, type Platform } from '../platform/platform.ts'
import { FILE_ID_SIZE } from '../wal/segment.ts'
import { createIdentity, type Identity, readIdentity } from './identity-file.ts'
import { assertComplete } from './incomplete.ts'
import { createFile, writeRoot } from './root-file.ts'

/** An empty file that sends the next open to a rebuild. */
const REBUILD_FILE = 'rebuild'

/** The canonical path of the folder; it is made when it is not there. NOT_A_DATABASE. */
export function prepareFolder(platform: Platform, path: string, readOnly: boolean): string {
  if (typeof path !== 'string' || path.length === 0) {
    throw new BlazeError('INVALID_ARGUMENT', 'open() needs the path of a folder', { argument: 'path' })
  }
  const { files } = platform
  if (!files.existsSync(path)) {
    if (readOnly) {
      throw new BlazeError(
        'NOT_A_DATABASE',
        `${path} does not exist, and a read-only open makes nothing. Name the folder of a database, or open without readOnly.`,
        { path },
      )
    }
    files.makeFolderSync(path)
  }
  const folder = files.realPathSync(path)
  try {
    files.listSync(folder)
  } catch (error) {
    if (!(error instanceof FileError) || error.code !== 'ENOTDIR') throw error
    throw new BlazeError('NOT_A_DATABASE', `${path} is a file, and a database is a folder; nothing was changed`, {
      path,
    })
  }
  return folder
}

/** LOCKED when another process, or this one, has it. */
export async function takeLock(platform: Platform, folder: string, readOnly: boolean): Promise<Lock> {
  const taken = await platform.locks.acquire(folder, readOnly ? 'read-only' : 'read-write')
  if ('lock' in taken) return taken.lock
  const { pid, host, since, mode } = taken.holder
  throw new BlazeError(
    'LOCKED',
    `${folder} is open ${mode} in process ${pid} on ${host} since ${since}; one process writes to a database, or several only read. Close it there first.`,
    { pid, host, since, mode },
  )
}

/** The identity; a new database is made when the folder has none. */
export function identify(platform: Platform, folder: string, readOnly: boolean, epochSalt: Uint8Array): Identity {
  assertComplete(platform.files, folder)
  const known = readIdentity(platform, folder, { readOnly })
  if (known !== undefined) return known
  if (readOnly) {
    throw new BlazeError(
      'NOT_A_DATABASE',
      `${folder} holds no database, and a read-only open makes none. Name the folder of one, or open without readOnly.`,
      {
        path: folder,
      },
    )
  }
  const { files } = platform
  files.makeFolderSync(`${folder}/log`)
  files.makeFolderSync(`${folder}/pages`)
  files.syncFolderSync(folder)
  const fileId = platform.random.fill(new Uint8Array(FILE_ID_SIZE))
  // Root first, the identity last: it stands only where all else does.
  writeRoot(platform, folder, firstRoot(epochSalt), fileId)
  const identity = createIdentity(platform, folder, fileId)
  const parent = folder.slice(0, Math.max(1, folder.lastIndexOf('/')))
  files.syncFolderSync(parent)
  return identity
}

/** Is the next open to make the tables again from the log? */
export function rebuildAsked(platform: Platform, folder: string): boolean {
  return platform.files.existsSync(`${folder}/${REBUILD_FILE}`)
}

export function askForRebuild(platform: Platform, folder: string): void {
  createFile(platform.files, `${folder}/${REBUILD_FILE}`, new Uint8Array(0))
}

/** The tables are sound on disk. */
export function forgetRebuild(platform: Platform, folder: string): void {
  platform.files.unlinkSync(`${folder}/${REBUILD_FILE}`)
}
