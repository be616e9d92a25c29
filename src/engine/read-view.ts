/**
 * Through which snapshot a handle reads: the published state of this moment, a held snapshot, or a transaction's
 * snapshot with its own writes laid over it. Queries get their sources here.
 */
import type { RecordId } from '../base/ids.ts'
import { RecordKey } from '../base/record-key.ts'
import type { StoredRecord } from '../base/values.ts'
import type { QueryRunner, RecordSource } from '../query/source.ts'
import type { CollectionState } from './collection-state.ts'
import type { TransactionContext } from './contexts.ts'
import type { Core } from './core.ts'
import { slowQueries } from './diagnostics.ts'
import { EmptySource, SnapshotSource } from './record-source.ts'
import { snapshotTooOld } from './snapshot-too-old.ts'
import { ensureCollection } from './system-collections.ts'

const key = new RecordKey()

/**
 * What one query may hold: a part of the memory that leaves room for the indexes and versions, and for three more such
 * queries at once. A database opened for little memory still sorts some hundred thousand rows.
 */
const QUERY_SHARE = 1 / 4
const MIN_QUERY_BYTES = 64 * 1_024 * 1_024

export interface ReadView {
  readonly core: Core
  /** Throws when the handle has ended. */
  assertUsable(): void
  /** A fresh object, or undefined. */
  get(collection: CollectionState, id: RecordId): StoredRecord | undefined
  has(collection: CollectionState, id: RecordId): boolean
  /** The collection of a name, if it is there; what a transaction asks for is noted, so it always gets one. */
  find(name: string): CollectionState | undefined
  open(collection: CollectionState): RecordSource
}

/** What is published when a call is made. */
export class PublishedView implements ReadView {
  readonly core: Core

  constructor(core: Core) {
    this.core = core
  }

  assertUsable(): void {
    this.core.assertOpen()
  }

  get(collection: CollectionState, id: RecordId): StoredRecord | undefined {
    this.core.safePoint()
    return key.set(id) ? collection.get(key, this.core.publisher.visible, id) : undefined
  }

  has(collection: CollectionState, id: RecordId): boolean {
    this.core.safePoint()
    return key.set(id) && collection.has(key, this.core.publisher.visible)
  }

  find(name: string): CollectionState | undefined {
    return this.core.collections.get(name)
  }

  open(collection: CollectionState): RecordSource {
    const hold = this.core.holdVisible('query')
    const source = new SnapshotSource(this.core, collection, {
      snapshot: hold.commit,
      release: () => this.core.snapshots.release(hold),
      assertAlive: () => {
        this.core.assertOpen()
        if (hold.ended) throw snapshotTooOld('query')
      },
    })
    hold.owner = source
    return source
  }
}

/** One held snapshot. The owner ends it. */
export class HeldView implements ReadView {
  readonly core: Core
  readonly #snapshot: number
  readonly #assertUsable: () => void

  constructor(core: Core, snapshot: number, assertUsable: () => void) {
    this.core = core
    this.#snapshot = snapshot
    this.#assertUsable = assertUsable
  }

  assertUsable(): void {
    this.#assertUsable()
  }

  get(collection: CollectionState, id: RecordId): StoredRecord | undefined {
    this.core.safePoint()
    return key.set(id) ? collection.get(key, this.#snapshot, id) : undefined
  }

  has(collection: CollectionState, id: RecordId): boolean {
    this.core.safePoint()
    return key.set(id) && collection.has(key, this.#snapshot)
  }

  find(name: string): CollectionState | undefined {
    return this.core.collections.get(name)
  }

  open(collection: CollectionState): RecordSource {
    return new SnapshotSource(this.core, collection, { snapshot: this.#snapshot, assertAlive: this.#assertUsable })
  }
}

/** A transaction. */
export class TransactionView implements ReadView {
  readonly core: Core
  readonly #context: TransactionContext
  readonly #assertUsable: () => void

  constructor(core: Core, context: TransactionContext, assertUsable: () => void) {
    this.core = core
    this.#context = context
    this.#assertUsable = assertUsable
  }

  assertUsable(): void {
    this.#assertUsable()
  }

  get(collection: CollectionState, id: RecordId): StoredRecord | undefined {
    this.core.safePoint()
    return this.#context.current(collection, id)
  }

  has(collection: CollectionState, id: RecordId): boolean {
    return this.get(collection, id) !== undefined
  }

  /** Made in memory when there is none: that it was read while it was empty must be known when another commit fills it. */
  find(name: string): CollectionState | undefined {
    return ensureCollection(this.core, name)
  }

  open(collection: CollectionState): RecordSource {
    const { snapshot, writes, reads } = this.#context
    return new SnapshotSource(this.core, collection, {
      snapshot,
      writes,
      reads,
      assertAlive: this.#assertUsable,
    })
  }
}

/** Runs queries of a handle. */
export function runnerOf(view: ReadView): QueryRunner {
  const { core } = view
  return {
    open(name) {
      view.assertUsable()
      const collection = view.find(name)
      return collection === undefined ? new EmptySource(name) : view.open(collection)
    },
    now: () => core.platform.clock.monotonic(),
    yield: () => core.platform.clock.yield(),
    slowQueryMs: core.options.slowQueryMs,
    memoryBytes: Math.max(MIN_QUERY_BYTES, Math.floor(core.options.memoryBytes * QUERY_SHARE)),
    onSlowQuery: slowQueries.tell,
  }
}
