/** The evaluator that judges the planner is itself held to what is written down, case by case. */
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { StoredRecord, Value } from '../../src/base/values.ts'
import type {
  Aggregate,
  AggregateFunction,
  Condition,
  Expression,
  JoinKind,
  OrderKey,
  Predicate,
  QueryData,
  ScalarFunction,
  WindowField,
} from '../../src/query/query-data.ts'
import { everyRecord } from '../../src/query/query-data.ts'
import { seed } from '../support/seed.ts'
import { filterTree, records } from './support/generators.ts'
import { beginningOfBin } from './support/naive/bin.ts'
import { evaluate } from './support/naive/evaluate.ts'
import { judge, sameRows } from './support/naive/same-rows.ts'
import { naiveMatches, toFilter } from './support/naive.ts'

const rows = everyRecord('rows')

function run(data: Partial<QueryData>, ...stored: readonly StoredRecord[]): readonly unknown[] {
  return evaluate({ ...rows, ...data }, new Map([['rows', stored]]))
}

/** Of records with the values 1, null and none: which are found. */
function found(predicate: Predicate): readonly unknown[] {
  return run({ where: predicate }, { id: 'one', a: 1 }, { id: 'null', a: null }, { id: 'missing' }).map(idOf)
}

function idOf(row: unknown): unknown {
  return (row as StoredRecord).id
}

function field(test: Condition): Predicate {
  return { kind: 'field', path: ['a'], test }
}

const path = (...names: readonly string[]): Expression => ({ kind: 'path', path: names })
const literal = (value: Value): Expression => ({ kind: 'literal', value })
const call = (fn: ScalarFunction, ...args: readonly Expression[]): Expression => ({ kind: 'call', fn, args })
const by = (name: string, more: Partial<OrderKey> = {}): OrderKey => ({
  path: [name],
  descending: false,
  nocase: false,
  nulls: undefined,
  ...more,
})

