/**
 * The database as users hold it. Declared collections are its own properties; everything else is a method. It is never
 * thenable, keeps no process alive, and installs no signal handlers.
 */
import { BlazeError } from '../base/errors.ts'
import type { IndexForm } from '../indexes/index-spec.ts'
import type { DynamicRecord } from '../query/types.ts'
import type { BackupOptions, BackupResult } from './backup/backup.ts'
import { Collection } from './collection.ts'
import {
  type CollectionsOf,
  checkedName,
  type DynamicInsert,
  type SnapshotCollectionsOf,
  type TransactionCollectionsOf,
} from './collection-spec.ts'
import type { CollectionState } from './collection-state.ts'
import type { CompactOptions, CompactResult } from './compact.ts'
import type { Core } from './core.ts'
import { readOnlyError } from './core.ts'
import { type CreateIndexOptions, createIndex, dropCollection, dropIndex, renameCollection } from './ddl.ts'
import type { DumpOptions, DumpReport, DumpStreamOptions } from './dump/dump.ts'
import type { ImportOptions, ImportReport } from './dump/import-sqlite.ts'
import type { LoadReport } from './dump/load.ts'
import type { LoadOptions } from './dump/load-options.ts'
import type { LoadDoors } from './dump/load-target.ts'
import type { ByteSource } from './dump/source-text.ts'
import { checkedEncryption, type Encryption, type EncryptionOptions, givenEncryption } from './encryption-options.ts'
import type { DatabaseHealth } from './health.ts'
import { assertBody, assertKnown } from './known-options.ts'
import type { DatabaseFiles } from './opened.ts'
import type { Durability } from './publisher.ts'
import { PublishedView } from './read-view.ts'
import type { CollectionDoor } from './reader.ts'
import { runTransaction, type TransactionOptions } from './run-transaction.ts'
import { SnapshotSession } from './snapshot-session.ts'
import { type DatabaseStats, statsOf } from './stats.ts'
import { ensureCollection } from './system-collections.ts'
import { type Isolation, TransactionSession } from './transaction.ts'
import {
  type CollectionProperties,
  collectionProperties,
  type Doors,
  Snapshot,
  type SnapshotWith,
  Transaction,
  type TransactionWith,
} from './transaction-handle.ts'
import type { VerifyOptions, VerifyResult } from './verify/verify-database.ts'

/** What opening built around the core, and how it is taken down. */
export interface DatabaseParts {
  readonly core: Core
  readonly files: DatabaseFiles
  readonly declared: readonly string[]
  checkpoint(): Promise<void>
  compact(options: CompactOptions): Promise<CompactResult>
  rekey(to: Encryption): Promise<void>
  close(): Promise<void>
}

export interface BeginOptions {
  readonly isolation?: Isolation
  readonly durability?: Durability
}

export class Database<C = unknown> implements AsyncDisposable {
  readonly #core: Core
  readonly #parts: DatabaseParts
  readonly #declared: CollectionProperties
  readonly #doors: Doors = (name) => this.#door(name)
  readonly #view: PublishedView
  readonly #handles = new Map<string, Collection<DynamicRecord, DynamicInsert>>()
  #closing: Promise<void> | undefined
  /** Settles when the last rekey() has: they have effect in the order in which they are called. */
  #rekeyed: Promise<void> = Promise.resolve()

  constructor(parts: DatabaseParts) {
    this.#core = parts.core
    this.#parts = parts
    this.#declared = collectionProperties(parts.declared)
    this.#view = new PublishedView(parts.core)
    for (const name of parts.declared) {
      Object.defineProperty(this, name, { get: () => this.collection(name), enumerable: true })
    }
  }

  /** The directory, canonical; ':memory:' for openMemory. */
  get path(): string {
    return this.#core.path
  }

  get readOnly(): boolean {
    return this.#core.options.readOnly
  }

