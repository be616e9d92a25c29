/** What a filter of joined rows says of one joined collection alone. */
import { compileCondition } from './predicate.ts'
import type { FieldPredicate, JoinClause, Predicate } from './query-data.ts'

/** True when rows without a partner fail the filter: a left join is then an inner one. */
export function needsPartner({ as }: JoinClause, conjuncts: readonly Predicate[]): boolean {
  return conjuncts.some((one) => isOf(one, as) && !compileCondition(one.test)(undefined))
}

/** True when the condition on the other row may be tested before the join: no row is kept for want of a partner. */
export function takesCondition({ kind, as, other }: JoinClause, one: Predicate, joins: readonly JoinClause[]): boolean {
  if (kind !== 'inner' || !isOf(one, as)) return false
  const isOpen = other.select === undefined && other.limit === undefined && other.offset === 0
  const isRows = other.group === undefined && other.windows.length === 0 && !other.distinct && other.sets.length === 0
  return isOpen && isRows && joins.every((join) => join.kind !== 'right' && join.kind !== 'full')
}

/** The condition as the other row sees it: without the name it is joined under. */
export function withinJoin(one: Predicate): Predicate {
  return one.kind === 'field' ? { ...one, path: one.path.slice(1) } : one
}

function isOf(one: Predicate, as: string): one is FieldPredicate {
  return one.kind === 'field' && one.path[0] === as
}
