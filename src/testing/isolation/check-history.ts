/**
 * The isolation checker: from what transactions saw, which of it could not have been at the level that was promised.
 *
 *   history ── observations ── versions of each key ── graph of dependencies ── circles ── anomalies, named
 *              (what was seen)  (in which order)        (who before whom)
 *
 * A history is serializable when its transactions can be put in one order that explains every read. Each thing that a
 * transaction saw says something about that order; when all of it goes round in a circle there is none, and the circle is the
 * shortest proof. Which edges it has names the anomaly (anomaly.ts), and the level says whether it is allowed.
 *
 * Example: T1 and T2 both read x and y as 0; T1 writes x, T2 writes y. T1 read y before T2 wrote it, so T1 comes first;
 * T2 read x before T1 wrote it, so T2 comes first. Two anti-dependencies in a row: G2-item, write skew. `snapshot` allows
 * it, `serializable` does not.
 *
 * Nothing is guessed: every edge follows from the history, so that what is reported happened. What is not reported may
 * still have happened where the history does not tell: blind writes of registers, values written twice, reads that were
 * not recorded. Lists tell most (history.ts). Reads of transactions that aborted are not judged.
 *
 * Time is about linear in the operations of the history. Sources: anomaly.ts.
 */
import { BlazeError } from '../../base/errors.ts'
import { assertKnown } from '../../engine/known-options.ts'
import { assertBoolean, assertFunction, assertOptions as checkOptions } from '../arguments.ts'
import {
  type Anomaly,
  type AnomalyName,
  type AnomalyStep,
  anomalyTitle,
  type IsolationLevel,
  isForbidden,
} from './anomaly.ts'
import { type Cycle, findCycles, isAcyclic } from './cycles.ts'
import { dependenciesOf } from './dependencies.ts'
import type { Layer } from './dependency-graph.ts'
import type { Finding } from './finding.ts'
import { assertHistory, type History, type HistoryTransaction } from './history.ts'
import { listVersions } from './list-versions.ts'
import { filterMatcher, type Matcher } from './matcher.ts'
import { observe } from './observations.ts'
import { registerVersions } from './register-versions.ts'

export interface CheckOptions {
  /** What was promised; `serializable` by default. */
  readonly level?: IsolationLevel
  /** Also that a transaction which began after another had ended comes after it: strict serializable, strong snapshot. */
  readonly realTime?: boolean
  /** Also that the transactions of a session come in their order. */
  readonly sessions?: boolean
  /** How `where` of reads by predicate is judged; filters as `where()` takes them by default. */
  readonly matches?: Matcher
}

export interface CheckResult {
  /** True when nothing was found that the level forbids. */
  readonly ok: boolean
  /** What the level forbids, gravest first, of one name the one of fewest transactions. */
  readonly anomalies: readonly Anomaly[]
  /** What happened and is allowed at this level: at `snapshot`, write skew. */
  readonly allowed: readonly Anomaly[]
}

const LEVELS: readonly string[] = ['read-uncommitted', 'read-committed', 'repeatable-read', 'snapshot', 'serializable']
/** Of one name no more are given: the first tell what is wrong. */
const MAX_OF_A_NAME = 100

/**
 * Names every anomaly that a history shows. Pure; the history is not changed. Errors: INVALID_ARGUMENT for what is no
 * history (a value appended twice, a transaction named twice), INVALID_QUERY for a filter that is none.
 * @example
 * const { ok, anomalies } = checkHistory(recorder.history(), { level: 'serializable', realTime: true })
 * if (!ok) console.log(anomalies[0].text)
 */
export function checkHistory(history: History, options: CheckOptions = {}): CheckResult {
  assertOptions(options)
  assertHistory(history)
  const { level = 'serializable', realTime = false, matches = filterMatcher() } = options
  if (realTime) assertTimed(history)
  const order = { sessions: options.sessions === true || realTime, realTime }
  const gathered = new Gathering()
  const found = (finding: Finding): void => gathered.addFinding(finding)
  const observations = observe(history, matches, found)
  const { nodes, keys } = observations
  const versions = [...keys.values()].map((each) =>
    each.model === 'list' ? listVersions(each, nodes, found) : registerVersions(each, history, nodes, order, found),
  )
  const graph = dependenciesOf(observations, versions, matches, order, found)
  const layers: readonly Layer[] = realTime ? [0, 1, 2] : order.sessions ? [0, 1] : [0]
  if (!isAcyclic(graph))
    for (const layer of layers) for (const cycle of findCycles(graph, layer)) gathered.addCycle(cycle, nodes)
  const all = gathered.anomalies()
  const anomalies = all.filter((anomaly) => isForbidden(anomaly, level))
  return { ok: anomalies.length === 0, anomalies, allowed: all.filter((anomaly) => !anomalies.includes(anomaly)) }
}

