/**
 * A machine for a database under test: in memory, repeatable by seed, with a clock that moves when it is told to, and
 * breakable in every way that a disk and a power supply are.
 *
 *   const platform = faultyPlatform({ seed: 1 })
 *   const db = await openOn(platform, '/db')
 *   …
 *   const after = platform.crash({ mode: 'torn' })        what the power cut left, as a machine of its own
 *   const again = await openOn(after, '/db')
 *
 * What breaks, and how it is asked for:
 *
 *   crash at any call                    faults.failNth('any', n, 'crash')
 *   torn, reordered, lost writes         crash({ mode: 'torn' }): each sector of 512 bytes that was not synced survives or
 *                                        not, in any of the versions it had; sizes without data, data without size
 *   lost folder entries                  the same: files made, renamed and removed since the last sync of the folder
 *   a killed process                     crash({ mode: 'keep-all' })
 *   EIO, ENOSPC, short reads and writes  faults.failNth('write', n, 'EIO'), on the nth call or from it on, by path
 *   a slow disk                          faults.slow('write', 20): by the platform's clock
 *   clock jumps                          clock.jump(-3_600_000): now() moves, durations do not
 */
import type { CollectionSpecs } from '../engine/collection-spec.ts'
import type { DatabaseWith } from '../engine/database.ts'
import { assertKnown } from '../engine/known-options.ts'
import { openDatabase } from '../engine/open-database.ts'
import type { OpenOptions } from '../engine/open-options.ts'
import { FaultPlan } from '../platform/fault-plan.ts'
import { faultyFiles } from '../platform/faulty-files.ts'
import { type ManualClock, manualClock } from '../platform/manual-clock.ts'
import type { CrashMode } from '../platform/memory-files.ts'
import { type CrashOptions, type MemoryPlatform, memoryPlatform } from '../platform/memory-platform.ts'
import type { Platform } from '../platform/platform.ts'
import { assertBoolean, assertFunction, assertHas, assertOptions, given, refused } from './arguments.ts'

export interface FaultyPlatformOptions {
  /** Of everything random: ids, salts, jitter. Default 1. */
  readonly seed?: number
  /** Where the clock begins, in milliseconds since the epoch; default: 14 November 2023. */
  readonly startMs?: number
  /** False: every full commit needs a sync, as on macOS and Windows. Default true. */
  readonly durableWrites?: boolean
  /** False: as on a copy-on-write file system. Default true. */
  readonly zeroFillPays?: boolean
  /** False: as under `--disallow-code-generation-from-strings`. Default true. */
  readonly codeGeneration?: boolean
  /** What the machine says it has; default 1 GiB. */
  readonly memoryBytes?: number
}

/** A machine in memory with a clock of its own. */
export interface FaultyPlatform extends MemoryPlatform {
  readonly clock: ManualClock
  /** A new machine with what a crash at this moment leaves, on the same clock; this one goes on undisturbed. */
  crash(options?: CrashOptions): FaultyPlatform
}

/**
 * A machine in memory. The same seed and the same calls give the same bytes, ids and times.
 * @example
 * const platform = faultyPlatform({ seed: 1 })
 * platform.faults.failNth('write', 3, 'EIO')
 * const db = await openOn(platform, '/db')
 */
export function faultyPlatform(options: FaultyPlatformOptions = {}): FaultyPlatform {
  assertKnown('faultyPlatform()', options, Object.keys(CHECKS))
  assertOptions(options, CHECKS)
  const { startMs, ...machine } = options
  const clock = manualClock(startMs)
  return onClock(memoryPlatform({ ...machine, clock }), clock)
}

const CHECKS = {
  seed: 0,
  startMs: assertNumber,
  durableWrites: assertBoolean,
  zeroFillPays: assertBoolean,
  codeGeneration: assertBoolean,
  memoryBytes: 1,
} as const
const CRASH_CHECKS = { mode: assertMode, seed: 0, choose: assertFunction } as const

function assertNumber(argument: string, value: unknown): void {
  if (!Number.isFinite(value)) throw refused(argument, `${argument} is a number of milliseconds, found ${given(value)}`)
}

function assertMode(argument: string, value: unknown): void {
  const modes: readonly unknown[] = ['lose-unsynced', 'torn', 'keep-all'] satisfies CrashMode[]
  if (!modes.includes(value)) throw refused(argument, `a crash is one of ${modes.join(', ')}, found ${given(value)}`)
}

function onClock(platform: MemoryPlatform, clock: ManualClock): FaultyPlatform {
  const crash = (options: CrashOptions = {}): FaultyPlatform => {
    assertKnown('crash()', options, Object.keys(CRASH_CHECKS))
    assertOptions(options, CRASH_CHECKS)
    return onClock(platform.crash(options), clock)
  }
  return { ...platform, clock, crash }
}

/** A platform whose files are asked through `faults`: the nth call to a real disk fails. See faulty-files.ts. */
export function withFaults(
  platform: Platform,
  faults: FaultPlan = new FaultPlan(),
): Platform & { readonly faults: FaultPlan } {
  assertPlatform(platform)
  assertHas('faults', faults, 'failNth', 'a FaultPlan')
  return { ...platform, files: faultyFiles(platform.files, faults), faults }
}

/**
 * Opens a database on a platform: as `open()`, with another machine below. Errors: those of `open()`.
 * @example
 * const db = await openOn(faultyPlatform(), '/db', { collections: { bugs } })
 */
export async function openOn<const C extends CollectionSpecs = Record<never, never>>(
  platform: Platform,
  path: string,
  options: OpenOptions<C> = {},
): Promise<DatabaseWith<C>> {
  assertPlatform(platform)
  return openDatabase(platform, path, options)
}

function assertPlatform(platform: Platform): void {
  assertHas('platform', platform, 'files', 'a machine: faultyPlatform() or nodePlatform()')
}
