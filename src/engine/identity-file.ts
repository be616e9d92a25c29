/**
 * The identity of a database: two small files of the same 512 bytes (identity.ts), which never change but on rekey. One of
 * them is enough. Where both are valid and differ, a rekey was cut, and `identity` is the newer.
 */
import { equalBytes } from '../base/bytes.ts'
import { BlazeError, corrupt, isBlazeError, tampered } from '../base/errors.ts'
import type { FileSystem, Platform } from '../platform/platform.ts'
import { ioError, segmentIds, TEMPORARY_SUFFIX } from '../wal/segment.ts'
import {
  decodeIdentity,
  encodeIdentity,
  FORMAT,
  IDENTITY_SIZE,
  type Identity,
  type IdentityLock,
  isIdentity,
  isSealedIdentity,
  namesCipher,
} from './identity.ts'
import { createFile, ROOT_FILE, readSmallFile } from './root-file.ts'

/** Both hold the same; one is enough. */
export const IDENTITY_FILES: readonly string[] = ['identity.copy', 'identity']
const NAME = 'identity'
const COPY = 'identity.copy'

/**
 * Makes the identity of a new database, the copy first, so that `identity` stands only where all else does. The root comes
 * before it and is sealed with the file id, which is therefore given.
 */
export function createIdentity(
  platform: Platform,
  folder: string,
  fileId: Uint8Array = platform.random.fill(new Uint8Array(16)),
  lock?: IdentityLock,
): Identity {
  const identity = { fileId, format: FORMAT, lock }
  writeIdentity(platform.files, folder, encodeIdentity(identity), [COPY, NAME])
  return identity
}

/**
 * Puts another lock on a database: `identity` first, which wins over its copy from then on; durable when it returns. Throws
 * IO or DISK_FULL; then the older lock holds, or the newer, and the error says that both secrets are to be kept.
 */
export function replaceIdentity(platform: Platform, folder: string, identity: Identity): void {
  try {
    writeIdentity(platform.files, folder, encodeIdentity(identity), [NAME, COPY])
  } catch (error) {
    throw withBothSecrets(error)
  }
}

function withBothSecrets(error: unknown): unknown {
  if (!isBlazeError(error, 'DISK_FULL') && !isBlazeError(error, 'IO')) return error
  const { code, details, cause } = error
  const what = cause instanceof Error ? cause.message : error.message
  const text = `${what}. The secret may be changed or not: keep the older and the new one, and call rekey() again`
  return new BlazeError(code, text, details, { cause })
}

/**
 * The identity of the database in `folder`; undefined when there is none yet: nothing, or an unfinished creation, which
 * may begin again. Nothing is changed. Throws NOT_A_DATABASE, FORMAT_NEWER, CORRUPT, TAMPERED, IO.
 */
export function readIdentity(platform: Platform, folder: string): Identity | undefined {
  try {
    return identityOf(platform.files, folder)
  } catch (error) {
    throw ioError(error, 'Nothing was changed.')
  }
}

/**
 * The bytes of the identity that is in force, both files looked at in one turn. Throws CORRUPT or TAMPERED when neither
 * holds one, IO.
 */
export function identityBytes(files: FileSystem, folder: string): Uint8Array {
  const found = readBoth(files, folder)
  const sound = found.find(isSound)
  if (sound !== undefined) return sound
  if (found.some((bytes) => bytes !== undefined)) throw unsealed(files, folder, found)
  throw corrupt(`${folder}/${NAME}`, 0, 'the identity of a database', 'none')
}

/**
 * Sees to it that both files hold this identity. Only when the log has proven to be of it: a file that came here from
 * another database would else be written over the only copy of the right one, and in it the wrapped keys.
 */
export function mendIdentity(platform: Platform, folder: string, identity: Identity): void {
  const bytes = encodeIdentity(identity)
  for (const name of [NAME, COPY]) {
    const found = readSmallFile(platform.files, `${folder}/${name}`, IDENTITY_SIZE)
    if (found === undefined || !equalBytes(found, bytes)) writeIdentity(platform.files, folder, bytes, [name])
  }
}

/** What the folder says it is. */
function identityOf(files: FileSystem, folder: string): Identity | undefined {
  const path = `${folder}/${NAME}`
  const found = readBoth(files, folder)
  if (found.every((bytes) => bytes === undefined)) return inspectUnidentified(files, folder)
  const sound = found.find(isSound)
  if (sound === undefined) throw unsealed(files, folder, found)
  const identity = decodeIdentity(sound)
  if (identity === undefined) throw tampered(path, 0, 'a lock that BlazeDB writes', 'another')
  return identity
}

/** `identity` first: it wins. */
function readBoth(files: FileSystem, folder: string): readonly (Uint8Array | undefined)[] {
  return [NAME, COPY].map((name) => readSmallFile(files, `${folder}/${name}`, IDENTITY_SIZE))
}

function isSound(bytes: Uint8Array | undefined): bytes is Uint8Array {
  return bytes !== undefined && isSealedIdentity(bytes)
}

function writeIdentity(files: FileSystem, folder: string, bytes: Uint8Array, names: readonly string[]): void {
  for (const name of names) createFile(files, `${folder}/${name}`, bytes)
}

/** A folder without identity: an unfinished creation, a database that lost it, or something else. */
function inspectUnidentified(files: FileSystem, folder: string): undefined {
  if (!files.existsSync(folder)) return
  const segment = anySegment(files, folder)
  if (segment !== undefined) {
    throw corrupt(`${folder}/identity`, 0, 'the identity of a database', `none, but segment ${segment}`)
  }
  for (const name of files.listSync(folder)) {
    if (name === 'log' || name === 'pages' || name === ROOT_FILE) continue
    if (!name.endsWith(TEMPORARY_SUFFIX) && !name.startsWith('lock-')) throw foreign(folder, name)
  }
}

/** Neither of the two files is an identity. */
function unsealed(files: FileSystem, folder: string, found: readonly (Uint8Array | undefined)[]): BlazeError {
  const bytes = found.filter((each) => each !== undefined)
  if (!bytes.some((each) => isIdentity(each)) && anySegment(files, folder) === undefined) return foreign(folder, NAME)
  const damage = bytes.some(namesCipher) ? tampered : corrupt
  return damage(`${folder}/${NAME}`, 0, 'a sealed identity in one of the two files', 'none in either')
}

function foreign(folder: string, name: string): BlazeError<'NOT_A_DATABASE'> {
  return new BlazeError(
    'NOT_A_DATABASE',
    `${folder} holds '${name}' and no database; nothing was changed. Name an empty or a new folder.`,
    { path: folder },
  )
}

/** The path of a segment below the folder; undefined when there is none. */
function anySegment(files: FileSystem, folder: string): string | undefined {
  for (const name of ['log', 'pages']) {
    if (!files.existsSync(`${folder}/${name}`)) continue
    const [segment] = segmentIds(files.listSync(`${folder}/${name}`))
    if (segment !== undefined) return `${name}/${segment}`
  }
  return undefined
}
