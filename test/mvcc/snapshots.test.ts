import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SnapshotHold, SnapshotRegistry } from '../../src/mvcc/snapshots.ts'
import { seed } from '../support/seed.ts'
import { commitNumber } from './heap-fixture.ts'

describe('the registry of snapshots', () => {
  it('answers as a list of all live commit numbers would', () => {
    const step = fc.record({ release: fc.boolean(), n: fc.nat(20), begin: fc.nat(22), length: fc.nat(10) })
    const property = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const registry = new SnapshotRegistry()
      const released: number[] = []
      registry.onRelease = (commit) => released.push(commit)
      const live: SnapshotHold[] = []
      for (const { release, n, begin, length } of steps) {
        const before = released.length
        if (!release) live.push(registry.acquire(commitNumber(n), 'test', 5))
        else if (live.length > 0) {
          const [hold] = live.splice(n % live.length, 1)
          registry.release(hold!)
          const last = !live.some(({ commit }) => commit === hold!.commit)
          expect(released.slice(before)).toEqual(last ? [hold!.commit] : [])
        }
        const commits = live.map(({ commit }) => Number(commit))
        expect(registry.count).toBe(live.length)
        expect([...registry.holds()]).toHaveLength(live.length)
        expect(registry.oldest).toBe(commits.length === 0 ? undefined : Math.min(...commits))
        const within = commits.filter((commit) => commit >= begin && commit < begin + length)
        expect(registry.newestIn(begin, begin + length)).toBe(within.length === 0 ? -1 : Math.max(...within))
      }
    })
    fc.assert(property, { seed: seed(), numRuns: 300 })
  })

  it('takes a hold that is released twice for a defect', () => {
    const registry = new SnapshotRegistry()
    const hold = registry.acquire(commitNumber(1), 'test', 0)
    registry.release(hold)
    expect(() => registry.release(hold)).toThrow(/twice/)
  })
})
