/**
 * The anomalies by name, what each means, and which level refuses which.
 *
 * Names are those of Adya ("Weak Consistency", 1999; with Liskov and O'Neil, "Generalized Isolation Level Definitions",
 * 2000) and of Kingsbury and Alvaro ("Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB 2020).
 * That snapshot isolation refuses a cycle unless two anti-dependencies follow each other in it: Fekete and others,
 * "Making Snapshot Isolation Serializable", 2005; Cerone and Gotsman, "Analysing Snapshot Isolation", 2016.
 */
import type { DependencyKind } from './dependency-graph.ts'

/** Anomalies that are a circle of dependencies. */
export type CycleName = 'G0' | 'G1c' | 'G-single' | 'G-nonadjacent' | 'G2-item' | 'G2'

/** Anomalies that can be told without a circle. */
export type DirectName =
  | 'G1a'
  | 'G1b'
  | 'lost-update'
  | 'internal'
  | 'dirty-update'
  | 'incompatible-order'
  | 'duplicate-elements'
  | 'unwritten-read'

/** `-session` and `-realtime`: a circle only if sessions are in order, only if real time counts. */
export type AnomalyName = DirectName | CycleName | `${CycleName}-session` | `${CycleName}-realtime`

/** `repeatable-read` is Adya's PL-2.99: serializable but for predicates. `realTime` makes each the strict, or strong, one. */
export type IsolationLevel = 'read-uncommitted' | 'read-committed' | 'repeatable-read' | 'snapshot' | 'serializable'

/** One edge of a circle. */
export interface AnomalyStep {
  readonly from: string
  readonly to: string
  readonly kind: DependencyKind
  readonly key?: string
  readonly text: string
}

/** An anomaly that was found, with the transactions that show it. */
export interface Anomaly {
  readonly name: AnomalyName
  /** What happened, in lines to be read. */
  readonly text: string
  /** Ids; of a circle in its order. */
  readonly transactions: readonly string[]
  /** The circle; empty for an anomaly that is none. */
  readonly cycle: readonly AnomalyStep[]
  /** True when a read by predicate is part of it. */
  readonly predicate: boolean
}

const TITLES: Readonly<Record<DirectName | CycleName, string>> = {
  G0: 'dirty write: transactions overwrote each other in both directions',
  G1a: 'aborted read: a transaction saw what another wrote and rolled back',
  G1b: 'intermediate read: a transaction saw what another wrote and then overwrote itself',
  G1c: 'circular information flow: each saw, or overwrote, what the other had written',
  'lost-update': 'lost update: a transaction overwrote what it had not seen, with what it made of an older version',
  'G-single': 'read skew: a transaction saw one part of the state before, the other after another transaction',
  'G-nonadjacent': 'long fork: transactions saw states that no order of the writers gives',
  'G2-item': 'write skew: each read what the other then overwrote',
  G2: 'write skew by predicate: a transaction wrote into what another had read by a predicate',
  internal: 'internal inconsistency: a transaction did not see its own writes',
  'dirty-update': 'dirty update: a transaction that committed built upon one that rolled back',
  'incompatible-order': 'incompatible order: two transactions saw the same writes in different orders',
  'duplicate-elements': 'duplicate elements: a value that was appended once was read twice',
  'unwritten-read': 'unwritten read: a transaction saw what nobody wrote, or missed what was always there',
}

/** What an anomaly is, in a sentence. */
export function anomalyTitle(name: AnomalyName): string {
  // The name without its suffix is one of the two types that the table has.
  const title = TITLES[name.replace(/-(session|realtime)$/, '') as DirectName | CycleName]
  if (name.endsWith('-session')) return `${title} (if each session is in order)`
  return name.endsWith('-realtime') ? `${title} (if real time counts)` : title
}

const ALWAYS: readonly string[] = ['G0', 'incompatible-order', 'duplicate-elements', 'unwritten-read']
const COMMITTED: readonly string[] = [...ALWAYS, 'G1a', 'G1b', 'G1c', 'dirty-update']
const SNAPSHOT: readonly string[] = [...COMMITTED, 'internal', 'lost-update', 'G-single', 'G-nonadjacent']

/** True when a level promises that this does not happen. */
export function isForbidden({ name, predicate }: Anomaly, level: IsolationLevel): boolean {
  const base = name.replace(/-(session|realtime)$/, '')
  switch (level) {
    case 'read-uncommitted':
      return ALWAYS.includes(base)
    case 'read-committed':
      return COMMITTED.includes(base)
    case 'repeatable-read':
      return COMMITTED.includes(base) || !predicate
    case 'snapshot':
      return SNAPSHOT.includes(base)
    case 'serializable':
      return true
  }
}
