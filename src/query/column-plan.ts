/**
 * When queries run over columns. A part of a plan whose shape fits is offered a node over columns, with what the rows
 * would cost; the node is taken when it is cheaper, and holds the row plan as its fallback.
 *
 * A cost of 1 is a record read by a scan, as in access.ts. Columns that are there cost next to nothing: a kernel goes over
 * a million rows in the time in which a scan reads some thousands. Columns that are missing are built in the query. That is
 * allowed to make this one query dearer by FIRST_TIMES, because the next one will find them; and a column that was wanted
 * before is built when the kernels alone are worth it. (docs/decisions/0019)
 *
 * `hint: 'columns'` takes what the shape allows at any cost, without a fallback, and is refused where nothing of the block
 * could be run over columns; every other hint rules them out.
 */
import { formatPath } from '../base/path.ts'
import type { Path } from '../base/values.ts'
import type { ColumnSet } from '../columns/column-set.ts'
import { isFiltered } from './block-shape.ts'
import { invalidQuery } from './capture.ts'
import { columnPathsOf, isColumnPath, placePaths } from './column-tests.ts'
import { fieldsRead } from './fields-read.ts'
import type { JoinFilter } from './join-plan.ts'
import { isOfPaths, partitionPaths, windowPaths } from './operators/column-window.ts'
import { MAX_TOP_K } from './operators/top-k.ts'
import type { Candidate, ColumnAggregate, ColumnKey, ColumnLookup, ColumnRecords, PlanNode } from './plan.ts'
import type { Planned, Planning } from './planning.ts'
import {
  type Aggregate,
  conjunctsOf,
  type Expression,
  type JoinClause,
  type OrderKey,
  type Predicate,
  type QueryData,
} from './query-data.ts'
import { isCorrelated } from './references.ts'
import { samePath } from './same-predicate.ts'
import type { RecordSource } from './source.ts'
import { combine } from './where.ts'

/** A slot of a column under a kernel; a slot of a column that is built; a record that is decoded by its slot. */
const KERNEL_COST = 0.004
const BUILD_COST = 0.1
const DECODE_COST = 1.6
/** A key found in the other collection. */
const LOOKUP_COST = 0.3
/** Making the kernels. */
const SETUP_COST = 200
/** What costs less by rows is not worth asking columns. */
const LEAST_ROWS_COST = 2_000
/** How much dearer than by rows a query may be that builds its columns. */
const FIRST_TIMES = 1.5
/** What a column that was wanted before must save on each further query to be built now. */
const AGAIN_TIMES = 0.5

/** The conditions of a block by what they are about. */
export interface BlockParts {
  readonly base: readonly Predicate[]
  readonly joins: readonly JoinFilter[]
  readonly rest: readonly Predicate[]
}

/** What a node reads, or why there can be none. */
type Shape =
  | {
      readonly records: Omit<ColumnRecords, 'fallback'>
      readonly paths: readonly Path[]
      /** Of these, the ones whose values must repeat. */
      readonly keys?: readonly Path[]
    }
  | { readonly reason: string }

/** Refuses a hint for columns that nothing in the block could follow. */
export function assertColumns(data: QueryData, planning: Planning): void {
  if (data.hint?.kind !== 'columns') return
  const outcome = planning.columns.outcomes.get(data)
  // A collection that does not exist has no columns, and no rows.
  if (outcome === 'taken' || planning.tables.open(data.collection).rowCount() === 0) return
  throw invalidQuery('hint', `columns cannot be used here: ${outcome ?? 'the rows are read in another way'}`)
}

/** What was weighed, where columns were taken: the ways to the same records are then not, but for want of a column. */
export function withColumns(candidates: readonly Candidate[]): readonly Candidate[] {
  const last = new Map<string, Candidate>()
  for (const one of candidates) if (one.chosen && one.access === COLUMNS) last.set(one.collection, one)
  return candidates.map((one) => {
    const taken = last.get(one.collection)
    if (taken === undefined || taken === one || !one.chosen) return one
    return { ...one, chosen: false, reason: 'for want of a column' }
  })
}

/** The name of the way over columns among the candidates. */
const COLUMNS = 'columns'

/** Whether columns are asked at all: a hint decides, and what rows give cheaply is not worth the question. */
function areAsked({ hint }: QueryData, rows: Planned): boolean {
  return hint === undefined ? rows.cost >= LEAST_ROWS_COST : hint.kind === 'columns'
}

