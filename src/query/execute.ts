/**
 * Queries. A query is frozen data (query-data.ts), made by a builder that does nothing else (builder.ts):
 *
 *   db.bugs.where({ status: 'open' }).orderBy('priority', 'desc').limit(2)
 *        │ builder        QueryData: plain, frozen, no snapshot
 *        │ planner        by id, by an index, or by a scan: the cheapest by estimates
 *        ▼
 *   slice 0, 2              ▲ rows, one at a time, pulled by next()
 *   └─ sortRuns priority desc
 *      └─ filter status = "open"
 *         └─ indexScan status_priority, backwards
 *        │
 *   RecordSource (source.ts): one collection at one snapshot, given by the engine
 *
 * `openExecution` is the crossing: it opens the source, plans, builds one operator for each node of the plan, and
 * tells the source what will be read. run.ts pulls: at once, in slices, or row by row for the caller.
 *
 * What holds:
 * - A plan changes how long a query takes, never what it gives: the filter above an access path tests all of the
 *   `where` that the path does not prove for each record it gives.
 * - One run sees one snapshot, and the snapshot is released when the run ends, however it ends.
 * - No call of an operator's `next()` takes long (operators/operator.ts), so the yielding run is the same run.
 * - Nothing in here can write.
 *
 * - All collections of a run are opened in the turn in which it begins, so they are seen at one snapshot.
 */
import type { Path, Value } from '../base/values.ts'
import { equalValues } from '../codec/order.ts'
import { compileAggregate } from './aggregates.ts'
import { placePaths } from './column-tests.ts'
import type { RowValue } from './expression.ts'
import { narrow } from './fields-read.ts'
import { keyRanges } from './index-ranges.ts'
import { CollectionScan } from './operators/collection-scan.ts'
import { ColumnChoice } from './operators/column-choice.ts'
import { ColumnGroup, groupPaths } from './operators/column-group.ts'
import { ColumnInputs } from './operators/column-inputs.ts'
import { ColumnNearest } from './operators/column-nearest.ts'
import { ColumnScan } from './operators/column-scan.ts'
import { ColumnTop } from './operators/column-top.ts'
import { ColumnWindow, type ColumnWindowSpec, partitionPaths, windowPaths } from './operators/column-window.ts'
import { ComputeRows } from './operators/compute-rows.ts'
import { Concat } from './operators/concat.ts'
import { DistinctRows } from './operators/distinct-rows.ts'
import { FilterRows } from './operators/filter-rows.ts'
import { GroupRows, GroupSorted, type GroupSpec } from './operators/group-rows.ts'
import { HashJoin } from './operators/hash-join.ts'
import { IndexIntersection } from './operators/index-intersection.ts'
import { IndexScan } from './operators/index-scan.ts'
import { idOf } from './operators/key-slots.ts'
import { LookupJoin, type LookupJoinOptions } from './operators/lookup-join.ts'
import { Measure } from './operators/measure.ts'
import { MergeJoin, type MergeJoinOptions } from './operators/merge-join.ts'
import { NearestRows } from './operators/nearest-rows.ts'
import { type Operator, readByRow, STRIDE, type Step, skipByRow } from './operators/operator.ts'
import { PointGet } from './operators/point-get.ts'
import { MOST_AHEAD } from './operators/read-ahead.ts'
import { Select } from './operators/select.ts'
import { SetRows } from './operators/set-rows.ts'
import { Slice } from './operators/slice.ts'
import { Sort } from './operators/sort.ts'
import { SortRuns } from './operators/sort-runs.ts'
import { EachRow, type Prepared, SubqueryFilter } from './operators/subquery-filter.ts'
import { TextSearch } from './operators/text-search.ts'
import { TopK } from './operators/top-k.ts'
import { Track } from './operators/track.ts'
import { WindowRows } from './operators/window-rows.ts'
import { type ColumnRecords, type FieldNames, inputsOf, type Plan, type PlanNode } from './plan.ts'
import { isSimple, planQuery } from './planner.ts'
import { compileExpression, compilePredicate } from './predicate.ts'
import { askEachRow, keySet } from './prepared-subqueries.ts'
import { BY_ID, everyRecord, type NamedExpression, type QueryData, type SearchClause } from './query-data.ts'
import { QueryMemory } from './query-memory.ts'
import { ReadTracker } from './read-tracker.ts'
import { visitReads } from './reads.ts'
import { compileOrder, type RowKey } from './row-order.ts'
import { SearchRead, textOf } from './search-read.ts'
import type { IndexInfo, QueryRunner, RecordSource, Row } from './source.ts'
import { Tables } from './tables.ts'
import { compileJoinKey, valueKey } from './value-key.ts'
import { isKeyable } from './value-range.ts'
import { compileWindow } from './window-fields.ts'

