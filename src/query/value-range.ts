/**
 * What a condition says about where its values lie in the total order, so that an index can be asked for just these.
 * Comparisons hold only within the operand's type class, so a range is closed by its class: below 5 means from
 * -Infinity up to 5, never the booleans that sort below all numbers. The end of a class without a largest value is
 * the smallest value of the next class. A range may hold more than the condition admits, never less: a filter above
 * the index has the last word, but for what {@link isExact} knows to need none.
 */
import { invariant } from '../base/invariant.ts'
import type { Value } from '../base/values.ts'
import { foldCase } from '../codec/case-fold.ts'
import { compareValues, typeClass } from '../codec/order.ts'
import { likePrefix, parseLike } from './like.ts'
import type { Condition } from './query-data.ts'

/** One end of a range; `undefined` as the value means "missing", the lowest of all. */
export interface Edge {
  readonly value: Value | undefined
  readonly open: boolean
}

export interface ValueRange {
  readonly low: Edge
  /** Undefined: up to the end of the order. */
  readonly high: Edge | undefined
}

/** More points than this are not worth as many descents into the tree. */
export const MAX_POINTS = 256

const FIRST_DATE = -8.64e15
const LAST_DATE = 8.64e15
const NO_BYTES = new Uint8Array(0)

/** The few values that the condition admits, or undefined when it is not of that kind. */
export function pointsOf(condition: Condition, nocase: boolean): readonly (Value | undefined)[] | undefined {
  switch (condition.op) {
    case 'eq':
      return isKeyable(condition.operand, nocase) ? [condition.operand] : undefined
    case 'in':
      if (condition.operand.length > MAX_POINTS) return undefined
      return condition.operand.every((value) => isKeyable(value, nocase)) ? condition.operand : undefined
    case 'isNull':
      return condition.operand ? [undefined, null] : undefined
    case 'exists':
      return condition.operand ? undefined : [undefined]
    case 'like':
    case 'ilike': {
      const { prefix, whole } = prefixOf({ op: condition.op, operand: condition.operand }, nocase)
      return whole ? [prefix] : undefined
    }
    default:
      return undefined
  }
}

/** The range in which the values that the condition admits lie, or undefined when it says nothing about that. */
export function rangeOf(condition: Condition, nocase: boolean): ValueRange | undefined {
  switch (condition.op) {
    case 'lt':
    case 'lte': {
      const range = classRange(condition.operand, nocase)
      return range && { low: range.low, high: { value: condition.operand, open: condition.op === 'lt' } }
    }
    case 'gt':
    case 'gte': {
      const range = classRange(condition.operand, nocase)
      return range && { low: { value: condition.operand, open: condition.op === 'gt' }, high: range.high }
    }
    case 'between': {
      const [from, to] = condition.operand
      if (classRange(from, nocase) === undefined || classRange(to, nocase) === undefined) return undefined
      return { low: { value: from, open: false }, high: { value: to, open: false } }
    }
    case 'startsWith':
      return prefixRange(nocase ? foldCase(condition.operand) : condition.operand)
    case 'like':
    case 'ilike': {
      const { prefix } = prefixOf({ op: condition.op, operand: condition.operand }, nocase)
      return prefix === '' ? undefined : prefixRange(prefix)
    }
    case 'isNull':
      return condition.operand ? undefined : { low: { value: false, open: false }, high: undefined }
    case 'exists':
      return condition.operand ? { low: { value: null, open: false }, high: undefined } : undefined
    default:
      return undefined
  }
}

/**
 * True when the points or the range of the condition hold just the values that it admits, so that who found a value by
 * them need not test it again. Said only of what is simple: no folded strings, no patterns, no values made of others,
 * and no NaN, which is equal to itself but in no order.
 */