describe('an operator', () => {
  test.each<[Condition, readonly string[]]>([
    [{ op: 'eq', operand: 1 }, ['one']],
    [{ op: 'eq', operand: 1n }, ['one']],
    [{ op: 'eq', operand: null }, ['null']],
    [{ op: 'ne', operand: 1 }, ['null', 'missing']],
    [{ op: 'ne', operand: null }, ['one', 'missing']],
    [{ op: 'in', operand: [2, 1] }, ['one']],
    [{ op: 'in', operand: [null] }, ['null']],
    [{ op: 'in', operand: [] }, []],
    [{ op: 'notIn', operand: [1] }, ['null', 'missing']],
    [{ op: 'notIn', operand: [null] }, ['one', 'missing']],
    [{ op: 'notIn', operand: [] }, ['one', 'null', 'missing']],
    [{ op: 'lt', operand: 2 }, ['one']],
    [{ op: 'lte', operand: 1 }, ['one']],
    [{ op: 'gt', operand: 0 }, ['one']],
    [{ op: 'gte', operand: 1n }, ['one']],
    [{ op: 'lte', operand: null }, []],
    [{ op: 'lt', operand: 'text' }, []],
    [{ op: 'gt', operand: Number.NaN }, []],
    [{ op: 'between', operand: [1, 1] }, ['one']],
    [{ op: 'between', operand: [null, 1] }, []],
    [{ op: 'exists', operand: true }, ['one', 'null']],
    [{ op: 'exists', operand: false }, ['missing']],
    [{ op: 'isNull', operand: true }, ['null', 'missing']],
    [{ op: 'isNull', operand: false }, ['one']],
    [{ op: 'startsWith', operand: '' }, []],
    [{ op: 'contains', operand: '' }, []],
    [{ op: 'like', operand: '%' }, []],
    [{ op: 'ilike', operand: '%' }, []],
    [{ op: 'regex', operand: { source: '', flags: '' } }, []],
    [{ op: 'any', operand: [] }, []],
    [{ op: 'all', operand: [] }, []],
    [{ op: 'none', operand: [] }, []],
    [{ op: 'near', operand: { lat: 0, lng: 0, radiusMeters: 1 } }, []],
    [{ op: 'inBox', operand: { south: -90, west: -180, north: 90, east: 180 } }, []],
  ])('%o is true for %o', (condition, expected) => {
    expect(found(field(condition))).toEqual(expected)
    const rest = ['one', 'null', 'missing'].filter((id) => !expected.includes(id))
    expect(found({ kind: 'not', of: field(condition) })).toEqual(rest)
  })

  test.each<[Condition, Value, boolean]>([
    [{ op: 'eq', operand: Number.NaN }, Number.NaN, true],
    [{ op: 'eq', operand: 0 }, -0, true],
    [{ op: 'eq', operand: 2 ** 53 }, 2n ** 53n + 1n, false],
    [{ op: 'eq', operand: { x: 1, y: [2] } }, { y: [2], x: 1 }, true],
    [{ op: 'gte', operand: Number.NaN }, Number.NaN, false],
    [{ op: 'gt', operand: false }, true, true],
    [{ op: 'lt', operand: '\u{1f600}' }, '\uffff', true],
    [{ op: 'startsWith', operand: 'ab' }, 'abc', true],
    [{ op: 'contains', operand: 'bc' }, 'abcd', true],
    [{ op: 'contains', operand: 'BC' }, 'abcd', false],
    [{ op: 'like', operand: 'a_c' }, 'a\u{1f600}c', true],
    [{ op: 'like', operand: 'a%' }, 'ba', false],
    [{ op: 'like', operand: '100\\%' }, '100%', true],
    [{ op: 'like', operand: '100\\%' }, '1000', false],
    [{ op: 'like', operand: 'a.c' }, 'abc', false],
    [{ op: 'ilike', operand: 'ÄB%' }, 'äbc', true],
    [{ op: 'regex', operand: { source: 'b+', flags: '' } }, 'abbc', true],
    [{ op: 'regex', operand: { source: '^B', flags: 'i' } }, 'abc', false],
    [{ op: 'any', operand: [{ op: 'gt', operand: 1 }] }, [1, 2], true],
    [{ op: 'any', operand: [{ op: 'gt', operand: 1 }] }, [], false],
    [{ op: 'all', operand: [{ op: 'gt', operand: 1 }] }, [], true],
    [{ op: 'all', operand: [{ op: 'gt', operand: 1 }] }, [1, 2], false],
    [{ op: 'none', operand: [{ op: 'gt', operand: 2 }] }, [1, 2], true],
    [{ op: 'none', operand: [{ op: 'gt', operand: 1 }] }, [1, 2], false],
    [{ op: 'near', operand: { lat: 0, lng: 0, radiusMeters: 0 } }, { lat: 0, lng: 0, more: 1 }, true],
    [{ op: 'near', operand: { lat: 0, lng: 179.999, radiusMeters: 500 } }, { lat: 0, lng: -179.999 }, true],
    [{ op: 'near', operand: { lat: 0, lng: 0, radiusMeters: 111_000 } }, { lat: 1, lng: 0 }, false],
    [{ op: 'inBox', operand: { south: 0, west: 170, north: 1, east: -170 } }, { lat: 1, lng: -175 }, true],
    [{ op: 'inBox', operand: { south: 0, west: 170, north: 1, east: -170 } }, { lat: 1, lng: 0 }, false],
    [{ op: 'inBox', operand: { south: 0, west: 0, north: 1, east: 1 } }, { lat: 1, lng: 1 }, true],
    [{ op: 'inBox', operand: { south: 0, west: 0, north: 1, east: 1 } }, { lat: 91, lng: 1 }, false],
  ])('%o of %o is %s', (condition, value, expected) => {
    expect(run({ where: field(condition) }, { id: 1, a: value })).toHaveLength(expected ? 1 : 0)
  })

  it('and its complement have every record once, as the older reading of a filter has it', () => {
    fc.assert(
      fc.property(records, filterTree, (stored, tree) => {
        const { predicate } = toFilter(tree)
        const met = run({ where: predicate }, ...stored)
        const rest = run({ where: { kind: 'not', of: predicate } }, ...stored)
        expect(met).toEqual(stored.filter((record) => naiveMatches(tree, record)))
        expect([...met, ...rest].map(idOf).sort()).toEqual(stored.map(idOf).sort())
      }),
      { seed: seed(), numRuns: 300 },
    )
  })
})

