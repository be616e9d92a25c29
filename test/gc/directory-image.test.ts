import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CommitNumber, StructureId } from '../../src/base/ids.ts'
import { DataCommits } from '../../src/gc/data-commits.ts'
import { decodeDirectory, encodeDirectory } from '../../src/gc/directory-image.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

const u32 = fc.nat(0xffffffff)
const u53 = fc.maxSafeNat()
const place = fc.record({ segment: fc.integer({ min: 1, max: 0xffffffff }), offset: u32, checksum: u32 })
const image = fc.record({
  commit: u53.map((value) => value as CommitNumber),
  hashSeed: u32,
  nextCollectionId: u53,
  structures: fc.array(
    fc.record({
      structure: u53.map((value) => value as StructureId),
      slots: fc.boolean(),
      meta: fc.record({ pageCount: u53, freeHead: u53 }),
      numbers: fc.array(fc.double()),
      mapPages: fc.array(fc.option(place, { nil: undefined })),
    }),
  ),
  segments: fc.array(fc.record({ id: u53, sizeBytes: u53, liveBytes: u53 })),
  dataCommits: fc.array(
    fc.record({ segment: u53, transaction: u53, commit: u53.map((value) => value as CommitNumber) }),
  ),
  pageSegments: fc.array(fc.record({ id: u53, sizeBytes: u53, livePages: u32 })),
})

test('a directory decodes to what was encoded', () => {
  fc.assert(
    fc.property(image, (each) => {
      expect(decodeDirectory('directory-1', encodeDirectory(each))).toEqual(each)
    }),
    { seed: seed(), numRuns: effort(200) },
  )
})

test('the values of a large directory stay within what the store takes, and their keys ascend', () => {
  const structures = Array.from({ length: 300 }, (_, structure) => ({
    structure: structure as StructureId,
    slots: structure % 2 === 0,
    meta: { pageCount: 100_000, freeHead: 0 },
    numbers: [1.5, structure],
    mapPages: Array.from({ length: 98 }, (_unused, offset) => ({
      segment: structure + 1,
      offset,
      checksum: offset * 7,
    })),
  }))
  const whole = { commit: 9 as CommitNumber, hashSeed: 1, nextCollectionId: 2, segments: [], dataCommits: [] }
  const entries = encodeDirectory({ ...whole, structures, pageSegments: [] })
  expect(entries.length).toBeGreaterThan(3)
  expect(entries.map(([key]) => key)).toEqual(entries.map((_, index) => index))
  for (const [, value] of entries) expect(value.length).toBeLessThanOrEqual(65536)
  expect(decodeDirectory('directory-1', entries).structures).toEqual(structures)
})

test('what does not parse is CORRUPT, wherever it is cut', () => {
  const [[, value]] = encodeDirectory({
    commit: 1 as CommitNumber,
    hashSeed: 1,
    nextCollectionId: 16,
    structures: [
      {
        structure: 1 as StructureId,
        slots: true,
        meta: { pageCount: 1, freeHead: 0 },
        numbers: [3],
        mapPages: [undefined],
      },
    ],
    segments: [{ id: 1, sizeBytes: 2, liveBytes: 3 }],
    dataCommits: [],
    pageSegments: [],
  }) as [readonly [number, Uint8Array]]
  for (let size = 0; size < value.length; size++) {
    expect(() => decodeDirectory('directory-1', [[0, value.subarray(0, size)]])).toThrow(/directory-1 is damaged/)
  }
  expect(() => decodeDirectory('directory-1', [[1, value]])).toThrow(/expected directory entry 0/)
  const longer = new Uint8Array(value.length + 1)
  longer.set(value)
  expect(() => decodeDirectory('directory-1', [[0, longer]])).toThrow(/expected the end/)
})

test('commit numbers of DATA are kept by segment, through the directory, until their segment goes', () => {
  const commits = new DataCommits()
  commits.note(3, 7, 70 as CommitNumber)
  commits.note(3, 8, 80 as CommitNumber)
  commits.note(5, 7, 70 as CommitNumber)
  const restored = new DataCommits()
  restored.restore(commits.entries())
  expect([restored.commitOf(3, 8), restored.commitOf(5, 7), restored.commitOf(5, 8)]).toEqual([80, 70, undefined])
  restored.forgetBelow(5)
  expect(restored.entries()).toEqual([{ segment: 5, transaction: 7, commit: 70 }])
})
