/**
 * Writes records into a collection in batches, by the calls that everyone uses: insertMany, upsertMany, a transaction.
 * A batch is one commit, all of it or nothing, and the next one is called when the one before has ended; so what is
 * there after a failure is every record before the batch that failed, and none after.
 *
 * While a batch is being committed the next one is read, no further. A record that is refused is found: records are
 * looked at in order, so the one that was asked for last is the one; a unique key is refused when the whole batch is
 * there, and then the record is the one that has the key.
 */
import { BlazeError, type ErrorCode } from '../../base/errors.ts'
import { valueAt } from '../../base/path.ts'
import type { StoredRecord, Value } from '../../base/values.ts'
import { compareValues } from '../../codec/order.ts'
import type { DynamicRecord } from '../../query/types.ts'
import { Collection, TransactionCollection } from '../collection.ts'
import type { DynamicInsert } from '../collection-spec.ts'
import type { Core } from '../core.ts'
import type { Durability } from '../publisher.ts'
import { PublishedView } from '../read-view.ts'
import type { CollectionDoor } from '../reader.ts'
import { runTransaction } from '../run-transaction.ts'
import type { SourceRow } from './text-rows.ts'

/** What happens to a record whose id is there: refused, patched with the fields given, or replaced whole. */
export type WriteMode = 'insert' | 'upsert' | 'replace'

/** Where a record came from. */
export interface RecordPlace {
  /** The file, the table, or 'source'. */
  readonly file: string
  /** Line of the file, or number of the row, from 1. */
  readonly line: number
  /** The record, as far as it could be read. */
  readonly record: unknown
}

export type OnRecordError = (error: BlazeError, place: RecordPlace) => void

export interface WriterOptions {
  readonly mode: WriteMode
  readonly batchSize: number
  readonly durability: Durability
  /** Told of records that are left out; without it the first one is an error. */
  readonly onError: OnRecordError | undefined
  readonly file: string
  /** What a line is called: 'line' or 'row'. */
  readonly unit: string
}

/** A batch is also closed when its text is this long: its commit and its memory stay small. */
const BATCH_LENGTH = 1_048_576

/** What a record can be refused for; anything else concerns the database, and ends the work. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'INVALID_VALUE',
  'SCHEMA',
  'DUPLICATE_ID',
  'UNIQUE',
  'TOO_LARGE',
  'INVALID_PATCH',
])

export class RecordWriter {
  readonly #core: Core
  readonly #name: string
  readonly #collection: Collection<DynamicRecord, DynamicInsert>
  readonly #door: CollectionDoor
  readonly #options: WriterOptions
  #batch: SourceRow[] = []
  #batchLength = 0
  #running: Promise<void> | undefined
  #failure: unknown
  #written = 0
  #skipped = 0

  constructor(core: Core, name: string, door: CollectionDoor, options: WriterOptions) {
    this.#core = core
    this.#name = name
    this.#door = door
    this.#collection = new Collection(name, core, new PublishedView(core), door)
    this.#options = options
  }

  /** Records that are committed. */
  get written(): number {
    return this.#written
  }

  /** Records that were refused and left out. */
  get skipped(): number {
    return this.#skipped
  }

  /** Takes rows; waits while more than one batch would be held. */
  async add(rows: readonly SourceRow[]): Promise<void> {
    for (const row of rows) {
      if (row.fault === undefined) {
        this.#batch.push(row)
        this.#batchLength += row.size
      } else {
        // What came before it is written before anyone hears of it.
        if (this.#options.onError === undefined) await this.finish()
        this.#refuse(row.fault, row)
      }
      if (this.#batch.length >= this.#options.batchSize || this.#batchLength >= BATCH_LENGTH) await this.#next()
    }
  }

  /** Everything taken is committed. */
  async finish(): Promise<void> {
    if (this.#batch.length > 0) await this.#next()
    await this.settle()
  }

  /** What is being committed has ended; what was not begun is given up. */
  async settle(): Promise<void> {
    await this.#running
    this.#running = undefined
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }

  /** Begins the next batch when the one before has ended. */
  async #next(): Promise<void> {
    await this.settle()
    const batch = this.#batch
    this.#batch = []
    this.#batchLength = 0
    this.#running = this.#write(batch).catch((error: unknown) => {
      this.#failure = error
    })
  }

  async #write(batch: readonly SourceRow[]): Promise<void> {
    for (let rows = batch; rows.length > 0; ) {
      const asked = new AskedRows(rows)
      try {
        await this.#commit(asked)
        this.#written += rows.length
        return
      } catch (error) {
        if (!(error instanceof BlazeError) || !REFUSALS.has(error.code)) throw error
        const refused = asked.isOver ? this.#holderOfKey(error, rows) : asked.last
        if (refused === undefined) throw error
        this.#refuse(this.#placed(error, refused), refused)
        rows = rows.filter((row) => row !== refused)
      }
    }
  }

  async #commit(rows: AskedRows): Promise<void> {
    const { mode, durability } = this.#options
    if (mode === 'insert') await this.#collection.insertMany(rows, { durability })
    else if (mode === 'upsert') await this.#collection.upsertMany(rows, { durability })
    else await this.#replace(rows, durability)
  }

  /** What is there is replaced, what is not is inserted: one transaction, of which only ids are asked. */
  async #replace(rows: AskedRows, durability: Durability): Promise<void> {
    await runTransaction(this.#core, { durability, isolation: 'snapshot' }, (session) => {
      const collection = new TransactionCollection<DynamicRecord, DynamicInsert>(this.#name, session, this.#door)
      for (const record of rows) {
        if (hasId(record) && collection.has(record.id)) collection.replace(record)
        else collection.insert(record)
      }
    })
  }

  /** The row whose record has the unique key that was refused. */
  #holderOfKey(error: BlazeError, rows: readonly SourceRow[]): SourceRow | undefined {
    if (error.code !== 'UNIQUE') return undefined
    // The code says that these are its details.
    const { index: name, key, id } = (error as BlazeError<'UNIQUE'>).details
    const index = this.#core.collections.get(this.#name)?.indexes.find(({ spec }) => spec.name === name)
    return rows.findLast(({ record }) => {
      const stored = record as StoredRecord
      const has = index?.spec.parts.every(({ path }, i) => compareValues(valueAt(stored, path), key[i] as Value) === 0)
      return has === true && stored.id !== id
    })
  }

  #placed(error: BlazeError, row: SourceRow): BlazeError {
    const text = `${this.#options.unit} ${row.line}: ${error.message}`
    return new BlazeError(error.code, text, error.details, { cause: error })
  }

  #refuse(error: BlazeError, row: SourceRow): void {
    const { onError, file } = this.#options
    if (onError === undefined) throw error
    onError(error, { file, line: row.line, record: row.record })
    this.#skipped++
  }
}

/** The records of rows, and which of them was asked for last. */
class AskedRows implements Iterable<DynamicInsert> {
  readonly #rows: readonly SourceRow[]
  last: SourceRow | undefined
  isOver = false

  constructor(rows: readonly SourceRow[]) {
    this.#rows = rows
  }

  *[Symbol.iterator](): Generator<DynamicInsert, void, undefined> {
    this.isOver = false
    for (const row of this.#rows) {
      this.last = row
      // Whatever it is: the write call looks at it.
      yield row.record as DynamicInsert
    }
    this.isOver = true
  }
}

function hasId(record: unknown): record is { readonly id: string | number } {
  if (typeof record !== 'object' || record === null || !('id' in record)) return false
  return typeof record.id === 'string' || typeof record.id === 'number'
}
