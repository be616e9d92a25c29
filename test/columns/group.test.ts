import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { valueAt } from '../../src/base/path.ts'
import type { StoredRecord, Value } from '../../src/base/values.ts'
import { compareValues, equalValues } from '../../src/codec/order.ts'
import { type Aggregate, type Group, GroupRun } from '../../src/columns/group.ts'
import { readableSlots } from '../../src/columns/readable.ts'
import { isSummable } from '../../src/columns/tally.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { fixtureOf, randomRowTest, WAYS } from './kernel-fixture.ts'
import { pick, seeds } from './model-rows.ts'

const runs = { seed: seed(), numRuns: effort(60) }

interface NamedAggregate {
  readonly kind: Aggregate['kind']
  readonly name: string
}

const SUMMABLE = ['few', 'many', 'sparse', 'big']

/** The plain way: lists of equal keys, then folds over their rows. */
function naiveGroups(records: readonly StoredRecord[], keys: readonly string[], aggregates: readonly NamedAggregate[]) {
  const groups: { keys: (Value | undefined)[]; records: StoredRecord[] }[] = []
  for (const record of records) {
    const own = keys.map((name) => valueAt(record, [name]))
    const group = groups.find((one) => one.keys.every((key, i) => equalValues(key, own[i])))
    if (group === undefined) groups.push({ keys: own, records: [record] })
    else group.records.push(record)
  }
  if (keys.length === 0 && groups.length === 0) groups.push({ keys: [], records: [] })
  return groups.map((group) => ({
    keys: group.keys,
    count: group.records.length,
    results: aggregates.map((one) => naiveResult(one, group.records)),
  }))
}

function naiveResult({ kind, name }: NamedAggregate, records: readonly StoredRecord[]): Value {
  if (kind === 'count') return records.length
  const values = records
    .map((record) => valueAt(record, [name]))
    .filter((value) => value !== undefined && value !== null)
  const sorted = [...values].sort(compareValues)
  if (kind === 'min') return sorted[0] ?? null
  if (kind === 'max') return sorted.at(-1) ?? null
  if (kind === 'countDistinct') return sorted.filter((value, i) => i === 0 || !equalValues(value, sorted[i - 1])).length
  if (values.length > 0 && values.every((value) => typeof value === 'bigint')) {
    const sum = values.reduce<bigint>((total, value) => total + (value as bigint), 0n)
    return kind === 'sum' ? sum : Number(sum) / values.length
  }
  const sum = values.reduce<number>((total, value) => total + Number(value), 0)
  if (kind === 'sum') return sum
  return values.length === 0 ? null : sum / values.length
}

function sameResult(a: Value, b: Value): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return equalValues(a, b)
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b))
}

function expectSameGroups(found: readonly Group[], expected: readonly Group[]): void {
  const sort = (groups: readonly Group[]): Group[] =>
    [...groups].sort((a, b) => {
      for (const [i, key] of a.keys.entries()) {
        const order = compareValues(key, b.keys[i])
        if (order !== 0) return order
      }
      return 0
    })
  const left = sort(found)
  const right = sort(expected)
  expect(left.length).toBe(right.length)
  for (const [i, group] of left.entries()) {
    const other = right[i]!
    expect(group.keys.every((key, k) => equalValues(key, other.keys[k]))).toBe(true)
    expect(group.count).toBe(other.count)
    for (const [r, result] of group.results.entries()) {
      if (!sameResult(result, other.results[r]!)) {
        expect.fail(`result ${r} of ${String(group.keys)} is ${String(result)}, not ${String(other.results[r])}`)
      }
    }
  }
}

