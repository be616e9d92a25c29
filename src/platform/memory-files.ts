/**
 * The file system of the memory twin: the same contract as node-files.ts over folders and files that remember what is
 * durable (memory-folder.ts, memory-file.ts), with a fault plan asked before each call and asynchronous calls that take
 * effect in a later turn, in the order they were made.
 *
 * What it does not do: permissions, links, renames from one folder to another (EXDEV; nothing above needs them).
 */
import type { FaultCode, FaultPlan, FileOperation } from './fault-plan.ts'
import { type Choose, MemoryFile } from './memory-file.ts'
import { MemoryFolder, type MemoryNode } from './memory-folder.ts'
import { type HandleHost, MemoryHandle, type WriteInFlight } from './memory-handle.ts'
import { type Clock, FileError, type FileHandle, type FileSystem, type OpenMode } from './platform.ts'

/** What a power cut or a kill leaves. */
export type CrashMode = 'lose-unsynced' | 'torn' | 'keep-all'

interface Effect {
  readonly write: WriteInFlight | undefined
  readonly delayMs: number
  /** Does what was asked and settles the promise of the call. */
  run(): void
}

const CACHE_PAGE_BYTES = 4096

interface Settings {
  readonly clock: Clock
  readonly faults: FaultPlan
  readonly durableWrites: boolean
  readonly zeroFillPays: boolean
  /** Lets time go by in a synchronous call to a slow disk. */
  readonly elapse: (delayMs: number) => void
}

/** Files in memory. */
export class MemoryFiles implements FileSystem, HandleHost {
  readonly durableWrites: boolean
  readonly zeroFillPays: boolean
  readonly syncMethod = 'memory'
  /** What `freeBytesSync` reckons with; undefined: it does not tell. A full disk is the fault plan's to play. */
  capacityBytes: number | undefined
  readonly clock: Clock
  readonly faults: FaultPlan
  #root: MemoryFolder
  #inFlight: Effect[] = []
  #scheduled = 0
  #held = false
  #openHandles = 0
  #busyUntilMs = 0
  #waitingForTime = 0
  readonly #elapse: (delayMs: number) => void

  constructor(settings: Settings, root: MemoryFolder = new MemoryFolder()) {
    this.clock = settings.clock
    this.faults = settings.faults
    this.durableWrites = settings.durableWrites
    this.zeroFillPays = settings.zeroFillPays
    this.#elapse = settings.elapse
    this.#root = root
  }

  /** Descriptors open now: none after a clean close. */
  get openHandles(): number {
    return this.#openHandles
  }

  /** Asynchronous calls made and not settled. */
  get inFlight(): number {
    return this.#inFlight.length
  }

  /** Calls that settle within the next turns: neither held nor waiting for a slow disk. */
  get settling(): number {
    return this.#scheduled - this.#waitingForTime
  }

  /** Keeps asynchronous calls in flight until {@link release}. */
  hold(): void {
    this.#held = true
  }

  /** Lets the held calls go, in order: the first `count` of them and hold on, or all and stop holding. */
  release(count?: number): void {
    if (count === undefined) this.#held = false
    const waiting = this.#inFlight.length - this.#scheduled
    for (let left = Math.min(count ?? waiting, waiting); left > 0; left--) this.#schedule()
  }

