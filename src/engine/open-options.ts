/** The options of open(), checked, with defaults. */
import { BlazeError } from '../base/errors.ts'
import type { Platform } from '../platform/platform.ts'
import type { CollectionSpecs, ReservedName } from './collection-spec.ts'
import type { EngineOptions } from './core.ts'
import type { Progress } from './ddl.ts'
import { type Encryption, type EncryptionOptions, givenEncryption } from './encryption-options.ts'
import type { HealthLimits } from './health-limits.ts'
import { assertKnown } from './known-options.ts'
import type { Durability } from './publisher.ts'

export interface OpenOptions<C extends CollectionSpecs = CollectionSpecs> {
  /** Declared collections: properties of the database, with their schema and indexes. */
  readonly collections?: C & { readonly [K in ReservedName]?: never }
  /** Opens beside other readers, writes nothing, creates nothing. */
  readonly readOnly?: boolean
  /** When a write's promise resolves; `full` by default: when the device has it. */
  readonly durability?: Durability
  /** The longest that a relaxed commit waits for the device; 100 by default. */
  readonly relaxedDelayMs?: number
  /** `auto` writes a lone commit synchronously on a fast device; `never` does not. */
  readonly syncWrites?: 'auto' | 'never'
  /** Bytes of memory for caches; a quarter of the machine's by default. */
  readonly memoryBytes?: number
  /** The largest encoded record; 64 MiB by default, at most 1 GiB. */
  readonly maxRecordBytes?: number
  /**
   * `logBytes`: closed log segments kept although nothing in them is needed any more; 64 MiB by default. `historyMs`: how
   * far back `db.asOf()` reaches; 0 by default: what is held by snapshots only.
   */
  readonly retain?: { readonly logBytes?: number; readonly historyMs?: number }
  /** How long close() waits for open transactions; 5,000 by default. */
  readonly closeTimeoutMs?: number
  /** A synchronous query that takes longer is reported on the diagnostics channel `blazedb:slow-query`. */
  readonly slowQueryMs?: number
  /** Opens on a network file system all the same: the lock does not reach across machines there, so take care of that. */
  readonly allowNetworkFileSystem?: boolean
  /**
   * Notes where each snapshot, transaction and iteration is opened, for `stats()`, `health()` and reports of leaks. It
   * costs some microseconds for each; false by default.
   */
  readonly trackHolders?: boolean
  /**
   * Commits that put records are refused with DISK_FULL when the log would have to take its next segment from these last
   * bytes of the file system; deletes, cleaning and checkpoints may use them. 0 by default.
   */
  readonly minFreeDiskBytes?: number
  /** From where on `db.health()` warns. */
  readonly health?: HealthOptions
  /** Keeps everything on disk encrypted: of a new database from the start, of an existing one what it was locked with. */
  readonly encryption?: EncryptionOptions
  /** Told as indexes are built and records migrated. */
  readonly onProgress?: (progress: Progress) => void
}

/** Thresholds of `db.health()`. */
export interface HealthOptions {
  /** Free bytes of the file system; 512 MiB by default. An error below an eighth of it. */
  readonly freeDiskBytes?: number
  /** The age of the oldest snapshot or iteration; 10 minutes by default. */
  readonly snapshotAgeMs?: number
  /** The age of the oldest open transaction; a minute by default. */
  readonly transactionAgeMs?: number
  /** How much of its share of memory history may fill, from 0 to 1; 0.8 by default. */
  readonly historyShare?: number
  /** Bytes of the log beyond twice what is live and what `retain` keeps; 128 MiB by default. */
  readonly logExcessBytes?: number
  /** How long an error of the background is told; 10 minutes by default. */
  readonly recentErrorMs?: number
}

const MIB = 1024 * 1024
const MIN_MEMORY = 16 * MIB
/** A month; memory ends it long before. */
const MAX_HISTORY_MS = 31 * 86_400_000
const KNOWN = [
  'collections',
  'readOnly',
  'durability',
  'relaxedDelayMs',
  'syncWrites',
  'memoryBytes',
  'maxRecordBytes',
  'retain',
  'closeTimeoutMs',
  'slowQueryMs',
  'allowNetworkFileSystem',
  'trackHolders',
  'minFreeDiskBytes',
  'health',
  'encryption',
  'onProgress',
]
const KNOWN_HEALTH = [
  'freeDiskBytes',
  'snapshotAgeMs',
  'transactionAgeMs',
  'historyShare',
  'logExcessBytes',
  'recentErrorMs',
]
/** Ages of holders and errors: a month. */
const MAX_AGE_MS = 31 * 86_400_000

