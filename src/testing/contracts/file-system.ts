/** What every FileSystem keeps. */
import { FileError, type FileSystem } from '../../platform/platform.ts'
import {
  type ContractCase,
  codeOf,
  defineContract,
  type Ending,
  equal,
  propertyOf,
  rejection,
  type TestRunner,
} from './contract.ts'

/** A file system, and an empty folder in it. */
export interface FileSystemSubject extends Ending {
  readonly files: FileSystem
  readonly folder: string
}

/**
 * Tests a file system with any runner.
 * @example
 * fileSystemContract({ describe, test }, 'memory', () => {
 *   const { files } = faultyPlatform()
 *   files.makeFolderSync('/empty')
 *   return { files, folder: '/empty' }
 * })
 */
export function fileSystemContract(
  runner: TestRunner,
  name: string,
  begin: () => FileSystemSubject | Promise<FileSystemSubject>,
): void {
  defineContract(runner, `the file system contract: ${name}`, { cases: CASES, begin })
}

const CASES: readonly ContractCase<FileSystemSubject>[] = [
  {
    title: 'a file opened for writing is created, and both write modes show the same bytes',
    run: ({ files, folder }) => {
      const plain = files.openSync(`${folder}/a`, 'write')
      const durable = files.openSync(`${folder}/a`, 'write-durable')
      equal(plain.writeSync(bytes(1, 2, 3, 4), 1, 2, 0), 2)
      equal(durable.writeSync(bytes(9), 0, 1, 1), 1)
      equal(readAll(files, `${folder}/a`), bytes(2, 9))
      plain.closeSync()
      durable.closeSync()
    },
  },

  {
    title: 'opening a file again keeps its content',
    run: ({ files, folder }) => {
      write(files, `${folder}/a`, bytes(1, 2, 3))
      files.openSync(`${folder}/a`, 'write').closeSync()
      files.openSync(`${folder}/a`, 'write-durable').closeSync()
      equal(readAll(files, `${folder}/a`), bytes(1, 2, 3))
    },
  },

  {
    title: 'a read at the end is short, beyond the end it is zero, and the rest of the target stays',
    run: ({ files, folder }) => {
      write(files, `${folder}/a`, bytes(1, 2, 3))
      const file = files.openSync(`${folder}/a`, 'read')
      const target = bytes(7, 7, 7, 7)
      equal(file.readSync(target, 1, 3, 1), 2)
      equal(target, bytes(7, 2, 3, 7))
      equal(file.readSync(target, 0, 4, 3), 0)
      equal(file.readSync(target, 0, 4, 100), 0)
      file.closeSync()
    },
  },

  {
    title: 'a write beyond the end leaves zeros in the gap',
    run: ({ files, folder }) => {
      const file = files.openSync(`${folder}/a`, 'write')
      file.writeSync(bytes(5), 0, 1, 3)
      equal(file.sizeSync(), 4)
      file.closeSync()
      equal(readAll(files, `${folder}/a`), bytes(0, 0, 0, 5))
    },
  },

  {
    title: 'truncation cuts, and growing again shows zeros',
    run: ({ files, folder }) => {
      const file = files.openSync(`${folder}/a`, 'write')
      file.writeSync(bytes(1, 2, 3), 0, 3, 0)
      file.truncateSync(1)
      file.truncateSync(3)
      file.closeSync()
      equal(readAll(files, `${folder}/a`), bytes(1, 0, 0))
    },
  },

  {
    title: 'asynchronous writes, reads and syncs do what the synchronous ones do',
    run: async ({ files, folder }) => {
      const file = files.openSync(`${folder}/a`, 'write-durable')
      equal(await file.write(bytes(0, 1, 2, 3), 1, 3, 0), 3)
      await file.sync()
      const target = new Uint8Array(5)
      equal(await file.read(target, 1, 9 - 5, 0), 3)
      equal(target, bytes(0, 1, 2, 3, 0))
      file.closeSync()
      await files.syncFolder(folder)
    },
  },

  {
    title: 'a descriptor may be closed while calls are in flight: they still take effect',
    run: async ({ files, folder }) => {
      const file = files.openSync(`${folder}/a`, 'write')
      const write = file.write(bytes(1, 2, 3), 0, 3, 0)
      file.closeSync()
      equal(await write, 3)
      equal(readAll(files, `${folder}/a`), bytes(1, 2, 3))
    },
  },

  {
    title: 'a closed descriptor refuses every call with EBADF',
    run: async ({ files, folder }) => {
      const file = files.openSync(`${folder}/a`, 'write')
      file.closeSync()
      const target = new Uint8Array(1)
      equal(
        codeOf(() => file.readSync(target, 0, 1, 0)),
        'EBADF',
      )
      equal(
        codeOf(() => file.writeSync(target, 0, 1, 0)),
        'EBADF',
      )
      equal(
        codeOf(() => file.syncSync()),
        'EBADF',
      )
      equal(
        codeOf(() => file.sizeSync()),
        'EBADF',
      )
      equal(
        codeOf(() => file.closeSync()),
        'EBADF',
      )
      equal(propertyOf(await rejection(file.write(target, 0, 1, 0)), 'code'), 'EBADF')
      equal(propertyOf(await rejection(file.read(target, 0, 1, 0)), 'code'), 'EBADF')
      equal(propertyOf(await rejection(file.sync()), 'code'), 'EBADF')
    },
  },

  {
    title: 'a descriptor for reading refuses writes',
    run: async ({ files, folder }) => {
      write(files, `${folder}/a`, bytes(1))
      const file = files.openSync(`${folder}/a`, 'read')
      equal(
        codeOf(() => file.writeSync(bytes(2), 0, 1, 0)),
        'EBADF',
      )
      equal(
        codeOf(() => file.truncateSync(0)),
        'EINVAL',
      )
      equal(propertyOf(await rejection(file.write(bytes(2), 0, 1, 0)), 'code'), 'EBADF')
      file.closeSync()
      equal(readAll(files, `${folder}/a`), bytes(1))
    },
  },

  {
    title: 'errors are FileErrors that name code, operation and file',
    run: ({ files, folder }) => {
      let error: unknown
      try {
        files.openSync(`${folder}/absent`, 'read')
      } catch (caught) {
        error = caught
      }
      equal(error instanceof FileError, true)
      equal(propertyOf(error, 'code'), 'ENOENT')
      equal(propertyOf(error, 'file'), `${folder}/absent`)
    },
  },

  {
    title: 'absent things: open and list refuse, unlink and removeFolder do not mind, exists says no',
    run: ({ files, folder }) => {
      equal(
        codeOf(() => files.openSync(`${folder}/x/y`, 'write')),
        'ENOENT',
      )
      equal(
        codeOf(() => files.listSync(`${folder}/x`)),
        'ENOENT',
      )
      equal(
        codeOf(() => files.renameSync(`${folder}/x`, `${folder}/y`)),
        'ENOENT',
      )
      equal(
        codeOf(() => files.realPathSync(`${folder}/x`)),
        'ENOENT',
      )
      equal(
        codeOf(() => files.syncFolderSync(`${folder}/x`)),
        'ENOENT',
      )
      files.unlinkSync(`${folder}/x`)
      files.removeFolderSync(`${folder}/x`)
      equal(files.existsSync(`${folder}/x`), false)
      equal(files.existsSync(folder), true)
    },
  },

  {
    title: 'a file in place of a folder is refused',
    run: ({ files, folder }) => {
      write(files, `${folder}/a`, bytes(1))
      equal(
        codeOf(() => files.listSync(`${folder}/a`)),
        'ENOTDIR',
      )
      equal(
        codeOf(() => files.openSync(`${folder}/a/b`, 'write')),
        'ENOTDIR',
      )
      equal(
        codeOf(() => files.removeFolderSync(`${folder}/a`)),
        'ENOTDIR',
      )
      equal(
        codeOf(() => files.makeFolderSync(`${folder}/a`)),
        'EEXIST',
      )
      equal(files.existsSync(`${folder}/a/b`), false)
    },
  },

  {
    title: 'a folder in place of a file is refused',
    run: ({ files, folder }) => {
      files.makeFolderSync(`${folder}/f`)
      write(files, `${folder}/a`, bytes(1))
      equal(
        codeOf(() => files.openSync(`${folder}/f`, 'write')),
        'EISDIR',
      )
      equal(
        codeOf(() => files.renameSync(`${folder}/a`, `${folder}/f`)),
        'EISDIR',
      )
    },
  },

  {
    title: 'folders are made with their parents, listed, and removed only when empty',
    run: ({ files, folder }) => {
      files.makeFolderSync(`${folder}/p/q`)
      files.makeFolderSync(`${folder}/p/q`)
      write(files, `${folder}/p/q/b`, bytes(1))
      write(files, `${folder}/p/q/a`, bytes(1))
      equal([...files.listSync(`${folder}/p/q`)].sort(), ['a', 'b'])
      equal(
        codeOf(() => files.removeFolderSync(`${folder}/p/q`)),
        'ENOTEMPTY',
      )
      files.unlinkSync(`${folder}/p/q/a`)
      files.unlinkSync(`${folder}/p/q/b`)
      files.removeFolderSync(`${folder}/p/q`)
      equal(files.listSync(`${folder}/p`), [])
    },
  },

  {
    title: 'a rename replaces its target, and an open descriptor follows its file, not its name',
    run: ({ files, folder }) => {
      write(files, `${folder}/old`, bytes(1))
      write(files, `${folder}/new`, bytes(2))
      const old = files.openSync(`${folder}/old`, 'write')
      const replaced = files.openSync(`${folder}/new`, 'read')
      files.renameSync(`${folder}/old`, `${folder}/new`)
      old.writeSync(bytes(3), 0, 1, 1)
      equal(files.listSync(folder), ['new'])
      equal(readAll(files, `${folder}/new`), bytes(1, 3))
      const target = new Uint8Array(1)
      replaced.readSync(target, 0, 1, 0)
      equal(target, bytes(2))
      old.closeSync()
      replaced.closeSync()
      files.syncFolderSync(folder)
    },
  },

  {
    title: 'a canonical path has no detours',
    run: ({ files, folder }) => {
      files.makeFolderSync(`${folder}/p`)
      equal(files.realPathSync(`${folder}/p/../p/.`), files.realPathSync(`${folder}/p`))
    },
  },
]

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

function write(files: FileSystem, path: string, content: Uint8Array): void {
  const file = files.openSync(path, 'write')
  file.writeSync(content, 0, content.length, 0)
  file.closeSync()
}

function readAll(files: FileSystem, path: string): Uint8Array {
  const file = files.openSync(path, 'read')
  const target = new Uint8Array(file.sizeSync())
  equal(file.readSync(target, 0, target.length, 0), target.length, 'bytes read')
  file.closeSync()
  return target
}
