/** From versions to dependencies: who wrote after whom, who read what, and who wrote what another had read the older state of. */
import { type Dependency, DependencyGraph, type DependencyKind, type Layer } from './dependency-graph.ts'
import type { Finding } from './finding.ts'
import { type HistoryTransaction, showValue } from './history.ts'
import { visitIntervalOrder } from './interval-order.ts'
import type { Matcher } from './matcher.ts'
import { isOpen, type Observations, type PredicateRead } from './observations.ts'
import { intervalOf, type OrderOptions } from './register-versions.ts'
import type { KeyVersions, Version, VersionRead } from './versions.ts'

/** Builds the graph; lost updates, which can be told from versions alone, are found on the way. */
export function dependenciesOf(
  observations: Observations,
  keys: readonly KeyVersions[],
  matches: Matcher,
  options: OrderOptions,
  found: (finding: Finding) => void,
): DependencyGraph {
  const { nodes } = observations
  const graph = new DependencyGraph(nodes.length)
  for (const versions of keys) {
    const builder = new KeyDependencies(graph, nodes, versions)
    builder.addWrites()
    for (const read of versions.reads) builder.addRead(read)
    findLostUpdates(versions, nodes, found)
    if (!versions.isTotal) findUnrepeatable(versions, nodes, found)
  }
  addPredicateReads(graph, observations, keys, matches, found)
  if (options.sessions) addSessions(graph, nodes)
  if (options.realTime) addTime(graph, nodes)
  return graph
}

/** The edges that one key gives. */
class KeyDependencies {
  readonly #graph: DependencyGraph
  readonly #nodes: readonly HistoryTransaction[]
  readonly #versions: KeyVersions

  constructor(graph: DependencyGraph, nodes: readonly HistoryTransaction[], versions: KeyVersions) {
    this.#graph = graph
    this.#nodes = nodes
    this.#versions = versions
  }

  addWrites(): void {
    const { key, versions, next } = this.#versions
    for (const [at, version] of versions.entries()) {
      if (version.writer < 0) continue
      for (const { to, layer } of next[at]!) {
        const after = versions[to]!
        this.#add(
          version.writer,
          after.writer,
          'ww',
          layer,
          () =>
            `${this.#id(after)} ${after.did} ${preposition(after)} ${key} after ${this.#id(version)} ${version.did}`,
        )
      }
    }
  }

  addRead(read: VersionRead): void {
    const { key } = this.#versions
    this.#addBetween(read.node, read.candidates, 'rw', () => `read ${key} as ${read.saw()}`)
  }

  /** The read saw one of these, by not finding the key among its rows. */
  addAbsence(node: number, candidates: readonly number[], where: string): void {
    this.#addBetween(node, candidates, 'rw-predicate', () => `read all where ${where} without ${this.#versions.key}`)
  }

  #addBetween(node: number, candidates: readonly number[], kind: 'rw' | 'rw-predicate', did: () => string): void {
    const { key, versions, next } = this.#versions
    const { id } = this.#nodes[node]!
    const first = versions[candidates[0]!]!
    if (first.writer >= 0) {
      this.#add(first.writer, node, 'wr', 0, () => `${id} ${did()}, after ${this.#id(first)} ${first.did}`)
    }
    for (const { to, layer } of next[candidates.at(-1)!]!) {
      const after = versions[to]!
      this.#add(
        node,
        after.writer,
        kind,
        layer,
        () => `${id} ${did()}, before ${this.#id(after)} ${after.did} ${preposition(after)} ${key}`,
      )
    }
  }

  #add(from: number, to: number, kind: DependencyKind, layer: Layer, because: () => string): void {
    this.#graph.add({ from, to, kind, layer, key: this.#versions.key, because })
  }

  #id(version: Version): string {
    return this.#nodes[version.writer]!.id
  }
}

function preposition({ did, values }: Version): string {
  return values === undefined ? (did.startsWith('deleted') ? 'of' : 'in') : 'to'
}

/** A transaction that read a version and wrote one that is not the next, or one that another wrote after the same. */
function findLostUpdates(
  { key, versions, ordered, isTotal, reads }: KeyVersions,
  nodes: readonly HistoryTransaction[],
  found: (finding: Finding) => void,
): void {
  const made = new Map(versions.map(({ writer }, at) => [writer, at]))
  const firstAfter = new Map<number, VersionRead>()
  for (const read of reads) {
    const own = made.get(read.node)
    if (own === undefined || read.candidates.length !== 1) continue
    const saw = read.candidates[0]!
    const next = isTotal && saw + 1 < ordered && own !== saw + 1 ? versions[saw + 1]! : undefined
    const rival = next?.writer ?? firstAfter.get(saw)?.node
    if (rival === undefined) firstAfter.set(saw, read)
    else if (rival !== read.node && (next === undefined || own > saw)) {
      const [id, other] = [nodes[read.node]!.id, nodes[rival]!.id]
      found({
        name: 'lost-update',
        key,
        transactions: [other, id],
        because: [
          `${other} and ${id} both wrote ${key}, and ${id} had read it as ${read.saw()}, without what ${other} wrote`,
        ],
      })
    }
  }
}

