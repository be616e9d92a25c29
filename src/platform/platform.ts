/**
 * The only door to the machine: files, time, randomness, the process lock and the directory store. The engine is given
 * a {@link Platform}; nothing above this folder imports `node:` modules or native code. Two implementations exist: the
 * real one (node-platform.ts) and the memory twin (memory-platform.ts), which forgets, tears and fails on command.
 *
 * Paths are plain strings with `/`. Calls that fail throw a {@link FileError} with the system's code (ENOENT, ENOSPC,
 * EIO …); the layers above turn it into a BlazeError that says what was kept.
 */

/** A failed call to the file system. `code` is the errno name. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly code: string
  readonly operation: string
  readonly file: string
  constructor(code: string, operation: string, file: string, options?: { readonly cause?: unknown }) {
    super(`${operation} ${file}: ${code}`, options)
    this.code = code
    this.operation = operation
    this.file = file
  }
}

/**
 * How a file is opened. 'read'; 'write' = existing or new, read and write, plain; 'write-durable' = the same, each write
 * on the device when it returns (O_DSYNC) where `durableWrites` says so, else plain. Always the same file for one path:
 * a 'write' and a 'write-durable' descriptor may be open on one file at once.
 */
export type OpenMode = 'read' | 'write' | 'write-durable'

/** An open file. All offsets are absolute; reads and writes never move a cursor. */
export interface FileHandle {
  readonly path: string
  /** Reads up to `size` bytes at `position` into `target` from `offset`; returns the bytes read (short at the end). */
  readSync(target: Uint8Array, offset: number, size: number, position: number): number
  read(target: Uint8Array, offset: number, size: number, position: number): Promise<number>
  /** Writes; returns the bytes written, which may be fewer (short write). The bytes must not change until it settles. */
  writeSync(source: Uint8Array, offset: number, size: number, position: number): number
  write(source: Uint8Array, offset: number, size: number, position: number): Promise<number>
  /** fdatasync: all bytes of the file written so far, through any descriptor, are on the device when it returns. */
  syncSync(): void
  sync(): Promise<void>
  sizeSync(): number
  truncateSync(size: number): void
  closeSync(): void
}

/** The file system below one root. */
export interface FileSystem {
  openSync(path: string, mode: OpenMode): FileHandle
  /** Names in a folder, unsorted; throws ENOENT when the folder is absent. */
  listSync(folder: string): readonly string[]
  existsSync(path: string): boolean
  /** Creates the folder and its parents; no error when it is there. */
  makeFolderSync(folder: string): void
  renameSync(from: string, to: string): void
  /** Removes a file; no error when it is absent. */
  unlinkSync(path: string): void
  /** Removes an empty folder; no error when it is absent. */
  removeFolderSync(folder: string): void
  /** fsync of a folder: the entries made, renamed and removed in it so far survive a power cut. */
  syncFolderSync(folder: string): void
  syncFolder(folder: string): Promise<void>
  /** The canonical absolute path (symbolic links resolved); the folder must exist. */
  realPathSync(path: string): string
  /** True when 'write-durable' descriptors are durable by themselves (O_DSYNC); else every full write needs sync(). */
  readonly durableWrites: boolean
  /** True when zero-filling ahead pays (ext4, XFS); false on copy-on-write file systems. */
  readonly zeroFillPays: boolean
  /** A word for stats(): 'o_dsync', 'fdatasync', 'memory'. */
  readonly syncMethod: string
}

/** Time. The engine never calls Date.now or setTimeout itself. */
export interface Clock {
  /** Milliseconds since the epoch, for record times and ids. */
  now(): number
  /** Monotonic milliseconds with a fraction, for durations. */
  monotonic(): number
  /** Calls `fn` once after `delayMs`; the timer does not keep the process alive. Returns the canceller. */
  after(delayMs: number, fn: () => void): () => void
  /** Resolves after `delayMs`; keeps the process alive until then: somebody waits for it. */
  wait(delayMs: number): Promise<void>
  /** Calls `fn` in a later turn of the event loop, after pending I/O callbacks (setImmediate); keeps the process alive only while work is pending. */
  soon(fn: () => void): void
  /** Resolves in a later turn; what slices await between each other. */
  yield(): Promise<void>
}

/** Randomness. Seeded in tests. */
export interface RandomSource {
  /** Fills and returns `target` with random bytes (cryptographic in the real platform). */
  fill(target: Uint8Array): Uint8Array
  /** A float in [0, 1), for jitter. */
  next(): number
}

/** Who holds a directory. */
export interface LockHolder {
  readonly pid: number
  readonly host: string
  readonly since: string
  readonly mode: LockMode
}
export type LockMode = 'read-only' | 'read-write'

/** A held lock. The kernel drops it with the process. */
export interface Lock {
  release(): Promise<void>
}

/** The process lock of a directory. */
export interface LockStore {
  /** Takes the lock or returns the holder that keeps it from us. Waits and retries with jitter where two starters meet. */
  acquire(folder: string, mode: LockMode): Promise<{ readonly lock: Lock } | { readonly holder: LockHolder }>
}

/** A key-value list built once, sealed, and read once as a whole: the LMDB environment that says what is current. */
export interface DirectoryStore {
  /** Builds the file `path` new with these entries, flushed to the device and closed when it resolves. Keys ascend; values ≤ 64 KB. */
  build(path: string, entries: Iterable<readonly [key: number, value: Uint8Array]>): Promise<void>
  /** All entries of a file whose bytes the caller has read and verified. `readOnlyFolder`: nothing may be created beside it. */
  load(
    path: string,
    bytes: Uint8Array,
    options: { readonly readOnlyFolder: boolean },
  ): Promise<readonly (readonly [key: number, value: Uint8Array])[]>
}

/** A digest of bytes that come in parts. */
export interface RunningDigest {
  update(bytes: Uint8Array): void
  /** The digest of all of them; nothing may be added afterwards. */
  finish(): Uint8Array
}

/** Digests that the core needs; Node's own crypto behind them. */
export interface Digest {
  /** SHA-256 of the bytes, 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array
  /** SHA-256 of what is larger than memory. */
  running(): RunningDigest
}

/** Everything the engine is given. */
export interface Platform {
  readonly files: FileSystem
  readonly clock: Clock
  readonly random: RandomSource
  readonly locks: LockStore
  readonly directories: DirectoryStore
  readonly digest: Digest
  /** CRC-32 (IEEE) of source[start, end), continuing `seed`; native for long inputs. Unsigned. */
  crc32(source: Uint8Array, start: number, end: number, seed: number): number
  /** Bytes of memory of the machine (or the container's limit), for the default budget. */
  readonly memoryBytes: number
  /** True where `new Function` is allowed. */
  readonly codeGeneration: boolean
}
