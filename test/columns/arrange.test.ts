import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArrangeRun } from '../../src/columns/arrange.ts'
import { RadixSort } from '../../src/columns/radix.ts'
import { readableSlots } from '../../src/columns/readable.ts'
import { compileOrder } from '../../src/query/row-order.ts'
import { compileKey } from '../../src/query/value-key.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { fixtureOf, randomRowTest, WAYS } from './kernel-fixture.ts'
import { pick, seeds } from './model-rows.ts'

const runs = { seed: seed(), numRuns: effort(60) }

describe('arranged slots', () => {
  it('are the records parted and sorted, for any keys, directions and places of nulls, in slices of any size', () => {
    fc.assert(
      fc.property(seeds, (from) => {
        const fixture = fixtureOf(from)
        const { random, rows, snapshot, live, columns } = fixture
        const { ranges, unsure } = readableSlots(rows, { snapshot, from: 0, to: rows.highSlot })
        const doubtful = new Set(unsure)
        const names = [...columns.keys()].filter((name) => columns.get(name)!.kind !== 'vector')
        const coded = names.filter((name) => columns.get(name)!.kind === 'coded')
        for (let round = 0; round < 4; round++) {
          const keys = Array.from({ length: Math.floor(random() * 3) }, () => ({
            path: [pick(random, names)],
            descending: random() < 0.5,
            nocase: false,
            nulls: pick(random, [undefined, 'first', 'last'] as const),
          }))
          const parts = Array.from({ length: Math.floor(random() * 3) }, () => pick(random, coded))
          const value = pick(random, names)
          const { test, holds } = randomRowTest(fixture)
          const order = compileOrder(keys)
          const sign = keys.at(-1)?.descending === true ? -1 : 1
          const partOf = compileKey(parts.map((name) => (record: object) => (record as Record<string, never>)[name]))
          const wanted = rows.all(snapshot).filter(({ slot, record }) => !doubtful.has(slot) && holds(record))
          for (const way of WAYS) {
            const refOf = (name: string): { column: NonNullable<ReturnType<typeof columns.get>> } => ({
              column: columns.get(name)!,
            })
            const run = new ArrangeRun(
              live,
              {
                partitionBy: parts.map(refOf),
                orderBy: keys.map(({ path, ...key }) => ({ ...key, ref: refOf(path[0]!) })),
                values: [refOf(value)],
                where: test,
                // Ids are slots here.
                compareSlots: (a, b) => sign * (a - b),
              },
              way,
            )
            for (let r = 0; r < ranges.length; r += 2) run.add(ranges[r]!, ranges[r + 1]!)
            const most = 1 + Math.floor(random() * 500)
            while (!run.step(most));
            expect(run.count).toBe(wanted.length)
            const given = new Map<number, number[]>()
            for (let place = 0; place < run.count; place++) {
              const part = run.partitions[place]!
              given.set(part, [...(given.get(part) ?? []), run.slotOf(run.order[place]!)])
            }
            const recordIn = new Map(wanted.map(({ slot, record }) => [slot, record]))
            const expected = new Map<unknown, (typeof wanted)[number][]>()
            for (const one of wanted) {
              const part = partOf(one.record)
              expected.set(part, [...(expected.get(part) ?? []), one])
            }
            expect(given.size).toBe(expected.size)
            for (const slots of given.values()) {
              const own = expected.get(partOf(recordIn.get(slots[0]!)!))!
              const sorted = own.map(({ slot, record }) => ({ slot, placed: order.place(record) }))
              sorted.sort((a, b) => order.compare(a.placed, b.placed))
              expect(slots).toEqual(sorted.map(({ slot }) => slot))
            }
            for (let place = 1; place < run.count; place++) {
              const [a, b] = [place - 1, place].map((at) => recordIn.get(run.slotOf(run.order[at]!))!)
              const isTied =
                run.partitions[place] === run.partitions[place - 1] &&
                order.compareKeys(order.place(a!), order.place(b!)) === 0
              expect(run.ties[place] === 1).toBe(isTied)
            }
          }
        }
      }),
      runs,
    )
  })

  it('are put in order by all digits of all keys, the first key first, and stay as they came where these are equal', () => {
    const word = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0xffff_ffff, 0x1_0000))
    const key = fc.tuple(word, fc.option(word, { nil: undefined }))
    const asked = fc.tuple(fc.array(fc.tuple(word, word, word), { minLength: 1, maxLength: 200 }), fc.boolean(), key)
    fc.assert(
      fc.property(asked, fc.integer({ min: 1, max: 300 }), ([rows, isWide], most) => {
        const first = { low: Uint32Array.from(rows, ([a]) => a), high: undefined }
        const second = {
          low: Uint32Array.from(rows, ([, b]) => b),
          high: isWide ? Uint32Array.from(rows, ([, , c]) => c) : undefined,
        }
        const sort = new RadixSort([first, second], rows.length)
        while (!sort.step(most));
        const order = rows.map((row, at) => ({ row, at }))
        order.sort(
          (x, y) => x.row[0] - y.row[0] || (isWide ? x.row[2] - y.row[2] : 0) || x.row[1] - y.row[1] || x.at - y.at,
        )
        expect([...sort.order]).toEqual(order.map(({ at }) => at))
      }),
      runs,
    )
  })
})