describe('a comparison of two values of a row', () => {
  const compare = (op: 'eq' | 'ne' | 'lt' | 'gte', right: Expression): Predicate => ({
    kind: 'compare',
    op,
    left: path('a'),
    right,
  })

  it('is false with a missing one, but for ne', () => {
    expect(found(compare('eq', path('b')))).toEqual([])
    expect(found(compare('ne', path('b')))).toEqual(['one', 'null', 'missing'])
    expect(found(compare('gte', path('a')))).toEqual(['one'])
    expect(found(compare('eq', path('a')))).toEqual(['one', 'null'])
    expect(found(compare('lt', literal('z')))).toEqual([])
  })

  it('is true and false of nothing as and and or are', () => {
    expect(found({ kind: 'and', of: [] })).toHaveLength(3)
    expect(found({ kind: 'or', of: [] })).toEqual([])
  })
})

describe('a query in a filter', () => {
  const stored: readonly StoredRecord[] = [{ id: 1, a: 1, b: 5 }, { id: 2, a: null, b: 1 }, { id: 3, a: 7 }, { id: 4 }]
  const select = [{ name: 'b', path: ['b'] }]

  it('is met by a value among its, null too, missing never', () => {
    const ids = { ...rows, select: [{ name: 'id', path: ['id'] }] }
    expect(
      run({ where: { kind: 'inQuery', value: path('b'), query: { ...rows, select } } }, ...stored).map(idOf),
    ).toEqual([1, 2])
    expect(run({ where: { kind: 'inQuery', value: path('a'), query: ids } }, ...stored).map(idOf)).toEqual([1])
    const nulls = { ...rows, select: [{ name: 'a', path: ['a'] }] }
    expect(run({ where: { kind: 'inQuery', value: path('a'), query: nulls } }, ...stored).map(idOf)).toEqual([1, 2, 3])
  })

  it('exists for a row that joins, and sees the row outside', () => {
    const exists = (where: Predicate | undefined): Predicate => ({
      kind: 'exists',
      query: { ...rows, where },
      on: [{ left: path('a'), right: path('b') }],
    })
    expect(run({ where: exists(undefined) }, ...stored).map(idOf)).toEqual([1])
    const later: Predicate = { kind: 'compare', op: 'gt', left: path('id'), right: { kind: 'outer', path: ['id'] } }
    expect(run({ where: exists(later) }, ...stored).map(idOf)).toEqual([1])
    expect(run({ where: { kind: 'not', of: exists(later) } }, ...stored).map(idOf)).toEqual([2, 3, 4])
    expect(run({ where: { kind: 'exists', query: { ...rows, where: later }, on: [] } }, ...stored).map(idOf)).toEqual([
      1, 2, 3,
    ])
  })
})

