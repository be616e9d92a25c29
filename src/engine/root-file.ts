/**
 * The root file: sealed, one block of 256 bytes, replaced by renaming. What is sealed is never edited.
 *
 *   root := magic 8 | version u32 | flags u32 | epochSalt 32 | C f64 | commit f64 | logTail f64 | pageTail f64 | pageHead f64 |
 *   at      0         8             12          16             48      56           64            72             80
 *           C's chain u32 | end's chain u32 | clean end f64 | directory number f64 | size f64 | SHA-256 32 | zero* | checksum u32
 *           88              92                96              104                    112        120          152     252
 *
 * In an encrypted database those bytes are a sealed value (encrypted-seals.ts), behind a magic of their own.
 *
 *   file     := root | magic 8 | version u32 | value
 *
 * Little-endian. flags: 1 a directory is named, 2 closed cleanly. The checksum is seeded by the file id, so that the root
 * of another database is none. Missing or unsealed means: rebuild from the log. An encrypted database is never opened
 * without its root: the root is what says how far the log must reach, so to take it away would be a way to cut the log.
 */
import { getF64, getU32, setF64, setU32 } from '../base/binary.ts'
import { equalBytes } from '../base/bytes.ts'
import { crc32 } from '../base/checksum.ts'
import { BlazeError, isDamage, tampered } from '../base/errors.ts'
import type { CommitNumber, Lsn } from '../base/ids.ts'
import type { Root } from '../gc/root.ts'
import { FileError, type FileHandle, type FileSystem, type Platform } from '../platform/platform.ts'
import type { Seals } from '../wal/seal.ts'
import { ioError } from '../wal/segment.ts'

export const ROOT_FILE = 'root'

const ROOT_SIZE = 256
const MAGIC = new Uint8Array([0x42, 0x6c, 0x61, 0x7a, 0x65, 0x52, 0x6f, 0x6f]) // BlazeRoo
const ROOT_VERSION = 0
const HAS_DIRECTORY = 1
const CLOSED_CLEANLY = 2
const VERSION_AT = 8
const CHECKSUM_AT = ROOT_SIZE - 4

const SEALED_MAGIC = new Uint8Array([0x42, 0x6c, 0x61, 0x7a, 0x65, 0x52, 0x53, 0x65]) // BlazeRSe
const SEALED_HEAD = 12
/** Far above a sealed root, so that a longer file is seen to be longer. */
const MOST_BYTES = 512

/** What root files are sealed with. */
export interface RootKeys {
  readonly fileId: Uint8Array
  readonly seals: Seals
}

/** Puts `root` in the place of the one before: durable when it returns. Throws IO; which root is on disk is then open. */
export function writeRoot(platform: Platform, folder: string, root: Root, { fileId, seals }: RootKeys): void {
  createFile(platform.files, `${folder}/${ROOT_FILE}`, rootBytes(root, { fileId, seals }))
}

/** The bytes of a root file. */
export function rootBytes(root: Root, { fileId, seals }: RootKeys): Uint8Array {
  const plain = encodeRoot(root, fileId)
  return seals.encrypts ? sealRoot(plain, seals) : plain
}

/**
 * The sealed root of a database; undefined when it is missing or not sealed, and the database is plain. Throws TAMPERED,
 * FORMAT_NEWER, IO.
 */
export function readRoot(platform: Platform, folder: string, { fileId, seals }: RootKeys): Root | undefined {
  const path = `${folder}/${ROOT_FILE}`
  const bytes = readSmallFile(platform.files, path, MOST_BYTES)
  if (!seals.encrypts) return bytes === undefined ? undefined : decodeRoot(bytes, fileId)
  const plain = bytes === undefined ? undefined : openRoot(bytes, seals)
  const root = plain === undefined ? undefined : decodeRoot(plain, fileId)
  if (root !== undefined) return root
  throw tampered(path, 0, 'the root, sealed with the keys of this database', bytes ? 'other bytes' : 'no such file')
}

