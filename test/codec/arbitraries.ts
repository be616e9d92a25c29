/** Values of every kind, with the awkward ones often. */
import fc from 'fast-check'
import type { Value } from '../../src/base/values.ts'

const units = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))

/** Strings: Latin, wide, lone surrogates, zeros, long ones, UUIDs. */
export const texts: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(units, { maxLength: 8 }).map((parts) => parts.join('')),
  fc
    .array(fc.constantFrom('\0', '\u0001', '\u0002', 'a', '\ud800', '\udc00', '\uffff', '\u{1f600}'), { maxLength: 5 })
    .map((parts) => parts.join('')),
  fc.uuid(),
  fc.uuid().map((text) => text.toUpperCase()),
  fc.integer({ min: 60, max: 700 }).map((count) => 'x'.repeat(count)),
  fc.integer({ min: 30, max: 300 }).map((count) => 'é—'.repeat(count)),
)

export const names: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'title',
    'tags',
    '__proto__',
    'constructor',
    'toString',
    '1',
    '2',
    '',
    'a.b',
    'ключ',
    'then',
  ),
  texts,
)

export const numbers: fc.Arbitrary<number> = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.double().map(Math.fround),
  fc.integer({ min: -400000, max: 400000 }).map((n) => n / 10),
  fc.integer().map((n) => n / 100),
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 111, 112, 367, 368, 65535, 65536, -256, -257, -65536, -65537),
  fc.constantFrom(
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 48 - 1,
    2 ** 48,
    -(2 ** 48),
    -(2 ** 48) - 1,
    2 ** 53,
    2 ** 53 + 2,
    -(2 ** 53),
    Number.MAX_VALUE,
    Number.MIN_VALUE,
  ),
)

export const bigints: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: -300n, max: 300n }),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
  fc
    .tuple(fc.bigInt({ min: -3n, max: 3n }), fc.integer({ min: 50, max: 1100 }), fc.boolean())
    .map(([d, e, negative]) => (negative ? -1n : 1n) * 2n ** BigInt(e) + d),
)

export const dates: fc.Arbitrary<Date> = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc
    .constantFrom(0, -1, 1, 2 ** 47 - 1, 2 ** 47, -(2 ** 47), -(2 ** 47) - 1, 8.64e15, -8.64e15)
    .map((ms) => new Date(ms)),
)

export const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 20 })

export const vectors: fc.Arbitrary<Value> = fc.oneof(
  fc.array(fc.double(), { maxLength: 4 }).map((list) => new Float64Array(list)),
  fc.array(fc.double(), { maxLength: 4 }).map((list) => new Float32Array(list)),
)

function objectOf(value: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.array(fc.tuple(names, value), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs))
}

/** Any value; `withVectors: false` for what has a key. */
export function values(options: { withVectors: boolean }): fc.Arbitrary<Value> {
  const scalars: fc.Arbitrary<Value>[] = [fc.constant(null), fc.boolean(), numbers, bigints, texts, dates, bytes]
  if (options.withVectors) scalars.push(vectors)
  return fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      ...scalars,
      fc.array(tie('value'), { maxLength: 5 }) as fc.Arbitrary<Value>,
      objectOf(tie('value')),
    ),
  })).value
}

/** Records: plain objects whose names do not begin with $. */
export const records: fc.Arbitrary<{ [name: string]: Value }> = fc
  .array(
    fc.tuple(
      names.filter((name) => !name.startsWith('$')),
      values({ withVectors: true }),
    ),
    { maxLength: 10 },
  )
  .map((pairs) => Object.fromEntries(pairs))
