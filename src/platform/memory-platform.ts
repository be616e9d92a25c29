/**
 * The memory twin of the machine: everything the engine is given, in memory, repeatable by seed, and breakable.
 *
 *   platform ── engine writes ──► files ──► crash({ mode, seed }) ──► a new platform: what the power cut left
 *                                   ▲
 *                          faults.failNth(operation, n, code)
 *
 * A crash is a fork: the platform it is asked of goes on undisturbed, so that one scenario can be cut by many seeds. The
 * fork has its own fault plan (empty), its own lock store (no holders) and the same clock.
 *
 * Example: count the calls of a scenario without faults, then run it again for each n with
 * `faults.failNth('any', n, 'crash')`, crash the result by ten seeds, open each and check what was acknowledged.
 *
 * What it does not do: simulate time (give it a manual clock; a slow disk is slow by it) or the order of turns.
 */
import { crc32, digest } from './checksums.ts'
import { cipher } from './cipher.ts'
import { systemClock } from './clock.ts'
import { FaultPlan } from './fault-plan.ts'
import { isManual } from './manual-clock.ts'
import { memoryDirectoryStore } from './memory-directory-store.ts'
import type { Choose } from './memory-file.ts'
import { type CrashMode, MemoryFiles } from './memory-files.ts'
import type { MemoryFolder } from './memory-folder.ts'
import { memoryLocks } from './memory-locks.ts'
import type { Clock, FileSystem, Platform, SqliteDoor } from './platform.ts'
import { type SeededRandom, seededRandom } from './seeded-random.ts'
import { sqliteDoor } from './sqlite.ts'
import { byteStreams } from './streams.ts'

export interface MemoryPlatformOptions {
  /** Of `random`; default 1. */
  readonly seed?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
  readonly faults?: FaultPlan
  /** False: 'write-durable' descriptors are plain ones, as on macOS and Windows. Default true. */
  readonly durableWrites?: boolean
  /** Default true. */
  readonly zeroFillPays?: boolean
  /** Default true. */
  readonly codeGeneration?: boolean
  /** Default 1 GiB. */
  readonly memoryBytes?: number
  /** Where people's own files lie; default: in this memory, too. */
  readonly outside?: FileSystem
  /** Default: that of the machine, which reads real files. */
  readonly sqlite?: SqliteDoor
}

export interface CrashOptions {
  /**
   * 'lose-unsynced': exactly what was synced. 'torn': a power cut; each sector not synced, each folder entry not synced
   * and the file sizes survive or not, independently. 'keep-all': a killed process; the system keeps what it was given.
   * Default 'torn'.
   */
  readonly mode?: CrashMode
  /** Default: the platform's own and 1, so that one crash after another differs. */
  readonly seed?: number
  /** Decides instead of the seed; a counter over its answers enumerates every outcome of a small case. */
  readonly choose?: Choose
}

export interface MemoryPlatform extends Platform {
  readonly files: MemoryFiles
  readonly random: SeededRandom
  readonly faults: FaultPlan
  /** A new platform with what a crash at this moment could leave. */
  crash(options?: CrashOptions): MemoryPlatform
  /** Path and bytes of each file that a power cut surely leaves. */
  snapshotDurable(): Map<string, Uint8Array>
}

const DEFAULT_MEMORY_BYTES = 2 ** 30

/** A machine in memory. */
export function memoryPlatform(options: MemoryPlatformOptions = {}): MemoryPlatform {
  return platformOver(options, undefined)
}

function platformOver(options: MemoryPlatformOptions, root: MemoryFolder | undefined): MemoryPlatform {
  const clock = options.clock ?? systemClock()
  const faults = options.faults ?? new FaultPlan()
  const settings = {
    clock,
    faults,
    durableWrites: options.durableWrites ?? true,
    zeroFillPays: options.zeroFillPays ?? true,
    elapse: isManual(clock) ? clock.elapse : () => undefined,
  }
  const files = new MemoryFiles(settings, root)
  return {
    files,
    outside: options.outside ?? files,
    clock,
    faults,
    random: seededRandom(options.seed ?? 1),
    locks: memoryLocks(clock),
    directories: memoryDirectoryStore(files),
    digest,
    streams: byteStreams,
    sqlite: options.sqlite ?? sqliteDoor,
    cipher,
    crc32,
    memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES,
    codeGeneration: options.codeGeneration ?? true,
    crash({ mode = 'torn', seed = (options.seed ?? 1) + 1, choose } = {}) {
      const left = files.remains(mode, choose ?? seededRandom(seed).below)
      return platformOver({ ...options, clock, seed, faults: new FaultPlan() }, left)
    },
    snapshotDurable: () => files.durableFiles(),
  }
}
