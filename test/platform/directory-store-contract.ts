import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { DirectoryStore, FileSystem } from '../../src/platform/platform.ts'

/** The bytes of a file. */
export function wholeFile(files: FileSystem, path: string): Uint8Array {
  const handle = files.openSync(path, 'read')
  try {
    const bytes = new Uint8Array(handle.sizeSync())
    expect(handle.readSync(bytes, 0, bytes.length, 0)).toBe(bytes.length)
    return bytes
  } finally {
    handle.closeSync()
  }
}

/** What every DirectoryStore keeps. `bytesFor`: what a load is given instead of the file's bytes. */
export function directoryStoreContract(
  name: string,
  begin: () => { readonly store: DirectoryStore; readonly files: FileSystem; readonly folder: string },
  bytesFor: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
): void {
  describe(`the directory store contract: ${name}`, () => {
    let store: DirectoryStore
    let files: FileSystem
    let folder: string
    beforeEach(() => {
      ;({ store, files, folder } = begin())
    })
    const load = (path: string, readOnlyFolder: boolean) =>
      store.load(path, bytesFor(wholeFile(files, path)), { readOnlyFolder })

    test('load gives back what build was given, in order', async () => {
      let count = 0
      const value = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 3000, maxLength: 9000 }))
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.integer({ min: 0, max: 0xffffffff })),
          fc.infiniteStream(value),
          async (keys, values) => {
            const path = `${folder}/directory-${count++}`
            const sorted = [...keys].sort((x, y) => x - y)
            const entries = sorted.map((key) => [key, values.next().value] as const)
            await store.build(path, entries)
            expect(await load(path, count % 2 === 0)).toEqual(entries)
          },
        ),
        { numRuns: 15, seed: 7 },
      )
    })

    test('many values of 64 KB come back as copies of their own', async () => {
      const entries = Array.from({ length: 64 }, (_, key) => [key, new Uint8Array(65536).fill(key)] as const)
      await store.build(`${folder}/d`, entries)
      const loaded = await load(`${folder}/d`, false)
      expect(loaded.map(([key]) => key)).toEqual(entries.map(([key]) => key))
      for (const [key, value] of loaded) expect(value.every((byte) => byte === key)).toBe(true)
      expect(new Set(loaded.map(([, value]) => value.buffer)).size).toBe(64)
    })

    test('build replaces what an interrupted build left, and leaves one file', async () => {
      const scrap = files.openSync(`${folder}/d`, 'write')
      scrap.writeSync(new Uint8Array(10_000).fill(255), 0, 10_000, 0)
      scrap.closeSync()
      await store.build(`${folder}/d`, [[5, Uint8Array.of(1)]])
      expect(files.listSync(folder)).toEqual(['d'])
      expect(await load(`${folder}/d`, false)).toEqual([[5, Uint8Array.of(1)]])
      expect(files.listSync(folder)).toEqual(['d'])
    })

    test('a built file may be renamed and loaded under its new name', async () => {
      await store.build(`${folder}/d.tmp`, [[1, Uint8Array.of(9)]])
      files.renameSync(`${folder}/d.tmp`, `${folder}/d`)
      expect(await load(`${folder}/d`, true)).toEqual([[1, Uint8Array.of(9)]])
      expect(files.listSync(folder)).toEqual(['d'])
    })

    test('an absent folder is not made', async () => {
      await expect(store.build(`${folder}/x/d`, [])).rejects.toMatchObject({ name: 'FileError' })
      expect(files.listSync(folder)).toEqual([])
    })

    test('keys that do not ascend, do not fit 32 bits, or values above 64 KB are defects', async () => {
      const none = new Uint8Array(0)
      const broken = { name: 'InvariantError' }
      await expect(
        store.build(`${folder}/d`, [
          [2, none],
          [2, none],
        ]),
      ).rejects.toMatchObject(broken)
      await expect(store.build(`${folder}/d`, [[2 ** 32, none]])).rejects.toMatchObject(broken)
      await expect(store.build(`${folder}/d`, [[1.5, none]])).rejects.toMatchObject(broken)
      await expect(store.build(`${folder}/d`, [[1, new Uint8Array(65537)]])).rejects.toMatchObject(broken)
    })
  })
}
