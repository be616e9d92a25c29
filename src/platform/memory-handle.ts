import { equalBytes } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import { type FaultCode, type FileOperation, shortSize } from './fault-plan.ts'
import type { MemoryFile } from './memory-file.ts'
import { FileError, type FileHandle, type OpenMode } from './platform.ts'

/** A write that has been asked for and has not happened yet. */
export interface WriteInFlight {
  readonly file: MemoryFile
  readonly bytes: Uint8Array
  readonly position: number
}

/** What a descriptor needs of the file system it belongs to. */
export interface HandleHost {
  readonly durableWrites: boolean
  /** Counts a call and returns how it fails. */
  begin(operation: FileOperation, path: string, position: number, size: number): FaultCode | undefined
  later<T>(operation: FileOperation, path: string, write: WriteInFlight | undefined, run: () => T): Promise<T>
  handleClosed(): void
}

/**
 * A descriptor of the memory twin. Asynchronous calls take effect when they settle, not when they are made; a close
 * waits for them, as in the real one. A write whose bytes are changed while it is in flight is a defect, and found.
 */
export class MemoryHandle implements FileHandle {
  readonly path: string
  readonly #files: HandleHost
  readonly #file: MemoryFile
  readonly #mode: OpenMode
  #closed = false

  constructor(files: HandleHost, path: string, file: MemoryFile, mode: OpenMode) {
    this.path = path
    this.#files = files
    this.#file = file
    this.#mode = mode
  }

  readSync(target: Uint8Array, offset: number, size: number, position: number): number {
    const fault = this.#begin('readSync', position, size)
    return this.#read('readSync', fault, target, offset, size, position)
  }

  async read(target: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    const fault = this.#begin('read', position, size)
    return this.#files.later('read', this.path, undefined, () =>
      this.#read('read', fault, target, offset, size, position),
    )
  }

  writeSync(source: Uint8Array, offset: number, size: number, position: number): number {
    const fault = this.#begin('writeSync', position, size)
    return this.#write('writeSync', fault, source.subarray(offset, offset + size), position)
  }

  async write(source: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    const fault = this.#begin('write', position, size)
    const view = source.subarray(offset, offset + size)
    const bytes = view.slice()
    return this.#files.later('write', this.path, { file: this.#file, bytes, position }, () => {
      invariant(equalBytes(view, bytes), () => `the bytes of a write in flight were changed (${this.path} ${position})`)
      return this.#write('write', fault, bytes, position)
    })
  }

  syncSync(): void {
    this.#sync('syncSync', this.#begin('syncSync'), this.#file.order)
  }

  async sync(): Promise<void> {
    const fault = this.#begin('sync')
    const order = this.#file.order
    await this.#files.later('sync', this.path, undefined, () => this.#sync('sync', fault, order))
  }

  sizeSync(): number {
    this.#refuse('sizeSync', this.#begin('sizeSync'))
    return this.#file.size
  }

  truncateSync(size: number): void {
    const fault = this.#begin('truncateSync', size)
    if (this.#mode === 'read') throw new FileError('EINVAL', 'truncateSync', this.path)
    if (fault === 'crash') this.#file.truncate(size)
    this.#refuse('truncateSync', fault)
    this.#file.truncate(size)
  }

  closeSync(): void {
    const fault = this.#begin('closeSync')
    this.#closed = true
    this.#files.handleClosed()
    this.#refuse('closeSync', fault)
  }

  #begin(operation: FileOperation, position = 0, size = 0): FaultCode | undefined {
    const fault = this.#files.begin(operation, this.path, position, size)
    if (this.#closed) throw new FileError('EBADF', operation, this.path)
    return fault
  }

  /** Throws for every fault but 'short', which only reads and writes know. */
  #refuse(operation: FileOperation, fault: FaultCode | undefined): void {
    if (fault === undefined || fault === 'short') return
    throw new FileError(fault === 'crash' ? 'EIO' : fault, operation, this.path)
  }

  #read(
    operation: FileOperation,
    fault: FaultCode | undefined,
    target: Uint8Array,
    offset: number,
    size: number,
    position: number,
  ): number {
    this.#refuse(operation, fault)
    return this.#file.read(target, offset, fault === 'short' ? shortSize(size) : size, position)
  }

  #write(operation: FileOperation, fault: FaultCode | undefined, bytes: Uint8Array, position: number): number {
    if (this.#mode === 'read') throw new FileError('EBADF', operation, this.path)
    if (fault === 'EIO' || fault === 'crash') this.#file.write(bytes, position) // any part of it may be on the device
    this.#refuse(operation, fault)
    const done = fault === 'short' ? bytes.subarray(0, shortSize(bytes.length)) : bytes
    if (this.#mode === 'write-durable' && this.#files.durableWrites) this.#file.writeDurable(done, position)
    else this.#file.write(done, position)
    return done.length
  }

  #sync(operation: FileOperation, fault: FaultCode | undefined, order: number): void {
    if (fault === 'EIO' || fault === 'ENOSPC') this.#file.failSync()
    this.#refuse(operation, fault)
    this.#file.sync(order)
  }
}
