/**
 * The JSON form of a query, with a version: plain data that survives JSON.stringify, a wire and a file. Clauses that say
 * nothing are left out.
 *
 *   query     = { version: 1, ...block }
 *   block     = { collection, from?: block, search?, nearest?, joins?, computed?, where?, group?, windows?, select?,
 *                 distinct?, sets?, orderBy?, limit?, offset?, hint? }
 *   where     = { and: [where…] } | { or: [where…] } | { not: where } | { path: [name…], op, operand }
 *             | { compare: op, left: expr, right: expr } | { value: expr, in: block } | { exists: block, on: [pair…] }
 *   expr      = { path: [name…] } | { literal: value } | { outer: [name…] } | { call: fn, args: [expr…] }
 *             | { case: [{ when: where, value: expr }…], otherwise: expr } | { bin: expr, unit, step, timeZone }
 *   pair      = { left: expr, right: expr }           orderBy = [{ path, descending?, nocase?, nulls? }…]
 *   value     = in the JSON form of the codec; the operand of any, all and none is [{ op, operand }…]
 *
 * Reading it goes through the same checks as the builder: what a stranger sends is refused as what a user writes is, and
 * so is a name that this version does not know.
 */
import { BlazeError } from '../base/errors.ts'
import { MAX_DEPTH, type Path, type Value } from '../base/values.ts'
import { fromJsonForm, toJsonForm } from '../codec/json-form.ts'
import { captureCount, describe, invalidQuery, isPlainObject } from './capture.ts'
import {
  captureAggregates,
  captureHint,
  captureName,
  captureNearest,
  captureSearchClause,
  captureWindows,
} from './capture-clauses.ts'
import { isOperator, parseCondition } from './condition.ts'
import { binExpression, callExpression } from './expression-builder.ts'
import {
  type Aggregate,
  type ComparisonOp,
  type Condition,
  type Expression,
  everyRecord,
  type GroupClause,
  type JoinClause,
  type JoinPair,
  MAX_PREDICATE_DEPTH,
  type NamedExpression,
  type NearestClause,
  type OrderKey,
  type Predicate,
  type QueryData,
  type SearchClause,
  type SelectedField,
  type SetClause,
  type WindowField,
} from './query-data.ts'
import { combine } from './where.ts'

const VERSION = 1

/** A query as JSON data. */
export interface QueryJson {
  readonly version: 1
  readonly collection: string
  readonly [clause: string]: unknown
}

export function queryToJson(data: QueryData): QueryJson {
  return { version: VERSION, ...blockToJson(data) }
}

/** The query that JSON data states; INVALID_QUERY with the place in it for anything else. */
export function queryFromJson(json: unknown): QueryData {
  const { version, ...block } = objectAt(json, 'query')
  if (version !== VERSION) throw invalidQuery('version', `expected ${VERSION}, found ${describe(version)}`)
  return blockFromJson(block, '', 0)
}

function blockToJson(data: QueryData): { readonly collection: string; readonly [clause: string]: unknown } {
  const { collection, from, search, nearest, joins, computed, where, group, windows, select, sets, hint } = data
  return {
    collection,
    ...(from !== undefined && { from: blockToJson(from) }),
    ...(search !== undefined && { search: searchToJson(search) }),
    ...(nearest !== undefined && { nearest: nearestToJson(nearest) }),
    ...(joins.length > 0 && { joins: joins.map(joinToJson) }),
    ...(computed.length > 0 && { computed: computed.map(namedToJson) }),
    ...(where !== undefined && { where: predicateToJson(where) }),
    ...(group !== undefined && { group: groupToJson(group) }),
    ...(windows.length > 0 && { windows: windows.map(windowToJson) }),
    ...(select !== undefined && { select: select.map(({ name, path }) => ({ name, path: [...path] })) }),
    ...(data.distinct && { distinct: true }),
    ...(sets.length > 0 && { sets: sets.map(({ kind, other }) => ({ kind, other: blockToJson(other) })) }),
    ...(data.orderBy.length > 0 && { orderBy: data.orderBy.map(orderKeyToJson) }),
    ...(data.limit !== undefined && { limit: data.limit }),
    ...(data.offset !== 0 && { offset: data.offset }),
    ...(hint !== undefined && { hint: hint.kind === 'index' ? { index: hint.name } : hint.kind }),
  }
}

