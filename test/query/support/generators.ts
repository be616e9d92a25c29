/** Records, filters, orders and indexes, drawn from small pools so that values meet. */
import fc from 'fast-check'
import type { StoredRecord, Value } from '../../../src/base/values.ts'
import { compareValues } from '../../../src/codec/order.ts'
import type { IndexSpec } from './memory-source.ts'
import type { FilterTree, OrderSpec, PlainFilter, Tests } from './naive.ts'

const NUMBERS = [0, -0, 1, 2, 5, 5n, 2n ** 53n + 1n, 2 ** 53, -1.5, Number.NaN, Infinity, -Infinity, -3n]
const STRINGS = [
  '',
  'a',
  'A',
  'ab',
  'Ab',
  'b',
  'ba',
  'a%',
  'ß',
  '\uffff',
  '😀',
  '😀a',
  '\ud83d',
  'a\u{10ffff}',
  '\u0000',
  'é',
]
const DATES = [new Date(0), new Date(-8.64e15), new Date(8.64e15), new Date(1e12)]
const BYTES = [new Uint8Array(0), new Uint8Array([0]), new Uint8Array([0, 255]), new Uint8Array([255, 255])]
const ARRAYS: Value[] = [[], [1], [1, 'a'], ['A'], [null]]
const OBJECTS: Value[] = [{}, { x: 1 }, { x: 'a', y: 2 }, { y: 2, x: 'A' }]

export const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Value>(...NUMBERS) },
  { weight: 6, arbitrary: fc.constantFrom<Value>(...STRINGS) },
  { weight: 3, arbitrary: fc.constantFrom<Value>(null, true, false) },
  { weight: 1, arbitrary: fc.constantFrom<Value>(...DATES, ...BYTES) },
  { weight: 1, arbitrary: fc.constantFrom<Value>(...ARRAYS, ...OBJECTS) },
)
const element = fc.constantFrom<Value>(1, 2, 5n, 'a', 'A', 'ab', null, true, Number.NaN)
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 5, arbitrary }, { weight: 1, arbitrary: fc.constant(undefined) })

const fields = fc.record({
  a: maybe(value),
  b: maybe(fc.constantFrom<Value>(1, 2, 3, 'a', 'A', 'b', null)),
  s: maybe(fc.constantFrom<Value>(...STRINGS)),
  tags: maybe(fc.oneof(fc.array(element, { maxLength: 4 }), value)),
  n: maybe(fc.oneof(fc.record({ x: value }, { noNullPrototype: true }), fc.constantFrom<Value>(null, 1, [7]))),
})

/** Records with distinct ids of both kinds; missing fields are really missing. */
export const records: fc.Arbitrary<readonly StoredRecord[]> = fc
  .array(fields, { maxLength: 40 })
  .map((rows) =>
    rows.map((row, i) => {
      const id = i % 3 === 0 ? `r${(i * 7) % 41}` : (i * 11) % 43
      const present = Object.entries(row).filter((entry) => entry[1] !== undefined)
      return { id, ...Object.fromEntries(present) } as StoredRecord
    }),
  )
  .map((rows) => [...new Map(rows.map((row) => [row.id, row])).values()])

const text = fc.constantFrom(...STRINGS)
const pattern = fc.constantFrom('a%', 'A%', '%', '_', 'a_', '%a', 'ab', '', 'a\\%', '😀%', 'ß', 'É')
const regex = fc.constantFrom(/a/, /^a/i, /[ab]$/, /^.$/u, /\bA/, /^(a|b)*$/)

const scalarTests: fc.Arbitrary<Tests> = fc.oneof(
  fc.record({ eq: value }),
  fc.record({ ne: value }),
  fc.record({ in: fc.array(value, { maxLength: 6 }) }),
  fc.record({ notIn: fc.array(value, { maxLength: 3 }) }),
  fc.record({ lt: value }),
  fc.record({ lte: value }),
  fc.record({ gt: value }),
  fc.record({ gte: value }),
  fc.record({ gt: value, lte: value }),
  fc.record({ between: fc.tuple(value, value) }),
  fc.record({ exists: fc.boolean() }),
  fc.record({ isNull: fc.boolean() }),
  fc.record({ startsWith: text }),
  fc.record({ contains: text }),
  fc.record({ like: pattern }),
  fc.record({ ilike: pattern }),
  fc.record({ regex }),
)
const elementTests: fc.Arbitrary<Tests> = fc.oneof(
  fc.record({ any: fc.oneof(element, scalarTests) }),
  fc.record({ all: fc.oneof(element, scalarTests) }),
  fc.record({ none: fc.oneof(element, scalarTests) }),
  fc.record({ any: fc.record({ gte: element, lt: element }) }),
)
const bare = fc.constantFrom<Value>(...NUMBERS, ...STRINGS, null, true, ...DATES, ...BYTES)
const test = fc.oneof(bare, scalarTests)
const id = fc.constantFrom<Value>(0, 11, 22, 5n, 'r0', 'r21', 'none', 1.5, new Date(0), '')

export const plainFilter: fc.Arbitrary<PlainFilter> = fc
  .record({
    a: maybe2(test),
    b: maybe2(test),
    s: maybe2(test),
    tags: maybe2(fc.oneof(elementTests, scalarTests)),
    'n.x': maybe2(test),
    'tags.0': maybe3(test),
    id: maybe3(fc.oneof(id, fc.record({ in: fc.array(id, { maxLength: 4 }) }), scalarTests)),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter((entry) => entry[1] !== undefined)))

