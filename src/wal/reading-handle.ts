/** A file handle for scans: it reads and tells its size; whoever opened the file closes it, and nobody writes through it. */
import { FileError, type FileHandle } from '../platform/platform.ts'

export abstract class ReadingHandle implements FileHandle {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  abstract readSync(target: Uint8Array, offset: number, size: number, position: number): number

  abstract sizeSync(): number

  read(): never {
    throw this.#refused('read')
  }

  writeSync(): never {
    throw this.#refused('write')
  }

  write(): never {
    throw this.#refused('write')
  }

  syncSync(): never {
    throw this.#refused('sync')
  }

  sync(): never {
    throw this.#refused('sync')
  }

  truncateSync(): never {
    throw this.#refused('truncate')
  }

  closeSync(): never {
    throw this.#refused('close')
  }

  #refused(call: string): FileError {
    return new FileError('ENOTSUP', call, this.path)
  }
}
