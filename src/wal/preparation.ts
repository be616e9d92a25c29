/**
 * Takes the space of log segments before they are needed, so that a full disk refuses commits before anything is touched
 * and no commit pays for allocation.
 *
 *   create <n>.tmp  →  zero-fill in 256 KB steps  →  fdatasync  →  rename to <id>  →  fsync of the folder  →  ready
 *
 * A file gets its id when it is renamed, so a preparation in the background and one that a commit had to wait for never
 * dispute a name, and a zero that is late in the system's queue cannot fall on a frame. The first segment of an open has
 * 1 MB, each next twice the one before, up to 16 MB. Where overwriting allocates anyway (copy-on-write file systems)
 * nothing is filled.
 *
 * A disk without room for the next size has mostly room for a smaller one. That is left to those who free space: deletes,
 * the cleaner, the checkpoint. Who puts records is refused, or the last megabyte would go, and nothing could be deleted.
 *
 * Failures here poison nothing: no frame was written. Only a failed fsync of the folder is final, because a second one
 * may lie.
 */
import { BlazeError } from '../base/errors.ts'
import type { FileHandle, Platform } from '../platform/platform.ts'
import { FileError } from '../platform/platform.ts'
import { ioError, segmentPath, TEMPORARY_SUFFIX } from './segment.ts'

export const FIRST_SEGMENT_BYTES = 0x100000
export const LAST_SEGMENT_BYTES = 0x1000000
const FILL_STEP = 0x40000
/** After a failure in the background the next attempt waits; a commit in need tries at once. */
const RETRY_AFTER_MS = 1000
const ZEROS = new Uint8Array(FILL_STEP)

const NOTHING_TOUCHED = 'Nothing was written; the database goes on as it was.'

/** A file ready to become a segment. */
export interface Prepared {
  readonly id: number
  readonly path: string
  readonly sizeBytes: number
  readonly plain: FileHandle
  folderSynced: boolean
}

interface Draft {
  readonly path: string
  readonly handle: FileHandle
  readonly sizeBytes: number
}

export class SegmentPreparer {
  readonly #platform: Platform
  readonly #folder: string
  readonly #minFreeBytes: number
  readonly #ready: Prepared[] = []
  #nextId: number
  #nextSize = FIRST_SEGMENT_BYTES
  #drafts = 0
  #job: Promise<void> | undefined
  #stopped = false
  #retryAt = 0
  /** Of the segment that is being filled in the background: not all of it is taken from the file system yet. */
  #fillingBytes = 0
  #broken: BlazeError | undefined
  /** True since a background attempt failed, until one succeeds: what is ready is then kept for those who free space. */
  short = false
  /** Files and descriptors of failed attempts that could not be given back. */
  leftovers = 0

  /** `minFreeBytes` of the file system are left free, but for those who free space. */
  constructor(platform: Platform, folder: string, nextId: number, minFreeBytes = 0) {
    this.#minFreeBytes = minFreeBytes
    this.#platform = platform
    this.#folder = folder
    this.#nextId = nextId
  }

  get readyCount(): number {
    return this.#ready.length
  }

  /** Bytes of the ready segment `index`, 0 being the next to be taken. */
  readySize(index: number): number {
    return this.#ready[index]?.sizeBytes ?? 0
  }

