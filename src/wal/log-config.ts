/** What the log is given and what it tells: positions, configuration, events. */
import type { Lsn } from '../base/ids.ts'
import type { Platform } from '../platform/platform.ts'
import type { Seals } from './seal.ts'
import type { Segment } from './segment.ts'

/** A place in the log. */
export interface LogPosition {
  readonly lsn: Lsn
  /** Checksum of the last frame before `lsn`; 0 at the very beginning. */
  readonly chain: number
}

/** What the log tells its owner. */
export interface LogEvents {
  /** Everything below `durable` is on the device, below `accepted` (≥ durable) in the operating system's hands. Called in the completion turn, before anything else is written. */
  advanced(durable: Lsn, accepted: Lsn): void
  /** A write failed: nothing more is written. Called once. */
  failed(cause: unknown): void
}

export interface LogConfig {
  readonly platform: Platform
  /** The folder of the segments; it exists. */
  readonly folder: string
  /** 16 bytes. */
  readonly fileId: Uint8Array
  readonly seals: Seals
  /** 32 random bytes, new for each writing open. */
  readonly epochSalt: Uint8Array
  readonly syncWrites: 'auto' | 'never'
  readonly relaxedDelayMs: number
  readonly readOnly: boolean
  /** Bytes of the file system that only those who free space may take segments from; 0 by default. */
  readonly minFreeBytes?: number
  readonly events: LogEvents
}

/** What recovery found: where the log goes on. */
export interface LogStart {
  readonly end: LogPosition
  readonly tailSegment: number
  /** From tailSegment to the newest begun one; the log owns them from here on. */
  readonly segments: readonly Segment[]
}

export type Durability = 'full' | 'relaxed' | 'none'
