/**
 * The log: the one place where a commit becomes true, and the heap its records are read from.
 *
 *      reserve … reserve   submit('full')          advanced(durable, accepted)
 *           │                    │                            ▲
 *           ▼                    ▼                            │
 *   ┌ builder (here) ┐   ┌ group-writer ┐  one write   ┌ device ┐
 *   │ open frame     │──▶│ seals, queues │────────────▶│ log/7  │
 *   └ head segment ──┘   └───────────────┘             └────────┘
 *           │  bytesOf(segment, offset)
 *           ▼
 *   resident.ts: the same buffers, cold frames read back and verified
 *
 * Worked example: a commit of 300 bytes calls canReserve(300), reserve(304), writes its item into itemBytes at
 * itemOffset, submit('full'). At the end of the turn the open frame is closed, sealed (it names the frame before, and
 * what is durable now) and written; when the device has it, `advanced` says so, and the commit is acknowledged.
 *
 * Building is synchronous: between the first reserve of a commit and its submit nothing may be awaited, so that whatever
 * runs in a later turn finds complete items only. Items are opaque; their sizes are multiples of 8.
 *
 * Invariants: bytes of a position are written with one content only; no segment of an earlier open is written (the first
 * commit begins a new one, whose header states the end found at recovery; then the old file is cut there); a segment is
 * durable whole before its successor begins; every byte read from disk was verified as part of its frame.
 *
 * It does not know what items mean, when to clean, or which commit is visible. Sources: ARIES' log without its pages;
 * LevelDB's log for the frames; "group commit" after DeWitt et al., 1984.
 */
import { BlazeError } from '../base/errors.ts'
import type { Lsn } from '../base/ids.ts'
import { lsnOf } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import { FileError } from '../platform/platform.ts'
import type { Frame, FrameSeal } from './frame.ts'
import {
  beginFrame,
  FLAG_LARGE,
  FRAME_HEAD,
  LENGTH_AT,
  MAX_FRAME,
  MAX_ITEM,
  MAX_LARGE_FRAME,
  MAX_LARGE_ITEM,
  SEGMENT_HEAD,
} from './frame.ts'
import type { WriterStats } from './group-writer.ts'
import { GroupWriter } from './group-writer.ts'
import type { Durability, LogConfig, LogPosition, LogStart } from './log-config.ts'
import { LogStream } from './log-stream.ts'
import type { Prepared } from './preparation.ts'
import { SegmentPreparer } from './preparation.ts'
import type { ResidentStats } from './resident.ts'
import { ResidentLog } from './resident.ts'
import { Segment, truncateSegment } from './segment.ts'

export type { Durability, LogConfig, LogPosition, LogStart } from './log-config.ts'

export interface SegmentInfo {
  readonly id: number
  readonly sizeBytes: number
  readonly sealed: boolean
}

export interface LogStats extends WriterStats, ResidentStats {
  readonly totalBytes: number
  readonly preparedSegments: number
  /** Files that could not be cut or removed, descriptors that could not be closed: space only, void at the next open. */
  readonly leftovers: number
}

/** Bytes of commits with durability 'none' that wait in memory before the operating system gets them. */
const MAX_UNWRITTEN = 0x1000000
/** A part of what is to be written that heads, and the ends of segments, take: a sixteenth is more than enough. */
const MAKE_ROOM_SLACK = 16
/** Segments kept ready once the newest is half full. */
const RESERVE = 2

export class Log {
  /** The memory budget's view of the log: a BudgetClient. */
  readonly resident: ResidentLog
  /** After reserve(): the buffer of the segment, the offset of the reserved bytes in it (zero bytes), its id, and the offset of their frame. */
  itemBytes: Uint8Array = new Uint8Array(0)
  itemOffset = 0
  itemSegment = 0
  frameOffset = 0

  readonly #config: LogConfig
  readonly #writer: GroupWriter
  readonly #preparer: SegmentPreparer
  readonly #start: LogStart
  readonly #seal: FrameSeal
  /** The segment that is being filled; undefined before the first reserve of this open. */
  #head: Segment | undefined
  #capacity = 0
  /** Where the next item goes, and up to where the open frame may grow; no open frame: #frame is -1. */
  #cursor = 0
  #frame = -1
  #frameLimit = 0
  #leftovers = 0
  #closed = false

