/**
 * The database as users hold it. Declared collections are its own properties; everything else is a method. It is never
 * thenable, keeps no process alive, and installs no signal handlers.
 */
import { BlazeError } from '../base/errors.ts'
import type { IndexForm } from '../indexes/index-spec.ts'
import type { DynamicRecord } from '../query/types.ts'
import { Collection } from './collection.ts'
import {
  type CollectionsOf,
  checkedName,
  type DynamicInsert,
  type SnapshotCollectionsOf,
  type TransactionCollectionsOf,
} from './collection-spec.ts'
import type { CollectionState } from './collection-state.ts'
import type { Core } from './core.ts'
import { readOnlyError } from './core.ts'
import { type CreateIndexOptions, createIndex, dropCollection, dropIndex, renameCollection } from './ddl.ts'
import { assertKnown } from './known-options.ts'
import type { Durability } from './publisher.ts'
import { PublishedView } from './read-view.ts'
import type { CollectionDoor } from './reader.ts'
import { runTransaction, type TransactionOptions } from './run-transaction.ts'
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

/** What opening built around the core, and how it is taken down. */
export interface DatabaseParts {
  readonly core: Core
  readonly declared: readonly string[]
  checkpoint(): Promise<void>
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
    return runTransaction(this.#core, options, (session) => fn(this.#handle(session)))
  }

  /** Runs `fn`, which may not return a promise, as a transaction that is durable on return. It never conflicts. */
  transactionSync<V>(fn: (tx: TransactionWith<C>) => V): V {
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
    return this.#handle(this.#begin(options, 'begin'))
  }

  /** Runs `fn` on one snapshot of what is published; it may be asynchronous, and never conflicts. */
  read<V>(fn: (snapshot: SnapshotWith<C>) => V): V {
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
    const snapshot: Snapshot = new Snapshot(this.#core, 'snapshot', this.#declared, this.#doors)
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
    const snapshot: Snapshot = new Snapshot(this.#core, 'asOf', this.#declared, this.#doors, commitNumber)
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

  stats(): DatabaseStats {
    this.#core.assertOpen()
    return statsOf(this.#core)
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

  #begin(options: BeginOptions, label: string): TransactionSession {
    return new TransactionSession(this.#core, {
      isolation: options.isolation ?? 'serializable',
      durability: options.durability ?? this.#core.options.durability,
      label,
    })
  }

  #handle(session: TransactionSession): TransactionWith<C> {
    const handle = new Transaction(session, this.#declared, this.#doors)
    this.#core.lastTransaction = handle
    return withCollections<Transaction & TransactionCollectionsOf<C>>(handle)
  }

  #door(name: string): CollectionDoor {
    const core = this.#core
    checkedName(name, false)
    return {
      forWriting: () => writable(core, ensureCollection(core, name)),
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
function writable(core: Core, collection: CollectionState): CollectionState {
  if (core.options.readOnly) throw readOnlyError()
  if (collection.readOnly) {
    throw new BlazeError(
      'READ_ONLY',
      `${collection.name} was written by a newer version of its schema (${collection.description.schemaVersion}), so this code may only read it; nothing was written`,
      undefined,
    )
  }
  if (collection.description.hasSchema && collection.rules === undefined && !collection.unchecked) {
    throw new BlazeError(
      'SCHEMA_REQUIRED',
      `${collection.name} has a schema, and this code opened it without one; nothing was written. Declare it in open(), or with { unchecked: true }.`,
      { collection: collection.name },
    )
  }
  return collection
}
