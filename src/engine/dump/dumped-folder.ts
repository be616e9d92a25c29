/**
 * The folder of a dump, plain or sealed: which it is its manifest says, by its name.
 *
 *   plain    manifest.json     bugs.ndjson  users.csv.gz …     file-names.ts
 *   sealed   manifest.sealed   0001.sealed  0002.sealed …      the same bytes, each in a sealed file (sealed-file.ts)
 *
 * What must hold: where there is a sealed manifest, the folder is that sealed dump, whatever else lies in it. So a plain
 * manifest that somebody puts beside it is not read in its place.
 */
import { BlazeError, corrupt } from '../../base/errors.ts'
import type { FileSystem, Platform } from '../../platform/platform.ts'
import type { Encryption } from '../encryption-options.ts'
import { createFile } from '../root-file.ts'
import { isFileName, isSealedName, partOf } from './file-names.ts'
import {
  type DumpedFile,
  MANIFEST_FILE,
  MAX_MANIFEST_BYTES,
  type Manifest,
  manifestBytes,
  parseManifest,
} from './manifest.ts'
import { joined, readWhole } from './outside-file.ts'
import { openFile, sealedSizeOf, sealFile } from './sealed-file.ts'
import { decodeHead, MANIFEST_PART, SEALED_HEAD } from './sealed-head.ts'
import { openSealing, plainDump, type Sealing, sealedDump } from './sealing.ts'

export const SEALED_MANIFEST_FILE = 'manifest.sealed'

/** A dump whose manifest was read. */
export interface DumpedFolder {
  readonly path: string
  readonly manifest: Manifest
  /** Of a sealed one; whoever has opened it closes it. */
  readonly sealing: Sealing | undefined
}

export function hasManifest(files: FileSystem, folder: string): boolean {
  return [MANIFEST_FILE, SEALED_MANIFEST_FILE].some((name) => files.existsSync(`${folder}/${name}`))
}

export function manifestName(isSealed: boolean): string {
  return isSealed ? SEALED_MANIFEST_FILE : MANIFEST_FILE
}

/** Writes the manifest; from then on the folder is a dump. */
export async function putManifest(
  platform: Platform,
  folder: string,
  content: Pick<Manifest, 'commit' | 'createdAt' | 'files'>,
  sealing: Sealing | undefined,
): Promise<void> {
  const plain = manifestBytes(platform, content)
  const bytes =
    sealing === undefined ? plain : await joined(sealFile(platform, sealing, MANIFEST_PART, inOnePiece(plain)))
  createFile(platform.outside, `${folder}/${manifestName(sealing !== undefined)}`, bytes)
}

/**
 * The manifest of a folder, proven. INVALID_ARGUMENT when there is none, FORMAT_NEWER, CORRUPT, and of a sealed one
 * PASSWORD_REQUIRED, WRONG_PASSWORD, TAMPERED; NOT_ENCRYPTED.
 */
export async function openDumped(
  platform: Platform,
  path: string,
  encryption: Encryption | undefined,
): Promise<DumpedFolder> {
  if (platform.outside.existsSync(`${path}/${SEALED_MANIFEST_FILE}`)) return openSealedDump(platform, path, encryption)
  const file = `${path}/${MANIFEST_FILE}`
  if (!platform.outside.existsSync(file)) throw noDump(path)
  if (encryption !== undefined) throw plainDump(path)
  const bytes = await wholeManifest(platform, file, MAX_MANIFEST_BYTES)
  return { path, manifest: parseManifest(platform, file, bytes, isFileName), sealing: undefined }
}

async function openSealedDump(
  platform: Platform,
  path: string,
  encryption: Encryption | undefined,
): Promise<DumpedFolder> {
  if (encryption === undefined) throw sealedDump(path)
  const file = `${path}/${SEALED_MANIFEST_FILE}`
  const bytes = await wholeManifest(platform, file, sealedSizeOf(MAX_MANIFEST_BYTES))
  const sealing = await openSealing(platform, decodeHead(file, bytes.subarray(0, SEALED_HEAD)), encryption)
  try {
    const source = { path: file, part: MANIFEST_PART }
    const plain = await joined(openFile(platform.cipher, sealing, source, inOnePiece(bytes)))
    return { path, manifest: parseManifest(platform, file, plain, isSealedName), sealing }
  } catch (error) {
    sealing.close()
    throw error
  }
}

/** Makes of the bytes of a file of the dump, as they lie there, those that were dumped. */
export function unsealed(
  platform: Platform,
  { path, sealing }: DumpedFolder,
  { file }: DumpedFile,
): (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> {
  if (sealing === undefined) return (pieces) => pieces
  const source = { path: `${path}/${file}`, part: partOf(file) }
  return (pieces) => openFile(platform.cipher, sealing, source, pieces)
}

async function wholeManifest(platform: Platform, path: string, limit: number): Promise<Uint8Array> {
  const bytes = await readWhole(platform.outside, path, limit)
  if (bytes === undefined) throw corrupt(path, 0, 'a manifest', `more than ${limit} bytes`)
  return bytes
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

function noDump(folder: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError(
    'INVALID_ARGUMENT',
    `${folder} has no ${MANIFEST_FILE} and no ${SEALED_MANIFEST_FILE}: it is no dump, or one that was cut before its end. Nothing was written; to load one of its files by itself, name the file and a collection.`,
    { argument: 'source' },
  )
}