export function engineOptions(options: OpenOptions, platform: Platform): EngineOptions {
  assertKnown('open()', options, KNOWN)
  assertKnown('open() retain', options.retain ?? {}, ['logBytes', 'historyMs'])
  assertKnown('open() health', options.health ?? {}, KNOWN_HEALTH)
  return {
    readOnly: options.readOnly === true,
    durability: oneOf('durability', options.durability ?? 'full', ['full', 'relaxed', 'none']),
    relaxedDelayMs: whole('relaxedDelayMs', options.relaxedDelayMs ?? 100, 0, 60_000),
    syncWrites: oneOf('syncWrites', options.syncWrites ?? 'auto', ['auto', 'never']),
    memoryBytes: whole(
      'memoryBytes',
      options.memoryBytes ?? Math.max(MIN_MEMORY, Math.floor(platform.memoryBytes / 4)),
      MIN_MEMORY,
      Number.MAX_SAFE_INTEGER,
    ),
    maxRecordBytes: whole('maxRecordBytes', options.maxRecordBytes ?? 64 * MIB, 1024, 1024 * MIB),
    retainLogBytes: whole('retain.logBytes', options.retain?.logBytes ?? 64 * MIB, 0, Number.MAX_SAFE_INTEGER),
    retainHistoryMs: whole('retain.historyMs', options.retain?.historyMs ?? 0, 0, MAX_HISTORY_MS),
    closeTimeoutMs: whole('closeTimeoutMs', options.closeTimeoutMs ?? 5000, 0, 3_600_000),
    slowQueryMs:
      options.slowQueryMs === undefined ? undefined : whole('slowQueryMs', options.slowQueryMs, 0, 3_600_000),
    trackHolders: options.trackHolders === true,
    minFreeDiskBytes: whole('minFreeDiskBytes', options.minFreeDiskBytes ?? 0, 0, Number.MAX_SAFE_INTEGER),
    health: healthLimits(options.health ?? {}),
  }
}

function healthLimits(options: HealthOptions): HealthLimits {
  const bytes = (name: string, value: number): number => whole(`health.${name}`, value, 0, Number.MAX_SAFE_INTEGER)
  const age = (name: string, value: number): number => whole(`health.${name}`, value, 1, MAX_AGE_MS)
  const { historyShare = 0.8 } = options
  if (!(historyShare > 0 && historyShare <= 1)) {
    throw invalid(
      'health.historyShare',
      `health.historyShare is a number above 0, up to 1, found ${String(historyShare)}`,
    )
  }
  return {
    freeDiskBytes: bytes('freeDiskBytes', options.freeDiskBytes ?? 512 * MIB),
    snapshotAgeMs: age('snapshotAgeMs', options.snapshotAgeMs ?? 600_000),
    transactionAgeMs: age('transactionAgeMs', options.transactionAgeMs ?? 60_000),
    historyShare,
    logExcessBytes: bytes('logExcessBytes', options.logExcessBytes ?? 128 * MIB),
    recentErrorMs: age('recentErrorMs', options.recentErrorMs ?? 600_000),
  }
}

/** The checked encryption option; undefined when it is left out. One that is there and undefined is refused. */
export function encryptionOf(options: OpenOptions): Encryption | undefined {
  return givenEncryption('open()', options)
}

function oneOf<const V extends string>(name: string, value: V, allowed: readonly V[]): V {
  if (allowed.includes(value)) return value
  throw invalid(name, `${name} is one of ${allowed.join(', ')}, found ${String(value)}`)
}

function whole(name: string, value: number, low: number, high: number): number {
  if (Number.isSafeInteger(value) && value >= low && value <= high) return value
  throw invalid(name, `${name} is a whole number from ${low} to ${high}, found ${String(value)}`)
}

function invalid(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}; nothing was opened or changed`, { argument })
}