  /** A collection by its name: the declared one, or a schemaless one that its first write makes. */
  collection(name: string): Collection<DynamicRecord, DynamicInsert> {
    let handle = this.#handles.get(name)
    if (handle === undefined) {
      checkedName(name, false)
      handle = new Collection(name, this.#core, this.#view, this.#door(name))
      this.#handles.set(name, handle)
    }
    return handle
  }

  /** Names of the collections that exist. */
  collections(): string[] {
    this.#core.assertOpen()
    return [...this.#core.collections.values()].filter((each) => each.logged).map((each) => each.name)
  }

  /** Deletes a collection with its records and indexes; false when there is none. */
  dropCollection(name: string): Promise<boolean> {
    return dropCollection(this.#core, name)
  }

  /** Errors: NOT_FOUND, INVALID_ARGUMENT when the new name is taken. */
  async renameCollection(name: string, to: string): Promise<void> {
    await renameCollection(this.#core, name, checkedName(to, false))
    this.#handles.delete(name)
  }

  /** Builds an index while reading and writing go on; resolves when queries can use it. UNIQUE when it cannot be. */
  async createIndex(collection: string, form: IndexForm, options: CreateIndexOptions = {}): Promise<void> {
    assertKnown('createIndex()', options, ['onProgress', 'signal'])
    await createIndex(this.#core, this.#door(collection).forWriting(), form, options)
  }

  /** False when there is no index of that name. */
  async dropIndex(collection: string, index: string): Promise<boolean> {
    return await dropIndex(this.#core, this.#door(collection).forWriting(), index)
  }

  /**
   * Runs `fn` as a transaction: all or nothing, serializable unless said otherwise, again when it lost to another. Only
   * what is done through `tx` belongs to it. Errors: CONFLICT when the retries are used up, ABORTED, TRANSACTION_TIMEOUT,
   * whatever `fn` throws.
   */
  transaction<V>(fn: (tx: TransactionWith<C>) => V | Promise<V>, options: TransactionOptions = {}): Promise<V> {
    const core = this.#core
    return runTransaction(core, options, (session) => {
      assertBody('transaction()', fn)
      const handle = this.#handle(session)
      core.lastTransaction = handle
      return fn(handle)
    })
  }

  /** Runs `fn`, which may not return a promise, as a transaction that is durable on return. It never conflicts. */
  transactionSync<V>(fn: (tx: TransactionWith<C>) => V): V {
    assertBody('transactionSync()', fn)
    const session = this.#begin({ durability: 'full' }, 'transactionSync')
    let value: V
    try {
      value = fn(this.#handle(session))
      if (typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function') {
        throw new BlazeError(
          'INVALID_ARGUMENT',
          'the function of transactionSync returned a promise; nothing was written. Use db.transaction for asynchronous work.',
          { argument: 'fn' },
        )
      }
    } catch (error) {
      session.rollback()
      throw error
    }
    let lost: BlazeError | undefined
    session.commitSync((error) => {
      lost = error
    })
    try {
      this.#core.log.flushSync()
    } catch (error) {
      // What was waiting has been told more than the log says: that the outcome is not known.
      throw lost ?? error
    }
    if (lost !== undefined) throw lost
    return value
  }

  /** A transaction to end by hand: `using tx = db.begin()`, then `await tx.commit()`. */
  begin(options: BeginOptions = {}): TransactionWith<C> {
    assertKnown('begin()', options, ['isolation', 'durability'])
    return this.#handle(this.#begin(options, 'begin'))
  }

  /** Runs `fn` on one snapshot of what is published; it may be asynchronous, and never conflicts. */
  read<V>(fn: (snapshot: SnapshotWith<C>) => V): V {
    assertBody('read()', fn)
    const snapshot = this.snapshot()
    let value: V
    try {
      value = fn(snapshot)
    } catch (error) {
      snapshot.close()
      throw error
    }
    if (typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function') {
      return Promise.resolve(value).finally(() => snapshot.close()) as V
    }
    snapshot.close()
    return value
  }

  /** Pins what is published now. End it with `using` or `close()`. */
  snapshot(): SnapshotWith<C> {
    const snapshot: Snapshot = new Snapshot(new SnapshotSession(this.#core, 'snapshot'), this.#declared, this.#doors)
    return withCollections<Snapshot & SnapshotCollectionsOf<C>>(snapshot)
  }

  /**
   * Pins the state right after the commit of that number, as `snapshot()` pins the newest: what a snapshot holds, or what was
   * visible within `retain.historyMs`. Errors: HISTORY_GONE, INVALID_ARGUMENT for a number that is not visible yet.
   * @example
   * const before = db.commitNumber
   * await db.bugs.deleteMany({ status: 'closed' })
   * using past = db.asOf(before)
   */
  asOf(commitNumber: number): SnapshotWith<C> {
    const snapshot: Snapshot = new Snapshot(
      new SnapshotSession(this.#core, 'asOf', commitNumber),
      this.#declared,
      this.#doors,
    )
    return withCollections<Snapshot & SnapshotCollectionsOf<C>>(snapshot)
  }

  /** The newest commit that readers see: every commit has the next whole number. */
  get commitNumber(): number {
    this.#core.assertOpen()
    return this.#core.publisher.visible
  }

  /** Resolves when every commit so far is on the device. */
  async flush(): Promise<void> {
    this.#core.assertOpen()
    await this.#core.log.flush()
  }

  /** Writes what has changed since the last checkpoint, so that the log before it is no longer needed to open. */
  async checkpoint(): Promise<void> {
    this.#core.assertWritable()
    await this.#parts.checkpoint()
  }

  /**
   * Writes what is published now into a folder, a file a collection, NDJSON or CSV, and a manifest with their SHA-256; of
   * one snapshot, while writing goes on, and larger than memory. Plain text, also of an encrypted database, unless it is
   * given `encryption`, which seals the files, their names and the manifest. Errors: IO, DISK_FULL, ABORTED,
   * INVALID_ARGUMENT (a folder that is not empty), SNAPSHOT_TOO_OLD, PASSWORD_REQUIRED; then there is no dump.
   * @example
   * const { files } = await db.dump('./dump', { compress: 'gzip', encryption: { password } })
   * await other.load('./dump', { encryption: { password } })
   */
  async dump(target: string, options: DumpOptions = {}): Promise<DumpReport> {
    // In the turn of the call: the caller may overwrite a key from then on.
    const encryption = givenEncryption('dump()', options)
    const { dump } = await import('./dump/dump.ts')
    return dump(this.#core, target, options, encryption)
  }

  /**
   * The bytes of one collection's dump, for a pipe: no manifest, so whoever reads them must know by other means that they
   * are all there; with `encryption` they show it themselves. The snapshot is held from the first piece to the last.
   * @example
   * for await (const bytes of db.dumpStream('bugs')) process.stdout.write(bytes)
   */
  async *dumpStream(collection: string, options: DumpStreamOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const encryption = givenEncryption('dumpStream()', options)
    const { dumpStream } = await import('./dump/dump.ts')
    yield* dumpStream(this.#core, collection, options, encryption)
  }

  /**
   * Loads a dump, a file of NDJSON or CSV, or a stream of it, in batches, by the same writes as `insertMany`. A dump is
   * proven whole before anything is written; after a failure the batches before it stay, and the error says how many
   * records. Errors: CORRUPT, INVALID_VALUE with file, line and field, what the writes refuse, IO, ABORTED; of what is
   * encrypted PASSWORD_REQUIRED, WRONG_PASSWORD, TAMPERED; NOT_ENCRYPTED.
   * @example
   * await db.load('./dump')
   * await db.load('./bugs.csv', { collection: 'bugs', csv: { types: { votes: 'number' } } })
   */
  async load(source: string | ByteSource, options: LoadOptions = {}): Promise<LoadReport> {
    const encryption = givenEncryption('load()', options)
    const { load } = await import('./dump/load.ts')
    return load(this.#core, this.#loadDoors(), source, { options, encryption })
  }

  /**
   * Imports tables of an SQLite file, by node:sqlite where Node has it, else by better-sqlite3 where it is installed. A
   * table becomes a collection, its primary key the id. Errors: UNSUPPORTED, as of `load`.
   * @example
   * await db.importSqlite('./app.sqlite', { tables: ['users', 'bugs'] })
   */
  async importSqlite(path: string, options: ImportOptions = {}): Promise<ImportReport> {
    const { importSqlite } = await import('./dump/import-sqlite.ts')
    return importSqlite(this.#core, this.#loadDoors(), path, options)
  }

  /**
   * Gives disk space back now that the background would give back by and by, or keep for its next writes: rewrites the
   * log down to what is live, builds sparse indexes anew, moves pages together. Reading and writing go on; a crash at any
   * point loses nothing. It needs as much free space as is live of what it rewrites at a time (64 MiB of log), and keeps
   * what `retain.logBytes` promises. Errors: ABORTED (what was done stays), DISK_FULL, READ_ONLY, IO.
   * @example
   * await db.logs.deleteMany({ time: { lt: lastMonth } })
   * const { beforeBytes, afterBytes } = await db.compact()
   */
  async compact(options: CompactOptions = {}): Promise<CompactResult> {
    assertKnown('compact()', options, ['onProgress', 'signal'])
    this.#core.assertOpen()
    this.#core.assertWritable()
    return await this.#parts.compact(options)
  }

  /**
   * Locks an encrypted database with another password or key, whatever its size in the same time. Durable when it resolves;
   * cut on the way, one of the two unlocks it. Errors: NOT_ENCRYPTED, PASSWORD_REQUIRED, READ_ONLY, UNSUPPORTED, IO.
   * @example
   * const db = await open('./data', { encryption: { password: 'old' } })
   * await db.rekey({ password: 'new' })
   * await db.close()
   */
  async rekey(to: EncryptionOptions): Promise<void> {
    const encryption = checkedEncryption('rekey()', to)
    const before = this.#rekeyed
    const turn = (async () => {
      await before
      await this.#parts.rekey(encryption)
    })()
    this.#rekeyed = turn.catch(() => undefined) // it is told to who called it; the next has its turn all the same
    await turn
  }

  /**
   * Copies what is durable to `target` while reading and writing go on: a database folder, a file for `restore()`, or the
   * next part of an archive. The copy is the state at one commit, which the result names. What a killed or failed backup
   * leaves is never opened as a database. Errors: INVALID_ARGUMENT (`target` is there already), BACKUP_CHAIN (an increment
   * that cannot be), NOT_A_BACKUP, CORRUPT (the log is damaged), DISK_FULL, IO, ABORTED, CLOSED.
   * @example
   * const full = await db.backup('backups/monday')
   * await db.backup('backups/tuesday.blazebackup', { since: full.position })
   * await db.backup('archive', { as: 'archive' }) // each hour; see restore()
   */
  async backup(target: string, options: BackupOptions = {}): Promise<BackupResult> {
    this.#core.assertOpen()
    const { backupDatabase } = await import('./backup/backup.ts')
    return await backupDatabase(this.#parts.files, target, options)
  }

  /**
   * Reads everything, on disk and in memory, and holds it against everything else, in slices while the database is used:
   * checksums, records, indexes both ways, texts, pieces, counts. Changes nothing. Problems are data; each says what to do.
   * Errors: INVALID_ARGUMENT, ABORTED, CLOSED, DISK_FULL (more was written meanwhile than may be kept for it).
   * @example
   * const { ok, problems, checked } = await db.verify()
   * for (const { text, whatToDo } of problems) console.error(text, whatToDo)
   * console.log(ok, checked.records)
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyResult> {
    this.#core.assertOpen()
    const { verifyDatabase } = await import('./verify/verify-database.ts')
    return await verifyDatabase(this.#parts.files, options)
  }

  /** Sizes, counters and who holds what. Cheap: nothing is scanned. */
  stats(): DatabaseStats {
    this.#core.assertOpen()
    return statsOf(this.#core)
  }

  /**
   * Is anything wrong, what does it mean, what is to be done. Cheap: counters, and one look at the file system.
   * @example
   * const { status, checks } = await db.health()
   * if (status !== 'ok') for (const { text, action } of checks) if (action) console.warn(text, action)
   */
  async health(): Promise<DatabaseHealth> {
    this.#core.assertOpen()
    const { healthOf } = await import('./health.ts')
    return healthOf(this.#core)
  }

  /** Finishes what was called before it, waits for open transactions, closes. Repeated close is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#parts.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The engine behind a database: for the integrity check and tests of the layers below. */
  static coreOf(database: Database<unknown>): Core {
    return database.#core
  }

  /** The files of a database: for the verification of a closed one. */
  static filesOf(database: Database<unknown>): DatabaseFiles {
    return database.#parts.files
  }

  #begin(options: BeginOptions, label: string): TransactionSession {
    return new TransactionSession(this.#core, {
      isolation: options.isolation ?? 'serializable',
      durability: options.durability ?? this.#core.options.durability,
      label,
    })
  }

  #handle(session: TransactionSession): TransactionWith<C> {
    const handle = new Transaction(session, this.#declared, this.#doors)
    return withCollections<Transaction & TransactionCollectionsOf<C>>(handle)
  }

  #loadDoors(): LoadDoors {
    return { door: (name, unchecked) => this.#door(name, unchecked), declared: this.#parts.declared }
  }

  #door(name: string, unchecked = false): CollectionDoor {
    const core = this.#core
    checkedName(name, false)
    return {
      forWriting: () => writable(core, ensureCollection(core, name), unchecked),
    }
  }
}

/** The database with its declared collections. */
export type DatabaseWith<C> = Database<C> & CollectionsOf<C>

/** The constructor defined a property for each declared collection, which is what the wider type says. */
export function withCollections<T>(handle: object): T {
  return handle as T
}

/** Refuses what keeps this code from writing to a collection. */
function writable(core: Core, collection: CollectionState, unchecked: boolean): CollectionState {
  if (core.options.readOnly) throw readOnlyError()
  if (collection.readOnly) {
    throw new BlazeError(
      'READ_ONLY',
      `${collection.name} was written by a newer version of its schema (${collection.description.schemaVersion}), so this code may only read it; nothing was written`,
      undefined,
    )
  }
  if (collection.description.hasSchema && collection.rules === undefined && !collection.unchecked && !unchecked) {
    throw new BlazeError(
      'SCHEMA_REQUIRED',
      `${collection.name} has a schema, and this code opened it without one; nothing was written. Declare it in open(), or with { unchecked: true }.`,
      { collection: collection.name },
    )
  }
  return collection
}
