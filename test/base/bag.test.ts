import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bag, type Bagged, UNBAGGED } from '../../src/base/bag.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

const thing = (): Bagged => ({ bagIndex: UNBAGGED })

describe('a bag', () => {
  it('holds what a set holds', () => {
    const steps = fc.array(fc.record({ add: fc.boolean(), which: fc.nat({ max: 12 }) }))
    fc.assert(
      fc.property(steps, (taken) => {
        const things = Array.from({ length: 13 }, thing)
        const bag = new Bag<Bagged>()
        const model = new Set<Bagged>()
        for (const { add, which } of taken) {
          const each = things[which]!
          if (!add) expect(bag.delete(each)).toBe(model.delete(each))
          else if (!model.has(each)) {
            bag.add(each)
            model.add(each)
          }
          expect(bag.size).toBe(model.size)
          expect(new Set(bag)).toEqual(model)
        }
      }),
      { seed: seed(), numRuns: effort(100) },
    )
  })

  it('does not give up what is in another one', () => {
    const here = new Bag<Bagged>()
    const there = new Bag<Bagged>()
    const each = thing()
    here.add(thing())
    there.add(each)
    expect(here.delete(each)).toBe(false)
    expect([...there]).toEqual([each])
  })
})
