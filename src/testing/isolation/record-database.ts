/**
 * Records the transactions of a BlazeDB database: `recordDatabase(db, recorder)` has the same `transaction` and `read`, and
 * their handles write down every record that is read and written. A key is `collection/id`, its value the record.
 *
 * Two records that are equal cannot be told apart, so a number is put into each record that is written, in the field
 * `stamp`; with `stamp: false` nothing is added and the history tells less. Every write notes the record that was there as a read:
 * first committer wins, so it is one, and it puts the versions of a record in order.
 *
 * The handles have the calls below, and no others: what cannot be recorded would leave holes in the history.
 */
import { isBlazeError } from '../../base/errors.ts'
import type { RecordId } from '../../base/ids.ts'
import type { PatchOf, TransactionCollection } from '../../engine/collection.ts'
import type { DynamicInsert } from '../../engine/collection-spec.ts'
import { assertKnown } from '../../engine/known-options.ts'
import type { TransactionOptions } from '../../engine/run-transaction.ts'
import type { Snapshot, Transaction } from '../../engine/transaction-handle.ts'
import type { DynamicRecord, Where } from '../../query/types.ts'
import { assertHas, given, refused } from '../arguments.ts'
import { HistoryRecorder, type TransactionLog } from './recorder.ts'

/** What is needed of a database; every `DatabaseWith<…>` has it. */
export interface RecordableDatabase {
  transaction<V>(fn: (tx: Transaction) => V | Promise<V>, options?: TransactionOptions): Promise<V>
  snapshot(): Snapshot
}

export interface RecordingOptions {
  /** The field that makes each written record unique; '_stamp' by default, false for none. */
  readonly stamp?: string | false
}

type Patch = { readonly [field: string]: unknown }

/** Reading a collection, recorded. */
export interface RecordedReader {
  get(id: RecordId): DynamicRecord | undefined
  /** The records that match, by id. */
  all(where?: Where<DynamicRecord>): DynamicRecord[]
}

/** A collection of a transaction, recorded. */
export interface RecordedCollection extends RecordedReader {
  insert(record: DynamicInsert): DynamicRecord
  replace(record: DynamicInsert & { readonly id: RecordId }): DynamicRecord
  update(id: RecordId, change: Patch | ((record: DynamicRecord) => Patch)): DynamicRecord
  upsert(record: DynamicInsert & { readonly id: RecordId }): DynamicRecord
  delete(id: RecordId): boolean
}

export interface RecordedTransaction {
  collection(name: string): RecordedCollection
  /** The transaction itself: what is done through it is not recorded. */
  readonly unrecorded: Transaction
}

export interface RecordedSnapshot {
  collection(name: string): RecordedReader
}

/** A session of a database: its transactions come one after another. */
export interface RecordedDatabase {
  /** As `db.transaction`; each attempt is a transaction of the history. */
  transaction<V>(fn: (tx: RecordedTransaction) => V | Promise<V>, options?: TransactionOptions): Promise<V>
  /** As `db.read`. */
  read<V>(fn: (snapshot: RecordedSnapshot) => V | Promise<V>): Promise<V>
}

const DEFAULT_STAMP = '_stamp'
const stamps = new WeakMap<HistoryRecorder, number>()

/**
 * The database as one session of a history.
 * @example
 * const recorder = new HistoryRecorder()
 * const alice = recordDatabase(db, recorder, 'alice')
 * await alice.transaction((tx) => tx.collection('accounts').update('a', ({ balance }) => ({ balance: Number(balance) - 10 })))
 */
