import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import { compareValues, equalValues } from '../../src/codec/order.ts'
import { compileAggregate } from '../../src/query/aggregates.ts'
import { ComputeRows } from '../../src/query/operators/compute-rows.ts'
import { DistinctRows } from '../../src/query/operators/distinct-rows.ts'
import { GroupRows, GroupSorted, type GroupSpec } from '../../src/query/operators/group-rows.ts'
import { NearestRows } from '../../src/query/operators/nearest-rows.ts'
import { SetRows } from '../../src/query/operators/set-rows.ts'
import { WindowRows } from '../../src/query/operators/window-rows.ts'
import { compileExpression } from '../../src/query/predicate.ts'
import {
  type Aggregate,
  BY_ID,
  type Expression,
  type OrderKey,
  type Predicate,
  type WindowField,
} from '../../src/query/query-data.ts'
import { compileOrder } from '../../src/query/row-order.ts'
import type { Row } from '../../src/query/source.ts'
import { valueKey } from '../../src/query/value-key.ts'
import { compileWindow } from '../../src/query/window-fields.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { anyRows, drain, RowsInput, unlimited } from './support/rows.ts'

const path = (...names: string[]): Expression => ({ kind: 'path', path: names })
const by = (name: string, descending = false): OrderKey => ({
  path: [name],
  descending,
  nocase: false,
  nulls: undefined,
})
const idBelow9: Predicate = { kind: 'field', path: ['id'], test: { op: 'lt', operand: 9 } }

function aggregate(
  name: string,
  fn: Aggregate['fn'],
  of: string | undefined,
  more: Partial<Aggregate> = {},
): Aggregate {
  const value = of === undefined ? undefined : path(of)
  return { name, fn, of: value, where: undefined, fraction: undefined, orderBy: [], ...more }
}

const AGGREGATES: readonly Aggregate[] = [
  aggregate('rows', 'count', undefined),
  aggregate('some', 'count', undefined, { where: idBelow9 }),
  aggregate('values', 'count', 'v'),
  aggregate('different', 'countDistinct', 'v'),
  aggregate('sum', 'sum', 'n'),
  aggregate('avg', 'avg', 'n'),
  aggregate('min', 'min', 'v'),
  aggregate('max', 'max', 'v'),
  aggregate('first', 'first', 'v', { orderBy: [by('n')] }),
  aggregate('last', 'last', 'v', { orderBy: [by('n', true)] }),
  aggregate('median', 'median', 'n'),
  aggregate('p', 'percentile', 'n', { fraction: 0.9 }),
  aggregate('array', 'array', 'v', { orderBy: [by('n')] }),
]

function specOf(keys: readonly string[], aggregates: readonly Aggregate[]): GroupSpec {
  return {
    keys: keys.map((name) => ({ name, value: compileExpression(path(name)) })),
    aggregates: aggregates.map((one) => compileAggregate(one, [BY_ID])),
  }
}

const present = (value: Value | undefined): value is Value => value !== undefined && value !== null
const pick = (rows: readonly Row[], name: string): Value[] => rows.map((row) => row[name]).filter(present)
const ordered = (rows: readonly Row[], keys: readonly OrderKey[]): Row[] => {
  const order = compileOrder(keys)
  return rows
    .map(order.place)
    .sort(order.compare)
    .map(({ row }) => row)
}
const at = (sorted: readonly number[], fraction: number): number | null => {
  if (sorted.length === 0) return null
  const place = fraction * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!]
  return low + (high - low) * (place - Math.floor(place))
}

function naiveAggregates(rows: readonly Row[]): object {
  const numbers = pick(rows, 'n') as number[]
  const sum = numbers.reduce((total, one) => total + one, 0)
  const sorted = [...numbers].sort((a, b) => a - b)
  const values = pick(rows, 'v')
  const best = (sign: number): Value =>
    values.reduce((a, b) => (compareValues(b, a) * sign < 0 ? b : a), values[0] ?? null)
  return {
    rows: rows.length,
    some: rows.filter(({ id }) => Number(id) < 9).length,
    values: values.length,
    different: values.filter((a, i) => values.findIndex((b) => equalValues(a, b)) === i).length,
    sum: close(sum),
    avg: numbers.length === 0 ? null : close(sum / numbers.length),
    min: best(1),
    max: best(-1),
    first: pick(ordered(rows, [by('n')]), 'v')[0] ?? null,
    last: pick(ordered(rows, [by('n', true)]), 'v').at(-1) ?? null,
    median: at(sorted, 0.5) === null ? null : close(at(sorted, 0.5)!),
    p: at(sorted, 0.9) === null ? null : close(at(sorted, 0.9)!),
    array: pick(ordered(rows, [by('n')]), 'v'),
  }
}

/** Equal up to rounding. */
function close(number: number): object {
  return {
    asymmetricMatch: (other: unknown) => Math.abs(Number(other) - number) <= 1e-9 * Math.max(1, Math.abs(number)),
  }
}

