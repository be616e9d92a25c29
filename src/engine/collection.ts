/**
 * Collections as users hold them. Three handles, one implementation of reading and one of writing:
 *
 *   Reader (reader.ts)   get, has, getMany, getOrThrow and queries, through a view (published, held snapshot, transaction)
 *   Collection    of the database: writes are promises, durable when they resolve
 *   TransactionCollection   of a transaction: writes are values
 */
import { BlazeError } from '../base/errors.ts'
import type { CommitNumber, RecordId } from '../base/ids.ts'
import type { StoredRecord } from '../base/values.ts'
import { queryAll } from '../query/builder.ts'
import type { Filter } from '../query/filter.ts'
import type { QueryRunner, RecordSource } from '../query/source.ts'
import type { Where } from '../query/types.ts'
import type { CollectionState } from './collection-state.ts'
import { commit } from './commit.ts'
import { DirectContext } from './contexts.ts'
import type { Core } from './core.ts'
import { assertKnown } from './known-options.ts'
import { checkedDurability, type Durability } from './publisher.ts'
import { type ReadView, runnerOf } from './read-view.ts'
import { type CollectionDoor, type IdOf, Reader } from './reader.ts'
import { SnapshotSource } from './record-source.ts'
import type { TransactionSession } from './transaction.ts'
import type { unset, WriteContext } from './writes.ts'
import * as write from './writes.ts'

/** Fields to change; `unset` takes one away, undefined leaves it. */
export type PatchOf<T> = { readonly [K in keyof T]?: T[K] | typeof unset | undefined }

/** A record that cannot be changed: what an update function gets. Where any name may be, only the names are followed. */
export type DeepReadonly<T> = T extends Date | Uint8Array | Float32Array | Float64Array
  ? T
  : T extends object
    ? string extends keyof T
      ? Readonly<T>
      : { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T

export interface WriteOptions {
  /** When the promise resolves; the database's own setting by default. */
  readonly durability?: Durability
}

/** A collection seen through a held snapshot. */
export class SnapshotCollection<T> extends Reader<T> {}

/** A collection inside a transaction: writes give values, errors are thrown at the call. */
export class TransactionCollection<T, I = T> extends Reader<T> {
  readonly #session: TransactionSession

  constructor(name: string, session: TransactionSession, door: CollectionDoor) {
    super(name, session.view, door)
    this.#session = session
  }

  insert(record: I): T {
    return this.#write((context, collection) => write.insert(context, collection, record))
  }

  replace(record: I): T {
    return this.#write((context, collection) => write.replace(context, collection, record))
  }

  update(id: IdOf<T>, change: PatchOf<T> | ((record: DeepReadonly<T>) => PatchOf<T>)): T {
    return this.#write((context, collection) =>
      write.update(context, collection, id as RecordId, change as write.Patch | write.PatchFunction),
    )
  }

  upsert(record: I, options: { readonly on?: string } = {}): T {
    return this.#write((context, collection) => write.upsert(context, collection, record, options.on))
  }

  delete(id: IdOf<T>): boolean {
    return this.#run((context, collection) => write.remove(context, collection, id as RecordId))
  }

  insertMany(records: Iterable<I>): IdOf<T>[] {
    return this.#run((context, collection) => insertAll<T>(context, collection, records))
  }

  upsertMany(records: Iterable<I>, options: { readonly on?: string } = {}): IdOf<T>[] {
    return this.#run((context, collection) => upsertAll<T>(context, collection, records, options.on))
  }

  updateMany(where: Where<T> | Filter<T>, patch: PatchOf<T>): number {
    const found = this.where(where).all()
    return this.#run((context, collection) => updateAll(context, collection, found, patch as write.Patch))
  }

  deleteMany(where: Where<T> | Filter<T>): number {
    const found = this.where(where).all()
    return this.#run((context, collection) => removeAll(context, collection, found))
  }

  #write(evaluate: (context: WriteContext, collection: CollectionState) => RecordId): T {
    return this.#run((context, collection) => stored<T>(context, collection, evaluate(context, collection)))
  }

  /** A call that throws leaves nothing of itself in the write set. */
  #run<V>(evaluate: (context: WriteContext, collection: CollectionState) => V): V {
    this.#session.assertOpen()
    const { context } = this.#session
    const mark = context.writes.savepoint()
    try {
      return evaluate(context, this.door.forWriting())
    } catch (error) {
      context.writes.undoTo(mark)
      throw error
    }
  }
}