/** The records of a block by those of its conditions that columns can test; the others are left to a filter above. */
export function scanOnColumns(
  data: QueryData,
  conjuncts: readonly Predicate[],
  { rows, part }: { readonly rows: Planned; readonly part: number },
  planning: Planning,
): { readonly planned: Planned; readonly left: readonly Predicate[] } | undefined {
  if (!areAsked(data, rows)) return undefined
  const tested = conjuncts.filter((one) => columnPathsOf(one) !== undefined)
  const left = conjuncts.filter((one) => !tested.includes(one))
  const records = { collection: data.collection, where: whole(tested), lookups: [] }
  if (tested.length === 0 && data.hint?.kind !== 'columns') return undefined
  const matching = rows.node.estimatedRows
  const decoded = planning.columns.counted === data && left.length === 0 ? 0 : matching
  const shape: Shape = { records, paths: pathsOf(tested) }
  const planned = offer(data, shape, { rows, decoded: decoded * part, part }, planning, (fallback, found) => ({
    kind: 'columnScan',
    ...found,
    fallback,
    estimatedRows: matching,
  }))
  return planned === undefined ? undefined : { planned, left }
}

/** Records with what they look up by its id: joins, and queries that only say which ids there are. */
export function joinOnColumns(
  data: QueryData,
  parts: BlockParts,
  rows: Planned,
  planning: Planning,
): Planned | undefined {
  if (!areAsked(data, rows)) return undefined
  if (data.joins.length === 0 && !parts.base.some((one) => lookupQueryOf(one) !== undefined)) return undefined
  const shape = shapeOf(data, parts, [])
  const { estimatedRows } = rows.node
  const joined = data.joins.filter(({ as }) => as !== '').length
  const decoded = planning.columns.counted === data ? 0 : estimatedRows * (1 + joined)
  return offer(data, shape, { rows, decoded, part: 1 }, planning, (fallback, records) => ({
    kind: 'columnScan',
    ...records,
    fallback,
    estimatedRows,
  }))
}

/** The groups of a block; `rows` makes them of rows. */
export function groupOnColumns(
  data: QueryData,
  parts: BlockParts,
  rows: Planned,
  planning: Planning,
): Planned | undefined {
  const { group } = data
  if (group === undefined || !areAsked(data, rows)) return undefined
  const keys: ColumnKey[] = []
  const aggregates: ColumnAggregate[] = []
  for (const { name, value } of group.keys) if (value.kind === 'path') keys.push({ name, path: value.path })
  for (const one of group.aggregates) {
    const aggregate = aggregateOf(one)
    if (aggregate !== undefined) aggregates.push(aggregate)
  }
  const isPlain = keys.length === group.keys.length && aggregates.length === group.aggregates.length
  const paths = [...keys, ...aggregates.filter(({ fn }) => fn !== 'count')].map(({ path }) => path)
  const plain = isPlain ? shapeOf(data, parts, paths) : { reason: 'its groups are not of plain fields' }
  const shape = { ...plain, keys: keys.map(({ path }) => path) }
  const { estimatedRows } = rows.node
  return offer(data, shape, { rows, decoded: 0, part: 1 }, planning, (fallback, records) => ({
    kind: 'columnGroup',
    ...records,
    keys,
    aggregates,
    fallback,
    estimatedRows,
  }))
}

/** The distinct values of selected fields, as groups of which only the keys are wanted. */
export function distinctOnColumns(
  data: QueryData,
  conjuncts: readonly Predicate[],
  rows: Planned,
  planning: Planning,
): Planned | undefined {
  const { select, joins, computed, windows, group } = data
  if (select === undefined || group !== undefined || !areAsked(data, rows)) return undefined
  const isPlain = joins.every(addsNothing) && computed.length === 0 && windows.length === 0
  const paths = select.map(({ path }) => path)
  const parts = plainParts(data, conjuncts)
  const plain = isPlain ? shapeOf(data, parts, paths) : { reason: 'its distinct rows are not of plain fields' }
  const shape = { ...plain, keys: paths }
  const { estimatedRows } = rows.node
  return offer(data, shape, { rows, decoded: 0, part: 1 }, planning, (fallback, records) => ({
    kind: 'columnGroup',
    ...records,
    keys: select,
    aggregates: [],
    fallback,
    estimatedRows,
  }))
}

