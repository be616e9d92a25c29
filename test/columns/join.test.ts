import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StoredRecord, Value } from '../../src/base/values.ts'
import { equalValues } from '../../src/codec/order.ts'
import type { Column, ColumnRef } from '../../src/columns/column.ts'
import { ColumnSet } from '../../src/columns/column-set.ts'
import { compileFilter } from '../../src/columns/filter.ts'
import { GroupRun } from '../../src/columns/group.ts'
import { joinByLookup, joinColumns } from '../../src/columns/join.ts'
import { TopRun } from '../../src/columns/top.ts'
import { compileOrder } from '../../src/query/row-order.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { randomLeaf, randomTest, WAYS } from './kernel-fixture.ts'
import { FIELD_NAMES, ModelRows, pick, randomOf, randomRecord, seeds } from './model-rows.ts'

const runs = { seed: seed(), numRuns: effort(60) }

/** Keys of every kind that may lead somewhere, one of them a bigint where the base has a number. */
function keyOf(kind: string, slot: number): Value {
  if (kind === 'text') return `key ${slot}`
  if (kind === 'bigint') return BigInt(slot)
  return kind === 'date' ? new Date(slot * 1000) : slot
}

/** A base whose field `key` leads to records of another collection, or nowhere. */
function joined(from: number) {
  const random = randomOf(from)
  const otherKind = pick(random, ['text', 'number', 'bigint', 'date'])
  const baseKind = otherKind === 'bigint' && random() < 0.5 ? 'number' : otherKind
  const others = new ModelRows()
  const count = 2 + Math.floor(random() * 200)
  for (let slot = 0; slot < count; slot++)
    others.write(slot, { ...randomRecord(random, slot), key: keyOf(otherKind, slot) })
  for (let slot = 0; slot < count; slot += 7) others.write(slot, undefined)
  const base = new ModelRows()
  for (let slot = 0; slot < 900; slot++) {
    const target = Math.floor(random() * count * 1.2)
    const key = random() < 0.1 ? pick(random, [null, undefined]) : keyOf(baseKind, target)
    base.write(slot, { id: slot, few: target % 3, ...(key === undefined ? {} : { key }) })
  }
  for (let slot = 0; slot < 900; slot += 11) base.write(slot, undefined)
  const codedNumbers = pick(random, [10, 5000])
  const prepare = (rows: ModelRows, names: readonly string[]) => {
    const { live, columns } = new ColumnSet(rows, { memoryBytes: 1 << 26, codedNumbers })
      .prepare(names.map((name) => [name]))
      .finish()
    const known = new Map<string, Column>()
    for (const [i, column] of columns.entries()) if (column.kind !== 'refused') known.set(names[i]!, column)
    return { live, columns: known }
  }
  const here = prepare(base, ['key', 'few'])
  const there = prepare(others, ['key', ...FIELD_NAMES])
  const partner = (record: StoredRecord): StoredRecord | undefined =>
    record['key'] === undefined || record['key'] === null
      ? undefined
      : others.all().find((other) => equalValues(other.record['key'], record['key']))?.record
  const via = joinColumns(here.columns.get('key')!, there.columns.get('key')!, there.live)
  return { random, base, here, there, partner, via }
}

describe('a join', () => {
  it('leads each row to the record with its key, and tests of the other side hold of that record', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const { random, base, here, there, partner, via } = joined(from)
        const rows = base.all().map(({ slot, record }) => ({ slot, record, other: partner(record) }))
        for (const { slot, other } of rows) expect(via.slotOf[via.codes[slot]!]).toBe(other?.id ?? -1)
        const { test, holds } = randomTest(random, () => {
          const name = pick(
            random,
            [...there.columns.keys()].filter((one) => one !== 'key'),
          )
          return randomLeaf(random, name, { column: there.columns.get(name)!, via })
        })
        const inner = { kind: 'and', of: [test, { kind: 'joins', via }] } as const
        const nothing: StoredRecord = { id: 0 }
        for (const way of WAYS) {
          const out = new Uint32Array(here.live.bytes.length)
          const select = (where: typeof test): number[] => {
            const count = compileFilter(here.live, where, way).select(0, base.highSlot, out)
            return [...out.subarray(0, count)]
          }
          expect(select(test)).toEqual(rows.filter(({ other }) => holds(other ?? nothing)).map(({ slot }) => slot))
          expect(select(inner)).toEqual(
            rows.filter(({ other }) => other !== undefined && holds(other)).map(({ slot }) => slot),
          )
        }
      }),
      runs,
    )
  })

  it('lets groups, aggregates and orders use columns of the other side', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const { random, base, here, there, partner, via } = joined(from)
        const rows = base.all().map(({ slot, record }) => ({ slot, record, other: partner(record) }))
        const through = (name: string): ColumnRef => ({ column: there.columns.get(name)!, via })
        const names = [...there.columns.keys()].filter((one) => one !== 'key' && one !== 'vector')
        const name = pick(random, names)
        for (const way of WAYS) {
          const run = new GroupRun(
            here.live,
            {
              keys: [{ column: here.columns.get('few')! }, through(name)],
              aggregates: [
                { kind: 'sum', ref: through('few') },
                { kind: 'max', ref: through('many') },
              ],
            },
            way,
          )
          run.add(0, base.highSlot)
          const groups = run.groups()
          expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(rows.length)
          for (const { keys, results, count } of groups) {
            const own = rows.filter(
              ({ record, other }) => record['few'] === keys[0] && equalValues(other?.[name], keys[1]),
            )
            expect(count).toBe(own.length)
            expect(results[0]).toBe(own.reduce((sum, { other }) => sum + Number(other?.['few'] ?? 0), 0))
            const manys = own.flatMap(({ other }) => (other === undefined ? [] : [other['many'] as number]))
            const numbers = manys.filter((one) => !Number.isNaN(one))
            expect(results[1]).toEqual(
              manys.length === 0 ? null : numbers.length === 0 ? Number.NaN : Math.max(...numbers) + 0,
            )
          }
          const key = { descending: random() < 0.5, nulls: pick(random, [undefined, 'first', 'last'] as const) }
          const order = compileOrder([{ ...key, path: ['v'], nocase: false }])
          const sign = key.descending ? -1 : 1
          const top = new TopRun(
            here.live,
            { keys: [{ ...key, ref: through(name) }], limit: 15, compareSlots: (a, b) => sign * (a - b) },
            way,
          )
          top.add(0, base.highSlot)
          const expected = rows
            .map(({ slot, other }) => ({ keys: [other?.[name]], id: slot }))
            .sort(order.compare)
            .slice(0, 15)
            .map(({ id }) => id)
          expect(top.slots()).toEqual(expected)
        }
      }),
      runs,
    )
  })

  it('asks a lookup once for each distinct value of a coded key', () => {
    const rows = new ModelRows()
    for (let slot = 0; slot < 500; slot++)
      rows.write(slot, { id: slot, key: pick(randomOf(slot), ['a', 'b', 'c', null]) })
    const { columns } = new ColumnSet(rows, { memoryBytes: 1 << 20 }).prepare([['key']]).finish()
    const asked: Value[] = []
    const { codes, slotOf } = joinByLookup(columns[0] as Column, (value) => {
      asked.push(value)
      return value === 'b' ? 7 : -1
    })
    expect(asked.sort()).toEqual(['a', 'b', 'c'])
    for (const { slot, record } of rows.all()) expect(slotOf[codes[slot]!]).toBe(record['key'] === 'b' ? 7 : -1)
  })
})
