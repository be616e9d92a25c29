import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RecordId } from '../../../src/base/ids.ts'
import type { Value } from '../../../src/base/values.ts'
import { Dictionary } from '../../../src/columns/dictionary.ts'
import { type KeyedRecords, keySlots } from '../../../src/query/operators/key-slots.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'

/** A collection as the lookups see it: the slots of ids, of which some have no live record. */
class Records implements KeyedRecords {
  readonly slots = new Map<RecordId, number>()
  readonly dead = new Set<number>()
  readonly asked: RecordId[] = []
  commit = 1
  readonly rows: KeyedRecords['rows']

  constructor() {
    // The rows tell the state of now, and are one object for as long as the collection is there.
    const newest = (): number => this.commit
    this.rows = {
      get newestCommit() {
        return newest()
      },
      commitOf: (slot) => (this.dead.has(slot) ? 0 : 1),
    }
  }

  slotOf(id: RecordId): number {
    this.asked.push(id)
    return this.slots.get(id) ?? -1
  }
}

const id = fc.oneof(fc.nat(6), fc.constantFrom('a', 'b', 'c'))
const key: fc.Arbitrary<Value> = fc.oneof(
  { weight: 5, arbitrary: id },
  { weight: 1, arbitrary: fc.constantFrom<Value>(null, true, '', 0.5, 3n, new Date(0)) },
)
const change = fc.oneof(
  fc.record({ kind: fc.constant('key' as const), key }),
  fc.record({ kind: fc.constant('insert' as const), id, slot: fc.nat(20) }),
  fc.record({ kind: fc.constant('delete' as const), id }),
)

function all(dictionary: Dictionary, records: Records): number[] {
  const { size } = dictionary
  const table = keySlots(dictionary, records)
  while (!table.step(size, records));
  return [...table.slots(size)]
}

function expected(dictionary: Dictionary, { slots, dead }: Records): number[] {
  return dictionary.values.map((value) => {
    const found = slots.get((typeof value === 'bigint' ? Number(value) : value) as RecordId)
    return found === undefined || dead.has(found) ? -1 : found
  })
}

describe('slots of keys', () => {
  it('are those of the live records of now, whatever came between two questions', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const dictionary = new Dictionary()
        const records = new Records()
        for (const one of changes) {
          if (one.kind === 'key') dictionary.codeOf(one.key)
          else {
            records.commit++
            if (one.kind === 'insert') {
              records.slots.set(one.id, one.slot)
              records.dead.delete(one.slot)
            } else if (records.slots.has(one.id)) records.dead.add(records.slots.get(one.id)!)
          }
          expect(all(dictionary, records)).toEqual(expected(dictionary, records))
        }
      }),
      { numRuns: effort(200), seed: seed() },
    )
  })

  it('are found once for each key, until the other collection has changed', () => {
    const dictionary = new Dictionary()
    const records = new Records()
    records.slots.set('a', 7)
    for (const value of ['a', 'b', null, 0.5]) dictionary.codeOf(value)
    all(dictionary, records)
    const first = keySlots(dictionary, records).slots(dictionary.size)
    dictionary.codeOf('c')
    all(dictionary, records)
    expect(records.asked).toEqual(['a', 'b', 'c'])
    expect([...first]).toEqual([-1, -1, 7, -1, -1])
    records.commit++
    all(dictionary, records)
    expect(records.asked.slice(3)).toEqual(['a', 'b', 'c'])
  })

  it('of one key that leads to two collections are those of the collection that is asked', () => {
    const dictionary = new Dictionary()
    dictionary.codeOf('a')
    const [some, others] = [new Records(), new Records()]
    some.slots.set('a', 1)
    others.slots.set('a', 2)
    for (const _ of [1, 2]) {
      expect(all(dictionary, some)).toEqual([-1, -1, 1])
      expect(all(dictionary, others)).toEqual([-1, -1, 2])
    }
  })
})