describe('groups', () => {
  it('are those of the records, older versions added by value, generated or not, dense or found', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const fixture = fixtureOf(from, 700)
        const { random, rows, snapshot, live, columns } = fixture
        const names = [...columns.keys()].filter((name) => name !== 'vector')
        for (let round = 0; round < 3; round++) {
          const keys = Array.from({ length: Math.floor(random() * 4) }, () => pick(random, names))
          const aggregates: NamedAggregate[] = Array.from({ length: Math.floor(random() * 5) }, () => {
            const kind = pick(random, ['count', 'countDistinct', 'sum', 'avg', 'min', 'max'] as const)
            const summable = names.filter((name) => SUMMABLE.includes(name))
            // 1e300 and the like make a naive sum and a compensated one differ, and so do infinities: left to the next test.
            const name =
              kind === 'sum' || kind === 'avg'
                ? pick(
                    random,
                    summable.filter((one) => one === 'few' || one === 'big'),
                  )
                : pick(random, names)
            return { kind, name }
          })
          const { test, holds } = randomRowTest(fixture)
          const records = rows.all(snapshot).map(({ record }) => record)
          const expected = naiveGroups(records.filter(holds), keys, aggregates)
          const { ranges, unsure } = readableSlots(rows, { snapshot, from: 0, to: rows.highSlot })
          for (const way of WAYS) {
            const spec = {
              keys: keys.map((name) => ({ column: columns.get(name)! })),
              aggregates: aggregates.map(
                ({ kind, name }): Aggregate =>
                  kind === 'count' ? { kind } : { kind, ref: { column: columns.get(name)! } },
              ),
              where: test,
            }
            const run = new GroupRun(live, spec, way)
            for (let r = 0; r < ranges.length; r += 2) run.add(ranges[r]!, ranges[r + 1]!)
            for (const slot of unsure) {
              const record = rows.at(slot, snapshot)
              if (record === undefined || !holds(record)) continue
              const value = (name: string): Value | undefined => valueAt(record, [name])
              expect(
                run.addRow(
                  keys.map(value),
                  aggregates.map(({ name }) => value(name)),
                ),
              ).toBe(-1)
            }
            expect(run.wrongInput()).toBe(undefined)
            expectSameGroups(run.groups(), expected)
          }
        }
      }),
      runs,
    )
  })

  it('sum numbers with little error, whatever their size and order', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const { live, columns, rows, snapshot } = fixtureOf(from)
        for (const way of WAYS) {
          const column = columns.get('many')!
          const aggregates: Aggregate[] = [
            { kind: 'sum', ref: { column } },
            { kind: 'avg', ref: { column } },
          ]
          const where = { kind: 'between', ref: { column }, low: -1e9, high: 1e9 } as const
          const run = new GroupRun(live, { keys: [], aggregates, where }, way)
          run.add(0, live.bytes.length)
          const values = rows
            .all(snapshot)
            .map(({ record }) => record['many'] as number)
            .filter((value) => value >= -1e9 && value <= 1e9)
          // All but a few are quarters below 2^20: their sum is exact in any order.
          const sum = values.reduce((total, value) => total + value, 0)
          const [group] = run.groups()
          expect(group!.results[0]).toBeCloseTo(sum, 6)
          if (values.length > 0) expect(group!.results[1]).toBeCloseTo(sum / values.length, 6)
        }
      }),
      { ...runs, numRuns: effort(20) },
    )
  })

  it('report a slot whose value cannot be summed, and only if it is in the groups', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const fixture = fixtureOf(from, 300)
        const { rows, snapshot, live, columns } = fixture
        for (const name of ['mixed', 'text', 'when', 'few']) {
          const column = columns.get(name)
          if (column === undefined) continue
          const { test, holds } = randomRowTest(fixture)
          const wrong = rows.all(snapshot).filter(({ record }) => holds(record) && !isSummable(record[name]))
          for (const way of WAYS) {
            const run = new GroupRun(
              live,
              { keys: [], aggregates: [{ kind: 'count' }, { kind: 'sum', ref: { column } }], where: test },
              way,
            )
            run.add(0, live.bytes.length)
            const found = run.wrongInput()
            if (wrong.length === 0) expect(found).toBe(undefined)
            else expect(found).toEqual({ aggregate: 1, slot: wrong[0]!.slot })
          }
        }
        const run = new GroupRun(live, {
          keys: [],
          aggregates: [{ kind: 'avg', ref: { column: columns.get('few')! } }],
        })
        expect([run.addRow([], ['no number']), run.addRow([], [1n])]).toEqual([0, -1])
      }),
      runs,
    )
  })

  it('belong to the caller: changing a date of theirs changes no column', () => {
    const { live, columns } = fixtureOf(11)
    const make = (): Group[] => {
      const run = new GroupRun(live, { keys: [{ column: columns.get('mixed')! }], aggregates: [] })
      run.add(0, live.bytes.length)
      return run.groups()
    }
    for (const { keys } of make()) if (keys[0] instanceof Date) keys[0].setTime(5)
    expect(make().some(({ keys }) => keys[0] instanceof Date && keys[0].getTime() === 5)).toBe(false)
  })
})
