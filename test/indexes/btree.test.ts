import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/base/bytes.ts'
import { BTree } from '../../src/indexes/btree.ts'
import type { BTreeCursor } from '../../src/indexes/btree-cursor.ts'
import type { KeyBounds } from '../../src/indexes/key-bounds.ts'
import { prefixBounds, prefixUpper } from '../../src/indexes/key-bounds.ts'
import { PAGE_SIZE } from '../../src/pages/slabs.ts'
import { memorySpace, seededRandom } from './spaces.ts'

interface Entry {
  readonly key: Uint8Array
  readonly record: number
}

function compareEntries(a: Entry, b: Entry): number {
  return compareKeys(a.key, b.key) || a.record - b.record
}

/** The model: a sorted array. */
class SortedEntries {
  readonly entries: Entry[] = []

  #place(entry: Entry): number {
    let low = 0
    let high = this.entries.length
    while (low < high) {
      const mid = (low + high) >>> 1
      if (compareEntries(this.entries[mid]!, entry) < 0) low = mid + 1
      else high = mid
    }
    return low
  }

  insert(entry: Entry): boolean {
    const place = this.#place(entry)
    const there = this.entries[place]
    if (there && compareEntries(there, entry) === 0) return false
    this.entries.splice(place, 0, entry)
    return true
  }

  delete(entry: Entry): boolean {
    const place = this.#place(entry)
    const there = this.entries[place]
    if (!there || compareEntries(there, entry) !== 0) return false
    this.entries.splice(place, 1)
    return true
  }

  within({ lower, lowerOpen, upper, upperOpen }: KeyBounds): Entry[] {
    return this.entries.filter(({ key }) => {
      const low = lower ? compareKeys(key, lower) : 1
      const high = upper ? compareKeys(key, upper) : -1
      return (lowerOpen ? low > 0 : low >= 0) && (upperOpen ? high < 0 : high <= 0)
    })
  }
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

function currentOf(cursor: BTreeCursor): Entry {
  return { key: cursor.keyBytes.slice(0, cursor.keySize), record: cursor.record }
}

function allOf(cursor: BTreeCursor): Entry[] {
  const entries: Entry[] = []
  while (cursor.next()) entries.push(currentOf(cursor))
  return entries
}

function text(entries: readonly Entry[]): string[] {
  return entries.map(({ key, record }) => `${Buffer.from(key).toString('hex')}:${record}`)
}

function insert(tree: BTree, { key, record }: Entry): boolean {
  return tree.insert(key, key.length, record)
}

function remove(tree: BTree, { key, record }: Entry): boolean {
  return tree.delete(key, key.length, record)
}

/** Keys that make trouble: few distinct bytes, zeros at the end, common beginnings, lengths up to the limit. */
type KeyMaker = (random: () => number) => Uint8Array
const keyMakers: Readonly<Record<string, KeyMaker>> = {
  'short keys of two letters and zeros': (random) =>
    Uint8Array.from({ length: Math.floor(random() * 7) }, () => [0, 1, 255][Math.floor(random() * 3)]!),
  'uniform keys of 17 bytes': (random) => Uint8Array.from({ length: 17 }, () => random() * 256),
  'few distinct keys': (random) => bytesOf(`status-${Math.floor(random() * 5)}`),
  'long common beginnings': (random) => {
    const beginning = 'x'.repeat([0, 3, 90, 1000][Math.floor(random() * 4)]!)
    return bytesOf(`${beginning}${Math.floor(random() * 3000)}`)
  },
  'keys up to the limit': (random) => {
    const key = new Uint8Array(Math.floor(random() ** 4 * 4097))
    for (let i = 0; i < key.length; i++) key[i] = i < 8 ? random() * 4 : 7
    return key
  },
  'only keys of the limit': (random) => {
    const key = new Uint8Array(4096).fill(9)
    key[Math.floor(random() * 4096)] = random() * 256
    return key
  },
}

function randomBounds(random: () => number, key: KeyMaker): KeyBounds {
  return {
    ...(random() < 0.8 ? { lower: key(random), lowerOpen: random() < 0.5 } : {}),
    ...(random() < 0.8 ? { upper: key(random), upperOpen: random() < 0.5 } : {}),
  }
}

