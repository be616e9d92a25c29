/** The folder of a database at open: it is there or made, locked, and has an identity. */
import { BlazeError } from '../base/errors.ts'
import { firstRoot } from '../gc/root.ts'
import { FileError, type Lock, type Platform } from '../platform/platform.ts'
import type { DataKey } from '../wal/encrypted-seals.ts'
import { plainSeals, type Seals } from '../wal/seal.ts'
import { FILE_ID_SIZE, ioError } from '../wal/segment.ts'
import type { Encryption } from './encryption-options.ts'
import type { Identity } from './identity.ts'
import { createIdentity, readIdentity } from './identity-file.ts'
import { assertComplete } from './incomplete.ts'
import { createFile, writeRoot } from './root-file.ts'

/** An empty file that sends the next open to a rebuild. */
const REBUILD_FILE = 'rebuild'

/** The canonical path of the folder; it is made when it is not there. NOT_A_DATABASE. */
export function prepareFolder(platform: Platform, path: string, readOnly: boolean): string {
  if (typeof path !== 'string' || path.length === 0) {
    throw new BlazeError('INVALID_ARGUMENT', 'this needs the path of a folder, as a text; nothing was done', {
      argument: 'path',
    })
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
  const taken = await acquired(platform, folder, readOnly)
  if ('lock' in taken) return taken.lock
  const { pid, host, since, mode } = taken.holder
  throw new BlazeError(
    'LOCKED',
    `${folder} is open ${mode} in process ${pid} on ${host} since ${since}; one process writes to a database, or several only read. Close it there first.`,
    { pid, host, since, mode },
  )
}

const NOT_WRITABLE: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM'])

async function acquired(platform: Platform, folder: string, readOnly: boolean) {
  try {
    return await platform.locks.acquire(folder, readOnly ? 'read-only' : 'read-write')
  } catch (error) {
    // The lock is the first thing that is written.
    if (readOnly || !(error instanceof FileError) || !NOT_WRITABLE.has(error.code)) throw error
    throw ioError(
      error,
      'The folder cannot be written here; nothing was changed. To read it, open it with readOnly: true.',
    )
  }
}

/** A database that is known, and what seals it. */
export interface Identified {
  readonly identity: Identity
  readonly seals: Seals
  /** The data keys, which the seals own; none of a plain database. */
  readonly keys: readonly DataKey[]
}

/** How a database is to be identified. */
export interface IdentifyOptions {
  readonly readOnly: boolean
  /** Undefined: it is not to be encrypted. */
  readonly encryption: Encryption | undefined
  readonly epochSalt: Uint8Array
}

/**
 * The identity and the seals of a database, which is made when the folder has none. Throws NOT_ENCRYPTED,
 * PASSWORD_REQUIRED, WRONG_PASSWORD, and what reading an identity throws; nothing has been changed then.
 */
export async function identify(platform: Platform, folder: string, options: IdentifyOptions): Promise<Identified> {
  const { encryption } = options
  assertComplete(platform.files, folder)
  const identity = readIdentity(platform, folder)
  if (identity === undefined) return create(platform, folder, options)
  const { fileId, lock } = identity
  if (lock === undefined) {
    encryption?.forget()
    if (encryption !== undefined) throw notEncrypted(folder)
    return { identity, seals: plainSeals(platform, fileId), keys: [] }
  }
  if (encryption === undefined) throw passwordRequired(folder)
  const { unlock } = await import('./unlock.ts')
  const unlocked = await unlock(platform, fileId, lock, encryption)
  return { identity, ...unlocked }
}

async function create(platform: Platform, folder: string, options: IdentifyOptions): Promise<Identified> {
  const { readOnly, encryption, epochSalt } = options
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
  const fileId = platform.random.fill(new Uint8Array(FILE_ID_SIZE))
  const locked = encryption === undefined ? undefined : await lockNew(platform, fileId, encryption)
  const { seals, keys, lock } = locked ?? { seals: plainSeals(platform, fileId), keys: [], lock: undefined }
  const identity = orClose(seals, () => {
    files.makeFolderSync(`${folder}/log`)
    files.makeFolderSync(`${folder}/pages`)
    files.syncFolderSync(folder)
    // Root first, the identity last: it stands only where all else does.
    writeRoot(platform, folder, firstRoot(epochSalt), { fileId, seals })
    return createIdentity(platform, folder, fileId, lock)
  })
  const parent = folder.slice(0, Math.max(1, folder.lastIndexOf('/')))
  orClose(seals, () => files.syncFolderSync(parent))
  return { identity, seals, keys }
}

/** What fails leaves no keys behind. */
function orClose<T>(seals: Seals, run: () => T): T {
  try {
    return run()
  } catch (error) {
    seals.close()
    throw error
  }
}

async function lockNew(platform: Platform, fileId: Uint8Array, encryption: Encryption) {
  const { newLock } = await import('./unlock.ts')
  return newLock(platform, fileId, encryption)
}

/** A secret was given for a database that needs none. */
export function notEncrypted(folder: string): BlazeError<'NOT_ENCRYPTED'> {
  return new BlazeError(
    'NOT_ENCRYPTED',
    `${folder} is not encrypted, and a password or key was given for it; nothing was changed. Open it without, or write its records to a new database that is encrypted.`,
    undefined,
  )
}

function passwordRequired(folder: string): BlazeError<'PASSWORD_REQUIRED'> {
  return new BlazeError(
    'PASSWORD_REQUIRED',
    `${folder} is encrypted, and no password or key was given; nothing was changed. Open it with the encryption option.`,
    undefined,
  )
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
