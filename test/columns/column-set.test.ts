import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePath } from '../../src/base/path.ts'
import type { Value } from '../../src/base/values.ts'
import { equalValues } from '../../src/codec/order.ts'
import type { Column } from '../../src/columns/column.ts'
import { ColumnSet } from '../../src/columns/column-set.ts'
import { readableSlots } from '../../src/columns/readable.ts'
import { columnValue } from '../../src/columns/row-test.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { FIELD_NAMES, ModelRows, randomOf, randomRows, randomWrites, seeds } from './model-rows.ts'

const MEMORY = 1 << 28
const runs = { seed: seed(), numRuns: effort(25) }
const fields = FIELD_NAMES.filter((name) => name !== 'mixed')

function expectEqual(column: Column, slot: number, value: Value | undefined): void {
  const found = columnValue(column, slot)
  if (!equalValues(found, value)) expect.fail(`slot ${slot} holds ${String(found)}, not ${String(value)}`)
}

describe('a column set', () => {
  it('prepares columns that equal the newest records, however prepare is sliced and whatever is written between', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const random = randomOf(from)
        const rows = randomRows(random, Math.floor(random() * 2500))
        const set = new ColumnSet(rows, { memoryBytes: MEMORY, codedNumbers: 50 })
        for (let round = 0; round < 4; round++) {
          const names = [...FIELD_NAMES].filter(() => random() < 0.5)
          const preparation = set.prepare(names.map(parsePath))
          while (!preparation.step(Math.floor(random() * 900) + 1)) {
            if (random() < 0.5) randomWrites(random, rows, 3)
            if (random() < 0.3) set.prepare(['few', 'many'].map(parsePath)).finish()
          }
          const { columns, live, caughtUp } = preparation.prepared
          const { ranges, unsure } = readableSlots(rows, { snapshot: caughtUp, from: 0, to: rows.highSlot })
          let sure = 0
          for (let r = 0; r < ranges.length; r += 2) {
            for (let slot = ranges[r]!; slot < ranges[r + 1]!; slot++) {
              sure++
              const record = rows.at(slot, caughtUp)
              expect(live.bytes[slot]).toBe(record === undefined ? 0 : 1)
              for (const [i, column] of columns.entries()) {
                if (column.kind !== 'refused') expectEqual(column, slot, record?.[names[i]!])
              }
            }
          }
          expect(sure + unsure.length).toBe(rows.highSlot)
          randomWrites(random, rows, Math.floor(random() * 40))
        }
      }),
      runs,
    )
  })

  it('has columns of an earlier query stay right for its snapshot while others prepare', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const random = randomOf(from)
        const rows = randomRows(random, 1500)
        const set = new ColumnSet(rows, { memoryBytes: MEMORY, codedNumbers: 50 })
        const { columns, live, caughtUp } = set.prepare(fields.map(parsePath)).finish()
        randomWrites(random, rows, 300)
        set.prepare(fields.map(parsePath)).finish()
        const { ranges } = readableSlots(rows, { snapshot: caughtUp, from: 0, to: rows.highSlot })
        for (let r = 0; r < ranges.length; r += 2) {
          for (let slot = ranges[r]!; slot < ranges[r + 1]!; slot++) {
            const record = rows.at(slot, caughtUp)
            expect(live.bytes[slot]).toBe(record === undefined ? 0 : 1)
            for (const [i, column] of columns.entries()) {
              if (column.kind !== 'refused') expectEqual(column, slot, record?.[fields[i]!])
            }
          }
        }
      }),
      runs,
    )
  })

  it('reads one record again after one update', () => {
    const rows = randomRows(randomOf(1), 3000)
    const set = new ColumnSet(rows, { memoryBytes: MEMORY })
    set.prepare([['few'], ['text']]).finish()
    rows.write(700, { id: 700, few: 77, text: 'new' })
    rows.reads = 0
    const { columns } = set.prepare([['few'], ['text']]).finish()
    expect(rows.reads).toBe(1)
    expectEqual(columns[0] as Column, 700, 77)
    set.prepare([['few'], ['text']]).finish()
    expect(rows.reads).toBe(1)
  })

  it('reads each record once for all columns that are missing', () => {
    const rows = randomRows(randomOf(2), 1000)
    const set = new ColumnSet(rows, { memoryBytes: MEMORY })
    set.prepare(fields.map(parsePath)).finish()
    expect(rows.reads).toBe(rows.all().length)
  })

  it('chooses the kind of a column by its values', () => {
    const rows = randomRows(randomOf(3), 3000)
    const kindOf = (name: string, codedNumbers: number): string => {
      const set = new ColumnSet(rows, { memoryBytes: MEMORY, codedNumbers })
      return set.prepare([[name]]).finish().columns[0]!.kind
    }
    expect(kindOf('few', 100)).toBe('coded')
    expect(kindOf('many', 100)).toBe('number')
    expect(kindOf('many', 5000)).toBe('coded')
    expect(kindOf('when', 100)).toBe('number')
    expect(kindOf('mixed', 100)).toBe('coded')
    expect(kindOf('vector', 100)).toBe('vector')
  })

  it('refuses what fits no column, and says why', () => {
    const refusal = (values: readonly Value[], options = { memoryBytes: MEMORY, codedNumbers: 3 }): string => {
      const rows = new ModelRows()
      for (const [slot, value] of values.entries()) rows.write(slot, { id: slot, v: value })
      const column = new ColumnSet(rows, options).prepare([['v']]).finish().columns[0]!
      return column.kind === 'refused' ? column.reason : column.kind
    }
    const numbers = Array.from({ length: 600 }, (_, i) => i)
    expect(refusal([1, 1n])).toContain('bigint')
    expect(refusal([...numbers, 'text'])).toContain('mixed')
    expect(refusal([Float32Array.of(1), Float32Array.of(1, 2)])).toContain('vectors')
    expect(refusal([Float64Array.of(1)])).toContain('vectors')
    expect(refusal([new Float32Array(1000)], { memoryBytes: 1 << 18, codedNumbers: 3 })).toContain('memory')
    expect(refusal(Array.from({ length: 66_000 }, (_, i) => `text ${i}`))).toContain('distinct')
  })

  it('tries a refused column again once the collection has doubled', () => {
    const rows = new ModelRows()
    for (let slot = 0; slot < 10; slot++) rows.write(slot, { id: slot, v: slot === 0 ? 1n : 1 })
    const set = new ColumnSet(rows, { memoryBytes: MEMORY })
    const kind = (): string => set.prepare([['v']]).finish().columns[0]!.kind
    expect(kind()).toBe('refused')
    rows.write(0, { id: 0, v: 1 })
    expect(kind()).toBe('refused')
    for (let slot = 10; slot < 30; slot++) rows.write(slot, { id: slot, v: 1 })
    expect(kind()).toBe('coded')
  })

  it('builds a column anew when values that are gone have spoilt it', () => {
    const rows = new ModelRows()
    rows.write(0, { id: 0, v: 1n })
    rows.write(1, { id: 1 })
    const set = new ColumnSet(rows, { memoryBytes: MEMORY })
    set.prepare([['v']]).finish()
    rows.write(0, { id: 0, v: 1 })
    const column = set.prepare([['v']]).finish().columns[0]!
    expect(column.kind).toBe('coded')
    expectEqual(column as Column, 0, 1)
  })

  it('keeps within its memory by dropping the columns used least recently', () => {
    const rows = randomRows(randomOf(4), 3000)
    const set = new ColumnSet(rows, { memoryBytes: 45_000, codedNumbers: 100 })
    set.prepare([['many']]).finish()
    set.prepare([['few']]).finish()
    set.prepare([['text']]).finish()
    set.prepare([['sparse']]).finish()
    expect(set.usedBytes()).toBeLessThanOrEqual(45_000)
    rows.reads = 0
    set.prepare([['text']]).finish()
    expect(rows.reads).toBe(0)
    set.prepare([['many']]).finish()
    expect(rows.reads).toBeGreaterThan(0)
    expect(set.shrink(Infinity)).toBeGreaterThan(0)
    set.prepare([['many']]).finish()
    expect(set.prepare([['many']]).finish().columns[0]!.kind).toBe('number')
  })
})