export interface ExecuteOptions {
  /** Continue an ordered query behind this place. */
  readonly after?: RowKey | undefined
  /** Measure every operator by this clock, for explain. */
  readonly clock?: (() => number) | undefined
  /** Code of the caller runs between two rows: none is read before it is asked for. */
  readonly rowByRow?: boolean
  /** The rows are only counted. */
  readonly counts?: boolean
}

/** A query that is running. */
export interface Execution {
  readonly plan: Plan
  /** The next step of the root operator. */
  next(): Step
  /** Appends some rows: how many, 0 for a pause, END at the end. */
  read(rows: Row[]): number
  /** Passes over some rows, the fewest possible made for it: how many, 0 for a pause, END at the end. */
  skip(): number
  /** Ends the run and releases the snapshot. Idempotent. */
  close(): void
  /** With a clock: what each node of the plan really did. */
  readonly measures: ReadonlyMap<PlanNode, Measure>
  /** What its operators hold together. */
  readonly memory: QueryMemory
}

/** Starts a run of the query. Whoever starts one closes it. */
export function openExecution(data: QueryData, runner: QueryRunner, options: ExecuteOptions = {}): Execution {
  const tables = new Tables(runner)
  try {
    const plan = planQuery(data, tables, options.after, options.counts)
    const measures = new Map<PlanNode, Measure>()
    const { clock, rowByRow = false } = options
    const searches: Searches = new Map()
    const tracker = noteReads(data, plan, { tables, searches, after: options.after })
    const memory = new QueryMemory(runner.memoryBytes ?? Number.POSITIVE_INFINITY)
    const root = build(plan.root, { tables, searches, memory, tracker, measures, clock, rowByRow })
    return {
      plan,
      measures,
      memory,
      next: () => root.next(),
      read: (rows) => (root.read === undefined ? readByRow(root, rows) : root.read(rows, MOST_AHEAD)),
      skip: () => (root.skip === undefined ? skipByRow(root) : root.skip(STRIDE)),
      close: () => {
        root.close()
        tables.close()
      },
    }
  } catch (error) {
    tables.close()
    throw error
  }
}

/**
 * Tells the sources what is read. Of a simple query that is known by the rows that it hands out, and the tracker of
 * them is given back; of any other all that its collections hold and its filters let through.
 */
function noteReads(
  data: QueryData,
  plan: Plan,
  {
    tables,
    searches,
    after,
  }: { readonly tables: Tables; readonly searches: Searches; readonly after: RowKey | undefined },
): ReadTracker | undefined {
  const source = tables.open(data.collection)
  if (source.tracksReads === false) return undefined
  if (isSimple(data)) {
    const tracker = new ReadTracker(data, plan.orderBy, after)
    source.readPredicate(tracker)
    return tracker
  }
  visitReads(data, ({ collection, where, search }) => {
    const tracker = new ReadTracker({ ...everyRecord(collection), where }, [], undefined)
    tracker.noteAll()
    const table = tables.open(collection)
    if (search === undefined) table.readPredicate(tracker)
    else {
      const read = new SearchRead(tracker, textOf(table))
      searches.set(search, [...(searches.get(search) ?? []), read])
      table.readPredicate(read)
    }
  })
  return undefined
}

