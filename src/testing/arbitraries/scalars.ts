/** Values without parts, the awkward ones often: what sits on the edges of formats, orders and encodings. */
import fc from 'fast-check'
import type { Value } from '../../base/values.ts'
import { assertKnown } from '../../engine/known-options.ts'
import { assertWhole } from '../arguments.ts'

export interface TextOptions {
  /** In UTF-16 units; 700 by default. */
  readonly maxLength?: number
}

const LONGEST_TEXT = 700
const SHORT_TEXT = 12

/**
 * Strings: Latin, wide, lone surrogates, zeros, long ones, UUIDs. They shrink to short and to Latin.
 * @example
 * fc.assert(fc.property(arbitraries.text(), (text) => parse(print(text)) === text))
 */
export function text(options: TextOptions = {}): fc.Arbitrary<string> {
  assertLength('arbitraries.text()', options)
  const most = options.maxLength ?? LONGEST_TEXT
  const maxLength = Math.min(SHORT_TEXT, most)
  const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code))
  const edge = fc.constantFrom('\0', '\u0001', '\u0002', 'a', '\ud800', '\udc00', '\uffff', '\u{1f600}')
  const joined = (parts: readonly string[]): string => parts.join('').slice(0, most)
  const kinds: fc.Arbitrary<string>[] = [
    fc.string({ maxLength, size: 'max' }),
    fc.array(codePoint, { maxLength, size: 'max' }).map(joined),
    fc.array(unit, { maxLength: Math.min(8, most), size: 'max' }).map(joined),
    fc.array(edge, { maxLength: Math.min(5, most), size: 'max' }).map(joined),
  ]
  if (most >= 36)
    kinds.push(
      fc.uuid(),
      uuid.map((one) => one.toUpperCase()),
    )
  if (most > 60) {
    kinds.push(fc.integer({ min: 60, max: most }).map((count) => 'x'.repeat(count)))
    kinds.push(fc.integer({ min: 30, max: Math.floor(most / 2) }).map((count) => 'é—'.repeat(count)))
  }
  return fc.oneof({ withCrossShrink: true }, ...kinds)
}

const uuid = fc.uuid()

/** Any code point. The strings of fast-check of unit 'binary' list all of them first, which takes a second. */
const codePoint = fc
  .integer({ min: 0, max: 0x10ffff - 0x800 })
  .map((point) => String.fromCodePoint(point < 0xd800 ? point : point + 0x800))

/** Names of fields: everyday ones, ones that mean something to JavaScript or to paths, and any text. */
export function name(options: TextOptions = {}): fc.Arbitrary<string> {
  assertLength('arbitraries.name()', options)
  return fc.oneof(fc.constantFrom(...NAMES), text(options))
}

const NAMES = [
  ...['a', 'b', 'title', 'tags', '__proto__', 'constructor', 'toString', '1', '2', '', 'a.b', 'ключ', 'then'],
]

/** Numbers: whole, fractions, float32, the ends of every width, -0, NaN, infinities. */
export function number(): fc.Arbitrary<number> {
  return fc.oneof(
    { withCrossShrink: true },
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.double().map(Math.fround),
    fc.integer({ min: -400000, max: 400000 }).map((n) => n / 10),
    fc.integer().map((n) => n / 100),
    fc.constantFrom(...SMALL_EDGES),
    fc.constantFrom(...LARGE_EDGES),
  )
}

const SMALL_EDGES = [
  ...[0, -0, Number.NaN, Infinity, -Infinity, 111, 112, 367, 368, 65535, 65536, -256, -257, -65536, -65537],
]
const LARGE_EDGES = [
  ...[2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1, 2 ** 48, -(2 ** 48), -(2 ** 48) - 1],
  ...[2 ** 53, 2 ** 53 + 2, -(2 ** 53), Number.MAX_VALUE, Number.MIN_VALUE],
]

/** Bigints: small, around 64 bits, around powers of two of up to 1,100 bits. */
export function bigint(): fc.Arbitrary<bigint> {
  return fc.oneof(
    fc.bigInt({ min: -300n, max: 300n }),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
    fc
      .tuple(fc.bigInt({ min: -3n, max: 3n }), fc.integer({ min: 50, max: 1100 }), fc.boolean())
      .map(([d, e, negative]) => (negative ? -1n : 1n) * 2n ** BigInt(e) + d),
  )
}

/** Valid dates, to the ends of what a Date holds. */
export function date(): fc.Arbitrary<Date> {
  return fc.oneof(
    fc.date({ noInvalidDate: true }),
    fc
      .constantFrom(0, -1, 1, 2 ** 47 - 1, 2 ** 47, -(2 ** 47), -(2 ** 47) - 1, 8.64e15, -8.64e15)
      .map((ms) => new Date(ms)),
  )
}

/** Byte fields; 20 bytes at most by default. */
export function bytes(options: { readonly maxLength?: number } = {}): fc.Arbitrary<Uint8Array> {
  assertLength('arbitraries.bytes()', options)
  return fc.uint8Array({ maxLength: options.maxLength ?? 20, size: 'max' })
}

/** Float32Array and Float64Array; 4 elements at most by default. */
export function vector(options: { readonly maxLength?: number } = {}): fc.Arbitrary<Value> {
  assertLength('arbitraries.vector()', options)
  const elements = fc.array(fc.double(), { maxLength: options.maxLength ?? 4, size: 'max' })
  return fc.oneof(
    elements.map((list) => new Float64Array(list)),
    elements.map((list) => new Float32Array(list)),
  )
}

/**
 * Ids of records: safe integers and strings, long ones and UUIDs among them. With `count` only so many different ones,
 * so that operations meet.
 */
export function id(options: { readonly count?: number } = {}): fc.Arbitrary<string | number> {
  assertKnown('arbitraries.id()', options, ['count'])
  assertWhole('count', options.count, 1)
  if (options.count !== undefined) return fc.constantFrom(...fewIds(options.count))
  return fc.oneof(
    { withCrossShrink: true },
    fc.maxSafeInteger(),
    fc.string({ minLength: 1, maxLength: SHORT_TEXT, size: 'max' }),
    fc.array(codePoint, { minLength: 1, maxLength: 120, size: 'max' }).map((points) => points.join('')),
    fc.uuid(),
  )
}

/** So many ids of all kinds, the simplest first. */
function fewIds(count: number): (string | number)[] {
  const made = (index: number): string | number => {
    switch (index % 4) {
      case 0:
        return index
      case 1:
        return `id-${index}`
      case 2:
        return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
      default:
        return `an id longer than fits into a slot: ${index}`
    }
  }
  return Array.from({ length: count }, (_, index) => made(index))
}

function assertLength(call: string, options: { readonly maxLength?: number }): void {
  assertKnown(call, options, ['maxLength'])
  assertWhole('maxLength', options.maxLength, 0)
}
