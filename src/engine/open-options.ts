/** The options of open(), checked, with defaults. */
import { BlazeError } from '../base/errors.ts'
import type { Platform } from '../platform/platform.ts'
import type { CollectionSpecs, ReservedName } from './collection-spec.ts'
import type { EngineOptions } from './core.ts'
import type { Progress } from './ddl.ts'
import { checkedEncryption, type Encryption, type EncryptionOptions } from './encryption-options.ts'
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
  /** Keeps everything on disk encrypted: of a new database from the start, of an existing one what it was locked with. */
  readonly encryption?: EncryptionOptions
  /** Told as indexes are built and records migrated. */
  readonly onProgress?: (progress: Progress) => void
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
  'encryption',
  'onProgress',
]

export function engineOptions(options: OpenOptions, platform: Platform): EngineOptions {
  assertKnown('open()', options, KNOWN)
  assertKnown('open() retain', options.retain ?? {}, ['logBytes', 'historyMs'])
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
  }
}

/** The checked encryption option; undefined when it is left out. One that is there and undefined is refused. */
export function encryptionOf(options: OpenOptions): Encryption | undefined {
  return Object.hasOwn(options, 'encryption') ? checkedEncryption('open()', options.encryption) : undefined
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
