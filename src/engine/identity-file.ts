/**
 * The identity of a database: two small sealed files that never change but on rekey. They say that a folder is a database,
 * of which format, and give its file id, which seeds every checksum, so that no file of another database is taken for ours.
 *
 *   identity := magic 8 | format u32 | fileId 16 | cipher u32 | kdf u32 | count of wrapped keys u32 | zero* | checksum u32
 *   at          0         8            12          28           32        36                                  508
 *
 * Little-endian, 512 bytes. cipher, kdf and the wrapped keys are 0: no encryption. `identity` and `identity.copy` hold the
 * same bytes; one of them is enough. Where both are valid and differ, a rekey was cut, and `identity` is the newer.
 */
import { getU32, setU32 } from '../base/binary.ts'
import { equalBytes } from '../base/bytes.ts'
import { crc32 } from '../base/checksum.ts'
import { BlazeError, corrupt } from '../base/errors.ts'
import type { FileSystem, Platform } from '../platform/platform.ts'
import { ioError, segmentIds, TEMPORARY_SUFFIX } from '../wal/segment.ts'
import { createFile, ROOT_FILE, readSmallFile } from './root-file.ts'

export interface Identity {
  /** 16 random bytes. */
  readonly fileId: Uint8Array
  readonly format: number
}

/** The format that this code writes. */
export const FORMAT = 0

/** Both hold the same; one is enough. */
export const IDENTITY_FILES: readonly string[] = ['identity.copy', 'identity']
export const IDENTITY_SIZE = 512
const MAGIC = new Uint8Array([0x42, 0x6c, 0x61, 0x7a, 0x65, 0x49, 0x64, 0x65]) // BlazeIde
const FORMAT_AT = 8
const FILE_ID_AT = 12
const CIPHER_AT = 28
const CHECKSUM_AT = IDENTITY_SIZE - 4

/**
 * Makes the identity of a new database, the copy first, so that `identity` stands only where all else does. The root comes
 * before it and is sealed with the file id, which is therefore given.
 */
export function createIdentity(
  platform: Platform,
  folder: string,
  fileId: Uint8Array = platform.random.fill(new Uint8Array(16)),
): Identity {
  const identity = { fileId, format: FORMAT }
  writeIdentity(platform.files, folder, encodeIdentity(identity), ['identity.copy', 'identity'])
  return identity
}

/**
 * The identity of the database in `folder`; undefined when there is none yet: nothing, or an unfinished creation, which
 * may begin again. Throws NOT_A_DATABASE, FORMAT_NEWER, CORRUPT, IO. A missing or damaged one of the two files is written
 * again from the other, unless `readOnly`.
 */
export function readIdentity(
  platform: Platform,
  folder: string,
  options: { readonly readOnly: boolean },
): Identity | undefined {
  try {
    return identityOf(platform.files, folder, options.readOnly)
  } catch (error) {
    throw ioError(error, 'Nothing was changed.')
  }
}

function identityOf(files: FileSystem, folder: string, readOnly: boolean): Identity | undefined {
  const path = `${folder}/identity`
  const first = readSmallFile(files, path, IDENTITY_SIZE)
  const copy = readSmallFile(files, `${path}.copy`, IDENTITY_SIZE)
  if (first === undefined && copy === undefined) return inspectUnidentified(files, folder)
  const sound = [first, copy].find((bytes) => bytes !== undefined && isSealedIdentity(bytes))
  if (sound === undefined) throw unsealed(files, folder, [first, copy])
  const identity = decodeIdentity(sound)
  if (!readOnly) {
    if (first === undefined || !equalBytes(first, sound)) writeIdentity(files, folder, sound, ['identity'])
    if (copy === undefined || !equalBytes(copy, sound)) writeIdentity(files, folder, sound, ['identity.copy'])
  }
  return identity
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
  const ours = found.some((bytes) => bytes !== undefined && hasMagic(bytes))
  if (!ours && anySegment(files, folder) === undefined) return foreign(folder, 'identity')
  return corrupt(`${folder}/identity`, 0, 'a sealed identity in one of the two files', 'none in either')
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

function hasMagic(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)
}

/** The 512 bytes of an identity. */
export function encodeIdentity(identity: Identity): Uint8Array {
  const bytes = new Uint8Array(IDENTITY_SIZE)
  bytes.set(MAGIC)
  setU32(bytes, FORMAT_AT, identity.format)
  bytes.set(identity.fileId, FILE_ID_AT)
  setU32(bytes, CHECKSUM_AT, crc32(bytes, 0, CHECKSUM_AT))
  return bytes
}

/** True when these are the bytes of an identity with its checksum. */
export function isSealedIdentity(bytes: Uint8Array): boolean {
  if (bytes.length !== IDENTITY_SIZE || !hasMagic(bytes)) return false
  return getU32(bytes, CHECKSUM_AT) === crc32(bytes, 0, CHECKSUM_AT)
}

function decodeIdentity(bytes: Uint8Array): Identity {
  const format = getU32(bytes, FORMAT_AT)
  const cipher = getU32(bytes, CIPHER_AT)
  if (format > FORMAT || cipher !== 0) {
    throw new BlazeError(
      'FORMAT_NEWER',
      `This database has format ${format}${cipher === 0 ? '' : ', encrypted'}; this version reads up to ${FORMAT}, not encrypted. Nothing was changed; open it with a newer version.`,
      { found: format, supported: FORMAT },
    )
  }
  return { fileId: bytes.slice(FILE_ID_AT, FILE_ID_AT + 16), format }
}