function groupsOf(rows: readonly Row[], keys: readonly string[]): Row[][] {
  const groups: Row[][] = keys.length === 0 ? [[]] : []
  for (const row of rows) {
    const known = groups.find((group) => keys.every((key) => equalValues(group[0]?.[key], row[key])))
    if (known !== undefined) known.push(row)
    else if (keys.length === 0) groups[0]!.push(row)
    else groups.push([row])
  }
  return groups
}

describe('groups', () => {
  it('are those that naive lines make, in the order of their first rows, and hold the same aggregates', () => {
    fc.assert(
      fc.property(anyRows, fc.constantFrom([], ['a'], ['a', 'b']), (rows, keys) => {
        const found = drain(new GroupRows(new RowsInput(rows), specOf(keys, AGGREGATES), unlimited()))
        const expected = groupsOf(rows, keys).map((group) => ({
          ...Object.fromEntries(keys.filter((key) => group[0]![key] !== undefined).map((key) => [key, group[0]![key]])),
          ...naiveAggregates(keys.length === 0 ? rows : group),
        }))
        expect(found).toEqual(expected)
        const sorted = rows.toSorted((a, b) => compareValues(a['a'], b['a']) || compareValues(a['b'], b['b']))
        if (keys.length === 0) return
        const streamed = drain(new GroupSorted(new RowsInput(sorted), specOf(keys, AGGREGATES), unlimited()))
        const hashed = drain(new GroupRows(new RowsInput(sorted), specOf(keys, AGGREGATES), unlimited()))
        expect(streamed).toEqual(hashed)
      }),
      { seed: seed(), numRuns: effort(200) },
    )
  })

  it('sum bigints exactly to a bigint, a mix to a number, and fractions with what rounding lost', () => {
    const total = (...values: Value[]): Value | undefined => {
      const rows = values.map((n, id) => ({ id, n }) as Row)
      const spec = specOf([], [aggregate('s', 'sum', 'n'), aggregate('m', 'median', 'n'), aggregate('a', 'avg', 'n')])
      const [row] = drain(new GroupRows(new RowsInput(rows), spec, unlimited()))
      return [row!['s']!, row!['m']!, row!['a']!]
    }
    expect(total(2n ** 60n, 1n)).toEqual([2n ** 60n + 1n, 2 ** 59, 2 ** 59])
    expect(total(1n, 0.5)).toEqual([1.5, 0.75, 0.75])
    expect(total(1e100, 1, -1e100)).toEqual([1, 1, 1 / 3])
    expect(total(Infinity, 1, Infinity)).toEqual([Infinity, Infinity, Infinity])
    expect(total(2 ** 53, -1, 1)).toEqual([2 ** 53, 1, 2 ** 53 / 3])
    expect(total()).toEqual([0, null, null])
    expect(() => total('x')).toThrow(/at n: .*numbers, and record 0 has a string there/)
  })
})

const FUNCTIONS = [
  'rowNumber',
  'rank',
  'denseRank',
  'lag',
  'lead',
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
] as const
const windowFields: fc.Arbitrary<WindowField> = fc
  .record({
    fn: fc.constantFrom(...FUNCTIONS),
    distance: fc.constantFrom(0, 1, 2),
    fallback: fc.constantFrom<Value>(null, 'none'),
    partitionBy: fc.constantFrom<readonly Expression[]>([], [path('a')], [path('a'), path('b')]),
    orderBy: fc.constantFrom<readonly OrderKey[]>([], [by('n')], [by('b', true), by('n')]),
  })
  .map((field) => ({ ...field, name: 'w', of: path('n') }))

function naiveWindow(rows: readonly Row[], row: Row, field: WindowField): unknown {
  const { fn, orderBy, distance } = field
  const names = field.partitionBy.map((one) => (one.kind === 'path' ? one.path[0]! : ''))
  const partition = ordered(
    rows.filter((other) => names.every((name) => equalValues(other[name], row[name]))),
    orderBy,
  )
  const place = partition.findIndex(({ id }) => id === row.id)
  const order = compileOrder(orderBy)
  const before = partition
    .slice(0, place)
    .filter((other) => order.compareKeys(order.place(other), order.place(row)) < 0)
  const away = fn === 'lag' ? partition[place - distance] : partition[place + distance]
  const frame = pick(orderBy.length === 0 ? partition : partition.slice(0, place + 1), 'n') as number[]
  const sum = frame.reduce((total, one) => total + one, 0)
  switch (fn) {
    case 'rowNumber':
      return place + 1
    case 'rank':
      return before.length + 1
    case 'denseRank': {
      const tied = (a: Row, b: Row): boolean => order.compareKeys(order.place(a), order.place(b)) === 0
      return before.filter((one, i) => i === 0 || !tied(before[i - 1]!, one)).length + 1
    }
    case 'lag':
    case 'lead':
      return away === undefined ? field.fallback : away['n']
    case 'count':
      return frame.length
    case 'sum':
      return close(sum)
    case 'avg':
      return frame.length === 0 ? null : close(sum / frame.length)
    case 'min':
      return frame.length === 0 ? null : Math.min(...frame)
    case 'max':
      return frame.length === 0 ? null : Math.max(...frame)
    case 'first':
      return frame[0] ?? null
    case 'last':
      return frame.at(-1) ?? null
  }
}