/** Rows among which are the first `wanted` of an order. */
export function topOnColumns(
  data: QueryData,
  conjuncts: readonly Predicate[],
  question: { readonly orderBy: readonly OrderKey[]; readonly wanted: number },
  rows: Planned,
  planning: Planning,
): Planned | undefined {
  const { joins, computed, windows, group, distinct, sets, nearest } = data
  const { wanted } = question
  if (!areAsked(data, rows)) return undefined
  if (wanted === 0 || wanted > MAX_TOP_K || group !== undefined || distinct || sets.length > 0) return undefined
  const isPlain = joins.every(addsNothing) && computed.length === 0 && windows.length === 0 && nearest === undefined
  const byId = question.orderBy.findIndex(({ path }) => samePath(path, ['id']))
  const orderBy = byId < 0 ? question.orderBy : question.orderBy.slice(0, byId)
  const last = question.orderBy.at(byId)
  const ordered = byId < 0 ? orderBy : question.orderBy.slice(0, byId + 1)
  const parts = plainParts(data, conjuncts)
  const shape: Shape = !isPlain
    ? { reason: 'its order is not one of plain records' }
    : ordered.some(({ nocase }) => nocase)
      ? { reason: 'its order ignores case' }
      : shapeOf(
          data,
          parts,
          orderBy.map(({ path }) => path),
        )
  const estimatedRows = Math.min(wanted, rows.node.estimatedRows)
  return offer(data, shape, { rows, decoded: estimatedRows, part: 1 }, planning, (fallback, records) => ({
    kind: 'columnTop',
    ...records,
    orderBy,
    idDescending: last?.descending === true,
    count: wanted,
    fallback,
    estimatedRows,
  }))
}

/** The nearest `wanted` rows; `rows` ranks them all. */
export function nearestOnColumns(
  data: QueryData,
  conjuncts: readonly Predicate[],
  wanted: number,
  rows: Planned,
  planning: Planning,
): Planned | undefined {
  const { nearest, joins, computed, windows, group, distinct, sets } = data
  if (nearest === undefined || wanted > MAX_TOP_K || !areAsked(data, rows)) return undefined
  const isPlain =
    joins.every(addsNothing) &&
    computed.length === 0 &&
    windows.length === 0 &&
    group === undefined &&
    sets.length === 0
  const paths = nearest.kind === 'place' ? placePaths(nearest.path) : [nearest.path]
  const parts = plainParts(data, conjuncts)
  const shape: Shape =
    isPlain && !distinct
      ? shapeOf({ ...data, nearest: undefined }, parts, paths)
      : { reason: 'more than records is ranked' }
  const estimatedRows = Math.min(wanted, rows.node.estimatedRows)
  return offer(data, shape, { rows, decoded: estimatedRows, part: 1 }, planning, (fallback, records) => ({
    kind: 'columnNearest',
    ...records,
    nearest,
    count: wanted,
    fallback,
    estimatedRows,
  }))
}

/** The records of a block with the fields of its windows. */
export function windowOnColumns(
  data: QueryData,
  parts: BlockParts,
  rows: Planned,
  identity: readonly Path[],
  planning: Planning,
): Planned | undefined {
  const { windows, joins, group } = data
  if (!areAsked(data, rows)) return undefined
  const isPlain = joins.length === 0 && group === undefined && windows.every(isOfPaths)
  const plain = isPlain ? shapeOf(data, parts, windowPaths(windows)) : { reason: 'its windows are not of plain fields' }
  const isOfOne = 'reason' in plain || plain.records.lookups.length === 0
  const shape: Shape = isOfOne
    ? { ...plain, keys: isPlain ? partitionPaths(windows) : [] }
    : { reason: 'its filter asks a query' }
  const { estimatedRows } = rows.node
  return offer(data, shape, { rows, decoded: estimatedRows, part: 1 }, planning, (_, records) => ({
    kind: 'columnWindow',
    ...records,
    windows,
    identity,
    keep: undefined,
    fallback: rows.node,
    estimatedRows,
  }))
}

function aggregateOf({ name, fn, of, where }: Aggregate): ColumnAggregate | undefined {
  if (where !== undefined) return undefined
  if (fn === 'count') return of === undefined ? { name, fn, path: [] } : undefined
  const isKnown = fn === 'countDistinct' || fn === 'sum' || fn === 'avg' || fn === 'min' || fn === 'max'
  return isKnown && of?.kind === 'path' ? { name, fn, path: of.path } : undefined
}

