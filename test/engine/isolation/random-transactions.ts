/**
 * Random transactions against a database under a schedule, and what they saw as a history.
 *
 * `lists` holds lists that are appended to, `items` records with an indexed and an unindexed field. Whoever writes an item also
 * appends its name to a list of `order`: so the order of an item's versions is observed, also of those that were deleted. A
 * transaction that writes an item conflicts by the item already; the companion adds no conflict that was not there.
 */
import { isBlazeError } from '../../../src/base/errors.ts'
import type { DatabaseWith } from '../../../src/engine/database.ts'
import type { Durability } from '../../../src/engine/publisher.ts'
import type { Isolation } from '../../../src/engine/transaction.ts'
import type { Transaction } from '../../../src/engine/transaction-handle.ts'
import { type SeededRandom, seededRandom } from '../../../src/platform/seeded-random.ts'
import type { DynamicRecord, Where } from '../../../src/query/types.ts'
import type { History } from '../../../src/testing/isolation/history.ts'
import { HistoryRecorder, type TransactionLog } from '../../../src/testing/isolation/recorder.ts'
import { type Scheduler, schedule, type Task } from '../../../src/testing/scheduler/schedule.ts'
import { ScheduledClock } from '../../../src/testing/scheduler/scheduled-clock.ts'
import { openScheduled } from '../../../src/testing/scheduler/scheduled-database.ts'
import { closeChecked } from '../fixture.ts'

type Db = DatabaseWith<Record<never, never>>
type Where_ = Where<DynamicRecord>
/** Reading is the same in transactions and in snapshots. */
type Handle = Pick<Transaction, 'commitNumber'> & { collection(name: string): ReadableCollection }
type ReadableCollection = Pick<ReturnType<Transaction['collection']>, 'get' | 'where' | 'orderBy'>

const KEYS = 4
const VALUES = 4

/** A database for many histories: opening it takes longer than a history. */
export interface World {
  readonly db: Db
  readonly clock: ScheduledClock
  close(): Promise<void>
}

export async function openWorld(durability: Durability): Promise<World> {
  const clock = new ScheduledClock()
  const db: Db = await openScheduled(clock, { durability })
  await db.createIndex('items', 'n')
  return { db, clock, close: () => closeChecked(db) }
}

/** Runs the history of a seed on an empty world and empties it again. */
export async function randomHistory({ db, clock }: World, seed: number, isolation: Isolation): Promise<History> {
  const random = seededRandom(seed)
  const recorder = new HistoryRecorder()
  if (random.below(4) > 0) await firstItems(db, recorder, random)
  await schedule(
    seed,
    async (s) => {
      const sessions = Array.from(
        { length: 2 + random.below(3) },
        (_, i) => new Session(db, recorder, isolation, `s${i}`, random),
      )
      await Promise.all(sessions.map((session) => session.run(s)))
      if (random.below(20) === 0) await db.checkpoint()
    },
    { clock },
  )
  const versionOrder = await lastRead(db, recorder)
  await Promise.all(['lists', 'items', 'order'].map((name) => db.collection(name).clear()))
  return { ...recorder.history(), versionOrder }
}

/** Most histories begin with some items: what is there can be moved out of what somebody reads. */
async function firstItems(db: Db, recorder: HistoryRecorder, random: SeededRandom): Promise<void> {
  const log = recorder.begin('first')
  const tx = db.begin()
  for (let key = 0; key < KEYS; key++) {
    const record = { id: key, n: random.below(VALUES), plain: `p${random.below(VALUES)}`, v: -1 }
    if (random.below(4) > 0) noteItem(tx, log, key, tx.collection('items').upsert(record))
    append(tx, log, 'lists', key, -1 - key)
  }
  await ended(log, () => tx.commit())
}

/** Everything as it was left, as a transaction of its own. Gives the order in which the items were written. */
function lastRead(db: Db, recorder: HistoryRecorder): Promise<Record<string, string[]>> {
  return recorder.run('last', (log) =>
    db.read((snapshot) => {
      for (let key = 0; key < KEYS; key++) {
        readList(snapshot, log, 'lists', key)
        readList(snapshot, log, 'order', key)
      }
      readRows(snapshot, log, {})
      const order = snapshot.collection('order').orderBy('id').all()
      return Object.fromEntries(order.map((record) => [`items/${record.id}`, valuesOf(record) as string[]]))
    }),
  )
}

