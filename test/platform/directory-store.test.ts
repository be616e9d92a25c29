import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { lmdbDirectoryStore } from '../../src/platform/directory-store.ts'
import { memoryPlatform } from '../../src/platform/memory-platform.ts'
import { nodeFiles } from '../../src/platform/node-files.ts'
import { directoryStoreContract } from '../../src/testing/contracts/directory-store.ts'
import { compilePlatform } from './compiled-platform.ts'
import { readAll } from './small-files.ts'

const root = mkdtempSync(join(tmpdir(), 'blazedb-directories-'))
afterAll(() => rmSync(root, { recursive: true }))
let folderCount = 0

const beginInFolder = () => {
  const folder = join(root, String(folderCount++))
  mkdirSync(folder)
  return { store: lmdbDirectoryStore(), files: nodeFiles(folder), folder }
}

/** Bytes that are no file of a version we read, so that LMDB is asked. */
const UNKNOWN = new Uint8Array(0)

directoryStoreContract({ describe, test }, 'lmdb, read from its bytes', beginInFolder)
directoryStoreContract({ describe, test }, 'lmdb, read by LMDB itself', () => ({
  ...beginInFolder(),
  bytesFor: () => UNKNOWN,
}))

directoryStoreContract({ describe, test }, 'memory', () => {
  const { files, directories } = memoryPlatform()
  files.makeFolderSync('/db')
  return { store: directories, files, folder: '/db' }
})

test('loading in a folder that may not be touched leaves no copy in the temporary folder', async () => {
  const store = lmdbDirectoryStore()
  const path = join(root, 'copied')
  await store.build(path, [[1, Uint8Array.of(1)]])
  const temporary = join(root, 'temporary')
  mkdirSync(temporary)
  vi.stubEnv('TMPDIR', temporary)
  expect(tmpdir()).toBe(temporary)
  await store.load(path, UNKNOWN, { readOnlyFolder: true })
  vi.unstubAllEnvs()
  expect(readdirSync(temporary)).toEqual([])
})

test('LMDB is not asked to read a file that is not there, because it would make it', async () => {
  const { store, folder } = beginInFolder()
  const loading = store.load(join(folder, 'absent'), UNKNOWN, { readOnlyFolder: false })
  await expect(loading).rejects.toMatchObject({ code: 'ENOENT' })
  expect(readdirSync(folder)).toEqual([])
})

test('the platform is imported without loading lmdb', () => {
  const compiled = compilePlatform()
  const code = `import { nodePlatform } from 'file://${compiled}/platform/node-platform.js'
    nodePlatform()
    console.log(process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node')).length)`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', code])
  rmSync(compiled, { recursive: true })
  expect(output.toString().trim()).toBe('0')
})

test('a directory in memory that a power cut tore is refused', async () => {
  const platform = memoryPlatform()
  platform.files.makeFolderSync('/db')
  await platform.directories.build('/db/d', [[1, new Uint8Array(3000).fill(1)]])
  const file = platform.files.openSync('/db/d', 'write')
  file.writeSync(Uint8Array.of(2), 0, 1, 1000)
  file.closeSync()
  const bytes = readAll(platform.files, '/db/d')
  const loading = platform.directories.load('/db/d', bytes, { readOnlyFolder: false })
  await expect(loading).rejects.toMatchObject({ code: 'CORRUPT' })
})