/** A collection of the database. Writes are promises; a refusal is a rejection. */
export class Collection<T, I = T> extends Reader<T> {
  readonly #core: Core
  /**
   * The context of the last call, for the next one. The engine forgets the hidden classes of which a major garbage
   * collection finds no object, and with them all code that was optimised for these; what lives for a turn only would
   * be forgotten at nearly each of them, and writing be slow until it is optimised again.
   */
  #spare: DirectContext | undefined

  constructor(name: string, core: Core, view: ReadView, door: CollectionDoor) {
    super(name, view, door)
    this.#core = core
  }

  /** Inserts a record and gives it back as stored: id made, defaults filled. DUPLICATE_ID, UNIQUE, SCHEMA, INVALID_VALUE. */
  insert(record: I, options: WriteOptions = {}): Promise<T> {
    return this.#write(options, (context, collection) => write.insert(context, collection, record))
  }

  /** Puts a whole record in the place of the one with its id. NOT_FOUND. */
  replace(record: I, options: WriteOptions = {}): Promise<T> {
    return this.#write(options, (context, collection) => write.replace(context, collection, record))
  }

  /** Changes fields. A function gets the newest state and returns a patch, in this turn: nothing is ever lost. NOT_FOUND, INVALID_PATCH. */
  update(
    id: IdOf<T>,
    change: PatchOf<T> | ((record: DeepReadonly<T>) => PatchOf<T>),
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#write(options, (context, collection) =>
      write.update(context, collection, id as RecordId, change as write.Patch | write.PatchFunction),
    )
  }

  /** Inserts, or patches the record with the same id (or the same unique key, with `on`). */
  upsert(record: I, options: WriteOptions & { readonly on?: string } = {}): Promise<T> {
    return this.#write(options, (context, collection) => write.upsert(context, collection, record, options.on))
  }

  /** True when there was a record. */
  delete(id: IdOf<T>, options: WriteOptions = {}): Promise<boolean> {
    return this.#run(options, (context, collection) => write.remove(context, collection, id as RecordId))
  }

  /** All or none, in order; gives the ids. */
  insertMany(records: Iterable<I>, options: WriteOptions = {}): Promise<IdOf<T>[]> {
    return this.#run(options, (context, collection) => insertAll<T>(context, collection, records))
  }

  upsertMany(records: Iterable<I>, options: WriteOptions & { readonly on?: string } = {}): Promise<IdOf<T>[]> {
    return this.#run(options, (context, collection) => upsertAll<T>(context, collection, records, options.on))
  }

  /** Patches every match in one turn; gives how many there were. `{}` means all. */
  updateMany(where: Where<T> | Filter<T>, patch: PatchOf<T>, options: WriteOptions = {}): Promise<number> {
    return this.#run(options, (context, collection) =>
      updateAll(context, collection, this.#newest(collection, where), patch as write.Patch),
    )
  }

  /** Deletes every match in one turn; gives how many there were. `{}` means all. */
  deleteMany(where: Where<T> | Filter<T>, options: WriteOptions = {}): Promise<number> {
    return this.#run(options, (context, collection) => removeAll(context, collection, this.#newest(collection, where)))
  }

  /** Deletes every record in one turn. */
  clear(options: WriteOptions = {}): Promise<number> {
    return this.#run(options, (context, collection) => removeAll(context, collection, this.#newest(collection, {})))
  }

  /** What matches in the newest installed state: read and changed in one turn. */
  #newest(collection: CollectionState, where: Where<T> | Filter<T>): T[] {
    const core = this.#core
    const open = (name: string): RecordSource => {
      const state = name === collection.name ? collection : core.collections.get(name)
      return new SnapshotSource(core, state ?? collection, {
        snapshot: core.installed,
        assertAlive: () => undefined,
      })
    }
    const runner: QueryRunner = { ...runnerOf(this.view), open, slowQueryMs: undefined }
    return queryAll<T>(collection.name, runner).where(where).all()
  }

  #write(
    options: WriteOptions,
    evaluate: (context: WriteContext, collection: CollectionState) => RecordId,
  ): Promise<T> {
    return this.#run(options, (context, collection) => stored<T>(context, collection, evaluate(context, collection)))
  }

  #run<V>(options: WriteOptions, evaluate: (context: WriteContext, collection: CollectionState) => V): Promise<V> {
    const core = this.#core
    return new Promise<V>((resolve, reject) => {
      // A function of the call may come back here: that call gets a context of its own.
      const context = this.#spare?.reset() ?? new DirectContext(core)
      this.#spare = undefined
      try {
        core.assertOpen()
        assertKnown('a write', options, ['durability', 'on'])
        core.safePoint()
        core.assertWritable()
        const { installed } = core
        const settings = {
          durability: checkedDurability(options.durability ?? core.options.durability),
          snapshot: undefined,
        }
        const value = evaluate(context, this.door.forWriting())
        if (core.installed !== installed) throw wroteMeanwhile(this.name)
        commit(core, context.writes, settings, (error) => (error === undefined ? resolve(value) : reject(error)))
      } catch (error) {
        // A refusal is told when what it rests on is published.
        if (core.closing) reject(error)
        else core.publisher.whenVisible(core.installed as CommitNumber, () => reject(error))
      } finally {
        context.release()
        this.#spare = context
      }
    })
  }
}

