/**
 * The identity of a database: two small files of the same 512 bytes (identity.ts), which never change but on rekey. One of
 * them is enough. Where both are valid and differ, a rekey was cut, and `identity` is the newer.
 */
import { equalBytes } from '../base/bytes.ts'
import { BlazeError, corrupt, tampered } from '../base/errors.ts'
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
 * IO or DISK_FULL; then the older lock holds, or the newer.
 */
export function replaceIdentity(platform: Platform, folder: string, identity: Identity): void {
  writeIdentity(platform.files, folder, encodeIdentity(identity), [NAME, COPY])
}

/**
 * The identity of the database in `folder`; undefined when there is none yet: nothing, or an unfinished creation, which
 * may begin again. Throws NOT_A_DATABASE, FORMAT_NEWER, CORRUPT, TAMPERED, IO. Of a plain database a missing or damaged one
 * of the two files is written again from the other, unless `readOnly`; of an encrypted one mendIdentity() does that, when
 * the keys are proven.
 */
export function readIdentity(
  platform: Platform,
  folder: string,
  options: { readonly readOnly: boolean },
): Identity | undefined {
  try {
    const found = identityOf(platform.files, folder)
    if (found === undefined) return undefined
    const { identity, isWhole } = found
    if (identity.lock === undefined && !isWhole && !options.readOnly) mendIdentity(platform, folder, identity)
    return identity
  } catch (error) {
    throw ioError(error, 'Nothing was changed.')
  }
}

/** Sees to it that both files hold this identity. */
export function mendIdentity(platform: Platform, folder: string, identity: Identity): void {
  const bytes = encodeIdentity(identity)
  for (const name of [NAME, COPY]) {
    const found = readSmallFile(platform.files, `${folder}/${name}`, IDENTITY_SIZE)
    if (found === undefined || !equalBytes(found, bytes)) writeIdentity(platform.files, folder, bytes, [name])
  }
}

/** What the folder says it is, and whether both files say it. */
function identityOf(
  files: FileSystem,
  folder: string,
): { readonly identity: Identity; readonly isWhole: boolean } | undefined {
  const path = `${folder}/${NAME}`
  const found = [NAME, COPY].map((name) => readSmallFile(files, `${folder}/${name}`, IDENTITY_SIZE))
  if (found.every((bytes) => bytes === undefined)) return inspectUnidentified(files, folder)
  const sound = found.find((bytes) => bytes !== undefined && isSealedIdentity(bytes))
  if (sound === undefined) throw unsealed(files, folder, found)
  const identity = decodeIdentity(sound)
  if (identity === undefined) throw tampered(path, 0, 'a lock that BlazeDB writes', 'another')
  return { identity, isWhole: found.every((bytes) => bytes !== undefined && equalBytes(bytes, sound)) }
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
