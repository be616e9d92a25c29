/** Databases to dump and load on one memory platform, and its files as text. */
import type { CollectionSpecs } from '../../../src/engine/collection-spec.ts'
import type { DatabaseWith } from '../../../src/engine/database.ts'
import { openDatabase } from '../../../src/engine/open-database.ts'
import type { OpenOptions } from '../../../src/engine/open-options.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import type { FileSystem } from '../../../src/platform/platform.ts'
import { closeChecked } from '../fixture.ts'

export const FORMS = [
  { format: 'ndjson' },
  { format: 'csv' },
  { format: 'ndjson', compress: 'gzip' },
  { format: 'csv', compress: 'gzip' },
] as const

let others = 0

/** Runs `fn` on another, empty database beside the first, and closes it checked. */
export async function withOther<const C extends CollectionSpecs = Record<never, never>>(
  platform: MemoryPlatform,
  fn: (db: DatabaseWith<C>, path: string) => Promise<void>,
  options: OpenOptions<C> = {},
): Promise<void> {
  const path = `/other-${++others}`
  const db = await openDatabase(platform, path, options)
  try {
    await fn(db, path)
  } finally {
    await closeChecked(db)
  }
}

export function readText(files: FileSystem, path: string): string {
  return new TextDecoder().decode(readBytes(files, path))
}

export function readBytes(files: FileSystem, path: string): Uint8Array {
  const handle = files.openSync(path, 'read')
  const bytes = new Uint8Array(handle.sizeSync())
  handle.readSync(bytes, 0, bytes.length, 0)
  handle.closeSync()
  return bytes
}

export function writeFile(files: FileSystem, path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const handle = files.openSync(path, 'write')
  handle.truncateSync(0)
  handle.writeSync(bytes, 0, bytes.length, 0)
  handle.closeSync()
}

/** All records of a collection by the JSON of their ids. */
export function byId(
  db: { collection(name: string): { all(): { id: unknown }[] } },
  name: string,
): Map<string, unknown> {
  return new Map(
    db
      .collection(name)
      .all()
      .map((record) => [JSON.stringify(record.id), record]),
  )
}

export const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
