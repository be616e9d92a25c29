/** What the rows of a block are: told by which of its clauses say something. */
import type { QueryData } from './query-data.ts'

/** True when the selected rows are told apart by value: what follows is about them. */
export function isShaped(data: QueryData): boolean {
  return data.distinct || data.sets.length > 0
}

/** True when the rows are no longer those that were read and joined. */
export function isFinished({ group, windows, select }: QueryData): boolean {
  return group !== undefined || windows.length > 0 || select !== undefined
}

/** True when only some of the rows are given. */
export function isCut(data: QueryData): boolean {
  return data.limit !== undefined || data.offset > 0
}

/** True when the rows are the records of the collection, all of them. */
export function isWhole({ from, search, nearest, joins, where, group, distinct, sets, hint }: QueryData): boolean {
  const isPlain = from === undefined && search === undefined && nearest === undefined && joins.length === 0
  return isPlain && where === undefined && group === undefined && !distinct && sets.length === 0 && hint === undefined
}

/** Records of a collection, filtered by what they hold, and nothing else. */
export function isFiltered(data: QueryData): boolean {
  const { from, search, nearest, joins, computed, group, windows, select, distinct, sets, limit, offset, hint } = data
  const isOfRecords = from === undefined && search === undefined && nearest === undefined && joins.length === 0
  const isAsRead = computed.length === 0 && group === undefined && windows.length === 0 && select === undefined
  return (
    isOfRecords &&
    isAsRead &&
    !distinct &&
    sets.length === 0 &&
    limit === undefined &&
    offset === 0 &&
    hint === undefined
  )
}