/** What a block over plain records and lookups reads, with further paths of its rows. */
function shapeOf(data: QueryData, { base, joins, rest }: BlockParts, paths: readonly Path[]): Shape {
  if (data.from !== undefined) return { reason: 'its rows are those of a query' }
  if (data.search !== undefined || data.nearest !== undefined) return { reason: 'its rows are ranked' }
  if (data.computed.length > 0) return { reason: 'it computes fields' }
  const names = new Set(joins.filter(({ join }) => !addsNothing(join)).map(({ join }) => join.as))
  const lookups: ColumnLookup[] = []
  for (const part of joins) {
    const lookup = lookupOf(part, names)
    if (lookup === undefined) return { reason: `its join ${part.join.as} does not find records by their id` }
    lookups.push(lookup)
  }
  const conjuncts: Predicate[] = []
  for (const one of [...base, ...rest]) {
    const asked = lookupQueryOf(one)
    const lookup = asked && lookupOf(asked, names)
    if (lookup !== undefined) lookups.push(lookup)
    else if (columnPathsOf(one) !== undefined) conjuncts.push(one)
    else return { reason: 'its filter is not one of plain fields' }
  }
  const all = [...pathsOf(conjuncts), ...paths]
  const isThere = (path: Path): boolean => (names.has(path[0] ?? '') ? isColumnPath(path.slice(1)) : isColumnPath(path))
  const strange = all.find((path) => !isThere(path))
  if (strange !== undefined) return { reason: `there is no column of ${formatPath(strange)}` }
  return { records: { collection: data.collection, where: whole(conjuncts), lookups }, paths: all }
}

function addsNothing({ kind }: Pick<JoinClause, 'kind'>): boolean {
  return kind === 'semi' || kind === 'anti'
}

/** The parts of a block whose joins add nothing. */
function plainParts({ joins }: QueryData, conjuncts: readonly Predicate[]): BlockParts {
  return { base: conjuncts, joins: joins.map((join) => ({ join, conjuncts: [] })), rest: [] }
}

/** A condition that asks a query for ids, or asks it by an id, as the join that it is. */
function lookupQueryOf(predicate: Predicate): JoinFilter | undefined {
  const isNot = predicate.kind === 'not'
  const asked = isNot ? predicate.of : predicate
  const kind = isNot ? 'anti' : 'semi'
  if (asked.kind === 'inQuery') {
    const { select, ...other } = asked.query
    const path = select?.[0]?.path
    if (path === undefined) return undefined
    const on = [{ left: asked.value, right: { kind: 'path', path } as const }]
    return { join: { kind, as: '', other: { ...other, select: undefined }, on }, conjuncts: [] }
  }
  if (asked.kind !== 'exists' || isCorrelated(asked.query)) return undefined
  return { join: { kind, as: '', other: asked.query, on: asked.on }, conjuncts: [] }
}

/** A join that finds one record by its id, by a field of the records themselves. */
function lookupOf({ join, conjuncts }: JoinFilter, names: ReadonlySet<string>): ColumnLookup | undefined {
  const { kind, as, other, on } = join
  const [pair] = on
  if (kind === 'right' || kind === 'full' || pair === undefined || on.length > 1) return undefined
  const key = pathOf(pair.left)
  const id = pathOf(pair.right)
  if (key === undefined || id === undefined || !samePath(id, ['id'])) return undefined
  if (!isColumnPath(key) || names.has(key[0]!) || !isFiltered(other)) return undefined
  const where = [...conjunctsOf(other.where), ...conjuncts]
  if (where.some((one) => columnPathsOf(one) === undefined)) return undefined
  return { kind, as, collection: other.collection, where: whole(where), key }
}

function pathOf(expression: Expression): Path | undefined {
  return expression.kind === 'path' ? expression.path : undefined
}

function whole(conjuncts: readonly Predicate[]): Predicate | undefined {
  return conjuncts.length === 0 ? undefined : combine('and', conjuncts)
}

function pathsOf(conjuncts: readonly Predicate[]): readonly Path[] {
  return conjuncts.flatMap((one) => columnPathsOf(one) ?? [])
}

/** What the node is weighed against, and what it will do beside running kernels. */
interface Weighed {
  /** What rows give, and cost. */
  readonly rows: Planned
  /** Records that are decoded. */
  readonly decoded: number
  /** The part of the collection that is read before enough was found. */
  readonly part: number
}

/** The node over columns, when it is to be taken. */
function offer(
  data: QueryData,
  shape: Shape,
  weighed: Weighed,
  planning: Planning,
  make: (fallback: PlanNode | undefined, records: Omit<ColumnRecords, 'fallback'>) => PlanNode,
): Planned | undefined {
  const { outcomes } = planning.columns
  const isDemanded = data.hint?.kind === 'columns'
  const weigh = 'reason' in shape ? shape : weightOf(shape, weighed, planning)
  const reason = 'reason' in weigh ? weigh.reason : undefined
  const isTaken = !('reason' in shape) && (isDemanded ? !('reason' in weigh) : reason === undefined && isWorth(weigh))
  if (isTaken && shape.records.lookups.some(addsNothing)) planning.rules.add('query to lookup')
  if (isTaken) outcomes.set(data, 'taken')
  else if (outcomes.get(data) !== 'taken') outcomes.set(data, reason ?? 'columns')
  noteCandidate(data, weigh, weighed, isTaken, planning)
  if (!isTaken || 'reason' in shape || 'reason' in weigh) return undefined
  return {
    node: make(isDemanded ? undefined : weighed.rows.node, { ...shape.records, fields: fieldsRead(data) }),
    cost: weigh.cost + weigh.building,
  }
}

