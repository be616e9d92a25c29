/**
 * A plan as data: a tree of nodes, each with the rows it is expected to give. The planner makes it, execute.ts turns
 * each node into its operator, explain.ts prints it with what really happened. A new operator is a node here, a file
 * under operators/ and a line in execute.ts.
 */
import type { RecordId } from '../base/ids.ts'
import type { Path } from '../base/values.ts'
import type { KeyBounds } from '../indexes/key-bounds.ts'
import type { TextQuery } from '../text/text-query.ts'
import type {
  FieldPredicate,
  GroupClause,
  JoinClause,
  NamedExpression,
  NearestClause,
  OrderKey,
  Predicate,
  SearchClause,
  SelectedField,
  SetOperation,
  WindowField,
} from './query-data.ts'
import type { RowKey } from './row-order.ts'
import type { IndexInfo } from './source.ts'

/** The fields at the top of records that are read, others may be left out; undefined: all. */
export type FieldNames = ReadonlySet<string> | undefined

/** A reading of an index. */
export type IndexScanNode = Extract<PlanNode, { kind: 'indexScan' }>

export type PlanNode =
  | {
      readonly kind: 'get'
      readonly collection: string
      readonly fields?: FieldNames
      readonly ids: readonly RecordId[]
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'scan'
      readonly collection: string
      readonly fields?: FieldNames
      /** A condition of the filter above that may be tested before a record is decoded. */
      readonly early: FieldPredicate | undefined
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'search'
      readonly collection: string
      readonly search: SearchClause
      readonly query: TextQuery
      /** Rows that are wanted at most; undefined: all. */
      readonly most: number | undefined
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'indexScan'
      readonly collection: string
      readonly fields?: FieldNames
      readonly index: IndexInfo
      /** Disjoint, ascending. */
      readonly ranges: readonly KeyBounds[]
      readonly reverse: boolean
      /** What of the filter the ranges say exactly, so that nobody above tests it. */
      readonly proven: readonly Predicate[]
      readonly estimatedRows: number
    }
  /**
   * The records that all of these indexes have in their ranges. Where the snapshot is not of the newest state the first
   * index alone is read: the filter above tests all of the conditions in either case.
   */
  | {
      readonly kind: 'intersect'
      readonly collection: string
      readonly fields?: FieldNames
      readonly scans: readonly IndexScanNode[]
      readonly estimatedRows: number
    }
  /** The records whose columns pass, with those they look up. */
  | (ColumnRecords & { readonly kind: 'columnScan'; readonly estimatedRows: number })
  /** One row a group of them. */
  | (ColumnRecords & {
      readonly kind: 'columnGroup'
      readonly keys: readonly ColumnKey[]
      readonly aggregates: readonly ColumnAggregate[]
      readonly estimatedRows: number
    })
  /** Rows among which are the first `count` of the order: a topK above finishes them. */
  | (ColumnRecords & {
      readonly kind: 'columnTop'
      /** Without the id, which decides ties. */
      readonly orderBy: readonly OrderKey[]
      readonly idDescending: boolean
      readonly count: number
      readonly estimatedRows: number
    })
  /** The nearest `count`, nearest first. */
  | (ColumnRecords & {
      readonly kind: 'columnNearest'
      readonly nearest: NearestClause
      readonly count: number
      readonly estimatedRows: number
    })
  /** The records with the fields of windows, of those alone whose fields pass; by rows (`overRows`) where the snapshot is not the newest. */
  | (ColumnRecords & {
      readonly kind: 'columnWindow'
      readonly windows: readonly WindowField[]
      readonly identity: readonly Path[]
      /** About the fields alone. */
      readonly keep: Predicate | undefined
      /** There also where columns are demanded. */
      readonly fallback: PlanNode
      readonly estimatedRows: number
    })
  /** The rows of each input, one after the other. */
  | { readonly kind: 'concat'; readonly inputs: readonly PlanNode[]; readonly estimatedRows: number }
  /** Each record once: an index of array elements meets a record once for every element in its bounds. */
  | { readonly kind: 'distinct'; readonly input: PlanNode; readonly estimatedRows: number }
  | {
      readonly kind: 'filter'
      readonly where: Predicate
      /** What must be known before the first row is tested. */
      readonly subplans: readonly Subplan[]
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  /** The rows of one side are held by their keys; a row of the other meets those that are equal. */
  | {
      readonly kind: 'hashJoin'
      readonly join: JoinClause
      /** The side that is held: the input is the left one. */
      readonly build: 'left' | 'right'
      /** False when nothing above hands the rows of the sides out. */
      readonly copies: boolean
      readonly input: PlanNode
      readonly other: PlanNode
      readonly estimatedRows: number
    }
  /** Both sides come in the order of what must be equal, and are read side by side. */
  | {
      readonly kind: 'mergeJoin'
      readonly join: JoinClause
      readonly descending: boolean
      readonly copies: boolean
      readonly input: PlanNode
      readonly other: PlanNode
      readonly estimatedRows: number
    }
  /** For each row of the input the records are looked up, by id or in an index. */
  | {
      readonly kind: 'lookupJoin'
      readonly join: JoinClause
      readonly collection: string
      readonly fields?: FieldNames
      /** The pair that is looked up; the others are tested on what was found. */
      readonly pair: number
      /** Undefined: by id. */
      readonly index: IndexInfo | undefined
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'compute'
      readonly fields: readonly NamedExpression[]
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  | {
      /** Sorted: rows with equal keys come together, and one group is held at a time. */
      readonly kind: 'group' | 'groupSorted'
      readonly group: GroupClause
      /** What tells the rows apart that come in. */
      readonly identity: readonly Path[]
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'window'
      readonly fields: readonly WindowField[]
      readonly identity: readonly Path[]
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  | {
      readonly kind: 'nearest'
      readonly nearest: NearestClause
      readonly input: PlanNode
      readonly estimatedRows: number
    }
  /** Each row once, by value. */
  | { readonly kind: 'distinctRows'; readonly input: PlanNode; readonly estimatedRows: number }
  | {
      readonly kind: 'set'
      readonly operation: SetOperation
      readonly input: PlanNode
      readonly other: PlanNode
      readonly estimatedRows: number
    }
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

/** What a node over columns is about. */
export interface ColumnRecords {
  readonly collection: string
  readonly fields?: FieldNames
  /** Of the record and what it looks up; made of tests of single fields. */
  readonly where: Predicate | undefined
  readonly lookups: readonly ColumnLookup[]
  /** Run instead when a column cannot be had; undefined where columns are demanded. */
  readonly fallback: PlanNode | undefined
}

/** Another collection's record, found by its id and put under a name. */
export interface ColumnLookup {
  readonly kind: 'inner' | 'left' | 'semi' | 'anti'
  /** Empty for semi and anti, which add nothing: it is there, or it is not. */
  readonly as: string
  readonly collection: string
  /** Other records are as if they were not there. */
  readonly where: Predicate | undefined
  /** Of the record that looks up: the id of the other. */
  readonly key: Path
}

/** A key of a group: the value at a path, under a name. */
export interface ColumnKey {
  readonly name: string
  readonly path: Path
}

/** An aggregate of a group; a count is one of rows, and its path is empty. */
export interface ColumnAggregate {
  readonly name: string
  readonly fn: 'count' | 'countDistinct' | 'sum' | 'avg' | 'min' | 'max'
  readonly path: Path
}

/** A query inside a predicate. */
export interface Subplan {
  readonly predicate: Extract<Predicate, { kind: 'inQuery' | 'exists' }>
  /** Run once before all, its keys collected; undefined: run for each row, with what the row says put in. */
  readonly root: PlanNode | undefined
}

/** A way to the records that the planner weighed. */
export interface Candidate {
  readonly collection: string
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
  /** The order the rows come in, ties decided; empty when it is unspecified. */
  readonly orderBy: readonly OrderKey[]
  /** The names of the rewriting rules that changed something. */
  readonly rules: readonly string[]
}

/** The node's inputs; the leaves have none. Subplans come after the input of a filter. */
export function inputsOf(node: PlanNode): readonly PlanNode[] {
  if (node.kind === 'concat') return node.inputs
  if (!('input' in node)) return []
  if ('other' in node) return [node.input, node.other]
  if (node.kind !== 'filter' || node.subplans.length === 0) return [node.input]
  return [node.input, ...node.subplans.flatMap(({ root }) => (root === undefined ? [] : [root]))]
}