export function recordDatabase(
  db: RecordableDatabase,
  recorder: HistoryRecorder,
  session?: string,
  options: RecordingOptions = {},
): RecordedDatabase {
  assertHas('db', db, 'transaction', 'an open database')
  if (!(recorder instanceof HistoryRecorder))
    throw refused('recorder', `recorder is a HistoryRecorder, found ${given(recorder)}`)
  assertKnown('recordDatabase()', options, ['stamp'])
  if (!['string', 'boolean', 'undefined'].includes(typeof options.stamp) || Object.is(options.stamp, true)) {
    throw refused('stamp', `stamp is the name of a field, or false for none, found ${given(options.stamp)}`)
  }
  const stamp = options.stamp ?? DEFAULT_STAMP
  const stamped = (patch: Patch): Patch => {
    if (stamp === false) return patch
    const next = (stamps.get(recorder) ?? 0) + 1
    stamps.set(recorder, next)
    return { ...patch, [stamp]: next }
  }
  return {
    transaction: (fn, settings) =>
      runRecorded(db, recorder, session, settings ?? {}, (tx, log) => fn(recordedTransaction(tx, log, stamped))),
    read: (fn) =>
      recorder.run(session, async (log) => {
        using snapshot = db.snapshot()
        return await fn({ collection: (name) => recordedReader(snapshot.collection(name), log) })
      }),
  }
}

/** Each attempt is begun when it starts and ended when the next starts, or when the whole has. */
async function runRecorded<V>(
  db: RecordableDatabase,
  recorder: HistoryRecorder,
  session: string | undefined,
  options: TransactionOptions,
  run: (tx: Transaction, log: TransactionLog) => V | Promise<V>,
): Promise<V> {
  let attempt: TransactionLog | undefined
  try {
    const value = await db.transaction((tx) => {
      attempt?.end('aborted')
      attempt = recorder.begin(session)
      return run(tx, attempt)
    }, options)
    attempt?.end('committed')
    return value
  } catch (error) {
    attempt?.end(isBlazeError(error, 'COMMIT_UNKNOWN') ? 'unknown' : 'aborted')
    throw error
  }
}

function recordedReader(of: Reading, log: TransactionLog): RecordedReader {
  return {
    get(id) {
      const record = of.get(id)
      log.read(keyOf(of.name, id), record)
      return record
    },
    all(where = {}) {
      const rows = of.where(where).orderBy('id').all()
      log.rows(
        where,
        rows.map((value) => ({ key: keyOf(of.name, value.id), value })),
        of.name,
      )
      return rows
    },
  }
}

/** What the collections of transactions and of snapshots have in common. */
type Reading = Pick<TransactionCollection<DynamicRecord, DynamicInsert>, 'name' | 'get' | 'where'>

function recordedTransaction(
  tx: Transaction,
  log: TransactionLog,
  stamped: (patch: Patch) => Patch,
): RecordedTransaction {
  return {
    unrecorded: tx,
    collection: (name) => recordedCollection(tx.collection(name), log, stamped),
  }
}

function recordedCollection(
  of: TransactionCollection<DynamicRecord, DynamicInsert>,
  log: TransactionLog,
  stamped: (patch: Patch) => Patch,
): RecordedCollection {
  const looked = (id: RecordId): void => log.read(keyOf(of.name, id), of.get(id))
  const wrote = (record: DynamicRecord): DynamicRecord => {
    log.write(keyOf(of.name, record.id), record)
    return record
  }
  // The casts: with a number more a record is a record, and what is wrong with a patch the database says.
  const asInsert = (record: DynamicInsert): DynamicInsert => stamped(record) as DynamicInsert
  const asPatch = (patch: unknown): PatchOf<DynamicRecord> =>
    (typeof patch === 'object' && patch !== null ? stamped({ ...patch }) : patch) as PatchOf<DynamicRecord>
  return {
    ...recordedReader(of, log),
    insert(record) {
      if (record.id !== undefined) looked(record.id)
      return wrote(of.insert(asInsert(record)))
    },
    replace(record) {
      looked(record.id)
      return wrote(of.replace(asInsert(record)))
    },
    update(id, change) {
      looked(id)
      const before = of.get(id)
      const patch = typeof change === 'function' && before !== undefined ? change(before) : change
      return wrote(of.update(id, asPatch(patch)))
    },
    upsert(record) {
      looked(record.id)
      return wrote(of.upsert(asInsert(record)))
    },
    delete(id) {
      looked(id)
      const was = of.delete(id)
      if (was) log.write(keyOf(of.name, id), null)
      return was
    },
  }
}

/** Ids 1 and '1' are two: text that looks like a number is quoted. */
function keyOf(collection: string, id: RecordId): string {
  return `${collection}/${typeof id === 'string' && /^-?\d+$/.test(id) ? JSON.stringify(id) : id}`
}