describe.each(Object.entries(keyMakers))('a B+tree with %s', (name, key) => {
  const entryCount = name.includes('limit') ? 400 : 2500

  it('holds after random insertions and deletions what a sorted array holds', () => {
    const random = seededRandom(11)
    const tree = new BTree(memorySpace())
    const model = new SortedEntries()
    // Grows, shrinks to nearly nothing, grows again.
    for (const [steps, growth] of [
      [entryCount, 0.8],
      [entryCount, 0.2],
      [entryCount, 0.65],
    ] as const) {
      for (let i = 0; i < steps; i++) {
        const known = model.entries[Math.floor(random() * model.entries.length)]
        const entry = known && random() < 0.5 ? known : { key: key(random), record: Math.floor(random() * 50) }
        if (random() < growth) expect(insert(tree, entry)).toBe(model.insert(entry))
        else expect(remove(tree, known ?? entry)).toBe(model.delete(known ?? entry))
      }
      tree.check()
      expect(tree.count).toBe(model.entries.length)
      expect(text(allOf(tree.cursor({}, false)))).toEqual(text(model.entries))
    }
    while (model.entries.length > 0) {
      const entry = model.entries[Math.floor(random() * model.entries.length)]!
      model.delete(entry)
      expect(remove(tree, entry)).toBe(true)
    }
    tree.check()
    expect(tree.meta()).toMatchObject({ count: 0, height: 0, leafCount: 0, interiorCount: 0 })
  })

  it('walks ranges in both directions and looks up as a sorted array does', () => {
    const random = seededRandom(12)
    const tree = new BTree(memorySpace())
    const model = new SortedEntries()
    for (let i = 0; i < entryCount; i++) {
      const entry = { key: key(random), record: Math.floor(random() * 500) }
      expect(insert(tree, entry)).toBe(model.insert(entry))
    }
    for (let i = 0; i < 20; i++) {
      const bounds = randomBounds(random, key)
      const expected = model.within(bounds)
      expect(text(allOf(tree.cursor(bounds, false)))).toEqual(text(expected))
      expect(text(allOf(tree.cursor(bounds, true)))).toEqual(text(expected.reverse()))
    }
    for (let i = 0; i < 200; i++) {
      const wanted = random() < 0.5 ? key(random) : model.entries[Math.floor(random() * model.entries.length)]!.key
      const first = model.entries.find((entry) => compareKeys(entry.key, wanted) === 0)
      expect(tree.firstRecord(wanted, wanted.length)).toBe(first?.record ?? -1)
    }
  })

  it('gives by the stretch what it gives one by one, and goes on from there after any change', () => {
    for (const reverse of [false, true]) {
      const random = seededRandom(14)
      const tree = new BTree(memorySpace())
      const model = new SortedEntries()
      for (let i = 0; i < entryCount; i++) {
        const entry = { key: key(random), record: Math.floor(random() * 500) }
        expect(insert(tree, entry)).toBe(model.insert(entry))
      }
      const records = new Uint32Array(64)
      for (let i = 0; i < 20; i++) {
        const bounds = randomBounds(random, key)
        const ahead = tree.cursor(bounds, reverse)
        const behind = tree.cursor(bounds, reverse)
        for (let ended = false; !ended; ) {
          const most = 1 + Math.floor(random() * 64)
          const count = ahead.nextRecords(records, most)
          for (let j = 0; j < count; j++) {
            expect(behind.next()).toBe(true)
            expect(records[j]).toBe(behind.record)
          }
          if (count > 0) expect(text([currentOf(ahead)])).toEqual(text([currentOf(behind)]))
          ended = count < most
          if (random() > 0.2) continue
          const known = model.entries[Math.floor(random() * model.entries.length)]!
          model.delete(known)
          remove(tree, known)
        }
        expect(behind.next()).toBe(false)
      }
    }
  })

  it('gives a cursor each entry that was there throughout exactly once, whatever changes between its steps', () => {
    for (const reverse of [false, true]) {
      const random = seededRandom(13)
      const tree = new BTree(memorySpace())
      const model = new SortedEntries()
      for (let i = 0; i < entryCount / 4; i++) {
        const entry = { key: key(random), record: Math.floor(random() * 500) }
        expect(insert(tree, entry)).toBe(model.insert(entry))
      }
      const stable = new Set(text(model.entries))
      const ever = new Set(stable)
      const cursor = tree.cursor({}, reverse)
      const seen: Entry[] = []
      while (cursor.next()) {
        seen.push(currentOf(cursor))
        for (let i = 0; random() < 0.5 && i < 5; i++) {
          const known = model.entries[Math.floor(random() * model.entries.length)]!
          const entry = { key: key(random), record: Math.floor(random() * 500) }
          if (random() < 0.5) {
            model.delete(known)
            remove(tree, known)
            stable.delete(text([known])[0]!)
          } else if (model.insert(entry)) {
            insert(tree, entry)
            ever.add(text([entry])[0]!)
          }
        }
        if (seen.length > entryCount) break
      }
      tree.check()
      for (let i = 1; i < seen.length; i++) {
        const order = compareEntries(seen[i - 1]!, seen[i]!)
        expect(reverse ? order > 0 : order < 0).toBe(true)
      }
      const given = new Set(text(seen))
      expect([...stable].filter((entry) => !given.has(entry))).toEqual([])
      expect([...given].filter((entry) => !ever.has(entry))).toEqual([])
    }
  })
})

