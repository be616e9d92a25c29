import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import { KeyWriter } from '../../src/codec/key.ts'
import { BTree } from '../../src/indexes/btree.ts'
import { parseIndexSpec } from '../../src/indexes/index-spec.ts'
import { prefixBounds } from '../../src/indexes/key-bounds.ts'
import { partEnd } from '../../src/indexes/key-part.ts'
import { IndexStatistics } from '../../src/indexes/statistics.ts'
import { memorySpace, seededRandom } from './spaces.ts'

function fill(form: string | string[], count: number, partsOf: (i: number) => readonly Value[]) {
  const spec = parseIndexSpec(form, 1)
  const tree = new BTree(memorySpace())
  const writer = new KeyWriter()
  for (let i = 0; i < count; i++) {
    writer.reset()
    partsOf(i).forEach((value, part) => {
      writer.append(value, { descending: spec.parts[part]!.descending })
    })
    tree.insert(writer.bytes, writer.size, i)
  }
  return { tree, statistics: new IndexStatistics(tree, spec) }
}

describe('statistics of an index', () => {
  it.each(['status', '-status'])('tell few values from many (%s first)', (first) => {
    const random = seededRandom(31)
    const { statistics } = fill([first, 'serial'], 30_000, (i) => [`status ${Math.floor(random() * 20)}`, i])
    expect(statistics.entryCount).toBe(30_000)
    expect(statistics.distinctKeys()).toBe(30_000)
    // 20 values in 30,000 entries: adjacent ones differ 19 times, which a sample sees a few times or never.
    expect(statistics.distinctFirstParts()).toBeLessThan(200)
  })

  it('estimate how many distinct keys there are', () => {
    const random = seededRandom(32)
    const { statistics } = fill('age', 30_000, () => [Math.floor(random() * 3_000)])
    expect(statistics.distinctKeys()).toBeGreaterThan(2_000)
    expect(statistics.distinctKeys()).toBeLessThan(4_000)
    expect(statistics.distinctFirstParts()).toBe(statistics.distinctKeys())
  })

  it('follow an index that grows', () => {
    const { tree, statistics } = fill('a', 0, () => [])
    expect([statistics.entryCount, statistics.distinctKeys()]).toEqual([0, 0])
    const writer = new KeyWriter()
    for (let i = 0; i < 1000; i++) {
      writer.reset()
      writer.append(i)
      tree.insert(writer.bytes, writer.size, i)
      if (i % 100 === 0) expect(statistics.distinctKeys()).toBe(i + 1)
    }
  })

  it('estimate a range', () => {
    const { statistics } = fill('a', 10_000, (i) => [i % 100])
    const writer = new KeyWriter()
    writer.append(42)
    const estimate = statistics.estimate(prefixBounds(writer.finish()))
    expect(Math.abs(estimate - 100)).toBeLessThan(30)
  })
})

describe('the end of a key part', () => {
  it('is where the codec began the next part, for any values in both directions', () => {
    const special = fc.constantFrom<Value[]>(
      2 ** 53,
      -(2 ** 53),
      2n ** 53n + 1n,
      -(2n ** 64n) - 5n,
      2n ** 3000n + 1n,
      NaN,
    )
    const deep = fc.letrec<{ value: Value; list: Value[]; map: { [name: string]: Value } }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<Value[]>(null, true, false),
        special,
        fc.double(),
        fc.bigInt(),
        fc.string({ unit: 'binary' }),
        fc.date({ noInvalidDate: true }),
        fc.uint8Array(),
        tie('list'),
        tie('map'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      map: fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    })).value
    fc.assert(
      fc.property(deep, deep, fc.boolean(), (first, second, descending) => {
        const writer = new KeyWriter()
        writer.append(first, { descending })
        const firstSize = writer.size
        writer.append(second, { descending })
        const key = writer.finish()
        expect(partEnd(key, 0, descending)).toBe(firstSize)
        expect(partEnd(key, firstSize, descending)).toBe(key.length)
      }),
      { seed: 8, numRuns: 1500 },
    )
  })

  it('is one byte behind a missing part', () => {
    const writer = new KeyWriter()
    writer.append(undefined, { descending: true })
    expect(partEnd(writer.finish(), 0, true)).toBe(1)
  })
})
