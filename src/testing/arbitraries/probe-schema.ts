/**
 * What a schema accepts, found by asking it: for libraries that do not put their schemas into JSON Schema.
 *
 *   {}                          → issue at title        the field is missing: try a text
 *   { title: 'sample' }         → issue at priority     try a text …
 *   { …, priority: 'sample' }   → issue at priority     … refused: try a whole number
 *   { …, priority: 7 }          → no issue              done: title is a text, priority a whole number
 *
 * Texts in quotes in a message ("expected 'open' | 'closed'") are tried first: so enumerations are found. Fields that
 * may be missing give no issue, and are not found: a shape beside the schema names them.
 */
import fc from 'fast-check'
import type { Value } from '../../base/values.ts'
import type { StandardIssue } from '../../engine/schema.ts'
import { jsonSchemaArbitrary } from './json-schema.ts'
import { bytes, date, text } from './scalars.ts'
import { pathOf } from './standard-issue.ts'

/** Undefined when a candidate passes. */
export type Ask = (candidate: unknown) => readonly StandardIssue[] | undefined

/** A kind of value: one of it to ask with, and all of it. */
interface Pool {
  readonly sample: Value
  readonly values: fc.Arbitrary<Value | undefined>
}

/** What is known of one place of the record. */
interface Place {
  readonly path: readonly PropertyKey[]
  readonly pools: readonly Pool[]
  /** Which of the pools is tried, or was accepted. */
  at: number
}

/** Places by their path as text, a parent before its children. */
export type Probed = { readonly places: ReadonlyMap<string, Place>; readonly ask: Ask }

/** Every question costs one validation: this is enough for forty fields of the last kind. */
const MAX_QUESTIONS = 1000

const POOLS: readonly Pool[] = [
  { sample: 'sample text', values: text({ maxLength: 40 }) },
  { sample: 7, values: fc.oneof(fc.integer(), fc.nat(20)) },
  { sample: true, values: fc.boolean() },
  ...formats('uuid', 'date-time', 'email', 'uri', 'date'),
  // Before all other objects: some libraries take any of them for a plain one.
  { sample: {}, values: fc.constant({}) },
  { sample: [], values: fc.constant([]) },
  { sample: new Date(1_700_000_000_000), values: date() },
  { sample: 0.5, values: fc.double({ noNaN: true, min: 0, max: 1 }) },
  { sample: 7n, values: fc.bigInt() },
  { sample: Uint8Array.of(1), values: bytes() },
  { sample: new Float32Array(1), values: fc.float32Array({ maxLength: 4 }) },
  { sample: new Float64Array(1), values: fc.float64Array({ maxLength: 4 }) },
  { sample: null, values: fc.constant(null) },
]

function formats(...names: readonly string[]): Pool[] {
  return names.map((format) => {
    const values = jsonSchemaArbitrary({ type: 'string', format }, { root: {} })
    return { sample: fc.sample(values, { numRuns: 1, seed: 1 })[0]!, values }
  })
}

/** Asks until a candidate passes, or nothing is left to try. */
export function probeSchema(ask: Ask): Probed {
  const places = new Map<string, Place>()
  for (let question = 0; question < MAX_QUESTIONS; question++) {
    const [issue] = ask(candidateOf(places)) ?? []
    if (issue === undefined) {
      const list = [...places.values()].find((place) => isBareList(place, places))
      if (list === undefined) break
      // What its elements are is asked as if one were missing.
      tryNext(places, [...list.path, 0], '')
    } else {
      const path = pathOf(issue)
      if (path.length === 0 || !tryNext(places, path, issue.message)) break
    }
  }
  return { places, ask }
}

/** The first kind that is not refused at a place of a record, and the record with one of that kind there. */
export function probePlace(
  ask: Ask,
  base: unknown,
  path: readonly PropertyKey[],
): fc.Arbitrary<Value | undefined> | undefined {
  const about = textOf(path)
  for (const { sample, values } of POOLS) {
    setAt(base, path, copyOf(sample))
    if (!(ask(base) ?? []).some((issue) => textOf(pathOf(issue)).startsWith(about))) return values
  }
  return undefined
}

function isBareList(place: Place, places: ReadonlyMap<string, Place>): boolean {
  const pool = place.pools[place.at]
  return Array.isArray(pool?.sample) && !places.has(textOf([...place.path, 0]))
}