/** A patch function, a schema or an iterable of the call committed something: what was evaluated may rest on old state. */
function wroteMeanwhile(collection: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError(
    'INVALID_ARGUMENT',
    `${collection}: a function of this call wrote to the database itself, so the call would undo what it wrote; the call wrote nothing. Write before or after it, or in a transaction.`,
    { argument: 'fn' },
  )
}

function insertAll<T>(context: WriteContext, collection: CollectionState, records: Iterable<unknown>): IdOf<T>[] {
  const ids: IdOf<T>[] = []
  for (const record of iterable(collection, records)) {
    ids.push(write.insert(context, collection, record) as IdOf<T>)
  }
  return ids
}

function upsertAll<T>(
  context: WriteContext,
  collection: CollectionState,
  records: Iterable<unknown>,
  on: string | undefined,
): IdOf<T>[] {
  const ids: IdOf<T>[] = []
  for (const record of iterable(collection, records)) {
    ids.push(write.upsert(context, collection, record, on) as IdOf<T>)
  }
  return ids
}

function updateAll(
  context: WriteContext,
  collection: CollectionState,
  found: readonly unknown[],
  patch: write.Patch,
): number {
  for (const record of found) write.applyPatch(context, collection, record as StoredRecord, patch)
  return found.length
}

function removeAll(context: WriteContext, collection: CollectionState, found: readonly unknown[]): number {
  for (const record of found) context.writes.remove(collection, (record as StoredRecord).id)
  return found.length
}

function iterable(collection: CollectionState, records: Iterable<unknown>): Iterable<unknown> {
  if (typeof records === 'object' && records !== null && Symbol.iterator in records) return records
  throw new BlazeError('INVALID_ARGUMENT', `${collection.name}: expected an array or another iterable of records`, {
    argument: 'records',
  })
}

/** What a write call gives back. */
function stored<T>(context: WriteContext, collection: CollectionState, id: RecordId): T {
  return write.storedRecord(context, collection, id) as T
}
