import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { lmdbDirectoryStore } from '../../src/platform/directory-store.ts'
import { type LmdbEntry, readLmdbFile } from '../../src/platform/lmdb-file.ts'
import { nodeFiles } from '../../src/platform/node-files.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { readAll } from './small-files.ts'

const root = mkdtempSync(join(tmpdir(), 'blazedb-lmdb-file-'))
afterAll(() => rmSync(root, { recursive: true }))
let fileCount = 0

async function fileOf(entries: readonly LmdbEntry[]): Promise<Uint8Array> {
  const path = join(root, String(fileCount++))
  await lmdbDirectoryStore().build(path, entries)
  return readAll(nodeFiles(root), path)
}

const small = (count: number): LmdbEntry[] =>
  Array.from({ length: count }, (_, key) => [key * 3, new Uint8Array(key % 60).fill(key)])

// What LMDB itself says of the same files is the contract of the directory store.
test.each([
  ['nothing', []],
  ['one entry', [[0, Uint8Array.of(1, 2, 3)]]],
  ['an empty value, and the largest key', [[0xffffffff, new Uint8Array(0)]]],
  ['leaves below branches below a root', small(60_000)],
  [
    'values on pages of their own',
    [
      [7, new Uint8Array(65_536).fill(7)],
      [9, new Uint8Array(4_000).fill(9)],
    ],
  ],
] satisfies [string, LmdbEntry[]][])('a file with %s is read as it was built', async (_what, entries) => {
  expect(readLmdbFile(await fileOf(entries))).toEqual(entries)
})

test('the bytes may lie in the middle of a buffer, and the values are copies', async () => {
  const bytes = await fileOf(small(500))
  const around = new Uint8Array(bytes.length + 24).fill(0xee)
  around.set(bytes, 16)
  const found = readLmdbFile(around.subarray(16, 16 + bytes.length))
  around.fill(0)
  expect(found).toEqual(small(500))
})

test('a file that is cut, of another version, or none, is not read', async () => {
  const bytes = await fileOf(small(2_000))
  for (let size = 0; size < bytes.length; size += 509) expect(readLmdbFile(bytes.subarray(0, size))).toBeUndefined()
  for (const at of [24, 28]) {
    const other = bytes.slice()
    other[at]! ^= 1
    expect(readLmdbFile(other)).toBeUndefined()
  }
})

test('damaged bytes end in entries or in nothing, and soon', async () => {
  const random = seededRandom(seed())
  const bytes = await fileOf(small(2_000))
  for (let i = 0; i < effort(2_000); i++) {
    const damaged = bytes.slice()
    for (let flips = 1 + (i % 4); flips > 0; flips--) {
      damaged[Math.floor(random.next() * damaged.length)]! ^= 1 << Math.floor(random.next() * 8)
    }
    const found = readLmdbFile(damaged)
    if (found !== undefined) expect(found).toHaveLength(2_000)
  }
})
