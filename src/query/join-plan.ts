/**
 * How one join is done: by looking records up for each row, by holding one side's rows by their keys, or by reading both
 * sides in the order of what must be equal. The cheapest by what is expected on both sides.
 */
import type { Path } from '../base/values.ts'
import { isFiltered } from './block-shape.ts'
import type { Candidate, PlanNode } from './plan.ts'
import type { Planned, Planning } from './planning.ts'
import { BY_ID, type JoinClause, type JoinPair, type OrderKey, type Predicate, type QueryData } from './query-data.ts'
import { subqueriesOf } from './references.ts'
import { samePath } from './same-predicate.ts'
import type { IndexInfo, RecordSource } from './source.ts'
import { combine } from './where.ts'

/** Finding a record by id, or the place of a key in an index, against a record read by a scan. */
const LOOKUP_COST = 2
const DESCENT_COST = 4
const FETCH_COST = 1.6
/** Putting a row into a table of keys, and asking it. */
const BUILD_COST = 0.5
const PROBE_COST = 0.3
/** A row read beside another one in the same order. */
const MERGE_COST = 0.1

/** A join, and conditions that are about its other row alone. */
export interface JoinFilter {
  readonly join: JoinClause
  readonly conjuncts: readonly Predicate[]
}

interface JoinPart extends JoinFilter {
  /** False when the rows of the sides do not reach the caller. */
  readonly copies: boolean
  /** What is read of the records that are found; undefined: all. */
  readonly fields: ReadonlySet<string> | undefined
}

/** The rows so far. */
export interface LeftSide extends Planned {
  /** The first key of the order in which they come and which is counted on; undefined: any other would do as well. */
  readonly order: OrderKey | undefined
  /** The same rows, read by that path upwards, if an index gives that; it costs what it costs. */
  inOrder(path: Path): Planned | undefined
}

/** The join put on the rows of `left`; `plan` plans the other side. */
export function planJoin(
  left: LeftSide,
  part: JoinPart,
  planning: Planning,
  plan: (other: QueryData, planning: Planning) => Planned,
): Planned {
  const join = withConditions(part.join, part.conjuncts)
  const candidates: Planning['candidates'] = []
  const other = plan(join.other, { ...planning, candidates })
  const rows = left.node.estimatedRows
  const otherRows = other.node.estimatedRows
  const lookup = lookupOf(join, planning)
  const matches = lookup?.matches ?? Math.max(1, otherRows / Math.max(1, rows))
  const estimatedRows = rowsOfJoin(join, rows, otherRows, matches)
  const hash = hashOf(left, other, join)
  const merge = mergeOf(left, join, planning, plan)
  const cheapest = merge !== undefined && merge.cost < hash.cost ? merge : hash
  const isLookedUp = lookup !== undefined && left.cost + rows * lookup.cost < cheapest.cost
  if (lookup !== undefined) {
    planning.candidates.push(() => [lookupCandidate(lookup, join.other.collection, rows, isLookedUp)])
  }
  // The ways to all of the other side's rows are none of this plan when it looks them up.
  if (isLookedUp) {
    const { collection } = join.other
    const { pair, index } = lookup
    const { fields } = part
    const node: PlanNode = {
      kind: 'lookupJoin',
      join,
      collection,
      fields,
      pair,
      index,
      input: left.node,
      estimatedRows,
    }
    return { node, cost: left.cost + rows * lookup.cost }
  }
  const { copies } = part
  if (cheapest === merge) {
    const { descending, input, other, cost } = merge
    planning.candidates.push(...merge.candidates)
    return { node: { kind: 'mergeJoin', join, descending, copies, input, other, estimatedRows }, cost }
  }
  planning.candidates.push(...candidates)
  return {
    node: {
      ...{ kind: 'hashJoin', join, build: hash.build, copies, input: left.node, other: other.node, estimatedRows },
    },
    cost: hash.cost,
  }
}

/** Held is the right side, or the left one where that is smaller and its order of no matter. */
function hashOf(
  left: LeftSide,
  right: Planned,
  { kind }: JoinClause,
): { readonly build: 'left' | 'right'; readonly cost: number } {
  const rows = left.node.estimatedRows
  const otherRows = right.node.estimatedRows
  const build = kind === 'inner' && left.order === undefined && rows < otherRows ? 'left' : 'right'
  const [held, asking] = build === 'left' ? [rows, otherRows] : [otherRows, rows]
  return { build, cost: left.cost + right.cost + held * BUILD_COST + asking * PROBE_COST }
}

