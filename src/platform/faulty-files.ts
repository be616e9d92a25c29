/**
 * Faults over the real file system: every call goes through a {@link FaultPlan} on its way to the files below, so that
 * the nth write of a real database on a real disk fails.
 *
 *   'EIO'      a write, sync, truncation or change of names is done, then fails: whether it took place is not known
 *   'ENOSPC'   nothing is done
 *   'short'    half of what was asked is read or written
 *   'crash'    nothing is done, and every later call fails: the process is as good as killed. What the files hold is
 *              what a killed process leaves; for power cuts there is the memory twin, which knows what was not synced
 *
 * What it does not reach: the process lock, and what the directory store does through LMDB.
 */
import { type FaultCode, type FaultPlan, type FileOperation, shortSize } from './fault-plan.ts'
import { FileError, type FileHandle, type FileSystem } from './platform.ts'

/** `files` as `faults` lets them work. */
export function faultyFiles(files: FileSystem, faults: FaultPlan): FileSystem {
  const call = <T>(operation: FileOperation, path: string, run: () => T): T => {
    const fault = faults.next(operation, path)
    if (fault === 'EIO') run()
    refuse(fault, operation, path)
    return run()
  }
  return {
    durableWrites: files.durableWrites,
    zeroFillPays: files.zeroFillPays,
    syncMethod: files.syncMethod,
    openSync(path, mode) {
      refuse(faults.next('openSync', path), 'openSync', path)
      return new FaultyHandle(files.openSync(path, mode), faults)
    },
    listSync: (folder) => call('listSync', folder, () => files.listSync(folder)),
    existsSync: (path) => call('existsSync', path, () => files.existsSync(path)),
    makeFolderSync: (folder) => call('makeFolderSync', folder, () => files.makeFolderSync(folder)),
    renameSync: (from, to) => call('renameSync', from, () => files.renameSync(from, to)),
    unlinkSync: (path) => call('unlinkSync', path, () => files.unlinkSync(path)),
    removeFolderSync: (folder) => call('removeFolderSync', folder, () => files.removeFolderSync(folder)),
    syncFolderSync: (folder) => call('syncFolderSync', folder, () => files.syncFolderSync(folder)),
    async syncFolder(folder) {
      const fault = faults.next('syncFolder', folder)
      if (fault === 'EIO' || fault === undefined || fault === 'short') await files.syncFolder(folder)
      refuse(fault, 'syncFolder', folder)
    },
    freeBytesSync: (folder) => call('freeBytesSync', folder, () => files.freeBytesSync(folder)),
    realPathSync: (path) => call('realPathSync', path, () => files.realPathSync(path)),
  }
}

/** Throws for every fault but 'short', which only reads and writes know. */
function refuse(fault: FaultCode | undefined, operation: FileOperation, path: string): void {
  if (fault === undefined || fault === 'short') return
  throw new FileError(fault === 'crash' ? 'EIO' : fault, operation, path)
}

/** A descriptor of {@link faultyFiles}. */
class FaultyHandle implements FileHandle {
  readonly #handle: FileHandle
  readonly #faults: FaultPlan

  constructor(handle: FileHandle, faults: FaultPlan) {
    this.#handle = handle
    this.#faults = faults
  }

  get path(): string {
    return this.#handle.path
  }

  readSync(target: Uint8Array, offset: number, size: number, position: number): number {
    const fault = this.#next('readSync', position, size)
    refuse(fault, 'readSync', this.path)
    return this.#handle.readSync(target, offset, sizeUnder(fault, size), position)
  }

  async read(target: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    const fault = this.#next('read', position, size)
    refuse(fault, 'read', this.path)
    return this.#handle.read(target, offset, sizeUnder(fault, size), position)
  }

  writeSync(source: Uint8Array, offset: number, size: number, position: number): number {
    const fault = this.#next('writeSync', position, size)
    if (fault === 'EIO') this.#handle.writeSync(source, offset, size, position)
    refuse(fault, 'writeSync', this.path)
    return this.#handle.writeSync(source, offset, sizeUnder(fault, size), position)
  }

  async write(source: Uint8Array, offset: number, size: number, position: number): Promise<number> {
    const fault = this.#next('write', position, size)
    if (fault === 'EIO') await this.#handle.write(source, offset, size, position)
    refuse(fault, 'write', this.path)
    return this.#handle.write(source, offset, sizeUnder(fault, size), position)
  }

  syncSync(): void {
    this.#call('syncSync', () => this.#handle.syncSync())
  }

  async sync(): Promise<void> {
    const fault = this.#next('sync')
    if (fault === 'EIO' || fault === undefined || fault === 'short') await this.#handle.sync()
    refuse(fault, 'sync', this.path)
  }

  sizeSync(): number {
    return this.#call('sizeSync', () => this.#handle.sizeSync())
  }

  truncateSync(size: number): void {
    this.#call('truncateSync', () => this.#handle.truncateSync(size), size)
  }

  /** The descriptor is given back whatever the plan says: a real one would be kept open for the life of the process. */
  closeSync(): void {
    let fault: FaultCode | undefined
    try {
      fault = this.#next('closeSync')
    } finally {
      this.#handle.closeSync()
    }
    refuse(fault, 'closeSync', this.path)
  }

  #next(operation: FileOperation, position = 0, size = 0): FaultCode | undefined {
    return this.#faults.next(operation, this.path, position, size)
  }

  #call<T>(operation: FileOperation, run: () => T, position = 0): T {
    const fault = this.#next(operation, position)
    if (fault === 'EIO') run()
    refuse(fault, operation, this.path)
    return run()
  }
}

function sizeUnder(fault: FaultCode | undefined, size: number): number {
  return fault === 'short' ? shortSize(size) : size
}
