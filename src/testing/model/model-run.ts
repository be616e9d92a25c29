/** What a command of a model run is given. */
import type { Database } from '../../engine/database.ts'
import type { Snapshot } from '../../engine/transaction-handle.ts'
import type { CrashOptions } from '../../platform/memory-platform.ts'
import type { FaultyPlatform } from '../faulty-platform.ts'

/** A model and what it means that a database agrees with it. M is an object; commands change it in place. */
export interface ModelKind<M> {
  /** The model of an empty database. */
  readonly model: () => M
  /** A model that goes its own way. */
  readonly copy: (model: M) => M
  /** Throws when what is read does not say what the model says. Also asked of held snapshots. */
  readonly agrees: (read: Database<unknown> | Snapshot, model: M) => void
}

/** A database and its model, side by side. */
export interface ModelRun<M> {
  /** The open database: another one after a reopen or a crash. */
  readonly db: Database<unknown>
  /** Its machine: another one after a crash. */
  readonly platform: FaultyPlatform
  /** What was acknowledged. Commands read it, and change it through `write` and `start` only. */
  readonly model: M
  /** How many snapshots are held. */
  readonly snapshotCount: number
  /**
   * Does a write and waits for it. `apply` does the same to the model; when both give a text, the texts must be equal.
   * Calls commit in the order in which they are made.
   */
  write(issue: () => Promise<string | undefined>, apply: (model: M) => string | undefined): Promise<void>
  /** Does a write and does not wait: what follows meets it in flight. */
  start(issue: () => Promise<string | undefined>, apply: (model: M) => string | undefined): void
  /** Waits for every write that was started. Rejects with the first error among them. */
  idle(): Promise<void>
  /** A turn of the event loop, or time, when nothing else goes on. */
  turn(): Promise<void>
  /** Throws when the database does not show what the model shows. */
  check(): Promise<void>
  /** Holds a snapshot, and the model as it is now. */
  hold(): Promise<void>
  /** Looks at the `index`th held snapshot (modulo their number), which must show the model of then, and ends it. */
  release(index: number): void
  /** Makes everything acknowledged sure, by a flush or a checkpoint. */
  flushed(flush: () => Promise<void>): Promise<void>
  /** Checks the database, closes it and opens it again. */
  reopen(): Promise<void>
  /** Takes away the machine as it is now, and goes on with what a crash leaves of it. */
  crash(crash: CrashOptions): Promise<void>
}
