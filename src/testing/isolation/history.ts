/**
 * A history: what transactions saw and did, as whoever ran them could tell. Plain data that JSON can carry.
 *
 *   { initial: { x: 0 },
 *     transactions: [
 *       { id: 'T1', session: 'a', begin: 1, end: 4, status: 'committed',
 *         operations: [ { kind: 'read', key: 'x', value: 0 }, { kind: 'write', key: 'x', value: 1 } ] },
 *       … ] }
 *
 * Each key is of one model, told by the operations on it:
 *   list      `append` a value, `list` all values. A value is appended to one key once only, so that each list that was
 *             read tells which appends came before it, and in which order: the model that finds most.
 *   register  `write` a value, `read` one; null is "nothing there". What is written should be unique for its key; reads of
 *             a value that was written twice tell less.
 * `rows` is a read by predicate over keys of either model: the filter, and the rows that it gave; every key in its scope
 * that is not among them was seen not to match.
 *
 * Times are any numbers of one clock; only their order counts. `end` of a transaction that committed is when its commit
 * was acknowledged. An attempt that was refused and run again is a transaction of its own, aborted.
 */
import { BlazeError } from '../../base/errors.ts'
import { refused } from '../arguments.ts'
import type { Anomaly } from './anomaly.ts'

export type TransactionStatus = 'committed' | 'aborted' | 'unknown'

/** One thing that a transaction did, in its own order. */
export type Operation =
  | { readonly kind: 'append'; readonly key: string; readonly value: unknown }
  | { readonly kind: 'list'; readonly key: string; readonly values: readonly unknown[] }
  | { readonly kind: 'write'; readonly key: string; readonly value: unknown }
  | { readonly kind: 'read'; readonly key: string; readonly value: unknown }
  | RowsRead

/** A read by predicate. */
export interface RowsRead {
  readonly kind: 'rows'
  /** Only keys that begin with `from` and a slash are in its scope; all keys when it is left out. */
  readonly from?: string
  /** The filter, as data. */
  readonly where: unknown
  /** What matched: `value` of a register, `values` of a list. */
  readonly rows: readonly {
    readonly key: string
    readonly value?: unknown
    readonly values?: readonly unknown[]
  }[]
}

export interface HistoryTransaction {
  /** Unique; what texts and pictures call it. */
  readonly id: string
  /** Who ran it. One session runs one transaction at a time, in the order of the history. */
  readonly session?: string
  readonly begin?: number
  readonly end?: number
  /** `unknown`: its commit was neither acknowledged nor refused. It counts as committed when somebody saw its writes. */
  readonly status: TransactionStatus
  readonly operations: readonly Operation[]
}

export interface History {
  readonly transactions: readonly HistoryTransaction[]
  /** What registers held before the first transaction; null (nothing there) when not said. Lists begin empty. */
  readonly initial?: Readonly<Record<string, unknown>>
  /**
   * Where it is known, for registers: the transactions that wrote a key, in the order of their versions. What is not
   * given is inferred from what was read.
   */
  readonly versionOrder?: Readonly<Record<string, readonly string[]>>
}

const KINDS: readonly string[] = ['append', 'list', 'write', 'read', 'rows']
const STATUSES: readonly string[] = ['committed', 'aborted', 'unknown']

/** Refuses a history that cannot be read, naming the place. INVALID_ARGUMENT. */
export function assertHistory(history: History): void {
  const { transactions, initial = {}, versionOrder = {} } = history ?? {}
  if (!Array.isArray(transactions)) throw badHistory('transactions must be an array')
  const ids = new Set<string>()
  const models = new Map<string, 'list' | 'register'>()
  const appended = new Map<string, Set<string>>()
  for (const [index, transaction] of transactions.entries()) {
    assertTransaction(transaction, index)
    const { id, operations } = transaction
    if (ids.has(id)) throw badHistory(`two transactions are called ${id}`)
    ids.add(id)
    for (const operation of operations) {
      if (operation.kind !== 'rows') assertModel(models, operation.key, modelOf(operation), id)
      if (operation.kind === 'append') assertFresh(appended, operation.key, operation.value, id)
    }
  }
  if (!isObject(initial)) throw badHistory('initial is an object of values by key')
  if (!isObject(versionOrder)) throw badHistory('versionOrder is an object of ids by key')
  for (const [key, writers] of Object.entries(versionOrder)) {
    if (!Array.isArray(writers)) throw badHistory(`versionOrder of ${key} is no array of ids`)
    if (models.get(key) === 'list') throw badHistory(`versionOrder is for registers, and ${key} is a list`)
    for (const writer of writers) if (!ids.has(writer)) throw badHistory(`versionOrder of ${key} names ${writer}`)
  }
}

