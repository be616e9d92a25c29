/**
 * Writes down a history while it happens. Whoever runs transactions tells it what they saw and did:
 *
 *   const recorder = new HistoryRecorder()
 *   await recorder.run('session a', async (log) => {
 *     log.read('x', await store.get('x'))
 *     await store.put('x', 5)
 *     log.write('x', 5)
 *   })
 *   checkHistory(recorder.history())
 *
 * Time is the recorder's own count of begins and ends, so that it is exact, and the same each time under a scheduler.
 */
import { BlazeError } from '../../base/errors.ts'
import { assertFunction, given, refused } from '../arguments.ts'
import {
  assertOperation,
  assertStatus,
  type History,
  type HistoryTransaction,
  type Operation,
  type TransactionStatus,
} from './history.ts'

/** Told what one transaction sees and does, in its order. Values are copied at the call. */
export interface TransactionLog {
  readonly id: string
  /** A list was read. */
  list(key: string, values: readonly unknown[]): void
  append(key: string, value: unknown): void
  /** A register was read; null or undefined when there is nothing. */
  read(key: string, value: unknown): void
  /** Null when it is deleted. */
  write(key: string, value: unknown): void
  /** Rows were read by a filter, from the keys that begin with `from` and a slash. */
  rows(
    where: unknown,
    rows: readonly { readonly key: string; readonly value?: unknown; readonly values?: readonly unknown[] }[],
    from?: string,
  ): void
  /** Its end, as the outcome says; once. Whatever is noted later is TRANSACTION_CLOSED. */
  end(status: TransactionStatus): void
}

export interface RunOptions {
  /** True for an error after which the transaction may have been committed: COMMIT_UNKNOWN, a broken connection. */
  readonly isUnknown?: (error: unknown) => boolean
}

interface Recorded extends Omit<HistoryTransaction, 'end' | 'status' | 'operations'> {
  readonly begin: number
  end: number | undefined
  status: TransactionStatus
  readonly operations: Operation[]
}

export class HistoryRecorder {
  readonly #initial: Record<string, unknown> = {}
  readonly #transactions: Recorded[] = []
  #time = 0

  /** What a register holds before the first transaction. */
  initial(key: string, value: unknown): void {
    if (typeof key !== 'string') throw refused('key', `a key is text, found ${given(key)}`)
    this.#initial[key] = copied(value)
  }

  /** Begins a transaction of a session, to be told of and ended by hand. */
  begin(session?: string): TransactionLog {
    if (!['string', 'undefined'].includes(typeof session))
      throw refused('session', `a session is text, found ${given(session)}`)
    const recorded: Recorded = {
      id: `T${this.#transactions.length + 1}`,
      ...(session !== undefined && { session }),
      begin: ++this.#time,
      end: undefined,
      status: 'unknown',
      operations: [],
    }
    this.#transactions.push(recorded)
    const note = (operation: Operation): void => {
      assertOpen(recorded)
      assertOperation(operation, recorded.id)
      recorded.operations.push(copied(operation))
    }
    return {
      id: recorded.id,
      list: (key, values) => note({ kind: 'list', key, values }),
      append: (key, value) => note({ kind: 'append', key, value }),
      read: (key, value) => note({ kind: 'read', key, value: value ?? null }),
      write: (key, value) => note({ kind: 'write', key, value: value ?? null }),
      rows: (where, rows, from) => note({ kind: 'rows', where, rows, ...(from !== undefined && { from }) }),
      end: (status) => {
        assertOpen(recorded)
        assertStatus(status, recorded.id)
        recorded.status = status
        recorded.end = ++this.#time
      },
    }
  }

  /**
   * One transaction around a function: committed when it gives a value, rolled back when it throws, unknown when
   * `isUnknown` says so. What it throws goes on. A retry is another transaction: begin one for each attempt.
   */
  async run<V>(
    session: string | undefined,
    body: (log: TransactionLog) => V | Promise<V>,
    options: RunOptions = {},
  ): Promise<V> {
    assertFunction('body', body)
    const log = this.begin(session)
    try {
      const value = await body(log)
      log.end('committed')
      return value
    } catch (error) {
      log.end(options.isUnknown?.(error) === true ? 'unknown' : 'aborted')
      throw error
    }
  }

  /** What was recorded so far, as plain data; who has not ended is of unknown outcome. */
  history(): History {
    const transactions = this.#transactions.map(({ end, operations, ...rest }) => {
      return { ...rest, ...(end !== undefined && { end }), operations: [...operations] }
    })
    const initial = { ...this.#initial }
    return { transactions, ...(Object.keys(initial).length > 0 && { initial }) }
  }
}

function assertOpen({ id, end }: Recorded): void {
  if (end === undefined) return
  throw new BlazeError(
    'TRANSACTION_CLOSED',
    `${id} has ended in this history, and nothing was noted. Begin another.`,
    undefined,
  )
}

/** A copy that its source cannot change: structuredClone, which takes ten times as long, only for what is not of JSON. */
function copied<V>(value: V): V {
  if (typeof value !== 'object' || value === null) return value
  // The casts: a copy has the type of what it is a copy of.
  if (Array.isArray(value)) return value.map(copied) as V
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value)
  const copy: Record<string, unknown> = {}
  for (const [name, each] of Object.entries(value)) copy[name] = copied(each)
  return copy as V
}