interface Weight {
  /** With columns that are there. */
  readonly cost: number
  readonly building: number
  readonly isWantedAgain: boolean
  readonly rowsCost: number
}

function isWorth(weigh: Weight | { readonly reason: string }): boolean {
  if ('reason' in weigh) return false
  const { cost, building, isWantedAgain, rowsCost } = weigh
  if (building === 0) return cost < rowsCost
  return cost + building < FIRST_TIMES * rowsCost || (isWantedAgain && cost < AGAIN_TIMES * rowsCost)
}

function weightOf(
  { records, paths, keys = [] }: Exclude<Shape, { reason: string }>,
  { rows, decoded, part }: Weighed,
  planning: Planning,
): Weight | { readonly reason: string } {
  const own = planning.tables.open(records.collection)
  const names = new Map(records.lookups.filter((one) => !addsNothing(one)).map((lookup) => [lookup.as, lookup]))
  const wanted: { readonly source: RecordSource; readonly path: Path }[] = []
  for (const path of paths) {
    const lookup = names.get(path[0] ?? '')
    if (lookup === undefined) wanted.push({ source: own, path })
    else wanted.push({ source: planning.tables.open(lookup.collection), path: path.slice(1) })
  }
  let cost = SETUP_COST + decoded * DECODE_COST
  for (const { key, collection, where } of records.lookups) {
    const source = planning.tables.open(collection)
    if (source.derived === undefined) return { reason: `${collection} has no columns` }
    wanted.push({ source: own, path: key })
    for (const path of pathsOf(conjunctsOf(where))) wanted.push({ source, path })
    cost += source.rowCount() * LOOKUP_COST
  }
  if (own.derived === undefined) return { reason: `${records.collection} has no columns` }
  if (wanted.length === 0) cost += own.rowCount() * part * KERNEL_COST
  let building = 0
  let isWantedAgain = true
  const seen = new Set<string>()
  for (const { source, path } of wanted) {
    const name = `${source.collection} ${formatPath(path)}`
    if (seen.has(name)) continue
    seen.add(name)
    const columns = source.derived!.columns
    const known = columns.known(path)
    if (known?.kind === 'refused') return { reason: `${formatPath(path)}: ${known.reason}` }
    const isKey = source === own && keys.some((key) => samePath(key, path))
    if (isKey && known !== undefined && known.kind !== 'coded') {
      return { reason: `${formatPath(path)}: too many distinct values to group by` }
    }
    cost += source.rowCount() * part * KERNEL_COST
    if (known === undefined) building += source.rowCount() * BUILD_COST
    if (known === undefined && !wasWanted(columns, path, name, planning)) isWantedAgain = false
  }
  return { cost, building, isWantedAgain, rowsCost: rows.cost }
}

/** The paths that queries wanted columns of, whether or not they were taken. */
const wantedPaths = new WeakMap<ColumnSet, Set<string>>()

/** True when an earlier query wanted the column. */
function wasWanted(columns: ColumnSet, path: Path, name: string, { columns: { wanted } }: Planning): boolean {
  const known = wanted.get(name)
  if (known !== undefined) return known
  const paths = wantedPaths.get(columns) ?? new Set()
  wantedPaths.set(columns, paths)
  const text = formatPath(path)
  const before = paths.has(text)
  paths.add(text)
  wanted.set(name, before)
  return before
}

function noteCandidate(
  { collection }: QueryData,
  weigh: Weight | { readonly reason: string },
  { rows }: Weighed,
  chosen: boolean,
  planning: Planning,
): void {
  const access = COLUMNS
  planning.candidates.push(() => {
    if ('reason' in weigh) {
      return [{ collection, access, chosen, cost: undefined, estimatedRows: undefined, reason: weigh.reason }]
    }
    const { cost, building } = weigh
    const than = chosen ? 'instead of' : 'not worth it beside'
    const reason = `${building > 0 ? 'columns to be built, ' : ''}${than} rows for ${Math.round(rows.cost)}`
    return [{ collection, access, chosen, cost: cost + building, estimatedRows: rows.node.estimatedRows, reason }]
  })
}
