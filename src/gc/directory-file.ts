/**
 * The directory as a file: built under a temporary name, hashed, renamed; never edited. At open its size and SHA-256 are
 * those that root states, or it is not opened. In an encrypted database its values are sealed, each for its own place.
 */

import { equalBytes, toHex } from '../base/bytes.ts'
import { corrupt } from '../base/errors.ts'
import { FileError, type FileHandle, type FileSystem, type Platform } from '../platform/platform.ts'
import { damageOf, type Seals } from '../wal/seal.ts'
import { ioError, segmentIds, TEMPORARY_SUFFIX } from '../wal/segment.ts'
import { type DirectoryImage, decodeDirectory, encodeDirectory } from './directory-image.ts'
import { type DirectoryName, directoryFile, type Root } from './root.ts'

/** Builds `directory-<number>`: durable with its name when it resolves. Rejects with IO. */
export async function writeDirectory(
  platform: Platform,
  folder: string,
  number: number,
  image: DirectoryImage,
  seals: Seals,
): Promise<DirectoryName> {
  const path = `${folder}/${directoryFile(number)}`
  const temporary = `${path}${TEMPORARY_SUFFIX}`
  const { files } = platform
  try {
    files.unlinkSync(temporary)
    const entries = encodeDirectory(image).map(
      ([key, value]) => [key, seals.sealValue(placeOf(number, key), value)] as const,
    )
    await platform.directories.build(temporary, entries)
    const bytes = await readWhole(files, temporary)
    files.renameSync(temporary, path)
    await files.syncFolder(folder)
    return { number, sizeBytes: bytes.length, sha256: Uint8Array.from(platform.digest.sha256(bytes)) }
  } catch (error) {
    throw ioError(error, 'The checkpoint is abandoned; the log has everything.')
  }
}

/** The directory that root names, verified. Throws CORRUPT or TAMPERED when it is not that file, IO. */
export async function readDirectory(
  platform: Platform,
  folder: string,
  name: DirectoryName,
  options: { readonly readOnlyFolder: boolean; readonly seals: Seals },
): Promise<DirectoryImage> {
  const { seals } = options
  const path = `${folder}/${directoryFile(name.number)}`
  try {
    const bytes = readWholeSync(platform.files, path)
    if (bytes.length !== name.sizeBytes) {
      throw damageOf(seals, path, 0, `${name.sizeBytes} bytes, as root states`, `${bytes.length} bytes`)
    }
    const sha256 = platform.digest.sha256(bytes)
    if (!equalBytes(sha256, name.sha256)) {
      throw damageOf(seals, path, 0, `SHA-256 ${toHex(name.sha256)}`, toHex(sha256))
    }
    const entries = await platform.directories.load(path, bytes, options)
    return decodeDirectory(
      path,
      entries.map(([key, value]) => [key, opened(seals, path, placeOf(name.number, key), value)] as const),
    )
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') throw corrupt(path, 0, 'the directory', 'no such file')
    throw ioError(error, 'Nothing was changed.')
  }
}

/** What the seal of a directory's value names. */
function placeOf(number: number, key: number): string {
  return `${directoryFile(number)}/${key}`
}

function opened(seals: Seals, path: string, place: string, value: Uint8Array): Uint8Array {
  const plain = seals.openValue(place, value)
  if (plain === undefined) throw damageOf(seals, path, 0, `the value ${place}`, 'one that is not sealed for it')
  return plain
}

/**
 * Removes what no root names: spill, temporary names, other directories, page segments below pageTail and above pageHead.
 * Only when all else is proven, and by a writing open. Throws FileError.
 */
export function removeVoidFiles(files: FileSystem, folder: string, root: Root): void {
  for (const path of directoriesBut(files, folder, root.directory?.number)) files.unlinkSync(path)
  for (const name of files.listSync(folder)) {
    if (name.endsWith(TEMPORARY_SUFFIX) || name === 'spill') files.unlinkSync(`${folder}/${name}`)
  }
  const pages = `${folder}/pages`
  for (const id of segmentIds(files.listSync(pages))) {
    if (id < root.pageTail || id > root.pageHead) files.unlinkSync(`${pages}/${id}`)
  }
}

/** Paths of the directories in a folder, but the one that is current. */
export function directoriesBut(files: FileSystem, folder: string, current: number | undefined): string[] {
  const keep = current === undefined ? '' : directoryFile(current)
  return files
    .listSync(folder)
    .filter((name) => /^directory-[0-9]+(-lock)?$/.test(name) && name !== keep)
    .map((name) => `${folder}/${name}`)
}

/** At open, where nobody waits for the event loop yet: a first read in the thread pool would start its threads. */
function readWholeSync(files: FileSystem, path: string): Uint8Array {
  const handle = files.openSync(path, 'read')
  try {
    const bytes = new Uint8Array(handle.sizeSync())
    for (let at = 0; at < bytes.length; ) {
      const n = handle.readSync(bytes, at, bytes.length - at, at)
      if (n <= 0) throw new FileError('EIO', 'read', handle.path)
      at += n
    }
    return bytes
  } finally {
    handle.closeSync()
  }
}

async function readWhole(files: FileSystem, path: string): Promise<Uint8Array> {
  const handle = files.openSync(path, 'read')
  try {
    const bytes = new Uint8Array(handle.sizeSync())
    await readFully(handle, bytes)
    return bytes
  } finally {
    handle.closeSync()
  }
}

async function readFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const n = await handle.read(bytes, at, bytes.length - at, at)
    if (n <= 0) throw new FileError('EIO', 'read', handle.path)
    at += n
  }
}
