/** Reading a backup: a folder of files or one file, by its manifest. What is read is verified by whoever asks for it. */
import { getF64, getU32 } from '../../base/binary.ts'
import { equalBytes } from '../../base/bytes.ts'
import { FileError, type FileHandle, type Platform } from '../../platform/platform.ts'
import { readFully } from '../../wal/descriptors.ts'
import { ioError } from '../../wal/segment.ts'
import { isIncomplete } from '../incomplete.ts'
import { type BackupFile, type BackupManifest, decodeManifest, MANIFEST_FILE, notABackup } from './manifest.ts'
import { END_MAGIC, FILE_MAGIC, PARTIAL_SUFFIX, SECTION_HEAD, TRAILER_SIZE } from './output.ts'

/** A backup that is open for reading. */
export interface BackupPart {
  readonly path: string
  readonly manifest: BackupManifest
  /** Where the bytes of one of its files lie; the handle is the part's own. */
  find(file: BackupFile): { readonly handle: FileHandle; readonly position: number }
  close(): void
}

/** Of a manifest: a file of a gigabyte has 64 segments, 120 B each. */
const MAX_MANIFEST = 0x4000000
const MAX_NAME = 4096

/** Opens the backup in a folder or a file. NOT_A_BACKUP, FORMAT_NEWER, IO. */
export function openPart(platform: Platform, path: string): BackupPart {
  try {
    if (typeof path !== 'string' || path.length === 0) throw notABackup(String(path), 'that is no path')
    if (!platform.files.existsSync(path)) throw notABackup(path, 'there is no such file or folder')
    return isFolder(platform, path) ? openFolder(platform, path) : openFile(platform, path)
  } catch (error) {
    throw error instanceof FileError ? ioError(error, 'Nothing was written.') : error
  }
}

/** True for a folder. */
export function isFolder({ files }: Platform, path: string): boolean {
  try {
    files.listSync(path)
    return true
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOTDIR') return false
    throw error
  }
}

function openFolder(platform: Platform, path: string): BackupPart {
  const { files } = platform
  if (isIncomplete(files, path)) throw notABackup(path, 'it was not finished')
  if (!files.existsSync(`${path}/${MANIFEST_FILE}`)) throw notABackup(path, `it has no ${MANIFEST_FILE}`)
  const manifest = decodeManifest(readWhole(platform, `${path}/${MANIFEST_FILE}`), path, platform.digest)
  let open: FileHandle | undefined
  return {
    path,
    manifest,
    find({ name }) {
      open?.closeSync()
      open = files.openSync(`${path}/${name}`, 'read')
      return { handle: open, position: 0 }
    },
    close: () => open?.closeSync(),
  }
}

function readWhole({ files }: Platform, path: string): Uint8Array {
  const handle = files.openSync(path, 'read')
  try {
    const bytes = new Uint8Array(Math.min(handle.sizeSync(), MAX_MANIFEST))
    return bytes.subarray(0, readFully(handle, bytes, 0, bytes.length, 0))
  } finally {
    handle.closeSync()
  }
}

function openFile(platform: Platform, path: string): BackupPart {
  if (path.endsWith(PARTIAL_SUFFIX)) throw notABackup(path, 'it was not finished')
  const handle = platform.files.openSync(path, 'read')
  try {
    const { manifest, end } = readManifest(platform, path, handle)
    const places = readSections(path, handle, end)
    return {
      path,
      manifest,
      find({ name, sizeBytes }) {
        const place = places.get(name)
        if (place === undefined || place.sizeBytes !== sizeBytes) throw notABackup(path, `it lacks ${name}`)
        return { handle, position: place.position }
      },
      close: () => handle.closeSync(),
    }
  } catch (error) {
    handle.closeSync()
    throw error
  }
}

/** The manifest at the end of a backup file, and where it begins. */
function readManifest(
  platform: Platform,
  path: string,
  handle: FileHandle,
): { readonly manifest: BackupManifest; readonly end: number } {
  const size = handle.sizeSync()
  const magic = readAt(handle, FILE_MAGIC.length, 0)
  if (!equalBytes(magic, FILE_MAGIC)) throw notABackup(path, 'it does not begin as one')
  const trailer = readAt(handle, TRAILER_SIZE, Math.max(0, size - TRAILER_SIZE))
  const manifestSize = trailer.length < TRAILER_SIZE ? 0 : getF64(trailer, 0)
  const isWhole = trailer.length === TRAILER_SIZE && equalBytes(trailer.subarray(8), END_MAGIC)
  if (!isWhole || !(manifestSize > 0 && manifestSize <= Math.min(MAX_MANIFEST, size - TRAILER_SIZE))) {
    throw notABackup(path, 'its end is missing: it was cut short')
  }
  const end = size - TRAILER_SIZE - manifestSize
  return { manifest: decodeManifest(readAt(handle, manifestSize, end), path, platform.digest), end }
}

/** Where the bytes of each file begin. */
function readSections(
  path: string,
  handle: FileHandle,
  end: number,
): Map<string, { readonly position: number; readonly sizeBytes: number }> {
  const places = new Map<string, { readonly position: number; readonly sizeBytes: number }>()
  for (let at = FILE_MAGIC.length; at < end; ) {
    const head = readAt(handle, SECTION_HEAD, at)
    const nameSize = head.length < SECTION_HEAD ? 0 : getU32(head, 0)
    const sizeBytes = head.length < SECTION_HEAD ? -1 : getF64(head, 16)
    const position = at + SECTION_HEAD + nameSize
    if (nameSize === 0 || nameSize > MAX_NAME || !(sizeBytes >= 0) || position + sizeBytes > end) {
      throw notABackup(path, `the section at byte ${at} is damaged`)
    }
    places.set(new TextDecoder().decode(readAt(handle, nameSize, at + SECTION_HEAD)), { position, sizeBytes })
    at = position + sizeBytes
  }
  return places
}

function readAt(handle: FileHandle, size: number, position: number): Uint8Array {
  const bytes = new Uint8Array(size)
  return bytes.subarray(0, readFully(handle, bytes, 0, size, position))
}
