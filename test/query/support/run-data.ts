/** Runs the data of a query on the engine, through any handle that reads: a database, a transaction, a snapshot. */
import { type ReadView, runnerOf } from '../../../src/engine/read-view.ts'
import { Query, restoreQuery } from '../../../src/query/builder.ts'
import type { ExplainNode } from '../../../src/query/explain.ts'
import type { QueryData } from '../../../src/query/query-data.ts'
import type { QueryRunner, RecordSource } from '../../../src/query/source.ts'
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

/** The rows by an index wherever one can be taken: small collections are scanned otherwise. */
export function runByIndex(handle: Handle, data: QueryData): Row[] {
  return byIndex(handle, data).all()
}

/** What it reads by. */
export function accessByIndex(handle: Handle, data: QueryData): string {
  return byIndex(handle, data)
    .explain()
    .data.considered.filter(({ chosen }) => chosen)
    .map(({ access }) => access)
    .join()
}

/** The operators of what runs when it is by an index wherever one can be taken. */
export function operatorsByIndex(handle: Handle, data: QueryData): ReadonlySet<string> {
  const found = new Set<string>()
  const walk = ({ operator, inputs }: ExplainNode): void => {
    found.add(operator)
    inputs.forEach(walk)
  }
  walk(byIndex(handle, data).explain().data.root)
  return found
}

function byIndex(handle: Handle, data: QueryData): Query<unknown, Row> {
  const runner = runnerFor(handle, data)
  return new Query<unknown, Row>(data, { ...runner, open: (name) => seemingLarge(runner.open(name)) })
}

/** The source, but that it says it has very many rows. */
function seemingLarge(source: RecordSource): RecordSource {
  return new Proxy(source, {
    get(target, name) {
      if (name === 'rowCount') return () => SEEMING_ROWS
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const SEEMING_ROWS = 1e9

function runnerFor(handle: Handle, data: QueryData): QueryRunner {
  // Every collection of a handle has the handle's view, which only types keep from us.
  const { view } = handle.collection(data.collection) as { readonly view: ReadView }
  return runnerOf(view)
}