describe('an expression', () => {
  const stored: StoredRecord = {
    id: 1,
    n: 7,
    m: 2,
    big: 7n,
    two: 2n,
    s: ' Ab ',
    nothing: null,
    list: [1, 2],
    at: new Date('2024-02-29T12:34:56.789Z'),
    here: { lat: 0, lng: 0 },
    there: { lat: 0, lng: 1 },
  }
  const computed = (value: Expression): unknown =>
    (run({ computed: [{ name: 'x', value }] }, stored)[0] as { x: unknown }).x

  test.each<[Expression, unknown]>([
    [call('add', path('n'), path('m')), 9],
    [call('subtract', path('n'), path('m')), 5],
    [call('multiply', path('n'), path('m')), 14],
    [call('divide', path('n'), path('m')), 3.5],
    [call('modulo', path('n'), path('m')), 1],
    [call('divide', path('big'), path('two')), 3n],
    [call('add', path('big'), path('m')), 9],
    [call('negate', path('big')), -7n],
    [call('abs', literal(-1.5)), 1.5],
    [call('floor', literal(-1.5)), -2],
    [call('ceil', literal(1.2)), 2],
    [call('round', literal(1.5)), 2],
    [call('concat', path('s'), path('n')), ' Ab 7'],
    [call('lower', path('s')), ' ab '],
    [call('upper', path('s')), ' AB '],
    [call('trim', path('s')), 'Ab'],
    [call('length', path('s')), 4],
    [call('length', path('list')), 2],
    [call('add', path('n'), path('nothing')), null],
    [call('add', path('n'), path('absent')), null],
    [call('lower', path('absent')), null],
    [call('coalesce', path('absent'), path('nothing'), path('m')), 2],
    [call('coalesce', path('absent'), path('nothing')), null],
    [path('absent'), undefined],
    [call('distance', path('here'), path('nothing')), null],
    [{ kind: 'bin', of: path('at'), unit: 'quarter', step: 1, timeZone: 'UTC' }, new Date('2024-01-01')],
    [{ kind: 'bin', of: path('nothing'), unit: 'day', step: 1, timeZone: 'UTC' }, null],
    [
      {
        kind: 'case',
        branches: [
          { when: { kind: 'field', path: ['n'], test: { op: 'gt', operand: 9 } }, value: literal('much') },
          { when: { kind: 'field', path: ['n'], test: { op: 'gt', operand: 5 } }, value: literal('some') },
        ],
        otherwise: literal('little'),
      },
      'some',
    ],
  ])('%o is as its definition says', (expression, expected) => {
    expect(computed(expression)).toStrictEqual(expected)
  })

  it('refuses a value of another type and divisions by 0n', () => {
    expect(() => computed(call('add', path('s'), path('n')))).toThrow(/id 1/)
    expect(() => computed(call('divide', path('big'), literal(0n)))).toThrow(/0n/)
    expect(() => computed(call('length', path('n')))).toThrow()
  })

  it('measures a degree of the equator', () => {
    expect(computed(call('distance', path('here'), path('there')))).toBeCloseTo((2 * Math.PI * 6_371_008.8) / 360, 6)
  })
})

