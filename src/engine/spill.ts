/**
 * Spill: versions that only an older snapshot sees, kept when the log segment that held them is cleaned. Volatile: the
 * file is deleted at open, and nothing in it is ever recovered. So a long reader costs the disk what it can see, and
 * neither memory nor the log grow with it.
 *
 * A spilled version's place is negative: -number. Each is sealed under its number, appended once, and verified when it is
 * read; what proves it stays in memory. The file is cut when the last one has gone.
 */
import { corrupt } from '../base/errors.ts'
import type { Lsn } from '../base/ids.ts'
import { FileError, type FileHandle, type Platform } from '../platform/platform.ts'
import { type BlockSeal, damageOf, type SealedBlock } from '../wal/seal.ts'
import { ioError } from '../wal/segment.ts'

interface Spilled {
  readonly offset: number
  readonly size: number
  readonly proof: SealedBlock['proof']
}

export class Spill {
  readonly #platform: Platform
  readonly #path: string
  readonly #seal: BlockSeal
  #handle: FileHandle | undefined
  readonly #entries = new Map<number, Spilled>()
  #next = 1
  #end = 0
  #bytes = 0

  constructor(platform: Platform, folder: string, seal: BlockSeal) {
    this.#platform = platform
    this.#seal = seal
    this.#path = `${folder}/spill`
  }

  /** Bytes of spilled versions. */
  get sizeBytes(): number {
    return this.#bytes
  }

  /** Keeps an entry (its bytes as in the log); returns its place. Throws IO, DISK_FULL. */
  add(entry: Uint8Array): Lsn {
    const number = this.#next++
    const { bytes, proof } = this.#seal.seal(number, entry)
    try {
      this.#handle ??= this.#platform.files.openSync(this.#path, 'write')
      for (let at = 0; at < bytes.length; ) {
        const written = this.#handle.writeSync(bytes, at, bytes.length - at, this.#end + at)
        if (written === 0) throw new FileError('EIO', 'write', this.#path)
        at += written
      }
    } catch (error) {
      throw ioError(error, 'Cleaning waits; nothing is lost.')
    }
    this.#entries.set(number, { offset: this.#end, size: bytes.length, proof })
    this.#end += bytes.length
    this.#bytes += bytes.length
    return -number as Lsn
  }

  /** The entry at a place: its own copy. Throws CORRUPT, TAMPERED, IO. */
  read(place: Lsn): Uint8Array {
    const spilled = this.#entries.get(-place)
    if (spilled === undefined || this.#handle === undefined) {
      throw corrupt(this.#path, 0, `spilled version ${-place}`, 'none')
    }
    const { offset, size, proof } = spilled
    const bytes = new Uint8Array(size)
    let at = 0
    try {
      while (at < size) {
        const read = this.#handle.readSync(bytes, at, size - at, offset + at)
        if (read === 0) break
        at += read
      }
    } catch (error) {
      throw ioError(error, 'Nothing was changed.')
    }
    const entry = at < size ? undefined : this.#seal.open(-place, { bytes, proof })
    if (entry !== undefined) return entry
    const found = at < size ? `${at} of ${size} bytes` : 'other bytes'
    throw damageOf(this.#seal, this.#path, offset, `spilled version ${-place}`, found)
  }

  /** The version at a place has gone. */
  release(place: Lsn): void {
    const spilled = this.#entries.get(-place)
    if (spilled === undefined) return
    this.#entries.delete(-place)
    this.#bytes -= spilled.size
    if (this.#entries.size > 0 || this.#handle === undefined) return
    this.#end = 0
    this.#handle.truncateSync(0)
  }

  close(): void {
    this.#handle?.closeSync()
    if (this.#handle !== undefined) this.#platform.files.unlinkSync(this.#path)
    this.#handle = undefined
  }
}
