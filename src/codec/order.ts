/**
 * The one total order of values, and with it the one equality:
 *
 *   missing < null < false < true < numbers < strings < dates < bytes < arrays < objects < vectors
 *
 * Numbers and bigints compare by exact mathematical value; NaN equals itself and comes before -Infinity; -0 is 0.
 * Strings compare by code point, which is the order of their WTF-8 bytes; arrays element by element, then shorter first;
 * objects as their (name, value) pairs sorted by name; vectors by length, then elements. Index keys (key.ts) put the
 * same order into bytes. A field that is `undefined` is no field.
 */
import type { Value } from '../base/values.ts'
import { foldCase } from './case-fold.ts'

export { foldCase } from './case-fold.ts'

/** The classes of the order, ascending. Range operators compare only within one class. */
export const TYPE_CLASS = {
  missing: 0,
  null: 1,
  boolean: 2,
  number: 3,
  string: 4,
  date: 5,
  bytes: 6,
  array: 7,
  object: 8,
  vector: 9,
} as const

/** One of {@link TYPE_CLASS}. */
export type TypeClass = (typeof TYPE_CLASS)[keyof typeof TYPE_CLASS]

type Vector = Float32Array | Float64Array

/** The class of a value; `undefined` is a missing one. */
export function typeClass(v: Value | undefined): TypeClass {
  switch (typeof v) {
    case 'undefined':
      return TYPE_CLASS.missing
    case 'boolean':
      return TYPE_CLASS.boolean
    case 'number':
    case 'bigint':
      return TYPE_CLASS.number
    case 'string':
      return TYPE_CLASS.string
    default:
      if (v === null) return TYPE_CLASS.null
      if (v instanceof Date) return TYPE_CLASS.date
      if (Array.isArray(v)) return TYPE_CLASS.array
      if (v instanceof Uint8Array) return TYPE_CLASS.bytes
      return isVector(v) ? TYPE_CLASS.vector : TYPE_CLASS.object
  }
}

/** True for the two kinds of vector. */
export function isVector(v: unknown): v is Vector {
  return v instanceof Float32Array || v instanceof Float64Array
}

/** Negative, zero or positive as `a` comes before, is equal to or comes after `b`. */
export function compareValues(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b)
  if (typeof a === 'number' && typeof b === 'number') return compareNumbers(a, b)
  const left = typeClass(a)
  const right = typeClass(b)
  if (left !== right) return left - right
  // The classes are equal, so in each case both values have the type that the class of one says.
  switch (left) {
    case TYPE_CLASS.missing:
    case TYPE_CLASS.null:
      return 0
    case TYPE_CLASS.boolean:
      return Number(a) - Number(b)
    case TYPE_CLASS.number:
      return compareNumbers(a as number | bigint, b as number | bigint)
    case TYPE_CLASS.string:
      return compareStrings(a as string, b as string)
    case TYPE_CLASS.date:
      return compareNumbers((a as Date).getTime(), (b as Date).getTime())
    case TYPE_CLASS.bytes:
      return compareElements(a as Uint8Array, b as Uint8Array)
    case TYPE_CLASS.array:
      return compareArrays(a as readonly Value[], b as readonly Value[])
    case TYPE_CLASS.object:
      return compareObjects(a as { [name: string]: Value }, b as { [name: string]: Value })
    case TYPE_CLASS.vector:
      return (a as Vector).length - (b as Vector).length || compareElements(a as Vector, b as Vector)
  }
}

/** Deep equality, the zero of {@link compareValues}. */
export function equalValues(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true
  if (typeof a === 'string' && typeof b === 'string') return false
  return compareValues(a, b) === 0
}

/** Exact order of numbers and bigints; NaN first. JavaScript's own `<` between number and bigint is exact. */
export function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1
  if (a > b) return 1
  // biome-ignore lint/suspicious/noDoubleEquals: only loose equality compares a number with a bigint
  if (a == b) return 0
  return Number(!Number.isNaN(a)) - Number(!Number.isNaN(b))
}

/** Order by code point; a surrogate without its partner counts as the code point of its own number. */
export function compareStrings(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return x < 0xd800 || y < 0xd800 ? x - y : compareAbove(a, b, i)
  }
  return a.length - b.length
}

/** The first difference is at `i` and both units are surrogates or above: UTF-16 and code points differ in order here. */
function compareAbove(a: string, b: string, i: number): number {
  const pairBegun = i > 0 && (a.charCodeAt(i - 1) & 0xfc00) === 0xd800
  const start = pairBegun ? i - 1 : i
  const left = a.codePointAt(start)!
  const right = b.codePointAt(start)!
  // Equal: the shared high surrogate stands alone in both, and the units after it decide.
  return left !== right ? left - right : a.codePointAt(i)! - b.codePointAt(i)!
}

function compareElements(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const order = compareNumbers(a[i]!, b[i]!)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareArrays(a: readonly Value[], b: readonly Value[]): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const order = compareValues(a[i], b[i])
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareObjects(
  a: { readonly [name: string]: Value | undefined },
  b: { readonly [name: string]: Value | undefined },
): number {
  const left = sortedNames(a)
  const right = sortedNames(b)
  const n = Math.min(left.length, right.length)
  for (let i = 0; i < n; i++) {
    const order = compareStrings(left[i]!, right[i]!) || compareValues(a[left[i]!], b[right[i]!])
    if (order !== 0) return order
  }
  return left.length - right.length
}

/** The names of an object's fields in the order of {@link compareStrings}, without those that are undefined. */
export function sortedNames(object: { readonly [name: string]: Value | undefined }): string[] {
  return Object.keys(object)
    .filter((name) => object[name] !== undefined)
    .sort(compareStrings)
}

/** `value` with every string in it case-folded (names of fields are not): what collation `nocase` compares. */
export function foldValue(value: Value | undefined): Value | undefined {
  switch (typeClass(value)) {
    case TYPE_CLASS.string:
      return foldCase(value as string)
    case TYPE_CLASS.array:
      return (value as readonly Value[]).map((v) => foldValue(v) as Value)
    case TYPE_CLASS.object:
      return Object.fromEntries(
        Object.entries(value as { [name: string]: Value | undefined }).map(([name, v]) => [name, foldValue(v)]),
      )
    default:
      return value
  }
}
