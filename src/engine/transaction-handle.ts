/** Transactions and snapshots as users hold them. */

import { UNBAGGED } from '../base/bag.ts'
import { BlazeError } from '../base/errors.ts'
import type { CommitNumber } from '../base/ids.ts'
import type { SnapshotHold } from '../mvcc/snapshots.ts'
import type { DynamicRecord } from '../query/types.ts'
import { SnapshotCollection, TransactionCollection } from './collection.ts'
import type { DynamicInsert, SnapshotCollectionsOf, TransactionCollectionsOf } from './collection-spec.ts'
import type { Core, OpenHandle } from './core.ts'
import { HeldView } from './read-view.ts'
import type { CollectionDoor } from './reader.ts'
import { snapshotTooOld } from './snapshot-too-old.ts'
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
    return this.#session.commit()
  }

  /** Gives up what was written. Harmless when it has ended. */
  rollback(): void {
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
  readonly label: string
  readonly #core: Core
  /** What close() ends it by. */
  readonly #registered: OpenHandle
  readonly #hold: SnapshotHold
  readonly #view: HeldView
  readonly #doors: Doors
  readonly #handles = new Map<string, SnapshotCollection<DynamicRecord>>()
  #open = true

  /** Of what is published now, or of the commit `asOf`. */
  constructor(core: Core, label: string, declared: CollectionProperties, doors: Doors, asOf?: number) {
    core.assertOpen()
    this.#core = core
    this.label = label
    this.#doors = doors
    this.#hold = asOf === undefined ? core.holdVisible(label) : core.holdAt(asOf, label)
    this.#view = new HeldView(core, this.#hold.commit, () => this.#assertOpen())
    this.#registered = { label, holdsClose: false, bagIndex: UNBAGGED, end: () => this.close() }
    core.open.add(this.#registered)
    Object.defineProperties(this, declared)
  }

  get commitNumber(): CommitNumber {
    return this.#hold.commit
  }

  collection(name: string): SnapshotCollection<DynamicRecord> {
    let handle = this.#handles.get(name)
    if (handle === undefined) {
      handle = new SnapshotCollection(name, this.#view, this.#doors(name))
      this.#handles.set(name, handle)
    }
    return handle
  }

  /** Ends it. Harmless when it has ended. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#core.snapshots.release(this.#hold)
    this.#core.open.delete(this.#registered)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #assertOpen(): void {
    if (this.#hold.ended) throw snapshotTooOld(this.label)
    if (this.#open) return
    throw new BlazeError('TRANSACTION_CLOSED', 'this snapshot has ended; take another with db.snapshot()', undefined)
  }
}

/** A transaction with its declared collections. */
export type TransactionWith<C> = Transaction & TransactionCollectionsOf<C>
/** A snapshot with its declared collections. */
export type SnapshotWith<C> = Snapshot & SnapshotCollectionsOf<C>
