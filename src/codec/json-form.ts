/**
 * Values as JSON, for dumps, the command line and people: what JSON has is itself, the rest is an object with one name.
 *
 *   Date → {"$date": "2024-05-01T12:00:00.000Z"}      bigint → {"$bigint": "12"}      bytes → {"$bytes": base64}
 *   NaN, ±Infinity, -0 → {"$number": "NaN"}           vectors → {"$f32": base64}, {"$f64": base64} (little-endian)
 *   a real object with one name that begins with $ → {"$object": {…}}
 */
import { BlazeError } from '../base/errors.ts'
import { MAX_DEPTH, type Value } from '../base/values.ts'
import type { Fields } from './body-reader.ts'
import { fillVector, vectorBytes } from './kinds.ts'
import { isVector } from './order.ts'
import { setField } from './read-value.ts'
import { readNarrow, writeNarrow } from './text.ts'

/** What JSON.parse gives and JSON.stringify takes. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

const SPECIAL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
])

/** A stored value in JSON's terms. */
export function toJsonForm(value: Value): Json {
  switch (typeof value) {
    case 'bigint':
      return { $bigint: String(value) }
    case 'number':
      if (Object.is(value, -0)) return { $number: '-0' }
      return Number.isFinite(value) ? value : { $number: String(value) }
    case 'object':
      break
    default:
      return value
  }
  if (value === null) return null
  if (Array.isArray(value)) return value.map((element: Value) => toJsonForm(element))
  if (value instanceof Date) return { $date: value.toISOString() }
  if (value instanceof Uint8Array) return { $bytes: toBase64(value) }
  if (isVector(value)) {
    const text = toBase64(vectorBytes(value))
    return value instanceof Float32Array ? { $f32: text } : { $f64: text }
  }
  const form = mapFields(value as Fields, (v) => toJsonForm(v))
  return loneName(form)?.startsWith('$') === true ? { $object: form } : form
}

/** The value of a JSON form. INVALID_VALUE with the path of what is none. */
export function fromJsonForm(json: unknown): Value {
  return fromForm(json, '', 0)
}

function fromForm(json: unknown, path: string, depth: number): Value {
  if (json === null || typeof json === 'boolean' || typeof json === 'number' || typeof json === 'string') return json
  if (typeof json !== 'object') throw refused(path, `a ${typeof json} is no JSON`)
  // The wrapper of an object is a level of JSON, not of the value.
  if (depth > 2 * MAX_DEPTH) throw refused(path, 'nested too deep')
  if (Array.isArray(json)) return json.map((element: unknown, i) => fromForm(element, `${path}[${i}]`, depth + 1))
  const name = loneName(json)
  if (name === undefined || !name.startsWith('$')) return fromFields(json, path, depth)
  const content = (json as { [name: string]: unknown })[name]
  if (name !== '$object') return fromSpecial(name, content, path)
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw refused(path, 'no object in $object')
  return fromFields(content, path, depth + 1)
}

function fromFields(json: object, path: string, depth: number): Value {
  return mapFields(json as { [name: string]: unknown }, (value, name) =>
    fromForm(value, path === '' ? name : `${path}.${name}`, depth + 1),
  )
}

function fromSpecial(name: string, content: unknown, path: string): Value {
  if (typeof content !== 'string') throw refused(path, `${name} needs a string`)
  const value = readSpecial(name, content)
  if (value === undefined) throw refused(path, `${name} with a content that is none`)
  return value
}

function readSpecial(name: string, text: string): Value | undefined {
  switch (name) {
    case '$date': {
      const date = new Date(text)
      return !Number.isNaN(date.getTime()) && date.toISOString() === text ? date : undefined
    }
    case '$bigint':
      return /^(?:0|-?[1-9]\d*)$/.test(text) ? BigInt(text) : undefined
    case '$number':
      return SPECIAL_NUMBERS.get(text)
    case '$bytes':
      return fromBase64(text)
    case '$f32':
      return readVector(text, 4)
    case '$f64':
      return readVector(text, 8)
    default:
      return undefined
  }
}

function readVector(text: string, elementSize: 4 | 8): Value | undefined {
  const bytes = fromBase64(text)
  if (bytes === undefined || bytes.length % elementSize !== 0) return undefined
  const count = bytes.length / elementSize
  const vector = elementSize === 4 ? new Float32Array(count) : new Float64Array(count)
  fillVector(vector, bytes)
  return vector
}

function toBase64(bytes: Uint8Array): string {
  return btoa(readNarrow(bytes, 0, bytes.length))
}

/** Undefined unless the text is exactly what {@link toBase64} gives for some bytes. */
function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined
  const narrow = atob(text)
  if (btoa(narrow) !== text) return undefined
  const bytes = new Uint8Array(narrow.length)
  writeNarrow(bytes, narrow, 0)
  return bytes
}

/** The name of an object's only field. */
function loneName(object: object): string | undefined {
  const names = Object.keys(object)
  return names.length === 1 ? names[0] : undefined
}

/** An object with the same names, fields that are undefined left out; `__proto__` stays an own field. */
function mapFields<V, R extends Value>(
  object: { readonly [name: string]: V | undefined },
  change: (value: V, name: string) => R,
): { [name: string]: R } {
  const mapped: { [name: string]: R } = {}
  for (const name of Object.keys(object)) {
    const value = object[name]
    if (value !== undefined) setField(mapped, name, change(value, name))
  }
  return mapped
}

function refused(path: string, why: string): BlazeError<'INVALID_VALUE'> {
  return new BlazeError('INVALID_VALUE', `${path === '' ? 'The JSON' : path} is not the form of a value: ${why}.`, {
    path,
  })
}
