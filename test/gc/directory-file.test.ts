import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CommitNumber, StructureId } from '../../src/base/ids.ts'
import { readDirectory, removeVoidFiles, writeDirectory } from '../../src/gc/directory-file.ts'
import type { DirectoryImage } from '../../src/gc/directory-image.ts'
import { firstRoot } from '../../src/gc/root.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { plainSealsOf } from '../support/seals.ts'

const IMAGE: DirectoryImage = {
  commit: 12 as CommitNumber,
  hashSeed: 5,
  nextCollectionId: 17,
  structures: Array.from({ length: 200 }, (_, structure) => ({
    structure: structure as StructureId,
    slots: false,
    meta: { pageCount: 20_000, freeHead: 0 },
    numbers: [1, 2.5],
    mapPages: Array.from({ length: 20 }, (_unused, n) => ({ segment: 1, offset: n, checksum: structure })),
  })),
  segments: [{ id: 1, sizeBytes: 10, liveBytes: 5 }],
  dataCommits: [],
  pageSegments: [],
}

const SEALS = plainSealsOf(new Uint8Array(16))

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'blazedb-gc-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('the store of this machine gives a directory back, and leaves one file', async () => {
  const platform = nodePlatform(folder)
  const name = await writeDirectory(platform, folder, 4, IMAGE, SEALS)
  expect(await readDirectory(platform, folder, name, { readOnlyFolder: false, seals: SEALS })).toEqual(IMAGE)
  expect(await readDirectory(platform, folder, name, { readOnlyFolder: true, seals: SEALS })).toEqual(IMAGE)
  expect(readdirSync(folder)).toEqual(['directory-4'])
})

test('a directory that is not the one root states is CORRUPT before it is opened', async () => {
  const platform = nodePlatform(folder)
  const name = await writeDirectory(platform, folder, 4, IMAGE, SEALS)
  const read = (sizeBytes: number, sha256: Uint8Array) =>
    readDirectory(platform, folder, { number: 4, sizeBytes, sha256 }, { readOnlyFolder: false, seals: SEALS })
  await expect(read(name.sizeBytes + 1, name.sha256)).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(read(name.sizeBytes, new Uint8Array(32))).rejects.toMatchObject({ code: 'CORRUPT' })
  const missing = readDirectory(platform, folder, { ...name, number: 5 }, { readOnlyFolder: false, seals: SEALS })
  await expect(missing).rejects.toMatchObject({ code: 'CORRUPT' })
})

test('what no root names is removed, and nothing else', () => {
  for (const name of ['log', 'pages', 'mine']) mkdirSync(join(folder, name))
  const names = [
    'root',
    'identity',
    'root.tmp',
    'directory-3',
    'directory-4',
    'directory-4-lock',
    'directory-5.tmp',
    'spill',
  ]
  for (const name of [...names, 'log/1', 'pages/1', 'pages/2', 'pages/3', 'pages/4'])
    writeFileSync(join(folder, name), '')
  const directory = { number: 4, sizeBytes: 0, sha256: new Uint8Array(32) }
  const root = { ...firstRoot(new Uint8Array(32)), pageTail: 2, pageHead: 3, directory }
  removeVoidFiles(nodePlatform(folder).files, folder, root)
  expect(readdirSync(folder).sort()).toEqual(['directory-4', 'identity', 'log', 'mine', 'pages', 'root'])
  expect(readdirSync(join(folder, 'pages')).sort()).toEqual(['2', '3'])
  expect(readdirSync(join(folder, 'log'))).toEqual(['1'])
})