function assertTransaction(transaction: HistoryTransaction, index: number): void {
  if (!isObject(transaction)) throw badHistory(`transactions[${index}] is no transaction`)
  const { id, session, status, operations, begin, end } = transaction
  if (typeof id !== 'string' || id === '') throw badHistory(`transactions[${index}] has no id`)
  assertStatus(status, id)
  if (!['string', 'undefined'].includes(typeof session)) throw badHistory(`${id} has a session that is no text`)
  if (!Array.isArray(operations)) throw badHistory(`${id} has no array of operations`)
  for (const [name, time] of Object.entries({ begin, end })) {
    if (time !== undefined && (typeof time !== 'number' || Number.isNaN(time)))
      throw badHistory(`${name} of ${id} is no number`)
  }
  if (begin !== undefined && end !== undefined && begin > end) throw badHistory(`${id} ends before it begins`)
  for (const operation of operations) assertOperation(operation, id)
}

/** Refuses an anomaly of another history: its transactions would be missing from what is shown. */
export function assertShown(history: History, anomaly: Pick<Anomaly, 'transactions'> | undefined): void {
  assertHistory(history)
  if (anomaly === undefined) return
  if (!Array.isArray(anomaly?.transactions)) throw refused('anomaly', 'anomaly is one that checkHistory() gave')
  const ids = new Set(history.transactions.map(({ id }) => id))
  const missing = anomaly.transactions.find((id) => !ids.has(id))
  if (missing === undefined) return
  throw refused('anomaly', `this anomaly is of another history: ${missing} is not in this one. Check this one`)
}

/** Refuses what is no outcome of a transaction. */
export function assertStatus(status: TransactionStatus, id: string): void {
  if (!STATUSES.includes(status)) {
    throw badHistory(`${id} has the status ${String(status)}; there are ${STATUSES.join(', ')}`)
  }
}

/** Refuses what is no operation. */
export function assertOperation(operation: Operation, id: string): void {
  if (!isObject(operation)) throw badHistory(`${id} has an operation that is none`)
  const { kind } = operation
  if (!KINDS.includes(kind)) {
    throw badHistory(`${id} has an operation of the kind ${String(kind)}; there are ${KINDS.join(', ')}`)
  }
  if (kind === 'rows') assertRows(operation, id)
  else if (typeof operation.key !== 'string') throw badHistory(`${id} has an operation whose key is no text`)
  else if (kind === 'list' && !Array.isArray(operation.values)) throw badHistory(`${id} reads a list without values`)
}

function assertRows({ rows, from }: RowsRead, id: string): void {
  if (!Array.isArray(rows)) throw badHistory(`${id} reads rows without an array of rows`)
  if (!['string', 'undefined'].includes(typeof from)) throw badHistory(`${id} reads rows from what is no text`)
  for (const row of rows) {
    if (!isObject(row) || typeof row.key !== 'string') throw badHistory(`${id} reads a row whose key is no text`)
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function assertModel(models: Map<string, string>, key: string, model: 'list' | 'register', id: string): void {
  const known = models.get(key)
  if (known === undefined) models.set(key, model)
  else if (known !== model) throw badHistory(`${key} is a ${known}, and ${id} uses it as a ${model}`)
}

function assertFresh(appended: Map<string, Set<string>>, key: string, value: unknown, id: string): void {
  let values = appended.get(key)
  if (values === undefined) {
    values = new Set()
    appended.set(key, values)
  }
  const name = valueKey(value)
  if (values.has(name)) {
    throw badHistory(`${id} appends ${showValue(value)} to ${key} a second time; each value is appended to a key once`)
  }
  values.add(name)
}

function modelOf(operation: Exclude<Operation, RowsRead>): 'list' | 'register' {
  return operation.kind === 'append' || operation.kind === 'list' ? 'list' : 'register'
}

function badHistory(text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `this is no history that can be checked: ${text}`, { argument: 'history' })
}

/** A value as a text by which equal ones are found: names of objects in order, whatever order they came in. */
export function valueKey(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  return showValue(sorted(value))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]))
}

/** A value as it is shown: JSON, with bigints as digits. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value, (_name, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each))
  return text ?? 'null'
}

/** An operation in a few characters, as tables and pictures show it. */
export function showOperation(operation: Operation): string {
  switch (operation.kind) {
    case 'append':
      return `append ${operation.key} ${showValue(operation.value)}`
    case 'list':
      return `read ${operation.key} → ${showValue(operation.values)}`
    case 'write':
      return operation.value === null
        ? `delete ${operation.key}`
        : `write ${operation.key} ${showValue(operation.value)}`
    case 'read':
      return `read ${operation.key} → ${operation.value === null ? 'nothing' : showValue(operation.value)}`
    case 'rows': {
      const rows = operation.rows.map((row) => `${row.key} ${showValue(row.values ?? row.value)}`)
      return `read all${operation.from === undefined ? '' : ` ${operation.from}`} where ${showValue(operation.where)} → ${rows.join(', ') || 'no rows'}`
    }
  }
}
