/**
 * From a query to a plan: block by block, from the rows of the block to its results.
 *
 *   1. the filter is simplified (rewrite.ts) and parted: what speaks of the records alone goes to their access, what
 *      speaks of one joined collection goes to that, the rest is tested when all is there (`push-down`)
 *   2. the access to the records is chosen (access.ts), in the order wanted where that pays
 *   3. joins are put on, the cheapest method each; inner joins that keep fewest rows first (`join reordering`)
 *   4. computed fields, the rest of the filter, groups, windows
 *   5. distinct and set operations over the selected rows; order, offset and limit; or these and then the projection
 *
 * What holds: a plan changes how long a query takes, never what it gives.
 */
import { formatPath } from '../base/path.ts'
import type { Path } from '../base/values.ts'
import { chooseAccess } from './access.ts'
import { isShaped } from './block-shape.ts'
import { invalidQuery } from './capture.ts'
import {
  assertColumns,
  distinctOnColumns,
  groupOnColumns,
  joinOnColumns,
  nearestOnColumns,
  scanOnColumns,
  topOnColumns,
  windowOnColumns,
  withColumns,
} from './column-plan.ts'
import { fieldsJoined, fieldsRead } from './fields-read.ts'
import { needsPartner, takesCondition, withinJoin } from './join-conditions.ts'
import { type JoinFilter, planJoin } from './join-plan.ts'
import { MAX_TOP_K } from './operators/top-k.ts'
import type { Plan, PlanNode, Subplan } from './plan.ts'
import type { Planned, Planning } from './planning.ts'
import {
  BY_ID,
  type JoinClause,
  type OrderKey,
  type Predicate,
  type QueryData,
  type SearchClause,
} from './query-data.ts'
import { visitReads } from './reads.ts'
import { isCorrelated, subqueriesOf, visitExpression, visitOwnPaths, visitPaths } from './references.ts'
import { isNever, simplifiedConjuncts } from './rewrite.ts'
import { identityOf } from './row-identity.ts'
import type { RowKey } from './row-order.ts'
import { samePath } from './same-predicate.ts'
import { textOf, textQueryOf } from './search-read.ts'
import { selectivityOf } from './selectivity.ts'
import type { RecordSource } from './source.ts'
import type { Tables } from './tables.ts'
import { combine } from './where.ts'

/** A row that a filter, a projection or a group takes in, against one of a scan. */
const ROW_COST = 0.2
/** The part of the records that a search is taken to find. */
const SEARCH_PART = 0.05
/** A row that is put to its group: to one of all that are held, which costs as well; or to the one that is at hand. */
const GROUP_COST = 0.3
const HELD_GROUP_COST = 0.5
const SORTED_GROUP_COST = 0.1
/** A row that is held, put in its place and given the fields of windows. */
const WINDOW_COST = 1.7
/** A group has about so many rows, for want of anything better. */
const ROWS_PER_GROUP = 20

/** The plan of a query; `after` continues an ordered one behind a place in its order. */
export function planQuery(data: QueryData, tables: Tables, after?: RowKey, counts = false): Plan {
  const columns = { counted: counts ? data : undefined, outcomes: new Map(), wanted: new Map() }
  const planning: Planning = { tables, rules: new Set(), candidates: [], columns }
  const orderBy = wholeOrder(data, after !== undefined)
  const { node } = planBlock(data, planning, after)
  return {
    root: node,
    candidates: () => withColumns(planning.candidates.flatMap((candidates) => candidates())),
    orderBy,
    rules: [...planning.rules],
  }
}

/** True when the rows are records of one collection, filtered, ordered and cut, and nothing else. */
export function isSimple(data: QueryData): boolean {
  const { from, search, nearest, joins, computed, group, windows, distinct, sets, where } = data
  const isOfRecords = from === undefined && search === undefined && nearest === undefined && joins.length === 0
  const isAsRead =
    computed.length === 0 && group === undefined && windows.length === 0 && !distinct && sets.length === 0
  return isOfRecords && isAsRead && (where === undefined || where.kind === 'field' || subqueriesOf(where).length === 0)
}

