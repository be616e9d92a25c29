import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CollectionState } from '../../src/engine/collection-state.ts'
import { WriteSet } from '../../src/engine/write-set.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

/** A collection whose records are one byte. All that a set asks of one is its codec. */
function collectionOf(name: string): CollectionState {
  const codec = { decode: (bytes: Uint8Array, start: number, _end: number, id: string) => ({ id, n: bytes[start]! }) }
  return { name, codec } as unknown as CollectionState
}

type Model = Map<string, number | undefined>

function contentOf(set: WriteSet): [string, unknown][] {
  return set.entries().map(({ collection, id, after }) => [`${collection.name}/${id}`, after?.['n']])
}

const step = fc.oneof(
  fc.record({
    kind: fc.constantFrom('put', 'remove'),
    collection: fc.nat({ max: 1 }),
    id: fc.nat({ max: 11 }),
    n: fc.nat({ max: 255 }),
  }),
  fc.record({ kind: fc.constantFrom('mark', 'undo') }),
)

describe('a write set', () => {
  it('has the last write of each record, in the order of first writes, and undoes to any savepoint', () => {
    const collections = [collectionOf('a'), collectionOf('b')]
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const set = new WriteSet()
        let model: Model = new Map()
        const marks: { readonly mark: number; readonly content: Model }[] = []
        for (const each of steps) {
          if ('id' in each) {
            const collection = collections[each.collection]!
            const name = `${collection.name}/i${each.id}`
            if (each.kind === 'put') set.put(collection, `i${each.id}`, Uint8Array.of(each.n))
            else set.remove(collection, `i${each.id}`)
            model.set(name, each.kind === 'put' ? each.n : undefined)
          } else if (each.kind === 'mark') marks.push({ mark: set.savepoint(), content: new Map(model) })
          else {
            const last = marks.pop()
            if (last === undefined) continue
            set.undoTo(last.mark)
            model = last.content
          }
          expect(contentOf(set)).toEqual([...model])
          expect(set.isEmpty).toBe(model.size === 0)
          for (const collection of collections) {
            for (let id = 0; id < 12; id++) {
              const found = set.find(collection, `i${id}`)
              expect(found !== undefined).toBe(model.has(`${collection.name}/i${id}`))
              expect(found?.after?.['n']).toBe(model.get(`${collection.name}/i${id}`))
            }
          }
        }
      }),
      { seed: seed(), numRuns: effort(100) },
    )
  })

  it('that was released shows nothing of the set that has its arena now', () => {
    const collection = collectionOf('a')
    const first = new WriteSet()
    const entry = first.put(collection, 'x', Uint8Array.of(1))
    first.release()
    const second = new WriteSet()
    second.put(collection, 'y', Uint8Array.of(2))
    expect(second.arena.length).toBeGreaterThan(0)
    expect(first.arena.length).toBe(0)
    expect(entry.after?.['n']).toBeUndefined()
  })
})
