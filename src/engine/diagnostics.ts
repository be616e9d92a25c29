/**
 * The channels of node:diagnostics_channel on which a database reports, and the shapes of what it tells. Every message
 * names the database by its `path`, because the channels are those of the process. docs/operations.md says what each
 * one means. Messages are plain data, made anew for each report; they belong to the listeners.
 */
import type { RecordId } from '../base/ids.ts'
import { type Reports, reportsOn } from '../platform/diagnostics.ts'
import type { SlowQuery } from '../query/source.ts'
import type { Durability } from './publisher.ts'

/** Who holds a snapshot. */
export type HolderKind = 'transaction' | 'snapshot' | 'query'

/** A checkpoint has ended. */
export interface CheckpointReport {
  readonly path: string
  readonly outcome: 'written' | 'failed' | 'superseded'
  readonly durationMs: number
  readonly pagesWritten: number
  /** What failed, and at which step; undefined unless `failed`. */
  readonly step: string | undefined
  readonly error: Error | undefined
}

/** A segment of the log has been cleaned; its file goes with the next checkpoint. */
export interface CleanReport {
  readonly path: string
  readonly segment: number
  readonly sizeBytes: number
  /** What of it is still needed and was written once more. */
  readonly copiedBytes: number
}

/** A commit is visible. */
export interface CommitReport {
  readonly path: string
  readonly commitNumber: number
  readonly durability: Durability
  /** Records written and deleted, those of the engine apart. */
  readonly records: number
  /** From the turn that installed it. */
  readonly durationMs: number
}

/** A transaction lost to another commit; `db.transaction` runs it again while it has retries. */
export interface ConflictReport {
  readonly path: string
  readonly holder: string
  readonly records: readonly { readonly collection: string; readonly id: RecordId }[]
}

/** A snapshot was ended because history passed its share of memory; its next use throws SNAPSHOT_TOO_OLD. */
export interface SnapshotEndedReport {
  readonly path: string
  readonly kind: HolderKind
  readonly holder: string
  readonly commitNumber: number
  readonly ageMs: number
  readonly historyBytes: number
  readonly limitBytes: number
  readonly openedAt: string | undefined
}

/**
 * A transaction, a snapshot or an iteration that nobody ends. `collected`: nothing refers to it any more, and what it held
 * was given back now. `age`: it has been open for longer than `health.transactionAgeMs` or `health.snapshotAgeMs`, told once.
 */
export interface LeakReport {
  readonly path: string
  readonly reason: 'collected' | 'age'
  readonly kind: HolderKind
  readonly holder: string
  readonly commitNumber: number
  readonly ageMs: number
  /** Where it was opened, with `open({ trackHolders: true })`. */
  readonly openedAt: string | undefined
}

/** Work behind the database failed; it is tried again. */
export interface BackgroundErrorReport {
  readonly path: string
  readonly error: Error
}

/** A write of the log failed: the database takes no more writes. */
export interface PoisonedReport {
  readonly path: string
  readonly cause: unknown
}

/** The messages by channel. */
export interface DiagnosticReports {
  readonly 'blazedb:slow-query': SlowQuery
  readonly 'blazedb:checkpoint': CheckpointReport
  readonly 'blazedb:clean': CleanReport
  readonly 'blazedb:commit': CommitReport
  readonly 'blazedb:conflict': ConflictReport
  readonly 'blazedb:snapshot-ended': SnapshotEndedReport
  readonly 'blazedb:leak': LeakReport
  readonly 'blazedb:background-error': BackgroundErrorReport
  readonly 'blazedb:poisoned': PoisonedReport
}

function channelOf<const K extends keyof DiagnosticReports>(name: K): Reports<DiagnosticReports[K]> {
  return reportsOn<DiagnosticReports[K]>(name)
}

export const slowQueries: Reports<SlowQuery> = channelOf('blazedb:slow-query')
export const checkpoints: Reports<CheckpointReport> = channelOf('blazedb:checkpoint')
export const cleanings: Reports<CleanReport> = channelOf('blazedb:clean')
export const commits: Reports<CommitReport> = channelOf('blazedb:commit')
export const conflicts: Reports<ConflictReport> = channelOf('blazedb:conflict')
export const endedSnapshots: Reports<SnapshotEndedReport> = channelOf('blazedb:snapshot-ended')
export const leaks: Reports<LeakReport> = channelOf('blazedb:leak')
export const backgroundErrors: Reports<BackgroundErrorReport> = channelOf('blazedb:background-error')
export const poisonings: Reports<PoisonedReport> = channelOf('blazedb:poisoned')