/**
 * The order of a block's rows with what decides ties: the identity of the rows, in the direction of the last key. Empty
 * when the order is open. Rows that are records need no further keys: their order knows the id.
 */
export function wholeOrder(data: QueryData, isPaged: boolean): readonly OrderKey[] {
  const stated = statedOrder(data, isPaged)
  if (stated.length === 0 || isSimple(data)) return stated
  const descending = stated.at(-1)!.descending
  const missing = identityOf(data).filter((path) => !stated.some((key) => decides(key, path)))
  return [...stated, ...missing.map((path): OrderKey => ({ ...BY_ID, path, descending }))]
}

/** The order that a query states, or that goes without saying: the nearest first, and pages by id. */
function statedOrder(data: QueryData, isPaged: boolean): readonly OrderKey[] {
  if (data.orderBy.length > 0) return data.orderBy
  const isOfRows = data.group === undefined && !data.distinct && data.sets.length === 0
  if (isOfRows && data.nearest !== undefined) return [BY_DISTANCE]
  if (isOfRows && data.search !== undefined) return RANK
  return data.offset > 0 || isPaged ? [BY_ID] : data.orderBy
}

/** The best first, ties by id. */
const RANK: readonly OrderKey[] = Object.freeze([
  Object.freeze({ ...BY_ID, path: Object.freeze(['$score']), descending: true }),
  BY_ID,
])
const BY_DISTANCE: OrderKey = Object.freeze({ ...BY_ID, path: Object.freeze(['$distance']) })

function decides(key: OrderKey, path: Path): boolean {
  return samePath(key.path, path) && !key.nocase && key.nulls === undefined
}

/** The plan of one block, its order, limit and projection included. */
export function planBlock(data: QueryData, planning: Planning, after?: RowKey): Planned {
  const orderBy = wholeOrder(data, after !== undefined)
  const isDistinct = isShaped(data)
  const rows = planRows(data, planning, { orderBy, after, isShaped: isDistinct })
  let { node, cost, runKeys } = rows
  if (isDistinct) {
    if (data.select !== undefined) node = selected(node, data.select)
    if (data.distinct) {
      node = { kind: 'distinctRows', input: node, estimatedRows: node.estimatedRows }
      const own = simplifiedConjuncts(data.where, planning.rules)
      ;({ node, cost } = distinctOnColumns(data, own, { node, cost }, planning) ?? { node, cost })
    }
    for (const { kind, other } of data.sets) {
      const planned = planBlock(other, planning)
      const estimatedRows =
        node.estimatedRows + (kind === 'union' || kind === 'unionAll' ? planned.node.estimatedRows : 0)
      node = { kind: 'set', operation: kind, input: node, other: planned.node, estimatedRows }
      cost += planned.cost
    }
  }
  // A simple block's access has passed over what lies before the place already, where it could.
  if (after !== undefined) node = { kind: 'resume', after, orderBy, input: node, estimatedRows: node.estimatedRows }
  const wanted = data.limit === undefined ? undefined : data.limit + data.offset
  if (after === undefined && wanted !== undefined) {
    const ranked = rankedOnColumns(data, { orderBy, wanted }, { node, cost }, planning)
    if (ranked !== undefined) {
      ;({ node, cost } = ranked)
      runKeys = undefined
    }
  }
  if (orderBy.length > 0) node = sorted(node, orderBy, runKeys, wanted)
  if (data.offset > 0 || data.limit !== undefined) {
    const { offset, limit } = data
    const estimatedRows = Math.min(limit ?? Number.POSITIVE_INFINITY, Math.max(0, node.estimatedRows - offset))
    node = { kind: 'slice', offset, limit, input: node, estimatedRows }
  }
  if (!isDistinct && data.select !== undefined) node = selected(node, data.select)
  assertColumns(data, planning)
  return { node, cost: cost + node.estimatedRows * ROW_COST }
}

