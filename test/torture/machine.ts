/** The machine of the torture tests: the memory twin under a clock that the test moves. */
import { openDatabase } from '../../src/engine/open-database.ts'
import type { OpenOptions } from '../../src/engine/open-options.ts'
import { type ManualClock, manualClock } from '../../src/platform/manual-clock.ts'
import { type MemoryPlatform, memoryPlatform } from '../../src/platform/memory-platform.ts'
import { optionsOn, platformFor, type Variant } from '../support/encrypted.ts'

export const FOLDER = '/db'
export type Db = Awaited<ReturnType<typeof openDatabase<Record<never, never>>>>

export const OPTIONS: OpenOptions<Record<never, never>> = {
  retain: { logBytes: 0 },
  syncWrites: 'never',
  memoryBytes: 16 * 1024 * 1024,
}

/** The twin with a folder for a database, and the clock that moves it. */
export interface Machine {
  readonly platform: MemoryPlatform
  readonly clock: ManualClock
}

export function freshMachine(seed: number, variant: Variant = 'plain'): Machine {
  const clock = manualClock()
  const platform = platformFor(variant, memoryPlatform({ seed, clock }))
  platform.files.makeFolderSync(FOLDER)
  platform.files.syncFolderSync('/')
  return { platform, clock }
}

export function openAt(platform: MemoryPlatform, options: OpenOptions<Record<never, never>> = OPTIONS): Promise<Db> {
  return openDatabase(platform, FOLDER, optionsOn(platform, options))
}

/** A few turns of the event loop. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Work that takes longer than this waits for something that never comes. */
const HANG_MS = 20_000

/** Fails instead of hanging. */
export async function within<T>(work: Promise<T>, where: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${where} hangs`)), HANG_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
