/**
 * Where a backup goes: a folder of files, or one file that holds them. Both are given file after file, in order, and say
 * only at the end that they are whole; until then a folder is marked, and a file has another name.
 *
 *   backup file := magic 8 | section* | manifest | trailer
 *   section     := nameSize u32 | zero u32 | offset f64 | size f64 | name | bytes       offset: where they go in that file
 *   trailer     := manifest's size f64 | magic 8
 */
import { setF64, setU32 } from '../../base/binary.ts'
import { invariant } from '../../base/invariant.ts'
import { FileError, type FileHandle, type FileSystem } from '../../platform/platform.ts'
import { isIncomplete, markIncomplete, unmarkIncomplete } from '../incomplete.ts'
import { MANIFEST_FILE } from './manifest.ts'

/** The file that comes next. */
export interface NextFile {
  readonly name: string
  /** Where its bytes go; above 0 in increments only. */
  readonly offset: number
  readonly sizeBytes: number
}

/** Takes a backup. All calls throw FileError; then abandon() is due. */
export interface BackupOutput {
  begin(file: NextFile): Promise<void>
  write(bytes: Uint8Array): Promise<void>
  end(): Promise<void>
  /** All files are there: makes the backup whole, durable when it resolves. */
  finish(manifest: Uint8Array): Promise<void>
  /** Removes what was written, as far as it can; what stays says that it is not complete. */
  abandon(): void
}

/** Magic and trailer of a backup file. */
export const FILE_MAGIC: Uint8Array = new TextEncoder().encode('BlazeBak')
export const END_MAGIC: Uint8Array = new TextEncoder().encode('BlazeEnd')
export const SECTION_HEAD = 24
export const TRAILER_SIZE = 16
/** Of a backup file that is being written. */
export const PARTIAL_SUFFIX = '.partial'

/** The identity makes a folder a database, so it comes last. */
const IDENTITY = 'identity'

/** A file written front to back. */
class Appender {
  readonly #handle: FileHandle
  #at = 0

  constructor(files: FileSystem, path: string) {
    this.#handle = files.openSync(path, 'write')
    try {
      // What a failed attempt may have left.
      this.#handle.truncateSync(0)
    } catch (error) {
      this.#handle.closeSync()
      throw error
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const n = await this.#handle.write(bytes, done, bytes.length - done, this.#at)
      if (n <= 0) throw new FileError('EIO', 'write', this.#handle.path)
      done += n
      this.#at += n
    }
  }

  sync(): Promise<void> {
    return this.#handle.sync()
  }

  close(): void {
    this.#handle.closeSync()
  }
}

/** A folder, which must be new or empty, with the files as they are named. */
export class FolderOutput implements BackupOutput {
  readonly #files: FileSystem
  readonly #folder: string
  readonly #what: string
  #written: string[] = []
  #open: Appender | undefined
  #identity: { readonly path: string; parts: Uint8Array[] } | undefined

  constructor(files: FileSystem, folder: string, what: string) {
    this.#files = files
    this.#folder = folder
    this.#what = what
  }

