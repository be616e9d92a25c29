/** A database on this machine's disk with a clock that the test moves: background work when asked for, and no waiting. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/engine/open-database.ts'
import type { OpenOptions } from '../../src/engine/open-options.ts'
import { manualClock } from '../../src/platform/manual-clock.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { checked } from './history.ts'
import { type Db, OPTIONS, turns } from './machine.ts'

export interface RealDatabase {
  readonly db: Db
  readonly folder: string
  /** Moves the clock and lets what it set off run. */
  background(): Promise<void>
  /** Files and their bytes below one of the database's folders. */
  files(name: 'log' | 'pages'): { readonly count: number; readonly bytes: number }
}

export async function withRealDatabase(
  use: (real: RealDatabase) => Promise<void>,
  options: OpenOptions<Record<never, never>> = OPTIONS,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-real-'))
  const clock = manualClock()
  try {
    const db = await openDatabase({ ...nodePlatform(folder), clock }, folder, options)
    await use({
      db,
      folder,
      async background() {
        for (let i = 0; i < 8; i++) {
          clock.advance(60)
          await turns(2)
        }
      },
      files(name) {
        const paths = readdirSync(join(folder, name)).map((each) => join(folder, name, each))
        return { count: paths.length, bytes: paths.reduce((sum, path) => sum + statSync(path).size, 0) }
      },
    })
    checked(db)
    await db.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
}
