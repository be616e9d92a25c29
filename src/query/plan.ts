/**
 * A plan as data: a tree of nodes, each with the rows it is expected to give. The planner makes it, execute.ts turns
 * each node into its operator, explain.ts prints it with what really happened. A new operator is a node here, a file
 * under operators/ and a line in execute.ts.
 */
import type { RecordId } from '../base/ids.ts'
import type { KeyBounds } from '../indexes/key-bounds.ts'
import type { FieldPredicate, OrderKey, Predicate, SelectedField } from './query-data.ts'
import type { RowKey } from './row-order.ts'
import type { IndexInfo } from './source.ts'

export type PlanNode =
  | { readonly kind: 'get'; readonly ids: readonly RecordId[]; readonly estimatedRows: number }
  | {
      readonly kind: 'scan'
      /** A condition of the filter above that may be tested before a record is decoded. */
      readonly early: FieldPredicate | undefined
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'indexScan'
      readonly index: IndexInfo
      /** Disjoint, ascending. */
      readonly ranges: readonly KeyBounds[]
      readonly reverse: boolean
      /** What of the filter the ranges say exactly, so that nobody above tests it. */
      readonly proven: readonly Predicate[]
      readonly estimatedRows: number
    }
  /** Each record once: an index of array elements meets a record once for every element in its bounds. */
  | { readonly kind: 'distinct'; readonly input: PlanNode; readonly estimatedRows: number }
  | { readonly kind: 'filter'; readonly where: Predicate; readonly input: PlanNode; readonly estimatedRows: number }
  /** Only rows strictly after a place in the order: the next page. */
  | {
      readonly kind: 'resume'
      readonly after: RowKey
      readonly orderBy: readonly OrderKey[]
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  /** The input comes in the order of the first `runKeys` keys; rows that tie on these are put into the whole order. */
  | {
      readonly kind: 'sortRuns'
      readonly orderBy: readonly OrderKey[]
      readonly runKeys: number
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'sort'
      readonly orderBy: readonly OrderKey[]
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  /** The first `count` rows of the order. */
  | {
      readonly kind: 'topK'
      readonly orderBy: readonly OrderKey[]
      readonly count: number
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'slice'
      readonly offset: number
      readonly limit: number | undefined
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'select'
      readonly fields: readonly SelectedField[]
      readonly input: PlanNode
      readonly estimatedRows: number
    }

/** A way to the records that the planner weighed. */
export interface Candidate {
  /** `get by id`, `scan`, or `index <name>`. */
  readonly access: string
  readonly chosen: boolean
  /** Undefined when it could not be used at all. */
  readonly cost: number | undefined
  readonly estimatedRows: number | undefined
  readonly reason: string
}

export interface Plan {
  readonly root: PlanNode
  /** Every way that was weighed, for explain: most plans are never asked. */
  readonly candidates: () => readonly Candidate[]
  /** The order the rows come in; empty when it is unspecified. */
  readonly orderBy: readonly OrderKey[]
}

/** The node's input; the leaves have none. */
export function inputOf(node: PlanNode): PlanNode | undefined {
  return 'input' in node ? node.input : undefined
}
