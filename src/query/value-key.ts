/**
 * Keys for maps and sets of values: two values have one key exactly when they are equal by the total order, so 5 and 5n,
 * 0 and -0, NaN and NaN, and objects whatever the order of their names. Missing and null have keys of their own.
 *
 * Numbers, booleans, null and most text are their own keys, which a Map tells apart by type. All else is text behind a
 * NUL, and text that begins with one is moved out of its way.
 */
import type { StoredRecord, Value } from '../base/values.ts'
import { sortedNames } from '../codec/order.ts'
import type { RowValue } from './expression.ts'

export type ValueKey = string | number | bigint | boolean | null | undefined

const NUL = '\u0000'

/** The key of one value. */
export function valueKey(value: Value | undefined): ValueKey {
  switch (typeof value) {
    case 'string':
      return value.startsWith(NUL) ? `${NUL}s${value}` : value
    case 'bigint':
      return sameNumber(value) ?? value
    case 'object':
      return value === null ? null : NUL + textOf(value)
    default:
      return value
  }
}

/** The function that makes the key of several values of a row. Of one it is that value's key. */
export function compileKey(parts: readonly RowValue[]): (row: StoredRecord) => ValueKey {
  const only = parts[0]
  if (only !== undefined && parts.length === 1) return (row) => valueKey(only(row))
  return (row) => {
    let text = NUL
    for (let i = 0; i < parts.length; i++) text += textOf(parts[i]!(row))
    return text
  }
}

/** As compileKey, for equality where null and missing equal nothing: then there is no key. */
export function compileJoinKey(parts: readonly RowValue[]): (row: StoredRecord) => ValueKey {
  const only = parts[0]
  if (only !== undefined && parts.length === 1) return (row) => valueKey(only(row)) ?? undefined
  return (row) => {
    let text = NUL
    for (let i = 0; i < parts.length; i++) {
      const value = parts[i]!(row)
      if (value === undefined || value === null) return undefined
      text += textOf(value)
    }
    return text
  }
}

/** True when a Map takes them for one key. */
export function sameKey(a: ValueKey, b: ValueKey): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b))
}

/** Text of a value that no other value's text begins with, so that texts may stand one behind the other. */
function textOf(value: Value | undefined): string {
  switch (typeof value) {
    case 'undefined':
      return 'u'
    case 'boolean':
      return value ? 't' : 'f'
    case 'string':
      return `s${value.length}:${value}`
    case 'number':
      return `n${value === 0 ? 0 : value};`
    case 'bigint':
      return `n${sameNumber(value) ?? value};`
    case 'object':
      return value === null ? '0' : textOfObject(value)
  }
}

function textOfObject(value: Value & object): string {
  if (value instanceof Date) return `d${value.getTime()};`
  if (value instanceof Uint8Array) return `b${value.length}:${bytesText(value)}`
  if (value instanceof Float32Array || value instanceof Float64Array) {
    // The shortest text that reads back as the number is another for each, and '0' for -0.
    return `v${value.join()};`
  }
  if (Array.isArray(value)) {
    let text = `a${value.length}:`
    for (const item of value as readonly Value[]) text += textOf(item)
    return text
  }
  // What is neither of the above is a plain object.
  const object = value as { readonly [name: string]: Value | undefined }
  const names = sortedNames(object)
  let text = `o${names.length}:`
  for (const name of names) text += textOf(name) + textOf(object[name])
  return text
}

/** Arguments of one call, below every engine's limit. */
const BYTES_PER_CALL = 4_096

/** A character for each byte. */
function bytesText(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += BYTES_PER_CALL) {
    text += String.fromCharCode(...bytes.subarray(at, at + BYTES_PER_CALL))
  }
  return text
}

/** The number that a bigint equals, when there is one. */
function sameNumber(value: bigint): number | undefined {
  const number = Number(value)
  return Number.isFinite(number) && BigInt(number) === value ? number : undefined
}