/** The first rows of an order, or the nearest, over columns where that is worth it. */
function rankedOnColumns(
  data: QueryData,
  question: { readonly orderBy: readonly OrderKey[]; readonly wanted: number },
  rows: Planned,
  planning: Planning,
): Planned | undefined {
  const own = simplifiedConjuncts(data.where, planning.rules)
  if (data.nearest === undefined) {
    return question.orderBy.length === 0 ? undefined : topOnColumns(data, own, question, rows, planning)
  }
  return data.orderBy.length > 0 ? undefined : nearestOnColumns(data, own, question.wanted, rows, planning)
}

interface RowsQuestion {
  readonly orderBy: readonly OrderKey[]
  readonly after: RowKey | undefined
  readonly isShaped: boolean
}

interface PlannedRows extends Planned {
  /** The first keys of the order by which the rows come already; undefined: they come in no order. */
  readonly runKeys: number | undefined
  /** The part of its rows after which a limit ends the reading; 1: all are read. */
  readonly part: number
}

/** Everything of a block up to its windows. */
function planRows(data: QueryData, planning: Planning, question: RowsQuestion): Omit<PlannedRows, 'part'> {
  const parts = partFilter(data, planning)
  const first = firstRows(data, parts.base, planning, question)
  const { base } = first
  let { node, cost } = base
  // What is counted on is the order of the block, or that its groups stand together.
  const order = base.runKeys === undefined ? undefined : first.orderBy[0]
  let isBare = data.nearest === undefined
  if (data.nearest !== undefined) {
    node = { kind: 'nearest', nearest: data.nearest, input: node, estimatedRows: node.estimatedRows }
  }
  for (const { join, conjuncts } of orderedJoins(parts.joins, planning)) {
    const inOrder = (path: Path): Planned | undefined =>
      isBare ? inOrderOf(data, parts.base, planning, path) : undefined
    const part = { join, conjuncts, copies: data.group === undefined, fields: fieldsJoined(data, join) }
    const planned = planJoin({ node, cost, order, inOrder }, part, planning, planBlock)
    isBare = false
    node = planned.node
    cost = planned.cost
  }
  if (data.computed.length > 0)
    node = { kind: 'compute', fields: data.computed, input: node, estimatedRows: node.estimatedRows }
  if (parts.rest.length > 0) node = filtered(node, parts.rest, planning)
  cost += node.estimatedRows * base.part * ROW_COST
  let { runKeys } = base
  const joined = joinOnColumns(data, parts, { node, cost }, planning)
  if (joined !== undefined) {
    ;({ node, cost } = joined)
    runKeys = undefined
  }
  if (data.group !== undefined) {
    const { keys, having } = data.group
    const estimatedRows = keys.length === 0 ? 1 : Math.ceil(node.estimatedRows / ROWS_PER_GROUP)
    const identity = identityOf({ ...data, group: undefined, windows: [], distinct: false, sets: [] })
    const kind = first.isGrouped ? 'groupSorted' : 'group'
    node = { kind, group: data.group, identity, input: node, estimatedRows }
    ;({ node, cost } = groupOnColumns(data, parts, { node, cost }, planning) ?? { node, cost })
    const conjuncts = simplifiedConjuncts(having, planning.rules)
    if (conjuncts.length > 0) node = filtered(node, conjuncts, planning)
  }
  if (data.windows.length > 0) {
    const identity = identityOf({ ...data, distinct: false, sets: [] })
    node = { kind: 'window', fields: data.windows, identity, input: node, estimatedRows: node.estimatedRows }
    cost += node.estimatedRows * WINDOW_COST
    ;({ node, cost } = windowOnColumns(data, parts, { node, cost }, identity, planning) ?? { node, cost })
  }
  return { node, cost, runKeys: first.isGrouped ? undefined : runKeys }
}

