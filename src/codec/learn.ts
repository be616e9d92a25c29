/**
 * Decides the types of a shape's fields from the first records that have it.
 *
 * A type is a wager on what comes: where a later value does not fit, its cell escapes (field-type.ts) or the whole record
 * is written without types. When such records come often they are learnt from as well, and the shape gets wider types:
 * at most MAX_GENERATIONS times.
 */
import { parseUuid, UUID_LENGTH, UUID_SIZE } from '../base/uuid.ts'
import { MAX_ENTRY } from './dictionary.ts'
import * as t from './field-type.ts'
import { LIMIT_47 } from './format.ts'
import { WIDE_UNIT } from './text.ts'

/** Records that are looked at before a shape gets its types. */
export const LEARN_COUNT = 32
/** Times a shape gets types: each is a definition, and readers know them all. */
export const MAX_GENERATIONS = 4
/** Nulls, as a share of the values, up to which a field is typed by its other values. */
const NULL_SHARE = 1 / 4
/** A string of a dictionary stands for at least this many values, or the field is text. */
const VALUES_PER_CHOICE = 2

const KIND = {
  BOOLEAN: 1,
  DATE: 2,
  UUID: 4,
  STRING: 8,
  NUMBER: 16,
  STRINGS: 32,
  NULL: 64,
  OTHER: 128,
} as const

/** What the values of one field were. */
interface Seen {
  kinds: number
  nulls: number
  values: number
  wide: number
  /** Strings, or strings of arrays, that differ. */
  readonly strings: Set<string>
  stringCount: number
  longest: number
  /** Smallest of SCALES that makes every number an integer; 0 when none does. */
  scale: number
  least: number
  most: number
  singles: boolean
}

/** Looks at the records of one shape. */
export class Learner {
  readonly #fields: Seen[]
  #count = 0
  /** The time of the first record. */
  began = 0

  constructor(fieldCount: number) {
    this.#fields = Array.from({ length: fieldCount }, () => ({
      kinds: 0,
      nulls: 0,
      values: 0,
      wide: 0,
      strings: new Set<string>(),
      stringCount: 0,
      longest: 0,
      scale: 1,
      least: 0,
      most: 0,
      singles: true,
    }))
  }

  /** Looks at one record's values in the order of the names; true when it has seen enough. `now` counts objects. */
  observe(values: readonly unknown[], now: number): boolean {
    if (this.#count === 0) this.began = now
    for (let i = 0; i < this.#fields.length; i++) observeValue(this.#fields[i]!, values[i])
    return ++this.#count >= LEARN_COUNT
  }

  /**
   * The types of the fields, in order; undefined when none would help. `dictionaryOf` gives the number of a dictionary
   * for field `i` that holds at least these strings, or -1. `before`: the types they have so far, to be widened.
   */
  decide(
    keyIndex: number,
    dictionaryOf: (i: number, strings: ReadonlySet<string>) => number,
    before: t.Layout | undefined,
  ): t.FieldType[] | undefined {
    const types = this.#fields.map((seen, i): t.FieldType => {
      if (i === keyIndex) return { type: t.KEY }
      const found = typeOf(seen, (strings) => dictionaryOf(i, strings))
      const previous = before?.fields[i]
      return previous === undefined ? found : widened(previous, found)
    })
    return types.every(({ type }) => type === t.ANY || type === t.KEY) ? undefined : types
  }
}

function observeValue(seen: Seen, value: unknown): void {
  seen.values++
  if (value === null) {
    seen.nulls++
    seen.kinds |= KIND.NULL
  } else if (typeof value === 'boolean') seen.kinds |= KIND.BOOLEAN
  else if (typeof value === 'number') observeNumber(seen, value)
  else if (typeof value === 'string') observeString(seen, value)
  else if (value instanceof Date && Math.abs(value.getTime()) < LIMIT_47) seen.kinds |= KIND.DATE
  else if (Array.isArray(value) && value.every((element) => typeof element === 'string')) {
    seen.kinds |= KIND.STRINGS
    for (const element of value) observeChoice(seen, element)
  } else seen.kinds |= KIND.OTHER
}

