/** The public door of the package `blazedb`. */

import { BlazeError } from '../base/errors.ts'
import type { RestoreOptions, RestoreResult } from '../engine/backup/restore.ts'
import type { CollectionSpecs } from '../engine/collection-spec.ts'
import type { DatabaseWith } from '../engine/database.ts'
import { openDatabase } from '../engine/open-database.ts'
import type { OpenOptions } from '../engine/open-options.ts'
import type { RepairOptions, RepairReport } from '../engine/repair/repair.ts'
import type { VerifyResult } from '../engine/verify/verify-database.ts'
import type { VerifyFolderOptions } from '../engine/verify/verify-folder.ts'
import { networkFileSystem } from '../platform/file-system-kind.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { nodePlatform } from '../platform/node-platform.ts'

/**
 * Opens the database in a folder, made when it is not there. One process owns it. Errors: LOCKED, NOT_A_DATABASE,
 * FORMAT_NEWER, VERSION_NEWER, CORRUPT, IO, INVALID_ARGUMENT; with encryption PASSWORD_REQUIRED, WRONG_PASSWORD,
 * NOT_ENCRYPTED, TAMPERED, UNSUPPORTED.
 * @example
 * const db = await open('./data')
 * await db.collection('bugs').insert({ title: 'Login broken' })
 * await db.close()
 */
export async function open<const C extends CollectionSpecs = Record<never, never>>(
  path: string,
  options: OpenOptions<C> = {},
): Promise<DatabaseWith<C>> {
  if (typeof path === 'string' && options?.allowNetworkFileSystem !== true && networkFileSystem(path)) {
    throw new BlazeError(
      'UNSUPPORTED',
      `${path} is on a network file system, where the lock does not hold between machines and syncs are not to be relied on. Use a local disk, or open with allowNetworkFileSystem: true when one machine alone uses it.`,
      undefined,
    )
  }
  return await openDatabase(nodePlatform(path), path, options)
}

/**
 * A database that lives in memory and is gone when it is closed: for tests. The same engine, the same semantics; a backup
 * of it is written to the disk.
 */
export async function openMemory<const C extends CollectionSpecs = Record<never, never>>(
  options: OpenOptions<C> = {},
): Promise<DatabaseWith<C>> {
  // Loaded when asked for: who opens files does not wait for it.
  const { memoryPlatform } = await import('../platform/memory-platform.ts')
  const seed = Math.floor(Math.random() * 0x7fffffff)
  // What it dumps and loads are real files.
  return openDatabase(memoryPlatform({ seed, outside: nodeFiles() }), '/memory', options)
}

/**
 * Makes a database folder from a backup, with the increments that continue it, or from an archive; whole, or as it was
 * right after one commit or at one time (`until`). No key is needed. Nothing that is there is written over, and what a
 * killed restore leaves is never opened as a database. Errors: INVALID_ARGUMENT, NOT_A_BACKUP, BACKUP_CHAIN, CORRUPT (a
 * file is not as it was backed up), FORMAT_NEWER, DISK_FULL, IO, ABORTED.
 * @example
 * await restore({ from: 'archive', to: 'data-restored', until: new Date('2026-03-01T10:00:00Z') })
 * const db = await open('data-restored')
 * console.log(db.commitNumber)
 */
export async function restore(options: RestoreOptions): Promise<RestoreResult> {
  const { restoreDatabase } = await import('../engine/backup/restore.ts')
  return await restoreDatabase(nodePlatform(options?.to), options)
}

/**
 * Verifies the database in a folder that nobody writes to: its files by themselves, then everything as `db.verify()` does.
 * Changes nothing, and creates nothing but the lock's sockets. Damage is data. Errors: NOT_A_DATABASE, LOCKED, FORMAT_NEWER,
 * INVALID_ARGUMENT, ABORTED, IO.
 * @example
 * const { ok, problems } = await verify('./data')
 * if (!ok) console.error(problems)
 */
export async function verify(path: string, options: VerifyFolderOptions = {}): Promise<VerifyResult> {
  const { verifyFolder } = await import('../engine/verify/verify-folder.ts')
  return await verifyFolder(nodePlatform(path), path, options)
}

