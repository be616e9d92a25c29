/**
 * Order-preserving keys: comparing two keys byte by byte, unsigned, is comparing their parts one after the other with
 * compareValues; equal parts have equal bytes.
 *
 *   part    := tag body                          descending: every byte of the part complemented
 *   number  := tag float64(8)  exact?            sign-flipped big-endian, so that bytes order as numbers do
 *   string  := tag escaped(WTF-8) 0x00           escape: 0x00 → 01 01, 0x01 → 01 02, so 0x00 only ever ends
 *   array   := tag part* 0x00                    tags are above 0x00, so that the shorter array comes first
 *   object  := tag (0x01 name part)* 0x00        names sorted, each escaped and ended as a string
 *
 * No part is the beginning of another part, which is what makes compound keys and complements work.
 *
 * Exact numbers. A number or bigint is written as the float64 next to it towards zero. Only from 2^53 on can a bigint
 * lie between two float64s; there, and only there, `exact` follows: 0x80 when nothing is left over, else marker and the
 * bytes of the rest, complemented when the number is negative. 2n**53n + 1n and 2**53 are thus two keys, 5 and 5n one.
 *
 * Not here: vectors (no order that an index could use), the limit on a key's size (the index knows it), reading keys
 * back. Collation `nocase` folds strings, not names; folded keys are as stable as the runtime's Unicode tables.
 */
import { BlazeError } from '../base/errors.ts'
import { MAX_DEPTH, type Value } from '../base/values.ts'
import { foldCase } from './case-fold.ts'
import { sortedNames, TYPE_CLASS, typeClass } from './order.ts'

/** First byte of a part. Gaps leave room for classes to come. */
const TAG = {
  missing: 0x01,
  null: 0x02,
  false: 0x03,
  true: 0x04,
  nan: 0x08,
  number: 0x09,
  string: 0x10,
  date: 0x18,
  bytes: 0x20,
  array: 0x28,
  object: 0x30,
} as const

const END = 0x00
const ESCAPE = 0x01
const PAIR = 0x01

/** Marker of a number that the float64 gives exactly; above it rests follow, below it rests of negative numbers. */
const EXACT = 0x80
/** Longest rest whose size is told by the marker alone; a longer one has its size in four bytes. */
const SHORT_REST = 0x7e
const LONG_REST = 0x7f

/** From here on a float64 is not the only integer near it. */
const INEXACT_FROM = 2 ** 53

const TWO_32 = 0x100000000

/**
 * Added to a date's milliseconds (±8.64e15) so that they are never negative: 8.64e15, in two words, because the sum of
 * two such numbers may be above 2^53.
 */
const DATE_BIAS_HIGH = 2_011_656
const DATE_BIAS_LOW = 3_269_197_824

const FIRST_SIZE = 256

const numberBytes = new Uint8Array(8)
const numberView = new DataView(numberBytes.buffer)

/** How a part is written. */
export interface KeyPartOptions {
  readonly descending?: boolean
  readonly nocase?: boolean
}

/**
 * Writes keys, part after part.
 * @example
 * writer.reset()
 * writer.append(bug.priority, { descending: true })
 * writer.append(bug.title)
 * const key = writer.finish()
 */
export class KeyWriter {
  /** The buffer; bytes[0, size) is the key so far. Replaced when it grows. */
  bytes: Uint8Array = new Uint8Array(FIRST_SIZE)
  size = 0

  /** Begins a new key. */
  reset(): void {
    this.size = 0
  }

  /** Appends one part. UNSUPPORTED for vectors; after an error the key is as before the call. */
  append(value: Value | undefined, options?: KeyPartOptions): void {
    const start = this.size
    try {
      appendValue(this, value, options?.nocase === true, 1)
    } catch (error) {
      this.size = start
      throw error
    }
    if (options?.descending === true) complement(this.bytes, start, this.size)
  }

