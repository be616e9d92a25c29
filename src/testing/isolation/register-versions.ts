/**
 * The versions of a register. Their order is what the history states (`versionOrder`), or what follows from it: a
 * transaction that read a version and then wrote made the next one; the initial state comes first; and, where sessions
 * or real time are asked for, a write that had ended comes before one that began later. What does not follow is left open.
 */
import type { Layer } from './dependency-graph.ts'
import type { Finding } from './finding.ts'
import { type History, type HistoryTransaction, showValue, valueKey } from './history.ts'
import { visitIntervalOrder } from './interval-order.ts'
import { isOpen, type KeyObservations, type Write } from './observations.ts'
import { type KeyVersions, type Succession, successionOf, type Version, type VersionRead } from './versions.ts'

/** What beyond the data is to be believed. */
export interface OrderOptions {
  readonly sessions: boolean
  readonly realTime: boolean
}

export function registerVersions(
  observations: KeyObservations,
  history: History,
  nodes: readonly HistoryTransaction[],
  options: OrderOptions,
  found: (finding: Finding) => void,
): KeyVersions {
  const { key } = observations
  const versions = installedVersions(observations, history)
  const stated = history.versionOrder?.[key]
  if (stated !== undefined) return ordered(observations, byStatement(versions, stated, nodes), nodes, found)
  const reads = readsOf(observations, versions, nodes, false, found)
  const next = successions(versions, reads, nodes, options)
  const chain = chainOf(next)
  if (chain === undefined) return { key, versions, ordered: 1, isTotal: false, next, reads }
  return ordered(
    observations,
    { versions: chain.map((at) => versions[at]!), ordered: chain.length },
    nodes,
    () => undefined,
  )
}

interface Order {
  readonly versions: readonly Version[]
  readonly ordered: number
}

function ordered(
  observations: KeyObservations,
  { versions, ordered: count }: Order,
  nodes: readonly HistoryTransaction[],
  found: (finding: Finding) => void,
): KeyVersions {
  const reads = readsOf(observations, versions, nodes, true, found)
  const next = successionOf(versions.length, count)
  return { key: observations.key, versions, ordered: count, isTotal: true, next, reads }
}

/** The state before all, and the last value that each committed transaction wrote. */
function installedVersions({ key, writes }: KeyObservations, history: History): Version[] {
  const initial = history.initial?.[key] ?? null
  const versions: Version[] = [{ writer: -1, value: initial, values: undefined, did: 'was there first' }]
  for (const same of writes.values()) {
    for (const { node, value, isFinal } of same) {
      if (node < 0 || !isFinal) continue
      versions.push({ writer: node, value, values: undefined, did: didWrite(value) })
    }
  }
  return versions
}

function didWrite(value: unknown): string {
  return value === null ? 'deleted it' : `wrote ${showValue(value)}`
}

function byStatement(
  versions: readonly Version[],
  stated: readonly string[],
  nodes: readonly HistoryTransaction[],
): Order {
  const places = new Map(stated.map((id, place) => [id, place]))
  const placeOf = ({ writer }: Version): number =>
    writer < 0 ? -1 : (places.get(nodes[writer]!.id) ?? Number.MAX_SAFE_INTEGER)
  const sorted = [...versions].sort((a, b) => placeOf(a) - placeOf(b))
  return { versions: sorted, ordered: sorted.filter((version) => placeOf(version) < Number.MAX_SAFE_INTEGER).length }
}

/** Which version each read saw; a value that tells nothing is left out. */
function readsOf(
  { key, writes, reads }: KeyObservations,
  versions: readonly Version[],
  nodes: readonly HistoryTransaction[],
  isTotal: boolean,
  found: (finding: Finding) => void,
): VersionRead[] {
  const byValue = new Map<string, number[]>()
  for (const [at, { value }] of versions.entries()) {
    const name = valueKey(value)
    byValue.set(name, [...(byValue.get(name) ?? []), at])
  }
  const byWriter = new Map(versions.map(({ writer }, at) => [writer, at]))
  const result: VersionRead[] = []
  for (const { node, value } of reads) {
    const name = valueKey(value)
    const saw = (): string => (value === null ? 'absent' : showValue(value))
    const others = (writes.get(name) ?? []).filter((write) => write.node !== node && (write.node < 0 || !write.isFinal))
    const installed = (byValue.get(name) ?? []).filter((at) => versions[at]!.writer !== node)
    // Whoever saw what an open outcome may have left was not necessarily wrong.
    if (others.some(isOpen)) continue
    if (installed.length === 0) {
      judge(key, nodes[node]!, saw(), others, found)
      const early = others.find((write) => write.node >= 0)
      if (early !== undefined) result.push({ node, candidates: [byWriter.get(early.node)!], saw })
    } else if (others.length === 0 && (installed.length === 1 || isTotal)) {
      result.push({ node, candidates: installed, saw })
    }
  }
  return result
}

