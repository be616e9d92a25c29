import type { Candidate, PlanNode } from './plan.ts'
import type { Rules } from './rewrite.ts'
import type { Tables } from './tables.ts'

/** What is being planned, across its blocks. */
export interface Planning {
  readonly tables: Tables
  readonly rules: Rules
  /** The ways weighed for each access, for explain. */
  readonly candidates: (() => readonly Candidate[])[]
}

/** A part of the plan and what it is expected to cost. */
export interface Planned {
  readonly node: PlanNode
  readonly cost: number
}