/** The next kind for a place; false when there is none. An element of a list that is of no kind is left out. */
function tryNext(places: Map<string, Place>, path: readonly PropertyKey[], message: string): boolean {
  const key = textOf(path)
  const place = places.get(key)
  if (place === undefined) {
    places.set(key, { path, pools: [...named(message, path), ...POOLS], at: 0 })
    return true
  }
  for (const other of [...places.keys()]) if (other.startsWith(`${key}\n`)) places.delete(other)
  // A message about a wrong value tells more than the one about a missing one.
  const found = place.at === 0 && place.pools.length === POOLS.length ? named(message, path) : []
  if (found.length === 0) {
    place.at++
    if (place.at < place.pools.length) return true
    // A text, if anything, is refused with words that say what is wanted.
    place.at = 0
    return false
  }
  places.set(key, { path, pools: [...found, ...POOLS], at: 0 })
  return true
}

/** Enumerations: the texts that a message puts in quotes, but for what it has received and the name of the field. */
function named(message: string, path: readonly PropertyKey[]): Pool[] {
  const expected = message.replace(/received.*$/is, '')
  const texts = [...expected.matchAll(/["']([^"']{1,80})["']/g)].map(([, one = '']) => one)
  const choices = texts.filter((one) => one !== path.at(-1))
  return choices[0] === undefined ? [] : [{ sample: choices[0], values: fc.constantFrom(...choices) }]
}

function textOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('\n')
}

/** A record of the samples. */
function candidateOf(places: ReadonlyMap<string, Place>): unknown {
  const root: unknown = {}
  for (const { path, pools, at } of places.values()) {
    const pool = pools[at]
    if (pool !== undefined) setAt(root, path, copyOf(pool.sample))
  }
  return root
}

function setAt(root: unknown, path: readonly PropertyKey[], value: unknown): void {
  let at = root
  for (const name of path.slice(0, -1)) at = typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined
  if (typeof at !== 'object' || at === null) return
  Object.defineProperty(at, path.at(-1)!, { value, enumerable: true, writable: true, configurable: true })
}

/** What children are put into may not be shared. */
function copyOf(sample: Value): unknown {
  if (Array.isArray(sample)) return []
  return typeof sample === 'object' && sample !== null && Object.keys(sample).length === 0 && isPlain(sample)
    ? {}
    : sample
}

function isPlain(one: object): boolean {
  return Object.getPrototypeOf(one) === Object.prototype
}

/** Values of what was found: each place is drawn by itself, and asked about beside the samples of all others. */
export function probedArbitrary({ places, ask }: Probed): fc.Arbitrary<unknown> {
  return valuesAt([])

  function valuesAt(path: readonly PropertyKey[]): fc.Arbitrary<unknown> {
    const place = places.get(textOf(path))
    const pool = place?.pools[place.at]
    const children = [...places.values()].filter((one) => isChild(one.path, path))
    if (Array.isArray(pool?.sample)) {
      const element = children[0]
      return element === undefined ? fc.constant([]) : fc.array(valuesAt(element.path), { maxLength: 4, size: 'max' })
    }
    if (children.length > 0 || path.length === 0) {
      return fc.record(Object.fromEntries(children.map((one) => [String(one.path.at(-1)), valuesAt(one.path)])))
    }
    if (pool === undefined) return fc.constant(undefined)
    // What a schema of nothing that we know does not take: the caller finds out that nothing passes.
    if (!passes(path, pool.sample)) return fc.constant(pool.sample)
    // The sample keeps the filter from searching for ever.
    return fc.oneof({ withCrossShrink: true }, pool.values, fc.constant(pool.sample)).filter((one) => passes(path, one))
  }

  function passes(path: readonly PropertyKey[], value: unknown): boolean {
    const candidate = candidateOf(places)
    setAt(candidate, path, value)
    const about = textOf(path)
    return !(ask(candidate) ?? []).some((issue) => textOf(pathOf(issue)).startsWith(about))
  }
}

function isChild(path: readonly PropertyKey[], parent: readonly PropertyKey[]): boolean {
  return path.length === parent.length + 1 && parent.every((name, at) => path[at] === name)
}
