import { BlazeError } from '../../base/errors.ts'
import type { Anomaly, AnomalyName } from './anomaly.ts'
import { type CheckOptions, type CheckResult, checkHistory } from './check-history.ts'
import { type History, type HistoryTransaction, type Operation, valueKey } from './history.ts'

export interface ShrinkOptions extends CheckOptions {
  /** The anomaly that has to stay; by default the first that the level forbids. */
  readonly keep?: AnomalyName
}

/** Rounds of taking away; each ends sooner when nothing more goes. */
const MAX_ROUNDS = 10

/**
 * The shortest history that still shows an anomaly: first without the transactions, then without the operations that it
 * does without. The transactions of the anomaly, as `checkHistory` gave it first of its name, all stay: its text and its
 * picture are of the shrunk history, too. What is taken away is taken out of what others read as well, so that nothing
 * new goes wrong. Errors: INVALID_ARGUMENT when the history does not show it.
 * @example
 * const { anomalies } = checkHistory(history)
 * console.log(historyText(shrinkHistory(history), anomalies[0]))
 */
export function shrinkHistory(history: History, options: ShrinkOptions = {}): History {
  const { keep, ...checks } = options ?? {}
  const first = checkHistory(history, checks)
  const anomaly =
    keep === undefined ? first.anomalies[0] : [...first.anomalies, ...first.allowed].find(({ name }) => name === keep)
  const known = namesIn(first)
  if (anomaly === undefined) {
    throw new BlazeError(
      'INVALID_ARGUMENT',
      `this history does not show ${keep ?? 'any anomaly'}: there is nothing to shrink it to`,
      { argument: 'history' },
    )
  }
  const among = [...anomaly.transactions].sort().join(' ')
  const isThat = (each: Anomaly): boolean =>
    each.name === anomaly.name && [...each.transactions].sort().join(' ') === among
  const shows = (candidate: History): boolean => {
    const { anomalies, allowed } = checkHistory(candidate, checks)
    const found = [...anomalies, ...allowed]
    return found.some(isThat) && found.every(({ name }) => known.has(name))
  }
  let smallest = fewerTransactions(beginning(history, anomaly, shows), shows)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const size = sizeOf(smallest)
    smallest = fewerTransactions(fewerOperations(smallest, shows), shows)
    if (sizeOf(smallest) === size) break
  }
  return smallest
}

function namesIn({ anomalies, allowed }: CheckResult): Set<AnomalyName> {
  return new Set([...anomalies, ...allowed].map((anomaly) => anomaly.name))
}

function sizeOf({ transactions }: History): number {
  return transactions.reduce((sum, { operations }) => sum + 1 + operations.length, 0)
}

/**
 * The transactions of the anomaly alone, or with those that use the keys that it is about, or with those that
 * use any key of theirs, when that is enough: every try after this costs a check of what is left here.
 */
function beginning(history: History, anomaly: Anomaly, shows: (candidate: History) => boolean): History {
  const ids = new Set(anomaly.transactions)
  const around = (keys: ReadonlySet<string>): History =>
    without(history, ({ id, operations }) => !ids.has(id) && !operations.flatMap(keysOf).some((key) => keys.has(key)))
  const about = new Set(anomaly.cycle.flatMap(({ key }) => key ?? []))
  const own = new Set(
    history.transactions.filter(({ id }) => ids.has(id)).flatMap(({ operations }) => operations.flatMap(keysOf)),
  )
  for (const keys of [new Set<string>(), about, own]) {
    const fewer = around(keys)
    if (shows(fewer)) return fewer
  }
  return history
}

function keysOf(operation: Operation): string[] {
  return operation.kind === 'rows' ? operation.rows.map(({ key }) => key) : [operation.key]
}

/** Takes away half of the transactions, a quarter, … one (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). */
function fewerTransactions(history: History, shows: (candidate: History) => boolean): History {
  let smallest = history
  for (let size = Math.ceil(history.transactions.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.transactions.length; ) {
      const gone = new Set(smallest.transactions.slice(at, at + size))
      const candidate = without(smallest, (transaction) => gone.has(transaction))
      if (gone.size < smallest.transactions.length && shows(candidate)) smallest = candidate
      else at += size
    }
  }
  return smallest
}

function fewerOperations(history: History, shows: (candidate: History) => boolean): History {
  let smallest = history
  for (let t = 0; t < smallest.transactions.length; t++) {
    for (let at = smallest.transactions[t]!.operations.length - 1; at >= 0; at--) {
      // A write takes its reads with it, also those of its own transaction.
      if (at >= smallest.transactions[t]!.operations.length) continue
      const candidate = withoutOperation(smallest, t, at)
      if (shows(candidate)) smallest = candidate
    }
  }
  return smallest
}

function without(history: History, isGone: (transaction: HistoryTransaction) => boolean): History {
  const kept = history.transactions.filter((transaction) => !isGone(transaction))
  const gone = history.transactions.filter(isGone).flatMap(({ operations }) => operations)
  return unseen({ ...history, transactions: kept }, gone)
}

function withoutOperation(history: History, t: number, at: number): History {
  const transactions = history.transactions.map((transaction, i) =>
    i === t ? { ...transaction, operations: transaction.operations.filter((_, k) => k !== at) } : transaction,
  )
  return unseen({ ...history, transactions }, [history.transactions[t]!.operations[at]!])
}

/** Takes writes that are gone out of what the others read, and those who did nothing else out of the order of versions. */
function unseen(history: History, gone: readonly Operation[]): History {
  const written = new Set(
    gone.flatMap((each) =>
      each.kind === 'append' || each.kind === 'write' ? [`${each.key} ${valueKey(each.value)}`] : [],
    ),
  )
  const isGone = (key: string, value: unknown): boolean => written.has(`${key} ${valueKey(value)}`)
  const transactions =
    written.size === 0
      ? history.transactions
      : history.transactions.map((each) => ({
          ...each,
          operations: each.operations.flatMap((operation) => seenWithout(operation, isGone)),
        }))
  if (history.versionOrder === undefined) return { ...history, transactions }
  const ids = new Set(transactions.map(({ id }) => id))
  const orders = Object.entries(history.versionOrder).map(
    ([key, order]) => [key, order.filter((id) => ids.has(id))] as const,
  )
  return { ...history, transactions, versionOrder: Object.fromEntries(orders) }
}

function seenWithout(operation: Operation, isGone: (key: string, value: unknown) => boolean): Operation[] {
  if (operation.kind === 'read') return isGone(operation.key, operation.value) ? [] : [operation]
  if (operation.kind === 'list') {
    const values = operation.values.filter((value) => !isGone(operation.key, value))
    return [values.length === operation.values.length ? operation : { ...operation, values }]
  }
  if (operation.kind !== 'rows') return [operation]
  const rows = operation.rows.flatMap((row) => {
    if (row.values === undefined) return isGone(row.key, row.value) ? [] : [row]
    const values = row.values.filter((value) => !isGone(row.key, value))
    return values.length === 0 ? [] : [{ ...row, values }]
  })
  return [{ ...operation, rows }]
}