interface FirstRows {
  readonly base: PlannedRows
  /** The order that was asked of the access. */
  readonly orderBy: readonly OrderKey[]
  /** The rows of a group come together. */
  readonly isGrouped: boolean
}

/** What the joins and all else begin with: in the order of the block, or of its groups, where that pays. */
function firstRows(
  data: QueryData,
  conjuncts: readonly Predicate[],
  planning: Planning,
  question: RowsQuestion,
): FirstRows {
  const isOrdered = keepsOrder(data, question)
  const asked = isOrdered ? question : undefined
  const orderBy = groupOrder(data)
  if (orderBy.length === 0) {
    const base = planBase(data, conjuncts, planning, asked)
    return { base, orderBy: isOrdered ? question.orderBy : orderBy, isGrouped: false }
  }
  const candidates: Planning['candidates'] = []
  const plain = planBase(data, conjuncts, { ...planning, candidates }, asked)
  const ordered: Planning['candidates'] = []
  const base = planBase(data, conjuncts, { ...planning, candidates: ordered }, { ...NO_QUESTION, orderBy })
  const groups = groupsOf(base.node, orderBy.length)
  const rows = base.node.estimatedRows
  const isWhole = base.runKeys === orderBy.length
  if (isWhole && base.cost + rows * SORTED_GROUP_COST < plain.cost + rows * GROUP_COST + groups * HELD_GROUP_COST) {
    planning.candidates.push(...ordered)
    return { base, orderBy, isGrouped: true }
  }
  planning.candidates.push(...candidates)
  return { base: plain, orderBy: isOrdered ? question.orderBy : [], isGrouped: false }
}

const NO_QUESTION: RowsQuestion = { orderBy: [], after: undefined, isShaped: false }

/** The rows of the block's access by a path, upwards; undefined when no index gives that. */
function inOrderOf(
  data: QueryData,
  conjuncts: readonly Predicate[],
  planning: Planning,
  path: Path,
): Planned | undefined {
  const question = { ...NO_QUESTION, orderBy: [{ ...BY_ID, path }] }
  const { node, cost, runKeys } = planBase(data, conjuncts, { ...planning, candidates: [] }, question)
  return runKeys === 1 ? { node, cost } : undefined
}

/** The order in which the rows of a group stand together; empty where none of the records' own does it. */
function groupOrder(data: QueryData): readonly OrderKey[] {
  if (data.group === undefined || data.from !== undefined) return NO_QUESTION.orderBy
  if (!keepsOrder({ ...data, group: undefined }, NO_QUESTION)) return NO_QUESTION.orderBy
  const keys = data.group.keys.flatMap(({ value }) => (value.kind === 'path' ? [{ ...BY_ID, path: value.path }] : []))
  return keys.length === data.group.keys.length && ownOrder(data, keys).length === keys.length ? keys : []
}

/** About how many groups there are: an index of the keys knows. */
function groupsOf(node: PlanNode, keys: number): number {
  let leaf = node
  while (leaf.kind === 'filter' || leaf.kind === 'distinct') leaf = leaf.input
  const index = leaf.kind === 'indexScan' && leaf.index.parts.length === keys ? leaf.index : undefined
  return Math.min(node.estimatedRows, index?.distinctEstimate ?? node.estimatedRows / ROWS_PER_GROUP)
}

