/** Transactions and snapshots as users hold them. */

import type { CommitNumber } from '../base/ids.ts'
import type { DynamicRecord } from '../query/types.ts'
import { SnapshotCollection, TransactionCollection } from './collection.ts'
import type { DynamicInsert, SnapshotCollectionsOf, TransactionCollectionsOf } from './collection-spec.ts'
import { assertBody } from './known-options.ts'
import type { CollectionDoor } from './reader.ts'
import type { SnapshotSession } from './snapshot-session.ts'
import type { TransactionSession } from './transaction.ts'

/** Finds the door of a collection by name. */
export type Doors = (name: string) => CollectionDoor

/** Declared collections as properties of handles, by their names. */
export type CollectionProperties = PropertyDescriptorMap

/**
 * One getter a name for all handles of a database. Closures for each handle would give each a hidden class of its own:
 * code optimised for one is thrown away with it, and every garbage collection stopped the transactions (half their time).
 */
export function collectionProperties(names: readonly string[]): CollectionProperties {
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        get(this: { collection(name: string): unknown }) {
          return this.collection(name)
        },
      },
    ]),
  )
}

/**
 * A transaction. Only what is done through it belongs to it. Declared collections are its properties.
 * `using tx = db.begin()` rolls back at the end of the block unless `await tx.commit()` was called.
 */
export class Transaction implements Disposable {
  readonly #session: TransactionSession
  readonly #doors: Doors
  readonly #handles: TransactionCollection<DynamicRecord, DynamicInsert>[] = []

  constructor(session: TransactionSession, declared: CollectionProperties, doors: Doors) {
    this.#session = session
    this.#doors = doors
    Object.defineProperties(this, declared)
  }

  /** The commit number of its snapshot. */
  get commitNumber(): number {
    return this.#session.context.snapshot
  }

  get isOpen(): boolean {
    return this.#session.isOpen
  }

  /** Any collection by its name. */
  collection(name: string): TransactionCollection<DynamicRecord, DynamicInsert> {
    // A transaction has few of them: a look through the list beats a map, which would have to be made.
    for (const handle of this.#handles) if (handle.name === name) return handle
    const made = new TransactionCollection<DynamicRecord, DynamicInsert>(name, this.#session, this.#doors(name))
    this.#handles.push(made)
    return made
  }

  /** Runs `fn`; when it throws (or rejects), what it wrote is undone and the error goes on. What it read stays read. */
  savepoint<V>(fn: () => V): V {
    this.#session.assertOpen()
    assertBody('savepoint()', fn)
    const { writes } = this.#session.context
    const mark = writes.savepoint()
    let value: V
    try {
      value = fn()
    } catch (error) {
      writes.undoTo(mark)
      throw error
    }
    if (!isPromise(value)) return value
    return value.then(undefined, (error: unknown) => {
      writes.undoTo(mark)
      throw error
    }) as V
  }

  /** Resolves when it is durable (as its durability says). CONFLICT, UNIQUE, COMMIT_UNKNOWN, DISK_FULL. */
  commit(): Promise<void> {
    this.#session.core.lastTransaction = this
    return this.#session.commit()
  }

  /** Gives up what was written. Harmless when it has ended. */
  rollback(): void {
    this.#session.core.lastTransaction = this
    this.#session.rollback()
  }

  [Symbol.dispose](): void {
    this.rollback()
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** A held snapshot: reads what was published when it was taken, however long it is held. End it with `close` or `using`. */
export class Snapshot implements Disposable {
  readonly #session: SnapshotSession
  readonly #doors: Doors
  readonly #handles = new Map<string, SnapshotCollection<DynamicRecord>>()

  constructor(session: SnapshotSession, declared: CollectionProperties, doors: Doors) {
    this.#session = session
    this.#doors = doors
    Object.defineProperties(this, declared)
  }

  get label(): string {
    return this.#session.label
  }

  get commitNumber(): CommitNumber {
    return this.#session.commit
  }

  collection(name: string): SnapshotCollection<DynamicRecord> {
    let handle = this.#handles.get(name)
    if (handle === undefined) {
      handle = new SnapshotCollection(name, this.#session.view, this.#doors(name))
      this.#handles.set(name, handle)
    }
    return handle
  }

  /** Ends it. Harmless when it has ended. */
  close(): void {
    this.#session.end()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** A transaction with its declared collections. */
export type TransactionWith<C> = Transaction & TransactionCollectionsOf<C>
/** A snapshot with its declared collections. */
export type SnapshotWith<C> = Snapshot & SnapshotCollectionsOf<C>
