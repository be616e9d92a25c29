/** Read descriptors of segments, at most a few dozen open at once: a log of 25 GB has 1,600 files. */
import type { FileHandle, FileSystem } from '../platform/platform.ts'

/** Enough for scans of many segments at once, far below any limit of open files. */
const MAX_OPEN = 64

export class Descriptors {
  readonly #files: FileSystem
  /** In order of use: the first is the one to close. */
  readonly #open = new Map<string, FileHandle>()

  constructor(files: FileSystem) {
    this.#files = files
  }

  /** A descriptor for reading; valid until another file is asked for. Throws FileError. */
  get(path: string): FileHandle {
    const open = this.#open.get(path)
    if (open !== undefined) {
      this.#open.delete(path)
      this.#open.set(path, open)
      return open
    }
    for (const oldest of this.#open.keys()) {
      if (this.#open.size < MAX_OPEN) break
      this.close(oldest)
    }
    const handle = this.#files.openSync(path, 'read')
    this.#open.set(path, handle)
    return handle
  }

  /** Closes the descriptor of a file, if there is one. */
  close(path: string): void {
    const handle = this.#open.get(path)
    if (handle === undefined) return
    this.#open.delete(path)
    handle.closeSync()
  }

  closeAll(): void {
    for (const path of [...this.#open.keys()]) this.close(path)
  }
}

/** Reads [position, position + size) into `target` at `offset`, going on after short reads; returns the bytes read, fewer only at the end of the file. */
export function readFully(
  handle: FileHandle,
  target: Uint8Array,
  offset: number,
  size: number,
  position: number,
): number {
  let done = 0
  while (done < size) {
    const n = handle.readSync(target, offset + done, size - done, position + done)
    if (n <= 0) break
    done += n
  }
  return done
}
