/** What explain says: the plan that was run, what it was expected to give, what it gave, and why no other was taken. */
import { formatPath } from '../base/path.ts'
import { textOfQuery } from '../text/text-query.ts'
import type { Measure } from './operators/measure.ts'
import { type Candidate, type ColumnRecords, inputsOf, type Plan, type PlanNode } from './plan.ts'
import { expressionText, orderText, pairsText, predicateText } from './predicate-text.ts'
import type { JoinClause, WindowField } from './query-data.ts'
import { combine } from './where.ts'

/** One operator of the plan. */
export interface ExplainNode {
  readonly operator: PlanNode['kind']
  readonly detail: string
  readonly estimatedRows: number
  readonly actualRows: number
  /** Its inputs' time included. */
  readonly elapsedMs: number
  readonly inputs: readonly ExplainNode[]
}

export interface ExplainData {
  readonly root: ExplainNode
  /** The ways to the records that were weighed. */
  readonly considered: readonly Candidate[]
  /** The rewriting rules that changed something. */
  readonly rules: readonly string[]
  readonly rows: number
  readonly elapsedMs: number
  /** What its operators held at once at most (sorts, groups, joins), about. */
  readonly heldBytes: number
}

export interface Explanation {
  /** For people. */
  readonly text: string
  /** The same, for programs. */
  readonly data: ExplainData
}

/** What a run leaves behind to be explained. */
interface ExplainedRun {
  readonly plan: Plan
  readonly measures: ReadonlyMap<PlanNode, Measure>
  readonly memory: { readonly peakBytes: number }
}

/** Explains a plan that was run to its end with every operator measured. */
export function explainRun({ plan, measures, memory }: ExplainedRun): Explanation {
  const root = explainNode(plan.root, measures)
  const considered = plan.candidates()
  const { actualRows: rows, elapsedMs } = root
  const data = { root, considered, rules: plan.rules, rows, elapsedMs, heldBytes: memory.peakBytes }
  const inputs = (node: PlanNode): readonly PlanNode[] => inputsThatRan(node, measures)
  const measuredLines = treeLines(plan.root, inputs, (node) => {
    const measure = measures.get(node)
    const note = measure?.note()
    return `${note === undefined ? '' : `, ${note}`} (estimated ${round(node.estimatedRows)}, actual ${measure?.rows ?? 0} rows, ${milliseconds(measure?.elapsedMs ?? 0)})`
  })
  const tables = new Set(considered.map(({ collection }) => collection))
  const held = memory.peakBytes === 0 ? [] : [`held: ${round(memory.peakBytes)} bytes at most, about`]
  const rules = plan.rules.length === 0 ? [] : [`rules: ${plan.rules.join(', ')}`]
  return {
    text: [
      ...measuredLines,
      '',
      ...held,
      ...rules,
      ...considered.map((one) => candidateText(one, tables.size > 1)),
    ].join('\n'),
    data,
  }
}

/** The plan alone, with its estimates. */
export function planText(plan: Plan): string {
  return treeLines(plan.root, inputsOf, (node) => ` (estimated ${round(node.estimatedRows)} rows)`).join('\n')
}

function explainNode(node: PlanNode, measures: ReadonlyMap<PlanNode, Measure>): ExplainNode {
  const measure = measures.get(node)
  return {
    operator: node.kind,
    detail: [detailOf(node), measure?.note() ?? ''].filter((text) => text !== '').join(', '),
    estimatedRows: round(node.estimatedRows),
    actualRows: measure?.rows ?? 0,
    elapsedMs: measure?.elapsedMs ?? 0,
    inputs: inputsThatRan(node, measures).map((input) => explainNode(input, measures)),
  }
}

/** With the rows that were read for want of a column. */
function inputsThatRan(node: PlanNode, measures: ReadonlyMap<PlanNode, Measure>): readonly PlanNode[] {
  const fallback = 'fallback' in node ? node.fallback : undefined
  return fallback !== undefined && measures.has(fallback) ? [fallback] : inputsOf(node)
}

function treeLines(
  root: PlanNode,
  inputsOfNode: (node: PlanNode) => readonly PlanNode[],
  suffix: (node: PlanNode) => string,
): readonly string[] {
  const lines: string[] = []
  const walk = (node: PlanNode, head: string, rest: string): void => {
    const detail = detailOf(node)
    lines.push(`${head}${node.kind}${detail === '' ? '' : ` ${detail}`}${suffix(node)}`)
    const inputs = inputsOfNode(node)
    inputs.forEach((input, i) => {
      const isLast = i === inputs.length - 1
      walk(input, `${rest}${isLast ? '└─ ' : '├─ '}`, `${rest}${isLast ? '   ' : '│  '}`)
    })
  }
  walk(root, '', '')
  return lines
}

