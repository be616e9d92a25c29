import { beforeEach, describe, expect, test } from 'vitest'
import { FileError, type FileSystem } from '../../src/platform/platform.ts'

/** What every FileSystem keeps. `begin` gives a file system and an empty folder in it. */
export function fileSystemContract(
  name: string,
  begin: () => { readonly files: FileSystem; readonly folder: string },
): void {
  describe(`the file system contract: ${name}`, () => {
    let files: FileSystem
    let folder: string
    beforeEach(() => {
      ;({ files, folder } = begin())
    })

    test('a file opened for writing is created, and both write modes show the same bytes', () => {
      const plain = files.openSync(`${folder}/a`, 'write')
      const durable = files.openSync(`${folder}/a`, 'write-durable')
      expect(plain.writeSync(bytes(1, 2, 3, 4), 1, 2, 0)).toBe(2)
      expect(durable.writeSync(bytes(9), 0, 1, 1)).toBe(1)
      expect(readAll(files, `${folder}/a`)).toEqual(bytes(2, 9))
      plain.closeSync()
      durable.closeSync()
    })

    test('opening a file again keeps its content', () => {
      write(files, `${folder}/a`, bytes(1, 2, 3))
      files.openSync(`${folder}/a`, 'write').closeSync()
      files.openSync(`${folder}/a`, 'write-durable').closeSync()
      expect(readAll(files, `${folder}/a`)).toEqual(bytes(1, 2, 3))
    })

    test('a read at the end is short, beyond the end it is zero, and the rest of the target stays', () => {
      write(files, `${folder}/a`, bytes(1, 2, 3))
      const file = files.openSync(`${folder}/a`, 'read')
      const target = bytes(7, 7, 7, 7)
      expect(file.readSync(target, 1, 3, 1)).toBe(2)
      expect(target).toEqual(bytes(7, 2, 3, 7))
      expect(file.readSync(target, 0, 4, 3)).toBe(0)
      expect(file.readSync(target, 0, 4, 100)).toBe(0)
      file.closeSync()
    })

    test('a write beyond the end leaves zeros in the gap', () => {
      const file = files.openSync(`${folder}/a`, 'write')
      file.writeSync(bytes(5), 0, 1, 3)
      expect(file.sizeSync()).toBe(4)
      file.closeSync()
      expect(readAll(files, `${folder}/a`)).toEqual(bytes(0, 0, 0, 5))
    })

    test('truncation cuts, and growing again shows zeros', () => {
      const file = files.openSync(`${folder}/a`, 'write')
      file.writeSync(bytes(1, 2, 3), 0, 3, 0)
      file.truncateSync(1)
      file.truncateSync(3)
      file.closeSync()
      expect(readAll(files, `${folder}/a`)).toEqual(bytes(1, 0, 0))
    })

    test('asynchronous writes, reads and syncs do what the synchronous ones do', async () => {
      const file = files.openSync(`${folder}/a`, 'write-durable')
      expect(await file.write(bytes(0, 1, 2, 3), 1, 3, 0)).toBe(3)
      await file.sync()
      const target = new Uint8Array(5)
      expect(await file.read(target, 1, 9 - 5, 0)).toBe(3)
      expect(target).toEqual(bytes(0, 1, 2, 3, 0))
      file.closeSync()
      await files.syncFolder(folder)
    })

    test('a descriptor may be closed while calls are in flight: they still take effect', async () => {
      const file = files.openSync(`${folder}/a`, 'write')
      const write = file.write(bytes(1, 2, 3), 0, 3, 0)
      file.closeSync()
      expect(await write).toBe(3)
      expect(readAll(files, `${folder}/a`)).toEqual(bytes(1, 2, 3))
    })

    test('a closed descriptor refuses every call with EBADF', async () => {
      const file = files.openSync(`${folder}/a`, 'write')
      file.closeSync()
      const target = new Uint8Array(1)
      expect(codeOf(() => file.readSync(target, 0, 1, 0))).toBe('EBADF')
      expect(codeOf(() => file.writeSync(target, 0, 1, 0))).toBe('EBADF')
      expect(codeOf(() => file.syncSync())).toBe('EBADF')
      expect(codeOf(() => file.sizeSync())).toBe('EBADF')
      expect(codeOf(() => file.closeSync())).toBe('EBADF')
      await expect(file.write(target, 0, 1, 0)).rejects.toMatchObject({ code: 'EBADF' })
      await expect(file.read(target, 0, 1, 0)).rejects.toMatchObject({ code: 'EBADF' })
      await expect(file.sync()).rejects.toMatchObject({ code: 'EBADF' })
    })

    test('a descriptor for reading refuses writes', async () => {
      write(files, `${folder}/a`, bytes(1))
      const file = files.openSync(`${folder}/a`, 'read')
      expect(codeOf(() => file.writeSync(bytes(2), 0, 1, 0))).toBe('EBADF')
      expect(codeOf(() => file.truncateSync(0))).toBe('EINVAL')
      await expect(file.write(bytes(2), 0, 1, 0)).rejects.toMatchObject({ code: 'EBADF' })
      file.closeSync()
      expect(readAll(files, `${folder}/a`)).toEqual(bytes(1))
    })

    test('errors are FileErrors that name code, operation and file', () => {
      let error: unknown
      try {
        files.openSync(`${folder}/absent`, 'read')
      } catch (caught) {
        error = caught
      }
      expect(error).toBeInstanceOf(FileError)
      expect(error).toMatchObject({ code: 'ENOENT', file: `${folder}/absent` })
    })

    test('absent things: open and list refuse, unlink and removeFolder do not mind, exists says no', () => {
      expect(codeOf(() => files.openSync(`${folder}/x/y`, 'write'))).toBe('ENOENT')
      expect(codeOf(() => files.listSync(`${folder}/x`))).toBe('ENOENT')
      expect(codeOf(() => files.renameSync(`${folder}/x`, `${folder}/y`))).toBe('ENOENT')
      expect(codeOf(() => files.realPathSync(`${folder}/x`))).toBe('ENOENT')
      expect(codeOf(() => files.syncFolderSync(`${folder}/x`))).toBe('ENOENT')
      files.unlinkSync(`${folder}/x`)
      files.removeFolderSync(`${folder}/x`)
      expect(files.existsSync(`${folder}/x`)).toBe(false)
      expect(files.existsSync(folder)).toBe(true)
    })

    test('a file in place of a folder is refused', () => {
      write(files, `${folder}/a`, bytes(1))
      expect(codeOf(() => files.listSync(`${folder}/a`))).toBe('ENOTDIR')
      expect(codeOf(() => files.openSync(`${folder}/a/b`, 'write'))).toBe('ENOTDIR')
      expect(codeOf(() => files.removeFolderSync(`${folder}/a`))).toBe('ENOTDIR')
      expect(codeOf(() => files.makeFolderSync(`${folder}/a`))).toBe('EEXIST')
      expect(files.existsSync(`${folder}/a/b`)).toBe(false)
    })

    test('a folder in place of a file is refused', () => {
      files.makeFolderSync(`${folder}/f`)
      write(files, `${folder}/a`, bytes(1))
      expect(codeOf(() => files.openSync(`${folder}/f`, 'write'))).toBe('EISDIR')
      expect(codeOf(() => files.renameSync(`${folder}/a`, `${folder}/f`))).toBe('EISDIR')
    })

    test('folders are made with their parents, listed, and removed only when empty', () => {
      files.makeFolderSync(`${folder}/p/q`)
      files.makeFolderSync(`${folder}/p/q`)
      write(files, `${folder}/p/q/b`, bytes(1))
      write(files, `${folder}/p/q/a`, bytes(1))
      expect([...files.listSync(`${folder}/p/q`)].sort()).toEqual(['a', 'b'])
      expect(codeOf(() => files.removeFolderSync(`${folder}/p/q`))).toBe('ENOTEMPTY')
      files.unlinkSync(`${folder}/p/q/a`)
      files.unlinkSync(`${folder}/p/q/b`)
      files.removeFolderSync(`${folder}/p/q`)
      expect(files.listSync(`${folder}/p`)).toEqual([])
    })

    test('a rename replaces its target, and an open descriptor follows its file, not its name', () => {
      write(files, `${folder}/old`, bytes(1))
      write(files, `${folder}/new`, bytes(2))
      const old = files.openSync(`${folder}/old`, 'write')
      const replaced = files.openSync(`${folder}/new`, 'read')
      files.renameSync(`${folder}/old`, `${folder}/new`)
      old.writeSync(bytes(3), 0, 1, 1)
      expect(files.listSync(folder)).toEqual(['new'])
      expect(readAll(files, `${folder}/new`)).toEqual(bytes(1, 3))
      const target = new Uint8Array(1)
      replaced.readSync(target, 0, 1, 0)
      expect(target).toEqual(bytes(2))
      old.closeSync()
      replaced.closeSync()
      files.syncFolderSync(folder)
    })

    test('a canonical path has no detours', () => {
      files.makeFolderSync(`${folder}/p`)
      expect(files.realPathSync(`${folder}/p/../p/.`)).toBe(files.realPathSync(`${folder}/p`))
    })
  })
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

export function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof FileError) return error.code
    throw error
  }
  return 'no error'
}

export function write(files: FileSystem, path: string, content: Uint8Array): void {
  const file = files.openSync(path, 'write')
  file.writeSync(content, 0, content.length, 0)
  file.closeSync()
}

export function readAll(files: FileSystem, path: string): Uint8Array {
  const file = files.openSync(path, 'read')
  const target = new Uint8Array(file.sizeSync())
  expect(file.readSync(target, 0, target.length, 0)).toBe(target.length)
  file.closeSync()
  return target
}
