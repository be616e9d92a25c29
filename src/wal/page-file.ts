/**
 * Page segments: where checkpoints put page images. The same frames as the log's (kind = pages), one image a frame, in
 * files of 16 MB under pages/, ids never reused.
 *
 *   append(payload) ─▶ buffer ─▶ writes ≤ 1 MB, one in flight ─▶ sync(): all of it on the device
 *   map entry := { segment, offset, checksum }  ─▶ readPageFrame: the frame there, and none other, verified
 *
 * A page segment is no journal: nothing is replayed from it, what counts is what the page map names, and the map is
 * checked against the directory. So there is no zero-fill, no durableBefore, and a failure poisons nothing: the writer
 * that failed is thrown away with its segments, the next one begins above them.
 *
 * A frame can be read when it was handed to the system (after drain() or sync()); until then the page is in memory.
 */
import { type Lsn, lsnOf } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import { FileError, type FileHandle, type Platform } from '../platform/platform.ts'
import { Descriptors, readFully } from './descriptors.ts'
import {
  beginFrame,
  CHECKSUM_AT,
  describeFault,
  FRAME_HEAD,
  FRAME_SOUND,
  type FrameSeal,
  frameFault,
  LENGTH_AT,
  MAX_FRAME,
  MAX_ITEM,
  MAX_WRITE,
  SEGMENT_HEAD,
  sealFrame,
} from './frame.ts'
import { readHeader } from './reader.ts'
import { damageOf, type Seals } from './seal.ts'
import { encodeHeader, ioError, segmentIds, segmentPath } from './segment.ts'

const SEGMENT_BYTES = 0x1000000
/** The item head a page image carries before its bytes: structure u32, page u32, C f64. */
export const PAGE_ITEM_HEAD = 16

export interface PageFileConfig {
  readonly platform: Platform
  /** The folder of the page segments; it exists. */
  readonly folder: string
  /** 16 bytes. */
  readonly fileId: Uint8Array
  readonly seals: Seals
}

/** Where a page image lies, and the checksum of its frame: what a page map holds. */
export interface PageLocation {
  readonly segment: number
  readonly offset: number
  readonly checksum: number
}

/** One write that waits: bytes [0, size) of `buffer` at `position` of the file. */
interface Chunk {
  readonly handle: FileHandle
  readonly buffer: Uint8Array
  readonly position: number
  readonly size: number
}

/** The ids of the page segments of a folder, ascending. */
export function pageSegmentIds(platform: Platform, folder: string): number[] {
  return segmentIds(platform.files.listSync(folder))
}

export class PageSegmentWriter {
  readonly #config: PageFileConfig
  readonly #epochSalt: Uint8Array
  readonly #seal: FrameSeal
  #nextId: number
  #segment = 0
  #handle: FileHandle | undefined
  #handles: FileHandle[] = []
  /** Bytes of the segment that are written or wait, and those of them in #buffer. */
  #segmentSize = 0
  #buffer = new Uint8Array(0)
  #view = new DataView(this.#buffer.buffer)
  #bufferStart = 0
  #buffered = 0
  #chain = 0
  #chunks: Chunk[] = []
  #pendingBytes = 0
  #job: Promise<void> | undefined
  #failure: unknown
  #newFiles = false

  /** `nextSegment`: the first id to use, above all that were ever used. `epochSalt`: that of this open. */
  constructor(config: PageFileConfig, nextSegment: number, epochSalt: Uint8Array) {
    this.#config = config
    this.#nextId = nextSegment
    this.#epochSalt = epochSalt
    this.#seal = config.seals.frames('pages', { epochSalt, keyId: config.seals.keyId })
  }

  /** The first id that was not used: root.pageHead + 1. */
  get nextSegment(): number {
    return this.#nextId
  }

  /** Bytes appended that the system does not have yet: wait for drain() when they grow too many. */
  get pendingBytes(): number {
    return this.#pendingBytes + this.#buffered
  }

