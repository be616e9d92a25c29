/** Opens databases for tests; each is checked against its records when it is closed. */
import { checkIntegrity } from '../../src/engine/check.ts'
import type { CollectionSpecs } from '../../src/engine/collection-spec.ts'
import { Database, type DatabaseWith } from '../../src/engine/database.ts'
import { openDatabase } from '../../src/engine/open-database.ts'
import type { OpenOptions } from '../../src/engine/open-options.ts'
import { type MemoryPlatform, memoryPlatform } from '../../src/platform/memory-platform.ts'
import type { Clock } from '../../src/platform/platform.ts'
import { optionsOn } from '../support/encrypted.ts'

export const FOLDER = '/db'

/** A fresh memory platform with the folder of a database in it, durable. */
export function freshPlatform(seed = 1, clock?: Clock): MemoryPlatform {
  const platform = memoryPlatform({ seed, ...(clock && { clock }) })
  platform.files.makeFolderSync(FOLDER)
  platform.files.syncFolderSync('/')
  return platform
}

export function openOn<const C extends CollectionSpecs = Record<never, never>>(
  platform: MemoryPlatform,
  options: OpenOptions<C> = {},
): Promise<DatabaseWith<C>> {
  return openDatabase(platform, FOLDER, optionsOn(platform, options))
}

/** Checks every structure, then closes. */
export async function closeChecked(database: Database<never> | Database<unknown>): Promise<void> {
  checkIntegrity(Database.coreOf(database as Database<unknown>))
  await database.close()
}

/** Runs `fn` on a fresh database and closes it checked. */
export async function withDatabase<const C extends CollectionSpecs = Record<never, never>>(
  fn: (db: DatabaseWith<C>, platform: MemoryPlatform) => Promise<void>,
  options: OpenOptions<C> = {},
): Promise<void> {
  const platform = freshPlatform()
  const db = await openOn(platform, options)
  try {
    await fn(db, platform)
  } finally {
    await closeChecked(db)
  }
}
