/**
 * What a backup says of itself: which database, from where to where in its log, and the SHA-256 of each file. A backup
 * without a sealed manifest is none.
 *
 *   { "manifest": { … }, "sha256": SHA-256 of the JSON text of the manifest }
 */
import { toHex } from '../../base/bytes.ts'
import { BlazeError } from '../../base/errors.ts'
import type { Digest } from '../../platform/platform.ts'

export const MANIFEST_FILE = 'backup.json'
/** The root without the log's end in it: for a restore that adds increments, or cuts. */
export const OPEN_ROOT_FILE = 'backup.root'

/** Where a backup ends: what the next increment begins at. */
export interface BackupPosition {
  /** The file id of the database, in hex. */
  readonly database: string
  /** The position in the log, and the checksum of the frame before it. */
  readonly lsn: number
  readonly chain: number
  /** The newest commit before it. */
  readonly commitNumber: number
}

/** One file of a backup, or what an increment adds to it from `offset` on. */
export interface BackupFile {
  readonly name: string
  readonly offset: number
  readonly sizeBytes: number
  readonly sha256: string
}

export interface BackupManifest {
  readonly format: number
  readonly kind: 'full' | 'increment'
  /** Milliseconds since the epoch, by the clock of the database. */
  readonly createdMs: number
  /** Where an increment begins. */
  readonly from: BackupPosition | null
  readonly to: BackupPosition
  readonly files: readonly BackupFile[]
}

export const MANIFEST_FORMAT = 1

export function encodeManifest(manifest: BackupManifest, digest: Digest): Uint8Array {
  const text = JSON.stringify(manifest)
  const sha256 = toHex(digest.sha256(new TextEncoder().encode(text)))
  return new TextEncoder().encode(JSON.stringify({ manifest, sha256 }, null, 2))
}

/** The manifest in these bytes; NOT_A_BACKUP when they are none, FORMAT_NEWER. */
export function decodeManifest(bytes: Uint8Array, path: string, digest: Digest): BackupManifest {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw notABackup(path, 'its manifest is not readable', error)
  }
  if (!isSealed(parsed, digest)) throw notABackup(path, 'its manifest does not have its checksum')
  // The seal holds: it was written from a BackupManifest.
  const manifest = parsed.manifest as BackupManifest
  if (manifest.format <= MANIFEST_FORMAT) return manifest
  throw new BlazeError(
    'FORMAT_NEWER',
    `${path} has backup format ${manifest.format}; this version reads up to ${MANIFEST_FORMAT}. Nothing was changed; restore it with a newer version.`,
    { found: manifest.format, supported: MANIFEST_FORMAT },
  )
}

function isSealed(parsed: unknown, digest: Digest): parsed is { readonly manifest: object } {
  if (typeof parsed !== 'object' || parsed === null || !('manifest' in parsed) || !('sha256' in parsed)) return false
  const text = new TextEncoder().encode(JSON.stringify(parsed.manifest))
  return typeof parsed.manifest === 'object' && parsed.sha256 === toHex(digest.sha256(text))
}

export function notABackup(path: string, why: string, cause?: unknown): BlazeError<'NOT_A_BACKUP'> {
  const text = `${path} is no complete backup: ${why}. Nothing was written; name the folder, file or archive of one that was finished.`
  return new BlazeError('NOT_A_BACKUP', text, { path }, { cause })
}