function detailOf(node: PlanNode): string {
  switch (node.kind) {
    case 'get':
      return node.ids.length === 1 ? `id ${JSON.stringify(node.ids[0])}` : `${node.ids.length} ids`
    case 'scan':
      return node.early === undefined ? '' : `leaving out early what fails ${predicateText(node.early)}`
    case 'intersect':
      return node.scans.map(({ index, ranges }) => `${index.name}, ${rangesText(ranges)}`).join(' and ')
    case 'columnScan':
      return recordsText(node)
    case 'columnGroup': {
      const keys = node.keys.map(({ path }) => formatPath(path))
      return `${keys.length === 0 ? 'all rows' : `by ${keys.join(', ')}`}${andRecords(node)}`
    }
    case 'columnTop':
      return `${node.count} by ${orderText(node.orderBy)}${andRecords(node)}`
    case 'columnNearest':
      return `${node.count} by ${formatPath(node.nearest.path)}${andRecords(node)}`
    case 'columnWindow': {
      const kept = node.keep === undefined ? '' : `, keeping ${predicateText(node.keep)}`
      return `${windowsText(node.windows)}${kept}${andRecords(node)}`
    }
    case 'concat':
    case 'distinct':
      return ''
    case 'search':
      return `${textOfQuery(node.query)}${node.most === undefined ? '' : `, the best ${node.most}`}`
    case 'indexScan': {
      const direction = node.reverse ? ', backwards' : ''
      const proven = node.proven.length === 0 ? '' : `, exactly ${predicateText(combine('and', node.proven))}`
      return `${node.index.name}, ${rangesText(node.ranges)}${direction}${proven}`
    }
    case 'filter':
      return predicateText(node.where)
    case 'resume':
      return `after id ${JSON.stringify(node.after.id)}`
    case 'sortRuns': {
      const given = orderText(node.orderBy.slice(0, node.runKeys))
      return `${orderText(node.orderBy)} (the index gives ${given})`
    }
    case 'sort':
      return orderText(node.orderBy)
    case 'topK':
      return `${node.count} by ${orderText(node.orderBy)}`
    case 'slice':
      return `offset ${node.offset}, limit ${node.limit ?? 'none'}`
    case 'hashJoin':
      return node.build === 'left' ? `${joinText(node.join)}, holding the rows so far` : joinText(node.join)
    case 'mergeJoin':
      return `${joinText(node.join)}, both in that order`
    case 'lookupJoin':
      return `${joinText(node.join)}, by ${node.index === undefined ? 'id' : `index ${node.index.name}`} of ${node.collection}`
    case 'compute':
      return node.fields.map(({ name, value }) => `${name} = ${expressionText(value)}`).join(', ')
    case 'group':
    case 'groupSorted': {
      const keys = node.group.keys.map(({ value }) => expressionText(value))
      return keys.length === 0 ? 'all rows' : `by ${keys.join(', ')}`
    }
    case 'window':
      return windowsText(node.fields)
    case 'nearest':
      return formatPath(node.nearest.path)
    case 'distinctRows':
      return 'by value'
    case 'set':
      return node.operation
    case 'select':
      return node.fields.map((field) => formatPath(field.path)).join(', ')
  }
}

function windowsText(fields: readonly WindowField[]): string {
  return fields.map(({ name, fn }) => `${name} = ${fn}`).join(', ')
}

function rangesText({ length }: readonly unknown[]): string {
  return `${length} ${length === 1 ? 'range' : 'ranges'}`
}

function recordsText({ collection, where, lookups }: ColumnRecords): string {
  const found = lookups.map(({ kind, as, collection: other, key }) => {
    return `${kind}${as === '' ? '' : ` ${as}`} by id of ${other} = ${formatPath(key)}`
  })
  return [collection, ...found, ...(where === undefined ? [] : [predicateText(where)])].join(', ')
}

function andRecords(records: ColumnRecords): string {
  return `, of ${recordsText(records)}`
}

function joinText({ kind, as, on }: JoinClause): string {
  return `${kind}${as === '' ? '' : ` ${as}`} on ${pairsText(on)}`
}

/** One way; with the collection where there are several. */
function candidateText(candidate: Candidate, namesCollection: boolean): string {
  const mark = candidate.chosen ? 'taken' : 'not taken'
  const cost = candidate.cost === undefined ? '' : `, cost ${round(candidate.cost)}`
  return `${mark}: ${candidate.access}${namesCollection ? ` of ${candidate.collection}` : ''}${cost}: ${candidate.reason}`
}

function round(figure: number): number {
  return Math.round(figure)
}

function milliseconds(elapsedMs: number): string {
  return `${elapsedMs.toFixed(3)} ms`
}
