import { needsPartner, takesCondition, withinJoin } from './join-conditions.ts'
import {
  conjunctsOf,
  type Expression,
  type JoinClause,
  type Predicate,
  type QueryData,
  type SearchClause,
} from './query-data.ts'
import { subqueriesOf, visitPaths } from './references.ts'
import { combine } from './where.ts'

/** What a query reads of one collection. */
export interface Reads {
  readonly collection: string
  readonly where: Predicate | undefined
  readonly search: SearchClause | undefined
}

/**
 * Calls `visit` for every collection that a query reads, with a filter that all records meet which can change its
 * result. The filter may be weaker than what the query asks, never stronger: it says which later writes conflict.
 *
 * It is made of the tests of the records' own fields, and of those of a joined collection that an inner join takes. What
 * stays weaker: all that these let through is read, whether it joins or not, is among the first, the nearest or the
 * limit, changes an aggregate or not; right and full joins read all of their left side; a condition on a computed field,
 * a having, and what ties a query within to the row outside it are not looked at.
 */
export function visitReads(data: QueryData, visit: (reads: Reads) => void): void {
  const { collection, search } = data
  if (data.from === undefined) visit({ collection, where: ownFilter(data), search })
  else visitReads(data.from, visit)
  for (const join of data.joins) visitReads(joinedRows(join, data), visit)
  for (const { other } of data.sets) visitReads(other, visit)
  for (const where of [data.where, data.group?.having]) {
    if (where !== undefined) for (const { query } of subqueriesOf(where)) visitReads(query, visit)
  }
}

/** The conditions of the block that are tests of its records' own fields. */
function ownFilter({ where, joins, computed }: QueryData): Predicate | undefined {
  if (joins.some(({ kind }) => kind === 'right' || kind === 'full')) return undefined
  const added = new Set([...joins.map(({ as }) => as), ...computed.map(({ name }) => name)])
  const own = conjunctsOf(where).filter((one) => isPlain(one) && !looksAt(one, added))
  return own.length === 0 ? undefined : combine('and', own)
}

/** The other side of a join, with what the filter of the block says of it. */
function joinedRows(join: JoinClause, { where, joins }: QueryData): QueryData {
  const conjuncts = conjunctsOf(where)
  const isInner = join.kind === 'left' && needsPartner(join, conjuncts)
  const met: JoinClause = isInner ? { ...join, kind: 'inner' } : join
  const taken = conjuncts.filter((one) => takesCondition(met, one, joins)).map(withinJoin)
  if (taken.length === 0) return join.other
  return { ...join.other, where: combine('and', [...conjunctsOf(join.other.where), ...taken]) }
}

/** Made of tests of the record's own fields. */
function isPlain(predicate: Predicate): boolean {
  switch (predicate.kind) {
    case 'not':
      return isPlain(predicate.of)
    case 'and':
    case 'or':
      return predicate.of.every(isPlain)
    case 'compare':
      return isOwn(predicate.left) && isOwn(predicate.right)
    default:
      return predicate.kind === 'field'
  }
}

/** Made of the row alone, and not of another outside it. */
function isOwn(expression: Expression): boolean {
  if (expression.kind === 'call') return expression.args.every(isOwn)
  return expression.kind === 'path' || expression.kind === 'literal'
}

function looksAt(predicate: Predicate, names: ReadonlySet<string>): boolean {
  let found = false
  visitPaths(predicate, ([name]) => {
    // What begins with $ is ours: a distance, a score.
    if (name !== undefined && (names.has(name) || name.startsWith('$'))) found = true
  })
  return found
}