  /** Makes what is ready sure to be in its folder, so that taking it cannot fail. Throws IO. */
  secure(): void {
    if (this.#broken !== undefined) throw this.#broken
    if (this.#ready.every((each) => each.folderSynced)) return
    this.#syncFolder()
    for (const prepared of this.#ready) prepared.folderSynced = true
  }

  /** Takes the next ready segment, surely in its folder; undefined when there is none. Throws IO. */
  take(): Prepared | undefined {
    this.secure()
    return this.#ready.shift()
  }

  /**
   * Sees to it that `bytes` are ready, in the background, and resolves when they are; or when no more can be had now,
   * which whoever needs them then finds out by himself.
   */
  async prepareBytes(bytes: number): Promise<void> {
    while (this.#ready.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) < bytes) {
      const { readyCount } = this
      this.ahead(readyCount + 1)
      if (this.#job === undefined) return
      await this.#job
      if (this.readyCount <= readyCount) return
    }
  }

  /**
   * Prepares one more segment now, blocking. Throws DISK_FULL or IO; then nothing has changed. `useFloor`: for those who
   * free space, from the bytes too that are to stay free, and a smaller one when there is no room for a whole one.
   */
  prepareSync(options: { readonly useFloor: boolean }): void {
    if (this.#broken !== undefined) throw this.#broken
    const wholeBytes = this.#nextSize
    const least = options.useFloor ? FIRST_SEGMENT_BYTES : wholeBytes
    for (let sizeBytes = wholeBytes; ; sizeBytes /= 2) {
      const failure = this.#tryPrepare(sizeBytes, options)
      if (failure === undefined) break
      this.short = true
      if (!isFull(failure) || sizeBytes <= least) throw preparationError(failure)
    }
    this.secure()
    this.short = this.#ready.at(-1)!.sizeBytes < wholeBytes
  }

  /** One attempt; what failed, with all as it was. */
  #tryPrepare(sizeBytes: number, options: { readonly useFloor: boolean }): unknown {
    let draft: Draft | undefined
    try {
      if (!options.useFloor) this.#assertAboveFloor()
      draft = this.#create(sizeBytes)
      if (this.#platform.files.zeroFillPays) fillSync(draft)
      draft.handle.syncSync()
      this.#adopt(draft)
      return undefined
    } catch (error) {
      if (draft !== undefined) this.#discard(draft)
      return error
    }
  }

  /** Sees to it that `count` segments become ready, in the background. */
  ahead(count: number): void {
    if (this.#job !== undefined || this.#stopped || this.#broken !== undefined || this.#ready.length >= count) return
    if (this.short && this.#platform.clock.monotonic() < this.#retryAt) return
    this.#job = this.#prepareAhead(count).finally(() => {
      this.#job = undefined
    })
  }

  /** Stops the background work and removes what was prepared and not used. */
  async close(): Promise<void> {
    this.#stopped = true
    await this.#job
    for (const prepared of this.#ready.splice(0)) this.#discard({ ...prepared, handle: prepared.plain })
  }

  async #prepareAhead(count: number): Promise<void> {
    while (!this.#stopped && this.#ready.length < count) {
      let draft: Draft | undefined
      try {
        this.#assertAboveFloor()
        draft = this.#create(this.#nextSize)
        this.#fillingBytes = draft.sizeBytes
        if (this.#platform.files.zeroFillPays) await this.#fill(draft)
        if (!this.#stopped) await draft.handle.sync()
        if (this.#stopped) {
          this.#discard(draft)
          return
        }
        this.#adopt(draft)
        this.#fillingBytes = 0
        this.short = false
      } catch (error) {
        this.#fillingBytes = 0
        if (draft !== undefined) this.#discard(draft)
        if (!(error instanceof FileError)) throw error
        this.short = true // the commit that needs the space tries again, and is told
        this.#retryAt = this.#platform.clock.monotonic() + RETRY_AFTER_MS
        return
      }
      const prepared = this.#ready.at(-1)
      try {
        await this.#platform.files.syncFolder(this.#folder)
      } catch (error) {
        this.#broken = preparationError(error)
        return
      }
      if (prepared !== undefined) prepared.folderSynced = true
    }
  }

  /** Throws what a full disk throws, when the next segment would take of what is to stay free. */
  #assertAboveFloor(): void {
    if (this.#minFreeBytes === 0) return
    const free = this.#platform.files.freeBytesSync(this.#folder)
    if (free === undefined || free - this.#nextSize - this.#fillingBytes >= this.#minFreeBytes) return
    throw new FileError('ENOSPC', `keep ${this.#minFreeBytes} bytes (minFreeDiskBytes) free of`, this.#folder)
  }

  #create(sizeBytes: number): Draft {
    const path = `${this.#folder}/${++this.#drafts}${TEMPORARY_SUFFIX}`
    this.#platform.files.unlinkSync(path)
    const handle = this.#platform.files.openSync(path, 'write')
    return { path, handle, sizeBytes }
  }

  async #fill(draft: Draft): Promise<void> {
    for (let at = 0; at < draft.sizeBytes && !this.#stopped; ) {
      const size = Math.min(FILL_STEP, draft.sizeBytes - at)
      at += progress(draft, await draft.handle.write(ZEROS, 0, size, at))
    }
  }

  /** Gives a filled file its id and name. */
  #adopt(draft: Draft): void {
    const id = this.#nextId
    const path = segmentPath(this.#folder, id)
    this.#platform.files.renameSync(draft.path, path)
    this.#nextId++
    this.#nextSize = Math.max(this.#nextSize, Math.min(draft.sizeBytes * 2, LAST_SEGMENT_BYTES))
    this.#ready.push({ id, path, sizeBytes: draft.sizeBytes, plain: draft.handle, folderSynced: false })
  }

  #syncFolder(): void {
    if (this.#broken !== undefined) throw this.#broken
    try {
      this.#platform.files.syncFolderSync(this.#folder)
    } catch (error) {
      this.#broken = preparationError(error)
      throw this.#broken
    }
  }

  /** Gives a draft up; the failure that led here is what is told. */
  #discard(draft: Draft): void {
    for (const undo of [() => draft.handle.closeSync(), () => this.#platform.files.unlinkSync(draft.path)]) {
      try {
        undo()
      } catch (error) {
        if (!(error instanceof FileError)) throw error
        this.leftovers++ // a temporary file that stays is void, and removed by the next open
      }
    }
  }
}

function fillSync(draft: Draft): void {
  for (let at = 0; at < draft.sizeBytes; ) {
    const size = Math.min(FILL_STEP, draft.sizeBytes - at)
    at += progress(draft, draft.handle.writeSync(ZEROS, 0, size, at))
  }
}

/** A write that moves nothing would loop for ever. */
function progress(draft: Draft, written: number): number {
  if (written <= 0) throw new FileError('EIO', 'write', draft.path)
  return written
}

function isFull(error: unknown): error is FileError {
  return error instanceof FileError && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

function preparationError(error: unknown): BlazeError {
  if (isFull(error)) {
    return new BlazeError(
      'DISK_FULL',
      `No space for the next log segment (${error.message}). ${NOTHING_TOUCHED} Free some space and try again; what deletes only, and db.compact(), may use what is left.`,
      undefined,
      { cause: error },
    )
  }
  return ioError(error, NOTHING_TOUCHED)
}
