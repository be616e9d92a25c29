/** Runs the data of a query on the engine, through any handle that reads: a database, a transaction, a snapshot. */
import { type ReadView, runnerOf } from '../../../src/engine/read-view.ts'
import { Query, restoreQuery } from '../../../src/query/builder.ts'
import type { QueryData } from '../../../src/query/query-data.ts'
import type { QueryRunner } from '../../../src/query/source.ts'
import type { Row } from './naive/scope.ts'

/** What reads collections by name. */
export interface Handle {
  collection(name: string): object
}

/** The query on that handle; the engine's own door from data to queries is internal until a builder makes all of it. */
export function queryOn(handle: Handle, data: QueryData): Query<unknown, Row> {
  return new Query<unknown, Row>(data, runnerFor(handle, data))
}

/** Once through JSON text and back. */
export function throughJson(handle: Handle, data: QueryData): Query<unknown, Row> {
  const text = JSON.stringify(queryOn(handle, data))
  return restoreQuery<unknown, Row>(JSON.parse(text), runnerFor(handle, data))
}

/** The rows of a query. */
export function runData(handle: Handle, data: QueryData): Row[] {
  return queryOn(handle, data).all()
}

function runnerFor(handle: Handle, data: QueryData): QueryRunner {
  // Every collection of a handle has the handle's view, which only types keep from us.
  const { view } = handle.collection(data.collection) as { readonly view: ReadView }
  return runnerOf(view)
}