/** A value that no committed transaction left. */
function judge(
  key: string,
  reader: HistoryTransaction,
  saw: string,
  others: readonly Write[],
  found: (finding: Finding) => void,
): void {
  const { id, operations } = reader
  const early = others.find((write) => write.node >= 0)
  const aborted = others.find((write) => write.node < 0)
  const say = (name: Finding['name'], other: Write | undefined, text: string): void =>
    found({ name, key, transactions: other === undefined ? [id] : [id, other.transaction.id], because: [text] })
  if (early !== undefined) {
    say('G1b', early, `${id} read ${key} as ${saw}, which ${early.transaction.id} wrote and then overwrote itself`)
  } else if (aborted !== undefined) {
    const other = aborted.transaction.id
    say('G1a', aborted, `${id} read ${key} as ${saw}, which ${other} wrote and rolled back`)
    const writes = operations.some((operation) => operation.kind === 'write' && operation.key === key)
    if (writes) say('dirty-update', aborted, `${id} wrote ${key} after it had read what ${other} wrote and rolled back`)
  } else say('unwritten-read', undefined, `${id} read ${key} as ${saw}, which nobody wrote`)
}

/** What is known of which version comes after which. */
function successions(
  versions: readonly Version[],
  reads: readonly VersionRead[],
  nodes: readonly HistoryTransaction[],
  options: OrderOptions,
): Succession[][] {
  const next: Succession[][] = versions.map(() => [])
  const hasBefore = new Set<number>()
  const follow = (from: number, to: number, layer: Layer): void => {
    next[from]!.push({ to, layer })
    if (layer === 0) hasBefore.add(to)
  }
  const byWriter = new Map(versions.map(({ writer }, at) => [writer, at]))
  for (const { node, candidates } of reads) {
    const made = byWriter.get(node)
    // A read before the write, or it would have been of the transaction's own.
    if (made !== undefined) follow(candidates[0]!, made, 0)
  }
  for (let at = 1; at < versions.length; at++) if (!hasBefore.has(at)) next[0]!.push({ to: at, layer: 0 })
  if (options.sessions) followSessions(versions, nodes, follow)
  if (options.realTime) followTime(versions, nodes, follow)
  return next
}

function followSessions(
  versions: readonly Version[],
  nodes: readonly HistoryTransaction[],
  follow: (from: number, to: number, layer: Layer) => void,
): void {
  const last = new Map<string, number>()
  const inOrder = [...versions.keys()].slice(1).sort((a, b) => versions[a]!.writer - versions[b]!.writer)
  for (const at of inOrder) {
    const { session } = nodes[versions[at]!.writer]!
    if (session === undefined) continue
    const before = last.get(session)
    if (before !== undefined) follow(before, at, 1)
    last.set(session, at)
  }
}

function followTime(
  versions: readonly Version[],
  nodes: readonly HistoryTransaction[],
  follow: (from: number, to: number, layer: Layer) => void,
): void {
  const intervals = versions.slice(1).map(({ writer }) => intervalOf(nodes[writer]!))
  visitIntervalOrder(intervals, (before, after) => follow(before + 1, after + 1, 2))
}

/** When a transaction ran; one of unknown outcome may take effect at any time. */
export function intervalOf({ begin = 0, end, status }: HistoryTransaction): { begin: number; end: number } {
  return { begin, end: status === 'unknown' || end === undefined ? Number.POSITIVE_INFINITY : end }
}

/** The versions in their order, when the data alone puts all in one line; undefined when it does not. */
function chainOf(next: readonly (readonly Succession[])[]): number[] | undefined {
  const chain = [0]
  for (let at = 0; chain.length < next.length; ) {
    const after = next[at]!.filter(({ layer }) => layer === 0)
    if (after.length !== 1) return undefined
    at = after[0]!.to
    if (chain.length > 1 && chain.includes(at)) return undefined
    chain.push(at)
  }
  return chain
}