interface Merge {
  readonly descending: boolean
  readonly input: PlanNode
  readonly other: PlanNode
  readonly cost: number
  readonly candidates: Planning['candidates']
}

/** Both sides in the order of the one pair, by indexes; undefined where that cannot be. */
function mergeOf(
  left: LeftSide,
  join: JoinClause,
  planning: Planning,
  plan: (other: QueryData, planning: Planning) => Planned,
): Merge | undefined {
  const [{ left: own, right: theirs } = NO_PAIR, second] = join.on
  if ((join.kind !== 'inner' && join.kind !== 'left') || second !== undefined || !isFiltered(join.other))
    return undefined
  if (own?.kind !== 'path' || theirs?.kind !== 'path') return undefined
  const { order } = left
  if (order !== undefined && (order.nocase || !samePath(order.path, own.path))) return undefined
  const { indexes } = planning.tables.open(join.other.collection)
  if (!indexes.some(({ parts, each, nocase }) => !each && !nocase && samePath(parts[0]!.path, theirs.path))) {
    return undefined
  }
  const ordered = order === undefined ? left.inOrder(own.path) : left
  if (ordered === undefined) return undefined
  const candidates: Planning['candidates'] = []
  const descending = order?.descending === true
  const key: OrderKey = { ...BY_ID, path: theirs.path, descending }
  const { node, cost } = plan({ ...join.other, orderBy: [key] }, { ...planning, candidates })
  // What an index gives in order is only put into order where it ties, which does not matter here.
  if (node.kind !== 'sortRuns') return undefined
  const rows = ordered.node.estimatedRows + node.estimatedRows
  const merged = { descending, input: ordered.node, other: node.input, candidates }
  return { ...merged, cost: ordered.cost + cost + rows * MERGE_COST }
}

const NO_PAIR: { readonly left?: undefined; readonly right?: undefined } = {}

function withConditions(join: JoinClause, conjuncts: readonly Predicate[]): JoinClause {
  if (conjuncts.length === 0) return join
  const before = join.other.where === undefined ? [] : [join.other.where]
  return { ...join, other: { ...join.other, where: combine('and', [...before, ...conjuncts]) } }
}

function rowsOfJoin({ kind }: JoinClause, left: number, right: number, matches: number): number {
  switch (kind) {
    case 'inner':
      return left * matches
    case 'left':
      return left * Math.max(1, matches)
    case 'right':
      return Math.max(right, left * matches)
    case 'full':
      return left + right
    case 'semi':
    case 'anti':
      return left / 2
  }
}

interface Lookup {
  readonly pair: number
  readonly index: IndexInfo | undefined
  /** Records that one row is expected to find. */
  readonly matches: number
  /** Of one row. */
  readonly cost: number
}

function lookupCandidate(
  { index, matches, cost }: Lookup,
  collection: string,
  rows: number,
  chosen: boolean,
): Candidate {
  return {
    collection,
    access: index === undefined ? 'get by id' : `index ${index.name}`,
    chosen,
    cost: rows * cost,
    estimatedRows: rows * matches,
    reason: `for each row of the join: ${chosen ? 'cheaper' : 'dearer'} than all of them at once`,
  }
}

/** The cheapest way to look the other side up by one of the pairs; undefined when there is none. */
function lookupOf(join: JoinClause, planning: Planning): Lookup | undefined {
  if (join.kind === 'right' || join.kind === 'full' || !isFiltered(join.other)) return undefined
  if (join.other.where !== undefined && subqueriesOf(join.other.where).length > 0) return undefined
  const source = planning.tables.open(join.other.collection)
  let best: Lookup | undefined
  join.on.forEach((on, pair) => {
    const lookup = lookupBy(on, pair, source)
    if (lookup !== undefined && (best === undefined || lookup.cost < best.cost)) best = lookup
  })
  return best
}

function lookupBy({ right }: JoinPair, pair: number, source: RecordSource): Lookup | undefined {
  if (right.kind !== 'path') return undefined
  if (samePath(right.path, ['id'])) return { pair, index: undefined, matches: 1, cost: LOOKUP_COST }
  const index = source.indexes.find(
    (one) => !one.each && !one.nocase && one.where === undefined && samePath(one.parts[0]!.path, right.path),
  )
  if (index === undefined) return undefined
  const matches =
    index.entryCount /
    Math.max(1, index.parts.length === 1 ? index.distinctEstimate : Math.sqrt(index.distinctEstimate))
  return { pair, index, matches, cost: DESCENT_COST + matches * FETCH_COST }
}
