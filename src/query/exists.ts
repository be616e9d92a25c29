import { captureOn } from './capture-clauses.ts'
import type { JoinOn } from './clause-types.ts'
import { Filter } from './filter.ts'
import { captureQuery, type RowsOf } from './queryable.ts'

/**
 * True for a row to which the query has one: a row of it whose fields equal those of this row, `{ path: path of the
 * other }`. Null and missing equal nothing. Inside the query `(e) => e.outer('path')` is a value of this row.
 * @example
 * db.bugs.where(exists(db.comments.where({ kind: 'fix' }), { id: 'bugId' }))
 * db.bugs.where(not(exists(db.comments, { id: 'bugId' })))
 */
export function exists<T, O>(query: RowsOf<O>, on: NoInfer<JoinOn<T, O>>): Filter<T> {
  return new Filter(
    Object.freeze({ kind: 'exists', query: captureQuery(query, 'exists'), on: captureOn(on, 'exists.on') }),
  )
}