/** The root; undefined when it is lost, also where the database is encrypted. Throws FORMAT_NEWER, IO. */
export function readSoundRoot(platform: Platform, folder: string, keys: RootKeys): Root | undefined {
  try {
    return readRoot(platform, folder, keys)
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

/**
 * Writes a small file so that it is there whole or not at all: temporary name, sync, rename, sync of the folder. Durable
 * when it returns. Throws IO or DISK_FULL.
 */
export function createFile(files: FileSystem, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`
  try {
    const handle = files.openSync(temporary, 'write')
    try {
      handle.truncateSync(0)
      writeFully(handle, bytes)
      handle.syncSync()
    } finally {
      handle.closeSync()
    }
    files.renameSync(temporary, path)
    files.syncFolderSync(path.slice(0, path.lastIndexOf('/')))
  } catch (error) {
    throw smallFileError(error)
  }
}

/** Up to `limit` + 1 bytes of a file; undefined when there is none. */
export function readSmallFile(files: FileSystem, path: string, limit: number): Uint8Array | undefined {
  try {
    const handle = files.openSync(path, 'read')
    try {
      const bytes = new Uint8Array(limit + 1)
      let size = 0
      while (size < bytes.length) {
        const n = handle.readSync(bytes, size, bytes.length - size, size)
        if (n <= 0) break
        size += n
      }
      return bytes.subarray(0, size)
    } finally {
      handle.closeSync()
    }
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return undefined
    throw ioError(error, 'Nothing was changed.')
  }
}

function writeFully(handle: FileHandle, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const n = handle.writeSync(bytes, at, bytes.length - at, at)
    if (n <= 0) throw new FileError('EIO', 'write', handle.path)
    at += n
  }
}

function smallFileError(error: unknown): BlazeError {
  if (error instanceof FileError && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
    const text = `${error.message}. The older file is still there; free some space and try again.`
    return new BlazeError('DISK_FULL', text, undefined, { cause: error })
  }
  return ioError(error, 'The older file, or the new one, is there whole.')
}

function encodeRoot(root: Root, fileId: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ROOT_SIZE)
  bytes.set(MAGIC)
  setU32(bytes, VERSION_AT, ROOT_VERSION)
  setU32(bytes, 12, (root.directory ? HAS_DIRECTORY : 0) | (root.cleanEnd ? CLOSED_CLEANLY : 0))
  bytes.set(root.epochSalt, 16)
  setF64(bytes, 48, root.checkpoint.lsn)
  setF64(bytes, 56, root.commit)
  setF64(bytes, 64, root.logTail)
  setF64(bytes, 72, root.pageTail)
  setF64(bytes, 80, root.pageHead)
  setU32(bytes, 88, root.checkpoint.chain)
  if (root.cleanEnd !== undefined) {
    setU32(bytes, 92, root.cleanEnd.chain)
    setF64(bytes, 96, root.cleanEnd.lsn)
  }
  if (root.directory !== undefined) {
    setF64(bytes, 104, root.directory.number)
    setF64(bytes, 112, root.directory.sizeBytes)
    bytes.set(root.directory.sha256, 120)
  }
  setU32(bytes, CHECKSUM_AT, crc32(bytes, 0, CHECKSUM_AT, crc32(fileId, 0, fileId.length)))
  return bytes
}

function sealRoot(plain: Uint8Array, seals: Seals): Uint8Array {
  const value = seals.sealValue(ROOT_FILE, plain)
  const bytes = new Uint8Array(SEALED_HEAD + value.length)
  bytes.set(SEALED_MAGIC)
  setU32(bytes, SEALED_MAGIC.length, ROOT_VERSION)
  bytes.set(value, SEALED_HEAD)
  return bytes
}

/**
 * What is sealed in the file. The version in its head stands before the seal: where that opens, the one under it must be
 * the same, because a flipped bit is no newer format; where it does not, a newer format may seal in another way.
 */
function openRoot(bytes: Uint8Array, seals: Seals): Uint8Array | undefined {
  if (bytes.length < SEALED_HEAD || !equalBytes(bytes.subarray(0, SEALED_MAGIC.length), SEALED_MAGIC)) return undefined
  const version = getU32(bytes, SEALED_MAGIC.length)
  const plain = seals.openValue(ROOT_FILE, bytes.subarray(SEALED_HEAD))
  if (plain === undefined) assertKnownVersion(version)
  return plain?.length === ROOT_SIZE && getU32(plain, VERSION_AT) === version ? plain : undefined
}

function assertKnownVersion(version: number): void {
  if (version <= ROOT_VERSION) return
  throw new BlazeError(
    'FORMAT_NEWER',
    `The root has format ${version}; this version reads up to ${ROOT_VERSION}. Nothing was changed; open it with a newer version.`,
    { found: version, supported: ROOT_VERSION },
  )
}

function decodeRoot(bytes: Uint8Array, fileId: Uint8Array): Root | undefined {
  if (bytes.length !== ROOT_SIZE || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return undefined
  const sum = crc32(bytes, 0, CHECKSUM_AT, crc32(fileId, 0, fileId.length))
  if (sum !== getU32(bytes, CHECKSUM_AT)) return undefined
  assertKnownVersion(getU32(bytes, VERSION_AT))
  const flags = getU32(bytes, 12)
  // The seal holds, so the numbers are what they were written from: LSNs and a commit number.
  return {
    epochSalt: bytes.slice(16, 48),
    checkpoint: { lsn: getF64(bytes, 48) as Lsn, chain: getU32(bytes, 88) },
    commit: getF64(bytes, 56) as CommitNumber,
    logTail: getF64(bytes, 64),
    pageTail: getF64(bytes, 72),
    pageHead: getF64(bytes, 80),
    directory:
      flags & HAS_DIRECTORY
        ? { number: getF64(bytes, 104), sizeBytes: getF64(bytes, 112), sha256: bytes.slice(120, 152) }
        : undefined,
    cleanEnd: flags & CLOSED_CLEANLY ? { lsn: getF64(bytes, 96) as Lsn, chain: getU32(bytes, 92) } : undefined,
  }
}
