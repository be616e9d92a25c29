/**
 * The JSON form of a query, with a version: plain data that survives JSON.stringify, a wire and a file.
 *
 *   query     = { version: 1, collection, where?, orderBy?, limit?, offset?, select? }
 *   where     = { and: [where…] } | { or: [where…] } | { not: where } | { path: [name…], op, operand }
 *   orderBy   = [{ path, descending?, nocase?, nulls? }…]     select = [{ name, path }…]
 *   operand   = a value in the JSON form of the codec; of any, all and none [{ op, operand }…]
 *
 * Reading it goes through the same checks as the builder: what a stranger sends is refused as what a user writes is.
 */
import { BlazeError } from '../base/errors.ts'
import { MAX_DEPTH, type Path, type Value } from '../base/values.ts'
import { fromJsonForm, toJsonForm } from '../codec/json-form.ts'
import { captureCount, describe, invalidQuery, isPlainObject } from './capture.ts'
import { isOperator, parseCondition } from './condition.ts'
import {
  type Condition,
  everyRecord,
  MAX_PREDICATE_DEPTH,
  type OrderKey,
  type Predicate,
  type QueryData,
  type SelectedField,
} from './query-data.ts'
import { combine } from './where.ts'

const VERSION = 1

/** A query as JSON data. */
export interface QueryJson {
  readonly version: 1
  readonly collection: string
  readonly where?: unknown
  readonly orderBy?: readonly unknown[]
  readonly limit?: number
  readonly offset?: number
  readonly select?: readonly unknown[]
}

export function queryToJson(data: QueryData): QueryJson {
  const { collection, where, orderBy, limit, offset, select } = data
  return {
    version: VERSION,
    collection,
    ...(where !== undefined && { where: predicateToJson(where) }),
    ...(orderBy.length > 0 && { orderBy: orderBy.map(orderKeyToJson) }),
    ...(limit !== undefined && { limit }),
    ...(offset !== 0 && { offset }),
    ...(select !== undefined && { select: select.map(({ name, path }) => ({ name, path: [...path] })) }),
  }
}

/** The query that JSON data states; INVALID_QUERY with the place in it for anything else. */
export function queryFromJson(json: unknown): QueryData {
  const query = objectAt(json, 'query')
  if (query['version'] !== VERSION)
    throw invalidQuery('version', `expected ${VERSION}, found ${describe(query['version'])}`)
  const { collection, where, orderBy, limit, offset, select } = query
  if (typeof collection !== 'string') throw invalidQuery('collection', `expected a name, found ${describe(collection)}`)
  return Object.freeze({
    ...everyRecord(collection),
    where: where === undefined ? undefined : predicateFromJson(where, 'where', 0),
    orderBy: Object.freeze(orderBy === undefined ? [] : listAt(orderBy, 'orderBy').map(orderKeyFromJson)),
    limit: limit === undefined ? undefined : captureCount(limit, 'limit'),
    offset: offset === undefined ? 0 : captureCount(offset, 'offset'),
    select: select === undefined ? undefined : Object.freeze(listAt(select, 'select').map(selectedFromJson)),
  })
}

function predicateToJson(predicate: Predicate): unknown {
  switch (predicate.kind) {
    case 'field':
      return { path: [...predicate.path], ...conditionToJson(predicate.test) }
    case 'not':
      return { not: predicateToJson(predicate.of) }
    case 'and':
    case 'or':
      return { [predicate.kind]: predicate.of.map(predicateToJson) }
    default:
      throw invalidQuery('where', `${predicate.kind} has no JSON form yet`)
  }
}

function conditionToJson(condition: Condition): { readonly op: string; readonly operand: unknown } {
  switch (condition.op) {
    case 'any':
    case 'all':
    case 'none':
      return { op: condition.op, operand: condition.operand.map(conditionToJson) }
    default:
      // The operands of all other operators are values: a regex is an object of two strings.
      return { op: condition.op, operand: toJsonForm(condition.operand as Value) }
  }
}