/**
 * The searches of a read-write transaction: what they have seen is known when they are run. One clause may stand in
 * several parts of a query, with other filters beside it.
 */
type Searches = Map<SearchClause, readonly SearchRead[]>

interface Building {
  readonly tables: Tables
  readonly searches: Searches
  readonly memory: QueryMemory
  readonly tracker: ReadTracker | undefined
  readonly measures: Map<PlanNode, Measure>
  readonly clock: (() => number) | undefined
  readonly rowByRow: boolean
}

/** The operators of the whole tree: what the caller gets is noted below the projection, while rows are whole. */
function build(root: PlanNode, b: Building): Operator {
  const mostAhead = b.rowByRow ? 1 : MOST_AHEAD
  if (root.kind !== 'select') return tracked(buildNode(root, b, mostAhead), b.tracker)
  return measured(root, new Select(tracked(buildNode(root.input, b, mostAhead), b.tracker), root.fields), b)
}

function tracked(operator: Operator, tracker: ReadTracker | undefined): Operator {
  return tracker === undefined ? operator : new Track(operator, tracker)
}

/** `mostAhead`: rows of the node that may be read before they are asked for. */
function buildNode(node: PlanNode, b: Building, mostAhead: number): Operator {
  const inputs = inputsOf(node).map((input) => buildNode(input, b, aheadBelow(node, mostAhead)))
  return measured(node, operatorOf(node, inputs, b, mostAhead), b)
}

/** A limit may end the run at any row; a sort takes in all before it gives the first. */
function aheadBelow(node: PlanNode, mostAhead: number): number {
  if (node.kind === 'slice' && node.limit !== undefined) return 1
  return node.kind === 'sort' || node.kind === 'topK' || node.kind === 'group' ? MOST_AHEAD : mostAhead
}

function measured(node: PlanNode, operator: Operator, b: Building): Operator {
  if (b.clock === undefined) return operator
  const measure = new Measure(operator, b.clock)
  b.measures.set(node, measure)
  return measure
}