/** The records of the collection, or the rows of the block within. */
function planBase(
  data: QueryData,
  conjuncts: readonly Predicate[],
  planning: Planning,
  question: RowsQuestion | undefined,
): PlannedRows {
  if (data.from !== undefined) {
    if (data.hint !== undefined)
      throw invalidQuery('hint', 'a hint is about how records are read; these are rows of a query')
    const { node, cost } = planBlock(data.from, planning)
    const kept = keptInWindow(node, conjuncts)
    return { node: filtered(kept.node, kept.left, planning), cost, runKeys: undefined, part: 1 }
  }
  const source = planning.tables.open(data.collection)
  assertKnownFields(data, source)
  if (data.search !== undefined) return planSearch(data, data.search, conjuncts, source, planning)
  const asking = conjuncts.filter(asksQuery)
  const plain = asking.length === 0 ? conjuncts : conjuncts.filter((one) => !asking.includes(one))
  const isWhole = question !== undefined && data.joins.length === 0 && asking.length === 0
  const wanted = isWhole && data.limit !== undefined ? data.limit + data.offset : undefined
  const chosen = chooseAccess(
    {
      conjuncts: plain,
      orderBy: question === undefined ? [] : ownOrder(data, question.orderBy),
      wanted,
      after: isWhole && isSimple(data) ? question.after : undefined,
      hint: data.hint,
    },
    source,
  )
  planning.candidates.push(chosen.candidates)
  const isAnyOrder = question === undefined || question.orderBy.length === 0
  const isCut = wanted !== undefined && (isAnyOrder || chosen.order !== undefined)
  const part = isCut ? Math.min(1, wanted / Math.max(1, chosen.node.estimatedRows)) : 1
  const onColumns = scanOnColumns(data, plain, { rows: chosen, part: isAnyOrder ? part : 1 }, planning)
  if (onColumns !== undefined) {
    const node = filtered(onColumns.planned.node, [...onColumns.left, ...asking], planning)
    return { node, cost: onColumns.planned.cost, runKeys: undefined, part: isAnyOrder ? part : 1 }
  }
  const fields = fieldsRead(data)
  const read = fields === undefined ? chosen.node : withFields(chosen.node, fields)
  const node = asking.length === 0 ? read : filtered(read, asking, planning)
  return { node, cost: chosen.cost, runKeys: chosen.order?.runKeys, part }
}

function asksQuery(predicate: Predicate): boolean {
  return predicate.kind !== 'field' && subqueriesOf(predicate).length > 0
}

/** The plan of an access, by which only these fields of records are read. */
function withFields(node: PlanNode, fields: ReadonlySet<string>): PlanNode {
  switch (node.kind) {
    case 'get':
    case 'scan':
    case 'indexScan':
    case 'intersect':
      return { ...node, fields }
    case 'concat':
      return { ...node, inputs: node.inputs.map((input) => withFields(input, fields)) }
    case 'filter':
      return node.subplans.length === 0 ? { ...node, input: withFields(node.input, fields) } : node
    case 'distinct':
    case 'sortRuns':
      return { ...node, input: withFields(node.input, fields) }
    default:
      return node
  }
}

/** What a filter asks of the fields of windows is tested before their records are read. */
function keptInWindow(
  node: PlanNode,
  conjuncts: readonly Predicate[],
): { readonly node: PlanNode; readonly left: readonly Predicate[] } {
  if (node.kind !== 'columnWindow') return { node, left: conjuncts }
  const names = new Set(node.windows.map(({ name }) => name))
  const own = conjuncts.filter((one) => one.kind === 'field' && names.has(one.path[0]!))
  if (own.length === 0) return { node, left: conjuncts }
  const estimatedRows = own.reduce((rows, one) => rows * selectivityOf(one), node.estimatedRows)
  const left = conjuncts.filter((one) => !own.includes(one))
  return { node: { ...node, keep: combine('and', own), estimatedRows }, left }
}

/** A search gives its rows by their rank; it needs to find only so many when all that it finds is wanted. */
function planSearch(
  data: QueryData,
  search: SearchClause,
  conjuncts: readonly Predicate[],
  source: RecordSource,
  planning: Planning,
): PlannedRows {
  if (data.hint !== undefined) throw invalidQuery('hint', 'a search has one way only: its text index')
  const { collection } = data
  const isPlain = conjuncts.length === 0 && data.joins.length === 0 && data.where === undefined
  const isCut =
    isPlain && data.group === undefined && data.windows.length === 0 && !data.distinct && data.sets.length === 0
  const most = isCut && data.orderBy.length === 0 && data.limit !== undefined ? data.limit + data.offset : undefined
  const found = source.rowCount() * SEARCH_PART
  const estimatedRows = most === undefined ? found : Math.min(most, found)
  const query = textQueryOf(search, textOf(source))
  const node: PlanNode = { kind: 'search', collection, search, query, most, estimatedRows }
  const isByRank = data.orderBy.length === 0
  return {
    node: filtered(node, conjuncts, planning),
    cost: found * ROW_COST,
    runKeys: isByRank ? RANK.length : undefined,
    part: 1,
  }
}