describe('readable slots', () => {
  it('are sure exactly when the newest state is what the snapshot sees, or are left to the reader', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const random = randomOf(from)
        const rows = randomRows(random, 1800)
        const snapshot = rows.newestCommit - Math.floor(random() * 30)
        const masked = rows.versions.map((_, slot) => slot).filter(() => random() < 0.01)
        const low = Math.floor(random() * 300)
        const to = Math.max(low, rows.highSlot - Math.floor(random() * 300))
        const { ranges, unsure } = readableSlots(rows, { snapshot, from: low, to, masked })
        const seen = new Set<number>(masked.filter((slot) => slot >= low && slot < to))
        const visit = (slot: number): void => {
          expect(seen.has(slot)).toBe(false)
          seen.add(slot)
        }
        for (let r = 0; r < ranges.length; r += 2) {
          expect(ranges[r]!).toBeLessThan(ranges[r + 1]!)
          for (let slot = ranges[r]!; slot < ranges[r + 1]!; slot++) {
            visit(slot)
            expect(rows.at(slot, snapshot)).toBe(rows.at(slot, rows.newestCommit))
          }
        }
        for (const slot of unsure) visit(slot)
        expect(seen.size).toBe(to - low)
        expect(readableSlots(rows, { snapshot: rows.newestCommit, from: 0, to }).unsure).toEqual([])
      }),
      runs,
    )
  })
})
