import { expect, it } from 'vitest'
import { compareKeys } from '../../src/base/bytes.ts'
import { BTree } from '../../src/indexes/btree.ts'
import { EntryBatch } from '../../src/indexes/entry-batch.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { memorySpace, seededRandom } from './spaces.ts'

type Random = () => number
type MakeKey = (random: Random) => Uint8Array

const below = (random: Random, limit: number): number => Math.floor(random() * limit)

/** Keys that are hard to sort: alike for long, alike but for zeros at the end, one the beginning of the other. */
const KEYS: { readonly [name: string]: MakeKey } = {
  'even bytes': (random) => Uint8Array.from({ length: 12 }, () => below(random, 256)),
  'few distinct ones': (random) => new Uint8Array(Buffer.from(`status-${below(random, 5)}`)),
  'long common beginnings': (random) => new Uint8Array(Buffer.from(`${'x'.repeat(40)}${below(random, 900)}`)),
  'zeros at the end': (random) => new Uint8Array(below(random, 9)).fill(below(random, 2), 0, below(random, 9)),
  'one the beginning of another': (random) => new Uint8Array(Buffer.from('abcabcabcabc'.slice(0, below(random, 12)))),
}

function entriesOf(tree: BTree): string[] {
  const entries: string[] = []
  for (const cursor = tree.cursor({}, false); cursor.next(); ) {
    entries.push(`${Buffer.from(cursor.keyBytes.subarray(0, cursor.keySize)).toString('hex')}:${cursor.record}`)
  }
  return entries
}

/** Bytes of a line are hex, so the tree's order is kept by sorting what they stand for. */
function inOrder(entries: ReadonlySet<string>): string[] {
  const parsed = [...entries].map((text) => {
    const [key = '', record = ''] = text.split(':')
    return { text, key: new Uint8Array(Buffer.from(key, 'hex')), record: Number(record) }
  })
  return parsed.sort((a, b) => compareKeys(a.key, b.key) || a.record - b.record).map(({ text }) => text)
}

for (const [name, makeKey] of Object.entries(KEYS)) {
  it(`a batch of keys with ${name} makes the tree that entries one by one make`, () => {
    const random = seededRandom(seed())
    for (let round = 0; round < effort(12); round++) {
      const tree = new BTree(memorySpace())
      const model = new Set<string>()
      const batch = new EntryBatch()
      for (let step = 0; step < 4; step++) {
        const removes = step > 0 && random() < 0.4
        const count = below(random, step === 1 ? 20 : 3000)
        for (let i = 0; i < count; i++) {
          const key = makeKey(random)
          const record = below(random, 2000)
          const text = `${Buffer.from(key).toString('hex')}:${record}`
          batch.add(key, key.length, record)
          if (removes) model.delete(text)
          else model.add(text)
        }
        expect(batch.count).toBe(count)
        if (removes) batch.deleteFrom(tree)
        else batch.insertInto(tree)
        expect(batch.count).toBe(0)
        tree.check()
        expect(tree.count).toBe(model.size)
        expect(entriesOf(tree)).toEqual(inOrder(model))
      }
    }
  })
}

it('a batch says when it is full, by entries and by bytes', () => {
  const small = new EntryBatch()
  const key = new Uint8Array(4096)
  for (let i = 0; !small.full; i++) small.add(key, 1, i)
  const large = new EntryBatch()
  for (let i = 0; !large.full; i++) large.add(key, key.length, i)
  expect(small.count).toBeGreaterThan(100_000)
  expect(large.count).toBeLessThan(5_000)
})

it('batches one after the other keep the pages of a tree that they fall into everywhere', () => {
  const random = seededRandom(seed())
  const tree = new BTree(memorySpace())
  const batch = new EntryBatch()
  const all = new Set<string>()
  for (let i = 0; i < 40_000; i++) {
    const key = KEYS['even bytes']!(random)
    all.add(`${Buffer.from(key).toString('hex')}:${i}`)
    batch.add(key, key.length, i)
    if (batch.count === 1000 + 500 * (i % 3)) batch.insertInto(tree)
  }
  batch.insertInto(tree)
  tree.check()
  expect(entriesOf(tree)).toEqual(inOrder(all))
})
