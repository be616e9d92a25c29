/** The table of operators, written out as naively as can be: what every plan is held to. */
import { parsePath, valueAt } from '../../../src/base/path.ts'
import type { StoredRecord, Value } from '../../../src/base/values.ts'
import { compareValues, equalValues, foldCase, foldValue, typeClass } from '../../../src/codec/order.ts'
import type { Filter } from '../../../src/query/filter.ts'
import { and, not, or } from '../../../src/query/where.ts'

type Operand = Value | RegExp | Tests | undefined
export interface Tests {
  readonly [op: string]: Operand
}
export interface PlainFilter {
  readonly [path: string]: Operand
}

/** A filter as a tree of plain data, from which both the query's filter and the naive answer are made. */
export type FilterTree =
  | { readonly kind: 'where'; readonly where: PlainFilter }
  | { readonly kind: 'or' | 'and'; readonly of: readonly FilterTree[] }
  | { readonly kind: 'not'; readonly of: FilterTree }

export function toFilter(tree: FilterTree): Filter<unknown> {
  switch (tree.kind) {
    case 'where':
      // The generated conditions are of every kind, which is more than the type of a filter follows.
      return and<unknown>(tree.where as never)
    case 'not':
      return not<unknown>(toFilter(tree.of))
    default:
      return (tree.kind === 'or' ? or : and)<unknown>(...tree.of.map(toFilter))
  }
}

export function naiveMatches(tree: FilterTree, record: StoredRecord): boolean {
  switch (tree.kind) {
    case 'where':
      return Object.entries(tree.where).every(([path, tests]) => naiveField(valueAt(record, parsePath(path)), tests))
    case 'not':
      return !naiveMatches(tree.of, record)
    case 'or':
      return tree.of.some((one) => naiveMatches(one, record))
    case 'and':
      return tree.of.every((one) => naiveMatches(one, record))
  }
}

function isTests(operand: Operand): operand is Tests {
  if (typeof operand !== 'object' || operand === null) return false
  return Object.getPrototypeOf(operand) === Object.prototype || Object.getPrototypeOf(operand) === null
}

export function naiveField(value: Value | undefined, tests: Operand): boolean {
  if (!isTests(tests)) return naiveTest(value, 'eq', tests)
  return Object.entries(tests).every(([op, operand]) => naiveTest(value, op, operand))
}

function ordered(value: Value | undefined, operand: Value, holds: (order: number) => boolean): boolean {
  if (value === undefined || value === null || operand === null) return false
  if (typeClass(value) !== typeClass(operand)) return false
  if (Number.isNaN(value) || Number.isNaN(operand)) return false
  return holds(compareValues(value, operand))
}

function naiveTest(value: Value | undefined, op: string, operand: Operand): boolean {
  const one = operand as Value
  const list = operand as readonly Value[]
  const text = operand as string
  switch (op) {
    case 'eq':
      return value !== undefined && equalValues(value, one)
    case 'ne':
      return value === undefined || !equalValues(value, one)
    case 'in':
      return value !== undefined && list.some((item) => equalValues(value, item))
    case 'notIn':
      return value === undefined || !list.some((item) => equalValues(value, item))
    case 'lt':
      return ordered(value, one, (order) => order < 0)
    case 'lte':
      return ordered(value, one, (order) => order <= 0)
    case 'gt':
      return ordered(value, one, (order) => order > 0)
    case 'gte':
      return ordered(value, one, (order) => order >= 0)
    case 'between':
      return ordered(value, list[0]!, (order) => order >= 0) && ordered(value, list[1]!, (order) => order <= 0)
    case 'exists':
      return (value !== undefined) === operand
    case 'isNull':
      return (value === undefined || value === null) === operand
    case 'startsWith':
      return typeof value === 'string' && value.startsWith(text)
    case 'contains':
      return typeof value === 'string' && value.includes(text)
    case 'like':
      return typeof value === 'string' && likeRegExp(text).test(value)
    case 'ilike':
      return typeof value === 'string' && likeRegExp(foldCase(text)).test(foldCase(value))
    case 'regex':
      return typeof value === 'string' && new RegExp(operand as RegExp).test(value)
    case 'any':
      return Array.isArray(value) && value.some((item: Value) => naiveField(item, operand))
    case 'all':
      return Array.isArray(value) && value.every((item: Value) => naiveField(item, operand))
    case 'none':
      return Array.isArray(value) && !value.some((item: Value) => naiveField(item, operand))
    default:
      throw new Error(`no operator ${op}`)
  }
}

function likeRegExp(pattern: string): RegExp {
  const source = pattern.replace(/\\(.)|%|_|[\^$.*+?()[\]{}|/]/gsu, (found, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')
    return found === '%' ? '.*' : found === '_' ? '.' : `\\${found}`
  })
  return new RegExp(`^${source}$`, 'su')
}

export interface OrderSpec {
  readonly path: string
  readonly direction: 'asc' | 'desc'
  readonly nulls?: 'first' | 'last'
  readonly nocase?: boolean
}

/** Sorts as `orderBy` says; of no keys by id. */
export function naiveSort(records: readonly StoredRecord[], order: readonly OrderSpec[]): StoredRecord[] {
  const idSign = order.at(-1)?.direction === 'desc' ? -1 : 1
  return [...records].sort((a, b) => {
    for (const key of order) {
      const found = naiveKeyOrder(a, b, key)
      if (found !== 0) return found
    }
    return idSign * compareValues(a.id, b.id)
  })
}

function naiveKeyOrder(a: StoredRecord, b: StoredRecord, { path, direction, nulls, nocase }: OrderSpec): number {
  const values = [a, b].map((record) => valueAt(record, parsePath(path)))
  const [left, right] = nocase === true ? values.map(foldValue) : values
  const leftIsNull = left === undefined || left === null
  const rightIsNull = right === undefined || right === null
  if (nulls !== undefined && leftIsNull !== rightIsNull) return leftIsNull === (nulls === 'first') ? -1 : 1
  return (direction === 'desc' ? -1 : 1) * compareValues(left, right)
}