function observeNumber(seen: Seen, value: number): void {
  seen.kinds |= KIND.NUMBER
  if (seen.scale !== 0) seen.scale = commonScale(seen.scale, value)
  seen.least = Math.min(seen.least, value)
  seen.most = Math.max(seen.most, value)
  if (Math.fround(value) !== value) seen.singles = false
}

const uuidScratch = new Uint8Array(UUID_SIZE)

function observeString(seen: Seen, text: string): void {
  if (text.length === UUID_LENGTH && parseUuid(text, uuidScratch, 0)) {
    seen.kinds |= KIND.UUID
    return
  }
  seen.kinds |= KIND.STRING
  if (WIDE_UNIT.test(text)) seen.wide++
  observeChoice(seen, text)
}

function observeChoice(seen: Seen, text: string): void {
  seen.stringCount++
  seen.longest = Math.max(seen.longest, text.length)
  seen.strings.add(text)
}

/** The smallest scale, from `scale` up, that makes `value` an integer and gives it back exactly; 0 when none does. */
function commonScale(scale: number, value: number): number {
  for (const candidate of t.SCALES) if (candidate >= scale && fitsScale(value, candidate)) return candidate
  return 0
}

/** True when `value` times `scale` is an integer that gives the value back exactly. */
export function fitsScale(value: number, scale: number): boolean {
  const integer = Math.round(value * scale)
  return integer / scale === value && Math.abs(integer) < LIMIT_47 && (value !== 0 || 1 / value > 0)
}

function typeOf(seen: Seen, dictionaryOf: (strings: ReadonlySet<string>) => number): t.FieldType {
  const kinds = seen.kinds & ~KIND.NULL
  const nullable = seen.nulls > 0
  if (seen.nulls > seen.values * NULL_SHARE) return { type: t.ANY }
  switch (kinds) {
    case KIND.BOOLEAN:
      return { type: nullable ? t.ANY : t.BOOLEAN }
    case KIND.UUID:
      return { type: nullable ? t.ANY : t.UUID }
    case KIND.DATE:
      return { type: t.DATE }
    case KIND.NUMBER:
      return numberType(seen, nullable)
    case KIND.STRING: {
      const dictionary = isChoice(seen) ? dictionaryOf(seen.strings) : -1
      if (dictionary >= 0) return { type: t.CHOICE, dictionary }
      return { type: 2 * seen.wide > seen.stringCount ? t.WIDE_TEXT : t.TEXT }
    }
    case KIND.STRINGS: {
      const dictionary = isChoice(seen) ? dictionaryOf(seen.strings) : -1
      return dictionary >= 0 ? { type: t.CHOICES, dictionary } : { type: t.ANY }
    }
    default:
      return { type: t.ANY }
  }
}

function isChoice(seen: Seen): boolean {
  return seen.longest <= MAX_ENTRY && seen.strings.size * VALUES_PER_CHOICE <= seen.stringCount
}

function numberType(seen: Seen, nullable: boolean): t.FieldType {
  const { scale } = seen
  if (scale === 0) {
    if (nullable) return { type: t.ANY }
    return { type: seen.singles ? t.FLOAT32 : t.FLOAT64 }
  }
  // Room for twice of what was seen: the first records rarely hold the largest value.
  const signed = seen.least < 0
  const most = 2 * scale * Math.max(seen.most, -seen.least)
  if ((signed ? 2 : 1) * most < t.SMALL_END) return { type: t.SMALL, scale, signed }
  if (most < 2 ** 23) return { type: t.FIXED, scale, size: 3 }
  if (seen.singles && scale > 1 && !nullable) return { type: t.FLOAT32 }
  return { type: t.FIXED, scale, size: most < 2 ** 31 ? 4 : 6 }
}

/** A type for what fitted `before` and what was found since. */
function widened(before: t.TypedField, found: t.FieldType): t.FieldType {
  if (before.type !== found.type) return { type: t.ANY }
  if (found.type === t.FIXED)
    return { ...found, size: Math.max(found.size, before.size), scale: Math.max(found.scale, before.scale) }
  if (found.type === t.SMALL)
    return { ...found, signed: found.signed || before.signed, scale: Math.max(found.scale, before.scale) }
  return found
}
