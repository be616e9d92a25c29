/**
 * What the transactions of a history saw and did, by key: which values were written by whom, what was read from others
 * (external reads), and where a transaction did not see its own writes (internal inconsistency).
 */
import type { Finding } from './finding.ts'
import { type History, type HistoryTransaction, type RowsRead, showValue, valueKey } from './history.ts'
import type { Matcher } from './matcher.ts'

/** A write of somebody, also of an aborted transaction. */
export interface Write {
  readonly transaction: HistoryTransaction
  /** The number of the transaction among those that committed; -1 when it did not. */
  readonly node: number
  readonly value: unknown
  /** False when the transaction wrote the key (appended to it) once more. */
  readonly isFinal: boolean
}

/** A read of what others had written. */
export interface ExternalRead {
  readonly node: number
  /** Of a register. */
  readonly value: unknown
  /** Of a list, without what the transaction had appended itself; undefined for a register. */
  readonly values: readonly unknown[] | undefined
}

/** All that is known of a key. */
export interface KeyObservations {
  readonly key: string
  readonly model: 'list' | 'register'
  /** By the text of the value. */
  readonly writes: Map<string, Write[]>
  readonly reads: ExternalRead[]
}

/** A read by predicate, and the keys of which the transaction saw its own writes. */
export interface PredicateRead {
  readonly node: number
  readonly read: RowsRead
  readonly own: ReadonlySet<string>
}

export interface Observations {
  /** The transactions that count as committed. */
  readonly nodes: readonly HistoryTransaction[]
  readonly keys: ReadonlyMap<string, KeyObservations>
  readonly predicates: readonly PredicateRead[]
}

/** True for a write of which nobody can say whether it took effect. */
export function isOpen({ node, transaction }: Write): boolean {
  return node < 0 && transaction.status === 'unknown'
}

/** Reads a history. What a transaction saw of itself is judged here. */
export function observe(history: History, matches: Matcher, found: (finding: Finding) => void): Observations {
  const nodes = committedOf(history)
  const numbers = new Map(nodes.map((transaction, node) => [transaction, node]))
  const keys = new Map<string, KeyObservations>()
  for (const key of Object.keys(history.initial ?? {})) keyOf(keys, key, 'register')
  for (const transaction of history.transactions) noteWrites(keys, transaction, numbers.get(transaction) ?? -1)
  const predicates: PredicateRead[] = []
  for (const [node, transaction] of nodes.entries()) {
    new Reading(keys, node, transaction, matches, found).run(predicates)
  }
  return { nodes, keys, predicates }
}

function keyOf(keys: Map<string, KeyObservations>, key: string, model: 'list' | 'register'): KeyObservations {
  let known = keys.get(key)
  if (known === undefined) {
    known = { key, model, writes: new Map(), reads: [] }
    keys.set(key, known)
  }
  return known
}

function noteWrites(keys: Map<string, KeyObservations>, transaction: HistoryTransaction, node: number): void {
  const last = new Map<string, number>()
  for (const [index, operation] of transaction.operations.entries()) {
    if (operation.kind === 'append' || operation.kind === 'write') last.set(operation.key, index)
  }
  if (last.size === 0) return
  for (const [index, operation] of transaction.operations.entries()) {
    if (operation.kind !== 'append' && operation.kind !== 'write') continue
    const { writes } = keyOf(keys, operation.key, operation.kind === 'append' ? 'list' : 'register')
    const name = valueKey(operation.value)
    const write = { transaction, node, value: operation.value, isFinal: last.get(operation.key) === index }
    const same = writes.get(name)
    if (same === undefined) writes.set(name, [write])
    else same.push(write)
  }
}

/** Committed, or of unknown outcome and seen by one that committed. */
function committedOf(history: History): HistoryTransaction[] {
  const committed = history.transactions.filter(({ status }) => status === 'committed')
  const unknown = history.transactions.filter(({ status }) => status === 'unknown')
  if (unknown.length === 0) return committed
  const writers = new Map<string, HistoryTransaction[]>()
  for (const transaction of history.transactions) {
    for (const operation of transaction.operations) {
      if (operation.kind !== 'append' && operation.kind !== 'write') continue
      const name = `${operation.key} ${valueKey(operation.value)}`
      writers.set(name, [...(writers.get(name) ?? []), transaction])
    }
  }
  const counted = new Set(committed)
  // The set grows as it is walked: what a promoted transaction saw has been committed as well.
  for (const transaction of counted) {
    for (const [key, value] of valuesSeen(transaction)) {
      const name = valueKey(value)
      const by = writers.get(`${key} ${name}`)
      // What was there before all, or was written by others as well, tells nothing.
      if (name === valueKey(history.initial?.[key] ?? null)) continue
      if (by?.length === 1 && by[0]!.status === 'unknown') counted.add(by[0]!)
    }
  }
  return history.transactions.filter((transaction) => counted.has(transaction))
}

