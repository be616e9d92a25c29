/**
 * What an index is: the parts of its key and its rules, as plain data that is kept in the catalogue. Users write
 *
 *   'status'    ['status', '-priority']    { on: 'email', unique: true, collation: 'nocase', where: { active: true } }
 *
 * A part is a path (`a.b`, `tags.0`, `\.` for a dot in a name); `-` before it means descending.
 */
import { BlazeError } from '../base/errors.ts'
import { formatPath, parsePath } from '../base/path.ts'
import type { Path, Value } from '../base/values.ts'
import { compareValues } from '../codec/order.ts'

/** One part of an index key. */
export interface IndexPart {
  readonly path: Path
  readonly descending: boolean
}

export interface IndexSpec {
  readonly id: number
  readonly name: string
  readonly parts: readonly IndexPart[]
  /** No two records have the same key; records in which a part is missing or null are not compared. */
  readonly unique: boolean
  /** The one part is an array: an entry for each of its distinct elements; no entry where it is something else. */
  readonly each: boolean
  /** Strings are compared after simple case folding. */
  readonly nocase: boolean
  /** Only records that meet this are in the index. Opaque here; the engine compiles it. */
  readonly where?: Value
}

/** The long form of an index. */
export interface IndexOptions {
  readonly on: string | readonly string[]
  readonly name?: string
  readonly unique?: boolean
  readonly where?: Value
  readonly each?: boolean
  readonly collation?: 'nocase'
}

/** How a user names an index. */
export type IndexForm = string | readonly string[] | IndexOptions

/** The most parts of one key: more would not be an order that anyone asks for. */
export const MAX_INDEX_PARTS = 16
/** The longest name of an index, in UTF-16 units. */
const MAX_NAME_LENGTH = 512

const OPTION_NAMES: ReadonlySet<string> = new Set(['on', 'name', 'unique', 'where', 'each', 'collation'])

/** The spec that a user's form means. Throws INVALID_ARGUMENT with advice. */
export function parseIndexSpec(form: IndexForm, id: number): IndexSpec {
  const options = optionsOf(form)
  const parts = partsOf(options.on)
  const each = flagOf(options, 'each')
  if (each && parts.length !== 1) {
    throw refused('on', `An index with each: true has exactly one part, the array; this one has ${parts.length}`)
  }
  const { collation, name, where } = options
  if (collation !== undefined && collation !== 'nocase') {
    throw refused('collation', `The collation ${show(collation)} does not exist; leave it out, or write 'nocase'`)
  }
  if (name !== undefined && (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH)) {
    throw refused('name', `The name of an index is a string of 1 to ${MAX_NAME_LENGTH} characters, not ${show(name)}`)
  }
  if (where !== undefined && (typeof where !== 'object' || where === null)) {
    throw refused('where', `The where of an index is a condition such as { active: true }, not ${show(where)}`)
  }
  return {
    id,
    name: name ?? parts.map(formatPart).join(','),
    parts,
    unique: flagOf(options, 'unique'),
    each,
    nocase: collation === 'nocase',
    ...(where === undefined ? {} : { where }),
  }
}

/** The text of a part, as the user writes it. */
export function formatPart(part: IndexPart): string {
  return `${part.descending ? '-' : ''}${formatPath(part.path)}`
}

/** True when both give the same entries and rules, whatever their ids. */
export function sameIndex(a: IndexSpec, b: IndexSpec): boolean {
  return (
    a.name === b.name &&
    a.unique === b.unique &&
    a.each === b.each &&
    a.nocase === b.nocase &&
    a.parts.length === b.parts.length &&
    a.parts.every((part, i) => formatPart(part) === formatPart(b.parts[i]!)) &&
    compareValues(a.where, b.where) === 0
  )
}

function optionsOf(form: unknown): IndexOptions {
  if (typeof form === 'string' || Array.isArray(form)) return { on: form }
  if (typeof form !== 'object' || form === null) {
    throw refused('index', `An index is written as 'a', ['a', '-b'] or { on: 'a', … }, not as ${show(form)}`)
  }
  for (const name of Object.keys(form)) {
    if (!OPTION_NAMES.has(name)) {
      throw refused(name, `An index has no option ${show(name)}; there are ${[...OPTION_NAMES].join(', ')}`)
    }
  }
  // Each option is looked at by its own type below; only the names are sure so far.
  return form as IndexOptions
}

function partsOf(on: unknown): readonly IndexPart[] {
  const texts: readonly unknown[] = Array.isArray(on) ? on : [on]
  if (texts.length === 0 || texts.length > MAX_INDEX_PARTS) {
    throw refused('on', `An index has 1 to ${MAX_INDEX_PARTS} parts, not ${texts.length}`)
  }
  const seen = new Set<string>()
  return texts.map((text) => {
    if (typeof text !== 'string') throw refused('on', `A part of an index is a path such as 'a.b', not ${show(text)}`)
    const part = partOf(text)
    const path = formatPath(part.path)
    if (seen.has(path)) throw refused('on', `The path ${show(path)} stands twice in one index; name it once`)
    seen.add(path)
    return part
  })
}

function partOf(text: string): IndexPart {
  const descending = text.startsWith('-')
  return { path: parsePath(descending ? text.slice(1) : text), descending }
}

function flagOf(options: IndexOptions, name: 'unique' | 'each'): boolean {
  const flag: unknown = options[name]
  if (flag !== undefined && typeof flag !== 'boolean') {
    throw refused(name, `The option ${name} is true or false, not ${show(flag)}`)
  }
  return flag === true
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

function refused(argument: string, message: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${message}. No index was made.`, { argument })
}
