/**
 * Where checkpoints append their images: the newest page segment of this open, and after a failure a new one. What a
 * failed checkpoint wrote is never written again, and never read: no map names it.
 */
import { BlazeError } from '../base/errors.ts'
import { FileError } from '../platform/platform.ts'
import { type PageFileConfig, type PageLocation, PageSegmentWriter } from '../wal/page-file.ts'

/** More than this is not kept waiting for the device. */
const MAX_PENDING = 0x800000

export class PageOutput {
  readonly #config: PageFileConfig
  readonly #epochSalt: Uint8Array
  #writer: PageSegmentWriter
  #first: number

  /** `pageHead`: the last page segment that the root names. */
  constructor(config: PageFileConfig, pageHead: number, epochSalt: Uint8Array) {
    this.#config = config
    this.#epochSalt = epochSalt
    this.#first = pageHead + 1
    this.#writer = new PageSegmentWriter(config, this.#first, epochSalt)
  }

  /** The last page segment that was used. */
  get head(): number {
    return this.#writer.nextSegment - 1
  }

  /** The page segment that is being filled; undefined when the next image begins one. */
  get current(): number | undefined {
    return this.head >= this.#first ? this.head : undefined
  }

  /** True when so much waits that the appender should await `drain`. */
  get crowded(): boolean {
    return this.#writer.pendingBytes > MAX_PENDING
  }

  /** Appends an image; the bytes are copied. Throws IO. */
  append(image: Uint8Array): PageLocation {
    return this.#writer.append(image)
  }

  drain(): Promise<void> {
    return this.#writer.drain()
  }

  sync(): Promise<void> {
    return this.#writer.sync()
  }

  /** Leaves the segment that is being filled: the next image begins a new one. While no checkpoint appends. */
  async abandon(): Promise<void> {
    const old = this.#writer
    this.#first = old.nextSegment
    this.#writer = new PageSegmentWriter(this.#config, this.#first, this.#epochSalt)
    try {
      await old.close()
    } catch (error) {
      // A descriptor that cannot be closed takes nothing away: its file is void.
      if (!(error instanceof FileError || error instanceof BlazeError)) throw error
    }
  }

  close(): Promise<void> {
    return this.#writer.close()
  }
}