function* valuesSeen(transaction: HistoryTransaction): Generator<readonly [key: string, value: unknown]> {
  for (const operation of transaction.operations) {
    if (operation.kind === 'read') yield [operation.key, operation.value]
    if (operation.kind === 'list') for (const value of operation.values) yield [operation.key, value]
    if (operation.kind !== 'rows') continue
    for (const { key, value, values } of operation.rows) {
      if (values === undefined) yield [key, value]
      else for (const each of values) yield [key, each]
    }
  }
}

/** One transaction, operation by operation. */
class Reading {
  readonly #keys: Map<string, KeyObservations>
  readonly #node: number
  readonly #transaction: HistoryTransaction
  readonly #matches: Matcher
  readonly #found: (finding: Finding) => void
  /** What it has written so far: values appended to a list, or the last value of a register. */
  readonly #appended = new Map<string, unknown[]>()
  readonly #written = new Map<string, unknown>()
  /** The last external read of each key, as text. */
  readonly #seen = new Map<string, string>()

  constructor(
    keys: Map<string, KeyObservations>,
    node: number,
    transaction: HistoryTransaction,
    matches: Matcher,
    found: (finding: Finding) => void,
  ) {
    this.#keys = keys
    this.#node = node
    this.#transaction = transaction
    this.#matches = matches
    this.#found = found
  }

  run(predicates: PredicateRead[]): void {
    for (const operation of this.#transaction.operations) {
      switch (operation.kind) {
        case 'append':
          this.#appended.set(operation.key, [...(this.#appended.get(operation.key) ?? []), operation.value])
          break
        case 'write':
          this.#written.set(operation.key, operation.value)
          break
        case 'list':
          this.#readList(operation.key, operation.values)
          break
        case 'read':
          this.#readRegister(operation.key, operation.value)
          break
        case 'rows':
          this.#readRows(operation)
          predicates.push({
            node: this.#node,
            read: operation,
            own: new Set([...this.#appended.keys(), ...this.#written.keys()]),
          })
      }
    }
  }

  #readList(key: string, values: readonly unknown[]): void {
    const own = this.#appended.get(key) ?? []
    const split = values.length - own.length
    const names = own.length === 0 ? undefined : own.map(valueKey)
    if (split < 0 || (names !== undefined && !names.every((name, i) => name === valueKey(values[split + i])))) {
      this.#internal(key, `read ${key} as ${showValue(values)} after it had appended ${own.map(showValue).join(', ')}`)
      return
    }
    const external = split === values.length ? values : values.slice(0, split)
    const known = keyOf(this.#keys, key, 'list')
    const early = this.#appends(key)
      ? external.find((value) => known.writes.get(valueKey(value))?.[0]?.transaction === this.#transaction)
      : undefined
    if (early !== undefined) {
      this.#internal(key, `read ${showValue(early)} in ${key}, which it appended otherwise`)
      return
    }
    const text = `${external.length} ${valueKey(external.at(-1))}`
    if (this.#seen.get(key) === text) return
    this.#seen.set(key, text)
    known.reads.push({ node: this.#node, value: undefined, values: external })
  }

  #appends(key: string): boolean {
    return this.#transaction.operations.some((operation) => operation.kind === 'append' && operation.key === key)
  }

  #readRegister(key: string, value: unknown): void {
    if (this.#written.has(key)) {
      const own = this.#written.get(key)
      if (valueKey(own) === valueKey(value)) return
      this.#internal(key, `read ${key} as ${showValue(value)} after it had written ${showValue(own)}`)
      return
    }
    const text = valueKey(value)
    if (this.#seen.get(key) === text) return
    this.#seen.set(key, text)
    keyOf(this.#keys, key, 'register').reads.push({ node: this.#node, value, values: undefined })
  }

  #readRows({ from, where, rows }: RowsRead): void {
    const there = new Set<string>()
    for (const { key, value, values } of rows) {
      there.add(key)
      if (values === undefined) this.#readRegister(key, value ?? null)
      else this.#readList(key, values)
    }
    for (const [key, value] of this.#written) {
      if (from !== undefined && !key.startsWith(`${from}/`)) continue
      if (there.has(key) === this.#matches(where, key, value, undefined)) continue
      const saw = there.has(key) ? 'found' : 'missed'
      this.#internal(key, `${saw} ${key} in rows where ${showValue(where)} after it had written ${showValue(value)}`)
    }
  }

  #internal(key: string, text: string): void {
    const { id } = this.#transaction
    this.#found({ name: 'internal', key, transactions: [id], because: [`${id} ${text}`] })
  }
}