function assertOptions(options: CheckOptions): void {
  assertKnown('checkHistory()', options, ['level', 'realTime', 'sessions', 'matches'])
  checkOptions(options, { realTime: assertBoolean, sessions: assertBoolean, matches: assertFunction })
  if (options.level === undefined || LEVELS.includes(options.level)) return
  throw new BlazeError('INVALID_ARGUMENT', `level is one of ${LEVELS.join(', ')}, found ${String(options.level)}`, {
    argument: 'level',
  })
}

function assertTimed({ transactions }: History): void {
  for (const { id, begin, end, status } of transactions) {
    if (status === 'aborted' || (begin !== undefined && (end !== undefined || status === 'unknown'))) continue
    throw new BlazeError(
      'INVALID_ARGUMENT',
      `realTime needs the begin and the end of every transaction, and ${id} lacks one`,
      { argument: 'history' },
    )
  }
}

/** The order in which anomalies are given. */
const GRAVITY: readonly string[] = [
  'unwritten-read',
  'duplicate-elements',
  'incompatible-order',
  'G1a',
  'dirty-update',
  'G1b',
  'G0',
  'G1c',
  'internal',
  'lost-update',
  'G-single',
  'G-nonadjacent',
  'G2-item',
  'G2',
]

/** Anomalies, each once: of one name with the same transactions the first stays. */
class Gathering {
  readonly #found = new Map<string, Anomaly>()
  readonly #counts = new Map<string, number>()

  addFinding({ name, transactions, because }: Finding): void {
    this.#add({ name, text: textOf(name, transactions, because), transactions, cycle: [], predicate: false })
  }

  addCycle({ name, layer, edges }: Cycle, nodes: readonly HistoryTransaction[]): void {
    const steps = edges.map(({ from, to, kind, key, because }): AnomalyStep => {
      return { from: nodes[from]!.id, to: nodes[to]!.id, kind, ...(key !== undefined && { key }), text: because() }
    })
    const transactions = steps.map(({ from }) => from)
    const isLost = isLostUpdate(steps)
    const full: AnomalyName = isLost
      ? 'lost-update'
      : layer === 0
        ? name
        : `${name}${layer === 1 ? '-session' : '-realtime'}`
    const because = steps.map(({ from, to, kind, text }) => `${from} ─${kind}→ ${to}  ${text}`)
    const predicate = steps.some(({ kind }) => kind === 'rw-predicate')
    this.#add({ name: full, text: textOf(full, transactions, because), transactions, cycle: steps, predicate })
  }

  anomalies(): Anomaly[] {
    const place = ({ name }: Anomaly): number => {
      const needs = name.endsWith('-realtime') ? 2 : name.endsWith('-session') ? 1 : 0
      return GRAVITY.indexOf(name.replace(/-(session|realtime)$/, '')) * 3 + needs
    }
    return [...this.#found.values()].sort(
      (a, b) => place(a) - place(b) || a.transactions.length - b.transactions.length,
    )
  }

  #add(anomaly: Anomaly): void {
    const name = `${anomaly.name} ${[...anomaly.transactions].sort().join(' ')}`
    const known = this.#found.get(name)
    const count = this.#counts.get(anomaly.name) ?? 0
    if (known === undefined && count >= MAX_OF_A_NAME) return
    if (known === undefined) this.#counts.set(anomaly.name, count + 1)
    // A circle says more than the sentence of a finding.
    if (known === undefined || (known.cycle.length === 0 && anomaly.cycle.length > 0)) this.#found.set(name, anomaly)
  }
}

/** Overwrites and anti-dependencies of one key only: every one of them wrote it, and one had read what was there before. */
function isLostUpdate(steps: readonly AnomalyStep[]): boolean {
  const { key } = steps[0]!
  return (
    steps.some(({ kind }) => kind === 'rw') &&
    steps.every((step) => step.key === key && (step.kind === 'rw' || step.kind === 'ww'))
  )
}

function textOf(name: AnomalyName, transactions: readonly string[], because: readonly string[]): string {
  const who = [...new Set(transactions)].join(', ')
  return [`${name}, ${anomalyTitle(name)}`, `between ${who}:`, ...because.map((line) => `  ${line}`)].join('\n')
}
