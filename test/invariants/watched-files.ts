/** The memory twin with somebody who sees each change to its files, before it is made. */
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import type { FileHandle, FileSystem, OpenMode, Platform } from '../../src/platform/platform.ts'

/** Sees what is done to files. A file keeps its number when it is renamed. */
export interface Watcher {
  /** Asked before a write; what it returns is called when the write has been made. */
  write?(file: { readonly number: number; readonly path: string }, bytes: Uint8Array, position: number): () => void
  unlink?(path: string): void
  renamed?(from: string, to: string): void
}

export function watched(platform: MemoryPlatform, watcher: Watcher): Platform {
  const { files } = platform
  const numbers = new Map<string, { number: number; path: string }>()
  let count = 0
  const numbered = (path: string): { number: number; path: string } => {
    let file = numbers.get(path)
    if (file === undefined) {
      file = { number: ++count, path }
      numbers.set(path, file)
    }
    return file
  }
  const open = (path: string, mode: OpenMode): FileHandle => {
    const handle = files.openSync(path, mode)
    const file = numbered(path)
    return {
      path,
      readSync: (target, offset, size, position) => handle.readSync(target, offset, size, position),
      read: (target, offset, size, position) => handle.read(target, offset, size, position),
      writeSync(source, offset, size, position) {
        const done = watcher.write?.(file, source.slice(offset, offset + size), position)
        const n = handle.writeSync(source, offset, size, position)
        done?.()
        return n
      },
      async write(source, offset, size, position) {
        const done = watcher.write?.(file, source.slice(offset, offset + size), position)
        const n = await handle.write(source, offset, size, position)
        done?.()
        return n
      },
      syncSync: () => handle.syncSync(),
      sync: () => handle.sync(),
      sizeSync: () => handle.sizeSync(),
      truncateSync: (size) => handle.truncateSync(size),
      closeSync: () => handle.closeSync(),
    }
  }
  const seen: FileSystem = {
    openSync: open,
    listSync: (folder) => files.listSync(folder),
    existsSync: (path) => files.existsSync(path),
    makeFolderSync: (folder) => files.makeFolderSync(folder),
    renameSync(from, to) {
      files.renameSync(from, to)
      const file = numbered(from)
      numbers.delete(from)
      numbers.set(to, file)
      file.path = to
      watcher.renamed?.(from, to)
    },
    unlinkSync(path) {
      watcher.unlink?.(path)
      files.unlinkSync(path)
      numbers.delete(path)
    },
    removeFolderSync: (folder) => files.removeFolderSync(folder),
    syncFolderSync: (folder) => files.syncFolderSync(folder),
    syncFolder: (folder) => files.syncFolder(folder),
    realPathSync: (path) => files.realPathSync(path),
    freeBytesSync: (folder) => files.freeBytesSync(folder),
    durableWrites: files.durableWrites,
    zeroFillPays: files.zeroFillPays,
    syncMethod: files.syncMethod,
  }
  return { ...platform, files: seen }
}