/** Refuses a field that no record can have. */
function assertKnownFields(data: QueryData, { collection, fields }: RecordSource): void {
  if (fields === undefined) return
  const added = addedNames(data)
  visitOwnPaths(data, (path) => {
    const name = path[0]
    if (name === undefined || fields.has(name) || added.has(name) || name.startsWith('$')) return
    throw invalidQuery(formatPath(path), `the schema of ${collection} has no field ${JSON.stringify(name)}`)
  })
}

/** True when the rows reach the order of the block as they come from the access. */
function keepsOrder(data: QueryData, { isShaped }: RowsQuestion): boolean {
  const isRanked = data.nearest !== undefined || data.search !== undefined
  return (
    data.group === undefined &&
    !isRanked &&
    !isShaped &&
    data.joins.every(({ kind }) => kind !== 'right' && kind !== 'full')
  )
}

/** The keys of the order up to the first that is not of the records themselves. */
function ownOrder(data: QueryData, orderBy: readonly OrderKey[]): readonly OrderKey[] {
  const added = addedNames(data)
  const end = orderBy.findIndex(({ path }) => path.length === 0 || added.has(path[0]!))
  return end < 0 ? orderBy : orderBy.slice(0, end)
}

/** The fields that the block adds to the rows it reads. */
function addedNames(data: QueryData): ReadonlySet<string> {
  const { joins, computed, windows } = data
  const isPlain = joins.length === 0 && computed.length === 0 && windows.length === 0
  if (isPlain && data.nearest === undefined && data.search === undefined) return NO_NAMES
  const names = [...joins.map(({ as }) => as), ...[...computed, ...windows].map(({ name }) => name)]
  return new Set([...names, ...(data.nearest ? ['$distance'] : []), ...(data.search ? ['$score', '$highlights'] : [])])
}

const NO_NAMES: ReadonlySet<string> = new Set()

interface FilterParts {
  /** About the records alone, before any join. */
  readonly base: readonly Predicate[]
  readonly joins: readonly JoinFilter[]
  /** What needs all that is there. */
  readonly rest: readonly Predicate[]
}

/** Who tests which condition. What may be missing because nothing joined is tested after the join. */
function partFilter(data: QueryData, planning: Planning): FilterParts {
  const conjuncts = simplifiedConjuncts(data.where, planning.rules)
  if (addedNames(data).size === 0) return { base: conjuncts, joins: [], rest: [] }
  const joins = data.joins.map((join) => ({
    join: innerWherePossible(join, conjuncts, planning),
    conjuncts: [] as Predicate[],
  }))
  if (conjuncts.some(isNever)) return { base: conjuncts, joins, rest: conjuncts }
  const keepsBase = joins.every(({ join }) => join.kind !== 'right' && join.kind !== 'full')
  const base: Predicate[] = []
  const rest: Predicate[] = []
  const names = addedNames(data)
  for (const one of conjuncts) {
    const about = new Set<string>()
    visitPaths(one, (path) => about.add(path.length > 0 && names.has(path[0]!) ? path[0]! : ''))
    const [only = ''] = about
    const part = about.size === 1 ? joins.find(({ join }) => join.as === only && only !== '') : undefined
    if (keepsBase && (about.size === 0 || (about.size === 1 && only === ''))) base.push(one)
    else if (
      part !== undefined &&
      takesCondition(
        part.join,
        one,
        joins.map(({ join }) => join),
      )
    ) {
      part.conjuncts.push(withinJoin(one))
      planning.rules.add('push-down')
    } else rest.push(one)
  }
  if (base.length > 0 && data.joins.length > 0) planning.rules.add('push-down')
  return { base, joins, rest }
}