/** `inputs` are the operators of the node's inputs: as many as it has. */
function operatorOf(node: PlanNode, inputs: readonly Operator[], b: Building, mostAhead: number): Operator {
  const input = inputs[0]!
  const other = inputs[1]!
  switch (node.kind) {
    case 'get':
      return new PointGet(recordsOf(node, b), node.ids)
    case 'scan':
      return new CollectionScan(recordsOf(node, b), node.early, mostAhead)
    case 'search': {
      const { derived } = b.tables.open(node.collection)
      // The planner has seen that there is an index.
      return new TextSearch(derived!, derived!.text!, {
        query: node.query,
        highlights: node.search.highlights,
        most: node.most,
        reads: b.searches.get(node.search) ?? [],
      })
    }
    case 'indexScan':
      return new IndexScan(recordsOf(node, b), node, mostAhead)
    case 'intersect':
      return new IndexIntersection(recordsOf(node, b), node.scans, mostAhead)
    case 'columnScan':
      return overColumns(node, b, mostAhead, [], (columns) => new ColumnScan(columns, mostAhead))
    case 'columnGroup':
      return overColumns(
        node,
        b,
        mostAhead,
        groupPaths(node),
        (columns) => new ColumnGroup(columns, node, b.memory),
        node.keys.map(({ path }) => path),
      )
    case 'columnTop': {
      const paths = node.orderBy.map(({ path }) => path)
      return overColumns(node, b, mostAhead, paths, (columns) => new ColumnTop(columns, node))
    }
    case 'columnNearest': {
      const { path, kind } = node.nearest
      const paths = kind === 'place' ? placePaths(path) : [path]
      return overColumns(node, b, mostAhead, paths, (columns) => new ColumnNearest(columns, node))
    }
    case 'columnWindow':
      return columnWindow(node, b, mostAhead)
    case 'concat':
      return new Concat(inputs)
    case 'distinct':
      return new DistinctRows(input, ({ id }) => id, b.memory)
    case 'filter':
      return node.subplans.length === 0
        ? new FilterRows(input, compilePredicate(node.where))
        : subqueryFilter(node, input, inputs.slice(1), b)
    case 'resume': {
      const order = compileOrder(node.orderBy)
      return new FilterRows(input, (row) => order.compare(order.place(row), node.after) > 0)
    }
    case 'sortRuns': {
      const run = compileOrder(node.orderBy.slice(0, node.runKeys))
      return new SortRuns(input, { whole: compileOrder(node.orderBy), run }, b.memory)
    }
    case 'sort':
      return new Sort(input, compileOrder(node.orderBy), b.memory)
    case 'topK':
      return new TopK(input, compileOrder(node.orderBy), node.count, b.memory)
    case 'slice':
      return new Slice(input, node.offset, node.limit)
    case 'select':
      return new Select(input, node.fields)
    case 'hashJoin': {
      const { kind, as, on } = node.join
      const leftKey = compileJoinKey(on.map(({ left }) => compileExpression(left)))
      const rightKey = compileJoinKey(on.map(({ right }) => compileExpression(right)))
      return new HashJoin(input, other, {
        ...{ kind, as, leftKey, rightKey, build: node.build, copies: node.copies, memory: b.memory },
      })
    }
    case 'mergeJoin': {
      const { kind, as, on } = node.join
      const { left, right } = on[0]!
      return new MergeJoin(input, other, {
        kind: kind as MergeJoinOptions['kind'],
        as,
        left: compileExpression(left),
        right: compileExpression(right),
        descending: node.descending,
        copies: node.copies,
        memory: b.memory,
      })
    }
    case 'lookupJoin':
      return lookupJoin(node, input, recordsOf(node, b))
    case 'compute':
      return new ComputeRows(input, node.fields.map(compileNamed))
    case 'group':
      return new GroupRows(input, compileGroup(node), b.memory)
    case 'groupSorted':
      return new GroupSorted(input, compileGroup(node), b.memory)
    case 'window':
      return new WindowRows(
        input,
        node.fields.map((field) => compileWindow(field, node.identity)),
        b.memory,
      )
    case 'nearest':
      return new NearestRows(input, node.nearest)
    case 'distinctRows':
      return new DistinctRows(input, valueKey, b.memory)
    case 'set':
      if (node.operation === 'unionAll') return new Concat(inputs)
      if (node.operation === 'union') return new DistinctRows(new Concat(inputs), valueKey, b.memory)
      return new SetRows(input, other, { kind: node.operation, memory: b.memory })
  }
}

/** The collection of a node, as far as its records are read. */
function recordsOf(node: { readonly collection: string; readonly fields?: FieldNames }, b: Building): RecordSource {
  return narrow(b.tables.open(node.collection), node.fields)
}

/** Runs over columns, or the node's fallback, which is built when it is known to be needed. */
function overColumns(
  node: Extract<PlanNode, ColumnRecords>,
  b: Building,
  mostAhead: number,
  paths: readonly Path[],
  operator: (columns: ColumnInputs) => Operator,
  keys: readonly Path[] = [],
): Operator {
  const { fallback } = node
  const columns = new ColumnInputs(node, paths, (collection) => b.tables.open(collection), keys)
  return new ColumnChoice(columns, operator, fallback && (() => buildNode(fallback, b, mostAhead)))
}