const CLAUSES: readonly string[] = Object.keys(everyRecord(''))

function blockFromJson(json: unknown, within: string, depth: number): QueryData {
  assertShallow(within, depth)
  const at = within === '' ? '' : `${within}.`
  const block = objectAt(json, within === '' ? 'query' : within)
  assertOnly(block, CLAUSES, at)
  const { collection, distinct = false } = block
  if (typeof collection !== 'string')
    throw invalidQuery(`${at}collection`, `expected a name, found ${describe(collection)}`)
  if (typeof distinct !== 'boolean') throw invalidQuery(`${at}distinct`, 'expected true or false')
  const one = <C>(name: string, read: Read<C>): C | undefined =>
    block[name] === undefined ? undefined : read(block[name], `${at}${name}`, depth + 1)
  const many = <C>(name: string, read: Read<C>): readonly C[] =>
    block[name] === undefined ? NOTHING : listFromJson(block[name], `${at}${name}`, depth + 1, read)
  return Object.freeze({
    ...everyRecord(collection),
    from: one('from', blockFromJson),
    search: one('search', searchFromJson),
    nearest: one('nearest', nearestFromJson),
    joins: many('joins', joinFromJson),
    computed: many('computed', namedFromJson),
    where: one('where', predicateFromJson),
    group: one('group', groupFromJson),
    windows: many('windows', windowFromJson),
    select: block['select'] === undefined ? undefined : many('select', selectedFromJson),
    distinct,
    sets: many('sets', setFromJson),
    orderBy: many('orderBy', orderKeyFromJson),
    limit: one('limit', captureCount),
    offset: one('offset', captureCount) ?? 0,
    hint: one('hint', captureHint),
  })
}

type Read<C> = (json: unknown, at: string, depth: number) => C
const NOTHING: readonly never[] = Object.freeze([])

function searchToJson({ asked, highlights }: SearchClause): unknown {
  return { asked, ...(highlights && { highlights }) }
}

function searchFromJson(json: unknown, at: string): SearchClause {
  const { asked, highlights = false } = objectAt(json, at)
  if (typeof highlights !== 'boolean') throw invalidQuery(`${at}.highlights`, 'expected true or false')
  return Object.freeze({ ...captureSearchClause(asked), highlights })
}

function nearestToJson(nearest: NearestClause): unknown {
  const path = [...nearest.path]
  if (nearest.kind === 'place') return { path, to: nearest.to }
  return { path, to: [...nearest.to], metric: nearest.metric }
}

function nearestFromJson(json: unknown, at: string): NearestClause {
  const { path, to, ...options } = objectAt(json, at)
  return Object.freeze({ ...captureNearest('id', to, options), path: pathAt(path, `${at}.path`) })
}

function joinToJson({ kind, as, other, on }: JoinClause): unknown {
  return { kind, ...(as !== '' && { as }), other: blockToJson(other), on: on.map(pairToJson) }
}

function joinFromJson(json: unknown, at: string, depth: number): JoinClause {
  const { kind, as = '', other, on } = objectAt(json, at)
  const isNameless = kind === 'semi' || kind === 'anti'
  if (!isNameless && kind !== 'inner' && kind !== 'left' && kind !== 'right' && kind !== 'full')
    throw invalidQuery(`${at}.kind`, `${JSON.stringify(kind)} is not a join`)
  if (isNameless && as !== '') throw invalidQuery(`${at}.as`, `${kind} adds no field`)
  const pairs = listFromJson(on, `${at}.on`, depth, pairFromJson)
  if (pairs.length === 0) throw invalidQuery(`${at}.on`, 'expected at least one pair')
  return Object.freeze({
    kind,
    as: isNameless ? '' : captureName(as, `${at}.as`),
    other: blockFromJson(other, `${at}.other`, depth),
    on: pairs,
  })
}