  /** Appends one image (its size a multiple of 8, at most MAX_ITEM); the bytes are copied. Throws IO, and the writer is done. */
  append(payload: Uint8Array): PageLocation {
    const size = FRAME_HEAD + payload.length
    invariant(payload.length > 0 && payload.length % 8 === 0, () => 'a page image has a size in units of 8 bytes')
    invariant(payload.length <= MAX_ITEM && size <= MAX_FRAME, () => 'a page image fits one frame')
    if (this.#failure !== undefined) throw pageError(this.#failure)
    if (this.#handle === undefined || this.#segmentSize + size > SEGMENT_BYTES) this.#beginSegment()
    if (this.#buffered + size > MAX_WRITE) this.#send()
    if (this.#buffered === 0) this.#newBuffer()
    const at = this.#buffered
    const offset = this.#segmentSize
    const lsn = lsnOf(this.#segment, offset)
    beginFrame(this.#view, at, lsn, 0)
    this.#view.setUint32(at + LENGTH_AT, size, true)
    this.#buffer.set(payload, at + FRAME_HEAD)
    const before = 0 as Lsn // page frames prove nothing about one another
    this.#chain = sealFrame(this.#seal, this.#buffer, this.#view, at, before, this.#chain, this.#buffer)
    this.#buffered += size
    this.#segmentSize += size
    return { segment: this.#segment, offset, checksum: this.#chain }
  }

  /** Resolves when the system has all that was appended: it can be read. Rejects with IO. */
  async drain(): Promise<void> {
    this.#send()
    while (this.#job !== undefined) await this.#job
    if (this.#failure !== undefined) throw pageError(this.#failure)
  }

  /** Resolves when all that was appended is on the device. Rejects with IO or DISK_FULL's cause in it; the writer is then done. */
  async sync(): Promise<void> {
    await this.drain()
    try {
      for (const handle of this.#handles) await handle.sync()
      if (this.#newFiles) await this.#config.platform.files.syncFolder(this.#config.folder)
    } catch (error) {
      this.#failure = error
      throw pageError(error)
    }
    this.#newFiles = false
    const current = this.#handle
    for (const handle of this.#handles) if (handle !== current) handle.closeSync()
    this.#handles = current === undefined ? [] : [current]
  }

  /** Waits for the write in flight and closes the descriptors; what was not synced is not promised. */
  async close(): Promise<void> {
    this.#chunks = []
    while (this.#job !== undefined) await this.#job
    this.#handle = undefined
    for (const handle of this.#handles.splice(0)) handle.closeSync()
  }

  #beginSegment(): void {
    this.#send()
    const { platform, folder, fileId, seals } = this.#config
    const id = this.#nextId
    const prevEnd = lsnOf(this.#segment, this.#segmentSize)
    let handle: FileHandle
    try {
      handle = platform.files.openSync(segmentPath(folder, id), 'write')
    } catch (error) {
      this.#failure = error
      throw pageError(error)
    }
    this.#nextId++
    this.#newFiles = true
    this.#handles.push(handle)
    this.#handle = handle
    this.#segment = id
    const epochSalt = this.#epochSalt
    const { keyId } = seals
    const header = { kind: 'pages', id, fileId, epochSalt, prevEnd, prevChain: this.#chain, keyId } as const
    this.#segmentSize = SEGMENT_HEAD
    this.#enqueue({ handle, buffer: encodeHeader(header, seals), position: 0, size: SEGMENT_HEAD })
  }

  #newBuffer(): void {
    this.#buffer = new Uint8Array(MAX_WRITE)
    this.#view = new DataView(this.#buffer.buffer)
    this.#bufferStart = this.#segmentSize
  }

  /** Hands the buffer to the queue of writes. */
  #send(): void {
    if (this.#buffered === 0 || this.#handle === undefined) return
    this.#enqueue({ handle: this.#handle, buffer: this.#buffer, position: this.#bufferStart, size: this.#buffered })
    this.#buffered = 0
  }

  #enqueue(chunk: Chunk): void {
    this.#chunks.push(chunk)
    this.#pendingBytes += chunk.size
    this.#job ??= this.#writeChunks()
  }

  async #writeChunks(): Promise<void> {
    try {
      for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
        for (let at = 0; at < chunk.size; ) {
          const n = await chunk.handle.write(chunk.buffer, at, chunk.size - at, chunk.position + at)
          if (n <= 0) throw new FileError('EIO', 'write', chunk.handle.path)
          at += n
        }
        this.#pendingBytes -= chunk.size
      }
    } catch (error) {
      this.#failure = error
      this.#chunks = []
    }
    this.#job = undefined
  }
}

/** Reads page images back: verified, from a few descriptors kept open. */
export class PageSegmentReader {
  readonly #config: PageFileConfig
  readonly #descriptors: Descriptors
  readonly #seals = new Map<number, FrameSeal>()
  readonly #scratch = new Uint8Array(MAX_FRAME)
  readonly #view = new DataView(this.#scratch.buffer)

  constructor(config: PageFileConfig) {
    this.#config = config
    this.#descriptors = new Descriptors(config.platform.files)
  }

  /**
   * Copies the image at `location` into `target` and returns its size. It must be the frame of that checksum, whole and
   * sound; CORRUPT or TAMPERED names file and offset otherwise. `target` must be large enough.
   */
  readPageFrame(
    location: { readonly segment: number; readonly offset: number },
    checksum: number,
    target: Uint8Array,
  ): number {
    const { segment, offset } = location
    const path = segmentPath(this.#config.folder, segment)
    const bytes = this.#scratch
    const view = this.#view
    try {
      const handle = this.#descriptors.get(path)
      const seal = this.#seal(segment, path, handle)
      const wanted = Math.min(MAX_FRAME, FRAME_HEAD + target.length)
      const size = readFully(handle, bytes, 0, wanted, offset)
      const lsn = lsnOf(segment, offset)
      if (frameFault(seal, bytes, view, 0, size, lsn) !== FRAME_SOUND) {
        const fault = describeFault(seal, bytes, view, 0, size, lsn)
        throw damageOf(seal, path, offset, fault.expected, fault.found)
      }
      const length = view.getUint32(LENGTH_AT, true)
      const found = view.getUint32(CHECKSUM_AT, true)
      if (found !== checksum) throw damageOf(seal, path, offset, `the page frame with checksum ${checksum}`, `${found}`)
      target.set(bytes.subarray(FRAME_HEAD, length))
      return length - FRAME_HEAD
    } catch (error) {
      throw ioError(error, 'Nothing was changed.')
    }
  }

  /** Forgets a segment, so that its file can be removed. */
  forget(segment: number): void {
    this.#seals.delete(segment)
    this.#descriptors.close(segmentPath(this.#config.folder, segment))
  }

  close(): void {
    this.#descriptors.closeAll()
  }

  #seal(segment: number, path: string, handle: FileHandle): FrameSeal {
    let seal = this.#seals.get(segment)
    if (seal === undefined) {
      const { fileId, seals } = this.#config
      seal = seals.frames('pages', readHeader(handle, { path, kind: 'pages', id: segment, fileId, seals }))
      this.#seals.set(segment, seal)
    }
    return seal
  }
}

function pageError(cause: unknown): Error {
  return ioError(cause, 'The checkpoint is abandoned; the log has everything.')
}
