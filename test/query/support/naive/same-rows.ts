/**
 * Whether an engine's rows are those of the definition. Values must be equal as the total order has it, missing is not
 * null, the order of keys is free. Only in queries that add up or measure may numbers differ by rounding, because a plan
 * may add in another order.
 */
import type { Value } from '../../../../src/base/values.ts'
import { compareStrings, compareValues, equalValues, typeClass } from '../../../../src/codec/order.ts'
import type { QueryData } from '../../../../src/query/query-data.ts'
import { evaluate, hasOrder } from './evaluate.ts'
import type { NaiveDatabase, Row } from './scope.ts'

const RELATIVE = 1e-12
/** Of distances: 1 − cosine loses what the two have in common, and metres are never asked for in micrometres. */
const ABSOLUTE_OF_DISTANCES = 1e-6

/** What is wrong with an answer, or undefined. */
export function judge(data: QueryData, database: NaiveDatabase, actual: readonly Row[]): string | undefined {
  if (hasOrder(data) || data.limit === undefined) return difference(evaluate(data, database), actual, data)
  // Any so many of the rows will do.
  const all = evaluate({ ...data, limit: undefined }, database)
  const count = Math.min(all.length, data.limit)
  if (actual.length !== count) return `${actual.length} rows instead of any ${count} of ${shown(all)}`
  const [, strangers] = unmatched(all, actual, toleranceOf(data))
  return strangers.length === 0 ? undefined : `not among the rows: ${shown(strangers)}`
}

/** The same rows: in this order where the query has one, else in any. */
export function sameRows(expected: readonly Row[], actual: readonly Row[], data: QueryData): boolean {
  return difference(expected, actual, data) === undefined
}

function difference(expected: readonly Row[], actual: readonly Row[], data: QueryData): string | undefined {
  const tolerance = toleranceOf(data)
  if (!hasOrder(data)) {
    const [absent, strangers] = unmatched(expected, actual, tolerance)
    if (absent.length === 0 && strangers.length === 0) return undefined
    return `missing ${shown(absent)}, and there should not be ${shown(strangers)}`
  }
  const isSame = expected.length === actual.length && expected.every((row, i) => isSameValue(row, actual[i], tolerance))
  return isSame ? undefined : `expected in this order ${shown(expected)}, found ${shown(actual)}`
}

type Tolerance = { readonly relative: number; readonly absolute: number }

function unmatched(expected: readonly Row[], actual: readonly Row[], tolerance: Tolerance): [Row[], Row[]] {
  const left = expected.toSorted(compareValues)
  const strangers = actual.toSorted(compareValues).filter((row) => {
    const at = left.findIndex((one) => isSameValue(one, row, tolerance))
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  return [left, strangers]
}

function isSameValue(a: Value | undefined, b: Value | undefined, tolerance: Tolerance): boolean {
  if (equalValues(a, b)) return true
  if (tolerance.relative === 0 || typeClass(a) !== typeClass(b)) return false
  if (typeof a === 'number' && typeof b === 'number') {
    const gap = Math.abs(a - b)
    return gap <= tolerance.absolute || gap <= tolerance.relative * Math.max(Math.abs(a), Math.abs(b))
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item: Value, i) => isSameValue(item, b[i] as Value, tolerance))
  }
  return isPlain(a) && isPlain(b) && isSameObject(a, b, tolerance)
}

function isSameObject(a: Row, b: Row, tolerance: Tolerance): boolean {
  const names = Object.keys(a).sort(compareStrings)
  const others = Object.keys(b).sort(compareStrings)
  return (
    names.length === others.length &&
    names.every((name, i) => name === others[i] && isSameValue(a[name], b[name], tolerance))
  )
}

function isPlain(value: Value | undefined): value is Row {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

const ADDS = new Set(['sum', 'avg', 'median', 'percentile'])

/** Nothing, unless something in the query or below adds or measures. */
function toleranceOf(data: QueryData): Tolerance {
  let adds = false
  let measures = false
  JSON.stringify(data, (name, value: unknown) => {
    if (name === 'fn' && ADDS.has(value as string)) adds = true
    if ((name === 'fn' && value === 'distance') || (name === 'nearest' && value !== undefined)) measures = true
    return typeof value === 'bigint' ? '' : value
  })
  return { relative: adds || measures ? RELATIVE : 0, absolute: measures ? ABSOLUTE_OF_DISTANCES : 0 }
}

function shown(rows: readonly Row[]): string {
  return `[${rows.map((row) => shownValue(row)).join(', ')}]`
}

/** A value as one line of text that tells apart what JSON does not. */
export function shownValue(value: Value | undefined): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return JSON.stringify(value)
  if (Object.is(value, -0)) return '-0'
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `[${value.map((item: Value) => shownValue(item)).join(', ')}]`
  if (!isPlain(value)) return ArrayBuffer.isView(value) ? `${value.constructor.name}(${String(value)})` : String(value)
  const fields = Object.keys(value).map((name) => `${name}: ${shownValue(value[name])}`)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}