/**
 * Makes what can be proven of a damaged database into a new one beside it (`<path>.repaired`, or `to`; `inPlace` renames),
 * and reports exactly what is kept and what is dropped. The damaged one is only read. Where nothing is wrong with its log,
 * nothing is written. Errors: NOT_A_DATABASE, LOCKED, CORRUPT (nothing says which database it is), FORMAT_NEWER,
 * INVALID_ARGUMENT, DISK_FULL, IO, ABORTED.
 * @example
 * const plan = await repair('./data', { dryRun: true })
 * console.log(plan.damage, plan.dropped.commits, plan.dropped.collections)
 * const { path } = await repair('./data')
 */
export async function repair(path: string, options: RepairOptions = {}): Promise<RepairReport> {
  const { repairDatabase } = await import('../engine/repair/repair.ts')
  return await repairDatabase(nodePlatform(path), path, options)
}

export { BlazeError, type ErrorCode, type ErrorDetails, isBlazeError } from '../base/errors.ts'
export type { RecordId } from '../base/ids.ts'
export type { StoredRecord, Value } from '../base/values.ts'
export type { BackupOptions, BackupResult } from '../engine/backup/backup.ts'
export type { BackupPosition } from '../engine/backup/manifest.ts'
export type { RestoreOptions, RestoreResult } from '../engine/backup/restore.ts'
export type {
  Collection,
  DeepReadonly,
  PatchOf,
  SnapshotCollection,
  TransactionCollection,
  WriteOptions,
} from '../engine/collection.ts'
export {
  type CollectionOptions,
  type CollectionSpec,
  collection,
  type DynamicInsert,
} from '../engine/collection-spec.ts'
export type { CompactOptions, CompactProgress, CompactResult } from '../engine/compact.ts'
export type { BeginOptions, Database, DatabaseWith } from '../engine/database.ts'
export type { CreateIndexOptions, Progress } from '../engine/ddl.ts'
export type {
  BackgroundErrorReport,
  CheckpointReport,
  CleanReport,
  CommitReport,
  ConflictReport,
  DiagnosticReports,
  HolderKind,
  LeakReport,
  PoisonedReport,
  SnapshotEndedReport,
} from '../engine/diagnostics.ts'
export type { DumpOptions, DumpReport, DumpStreamOptions, TransferProgress } from '../engine/dump/dump.ts'
export type { ImportOptions, ImportReport } from '../engine/dump/import-sqlite.ts'
export type { LoadReport } from '../engine/dump/load.ts'
export type { LoadOptions, WritingOptions } from '../engine/dump/load-options.ts'
export type { DumpedFile, DumpedIndex } from '../engine/dump/manifest.ts'
export type { RecordPlace } from '../engine/dump/record-writer.ts'
export type { ByteSource } from '../engine/dump/source-text.ts'
export type { CsvOptions } from '../engine/dump/text-rows.ts'
export type { EncryptionOptions, KeyDerivation, Secret } from '../engine/encryption-options.ts'
export type { DatabaseHealth, HealthCheck, HealthCheckName, HealthStatus } from '../engine/health.ts'
export type { HealthOptions, OpenOptions } from '../engine/open-options.ts'
export type { Durability } from '../engine/publisher.ts'
export type { IdOf } from '../engine/reader.ts'
export type { LostWrites } from '../engine/repair/losses.ts'
export type { RepairOptions, RepairReport } from '../engine/repair/repair.ts'
export type { TransactionOptions } from '../engine/run-transaction.ts'
export type { StandardSchema } from '../engine/schema.ts'
export type { CacheStats, DatabaseStats, HolderStats } from '../engine/stats.ts'
export type { TaskOptions, TaskProgress } from '../engine/task.ts'
export type { SearchOptions } from '../engine/text-spec.ts'
export type { Isolation } from '../engine/transaction.ts'
export type { Snapshot, SnapshotWith, Transaction, TransactionWith } from '../engine/transaction-handle.ts'
export type { ProblemKind, VerifyProblem } from '../engine/verify/problem.ts'
export type { VerifyOptions, VerifyResult } from '../engine/verify/verify-database.ts'
export type { VerifyFolderOptions } from '../engine/verify/verify-folder.ts'
export { unset } from '../engine/writes.ts'
export type { IndexForm } from '../indexes/index-spec.ts'
export type { Query } from '../query/builder.ts'
export type { AggregateSpec, JoinOn, WindowSpec } from '../query/clause-types.ts'
export { exists } from '../query/exists.ts'
export type { Explanation } from '../query/explain.ts'
export type { Expr, Expressions } from '../query/expression-builder.ts'
export type { DynamicRecord, Page, Where } from '../query/types.ts'
export { and, not, or } from '../query/where.ts'
