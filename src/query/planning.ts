import type { Candidate, PlanNode } from './plan.ts'
import type { QueryData } from './query-data.ts'
import type { Rules } from './rewrite.ts'
import type { Tables } from './tables.ts'

/** What is being planned, across its blocks. */
export interface Planning {
  readonly tables: Tables
  readonly rules: Rules
  /** The ways weighed for each access, for explain. */
  readonly candidates: (() => readonly Candidate[])[]
  readonly columns: ColumnPlanning
}

/** What is known of columns while a query is planned. */
export interface ColumnPlanning {
  /** The block whose rows are only counted. */
  readonly counted: QueryData | undefined
  /** By block: `taken`, or why no column was. */
  readonly outcomes: Map<QueryData, string>
  /** By column that is missing: whether an earlier query wanted it. */
  readonly wanted: Map<string, boolean>
}

/** A part of the plan and what it is expected to cost. */
export interface Planned {
  readonly node: PlanNode
  readonly cost: number
}