function maybe2<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 1, arbitrary }, { weight: 2, arbitrary: fc.constant(undefined) })
}
function maybe3<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 1, arbitrary }, { weight: 12, arbitrary: fc.constant(undefined) })
}

const leaf = plainFilter.map((where): FilterTree => ({ kind: 'where', where }))
export const filterTree: fc.Arbitrary<FilterTree> = fc.oneof(
  { weight: 4, arbitrary: leaf },
  { weight: 1, arbitrary: leaf.map((of): FilterTree => ({ kind: 'not', of })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom<'or' | 'and'>('or', 'and'), fc.array(leaf, { maxLength: 3 }))
      .map(([kind, of]): FilterTree => ({ kind, of })),
  },
)

const orderKey: fc.Arbitrary<OrderSpec> = fc.record(
  {
    path: fc.constantFrom('a', 'b', 's', 'n.x', 'id', 'tags'),
    direction: fc.constantFrom<'asc' | 'desc'>('asc', 'desc'),
    nulls: fc.constantFrom<'first' | 'last'>('first', 'last'),
    nocase: fc.boolean(),
  },
  { requiredKeys: ['path', 'direction'] },
)
export const order: fc.Arbitrary<readonly OrderSpec[]> = fc.array(orderKey, { maxLength: 3 })

const INDEXES: readonly IndexSpec[] = [
  { on: ['a'] },
  { on: ['-a'] },
  { on: ['b', 'a'] },
  { on: ['b', '-s'] },
  { on: ['-b', '-a'] },
  { on: ['s'], nocase: true },
  { on: ['b', 's'], nocase: true },
  { on: ['s', 'b'] },
  { on: ['n.x'] },
  { on: ['tags'], each: true },
  { on: ['-tags'], each: true },
  { on: ['tags'], each: true, nocase: true },
  { on: ['a'], where: { b: 1 } },
  { on: ['s'], where: { b: { in: [1, 2] } } },
  { on: ['id'] },
]
export const indexes: fc.Arbitrary<readonly IndexSpec[]> = fc.subarray([...INDEXES], { maxLength: 4 })

/** What an index can be asked for, much more often than the rest. */
const indexable: fc.Arbitrary<Value | Tests> = fc.oneof(
  { weight: 2, arbitrary: bare },
  { weight: 2, arbitrary: fc.record({ in: fc.array(value, { minLength: 1, maxLength: 5 }) }) },
  {
    weight: 6,
    arbitrary: fc.oneof(
      fc.record({ lt: value }),
      fc.record({ lte: value }),
      fc.record({ gt: value }),
      fc.record({ gte: value }),
      fc.record({ startsWith: text }),
      fc.record({ like: pattern }),
      fc.record({ ilike: pattern }),
      fc.record({ isNull: fc.boolean() }),
      fc.record({ exists: fc.boolean() }),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(value, value).map((ends) => ({ between: ends.toSorted(compareValues) })) },
  { weight: 1, arbitrary: scalarTests },
)
const few = fc.constantFrom<Value>(1, 2, 'a', 'A', 'b', null)

function testOf(path: string): fc.Arbitrary<Value | Tests> {
  if (path === 'tags') return fc.record({ any: fc.oneof(indexable, fc.record({ gte: element }), element) })
  if (path !== 'b') return indexable
  return fc.oneof({ weight: 2, arbitrary: few }, { weight: 2, arbitrary: fc.record({ in: fc.array(few) }) }, indexable)
}

/** An index with a filter and an order about its parts, from the left. */
export const focused: fc.Arbitrary<{
  readonly spec: IndexSpec
  readonly tree: FilterTree
  readonly order: readonly OrderSpec[]
}> = fc.constantFrom(...INDEXES).chain((spec) => {
  const paths = spec.on.map((part) => part.replace(/^-/, ''))
  const tests = paths.map((path) => fc.option(testOf(path), { nil: undefined, freq: 4 }))
  const keys = spec.on.map((part) => fc.constant(part.startsWith('-')))
  return fc
    .record({
      tests: fc.tuple(...tests),
      descending: fc.tuple(...keys),
      flip: fc.boolean(),
      // Makes the order one that the index does not have.
      twist: fc.constantFrom('none', 'none', 'none', 'nocase', 'direction'),
      from: fc.integer({ min: 0, max: paths.length - 1 }),
      to: fc.constantFrom(paths.length, paths.length, paths.length - 1),
      byId: fc.option(fc.boolean(), { nil: undefined, freq: 2 }),
      other: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: order }),
    })
    .map(({ tests, descending, flip, twist, from, to, byId, other }) => {
      const where = Object.fromEntries(
        paths.map((path, i) => [path, tests[i]]).filter((entry) => entry[1] !== undefined),
      )
      const matching = paths.slice(from, to).map((path, i): OrderSpec => {
        const isDescending = (descending[from + i] !== flip) !== (twist === 'direction' && i > 0)
        return {
          path,
          direction: isDescending ? 'desc' : 'asc',
          nocase: (spec.nocase ?? false) !== (twist === 'nocase'),
        }
      })
      const last: OrderSpec[] = byId === undefined ? [] : [{ path: 'id', direction: byId ? 'asc' : 'desc' }]
      const leaves = [{ ...where, ...spec.where }] as readonly PlainFilter[]
      return {
        spec,
        tree: { kind: 'and', of: leaves.map((one) => ({ kind: 'where', where: one })) } as FilterTree,
        order: other ?? [...matching, ...last],
      }
    })
})