function predicateFromJson(json: unknown, at: string, depth: number): Predicate {
  if (depth > MAX_PREDICATE_DEPTH)
    throw invalidQuery(at, `and, or and not are nested deeper than ${MAX_PREDICATE_DEPTH}`)
  const node = objectAt(json, at)
  if ('path' in node) {
    return Object.freeze({
      kind: 'field',
      path: pathAt(node['path'], `${at}.path`),
      test: conditionFromJson(node, at, 0),
    })
  }
  if ('not' in node) return Object.freeze({ kind: 'not', of: predicateFromJson(node['not'], `${at}.not`, depth + 1) })
  const kind = 'and' in node ? 'and' : 'or'
  const of = listAt(node[kind], `${at}.${kind}`)
  return combine(
    kind,
    of.map((part, i) => predicateFromJson(part, `${at}.${kind}[${i}]`, depth + 1)),
  )
}

function conditionFromJson(node: { readonly [name: string]: unknown }, at: string, depth: number): Condition {
  const { op, operand } = node
  if (!isOperator(op)) throw invalidQuery(`${at}.op`, `${JSON.stringify(op)} is not an operator`)
  if (op !== 'any' && op !== 'all' && op !== 'none')
    return parseCondition(op, valueAtJson(operand, `${at}.operand`), at)
  if (depth >= MAX_PREDICATE_DEPTH) throw invalidQuery(at, `conditions nested deeper than ${MAX_PREDICATE_DEPTH}`)
  const tests = listAt(operand, `${at}.operand`).map((test, i) => {
    const place = `${at}.operand[${i}]`
    return conditionFromJson(objectAt(test, place), place, depth + 1)
  })
  return Object.freeze({ op, operand: Object.freeze(tests) })
}

function valueAtJson(json: unknown, at: string): Value {
  try {
    return fromJsonForm(json)
  } catch (cause) {
    if (!(cause instanceof BlazeError)) throw cause
    throw invalidQuery(at, `not the JSON form of a value (${cause.message})`, cause)
  }
}

function orderKeyToJson({ path, descending, nocase, nulls }: OrderKey): unknown {
  return {
    path: [...path],
    ...(descending && { descending }),
    ...(nocase && { nocase }),
    ...(nulls !== undefined && { nulls }),
  }
}

function orderKeyFromJson(json: unknown, i: number): OrderKey {
  const at = `orderBy[${i}]`
  const { path, descending = false, nocase = false, nulls } = objectAt(json, at)
  if (typeof descending !== 'boolean') throw invalidQuery(`${at}.descending`, 'expected true or false')
  if (typeof nocase !== 'boolean') throw invalidQuery(`${at}.nocase`, 'expected true or false')
  if (nulls !== undefined && nulls !== 'first' && nulls !== 'last')
    throw invalidQuery(`${at}.nulls`, "expected 'first' or 'last'")
  return Object.freeze({ path: pathAt(path, `${at}.path`), descending, nocase, nulls })
}

function selectedFromJson(json: unknown, i: number): SelectedField {
  const { name, path } = objectAt(json, `select[${i}]`)
  if (typeof name !== 'string') throw invalidQuery(`select[${i}].name`, `expected a name, found ${describe(name)}`)
  return Object.freeze({ name, path: pathAt(path, `select[${i}].path`) })
}

function pathAt(json: unknown, at: string): Path {
  const names = listAt(json, at)
  if (
    names.length === 0 ||
    names.length > MAX_DEPTH ||
    !names.every((name) => typeof name === 'string' && name !== '')
  ) {
    throw invalidQuery(at, 'expected a list of names')
  }
  // Every one was just found to be a string.
  return Object.freeze([...(names as readonly string[])])
}

function objectAt(json: unknown, at: string): { readonly [name: string]: unknown } {
  if (!isPlainObject(json)) throw invalidQuery(at, `expected an object, found ${describe(json)}`)
  return json
}

function listAt(json: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(json)) throw invalidQuery(at, `expected a list, found ${describe(json)}`)
  return json
}
