import { conjunctsOf, type Predicate, type QueryData, type SearchClause } from './query-data.ts'
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
 */
export function visitReads(data: QueryData, visit: (reads: Reads) => void): void {
  const { collection, search } = data
  if (data.from === undefined) visit({ collection, where: ownFilter(data), search })
  else visitReads(data.from, visit)
  for (const { other } of [...data.joins, ...data.sets]) visitReads(other, visit)
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

/** Made of tests of single fields. */
function isPlain(predicate: Predicate): boolean {
  if (predicate.kind === 'not') return isPlain(predicate.of)
  if (predicate.kind === 'and' || predicate.kind === 'or') return predicate.of.every(isPlain)
  return predicate.kind === 'field'
}

function looksAt(predicate: Predicate, names: ReadonlySet<string>): boolean {
  let found = false
  visitPaths(predicate, ([name]) => {
    // What begins with $ is ours: a distance, a score.
    if (name !== undefined && (names.has(name) || name.startsWith('$'))) found = true
  })
  return found
}
