import { describe, expect, it } from 'vitest'
import { corrupt } from '../../src/base/errors.ts'
import type { StructureId } from '../../src/base/ids.ts'
import { BTree } from '../../src/indexes/btree.ts'
import { Budget } from '../../src/pages/budget.ts'
import { PageSpace, PageStore } from '../../src/pages/page-table.ts'
import { PAGE_SIZE } from '../../src/pages/slabs.ts'
import { seededRandom } from './spaces.ts'

/** A space whose pages can be written to a map and evicted, and whose reads can be made to fail. */
function evictingSpace() {
  const disk = new Map<number, Uint8Array>()
  const fault = { failing: (): boolean => false }
  const budget = new Budget(4 * PAGE_SIZE)
  const store = new PageStore(budget, (_, page, target) => {
    if (fault.failing()) throw corrupt('pages/1', page * PAGE_SIZE, 'the checksum of its map', 'another')
    target.set(disk.get(page)!)
  })
  budget.register(store)
  const space = new PageSpace(store, { structure: 1 as StructureId, persistent: true })
  const evict = (): void => {
    for (const frozen of store.freeze()) disk.set(frozen.page, store.frozenImage(frozen)!.slice())
    store.thaw(true)
    store.trim()
  }
  return { space, fault, evict }
}

function keyOf(i: number): Uint8Array {
  return new Uint8Array(Buffer.from(String((i * 7919) % 100_003).padEnd(124, '~')))
}

describe('a B+tree whose pages leave memory', () => {
  it('finds everything again, and so does a cursor that was under way', () => {
    const { space, evict } = evictingSpace()
    const tree = new BTree(space)
    for (let i = 0; i < 6000; i++) {
      tree.insert(keyOf(i), 124, i)
      if (i % 500 === 0) evict()
    }
    evict()
    expect(space.store.usedBytes()).toBeLessThan(tree.sizeBytes / 4)
    const cursor = tree.cursor({}, true)
    const seen = new Set<number>()
    while (cursor.next()) {
      seen.add(cursor.record)
      if (seen.size % 300 === 0) evict()
    }
    expect(seen.size).toBe(6000)
    for (let i = 0; i < 6000; i += 7) {
      expect(tree.firstRecord(keyOf(i), 124)).toBe(i)
      if (i % 500 === 0) evict()
    }
    tree.check()
  })

  it('stays as it was when a page cannot be read, whatever the call', () => {
    const random = seededRandom(41)
    const { space, fault, evict } = evictingSpace()
    const tree = new BTree(space)
    const present = new Set<number>()
    let failures = 0
    for (let step = 0; step < 8_000; step++) {
      if (step % 20 === 0) evict()
      fault.failing = () => random() < 0.1
      const growing = step < 4000 ? random() < 0.8 : random() < 0.15
      const i = Math.floor(random() * 5000)
      try {
        if (growing) {
          expect(tree.insert(keyOf(i), 124, i)).toBe(!present.has(i))
          present.add(i)
        } else {
          expect(tree.delete(keyOf(i), 124, i)).toBe(present.has(i))
          present.delete(i)
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT' })
        failures++
      }
      if (step % 1000 !== 999) continue
      fault.failing = () => false
      tree.check()
      expect(tree.count).toBe(present.size)
      for (let j = 0; j < 5000; j += 11) expect(tree.has(keyOf(j), 124, j)).toBe(present.has(j))
    }
    expect(failures).toBeGreaterThan(100)
  })
})