/** Transactions one after another. */
class Session {
  readonly #db: Db
  readonly #recorder: HistoryRecorder
  readonly #isolation: Isolation
  readonly #name: string
  readonly #random: SeededRandom
  static #stamp = 0

  constructor(db: Db, recorder: HistoryRecorder, isolation: Isolation, name: string, random: SeededRandom) {
    this.#db = db
    this.#recorder = recorder
    this.#isolation = isolation
    this.#name = name
    // Of its own: what a session does must not hang on the order in which sessions draw.
    this.#random = seededRandom(random.below(0x7fffffff))
  }

  run(s: Scheduler): Promise<void> {
    return s.task(this.#name, async (task) => {
      for (let left = 1 + this.#random.below(3); left > 0; left--) {
        const pick = this.#random.below(10)
        if (pick === 0) await this.#read(task)
        else if (pick === 1) await this.#direct()
        else await this.#transaction(task)
      }
    })
  }

  async #transaction(task: Task): Promise<void> {
    const log = this.#recorder.begin(this.#name)
    const tx = this.#db.begin({ isolation: this.#isolation })
    for (let left = 1 + this.#random.below(4); left > 0; left--) {
      await task.step()
      this.#operation(tx, log)
    }
    await task.step('ends')
    if (this.#random.below(12) === 0) {
      tx.rollback()
      log.end('aborted')
      return
    }
    await ended(log, () => tx.commit())
  }

  /** A snapshot of what is published. */
  async #read(task: Task): Promise<void> {
    await this.#recorder.run(this.#name, (log) =>
      this.#db.read(async (snapshot) => {
        for (let left = 1 + this.#random.below(3); left > 0; left--) {
          await task.step()
          if (this.#random.below(2) === 0) readList(snapshot, log, 'lists', this.#key())
          else this.#readItems(snapshot, log)
        }
      }),
    )
  }

  /** A call outside transactions: an append to what is there in that turn. */
  async #direct(): Promise<void> {
    const log = this.#recorder.begin(this.#name)
    const key = this.#key()
    const value = this.#next()
    const lists = this.#db.collection('lists')
    await ended(log, () =>
      lists.update(key, (record) => {
        // The casts: records of `lists` hold an array of numbers.
        const values = record['values'] as readonly number[]
        log.list(`lists/${key}`, values)
        log.append(`lists/${key}`, value)
        return { values: [...values, value] as number[] }
      }),
    )
  }

  #operation(tx: Transaction, log: TransactionLog): void {
    const pick = this.#random.below(20)
    if (pick < 4) readList(tx, log, 'lists', this.#key())
    else if (pick < 8) append(tx, log, 'lists', this.#key(), this.#next())
    else if (pick < 13) this.#readItems(tx, log)
    else if (pick < 17) this.#write(tx, log, this.#key())
    else if (pick < 18) this.#delete(tx, log, this.#key())
    else if (pick < 19) this.#updateMany(tx, log)
    else this.#undone(tx, log)
  }

  #readItems(on: Handle, log: TransactionLog): void {
    const pick = this.#random.below(5)
    if (pick === 0) log.read(`items/${this.#noteKey()}`, on.collection('items').get(this.#lastKey))
    else if (pick === 1) readTop(on, log, 1 + this.#random.below(2))
    else if (pick === 2) noRows(on, log, this.#where())
    else readRows(on, log, this.#where())
  }

  #lastKey = 0
  #noteKey(): number {
    this.#lastKey = this.#key()
    return this.#lastKey
  }

  #write(tx: Transaction, log: TransactionLog, key: number): void {
    const record = { id: key, n: this.#random.below(VALUES), plain: `p${this.#random.below(VALUES)}`, v: this.#next() }
    noteItem(tx, log, key, tx.collection('items').upsert(record))
  }

  #delete(tx: Transaction, log: TransactionLog, key: number): void {
    if (tx.collection('items').delete(key)) noteItem(tx, log, key, null)
    else log.read(`items/${key}`, null)
  }

  #updateMany(tx: Transaction, log: TransactionLog): void {
    const where = this.#where()
    const rows = readRows(tx, log, where)
    tx.collection('items').updateMany(where, { n: this.#random.below(VALUES), v: this.#next() })
    for (const { id } of rows) noteItem(tx, log, Number(id), tx.collection('items').get(id) ?? null)
  }

  /** Writes that a savepoint takes back: nobody may see them, and what was read there stays read. */
  #undone(tx: Transaction, log: TransactionLog): void {
    const undo = new Error('undo')
    try {
      tx.savepoint(() => {
        readRows(tx, log, this.#where())
        const key = this.#key()
        tx.collection('items').upsert({ id: key, n: 1, plain: 'undone', v: this.#next() })
        throw undo
      })
    } catch (error) {
      if (error !== undo) throw error
    }
  }

  #where(): Where_ {
    const n = this.#random.below(VALUES)
    switch (this.#random.below(5)) {
      case 0:
        return { n }
      case 1:
        return { n: { between: [n, n + 1] } }
      case 2:
        return { plain: `p${n}` }
      case 3:
        return { id: { gte: this.#key() } }
      default:
        return { plain: { in: [`p${n}`, 'p0'] }, n: { lte: 2 } }
    }
  }

  #key(): number {
    return this.#random.below(KEYS)
  }

  #next(): number {
    return ++Session.#stamp
  }
}

/** The only refusal that these transactions may meet is a conflict (an append outside of one to a list that is not there: NOT_FOUND). */
async function ended(log: TransactionLog, commit: () => Promise<unknown>): Promise<void> {
  try {
    await commit()
    log.end('committed')
  } catch (error) {
    log.end('aborted')
    if (!isBlazeError(error, 'CONFLICT') && !isBlazeError(error, 'NOT_FOUND')) throw error
  }
}

function valuesOf(record: DynamicRecord | undefined): unknown[] {
  // The cast: the records of `lists` and `order` hold an array.
  return (record?.['values'] as unknown[] | undefined) ?? []
}

function readList(on: Handle, log: TransactionLog, name: string, key: number): unknown[] {
  const values = valuesOf(on.collection(name).get(key))
  log.list(`${name}/${key}`, values)
  return values
}

function append(tx: Transaction, log: TransactionLog, name: string, key: number, value: number | string): void {
  const values = [...readList(tx, log, name, key), value] as string[]
  tx.collection(name).upsert({ id: key, values })
  log.append(`${name}/${key}`, value)
}

/** Notes a version of an item, and whose it is; of several by one transaction its place is that of the last. */
function noteItem(tx: Transaction, log: TransactionLog, key: number, record: DynamicRecord | null): void {
  log.write(`items/${key}`, record)
  if (!valuesOf(tx.collection('order').get(key)).includes(log.id)) append(tx, log, 'order', key, log.id)
}

function readRows(on: Handle, log: TransactionLog, where: Where_): DynamicRecord[] {
  const rows = on.collection('items').where(where).all()
  log.rows(
    where,
    rows.map((value) => ({ key: `items/${value.id}`, value })),
    'items',
  )
  return rows
}

/** That there is none is a read of all; that there is one tells nothing that a history can hold. */
function noRows(on: Handle, log: TransactionLog, where: Where_): void {
  if (!on.collection('items').where(where).exists()) log.rows(where, [], 'items')
}

/** The first by order: nothing else is below the last of them, and those were read. */
function readTop(on: Handle, log: TransactionLog, count: number): void {
  const rows = on.collection('items').orderBy('n').limit(count).all()
  for (const value of rows) log.read(`items/${value.id}`, value)
  const last = rows.at(-1)
  const below = rows.length < count ? {} : { n: { lt: Number(last?.['n']) } }
  const found = rows.filter((row) => rows.length < count || Number(row['n']) < Number(last?.['n']))
  log.rows(
    below,
    found.map((value) => ({ key: `items/${value.id}`, value })),
    'items',
  )
}
