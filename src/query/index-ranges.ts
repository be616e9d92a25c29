/**
 * From what a query says about the parts of an index to the byte ranges to read of it. The leading parts take points
 * (`eq`, `in`), the next part may take a range, and what follows is left open:
 *
 *   index (team, status, priority)   team in [a, b], status = open, priority >= 4
 *   ranges                           a·open·4 … end of a·open      b·open·4 … end of b·open
 *
 * Parts are self-delimiting, so `prefixUpper` of some parts is the end of all keys that begin with them. A descending
 * part is stored complemented, which turns its range around.
 */
import { compareKeys } from '../base/bytes.ts'
import type { Value } from '../base/values.ts'
import { KeyWriter } from '../codec/key.ts'
import { ALL_KEYS, type KeyBounds, prefixUpper } from '../indexes/key-bounds.ts'
import type { IndexInfo } from './source.ts'
import type { Edge, ValueRange } from './value-range.ts'

/** A key that grew the writer beyond this takes the buffer with it. */
const KEPT_WRITER_BYTES = 65_536

/** Of the key that is being written: nothing else runs meanwhile. */
let writer = new KeyWriter()

/** What is asked of an index, part by part. */
export interface IndexRequest {
  /** For each leading part the values it may have. */
  readonly points: readonly (readonly (Value | undefined)[])[]
  /** For the part after these. */
  readonly range: ValueRange | undefined
}

/** The byte ranges of a request: disjoint and ascending; none when nothing can match. */
export function keyRanges(index: IndexInfo, request: IndexRequest): readonly KeyBounds[] {
  const ranges: KeyBounds[] = []
  for (const values of combinations(request.points)) {
    const range = request.range === undefined ? prefixRange(index, values) : partRange(index, values, request.range)
    if (range !== undefined) ranges.push(range)
  }
  if (ranges.length < 2) return ranges
  ranges.sort(compareLower)
  return ranges.filter((range, i) => i === 0 || compareLower(ranges[i - 1]!, range) !== 0)
}

/** The ranges from (or, reversed, up to) the keys that begin with these values: where an earlier page ended. */
export function narrow(
  ranges: readonly KeyBounds[],
  index: IndexInfo,
  values: readonly (Value | undefined)[],
  reverse: boolean,
): readonly KeyBounds[] {
  const start = encode(index, values)
  const end = prefixUpper(start)
  return ranges.flatMap((range) => {
    const lower = reverse ? range.lower : later(range.lower, start)
    const upper = reverse ? earlier(range.upper, end) : range.upper
    const narrowed = bounds(lower, upper)
    return narrowed === undefined ? [] : [narrowed]
  })
}

/** Every way to take one value of each list. */
function combinations(lists: readonly (readonly (Value | undefined)[])[]): readonly (readonly (Value | undefined)[])[] {
  let found: (readonly (Value | undefined)[])[] = [[]]
  for (const list of lists) {
    const longer: (readonly (Value | undefined)[])[] = []
    for (const values of found) for (const value of list) longer.push([...values, value])
    found = longer
  }
  return found
}

function prefixRange(index: IndexInfo, values: readonly (Value | undefined)[]): KeyBounds | undefined {
  const prefix = encode(index, values)
  return bounds(prefix, prefixUpper(prefix))
}

function partRange(index: IndexInfo, values: readonly (Value | undefined)[], range: ValueRange): KeyBounds | undefined {
  const prefix = encode(index, values)
  const isDescending = index.parts[values.length]!.descending
  const first = isDescending ? range.high : range.low
  const last = isDescending ? range.low : range.high
  const lower = first === undefined ? prefix : edgeKey(index, values, first, first.open)
  const upper = last === undefined ? prefixUpper(prefix) : edgeKey(index, values, last, !last.open)
  return lower === undefined ? undefined : bounds(lower, upper)
}

/** The key at which the edge's values begin, or, with `past`, at which those after them do. */
function edgeKey(
  index: IndexInfo,
  values: readonly (Value | undefined)[],
  edge: Edge,
  past: boolean,
): Uint8Array | undefined {
  const key = encode(index, values, edge)
  return past ? prefixUpper(key) : key
}

/**
 * The key's beginning. Values that must be equal are folded as the index folds; an edge stands for itself: what comes
 * of strings there was folded before (value-range.ts), and the successor of a prefix is no text to fold again.
 */
function encode(index: IndexInfo, values: readonly (Value | undefined)[], edge?: Edge): Uint8Array {
  writer.reset()
  for (let i = 0; i < values.length; i++) {
    writer.append(values[i], { descending: index.parts[i]!.descending, nocase: index.nocase })
  }
  if (edge !== undefined) writer.append(edge.value, { descending: index.parts[values.length]!.descending })
  const key = writer.finish()
  if (writer.bytes.length > KEPT_WRITER_BYTES) writer = new KeyWriter()
  return key
}

/** Lower included, upper not; undefined when nothing lies between. */
function bounds(lower: Uint8Array | undefined, upper: Uint8Array | undefined): KeyBounds | undefined {
  if (lower !== undefined && upper !== undefined && compareKeys(lower, upper) >= 0) return undefined
  if (lower === undefined || lower.length === 0) return upper === undefined ? ALL_KEYS : { upper, upperOpen: true }
  return upper === undefined ? { lower } : { lower, upper, upperOpen: true }
}

function compareLower(a: KeyBounds, b: KeyBounds): number {
  return compareKeys(a.lower ?? NOTHING, b.lower ?? NOTHING)
}

function later(a: Uint8Array | undefined, b: Uint8Array): Uint8Array {
  return a !== undefined && compareKeys(a, b) > 0 ? a : b
}

function earlier(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return compareKeys(a, b) < 0 ? a : b
}

const NOTHING = new Uint8Array(0)