describe('a B+tree', () => {
  it('agrees with a sorted array for any sequence of insertions and deletions of any keys', () => {
    const key = fc.uint8Array({ maxLength: 12, max: 3 })
    const step = fc.record({ add: fc.boolean(), key, record: fc.nat(3) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), key, key, (steps, lower, upper) => {
        const tree = new BTree(memorySpace())
        const model = new SortedEntries()
        for (const entry of steps) {
          const done = entry.add ? insert(tree, entry) : remove(tree, entry)
          expect(done).toBe(entry.add ? model.insert(entry) : model.delete(entry))
        }
        tree.check()
        const bounds = { lower, upper, upperOpen: true }
        expect(text(allOf(tree.cursor(bounds, false)))).toEqual(text(model.within(bounds)))
        expect(tree.estimateCount(bounds)).toBeGreaterThanOrEqual(0)
      }),
      { seed: 5, numRuns: 60 },
    )
  })

  it('keeps its pages within twice the fewest possible under random churn', () => {
    const random = seededRandom(14)
    const tree = new BTree(memorySpace())
    const entries: Entry[] = []
    const fresh = () => ({ key: keyMakers['uniform keys of 17 bytes']!(random), record: entries.length })
    for (let i = 0; i < 30_000; i++) {
      const entry = fresh()
      entries.push(entry)
      insert(tree, entry)
    }
    const replaceAll = (): void => {
      for (let i = 0; i < 30_000; i++) {
        const place = Math.floor(random() * entries.length)
        expect(remove(tree, entries[place]!)).toBe(true)
        entries[place] = fresh()
        insert(tree, entries[place]!)
      }
    }
    const leastLeaves = (): number => {
      const packed = BTree.build(memorySpace(), sortedInput(entries))
      return packed.meta().leafCount
    }
    replaceAll()
    tree.check()
    expect(tree.meta().leafCount).toBeLessThan(2 * leastLeaves())
    // Most entries go, in random order: the pages go with them.
    while (entries.length > 5_000) {
      const place = Math.floor(random() * entries.length)
      remove(tree, entries[place]!)
      entries[place] = entries.at(-1)!
      entries.pop()
    }
    tree.check()
    expect(tree.meta().leafCount).toBeLessThan(2 * leastLeaves())
  })

  it.each(['ascending', 'descending'])('fills its leaves when keys come %s', (direction) => {
    const tree = new BTree(memorySpace())
    const count = 40_000
    for (let i = 0; i < count; i++) {
      const key = bytesOf(`order-${String(direction === 'ascending' ? i : count - i).padStart(11, '0')}`)
      insert(tree, { key, record: i })
    }
    tree.check()
    // A slot of 12 bytes and at most 4 bytes in the heap, in a page that is full but for its last sixteenth.
    expect(tree.meta().leafCount).toBeLessThan((count * 16) / (PAGE_SIZE * 0.9))
  })

  it('fills its leaves when several ascending runs interleave', () => {
    const tree = new BTree(memorySpace())
    const count = 40_000
    for (let i = 0; i < count; i++) insert(tree, { key: bytesOf(`status-${(i * 7) % 5}`), record: i })
    tree.check()
    expect(tree.meta().leafCount).toBeLessThan((count * 12) / (PAGE_SIZE * 0.8))
  })

  it('built from sorted entries holds them in full pages and takes further changes', () => {
    const random = seededRandom(15)
    const model = new SortedEntries()
    for (let i = 0; i < 5000; i++) model.insert({ key: keyMakers['long common beginnings']!(random), record: i })
    const tree = BTree.build(memorySpace(), sortedInput(model.entries))
    tree.check()
    expect(text(allOf(tree.cursor({}, false)))).toEqual(text(model.entries))
    for (let i = 0; i < 2000; i++) {
      const entry = { key: keyMakers['long common beginnings']!(random), record: i }
      expect(insert(tree, entry)).toBe(model.insert(entry))
    }
    tree.check()
    expect(text(allOf(tree.cursor({}, true)))).toEqual(text(model.entries.toReversed()))
  })

  it('goes on from its pages and its meta data', () => {
    const space = memorySpace()
    const tree = new BTree(space)
    for (let i = 0; i < 3000; i++) insert(tree, { key: bytesOf(`k${(i * 7919) % 3000}`), record: i })
    const again = new BTree(space, JSON.parse(JSON.stringify(tree.meta())))
    again.check()
    expect(text(allOf(again.cursor({}, false)))).toEqual(text(allOf(tree.cursor({}, false))))
  })

  it('uses freed pages again after it was cleared', () => {
    const space = memorySpace()
    const tree = new BTree(space)
    const fill = (): void => {
      for (let i = 0; i < 5000; i++) insert(tree, { key: bytesOf(`k${(i * 7919) % 5000}`), record: i })
    }
    fill()
    const pageCount = space.pageCount
    tree.clear()
    tree.check()
    expect(tree.cursor({}, false).next()).toBe(false)
    fill()
    tree.check()
    expect(space.pageCount).toBe(pageCount)
  })

  it('keeps a value beside each entry when asked to', () => {
    const tree = new BTree(memorySpace(), undefined, { values: true })
    const key = (i: number): Uint8Array => bytesOf(`k${i % 700}`)
    for (let i = 0; i < 5000; i++) tree.insert(key(i), key(i).length, i, i * 3)
    for (let i = 0; i < 5000; i += 2) tree.setValue(key(i), key(i).length, i, i * 5)
    for (let i = 0; i < 5000; i++) expect(tree.valueOf(key(i), key(i).length, i)).toBe(i % 2 === 0 ? i * 5 : i * 3)
    const cursor = tree.cursor({}, true)
    while (cursor.next()) expect(cursor.value).toBe(cursor.record % 2 === 0 ? cursor.record * 5 : cursor.record * 3)
    expect(tree.valueOf(key(1), key(1).length, 2)).toBe(-1)
    tree.check()
  })

  it('takes record numbers up to 2^31', () => {
    const tree = new BTree(memorySpace())
    const key = bytesOf('k')
    for (const record of [0, 2 ** 31, 2 ** 31 - 1, 2 ** 30]) insert(tree, { key, record })
    expect(allOf(tree.cursor({ lower: key, upper: key }, false)).map((entry) => entry.record)).toEqual([
      0,
      2 ** 30,
      2 ** 31 - 1,
      2 ** 31,
    ])
    expect(tree.has(key, 1, 2 ** 31)).toBe(true)
    expect(remove(tree, { key, record: 2 ** 31 })).toBe(true)
    tree.check()
  })

  it('estimates the entries of a range within a tenth of the whole, and exactly when it is all or nothing', () => {
    const random = seededRandom(16)
    const tree = new BTree(memorySpace())
    const model = new SortedEntries()
    for (let i = 0; i < 30_000; i++) {
      const entry = { key: keyMakers['uniform keys of 17 bytes']!(random), record: i }
      model.insert(entry)
      insert(tree, entry)
    }
    expect(tree.estimateCount({})).toBe(30_000)
    expect(tree.estimateCount({ lower: bytesOf('b'), upper: bytesOf('a') })).toBe(0)
    for (let i = 0; i < 60; i++) {
      const bounds = randomBounds(random, (r) => Uint8Array.of(r() * 256, r() * 256))
      const estimate = tree.estimateCount(bounds)
      expect(Math.abs(estimate - model.within(bounds).length)).toBeLessThan(3_000)
    }
  })

  it('changes its version exactly when an entry comes or goes', () => {
    const tree = new BTree(memorySpace())
    const entry = { key: bytesOf('a'), record: 1 }
    const empty = tree.version
    insert(tree, entry)
    const one = tree.version
    expect(one).not.toBe(empty)
    insert(tree, entry)
    remove(tree, { key: bytesOf('a'), record: 2 })
    expect(tree.version).toBe(one)
    remove(tree, entry)
    expect(tree.version).not.toBe(one)
  })

  it('refuses keys beyond the limit as a defect of its caller', () => {
    const tree = new BTree(memorySpace())
    expect(() => insert(tree, { key: new Uint8Array(4200), record: 1 })).toThrow('invariant')
  })
})

describe('bounds of a prefix', () => {
  it('hold exactly the keys that begin with it', () => {
    const bytes = fc.uint8Array({ maxLength: 4, min: 253 })
    fc.assert(
      fc.property(bytes, bytes, (prefix, key) => {
        const { lower, upper } = prefixBounds(prefix)
        const begins = prefix.every((byte, i) => key[i] === byte)
        const within = compareKeys(key, lower!) >= 0 && (upper === undefined || compareKeys(key, upper) < 0)
        expect(within).toBe(begins)
      }),
      { seed: 6, numRuns: 2000 },
    )
    expect(prefixUpper(Uint8Array.of(1, 255, 255))).toEqual(Uint8Array.of(2))
    expect(prefixUpper(Uint8Array.of(255, 255))).toBeUndefined()
  })
})

function* sortedInput(entries: readonly Entry[]): Generator<{ key: Uint8Array; keySize: number; record: number }> {
  for (const { key, record } of entries.toSorted(compareEntries)) yield { key, keySize: key.length, record }
}