  /** A copy of the key, the caller's to keep. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.size)
  }
}

function appendValue(w: KeyWriter, value: Value | undefined, nocase: boolean, depth: number): void {
  reserve(w, 16)
  switch (typeClass(value)) {
    case TYPE_CLASS.missing:
      w.bytes[w.size++] = TAG.missing
      return
    case TYPE_CLASS.null:
      w.bytes[w.size++] = TAG.null
      return
    case TYPE_CLASS.boolean:
      w.bytes[w.size++] = value === true ? TAG.true : TAG.false
      return
    case TYPE_CLASS.number:
      if (typeof value === 'bigint') appendBigint(w, value)
      else appendNumber(w, value as number)
      return
    case TYPE_CLASS.string:
      w.bytes[w.size++] = TAG.string
      appendText(w, nocase ? foldCase(value as string) : (value as string))
      return
    case TYPE_CLASS.date:
      appendDate(w, value as Date)
      return
    case TYPE_CLASS.bytes:
      appendBytes(w, value as Uint8Array)
      return
    case TYPE_CLASS.array:
      checkDepth(depth)
      w.bytes[w.size++] = TAG.array
      for (const element of value as readonly Value[]) appendValue(w, element, nocase, depth + 1)
      break
    case TYPE_CLASS.object:
      checkDepth(depth)
      w.bytes[w.size++] = TAG.object
      appendPairs(w, value as { readonly [name: string]: Value | undefined }, nocase, depth)
      break
    case TYPE_CLASS.vector:
      throw new BlazeError(
        'UNSUPPORTED',
        'Vectors have no key, so they cannot be indexed or looked up by order; nothing was written. Index another field.',
        undefined,
      )
  }
  reserve(w, 1)
  w.bytes[w.size++] = END
}

function appendPairs(
  w: KeyWriter,
  object: { readonly [name: string]: Value | undefined },
  nocase: boolean,
  depth: number,
): void {
  for (const name of sortedNames(object)) {
    reserve(w, 1)
    w.bytes[w.size++] = PAIR
    appendText(w, name)
    appendValue(w, object[name], nocase, depth + 1)
  }
}

function appendNumber(w: KeyWriter, value: number): void {
  if (Number.isNaN(value)) {
    w.bytes[w.size++] = TAG.nan
    return
  }
  appendFloat(w, value)
  if (value >= INEXACT_FROM || value <= -INEXACT_FROM) w.bytes[w.size++] = EXACT
}

function appendBigint(w: KeyWriter, value: bigint): void {
  const near = towardsZero(value)
  appendFloat(w, near)
  if (near < INEXACT_FROM && near > -INEXACT_FROM) return
  const rest = value - BigInt(near)
  if (rest === 0n) w.bytes[w.size++] = EXACT
  else appendRest(w, rest)
}

/** The float64 nearest to `value` that is not farther from zero; never infinite. */
function towardsZero(value: bigint): number {
  const near = Number(value)
  const tooFar = value < 0n ? near < value : near > value
  if (!tooFar) return near
  if (Math.abs(near) === Number.POSITIVE_INFINITY) return near > 0 ? Number.MAX_VALUE : -Number.MAX_VALUE
  // The bits of a float64 without its sign count its magnitude: one less is the neighbour towards zero.
  numberView.setFloat64(0, near)
  numberView.setBigUint64(0, numberView.getBigUint64(0) - 1n)
  return numberView.getFloat64(0)
}

function appendFloat(w: KeyWriter, value: number): void {
  // Adding zero turns -0 into 0.
  numberView.setFloat64(0, value + 0)
  const flip = numberBytes[0]! & 0x80 ? 0xff : 0
  const { bytes } = w
  let at = w.size
  bytes[at++] = TAG.number
  bytes[at++] = flip === 0 ? numberBytes[0]! | 0x80 : numberBytes[0]! ^ 0xff
  for (let i = 1; i < 8; i++) bytes[at++] = numberBytes[i]! ^ flip
  w.size = at
}

function appendRest(w: KeyWriter, rest: bigint): void {
  let digits = (rest < 0n ? -rest : rest).toString(16)
  if (digits.length % 2 === 1) digits = `0${digits}`
  const size = digits.length / 2
  reserve(w, size + 5)
  const { bytes } = w
  const start = w.size
  let at = start
  bytes[at++] = EXACT + Math.min(size, LONG_REST)
  if (size > SHORT_REST) {
    for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = size >>> shift
  }
  for (let i = 0; i < size; i++) bytes[at++] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  w.size = at
  if (rest < 0n) complement(bytes, start, at)
}

function appendDate(w: KeyWriter, date: Date): void {
  const ms = date.getTime()
  if (Number.isNaN(ms)) throw new BlazeError('INVALID_VALUE', 'An invalid Date has no key.', { path: '' })
  const floor = Math.floor(ms / TWO_32)
  const sum = ms - floor * TWO_32 + DATE_BIAS_LOW
  const high = floor + DATE_BIAS_HIGH + (sum >= TWO_32 ? 1 : 0)
  // Integer shifts: seven remainders of a float took three times as long.
  const low = sum >>> 0
  const { bytes, size: at } = w
  bytes[at] = TAG.date
  bytes[at + 1] = high >>> 16
  bytes[at + 2] = high >>> 8
  bytes[at + 3] = high
  bytes[at + 4] = low >>> 24
  bytes[at + 5] = low >>> 16
  bytes[at + 6] = low >>> 8
  bytes[at + 7] = low
  w.size = at + 8
}

function appendBytes(w: KeyWriter, value: Uint8Array): void {
  reserve(w, 2 * value.length + 2)
  const { bytes } = w
  let at = w.size
  bytes[at++] = TAG.bytes
  for (let i = 0; i < value.length; i++) {
    const byte = value[i]!
    if (byte <= ESCAPE) {
      bytes[at++] = ESCAPE
      bytes[at++] = byte + 1
    } else bytes[at++] = byte
  }
  bytes[at++] = END
  w.size = at
}

/** Escaped WTF-8 with its end. A unit takes at most three bytes. */
function appendText(w: KeyWriter, text: string): void {
  reserve(w, 3 * text.length + 1)
  const { bytes } = w
  let at = w.size
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) {
      if (unit > ESCAPE) bytes[at++] = unit
      else {
        bytes[at++] = ESCAPE
        bytes[at++] = unit + 1
      }
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >>> 6)
      bytes[at++] = 0x80 | (unit & 63)
    } else {
      const code = text.codePointAt(i)!
      if (code > 0xffff) {
        i++
        bytes[at++] = 0xf0 | (code >>> 18)
        bytes[at++] = 0x80 | ((code >>> 12) & 63)
      } else bytes[at++] = 0xe0 | (code >>> 12)
      bytes[at++] = 0x80 | ((code >>> 6) & 63)
      bytes[at++] = 0x80 | (code & 63)
    }
  }
  bytes[at++] = END
  w.size = at
}

function checkDepth(depth: number): void {
  if (depth <= MAX_DEPTH) return
  const text = `A key part nests deeper than ${MAX_DEPTH} levels, or contains itself.`
  throw new BlazeError('INVALID_VALUE', text, { path: '' })
}

function complement(bytes: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) bytes[i] = ~bytes[i]!
}

function reserve(w: KeyWriter, size: number): void {
  const needed = w.size + size
  if (needed <= w.bytes.length) return
  const grown = new Uint8Array(Math.max(needed, 2 * w.bytes.length))
  grown.set(w.bytes.subarray(0, w.size))
  w.bytes = grown
}