  constructor(config: LogConfig, start: LogStart) {
    this.#config = config
    this.#start = start
    this.#seal = config.seals.frames('log', { epochSalt: config.epochSalt, keyId: config.seals.keyId })
    this.resident = new ResidentLog(config, start.segments, start.tailSegment)
    const nextId = start.tailSegment + start.segments.length
    this.#preparer = new SegmentPreparer(config.platform, config.folder, nextId, config.minFreeBytes)
    this.#writer = new GroupWriter(
      config,
      start.end,
      () => this.#closeFrame(),
      () => this.#truncateOld(),
    )
  }

  /** The end of what is built. */
  get end(): Lsn {
    return this.#head === undefined ? this.#start.end.lsn : lsnOf(this.#head.id, this.#cursor)
  }

  get durable(): Lsn {
    return this.#writer.durable
  }

  get accepted(): Lsn {
    return this.#writer.accepted
  }

  get tailSegment(): number {
    return this.resident.tail
  }

  /** The newest segment: the last begun one, or the one being filled. */
  get headSegment(): number {
    return this.resident.tail + this.resident.segments.length - 1
  }

  /** Bytes of all segments, to their ends. */
  get totalBytes(): number {
    let sum = 0
    for (const segment of this.resident.segments) sum += segment.usedBytes
    return sum
  }

  /**
   * Sees to it that items of `totalSize` bytes in all find room, before anything is touched; `largestItem` bounds one of
   * them. Throws DISK_FULL, IO, POISONED or CLOSED. While space is short the last prepared segment is kept for those who
   * free space: `useReserve` (cleaner, checkpoint, deletes).
   */
  canReserve(totalSize: number, options?: { readonly largestItem?: number; readonly useReserve?: boolean }): void {
    this.#assertWritable()
    // Heads: two neighbouring frames hold more than 64 KB together. The end of a segment loses less than one item.
    const needed = totalSize + FRAME_HEAD * (2 + Math.ceil(totalSize / (MAX_FRAME / 2)))
    const lost = Math.min(totalSize, options?.largestItem ?? MAX_LARGE_ITEM) + FRAME_HEAD
    if (this.#head !== undefined && needed <= this.#capacity - this.#cursor) return
    let left = needed
    if (this.#head !== undefined) left -= Math.max(0, this.#capacity - this.#cursor - lost)
    const useFloor = options?.useReserve === true
    for (let index = 0; left > 0; index++) {
      const keep = this.#preparer.short && !useFloor ? 1 : 0
      while (this.#preparer.readyCount <= index + keep) this.#preparer.prepareSync({ useFloor })
      const room = this.#preparer.readySize(index) - SEGMENT_HEAD
      left -= left <= room ? left : Math.max(0, room - lost)
    }
    this.#preparer.secure()
  }

  /**
   * Prepares the segments that a commit of `totalSize` bytes will fill, so that `canReserve` finds them and its turn does
   * not wait for the device. Throws POISONED or CLOSED; that the disk is full is left to `canReserve`.
   */
  async makeRoom(totalSize: number): Promise<void> {
    this.#assertWritable()
    await this.#preparer.prepareBytes(totalSize + Math.ceil(totalSize / MAKE_ROOM_SLACK))
  }

  /**
   * Reserves `size` zero bytes (a multiple of 8) for one item and says where in itemBytes, itemOffset, itemSegment and
   * frameOffset. Throws TOO_LARGE, and what canReserve throws.
   */
  reserve(size: number): void {
    invariant(size > 0 && size % 8 === 0, () => `an item has a size in units of 8 bytes, not ${size}`)
    if (this.#frame < 0 || this.#cursor + size > this.#frameLimit) this.#openFrame(size)
    this.itemOffset = this.#cursor
    this.#cursor += size
  }

  /** Everything reserved so far is complete and wants this durability; the write begins at the end of the turn. */
  submit(durability: Durability): void {
    if (this.#cursor * 2 > this.#capacity) this.#preparer.ahead(RESERVE)
    switch (durability) {
      case 'full':
        this.#writer.want(true, this.end)
        return
      case 'relaxed':
        this.#writer.want(false, this.end)
        return
      case 'none':
        if (this.#writer.pendingBytes() > MAX_UNWRITTEN) this.#writer.want(false, this.end)
    }
  }

  /** Resolves when everything so far is durable; rejects with POISONED. */
  flush(): Promise<void> {
    return this.#writer.flush()
  }

  /** The same, blocking. Throws POISONED. */
  flushSync(): void {
    this.#writer.flushSync()
  }

  /** Seals what is built: the end of the log with its chain. Not durable yet. */
  boundary(): LogPosition {
    return this.#writer.boundary()
  }

  /** See {@link ResidentLog.bytesOf}. */
  bytesOf(segment: number, offset: number): Uint8Array {
    return this.resident.bytesOf(segment, offset)
  }

  /** See {@link LogStream}. */
  stream(): LogStream {
    return new LogStream(this.resident)
  }

  segments(): readonly SegmentInfo[] {
    return this.resident.segments.map(({ id, usedBytes, closed }) => ({ id, sizeBytes: usedBytes, sealed: closed }))
  }

  /** The verified frames of a segment, in order (of the newest: those sealed). Damage is CORRUPT. */
  readSegment(id: number, options?: { readonly fromDisk: boolean }): Generator<Frame, void, undefined> {
    return this.resident.readSegment(id, options?.fromDisk)
  }

  /** Unlinks the segments below `segment`, the lowest first. Only below the tail that a durable root names. */
  removeBelow(segment: number): void {
    this.resident.removeBelow(segment)
  }

  /**
   * Flushes, waits for every operation, cuts the unused tail, removes what was prepared, closes the descriptors. Resolves
   * with the end of the log; rejects with POISONED (everything closed) when a write had failed.
   */
  async close(options: { readonly truncate: boolean }): Promise<LogPosition> {
    invariant(!this.#closed, () => 'the log is closed once')
    let failure: unknown
    try {
      await this.#writer.flush()
    } catch (error) {
      failure = error
    }
    this.#closed = true
    const position = this.#writer.boundary()
    await this.#writer.idle()
    this.#writer.close()
    await this.#preparer.close()
    const { platform, folder } = this.#config
    const head = this.#head
    if (options.truncate && failure === undefined && head !== undefined) {
      this.#spare(() => truncateSegment(platform, folder, head.id, head.usedBytes))
    }
    this.#spare(() => this.resident.close())
    if (failure !== undefined) throw failure
    return position
  }

  stats(): LogStats {
    return {
      ...this.#writer.stats(),
      ...this.resident.stats(),
      totalBytes: this.totalBytes,
      preparedSegments: this.#preparer.readyCount,
      leftovers: this.#leftovers + this.#preparer.leftovers,
    }
  }

  /** Ends the open frame and begins one with room for an item of `size`, in the next segment when this one has none. */
  #openFrame(size: number): void {
    this.#assertWritable()
    if (size > MAX_LARGE_ITEM) {
      throw new BlazeError('TOO_LARGE', `An item of the log has at most ${MAX_LARGE_ITEM} bytes; this has ${size}.`, {
        limit: MAX_LARGE_ITEM,
        actual: size,
      })
    }
    const alone = size > MAX_ITEM
    if (this.#head === undefined || this.#capacity - this.#cursor < size + FRAME_HEAD) this.#nextSegment()
    else this.#closeFrame()
    const head = this.#head
    invariant(head !== undefined, () => 'there is a segment to build in')
    const start = this.#cursor
    this.#frame = start
    this.#frameLimit = alone ? start + FRAME_HEAD + size : Math.min(start + MAX_FRAME, this.#capacity)
    beginFrame(head.view, start, lsnOf(head.id, start), alone ? FLAG_LARGE : 0)
    this.#cursor = start + FRAME_HEAD
    this.itemBytes = head.bytes
    this.itemSegment = head.id
    this.frameOffset = start
  }

  /** Sets the length of the open frame: its items are complete. */
  #closeFrame(): void {
    if (this.#frame < 0 || this.#head === undefined) return
    invariant(this.#cursor - this.#frame <= MAX_LARGE_FRAME, () => 'a frame keeps its bound')
    this.#head.view.setUint32(this.#frame + LENGTH_AT, this.#cursor - this.#frame, true)
    this.#head.usedBytes = this.#cursor
    this.#frame = -1
  }

  #nextSegment(): void {
    if (this.#preparer.readyCount === 0) this.#preparer.prepareSync({ useFloor: true })
    const prepared = this.#preparer.take()
    invariant(prepared !== undefined, () => 'a segment was prepared')
    const segment = this.#adopt(prepared)
    this.#closeFrame()
    if (this.#head !== undefined) this.#head.closed = true
    else for (const old of this.resident.segments) old.closed = true
    this.#head = segment
    this.#capacity = prepared.sizeBytes
    this.#cursor = SEGMENT_HEAD
    this.resident.add(segment)
    this.#writer.enqueue(segment)
  }

  #adopt(prepared: Prepared): Segment {
    const segment = new Segment(prepared.id, prepared.path, SEGMENT_HEAD)
    segment.plainHandle = prepared.plain
    const { files } = this.#config.platform
    // Without that descriptor each full write is followed by fdatasync. A commit has its number here: nothing may fail.
    if (files.durableWrites) {
      this.#spare(() => {
        segment.durableHandle = files.openSync(prepared.path, 'write-durable')
      })
    }
    segment.seal = this.#seal
    segment.attach(new Uint8Array(new ArrayBuffer(prepared.sizeBytes)), true)
    if (this.#seal.encrypts) segment.sealedBytes = new Uint8Array(prepared.sizeBytes)
    return segment
  }

  #assertWritable(): void {
    invariant(!this.#config.readOnly, () => 'a read-only log is not written')
    if (this.#writer.poison !== undefined) throw this.#writer.poison
    if (this.#closed) throw new BlazeError('CLOSED', 'The database is closed.', undefined)
  }

  /** The first segment of this open states where the older one ends: its file may be cut there. */
  #truncateOld(): void {
    const { lsn } = this.#start.end
    const old = this.#start.segments.at(-1)
    if (old === undefined) return
    invariant(lsn === lsnOf(old.id, old.usedBytes), () => 'the log ended in its newest segment')
    this.#spare(() => truncateSegment(this.#config.platform, this.#config.folder, old.id, old.usedBytes))
  }

  /** Does what only gives back space or descriptors: a failure takes nothing away, and is counted. */
  #spare(call: () => void): void {
    try {
      call()
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      this.#leftovers++
    }
  }
}