  openSync(path: string, mode: OpenMode): FileHandle {
    return this.#call('openSync', path, () => {
      const { folder, name } = this.#parent('openSync', path)
      let node = folder.get(name)
      if (node === undefined) {
        if (mode === 'read') throw new FileError('ENOENT', 'openSync', path)
        node = new MemoryFile()
        folder.put(name, node)
      }
      if (node instanceof MemoryFolder) throw new FileError('EISDIR', 'openSync', path)
      this.#openHandles++
      return new MemoryHandle(this, path, node, mode)
    })
  }

  listSync(folder: string): readonly string[] {
    return this.#call('listSync', folder, () => this.#folder('listSync', folder).names())
  }

  existsSync(path: string): boolean {
    return this.#call('existsSync', path, () => this.#find(path) !== undefined)
  }

  makeFolderSync(folder: string): void {
    this.#call('makeFolderSync', folder, () => {
      let at = this.#root
      for (const name of parts(folder)) {
        let next = at.get(name)
        if (next === undefined) {
          next = new MemoryFolder()
          at.put(name, next)
        }
        if (next instanceof MemoryFile) throw new FileError('EEXIST', 'makeFolderSync', folder)
        at = next
      }
    })
  }

  renameSync(from: string, to: string): void {
    this.#call('renameSync', from, () => {
      const source = this.#parent('renameSync', from)
      const target = this.#parent('renameSync', to)
      const node = source.folder.get(source.name)
      const replaced = target.folder.get(target.name)
      if (node === undefined) throw new FileError('ENOENT', 'renameSync', from)
      if (source.folder !== target.folder) throw new FileError('EXDEV', 'renameSync', from)
      if (replaced instanceof MemoryFolder && node instanceof MemoryFile) {
        throw new FileError('EISDIR', 'renameSync', to)
      }
      source.folder.rename(source.name, target.name)
    })
  }

  unlinkSync(path: string): void {
    this.#call('unlinkSync', path, () => {
      const node = this.#find(path)
      if (node === undefined) return
      if (node instanceof MemoryFolder) throw new FileError('EISDIR', 'unlinkSync', path)
      const { folder, name } = this.#parent('unlinkSync', path)
      folder.remove(name)
    })
  }

  removeFolderSync(path: string): void {
    this.#call('removeFolderSync', path, () => {
      const node = this.#find(path)
      if (node === undefined) return
      if (node instanceof MemoryFile) throw new FileError('ENOTDIR', 'removeFolderSync', path)
      if (node.names().length > 0) throw new FileError('ENOTEMPTY', 'removeFolderSync', path)
      const { folder, name } = this.#parent('removeFolderSync', path)
      folder.remove(name)
    })
  }

  syncFolderSync(folder: string): void {
    const fault = this.begin('syncFolderSync', folder)
    if (fault === undefined || fault === 'short') this.#folder('syncFolderSync', folder).sync()
    else throw new FileError(fault === 'crash' ? 'EIO' : fault, 'syncFolderSync', folder)
  }

  async syncFolder(folder: string): Promise<void> {
    const fault = this.begin('syncFolder', folder)
    await this.later('syncFolder', folder, undefined, () => {
      if (fault === undefined || fault === 'short') this.#folder('syncFolder', folder).sync()
      else throw new FileError(fault, 'syncFolder', folder)
    })
  }

  realPathSync(path: string): string {
    return this.#call('realPathSync', path, () => {
      if (this.#find(path) === undefined) throw new FileError('ENOENT', 'realPathSync', path)
      return `/${parts(path).join('/')}`
    })
  }

  freeBytesSync(folder: string): number | undefined {
    return this.#call('freeBytesSync', folder, () => {
      this.#folder('freeBytesSync', folder)
      return this.capacityBytes === undefined ? undefined : Math.max(0, this.capacityBytes - sizeOf(this.#root))
    })
  }

  /** What a crash now would leave, as a new root; this file system goes on undisturbed. */
  remains(mode: CrashMode, choose: Choose): MemoryFolder {
    if (mode === 'lose-unsynced') return this.#root.durableCopy((file) => MemoryFile.of(file.durableCopy()))
    const afterFlight = new Map<MemoryFile, MemoryFile>()
    for (const { write } of this.#inFlight) {
      if (write === undefined) continue
      const file = afterFlight.get(write.file) ?? write.file.clone()
      afterFlight.set(write.file, file)
      const size = mode === 'torn' ? write.bytes.length : killedWriteSize(write.bytes.length, choose)
      file.write(write.bytes.subarray(0, size), write.position)
    }
    const live = (file: MemoryFile): MemoryFile => afterFlight.get(file) ?? file
    return mode === 'keep-all'
      ? this.#root.shownCopy((file) => MemoryFile.of(live(file).contentCopy()))
      : this.#root.tornCopy(choose, (file) => MemoryFile.of(live(file).tornCopy(choose)))
  }

  /** Path and bytes of each file that surely survives. */
  durableFiles(): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>()
    const walk = (folder: MemoryFolder, prefix: string): void => {
      for (const name of folder.names()) {
        const node = folder.get(name)!
        if (node instanceof MemoryFile) found.set(`${prefix}/${name}`, node.contentCopy())
        else walk(node, `${prefix}/${name}`)
      }
    }
    walk(
      this.remains('lose-unsynced', () => 0),
      '',
    )
    return found
  }

  /** Counts a call and returns how it fails; a synchronous one takes its time here. */
  begin(operation: FileOperation, path: string, position = 0, size = 0): FaultCode | undefined {
    const fault = this.faults.next(operation, path, position, size)
    const delayMs = operation.endsWith('Sync') ? this.faults.delayOf(operation, path) : 0
    if (delayMs > 0) this.#elapse(delayMs)
    return fault
  }

  /** Does `run` in a later turn, after the calls made before it. When the power fails first, it stays in flight. */
  later<T>(operation: FileOperation, path: string, write: WriteInFlight | undefined, run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const effect: Effect = {
        write,
        delayMs: this.faults.delayOf(operation, path),
        run: () => {
          try {
            if (this.faults.dead) throw new FileError('EIO', operation, path)
            this.#inFlight.shift()
            resolve(run())
          } catch (error) {
            reject(error)
          }
        },
      }
      this.#inFlight.push(effect)
      if (!this.#held) this.#schedule()
    })
  }

  #schedule(): void {
    const { delayMs } = this.#inFlight[this.#scheduled]!
    this.#scheduled++
    this.#atItsTime(delayMs, () => {
      this.#scheduled--
      // After the power has failed nothing leaves the list any more, so all of it is told.
      if (this.faults.dead) for (const effect of this.#inFlight) effect.run()
      else this.#inFlight[0]?.run()
    })
  }

  /** A device does one call after the other: a quick one behind a slow one waits for it. */
  #atItsTime(delayMs: number, fn: () => void): void {
    if (delayMs === 0 && this.#waitingForTime === 0) {
      this.clock.soon(fn)
      return
    }
    const nowMs = this.clock.monotonic()
    this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs) + delayMs
    this.#waitingForTime++
    this.clock.after(this.#busyUntilMs - nowMs, () => {
      this.#waitingForTime--
      fn()
    })
  }

  handleClosed(): void {
    this.#openHandles--
  }

  /** A synchronous call on names. When the power fails in it, it takes effect without being synced. */
  #call<T>(operation: FileOperation, path: string, run: () => T): T {
    const fault = this.begin(operation, path)
    if (fault === undefined || fault === 'short') return run()
    if (fault === 'crash') run()
    throw new FileError(fault === 'crash' ? 'EIO' : fault, operation, path)
  }

  #find(path: string): MemoryNode | undefined {
    let node: MemoryNode = this.#root
    for (const name of parts(path)) {
      const next: MemoryNode | undefined = node instanceof MemoryFolder ? node.get(name) : undefined
      if (next === undefined) return undefined
      node = next
    }
    return node
  }

  #folder(operation: string, path: string): MemoryFolder {
    const node = this.#find(path)
    if (node === undefined) throw new FileError('ENOENT', operation, path)
    if (node instanceof MemoryFile) throw new FileError('ENOTDIR', operation, path)
    return node
  }

  #parent(operation: string, path: string): { readonly folder: MemoryFolder; readonly name: string } {
    const names = parts(path)
    const name = names.pop()
    if (name === undefined) throw new FileError('EISDIR', operation, path)
    const folder = this.#find(names.join('/'))
    if (folder === undefined) throw new FileError('ENOENT', operation, path)
    if (folder instanceof MemoryFile) throw new FileError('ENOTDIR', operation, path)
    return { folder, name }
  }
}

/** Bytes of all files below a folder. */
function sizeOf(folder: MemoryFolder): number {
  let sum = 0
  for (const name of folder.names()) {
    const node = folder.get(name)
    if (node instanceof MemoryFolder) sum += sizeOf(node)
    else if (node !== undefined) sum += node.size
  }
  return sum
}

/** Names along a path from the root; relative paths begin there too. */
function parts(path: string): string[] {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue
    if (name === '..') names.pop()
    else names.push(name)
  }
  return names
}

/** A write cut by a kill has not begun, has ended, or was done up to a page of the cache. */
function killedWriteSize(size: number, choose: Choose): number {
  const pick = choose(3)
  if (pick === 0) return 0
  if (pick === 1) return size
  return choose(Math.ceil(size / CACHE_PAGE_BYTES)) * CACHE_PAGE_BYTES
}