/** Two versions of one key read by one transaction: where their order is known, a circle says so. */
function findUnrepeatable(
  { key, versions, reads }: KeyVersions,
  nodes: readonly HistoryTransaction[],
  found: (finding: Finding) => void,
): void {
  const first = new Map<number, VersionRead>()
  for (const read of reads) {
    const before = first.get(read.node)
    if (before === undefined) first.set(read.node, read)
    else if (before.candidates[0] !== read.candidates[0]) {
      const { id } = nodes[read.node]!
      const writer = [read, before].map(({ candidates }) => versions[candidates[0]!]!.writer).find((node) => node >= 0)
      const transactions = writer === undefined ? [id] : [id, nodes[writer]!.id]
      const because = [`${id} read ${key} as ${before.saw()} and again as ${read.saw()}, and had not written it`]
      found({ name: 'G-single', key, transactions, because })
    }
  }
}

/** What a read by predicate did not give was, in what it saw, in a state that does not match. */
function addPredicateReads(
  graph: DependencyGraph,
  { nodes, predicates, keys: known }: Observations,
  keys: readonly KeyVersions[],
  matches: Matcher,
  found: (finding: Finding) => void,
): void {
  const scopes = new Map<string, readonly Absence[]>()
  for (const { node, read, own } of predicates) {
    const where = showValue(read.where)
    const name = `${read.from ?? ''} ${where}`
    let scope = scopes.get(name)
    if (scope === undefined) {
      scope = absencesOf(graph, nodes, known, keys, read, matches)
      scopes.set(name, scope)
    }
    const there = new Set(read.rows.map(({ key }) => key))
    for (const { versions, builder, states } of scope) {
      if (there.has(versions.key) || own.has(versions.key)) continue
      if (states === undefined) continue
      // What it wrote itself came later, or the key were its own.
      const seen = states.filter((at) => versions.versions[at]!.writer !== node)
      if (seen.length > 0) builder.addAbsence(node, seen, where)
      else found(missed(nodes[node]!, versions.key, where))
    }
  }
}

interface Absence {
  readonly versions: KeyVersions
  readonly builder: KeyDependencies
  /** The versions of which one was seen by who did not find the key; undefined: nothing can be told. */
  readonly states: readonly number[] | undefined
}

/** For each key that ever matches: in which versions it does not. */
function absencesOf(
  graph: DependencyGraph,
  nodes: readonly HistoryTransaction[],
  known: Observations['keys'],
  keys: readonly KeyVersions[],
  { from, where }: PredicateRead['read'],
  matches: Matcher,
): Absence[] {
  const scope: Absence[] = []
  for (const versions of keys) {
    if (from !== undefined && !versions.key.startsWith(`${from}/`)) continue
    const matching = versions.versions.map(({ value, values }) => matches(where, versions.key, value, values))
    if (!matching.includes(true)) continue
    // What an open outcome wrote may be the state that did not match.
    const isKnown = ![...known.get(versions.key)!.writes.values()].flat().some(isOpen)
    const states = isKnown ? statesOf(versions, matching) : undefined
    scope.push({ versions, builder: new KeyDependencies(graph, nodes, versions), states })
  }
  return scope
}

function statesOf({ versions, ordered, isTotal }: KeyVersions, matching: readonly boolean[]): number[] | undefined {
  const states = [...matching.keys()].filter((at) => !matching[at])
  if (!isTotal) return states.length <= 1 ? states : undefined
  // What a list held when several appended in an unknown order is not known, and whether that matched neither.
  const isUndecided = versions.length > ordered + 1 && versions[0]!.values !== undefined
  return isUndecided ? undefined : states
}

function missed({ id }: HistoryTransaction, key: string, where: string): Finding {
  const because = [`${id} read all where ${where} and did not find ${key}, which matched in every state that it was in`]
  return { name: 'unwritten-read', key, transactions: [id], because }
}

function addSessions(graph: DependencyGraph, nodes: readonly HistoryTransaction[]): void {
  const last = new Map<string, number>()
  const between = (from: number, to: number): Dependency => {
    const because = (): string => `${nodes[from]!.id} came before ${nodes[to]!.id} in session ${nodes[to]!.session}`
    return { from, to, kind: 'session', layer: 1, key: undefined, because }
  }
  for (const [node, { session }] of nodes.entries()) {
    if (session === undefined) continue
    const before = last.get(session)
    last.set(session, node)
    if (before !== undefined) graph.add(between(before, node))
  }
  graph.addOrder((from, to) => {
    const { session } = nodes[from]!
    return session !== undefined && session === nodes[to]!.session && from < to ? between(from, to) : undefined
  })
}

function addTime(graph: DependencyGraph, nodes: readonly HistoryTransaction[]): void {
  const intervals = nodes.map(intervalOf)
  const between = (from: number, to: number): Dependency => {
    const because = (): string =>
      `${nodes[from]!.id} had ended (at ${intervals[from]!.end}) before ${nodes[to]!.id} began (at ${intervals[to]!.begin})`
    return { from, to, kind: 'real-time', layer: 2, key: undefined, because }
  }
  visitIntervalOrder(intervals, (from, to) => graph.add(between(from, to)))
  graph.addOrder((from, to) => (intervals[from]!.end < intervals[to]!.begin ? between(from, to) : undefined))
}
