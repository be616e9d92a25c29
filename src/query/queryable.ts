/** What another query can read from: a query, or a collection, which stands for all of its records. */
import { describe, invalidQuery } from './capture.ts'
import type { QueryData } from './query-data.ts'

/** A query as other queries take it in. */
export abstract class Queryable {
  abstract readonly data: QueryData
}

/** A query, or a collection. R are its rows. */
export interface RowsOf<R> {
  query(): { readonly data: QueryData; first(): R | undefined }
}

/** The data of a query or of a collection. */
export function captureQuery(other: unknown, at: string): QueryData {
  if (other instanceof Queryable) return other.data
  if (typeof other === 'object' && other !== null && 'query' in other && typeof other.query === 'function') {
    const query: unknown = Reflect.apply(other.query, other, [])
    if (query instanceof Queryable) return query.data
  }
  throw invalidQuery(at, `expected a query or a collection, found ${describe(other)}`)
}