function pairToJson({ left, right }: JoinPair): unknown {
  return { left: expressionToJson(left), right: expressionToJson(right) }
}

function pairFromJson(json: unknown, at: string, depth: number): JoinPair {
  const { left, right } = objectAt(json, at)
  return Object.freeze({
    left: expressionFromJson(left, `${at}.left`, depth + 1),
    right: expressionFromJson(right, `${at}.right`, depth + 1),
  })
}

function namedToJson({ name, value }: NamedExpression): unknown {
  return { name, value: expressionToJson(value) }
}

function namedFromJson(json: unknown, at: string, depth: number): NamedExpression {
  const { name, value } = objectAt(json, at)
  if (typeof name !== 'string') throw invalidQuery(`${at}.name`, `expected a name, found ${describe(name)}`)
  return Object.freeze({ name, value: expressionFromJson(value, `${at}.value`, depth) })
}

function groupToJson({ keys, aggregates, having }: GroupClause): unknown {
  return {
    keys: keys.map(namedToJson),
    aggregates: aggregates.map(aggregateToJson),
    ...(having !== undefined && { having: predicateToJson(having) }),
  }
}

function groupFromJson(json: unknown, at: string, depth: number): GroupClause {
  const { keys, aggregates, having } = objectAt(json, at)
  return Object.freeze({
    keys: listFromJson(keys, `${at}.keys`, depth, namedFromJson),
    aggregates: listFromJson(aggregates, `${at}.aggregates`, depth, aggregateFromJson),
    having: having === undefined ? undefined : predicateFromJson(having, `${at}.having`, depth),
  })
}

function aggregateToJson({ name, fn, of, where, fraction, orderBy }: Aggregate): unknown {
  return {
    name,
    fn,
    ...(of !== undefined && { of: expressionToJson(of) }),
    ...(where !== undefined && { where: predicateToJson(where) }),
    ...(fraction !== undefined && { fraction }),
    ...(orderBy.length > 0 && { orderBy: orderBy.map(orderKeyToJson) }),
  }
}

function aggregateFromJson(json: unknown, at: string, depth: number): Aggregate {
  const { name, fn, of, where, fraction, orderBy } = objectAt(json, at)
  if (typeof fn !== 'string') throw invalidQuery(`${at}.fn`, `expected a function, found ${describe(fn)}`)
  // Checked as what the builder is given: the value stands in for itself.
  const value = of === undefined ? true : 'id'
  const spec = {
    [fn]: fn === 'percentile' ? [value, fraction] : value,
    ...(orderBy !== undefined && { orderBy: 'id' }),
  }
  const [checked] = captureAggregates({ [typeof name === 'string' ? name : '']: spec }, at)
  return Object.freeze({
    ...checked!,
    of: of === undefined ? undefined : expressionFromJson(of, `${at}.of`, depth),
    where: where === undefined ? undefined : predicateFromJson(where, `${at}.where`, depth),
    orderBy: orderBy === undefined ? NOTHING : listFromJson(orderBy, `${at}.orderBy`, depth, orderKeyFromJson),
  })
}

function windowToJson({ name, fn, of, distance, fallback, partitionBy, orderBy }: WindowField): unknown {
  return {
    name,
    fn,
    ...(of !== undefined && { of: expressionToJson(of) }),
    ...(distance !== 1 && { distance }),
    ...(fallback !== null && { fallback: toJsonForm(fallback) }),
    ...(partitionBy.length > 0 && { partitionBy: partitionBy.map(expressionToJson) }),
    ...(orderBy.length > 0 && { orderBy: orderBy.map(orderKeyToJson) }),
  }
}