describe('a bin', () => {
  test.each([
    ['2024-05-15T13:47:31.250Z', 'second', 1, 'UTC', '2024-05-15T13:47:31.000Z'],
    ['2024-05-15T13:47:31.250Z', 'minute', 15, 'UTC', '2024-05-15T13:45:00.000Z'],
    ['2024-05-15T13:47:31.250Z', 'hour', 6, 'UTC', '2024-05-15T12:00:00.000Z'],
    ['2024-05-15T13:47:31.250Z', 'hour', 1, 'Asia/Kolkata', '2024-05-15T13:30:00.000Z'],
    ['2024-05-15T13:47:31.250Z', 'day', 1, 'UTC', '2024-05-15T00:00:00.000Z'],
    ['2024-05-15T23:00:00.000Z', 'day', 1, 'Europe/Berlin', '2024-05-15T22:00:00.000Z'],
    // The days when clocks are set: 23 and 25 hours.
    ['2024-03-31T12:00:00.000Z', 'day', 1, 'Europe/Berlin', '2024-03-30T23:00:00.000Z'],
    ['2024-10-27T23:30:00.000Z', 'day', 1, 'Europe/Berlin', '2024-10-27T23:00:00.000Z'],
    // In São Paulo that day began at one o'clock.
    ['2018-11-04T12:00:00.000Z', 'day', 1, 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
    ['2024-05-15T13:47:31.250Z', 'week', 1, 'UTC', '2024-05-13T00:00:00.000Z'],
    ['1970-01-01T00:00:00.000Z', 'week', 1, 'UTC', '1969-12-29T00:00:00.000Z'],
    ['1969-12-28T23:59:59.999Z', 'week', 2, 'UTC', '1969-12-15T00:00:00.000Z'],
    ['2024-05-15T13:47:31.250Z', 'month', 1, 'America/New_York', '2024-05-01T04:00:00.000Z'],
    ['2024-05-15T13:47:31.250Z', 'month', 4, 'UTC', '2024-05-01T00:00:00.000Z'],
    ['2024-05-15T13:47:31.250Z', 'quarter', 1, 'UTC', '2024-04-01T00:00:00.000Z'],
    ['1969-05-15T13:47:31.250Z', 'year', 1, 'UTC', '1969-01-01T00:00:00.000Z'],
    ['2024-05-15T13:47:31.250Z', 'year', 10, 'UTC', '2020-01-01T00:00:00.000Z'],
  ] as const)('of %s by %s × %d in %s begins at %s', (time, unit, step, timeZone, expected) => {
    expect(new Date(beginningOfBin(Date.parse(time), unit, step, timeZone)).toISOString()).toBe(expected)
  })
})

describe('a join', () => {
  const database = new Map<string, readonly StoredRecord[]>([
    ['rows', [{ id: 1, k: 'a' }, { id: 2, k: null }, { id: 3 }, { id: 4, k: 'b' }, { id: 5, k: 'a' }]],
    ['others', [{ id: 'x', k: 'a' }, { id: 'y', k: null }, { id: 'z' }, { id: 'w', k: 'c' }, { id: 'v', k: 'a' }]],
  ])
  const join = (kind: JoinKind): readonly unknown[] =>
    evaluate(
      {
        ...rows,
        joins: [
          {
            kind,
            as: kind === 'semi' || kind === 'anti' ? '' : 'o',
            other: everyRecord('others'),
            on: [{ left: path('k'), right: path('k') }],
          },
        ],
      },
      database,
    ).map((row) => {
      const other = row['o'] as StoredRecord | undefined
      return `${row['id'] ?? ''}${other?.id ?? ''}`
    })

  it('pairs equal values; null and missing join nothing', () => {
    const both = ['1x', '1v', '5x', '5v']
    expect(join('inner')).toEqual(both)
    expect(join('left')).toEqual([...both, '2', '3', '4'])
    expect(join('right')).toEqual([...both, 'y', 'z', 'w'])
    expect(join('full')).toEqual([...both, '2', '3', '4', 'y', 'z', 'w'])
    expect(join('semi')).toEqual(['1', '5'])
    expect(join('anti')).toEqual(['2', '3', '4'])
  })
})

const of = (fn: AggregateFunction, more: Partial<Aggregate> = {}): Aggregate => ({
  name: fn,
  fn,
  of: path('v'),
  where: undefined,
  fraction: fn === 'percentile' ? 0.25 : undefined,
  orderBy: [],
  ...more,
})
const ALL: readonly AggregateFunction[] = [
  'count',
  'countDistinct',
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
  'median',
  'percentile',
  'array',
]

describe('a group', () => {
  it('of nothing gives count 0, sum 0, no elements, and null for the rest', () => {
    const group = {
      keys: [],
      aggregates: [...ALL.map((fn) => of(fn)), of('count', { name: 'rows', of: undefined })],
      having: undefined,
    }
    const nothing = {
      count: 0,
      countDistinct: 0,
      sum: 0,
      avg: null,
      min: null,
      max: null,
      first: null,
      last: null,
      median: null,
      percentile: null,
      array: [],
    }
    expect(run({ group })).toEqual([{ ...nothing, rows: 0 }])
    expect(run({ group }, { id: 1, v: null }, { id: 2 })).toEqual([{ ...nothing, rows: 2 }])
    expect(run({ group: { ...group, keys: [{ name: 'k', value: path('k') }] } })).toEqual([])
  })

  it('passes over null and missing, and interpolates', () => {
    const group = {
      keys: [],
      aggregates: ALL.map((fn) => of(fn, { orderBy: [by('o', { descending: true })] })),
      having: undefined,
    }
    const stored = [
      { id: 1, v: 4, o: 1 },
      { id: 2, v: null },
      { id: 3, v: 1, o: 5 },
      { id: 4 },
      { id: 5, v: 2, o: 1 },
      { id: 6, v: 4, o: 3 },
    ]
    expect(run({ group }, ...stored)).toEqual([
      {
        count: 4,
        countDistinct: 3,
        sum: 11,
        avg: 2.75,
        min: 1,
        max: 4,
        first: 1,
        last: 4,
        median: 3,
        percentile: 1.75,
        array: [1, 4, 2, 4],
      },
    ])
  })

  it('sums bigints to a bigint, with numbers to a number', () => {
    const group = { keys: [], aggregates: [of('sum')], having: undefined }
    expect(run({ group }, { id: 1, v: 2n ** 60n }, { id: 2, v: 1n })).toEqual([{ sum: 2n ** 60n + 1n }])
    expect(run({ group }, { id: 1, v: 2n }, { id: 2, v: 0.5 })).toEqual([{ sum: 2.5 }])
    expect(() => run({ group }, { id: 1, v: 'text' })).toThrow()
  })

  it('is one for each key: missing and null are two, 5 and 5n are one', () => {
    const group = {
      keys: [{ name: 'k', value: path('k') }],
      aggregates: [of('count', { of: undefined })],
      having: undefined,
    }
    const stored = [{ id: 1, k: null }, { id: 2 }, { id: 3, k: 5 }, { id: 4, k: 5n }, { id: 5 }]
    expect(run({ group }, ...stored)).toEqual([{ k: null, count: 1 }, { count: 2 }, { k: 5, count: 2 }])
    const having: Predicate = { kind: 'field', path: ['count'], test: { op: 'gt', operand: 1 } }
    expect(run({ group: { ...group, having } }, ...stored)).toEqual([{ count: 2 }, { k: 5, count: 2 }])
    const where: Predicate = { kind: 'field', path: ['k'], test: { op: 'isNull', operand: true } }
    expect(
      run({ group: { ...group, keys: [], aggregates: [of('count', { of: undefined, where })] } }, ...stored),
    ).toEqual([{ count: 3 }])
  })
})

describe('an order', () => {
  const stored = [
    { id: 3, a: 'b' },
    { id: 1, a: 'B' },
    { id: 4, a: null },
    { id: 2 },
    { id: 5, a: 'b' },
    { id: 0, a: 1 },
  ]
  const ids = (...orderBy: readonly OrderKey[]): readonly unknown[] => run({ orderBy }, ...stored).map(idOf)

  it('has missing first, then null, numbers and strings; ties by id in the direction of the last key', () => {
    expect(ids(by('a'))).toEqual([2, 4, 0, 1, 3, 5])
    expect(ids(by('a', { descending: true }))).toEqual([5, 3, 1, 0, 4, 2])
    expect(ids(by('a', { nocase: true }))).toEqual([2, 4, 0, 1, 3, 5])
    expect(ids(by('a', { nocase: true, descending: true }))).toEqual([5, 3, 1, 0, 4, 2])
    expect(ids(by('none', { descending: true }))).toEqual([5, 4, 3, 2, 1, 0])
  })

  it('puts null and missing where it is told to, whatever the direction', () => {
    expect(ids(by('a', { nulls: 'last' }))).toEqual([0, 1, 3, 5, 2, 4])
    expect(ids(by('a', { nulls: 'first', descending: true }))).toEqual([4, 2, 5, 3, 1, 0])
    expect(ids(by('a', { nulls: 'last', descending: true }))).toEqual([5, 3, 1, 0, 4, 2])
  })

  it('is by id where only an offset asks for one', () => {
    expect(run({ offset: 2, limit: 2 }, ...stored).map(idOf)).toEqual([2, 3])
  })

  it('acts on the selected rows of a distinct query, on whole rows otherwise', () => {
    const select = [{ name: 'a', path: ['a'] }]
    expect(run({ select, orderBy: [by('id')] }, ...stored.slice(0, 2))).toEqual([{ a: 'B' }, { a: 'b' }])
    expect(run({ select, distinct: true, orderBy: [by('a', { descending: true })] }, ...stored)).toEqual([
      { a: 'b' },
      { a: 'B' },
      { a: 1 },
      { a: null },
      {},
    ])
  })
})

describe('a window', () => {
  const stored = [
    { id: 1, p: 'x', v: 1 },
    { id: 2, p: 'x', v: 1 },
    { id: 3, p: 'y', v: 5 },
    { id: 4, p: 'x', v: 3 },
    { id: 5, p: 'y', v: null },
  ]
  const values = (window: Partial<WindowField>): readonly unknown[] =>
    run(
      {
        windows: [
          {
            name: 'w',
            fn: 'sum',
            of: path('v'),
            distance: 1,
            fallback: null,
            partitionBy: [path('p')],
            orderBy: [by('v')],
            ...window,
          },
        ],
        orderBy: [by('id')],
      },
      ...stored,
    ).map((row) => (row as { w: unknown }).w)

  it('numbers, ranks and looks around in its partition, ties by id in the direction of its last key', () => {
    expect(values({ fn: 'rowNumber' })).toEqual([1, 2, 2, 3, 1])
    expect(values({ fn: 'rowNumber', orderBy: [by('v', { descending: true })] })).toEqual([3, 2, 1, 1, 2])
    expect(values({ fn: 'rank' })).toEqual([1, 1, 2, 3, 1])
    expect(values({ fn: 'denseRank' })).toEqual([1, 1, 2, 2, 1])
    expect(values({ fn: 'lag', fallback: 0 })).toEqual([0, 1, null, 1, 0])
    expect(values({ fn: 'lead', distance: 2 })).toEqual([3, null, null, null, null])
  })

  it('runs up to the row with an order, over the whole partition without', () => {
    expect(values({})).toEqual([1, 2, 5, 5, 0])
    expect(values({ orderBy: [] })).toEqual([5, 5, 5, 5, 5])
    expect(values({ fn: 'count', of: undefined, partitionBy: [], orderBy: [] })).toEqual([5, 5, 5, 5, 5])
    expect(values({ fn: 'avg', partitionBy: [] })).toEqual([1, 1, 2.5, 5 / 3, null])
    expect(values({ fn: 'last', orderBy: [by('id')] })).toEqual([1, 1, 5, 3, 5])
  })
})

describe('sets', () => {
  const select = [{ name: 'a', path: ['a'] }]
  const database = new Map<string, readonly StoredRecord[]>([
    ['rows', [{ id: 1, a: 1 }, { id: 2, a: 1 }, { id: 3, a: null }, { id: 4 }]],
    ['others', [{ id: 1, a: 1n }, { id: 2, a: 2 }, { id: 3, a: 2 }, { id: 4 }]],
  ])
  const combined = (kind: 'union' | 'unionAll' | 'intersect' | 'except'): readonly unknown[] =>
    evaluate({ ...rows, select, sets: [{ kind, other: { ...everyRecord('others'), select } }] }, database)

  it('compare whole rows, and give each once but for unionAll', () => {
    expect(combined('union')).toEqual([{ a: 1 }, { a: null }, {}, { a: 2 }])
    expect(combined('unionAll')).toHaveLength(8)
    expect(combined('intersect')).toEqual([{ a: 1 }, {}])
    expect(combined('except')).toEqual([{ a: null }])
  })
})

describe('nearest', () => {
  it('leaves out what is no place or no such vector, and orders by distance, then id', () => {
    const places = [
      { id: 1, at: { lat: 10, lng: 0 } },
      { id: 2, at: { lat: 91, lng: 0 } },
      { id: 3, at: { lat: 1, lng: 0 } },
      { id: 4 },
      { id: 5, at: { lat: 1, lng: 0 } },
    ]
    const nearest = run({ nearest: { kind: 'place', path: ['at'], to: { lat: 0, lng: 0 } }, limit: 2 }, ...places)
    expect(nearest.map(idOf)).toEqual([3, 5])
    const vectors = [
      { id: 1, at: new Float32Array([3, 4]) },
      { id: 2, at: new Float32Array([1]) },
      { id: 3, at: new Float64Array([1, 0]) },
    ]
    const distances = (metric: 'l2' | 'dot' | 'cosine'): readonly unknown[] =>
      run({ nearest: { kind: 'vector', path: ['at'], to: new Float32Array([1, 0]), metric } }, ...vectors).map(
        (row) => [idOf(row), (row as { $distance: number }).$distance],
      )
    expect(distances('l2')).toEqual([
      [3, 0],
      [1, Math.sqrt(20)],
    ])
    expect(distances('dot')).toEqual([
      [1, -3],
      [3, -1],
    ])
    expect(distances('cosine')).toEqual([
      [3, 0],
      [1, 1 - 3 / 5],
    ])
  })
})

describe('a block around', () => {
  it('sees the finished rows of the one within, not their order', () => {
    const within: QueryData = { ...rows, orderBy: [by('a')], limit: 2, select: [{ name: 'x', path: ['a'] }] }
    const stored = [
      { id: 1, a: 3 },
      { id: 2, a: 1 },
      { id: 3, a: 2 },
    ]
    expect(run({ from: within, orderBy: [by('x', { descending: true })] }, ...stored)).toEqual([{ x: 2 }, { x: 1 }])
  })
})

describe('the comparison of rows', () => {
  it('keeps missing and null apart, takes any order of keys, and any order of rows where there is none', () => {
    expect(sameRows([{ a: 1, b: 2 }, { a: 2 }], [{ a: 2 }, { b: 2, a: 1n }], rows)).toBe(true)
    expect(sameRows([{ a: 1 }, { a: 2 }], [{ a: 2 }, { a: 1 }], { ...rows, orderBy: [by('a')] })).toBe(false)
    expect(sameRows([{ a: null }], [{}], rows)).toBe(false)
    expect(sameRows([{ a: 1 }, { a: 1 }, { a: 2 }], [{ a: 1 }, { a: 2 }, { a: 2 }], rows)).toBe(false)
  })

  it('forgives rounding only where something is added up', () => {
    const sums: QueryData = { ...rows, group: { keys: [], aggregates: [of('sum')], having: undefined } }
    expect(sameRows([{ sum: 0.3 }], [{ sum: 0.1 + 0.2 }], sums)).toBe(true)
    expect(sameRows([{ sum: 0.3 }], [{ sum: 0.1 + 0.2 }], rows)).toBe(false)
    expect(sameRows([{ sum: 0.3 }], [{ sum: 0.30001 }], sums)).toBe(false)
  })

  it('takes any so many of the rows of a limit without an order', () => {
    const database = new Map([['rows', [{ id: 1 }, { id: 2 }, { id: 3 }]]])
    expect(judge({ ...rows, limit: 2 }, database, [{ id: 3 }, { id: 1 }])).toBeUndefined()
    expect(judge({ ...rows, limit: 2 }, database, [{ id: 3 }, { id: 3 }])).toContain('not among')
    expect(judge({ ...rows, limit: 2 }, database, [{ id: 3 }])).toContain('1 rows')
    expect(judge({ ...rows, limit: 2, orderBy: [by('id')] }, database, [{ id: 1 }, { id: 3 }])).toContain('order')
  })
})