describe('windows', () => {
  it('give each row what naive lines give it, in the order of the input', () => {
    fc.assert(
      fc.property(anyRows, fc.array(windowFields, { minLength: 1, maxLength: 4 }), (rows, drawn) => {
        const fields = drawn.map((field, i) => ({ ...field, name: `w${i}` }))
        const memory = unlimited()
        const found = drain(
          new WindowRows(
            new RowsInput(rows),
            fields.map((field) => compileWindow(field, [['id']])),
            memory,
          ),
        )
        expect(found.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
        rows.forEach((row, i) => {
          for (const field of fields) expect(found[i]![field.name]).toEqual(naiveWindow(rows, row, field))
        })
        expect(memory.heldBytes).toBe(0)
      }),
      { seed: seed(), numRuns: effort(300) },
    )
  })
})

describe('rows as values', () => {
  it('are given once by distinct, and by sets as naive lines say', () => {
    const noIds = anyRows.map((rows) => rows.map(({ id: _, n: __, ...row }) => row as unknown as Row))
    fc.assert(
      fc.property(noIds, noIds, (left, right) => {
        const isIn = (rows: readonly Row[], row: Row): boolean => rows.some((other) => equalValues(row, other))
        const once = (rows: readonly Row[]): Row[] => rows.filter((row, i) => !isIn(rows.slice(0, i), row))
        const memory = unlimited()
        expect(drain(new DistinctRows(new RowsInput(left), valueKey, memory))).toEqual(once(left))
        const expected = {
          intersect: once(left.filter((row) => isIn(right, row))),
          except: once(left.filter((row) => !isIn(right, row))),
        }
        for (const kind of ['intersect', 'except'] as const) {
          const sets = new SetRows(new RowsInput(left), new RowsInput(right, 2), { kind, memory })
          expect(drain(sets)).toEqual(expected[kind])
        }
        expect(memory.heldBytes).toBe(0)
      }),
      { seed: seed(), numRuns: effort(200) },
    )
  })

  it('get computed fields, which are their own, and lose those that are missing', () => {
    const rows: Row[] = [
      { id: 1, a: [1] },
      { id: 2, b: 3 },
    ]
    const list: Expression = { kind: 'literal', value: ['x'] }
    const fields = Object.entries({ __proto__x: path('a'), list, b: path('a') })
    const computed = fields.map(([name, value]) => ({ name, value: compileExpression(value) }))
    const found = drain(new ComputeRows(new RowsInput(rows), computed))
    expect(found).toEqual([
      { id: 1, a: [1], __proto__x: [1], list: ['x'], b: [1] },
      { id: 2, list: ['x'] },
    ])
    expect(found[0]!['list']).not.toBe(found[1]!['list'])
  })

  it('get their distance, and are left out without one', () => {
    const rows: Row[] = [[3, 4], [0, 0], [1, 0], [Number.NaN, 1], [1]].map((v, id) => ({ id, v: new Float32Array(v) }))
    rows.push({ id: 5, v: 'x' }, { id: 6 }, { id: 7, v: new Float64Array([2, 0]) })
    const nearest = (metric: 'cosine' | 'dot' | 'l2'): unknown[] => {
      const clause = { kind: 'vector', path: ['v'], to: new Float32Array([2, 0]), metric } as const
      return drain(new NearestRows(new RowsInput(rows), clause)).map((row) => [row.id, row['$distance']])
    }
    expect(nearest('l2')).toEqual([
      ...[0, 1, 2].map((id, i) => [id, [Math.sqrt(17), 2, 1][i]]),
      [3, Number.POSITIVE_INFINITY],
      [7, 0],
    ])
    expect(nearest('dot').slice(0, 3)).toEqual([
      [0, -6],
      [1, 0],
      [2, -2],
    ])
    expect(nearest('cosine').slice(0, 3)).toEqual([
      [0, 1 - 0.6],
      [1, 1],
      [2, 0],
    ])
    const places: Row[] = [
      { id: 1, v: { lat: 1, lng: 0 } },
      { id: 3, v: { lat: 99, lng: 0 } },
    ]
    const found = drain(new NearestRows(new RowsInput(places), { kind: 'place', path: ['v'], to: { lat: 0, lng: 0 } }))
    expect(found.map(({ id }) => id)).toEqual([1])
    expect(found[0]!['$distance']).toBeCloseTo(111_195, 0)
  })
})
