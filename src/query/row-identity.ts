import type { Path } from '../base/values.ts'
import { isShaped } from './block-shape.ts'
import { BY_ID, type QueryData } from './query-data.ts'

/** Of a record: its id. */
const RECORD: readonly Path[] = Object.freeze([BY_ID.path])
/** The empty path is the row itself. */
const WHOLE_ROW: readonly Path[] = Object.freeze([Object.freeze([])])

/**
 * What tells the rows of a block apart, as further keys of its order: the ids of the records that a row is made of, the
 * keys of its group, or the whole row (the empty path) where rows have no identity beyond their value.
 */
export function identityOf(data: QueryData): readonly Path[] {
  if (isShaped(data)) return WHOLE_ROW
  if (data.group !== undefined) return data.group.keys.map(({ name }) => [name])
  const own = data.from === undefined ? RECORD : data.from.select === undefined ? identityOf(data.from) : WHOLE_ROW
  if (own === WHOLE_ROW || data.joins.length === 0) return own
  const joined = data.joins.filter(({ as }) => as !== '')
  const others = joined.map(({ as, other }) =>
    (other.select === undefined ? identityOf(other) : WHOLE_ROW).map((path) => [as, ...path]),
  )
  return [...own, ...others.flat()]
}

/** True when two rows may be the same in all that tells rows apart: then no place in an order lies between them. */
export function mayRepeat({ from, joins, group, distinct, sets }: QueryData): boolean {
  const last = sets.at(-1)
  if (last !== undefined) return last.kind === 'unionAll'
  if (distinct || group !== undefined) return false
  const joined = joins.filter(({ as }) => as !== '').map(({ other }) => other)
  return [...(from === undefined ? [] : [from]), ...joined].some(losesIdentity)
}

/** True when the block hands out rows without what tells them apart. */
function losesIdentity(data: QueryData): boolean {
  return mayRepeat(data) || (data.select !== undefined && !isShaped(data))
}
