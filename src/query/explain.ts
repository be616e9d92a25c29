/** What explain says: the plan that was run, what it was expected to give, what it gave, and why no other was taken. */
import { formatPath } from '../base/path.ts'
import type { Measure } from './operators/measure.ts'
import { type Candidate, inputOf, type Plan, type PlanNode } from './plan.ts'
import { orderText, predicateText } from './predicate-text.ts'
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
  readonly rows: number
  readonly elapsedMs: number
}

export interface Explanation {
  /** For people. */
  readonly text: string
  /** The same, for programs. */
  readonly data: ExplainData
}

/** Explains a plan that was run to its end with every operator measured. */
export function explainRun(plan: Plan, measures: ReadonlyMap<PlanNode, Measure>): Explanation {
  const root = explainNode(plan.root, measures)
  const considered = plan.candidates()
  const data = { root, considered, rows: root.actualRows, elapsedMs: root.elapsedMs }
  const measuredLines = treeLines(plan.root, (node) => {
    const measure = measures.get(node)
    return ` (estimated ${round(node.estimatedRows)}, actual ${measure?.rows ?? 0} rows, ${milliseconds(measure?.elapsedMs ?? 0)})`
  })
  return { text: [...measuredLines, '', ...considered.map(candidateText)].join('\n'), data }
}

/** The plan alone, with its estimates. */
export function planText(plan: Plan): string {
  return treeLines(plan.root, (node) => ` (estimated ${round(node.estimatedRows)} rows)`).join('\n')
}

function explainNode(node: PlanNode, measures: ReadonlyMap<PlanNode, Measure>): ExplainNode {
  const measure = measures.get(node)
  const input = inputOf(node)
  return {
    operator: node.kind,
    detail: detailOf(node),
    estimatedRows: round(node.estimatedRows),
    actualRows: measure?.rows ?? 0,
    elapsedMs: measure?.elapsedMs ?? 0,
    inputs: input === undefined ? [] : [explainNode(input, measures)],
  }
}

function treeLines(root: PlanNode, suffix: (node: PlanNode) => string): readonly string[] {
  const lines: string[] = []
  let depth = 0
  for (let node: PlanNode | undefined = root; node !== undefined; node = inputOf(node)) {
    const indent = depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `
    const detail = detailOf(node)
    lines.push(`${indent}${node.kind}${detail === '' ? '' : ` ${detail}`}${suffix(node)}`)
    depth++
  }
  return lines
}

function detailOf(node: PlanNode): string {
  switch (node.kind) {
    case 'get':
      return node.ids.length === 1 ? `id ${JSON.stringify(node.ids[0])}` : `${node.ids.length} ids`
    case 'scan':
      return node.early === undefined ? '' : `leaving out early what fails ${predicateText(node.early)}`
    case 'distinct':
      return ''
    case 'indexScan': {
      const direction = node.reverse ? ', backwards' : ''
      const proven = node.proven.length === 0 ? '' : `, exactly ${predicateText(combine('and', node.proven))}`
      return `${node.index.name}, ${node.ranges.length} ${node.ranges.length === 1 ? 'range' : 'ranges'}${direction}${proven}`
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
    case 'select':
      return node.fields.map((field) => formatPath(field.path)).join(', ')
  }
}

function candidateText(candidate: Candidate): string {
  const mark = candidate.chosen ? 'taken' : 'not taken'
  const cost = candidate.cost === undefined ? '' : `, cost ${round(candidate.cost)}`
  return `${mark}: ${candidate.access}${cost}: ${candidate.reason}`
}

function round(figure: number): number {
  return Math.round(figure)
}

function milliseconds(elapsedMs: number): string {
  return `${elapsedMs.toFixed(3)} ms`
}