function columnWindow(node: Extract<PlanNode, { kind: 'columnWindow' }>, b: Building, mostAhead: number): Operator {
  const { windows: fields, identity, keep, fallback } = node
  const overRows = (): Operator => {
    const rows = buildNode(fallback, b, mostAhead)
    return keep === undefined ? rows : new FilterRows(rows, compilePredicate(keep))
  }
  const spec: ColumnWindowSpec = {
    fields,
    compiled: fields.map((field) => compileWindow(field, identity)),
    keep: keep && compilePredicate(keep),
    overRows,
  }
  const inputs = new ColumnInputs(
    node,
    windowPaths(fields),
    (collection) => b.tables.open(collection),
    partitionPaths(fields),
  )
  return new ColumnChoice(inputs, (columns) => new ColumnWindow(columns, spec, b.memory), overRows)
}

function compileNamed({ name, value }: NamedExpression): { readonly name: string; readonly value: RowValue } {
  return { name, value: compileExpression(value) }
}

type GroupNode = Extract<PlanNode, { kind: 'group' | 'groupSorted' }>

function compileGroup({ group, identity }: GroupNode): GroupSpec {
  const ties = identity.map((path) => ({ ...BY_ID, path }))
  return {
    keys: group.keys.map(compileNamed),
    aggregates: group.aggregates.map((one) => compileAggregate(one, ties)),
  }
}

/** By id, or by the first part of an index; what is found must meet all pairs and the other side's filter. */
function lookupJoin(
  node: Extract<PlanNode, { kind: 'lookupJoin' }>,
  input: Operator,
  source: RecordSource,
): LookupJoin {
  const { join, pair, index } = node
  const lefts = join.on.map(({ left }) => compileExpression(left))
  const rights = join.on.map(({ right }) => compileExpression(right))
  const where = join.other.where === undefined ? undefined : compilePredicate(join.other.where)
  return new LookupJoin(input, {
    kind: join.kind as LookupJoinOptions['kind'],
    as: join.as,
    by: lefts[pair]!,
    findsOne: index === undefined || (index.unique && index.parts.length === 1),
    find:
      index === undefined
        ? { kind: 'one', get: byId(source) }
        : { kind: 'several', open: (value) => openIndexed(source, index, value) },
    matches: (row, other) => {
      for (let i = 0; i < lefts.length; i++) if (!joins(lefts[i]!(row), rights[i]!(other))) return false
      return where === undefined || where(other)
    },
  })
}

/** The record whose id is a value, if it is one. */
function byId(source: RecordSource): (value: Value) => Row | undefined {
  return (value) => {
    const id = idOf(value)
    return id === undefined ? undefined : source.get(id)
  }
}

/** The records that an index may have for a value of its first part. */
function openIndexed(source: RecordSource, index: IndexInfo, value: Value): Operator {
  if (!isKeyable(value, false)) return new CollectionScan(source, undefined, MOST_AHEAD)
  const ranges = keyRanges(index, { points: [[value]], range: undefined })
  const found = { kind: 'indexScan', collection: source.collection, index, ranges, reverse: false } as const
  return new IndexScan(source, { ...found, proven: [], estimatedRows: 0 }, MOST_AHEAD)
}

function joins(a: Value | undefined, b: Value | undefined): boolean {
  return a !== undefined && a !== null && b !== undefined && b !== null && equalValues(a, b)
}

/** `others` are the operators of the subplans that are run beforehand, in their order. */
function subqueryFilter(
  node: Extract<PlanNode, { kind: 'filter' }>,
  input: Operator,
  others: readonly Operator[],
  b: Building,
): SubqueryFilter {
  const left = [...others]
  const prepared = node.subplans.map(({ predicate, root }): Prepared => {
    const operator = root === undefined ? undefined : left.shift()
    return operator === undefined
      ? new EachRow(
          predicate,
          askEachRow(predicate, (data) => openWithin(data, b)),
        )
      : keySet(predicate, operator, b.memory)
  })
  return new SubqueryFilter(input, prepared, (answers) => compilePredicate(node.where, answers))
}

/** A run of a query within another one, over the same tables. */
function openWithin(data: QueryData, b: Building): Operator {
  const { root } = planQuery(data, b.tables)
  return buildNode(root, { ...b, clock: undefined, tracker: undefined }, 1)
}