/** A left join whose rows without a partner fail the filter is an inner one. */
function innerWherePossible(join: JoinClause, conjuncts: readonly Predicate[], { rules }: Planning): JoinClause {
  if (join.kind !== 'left') return join
  if (!needsPartner(join, conjuncts)) return join
  rules.add('outer to inner join')
  return { ...join, kind: 'inner' }
}

/** Neighbouring inner joins that do not need one another: those with a filter of their own first. */
function orderedJoins(parts: readonly JoinFilter[], planning: Planning): readonly JoinFilter[] {
  if (parts.length < 2 || parts.some(({ join }) => join.kind !== 'inner')) return parts
  const weight = ({ join, conjuncts }: JoinFilter): number => {
    const filters = [...conjuncts, ...(join.other.where === undefined ? [] : [join.other.where])]
    return filters.reduce((part, one) => part * selectivityOf(one), 1)
  }
  const left = [...parts].sort((a, b) => weight(a) - weight(b))
  const ordered: JoinFilter[] = []
  const there = new Set<string>()
  const names = new Set(parts.map(({ join }) => join.as))
  while (left.length > 0) {
    const at = left.findIndex(({ join }) => needsOf(join, names).every((name) => there.has(name)))
    const [next] = left.splice(Math.max(0, at), 1)
    ordered.push(next!)
    there.add(next!.join.as)
  }
  if (ordered.some((part, i) => part !== parts[i])) planning.rules.add('join reordering')
  return ordered
}

/** The other joins whose rows the pairs of a join look at. */
function needsOf(join: JoinClause, names: ReadonlySet<string>): readonly string[] {
  const needs: string[] = []
  for (const { left } of join.on) visitExpression(left, ([name = '']) => names.has(name) && needs.push(name))
  return needs
}

/** The rows for which all conditions hold; queries inside them are planned. */
function filtered(input: PlanNode, conjuncts: readonly Predicate[], planning: Planning): PlanNode {
  if (conjuncts.length === 0) return input
  const subplans = conjuncts.flatMap(subqueriesOf).map((predicate): Subplan => {
    if (isCorrelated(predicate.query)) {
      // It is planned when it is asked, perhaps in a later turn; its collections are seen as of this one.
      visitReads(predicate.query, ({ collection }) => planning.tables.open(collection))
      return { predicate, root: undefined }
    }
    return { predicate, root: planBlock(predicate.query, planning).node }
  })
  const part = conjuncts.reduce((all, one) => all * selectivityOf(one), 1)
  const estimatedRows = input.estimatedRows * part
  return { kind: 'filter', where: combine('and', conjuncts), subplans, input, estimatedRows }
}

function selected(input: PlanNode, fields: NonNullable<QueryData['select']>): PlanNode {
  return { kind: 'select', fields, input, estimatedRows: input.estimatedRows }
}

function sorted(
  input: PlanNode,
  orderBy: readonly OrderKey[],
  runKeys: number | undefined,
  wanted: number | undefined,
): PlanNode {
  const { estimatedRows } = input
  // With the id among the keys nothing ties: the rows come in the whole order already.
  if (runKeys === orderBy.length && decides(orderBy[runKeys - 1]!, BY_ID.path)) return input
  if (runKeys !== undefined) return { kind: 'sortRuns', orderBy, runKeys, input, estimatedRows }
  if (wanted === undefined || wanted > MAX_TOP_K) return { kind: 'sort', orderBy, input, estimatedRows }
  return { kind: 'topK', orderBy, count: wanted, input, estimatedRows: Math.min(wanted, estimatedRows) }
}
