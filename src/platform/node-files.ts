/**
 * The real file system: thin, synchronous where the engine needs an answer in this turn, libuv's pool where it can wait.
 *
 *   'write-durable'  Linux: O_DSYNC, so a write is on the device when it returns
 *                    elsewhere: a plain descriptor, and `durableWrites` is false: the caller syncs after each write
 *   sync             fdatasync; on macOS libuv makes it F_FULLFSYNC, on Windows FlushFileBuffers
 *
 * Invariants: every failure is a FileError with the errno name; a short write is reported, never continued here; a
 * descriptor is closed only when no call on it is in flight in the pool, because the number could be handed to another
 * file meanwhile. Nothing is retried but a rename on Windows, where a reader that has the file open makes it fail.
 *
 * What it does not do: buffering, locking, path policy.
 */
import * as fs from 'node:fs'
import { fileSystemKind } from './file-system-kind.ts'
import { FileError, type FileHandle, type FileSystem, type OpenMode } from './platform.ts'

const onLinux = process.platform === 'linux'
const onWindows = process.platform === 'win32'

const OPEN_FLAGS: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR | fs.constants.O_CREAT,
  'write-durable': fs.constants.O_RDWR | fs.constants.O_CREAT | (onLinux ? fs.constants.O_DSYNC : 0),
}

/** The file system of this machine. `probePath` says where the database will lie, so that zero-filling suits it. */
export function nodeFiles(probePath = '.'): FileSystem {
  return {
    openSync: (path, mode) => new NodeFile(path, mode),
    listSync: (folder) => attempt('list', folder, () => fs.readdirSync(folder)),
    existsSync: exists,
    makeFolderSync: (folder) => {
      attempt('makeFolder', folder, () => fs.mkdirSync(folder, { recursive: true }))
    },
    renameSync: (from, to) => attempt('rename', from, () => rename(from, to)),
    unlinkSync: (path) => attemptUnlessAbsent('unlink', path, () => fs.unlinkSync(path)),
    removeFolderSync: (folder) => attemptUnlessAbsent('removeFolder', folder, () => fs.rmdirSync(folder)),
    syncFolderSync: (folder) => attempt('syncFolder', folder, () => syncFolderNow(folder)),
    syncFolder,
    realPathSync: (path) => attempt('realPath', path, () => fs.realpathSync.native(path)),
    freeBytesSync: freeBytes,
    durableWrites: onLinux,
    zeroFillPays: fileSystemKind(probePath).overwritesInPlace,
    syncMethod: onLinux ? 'o_dsync' : 'fdatasync',
  }
}

class NodeFile implements FileHandle {
  readonly path: string
  #fd: number
  #inFlight = 0
  #closing = false

  constructor(path: string, mode: OpenMode) {
    this.path = path
    this.#fd = attempt('open', path, () => fs.openSync(path, OPEN_FLAGS[mode]))
  }

  readSync(target: Uint8Array, offset: number, size: number, position: number): number {
    try {
      return fs.readSync(this.#open('read'), target, offset, size, position)
    } catch (cause) {
      throw toFileError('read', this.path, cause)
    }
  }

  read(target: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    return this.#inPool('read', (fd, done) => fs.read(fd, target, offset, size, position, done))
  }

  writeSync(source: Uint8Array, offset: number, size: number, position: number): number {
    try {
      return fs.writeSync(this.#open('write'), source, offset, size, position)
    } catch (cause) {
      throw toFileError('write', this.path, cause)
    }
  }

  write(source: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    return this.#inPool('write', (fd, done) => fs.write(fd, source, offset, size, position, done))
  }

  syncSync(): void {
    attempt('sync', this.path, () => fs.fdatasyncSync(this.#open('sync')))
  }

  async sync(): Promise<void> {
    await this.#inPool('sync', (fd, done) => fs.fdatasync(fd, (error) => done(error, 0)))
  }

  sizeSync(): number {
    return attempt('size', this.path, () => fs.fstatSync(this.#open('size')).size)
  }

  truncateSync(size: number): void {
    attempt('truncate', this.path, () => fs.ftruncateSync(this.#open('truncate'), size))
  }

  closeSync(): void {
    this.#open('close')
    this.#closing = true
    if (this.#inFlight === 0) this.#closeNow()
  }

  #open(operation: string): number {
    if (this.#closing) throw new FileError('EBADF', operation, this.path)
    return this.#fd
  }

  #closeNow(): void {
    attempt('close', this.path, () => fs.closeSync(this.#fd))
    this.#fd = -1
  }

  #inPool(
    operation: string,
    call: (fd: number, done: (error: NodeJS.ErrnoException | null, count: number) => void) => void,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: NodeJS.ErrnoException | null, count: number): void => {
        this.#inFlight--
        if (this.#closing && this.#inFlight === 0) {
          try {
            this.#closeNow()
          } catch (failure) {
            reject(failure)
            return
          }
        }
        if (error) reject(toFileError(operation, this.path, error))
        else resolve(count)
      }
      const fd = this.#open(operation)
      try {
        this.#inFlight++
        call(fd, done)
      } catch (cause) {
        done(cause as NodeJS.ErrnoException, 0) // node throws only Error objects, for bad arguments
      }
    })
  }
}

/** What an ordinary process may take: the system keeps a part for root. */
function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = fs.statfsSync(folder)
    return bavail * bsize
  } catch (cause) {
    const error = toFileError('freeBytes', folder, cause)
    if (error.code === 'ENOSYS') return undefined // the system cannot say
    throw error
  }
}

/** Not fs.existsSync: that says "no" of a path it may not look at, and an unreadable database is not an absent one. */
function exists(path: string): boolean {
  try {
    return fs.statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (cause) {
    const error = toFileError('exists', path, cause)
    if (error.code === 'ENOTDIR') return false // a file lies where the path wants a folder
    throw error
  }
}

function attempt<T>(operation: string, path: string, call: () => T): T {
  try {
    return call()
  } catch (cause) {
    throw toFileError(operation, path, cause)
  }
}

function attemptUnlessAbsent(operation: string, path: string, call: () => void): void {
  try {
    call()
  } catch (cause) {
    const error = toFileError(operation, path, cause)
    if (error.code !== 'ENOENT') throw error
  }
}

function toFileError(operation: string, path: string, cause: unknown): FileError {
  if (cause instanceof FileError) return cause
  if (cause instanceof Error && 'code' in cause) return new FileError(String(cause.code), operation, path, { cause })
  throw cause // a defect, not a failed call
}

function syncFolderNow(folder: string): void {
  if (onWindows) return // Windows has no sync of a folder; NTFS journals its entries.
  const fd = fs.openSync(folder, fs.constants.O_RDONLY)
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (onWindows) return
  try {
    const handle = await fs.promises.open(folder, fs.constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw toFileError('syncFolder', folder, cause)
  }
}

/** A scanner or an indexer keeps a file open for some milliseconds; ten tries wait about half a second in all. */
const RENAME_TRIES = 10
const RENAME_BUSY: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EBUSY'])

function rename(from: string, to: string): void {
  if (onWindows) renameWithRetry(() => fs.renameSync(from, to), pause)
  else fs.renameSync(from, to)
}

/** Tries `renameOnce` again, with growing pauses, while another process has the file open. Exported for its test. */
export function renameWithRetry(renameOnce: () => void, wait: (ms: number) => void): void {
  for (let attemptIndex = 0; ; attemptIndex++) {
    try {
      renameOnce()
      return
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
      if (!RENAME_BUSY.has(code) || attemptIndex + 1 >= RENAME_TRIES) throw cause
      wait(Math.min(100, 2 ** attemptIndex))
    }
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
