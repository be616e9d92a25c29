import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CommitNumber } from '../../src/base/ids.ts'
import type { StoredRecord } from '../../src/base/values.ts'
import type { IndexState } from '../../src/engine/index-state.ts'
import { KeyChanges } from '../../src/engine/key-changes.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

/** An index of the numbers that a record names, a byte a key, that writes down what it is told. */
function indexOf(name: string, told: string[]): IndexState {
  let last: number[] = []
  const keysOf = (record: StoredRecord): number[] => [...new Set(record[name] as number[])].sort((a, b) => a - b)
  const index = {
    spec: { unique: false },
    extract: (record: StoredRecord) => {
      last = keysOf(record)
      return last.length
    },
    extracted: (at: number) => ({ bytes: Uint8Array.of(last[at]!, 99), size: 1, complete: true }),
    hasAny: (record: StoredRecord, keys: readonly { readonly bytes: Uint8Array }[]) =>
      keys.some(({ bytes }) => keysOf(record).includes(bytes[0]!)),
    add: (key: Uint8Array, size: number, complete: boolean, slot: number) =>
      told.push(`${name} add ${key.subarray(0, size)} ${complete} ${slot}`),
    supersede: (key: Uint8Array, size: number, slot: number, begin: number, end: number) =>
      told.push(`${name} drop ${key.subarray(0, size)} ${slot} [${begin}, ${end})`),
  }
  return index as unknown as IndexState
}

const numbers = fc.array(fc.nat({ max: 6 }), { maxLength: 5 })
const record = fc.record({ id: fc.constant(1), a: numbers, b: numbers })
const absent = fc.constant(undefined)
const write = fc.record({ before: fc.oneof(record, absent), after: fc.oneof(record, absent), older: record })

function expected(write: Write, name: 'a' | 'b', slot: number, looked: boolean): string[] {
  const then = new Set(write.before?.[name])
  const now = new Set(write.after?.[name])
  const begin = (key: number): number => (!looked ? 5 : write.older[name].includes(key) ? 0 : 7)
  const without = (keys: Set<number>, others: Set<number>): number[] =>
    [...keys].filter((key) => !others.has(key)).sort((x, y) => x - y)
  return [
    ...without(then, now).map((key) => `${name} drop ${key} ${slot} [${begin(key)}, 9)`),
    ...without(now, then).map((key) => `${name} add ${key} true ${slot}`),
  ]
}

type Fields = { readonly id: number; readonly a: number[]; readonly b: number[] }
type Write = { readonly before: Fields | undefined; readonly after: Fields | undefined; readonly older: Fields }

describe('the key changes of a commit', () => {
  it('are what each write drops and adds in each index, and nothing that it keeps', () => {
    const keys = new KeyChanges()
    fc.assert(
      fc.property(fc.array(write, { maxLength: 150 }), fc.boolean(), (writes, looks) => {
        const told: string[] = []
        const indexes = [indexOf('a', told), indexOf('b', told)]
        keys.begin()
        const rows = writes.map(({ before, after, older }) => {
          const from = keys.count
          const changes = indexes.map((index) => keys.note(index, before, after)).includes(true)
          const to = keys.count
          if (looks) keys.noteBegins(from, to, older, 7 as CommitNumber)
          return { from, to, changes }
        })
        expect(keys.concernsUnique).toBe(false)
        for (const [slot, { from, to, changes }] of rows.entries()) {
          told.length = 0
          keys.apply(from, to, slot, 5 as CommitNumber, 9 as CommitNumber)
          const wanted = [...expected(writes[slot]!, 'a', slot, looks), ...expected(writes[slot]!, 'b', slot, looks)]
          expect(told).toEqual(wanted)
          expect(changes).toBe(wanted.length > 0)
          expect(keys.drops(from, to)).toBe(wanted.some((each) => each.includes('drop')))
        }
      }),
      { seed: seed(), numRuns: effort(60) },
    )
  })
})
