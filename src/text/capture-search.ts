/**
 * The object form of a search, for programs: what it says wrong is refused, with the path.
 *
 *   { all: ['login', 'broken'], any: ['crash', { prefix: 'hang' }], none: 'test', phrase: 'not found', fuzzy: { word: 'logn', edits: 2 }, field: 'title' }
 *
 * All that is given must hold. `all`, `any` and `none` take words, or objects of this form; a string is divided at its
 * spaces. `none` alone is refused: it only takes away.
 */
import { BlazeError } from '../base/errors.ts'
import { combineQueries, MAX_LEAVES, MAX_QUERY_DEPTH, type TextLeaf, type TextQuery } from './text-query.ts'

/** The object form. */
export interface SearchObject {
  readonly all?: string | readonly (string | SearchObject)[]
  readonly any?: string | readonly (string | SearchObject)[]
  readonly none?: string | readonly (string | SearchObject)[]
  readonly phrase?: string | readonly string[]
  readonly prefix?: string | readonly string[]
  readonly fuzzy?: string | FuzzyWord | readonly (string | FuzzyWord)[]
  /** Look in this field only. */
  readonly field?: string
}

/** A word that may have errors: up to `edits`, 1 when not given. */
export interface FuzzyWord {
  readonly word: string
  readonly edits?: 1 | 2
}

interface Capture {
  readonly fields: readonly string[]
  leaves: number
}

const NAMES: ReadonlySet<string> = new Set(['all', 'any', 'none', 'phrase', 'prefix', 'fuzzy', 'field'])
const HAS_WORD = /[\p{L}\p{N}\p{M}]/u
const ONE_WORD = /^[\p{L}\p{N}\p{M}]+$/u

/** The query that the object states; INVALID_QUERY with the path for anything else. `fields` are those of the index. */
export function captureSearch(object: unknown, fields: readonly string[]): TextQuery {
  return captureObject({ fields, leaves: 0 }, object, 'search', undefined, 0)
}

function captureObject(c: Capture, object: unknown, path: string, outer: string | undefined, depth: number): TextQuery {
  if (!isPlainObject(object)) throw invalidSearch(path, 'expected an object like { all: […] }')
  if (depth > MAX_QUERY_DEPTH / 2 - 2) throw invalidSearch(path, 'it is nested too deep')
  for (const name of Object.keys(object)) {
    if (!NAMES.has(name))
      throw invalidSearch(`${path}.${name}`, `there is no such part; there are ${[...NAMES].join(', ')}`)
    if (object[name] === undefined)
      throw invalidSearch(`${path}.${name}`, 'undefined is not a value; leave the part out')
  }
  const { all, any, none, phrase, prefix, fuzzy } = object
  const field = object['field'] === undefined ? outer : captureField(c, object['field'], `${path}.field`)
  const of: TextQuery[] = []
  if (all !== undefined) of.push(...captureItems(c, all, `${path}.all`, field, depth))
  if (any !== undefined) of.push(combineQueries('or', captureItems(c, any, `${path}.any`, field, depth)))
  for (const [kind, given] of [['phrase', phrase] as const, ['prefix', prefix] as const]) {
    if (given !== undefined)
      of.push(...eachOf(given, `${path}.${kind}`, (text, at) => captureText(c, kind, text, at, field)))
  }
  if (fuzzy !== undefined) of.push(...eachOf(fuzzy, `${path}.fuzzy`, (word, at) => captureFuzzy(c, word, at, field)))
  if (of.length === 0) throw invalidSearch(path, "it says nothing to look for; 'none' only takes away")
  if (none !== undefined) {
    for (const item of captureItems(c, none, `${path}.none`, field, depth))
      of.push(Object.freeze({ kind: 'not', of: item }))
  }
  return combineQueries('and', of)
}

function captureItems(c: Capture, items: unknown, path: string, field: string | undefined, depth: number): TextQuery[] {
  const list = typeof items === 'string' ? items.split(/\s+/u).filter((word) => word !== '') : items
  if (!Array.isArray(list)) throw invalidSearch(path, 'expected words, or a list of them')
  if (list.length === 0) throw invalidSearch(path, 'there is no word in it')
  return list.map((item: unknown, i) => {
    const place = typeof items === 'string' ? path : `${path}[${i}]`
    return typeof item === 'string'
      ? captureText(c, 'term', item, place, field)
      : captureObject(c, item, place, field, depth + 1)
  })
}

function captureText(
  c: Capture,
  kind: 'term' | 'phrase' | 'prefix',
  text: unknown,
  path: string,
  field: string | undefined,
): TextLeaf {
  if (typeof text !== 'string' || !HAS_WORD.test(text)) throw invalidSearch(path, 'expected a text with a word in it')
  if (kind === 'prefix' && !ONE_WORD.test(text)) throw invalidSearch(path, 'expected the beginning of a single word')
  return countedLeaf(c, { kind, text, ...(field !== undefined && { field }) }, path)
}

function captureFuzzy(c: Capture, item: unknown, path: string, field: string | undefined): TextLeaf {
  const { word, edits = 1 } =
    typeof item === 'string' ? { word: item } : isPlainObject(item) ? item : { word: undefined }
  if (typeof word !== 'string' || !ONE_WORD.test(word)) {
    throw invalidSearch(path, 'expected a single word, or { word, edits }')
  }
  if (edits !== 1 && edits !== 2) throw invalidSearch(`${path}.edits`, 'expected 1 or 2')
  return countedLeaf(c, { kind: 'fuzzy', text: word, edits, ...(field !== undefined && { field }) }, path)
}

function countedLeaf(c: Capture, leaf: TextLeaf, path: string): TextLeaf {
  if (++c.leaves > MAX_LEAVES) throw invalidSearch(path, `there are more than ${MAX_LEAVES} words`)
  return Object.freeze(leaf)
}

function captureField(c: Capture, field: unknown, path: string): string {
  if (typeof field === 'string' && c.fields.includes(field)) return field
  throw invalidSearch(path, `the text index has no such field; it has ${c.fields.join(', ')}`)
}

/** Calls `capture` with each item of a list, or with what is none. */
function eachOf<T>(value: unknown, path: string, capture: (item: unknown, path: string) => T): T[] {
  if (!Array.isArray(value)) return [capture(value, path)]
  if (value.length === 0) throw invalidSearch(path, 'there is nothing in it')
  return value.map((item: unknown, i) => capture(item, `${path}[${i}]`))
}

function isPlainObject(value: unknown): value is { readonly [name: string]: unknown } {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function invalidSearch(path: string, reason: string): BlazeError<'INVALID_QUERY'> {
  return new BlazeError('INVALID_QUERY', `The search is refused at ${path}: ${reason}.`, { path })
}
