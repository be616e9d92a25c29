import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeyWords, RecordKey } from '../../src/base/record-key.ts'
import { compareValues } from '../../src/codec/order.ts'
import { Database } from '../../src/engine/database.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { withDatabase } from './fixture.ts'

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('a', 'b', '\0', '0', '9', '-', 'é', '\uffff', '😀'), minLength: 1, maxLength })

/** Near one another, so that many differ in one place only. */
const uuid = fc
  .tuple(fc.constantFrom('0', 'f', '9', 'a'), fc.constantFrom('00', '7f', '80', 'ff'), fc.nat(0xffff))
  .map(([a, b, n]) => `${a}19000${b}-0000-7000-8000-00000000${n.toString(16).padStart(4, '0')}`)

const id = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -3, max: 3 }),
  uuid,
  fc.uuid(),
  text(15),
  text(60),
  fc.uuid().map((each) => each.toUpperCase()),
)

const a = new RecordKey()
const b = new RecordKey()

describe('the order of ids', () => {
  it('is that of values by the words of their keys, where these say it', () => {
    let said = 0
    const property = fc.property(id, id, (left, right) => {
      fc.pre(a.set(left) && b.set(right))
      const order = compareKeyWords(a.words, 0, a.uuid, b.words, 0, b.uuid)
      if (Number.isNaN(order)) return
      said++
      expect(Math.sign(order)).toBe(Math.sign(compareValues(left, right)))
    })
    fc.assert(property, { seed: seed(), numRuns: effort(3000) })
    expect(said).toBeGreaterThan(1000)
  })

  it('is that of values by their slots, also of records that only a snapshot still sees', async () => {
    const property = fc.asyncProperty(fc.uniqueArray(id, { minLength: 2, maxLength: 12 }), fc.nat(), (ids, gone) =>
      withDatabase(async (db) => {
        const things = db.collection('things')
        const valid = ids.filter((each) => a.set(each))
        await things.insertMany(valid.map((each) => ({ id: each })))
        using _held = db.snapshot()
        const state = Database.coreOf(db).collections.get('things')
        if (state === undefined) return
        const slots = valid.map((each) => (a.set(each) ? state.heap.find(a) : -1))
        await things.delete(valid[gone % valid.length]!)
        const ordered = slots.toSorted((x, y) => state.compareSlots(x, y))
        expect(ordered.map((slot) => valid[slots.indexOf(slot)])).toEqual(valid.toSorted(compareValues))
      }),
    )
    await fc.assert(property, { seed: seed(), numRuns: effort(60) })
  })
})
