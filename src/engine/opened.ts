import type { CheckpointContext } from '../gc/checkpoint.ts'
import type { Collector } from '../gc/collector.ts'
import type { PageMap } from '../gc/page-map.ts'
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

/** An open database as its files see it: what backups and the verification are given. */
export interface DatabaseFiles {
  readonly core: Core
  readonly fileId: Uint8Array
  readonly seals: Seals
  readonly epochSalt: Uint8Array
  readonly map: PageMap
  /** Where backups are written: the real machine also when the database is in memory. */
  readonly outside: Platform
  /** The root that is on disk; undefined after a rebuild, until a checkpoint. */
  root(): Root | undefined
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
