/** Whether an index hands rows out in the order that a query wants. */
import type { Path, Value } from '../base/values.ts'
import type { OrderKey } from './query-data.ts'
import { samePath } from './same-predicate.ts'
import type { IndexInfo } from './source.ts'

export interface OrderMatch {
  readonly reverse: boolean
  /** The first keys of the order by which the rows come; ties on these are left to be sorted. */
  readonly runKeys: number
  /** For each leading part what it is at a row: one of the order's keys, or the one value it is fixed to. */
  readonly parts: readonly ({ readonly key: number } | { readonly value: Value | undefined })[]
}

/** The values that a query fixes by `eq`. */
export type FixedValues = (path: Path) => { readonly value: Value } | undefined

/**
 * Matches the order's keys with the index's parts from the left. A part that the query fixes to one value may be
 * passed over, a key that is fixed orders nothing, and a key `id` ends the match: ties are sorted by id anyway.
 */
export function matchOrder(index: IndexInfo, orderBy: readonly OrderKey[], fixed: FixedValues): OrderMatch | undefined {
  if (index.each) return undefined
  const parts: ({ readonly key: number } | { readonly value: Value | undefined })[] = []
  let reverse: boolean | undefined
  let runKeys = 0
  for (; runKeys < orderBy.length; runKeys++) {
    const key = orderBy[runKeys]!
    if (fixed(key.path) !== undefined) continue
    let part = index.parts[parts.length]
    for (; part !== undefined && !samePath(part.path, key.path); part = index.parts[parts.length]) {
      const value = fixed(part.path)
      if (value === undefined) break
      parts.push(value)
    }
    if (part === undefined || !samePath(part.path, key.path)) {
      if (key.path.length === 1 && key.path[0] === 'id' && !key.nocase) break
      return undefined
    }
    if (index.nocase !== key.nocase || !hasNaturalNulls(key)) return undefined
    const isReversed = part.descending !== key.descending
    if (reverse !== undefined && reverse !== isReversed) return undefined
    reverse = isReversed
    parts.push({ key: runKeys })
  }
  return reverse === undefined ? undefined : { reverse, runKeys, parts }
}

/** Null and missing are the lowest of all, in the index as in the order. */
function hasNaturalNulls(key: OrderKey): boolean {
  return key.nulls === undefined || (key.nulls === 'last') === key.descending
}