function windowFromJson(json: unknown, at: string, depth: number): WindowField {
  const { name, fn, of, distance, fallback, partitionBy, orderBy } = objectAt(json, at)
  if (typeof fn !== 'string') throw invalidQuery(`${at}.fn`, `expected a function, found ${describe(fn)}`)
  const spec = {
    [fn]: of === undefined ? true : 'id',
    ...(distance !== undefined && { by: distance }),
    ...(fallback !== undefined && { default: valueAtJson(fallback, `${at}.fallback`) }),
  }
  const [checked] = captureWindows({ [typeof name === 'string' ? name : '']: spec })
  return Object.freeze({
    ...checked!,
    of: of === undefined ? undefined : expressionFromJson(of, `${at}.of`, depth),
    partitionBy:
      partitionBy === undefined ? NOTHING : listFromJson(partitionBy, `${at}.partitionBy`, depth, expressionFromJson),
    orderBy: orderBy === undefined ? NOTHING : listFromJson(orderBy, `${at}.orderBy`, depth, orderKeyFromJson),
  })
}

function setFromJson(json: unknown, at: string, depth: number): SetClause {
  const { kind, other } = objectAt(json, at)
  if (kind !== 'union' && kind !== 'unionAll' && kind !== 'intersect' && kind !== 'except')
    throw invalidQuery(`${at}.kind`, `${JSON.stringify(kind)} is not a set operation`)
  return Object.freeze({ kind, other: blockFromJson(other, `${at}.other`, depth) })
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
    case 'compare': {
      const { op, left, right } = predicate
      return { compare: op, left: expressionToJson(left), right: expressionToJson(right) }
    }
    case 'inQuery':
      return { value: expressionToJson(predicate.value), in: blockToJson(predicate.query) }
    case 'exists':
      return { exists: blockToJson(predicate.query), on: predicate.on.map(pairToJson) }
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

const COMPARISONS: readonly unknown[] = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte'] satisfies ComparisonOp[]

function predicateFromJson(json: unknown, at: string, depth: number): Predicate {
  assertShallow(at, depth)
  const node = objectAt(json, at)
  if ('path' in node) {
    return Object.freeze({
      kind: 'field',
      path: pathAt(node['path'], `${at}.path`),
      test: conditionFromJson(node, at, 0),
    })
  }
  if ('not' in node) return Object.freeze({ kind: 'not', of: predicateFromJson(node['not'], `${at}.not`, depth + 1) })
  if ('compare' in node) return comparisonFromJson(node, at, depth + 1)
  if ('exists' in node) {
    const query = blockFromJson(node['exists'], `${at}.exists`, depth + 1)
    return Object.freeze({ kind: 'exists', query, on: listFromJson(node['on'], `${at}.on`, depth + 1, pairFromJson) })
  }
  if ('in' in node) {
    const query = blockFromJson(node['in'], `${at}.in`, depth + 1)
    if (query.select?.length !== 1) throw invalidQuery(`${at}.in`, 'the query must select exactly one field')
    return Object.freeze({ kind: 'inQuery', value: expressionFromJson(node['value'], `${at}.value`, depth + 1), query })
  }
  const kind = 'and' in node ? 'and' : 'or'
  return combine(kind, listFromJson(node[kind], `${at}.${kind}`, depth + 1, predicateFromJson))
}

function comparisonFromJson(node: Json, at: string, depth: number): Predicate {
  const op = node['compare']
  if (!COMPARISONS.includes(op)) throw invalidQuery(`${at}.compare`, `${JSON.stringify(op)} is not a comparison`)
  return Object.freeze({
    kind: 'compare',
    // One of the list, as was just found.
    op: op as ComparisonOp,
    left: expressionFromJson(node['left'], `${at}.left`, depth),
    right: expressionFromJson(node['right'], `${at}.right`, depth),
  })
}

function expressionToJson(expression: Expression): unknown {
  switch (expression.kind) {
    case 'path':
      return { path: [...expression.path] }
    case 'outer':
      return { outer: [...expression.path] }
    case 'literal':
      return { literal: toJsonForm(expression.value) }
    case 'call':
      return { call: expression.fn, args: expression.args.map(expressionToJson) }
    case 'case': {
      const branches = expression.branches.map(({ when, value }) => ({
        when: predicateToJson(when),
        value: expressionToJson(value),
      }))
      return { case: branches, otherwise: expressionToJson(expression.otherwise) }
    }
    case 'bin': {
      const { of, unit, step, timeZone } = expression
      return { bin: expressionToJson(of), unit, step, timeZone }
    }
  }
}

function expressionFromJson(json: unknown, at: string, depth: number): Expression {
  assertShallow(at, depth)
  const node = objectAt(json, at)
  if ('path' in node) return Object.freeze({ kind: 'path', path: pathAt(node['path'], `${at}.path`) })
  if ('outer' in node) return Object.freeze({ kind: 'outer', path: pathAt(node['outer'], `${at}.outer`) })
  if ('literal' in node) return Object.freeze({ kind: 'literal', value: valueAtJson(node['literal'], `${at}.literal`) })
  if ('call' in node) {
    const args = listFromJson(node['args'], `${at}.args`, depth + 1, expressionFromJson)
    return callExpression(String(node['call']), args, at)
  }
  if ('bin' in node) {
    const { unit, step, timeZone } = node
    const of = expressionFromJson(node['bin'], `${at}.bin`, depth + 1)
    return binExpression(of, { unit, step, timeZone }, at)
  }
  if (!('case' in node)) throw invalidQuery(at, 'is not an expression')
  return Object.freeze({
    kind: 'case',
    branches: listFromJson(node['case'], `${at}.case`, depth + 1, branchFromJson),
    otherwise: expressionFromJson(node['otherwise'], `${at}.otherwise`, depth + 1),
  })
}

function branchFromJson(
  json: unknown,
  at: string,
  depth: number,
): { readonly when: Predicate; readonly value: Expression } {
  const { when, value } = objectAt(json, at)
  return Object.freeze({
    when: predicateFromJson(when, `${at}.when`, depth),
    value: expressionFromJson(value, `${at}.value`, depth),
  })
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

function orderKeyFromJson(json: unknown, at: string): OrderKey {
  const { path, descending = false, nocase = false, nulls } = objectAt(json, at)
  if (typeof descending !== 'boolean') throw invalidQuery(`${at}.descending`, 'expected true or false')
  if (typeof nocase !== 'boolean') throw invalidQuery(`${at}.nocase`, 'expected true or false')
  if (nulls !== undefined && nulls !== 'first' && nulls !== 'last')
    throw invalidQuery(`${at}.nulls`, "expected 'first' or 'last'")
  return Object.freeze({ path: pathAt(path, `${at}.path`), descending, nocase, nulls })
}

function selectedFromJson(json: unknown, at: string): SelectedField {
  const { name, path } = objectAt(json, at)
  if (typeof name !== 'string') throw invalidQuery(`${at}.name`, `expected a name, found ${describe(name)}`)
  return Object.freeze({ name, path: pathAt(path, `${at}.path`) })
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

type Json = { readonly [name: string]: unknown }

function objectAt(json: unknown, at: string): Json {
  if (!isPlainObject(json)) throw invalidQuery(at, `expected an object, found ${describe(json)}`)
  return json
}

function listAt(json: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(json)) throw invalidQuery(at, `expected a list, found ${describe(json)}`)
  return json
}

function listFromJson<C>(json: unknown, at: string, depth: number, read: Read<C>): readonly C[] {
  return Object.freeze(listAt(json, at).map((item, i) => read(item, `${at}[${i}]`, depth)))
}

function assertOnly(json: Json, known: readonly string[], at: string): void {
  const stranger = Object.keys(json).find((name) => !known.includes(name))
  if (stranger !== undefined) throw invalidQuery(`${at}${stranger}`, 'this version knows no such clause')
}

function assertShallow(at: string, depth: number): void {
  if (depth > MAX_PREDICATE_DEPTH) throw invalidQuery(at, `nested deeper than ${MAX_PREDICATE_DEPTH}`)
}