export function isExact(condition: Condition, nocase: boolean): boolean {
  if (nocase) return false
  switch (condition.op) {
    case 'eq':
      return condition.operand === null || isOrderable(condition.operand)
    case 'in':
      return condition.operand.every((value) => value === null || isOrderable(value))
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return isOrderable(condition.operand)
    case 'between': {
      // Ends of two classes admit nothing, while all between them is a range.
      const [from, to] = condition.operand
      return isOrderable(from) && isOrderable(to) && typeClass(from) === typeClass(to)
    }
    case 'isNull':
    case 'exists':
      return true
    default:
      return false
  }
}

/** A scalar that is above, below or equal to every other of its class. */
function isOrderable(value: Value): boolean {
  if (typeof value === 'number') return !Number.isNaN(value)
  return value !== null && (typeof value !== 'object' || value instanceof Date)
}

/** The part that lies in both. */
export function intersect(a: ValueRange, b: ValueRange): ValueRange {
  return { low: tighter(a.low, b.low, 1), high: a.high && b.high ? tighter(a.high, b.high, -1) : (a.high ?? b.high) }
}

function tighter(a: Edge, b: Edge, sign: number): Edge {
  const order = compareValues(a.value, b.value) * sign
  if (order === 0) return a.open ? a : b
  return order > 0 ? a : b
}

/** Vectors have no key, and folding inside arrays and objects is the index's own business. */
export function isKeyable(value: Value | undefined, nocase: boolean): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return true
  if (ArrayBuffer.isView(value) || nocase) return false
  const items: readonly (Value | undefined)[] = Array.isArray(value) ? value : Object.values(value)
  return items.every((item) => isKeyable(item, nocase))
}

/** The whole type class of a value; undefined where an index cannot be asked for it. */
function classRange(value: Value, nocase: boolean): ValueRange | undefined {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      // NaN, the lowest number, is in no range.
      return closed(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
    case 'boolean':
      return closed(false, true)
    case 'string':
      // Folded strings are in another order than the strings themselves.
      return nocase ? undefined : STRINGS
  }
  if (value === null || !isKeyable(value, nocase)) return undefined
  if (value instanceof Date) return closed(new Date(FIRST_DATE), new Date(LAST_DATE))
  if (value instanceof Uint8Array) return { low: { value: NO_BYTES, open: false }, high: { value: [], open: true } }
  if (Array.isArray(value)) return { low: { value: [], open: false }, high: { value: {}, open: true } }
  // Objects are the last class that an index holds.
  return { low: { value: {}, open: false }, high: undefined }
}

const STRINGS: ValueRange = { low: { value: '', open: false }, high: { value: new Date(FIRST_DATE), open: true } }

function closed(low: Value, high: Value): ValueRange {
  return { low: { value: low, open: false }, high: { value: high, open: false } }
}

/** The text that every match begins with. Ignoring case only helps an index that does, and one that does is folded. */
function prefixOf(
  { op, operand }: { readonly op: 'like' | 'ilike'; readonly operand: string },
  nocase: boolean,
): { readonly prefix: string; readonly whole: boolean } {
  if (op === 'ilike' && !nocase) return { prefix: '', whole: false }
  const like = parseLike(operand, nocase ? foldCase : (text) => text)
  invariant(like !== undefined, () => 'patterns are checked when the query is built')
  return likePrefix(like)
}

/** The strings that begin with `prefix`. */
function prefixRange(prefix: string): ValueRange | undefined {
  const last = prefix.charCodeAt(prefix.length - 1)
  // A lone first half of a pair begins characters that sort elsewhere than it does.
  if (last >= 0xd800 && last <= 0xdbff) return undefined
  const next = successor(prefix)
  return { low: { value: prefix, open: false }, high: next === undefined ? STRINGS.high : { value: next, open: true } }
}

/** The smallest string above all that begin with `prefix`; undefined when there is none. */
function successor(prefix: string): string | undefined {
  const points = Array.from(prefix, (char) => char.codePointAt(0)!)
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  return last === undefined ? undefined : [...points, last + 1].map((point) => String.fromCodePoint(point)).join('')
}
