import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../src/base/bytes.ts'
import type { KeyBounds } from '../../src/indexes/key-bounds.ts'
import { type IndexScan, OrderedIndex, type RecordVisibility } from '../../src/indexes/ordered-index.ts'
import { memorySpace, seededRandom } from './spaces.ts'

interface Version {
  readonly commit: number
  readonly keys: readonly string[]
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

/** The model: every version of every record, and the index it should look like. */
class Versions implements RecordVisibility {
  readonly chains: Version[][] = []
  commit = 0

  newestCommit(record: number): number {
    return this.chains[record]!.at(-1)!.commit
  }

  keyedAt(record: number, snapshot: number, key: Uint8Array, keySize: number): boolean {
    return this.keysAt(record, snapshot).includes(Buffer.from(key.subarray(0, keySize)).toString('latin1'))
  }

  keysAt(record: number, snapshot: number): readonly string[] {
    return this.chains[record]?.findLast((version) => version.commit <= snapshot)?.keys ?? []
  }

  /** Since when the record has had the key without a break. */
  heldSince(record: number, key: string): number {
    const chain = this.chains[record]!
    let i = chain.length - 1
    while (i > 0 && chain[i - 1]!.keys.includes(key)) i--
    return chain[i]!.commit
  }

  visibleAt(snapshot: number, { lower, lowerOpen, upper, upperOpen }: KeyBounds, reverse: boolean): string[] {
    const entries = this.chains.flatMap((_, record) =>
      this.keysAt(record, snapshot).map((key) => ({ key: bytesOf(key), text: `${key}:${record}`, record })),
    )
    const within = entries.filter(({ key }) => {
      const low = lower ? compareKeys(key, lower) : 1
      const high = upper ? compareKeys(key, upper) : -1
      return (lowerOpen ? low > 0 : low >= 0) && (upperOpen ? high < 0 : high <= 0)
    })
    within.sort((a, b) => (compareKeys(a.key, b.key) || a.record - b.record) * (reverse ? -1 : 1))
    return within.map(({ text }) => text)
  }
}

function currentOf(scan: IndexScan): string {
  return `${Buffer.from(scan.keyBytes.subarray(0, scan.keySize)).toString('latin1')}:${scan.record}`
}

function allOf(scan: IndexScan): string[] {
  const found: string[] = []
  while (scan.next()) found.push(currentOf(scan))
  return found
}

function newIndex(): OrderedIndex {
  return new OrderedIndex({ main: memorySpace(), history: memorySpace(false) })
}

/** Installs one commit that gives some records other keys. `knowsBegin` false: the index is told 0. */
function commitChanges(
  index: OrderedIndex,
  versions: Versions,
  changes: ReadonlyMap<number, readonly string[]>,
  knowsBegin: () => boolean,
): void {
  const commit = ++versions.commit
  for (const [record, keys] of changes) {
    versions.chains[record] ??= []
    const chain = versions.chains[record]
    const before = chain.at(-1)?.keys ?? []
    for (const key of before) {
      if (keys.includes(key)) continue
      const begin = knowsBegin() ? versions.heldSince(record, key) : 0
      index.supersede(bytesOf(key), key.length, record, begin, commit)
    }
    for (const key of keys) {
      if (!before.includes(key)) expect(index.insert(bytesOf(key), key.length, record)).toBe(true)
    }
    chain.push({ commit, keys })
  }
}

function randomKeys(random: () => number): readonly string[] {
  const count = [0, 1, 1, 1, 1, 3][Math.floor(random() * 6)]!
  const keys = Array.from({ length: count }, () => `k${Math.floor(random() * 12)}${'z'.repeat(random() * 3)}`)
  return [...new Set(keys)]
}

function randomBounds(random: () => number): KeyBounds {
  const key = (): Uint8Array => bytesOf(`k${Math.floor(random() * 13)}`)
  return {
    ...(random() < 0.5 ? { lower: key(), lowerOpen: random() < 0.5 } : {}),
    ...(random() < 0.5 ? { upper: key(), upperOpen: random() < 0.5 } : {}),
  }
}

interface OpenScan {
  readonly scan: IndexScan
  readonly snapshot: number
  readonly expected: readonly string[]
  readonly found: string[]
}

describe('an ordered index', () => {
  it.each([21, 22, 23, 24, 25, 26])(
    'gives each scan what was there at its snapshot, whatever commits and is discarded while it walks (seed %i)',
    (seed) => {
      const random = seededRandom(seed)
      const index = newIndex()
      const versions = new Versions()
      const recordCount = 60
      let scans: OpenScan[] = []
      const held = (begin: number, end: number): boolean => scans.some((s) => begin <= s.snapshot && s.snapshot < end)
      for (let turn = 0; turn < 600; turn++) {
        const changes = new Map<number, readonly string[]>()
        for (let i = random() * 4; i > 0; i--) changes.set(Math.floor(random() * recordCount), randomKeys(random))
        // A version with the same keys leaves the index alone and the interval unbroken.
        for (const record of changes.keys()) {
          const keys = versions.chains[record]?.at(-1)?.keys
          if (keys && random() < 0.2) changes.set(record, keys)
        }
        commitChanges(index, versions, changes, () => random() < 0.7)
        if (random() < 0.2) {
          const bounds = randomBounds(random)
          const reverse = random() < 0.5
          const snapshot = versions.commit
          scans.push({
            scan: index.scan(bounds, reverse, snapshot, versions),
            snapshot,
            expected: versions.visibleAt(snapshot, bounds, reverse),
            found: [],
          })
        }
        for (const open of scans) {
          for (let i = random() * 5; i > 0; i--) if (open.scan.next()) open.found.push(currentOf(open.scan))
        }
        const [done] = scans
        if (done && random() < 0.1) {
          done.found.push(...allOf(done.scan))
          expect(done.found).toEqual(done.expected)
          scans = scans.slice(1)
        }
        if (random() < 0.3) index.discardHistory((begin, end) => !held(begin, end), 1 + random() * 20)
        if (turn % 50 === 0) index.check()
      }
      for (const open of scans) expect([...open.found, ...allOf(open.scan)]).toEqual(open.expected)
      index.check()
      // The round in progress, then a whole one.
      for (let rounds = 0; rounds < 2; ) if (index.discardHistory(() => true, 7)) rounds++
      expect(index.historyCount).toBe(0)
      index.check()
      expect(allOf(index.scan({}, false, versions.commit, versions))).toEqual(
        versions.visibleAt(versions.commit, {}, false),
      )
    },
  )

  it('gives old snapshots their view as long as they live, also when newer ones come and go', () => {
    const random = seededRandom(27)
    const index = newIndex()
    const versions = new Versions()
    const snapshots: number[] = []
    for (let turn = 0; turn < 400; turn++) {
      commitChanges(index, versions, new Map([[Math.floor(random() * 20), randomKeys(random)]]), () => true)
      if (turn % 40 === 7) snapshots.push(versions.commit)
      index.discardHistory((begin, end) => !snapshots.some((s) => begin <= s && s < end) && end <= versions.commit, 5)
    }
    for (const snapshot of snapshots) {
      for (const reverse of [false, true]) {
        expect(allOf(index.scan({}, reverse, snapshot, versions))).toEqual(versions.visibleAt(snapshot, {}, reverse))
      }
    }
    index.check()
  })

  it('keeps no history of what came and went in one commit', () => {
    const index = newIndex()
    index.insert(bytesOf('a'), 1, 1)
    index.supersede(bytesOf('a'), 1, 1, 5, 5)
    expect(index.historyCount).toBe(0)
    expect(index.count).toBe(0)
  })

  it('answers a unique lookup from the newest installed state', () => {
    const index = newIndex()
    index.insert(bytesOf('a'), 1, 7)
    expect(index.lookupUnique(bytesOf('a'), 1)).toBe(7)
    expect(index.lookupUnique(bytesOf('b'), 1)).toBe(-1)
    index.supersede(bytesOf('a'), 1, 7, 1, 2)
    expect(index.lookupUnique(bytesOf('a'), 1)).toBe(-1)
    expect(index.historyCount).toBe(1)
  })

  it('takes the version at the snapshot for the truth where the beginning of an interval is unknown', () => {
    const index = newIndex()
    const versions = new Versions()
    commitChanges(index, versions, new Map([[0, ['b']]]), () => false)
    commitChanges(index, versions, new Map([[0, ['a']]]), () => false)
    commitChanges(index, versions, new Map([[0, ['c']]]), () => false)
    expect(allOf(index.scan({}, false, 1, versions))).toEqual(['b:0'])
    expect(allOf(index.scan({}, false, 2, versions))).toEqual(['a:0'])
    expect(allOf(index.scan({}, false, 3, versions))).toEqual(['c:0'])
  })

  it('takes it for a defect that an entry is superseded that is not there', () => {
    expect(() => newIndex().supersede(bytesOf('a'), 1, 1, 1, 2)).toThrow('invariant')
  })

  it('is empty after it was cleared', () => {
    const index = newIndex()
    const versions = new Versions()
    for (let i = 0; i < 50; i++) commitChanges(index, versions, new Map([[i % 7, [`k${i}`]]]), () => true)
    index.clear()
    expect([index.count, index.historyCount]).toEqual([0, 0])
    expect(index.scan({}, false, versions.commit, versions).next()).toBe(false)
    index.check()
  })
})
