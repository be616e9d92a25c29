/**
 * How one join is done: by looking records up for each row, or by collecting the other side's rows by their keys. The
 * cheaper one by what is expected on both sides.
 */

import type { PlanNode } from './plan.ts'
import type { Planned, Planning } from './planning.ts'
import type { JoinClause, JoinPair, Predicate, QueryData } from './query-data.ts'
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

/** A join, and conditions that are about its other row alone. */
export interface JoinFilter {
  readonly join: JoinClause
  readonly conjuncts: readonly Predicate[]
}

interface JoinPart extends JoinFilter {
  /** False when the other side's rows do not reach the caller. */
  readonly copies: boolean
}

/** The join put on the rows of `left`; `plan` plans the other side. */
export function planJoin(
  left: Planned,
  part: JoinPart,
  planning: Planning,
  plan: (other: QueryData) => Planned,
): Planned {
  const join = withConditions(part.join, part.conjuncts)
  const other = plan(join.other)
  const rows = left.node.estimatedRows
  const lookup = lookupOf(join, planning)
  const hashCost = left.cost + other.cost + other.node.estimatedRows * BUILD_COST + rows * PROBE_COST
  const matches = lookup?.matches ?? Math.max(1, other.node.estimatedRows / Math.max(1, rows))
  const estimatedRows = rowsOfJoin(join, rows, other.node.estimatedRows, matches)
  if (lookup !== undefined && left.cost + rows * lookup.cost < hashCost) {
    const { collection } = join.other
    const { pair, index } = lookup
    const node: PlanNode = { kind: 'lookupJoin', join, collection, pair, index, input: left.node, estimatedRows }
    return { node, cost: left.cost + rows * lookup.cost }
  }
  return {
    node: { kind: 'hashJoin', join, copies: part.copies, input: left.node, other: other.node, estimatedRows },
    cost: hashCost,
  }
}

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

/** Records of a collection, filtered by what they hold, and nothing else. */
export function isFiltered(data: QueryData): boolean {
  const { from, search, nearest, joins, computed, group, windows, select, distinct, sets, limit, offset, hint } = data
  const isOfRecords = from === undefined && search === undefined && nearest === undefined && joins.length === 0
  const isAsRead = computed.length === 0 && group === undefined && windows.length === 0 && select === undefined
  return (
    isOfRecords &&
    isAsRead &&
    !distinct &&
    sets.length === 0 &&
    limit === undefined &&
    offset === 0 &&
    hint === undefined
  )
}