  /** Makes the folder and marks it. */
  start(): void {
    this.#files.makeFolderSync(this.#folder)
    markIncomplete(this.#files, this.#folder, this.#what)
    this.#files.makeFolderSync(`${this.#folder}/log`)
    this.#files.makeFolderSync(`${this.#folder}/pages`)
  }

  async begin({ name, offset }: NextFile): Promise<void> {
    invariant(offset === 0, () => 'a folder holds whole files')
    const path = `${this.#folder}/${name}`
    if (name === IDENTITY) {
      this.#identity = { path, parts: [] }
      return
    }
    this.#written.push(path)
    this.#open = new Appender(this.#files, path)
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#open === undefined) this.#identity?.parts.push(bytes.slice())
    else await this.#open.write(bytes)
  }

  async end(): Promise<void> {
    const open = this.#open
    if (open === undefined) return
    await open.sync()
    this.#open = undefined
    open.close()
  }

  /** A restored database has no manifest: it is no backup any more. */
  async finish(manifest: Uint8Array | undefined): Promise<void> {
    if (manifest !== undefined) await this.#put(`${this.#folder}/${MANIFEST_FILE}`, [manifest])
    await this.#files.syncFolder(`${this.#folder}/log`)
    await this.#files.syncFolder(this.#folder)
    if (this.#identity !== undefined) await this.#put(this.#identity.path, this.#identity.parts)
    await this.#files.syncFolder(this.#folder)
    this.#files.syncFolderSync(parentOf(this.#folder))
    unmarkIncomplete(this.#files, this.#folder)
  }

  abandon(): void {
    quietly(() => this.#open?.close())
    // Without the mark it is whole, but for a sync of it: what is taken from it now could be taken for a shorter log.
    if (!this.#isMarked()) return
    let clean = true
    for (const path of this.#written) clean = quietly(() => this.#files.unlinkSync(path)) && clean
    for (const name of ['log', 'pages']) quietly(() => this.#files.removeFolderSync(`${this.#folder}/${name}`))
    if (!clean) return
    quietly(() => unmarkIncomplete(this.#files, this.#folder))
    quietly(() => this.#files.removeFolderSync(this.#folder))
  }

  #isMarked(): boolean {
    let marked = false
    quietly(() => {
      marked = isIncomplete(this.#files, this.#folder)
    })
    return marked
  }

  async #put(path: string, parts: readonly Uint8Array[]): Promise<void> {
    this.#written.push(path)
    this.#open = new Appender(this.#files, path)
    for (const part of parts) await this.#open.write(part)
    await this.end()
  }
}

/** One file. */
export class FileOutput implements BackupOutput {
  readonly #files: FileSystem
  readonly #path: string
  #open: Appender | undefined

  constructor(files: FileSystem, path: string) {
    this.#files = files
    this.#path = path
  }

  async start(): Promise<void> {
    this.#open = new Appender(this.#files, `${this.#path}${PARTIAL_SUFFIX}`)
    await this.#open.write(FILE_MAGIC)
  }

  async begin({ name, offset, sizeBytes }: NextFile): Promise<void> {
    const bytes = new TextEncoder().encode(name)
    const head = new Uint8Array(SECTION_HEAD + bytes.length)
    setU32(head, 0, bytes.length)
    setF64(head, 8, offset)
    setF64(head, 16, sizeBytes)
    head.set(bytes, SECTION_HEAD)
    await this.write(head)
  }

  async write(bytes: Uint8Array): Promise<void> {
    invariant(this.#open !== undefined, () => 'a backup file is begun before it is written')
    await this.#open.write(bytes)
  }

  /** The next section follows at once. */
  end(): Promise<void> {
    return Promise.resolve()
  }

  async finish(manifest: Uint8Array): Promise<void> {
    const trailer = new Uint8Array(TRAILER_SIZE)
    setF64(trailer, 0, manifest.length)
    trailer.set(END_MAGIC, 8)
    await this.write(manifest)
    await this.write(trailer)
    const open = this.#open
    await open?.sync()
    this.#open = undefined
    open?.close()
    this.#files.renameSync(`${this.#path}${PARTIAL_SUFFIX}`, this.#path)
    await this.#files.syncFolder(parentOf(this.#path))
  }

  abandon(): void {
    quietly(() => this.#open?.close())
    quietly(() => this.#files.unlinkSync(`${this.#path}${PARTIAL_SUFFIX}`))
  }
}

/** The folder that a path lies in. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at < 0 ? '.' : path.slice(0, Math.max(1, at))
}

/** True when the call did not fail: what led here is told, and what stays behind says of itself that it is not complete. */
function quietly(call: () => void): boolean {
  try {
    call()
    return true
  } catch (error) {
    if (error instanceof FileError) return false
    throw error
  }
}
