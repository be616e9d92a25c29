/** Operands are captured at the call: copied, checked and frozen, so that a query cannot change under its owner. */
import { BlazeError } from '../base/errors.ts'
import { parsePath } from '../base/path.ts'
import { MAX_DEPTH, type Path, type Value } from '../base/values.ts'

/** The error of a query that cannot be understood; `path` says where in it. */
export function invalidQuery(path: string, what: string, cause?: unknown): BlazeError<'INVALID_QUERY'> {
  const where = path === '' ? '' : ` at ${path}`
  return new BlazeError('INVALID_QUERY', `The query is refused${where}: ${what}.`, { path }, { cause })
}

/** True for `{…}` and null-prototype objects: neither arrays nor instances of a class. */
export function isPlainObject(value: unknown): value is { readonly [name: string]: unknown } {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Paths are few and come again with every query; a program that makes them up without end parses them each time. */
const MAX_KNOWN_PATHS = 1_024
const knownPaths = new Map<string, Path>()

/** The path a user wrote, or INVALID_QUERY. */
export function capturePath(text: unknown): Path {
  if (typeof text !== 'string') throw invalidQuery('', `a path must be a string, and ${describe(text)} is none`)
  const known = knownPaths.get(text)
  if (known !== undefined) return known
  try {
    const path = Object.freeze(parsePath(text))
    if (knownPaths.size < MAX_KNOWN_PATHS) knownPaths.set(text, path)
    return path
  } catch (cause) {
    throw invalidQuery(text, `not a path (${(cause as Error).message})`, cause)
  }
}

/** A deep copy that is nobody else's, or INVALID_QUERY for what a record could not hold. */
export function captureValue(value: unknown, at: string, depth = 0): Value {
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'bigint':
    case 'string':
      return value
    case 'undefined':
      throw invalidQuery(at, 'undefined is not a value; leave the condition out, or ask with isNull or exists')
    case 'object':
      return value === null ? null : captureObject(value, at, depth)
    default:
      throw invalidQuery(at, `${describe(value)} is not a value that a record can hold`)
  }
}

function captureObject(value: object, at: string, depth: number): Value {
  if (depth > MAX_DEPTH) throw invalidQuery(at, `a value nested deeper than ${MAX_DEPTH} levels`)
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw invalidQuery(at, 'an invalid Date is not a value')
    return new Date(value.getTime())
  }
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (value instanceof Float32Array) return new Float32Array(value)
  if (value instanceof Float64Array) return new Float64Array(value)
  if (Array.isArray(value)) {
    // Array.from meets holes too, as undefined, which is refused.
    return Object.freeze(Array.from(value, (item: unknown, i) => captureValue(item, `${at}[${i}]`, depth + 1)))
  }
  if (!isPlainObject(value)) throw invalidQuery(at, `${describe(value)} is not a value that a record can hold`)
  const copy: { [name: string]: Value } = {}
  for (const name of Object.keys(value)) {
    // defineProperty, because assigning `__proto__` would change the copy's prototype instead.
    Object.defineProperty(copy, name, {
      value: captureValue(value[name], `${at}.${name}`, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return Object.freeze(copy)
}

/** A number of rows: an integer from 0, or INVALID_QUERY. */
export function captureCount(count: unknown, at: string): number {
  if (!Number.isSafeInteger(count) || (count as number) < 0) {
    throw invalidQuery(at, `expected an integer from 0, found ${String(count)}`)
  }
  return count as number
}

/** What a refused thing is, for messages. */
export function describe(value: unknown): string {
  if (value === null || typeof value === 'undefined') return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  const name = (value.constructor as { readonly name?: string } | undefined)?.name
  return name === undefined || name === 'Object' ? 'an object' : `a ${name}`
}
