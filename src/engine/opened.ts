import type { CheckpointContext } from '../gc/checkpoint.ts'
import type { Collector } from '../gc/collector.ts'
import type { Root } from '../gc/root.ts'
import type { Platform } from '../platform/platform.ts'
import type { LogPosition } from '../wal/log.ts'
import type { PageSegmentReader } from '../wal/page-file.ts'
import type { Seals } from '../wal/seal.ts'
import type { Core, EngineOptions } from './core.ts'
import type { Identity } from './identity.ts'

/** What an open built; close takes it down. */
export interface Opened {
  readonly core: Core
  readonly collector: Collector
  readonly context: CheckpointContext
  readonly reader: PageSegmentReader
  /** The root that is on disk. */
  root(): Root
  /** True after a rebuild, until a checkpoint: the tables are in memory only, and `root()` is not that of the disk. */
  rebuilding(): boolean
  /** Ends a clean close: the root with the log's end. */
  markClean(end: LogPosition): void
}

/** What every step of an open is given. */
export interface Given {
  readonly platform: Platform
  readonly folder: string
  readonly settings: EngineOptions
  readonly identity: Identity
  readonly seals: Seals
  readonly epochSalt: Uint8Array
}
