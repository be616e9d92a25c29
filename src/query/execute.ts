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
import type { Path } from '../base/values.ts'
import { placePaths } from './column-tests.ts'
import { CollectionScan } from './operators/collection-scan.ts'
import { ColumnChoice } from './operators/column-choice.ts'
import { ColumnGroup, groupPaths } from './operators/column-group.ts'
import { ColumnInputs } from './operators/column-inputs.ts'
import { ColumnNearest } from './operators/column-nearest.ts'
import { ColumnScan } from './operators/column-scan.ts'
import { ColumnTop } from './operators/column-top.ts'
import { Concat } from './operators/concat.ts'
import { Distinct } from './operators/distinct.ts'
import { FilterRows } from './operators/filter-rows.ts'
import { IndexScan } from './operators/index-scan.ts'
import { Measure } from './operators/measure.ts'
import { type Operator, readByRow, STRIDE, type Step, skipByRow } from './operators/operator.ts'
import { PointGet } from './operators/point-get.ts'
import { MOST_AHEAD } from './operators/read-ahead.ts'
import { Select } from './operators/select.ts'
import { Slice } from './operators/slice.ts'
import { Sort } from './operators/sort.ts'
import { SortRuns } from './operators/sort-runs.ts'
import { TopK } from './operators/top-k.ts'
import { Track } from './operators/track.ts'
import { type ColumnRecords, inputsOf, type Plan, type PlanNode } from './plan.ts'
import { isSimple, planQuery } from './planner.ts'
import { compilePredicate } from './predicate.ts'
import { everyRecord, type QueryData } from './query-data.ts'
import { ReadTracker } from './read-tracker.ts'
import { visitReads } from './reads.ts'
import { compileOrder, type RowKey } from './row-order.ts'
import type { QueryRunner, Row } from './source.ts'
import { Tables } from './tables.ts'

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
}

/** Starts a run of the query. Whoever starts one closes it. */
export function openExecution(data: QueryData, runner: QueryRunner, options: ExecuteOptions = {}): Execution {
  const tables = new Tables(runner)
  try {
    const plan = planQuery(data, tables, options.after, options.counts)
    const measures = new Map<PlanNode, Measure>()
    const { clock, rowByRow = false } = options
    const tracker = noteReads(data, plan, tables, options.after)
    const root = build(plan.root, { tables, tracker, measures, clock, rowByRow })
    return {
      plan,
      measures,
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
function noteReads(data: QueryData, plan: Plan, tables: Tables, after: RowKey | undefined): ReadTracker | undefined {
  const source = tables.open(data.collection)
  if (source.tracksReads === false) return undefined
  if (isSimple(data)) {
    const tracker = new ReadTracker(data, plan.orderBy, after)
    source.readPredicate(tracker)
    return tracker
  }
  visitReads(data, (collection, where) => {
    const tracker = new ReadTracker({ ...everyRecord(collection), where }, [], undefined)
    tracker.noteAll()
    tables.open(collection).readPredicate(tracker)
  })
  return undefined
}

interface Building {
  readonly tables: Tables
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
      return new PointGet(b.tables.open(node.collection), node.ids)
    case 'scan':
      return new CollectionScan(b.tables.open(node.collection), node.early, mostAhead)
    case 'indexScan':
      return new IndexScan(b.tables.open(node.collection), node, mostAhead)
    case 'columnScan':
      return overColumns(node, b, mostAhead, [], (columns) => new ColumnScan(columns, mostAhead))
    case 'columnGroup':
      return overColumns(node, b, mostAhead, groupPaths(node), (columns) => new ColumnGroup(columns, node))
    case 'columnTop': {
      const paths = node.orderBy.map(({ path }) => path)
      return overColumns(node, b, mostAhead, paths, (columns) => new ColumnTop(columns, node))
    }
    case 'columnNearest': {
      const { path, kind } = node.nearest
      const paths = kind === 'place' ? placePaths(path) : [path]
      return overColumns(node, b, mostAhead, paths, (columns) => new ColumnNearest(columns, node))
    }
    case 'concat':
      return new Concat(inputs)
    case 'distinct':
      return new Distinct(input)
    case 'filter':
      return new FilterRows(input, compilePredicate(node.where))
    case 'resume': {
      const order = compileOrder(node.orderBy)
      return new FilterRows(input, (row) => order.compare(order.place(row), node.after) > 0)
    }
    case 'sortRuns': {
      return new SortRuns(input, compileOrder(node.orderBy), compileOrder(node.orderBy.slice(0, node.runKeys)))
    }
    case 'sort':
      return new Sort(input, compileOrder(node.orderBy))
    case 'topK':
      return new TopK(input, compileOrder(node.orderBy), node.count)
    case 'slice':
      return new Slice(input, node.offset, node.limit)
    case 'select':
      return new Select(input, node.fields)
    case 'hashJoin':
    case 'lookupJoin':
    case 'mergeJoin':
    case 'compute':
    case 'group':
    case 'window':
    case 'nearest':
    case 'distinctRows':
    case 'set':
      throw new Error(`${node.kind} is not built, ${other === undefined}`)
  }
}

/** Runs over columns, or the node's fallback, which is built when it is known to be needed. */
function overColumns(
  node: Extract<PlanNode, ColumnRecords>,
  b: Building,
  mostAhead: number,
  paths: readonly Path[],
  operator: (columns: ColumnInputs) => Operator,
): Operator {
  const { fallback } = node
  const columns = new ColumnInputs(node, paths, (collection) => b.tables.open(collection))
  return new ColumnChoice(columns, operator, fallback && (() => buildNode(fallback, b, mostAhead)))
}
