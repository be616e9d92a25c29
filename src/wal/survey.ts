/**
 * A survey of a log that may be damaged: what of it is proven, from its tail on, and what lies beyond. Recovery refuses a
 * damaged log as soon as it finds it; a repair has to know all of it.
 *
 *   tail … │ frames in order ──▶ first fault │ frames that are sound by themselves, bytes that are nothing
 *           kept                              dropped
 *
 * What recovery would call a torn tail is no damage here either: it is where the log ends.
 */
import { isDamage } from '../base/errors.ts'
import { type Lsn, lsnOf, offsetOf, segmentOf } from '../base/ids.ts'
import { FileError, type FileHandle, type Platform } from '../platform/platform.ts'
import { readFully } from './descriptors.ts'
import {
  DURABLE_BEFORE_AT,
  describeFault,
  FRAME_HEAD,
  FRAME_SOUND,
  type Frame,
  frameAt,
  frameFault,
  LSN_AT,
  SEGMENT_HEAD,
} from './frame.ts'
import type { LogPosition } from './log-config.ts'
import { SegmentScan } from './reader.ts'
import { ReadingHandle } from './reading-handle.ts'
import type { Seals } from './seal.ts'
import {
  decodeHeader,
  type ExpectedHeader,
  headerSealed,
  type SegmentHeader,
  segmentIds,
  segmentPath,
  segmentStart,
} from './segment.ts'

export interface SurveyConfig {
  readonly platform: Platform
  /** The folder of the log. */
  readonly folder: string
  readonly fileId: Uint8Array
  readonly seals: Seals
  /** The oldest segment that is needed; undefined: the oldest that there is. */
  readonly tailSegment: number | undefined
  /** What a root promises: the log reaches these. */
  readonly promised: readonly Lsn[]
}

/** What is wrong where the proven log ends. */
export interface LogDamage {
  readonly file: string
  readonly offset: number
  readonly expected: string
  readonly found: string
}

/** A frame: `kept` when it belongs to the proven log. Its bytes are valid until the next one is asked for. */
export interface SurveyedFrame {
  readonly frame: Frame
  readonly kept: boolean
}

export interface Survey {
  readonly tailSegment: number
  /** Where the proven log ends, and the chain there. */
  readonly end: LogPosition
  /** The proven segments with their ends. */
  readonly segments: readonly { readonly id: number; readonly end: number }[]
  /** Undefined when nothing is wrong. */
  readonly damage: LogDamage | undefined
  /** Files behind the end, of which some is dropped. */
  readonly droppedFiles: readonly string[]
  /** Bytes behind the end, up to the last that is not zero: of sound frames, and of nothing that can be read. */
  readonly droppedBytes: number
  readonly unreadableBytes: number
}

interface Begun {
  readonly id: number
  readonly path: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly header: SegmentHeader | undefined
}

/**
 * Walks the log and hands out its frames: the proven ones in order, then those behind the damage that are sound. Gives the
 * survey at the end. At most two segments of memory. Throws FileError, FORMAT_NEWER.
 */
export function* surveyLog(config: SurveyConfig): Generator<SurveyedFrame, Survey, undefined> {
  const { platform, folder, tailSegment } = config
  const ids = segmentIds(platform.files.listSync(folder)).filter((id) => id >= (tailSegment ?? 0))
  const tail = tailSegment ?? ids[0] ?? 1
  const kept: { id: number; end: number }[] = []
  let end: LogPosition = { lsn: segmentStart(tail), chain: 0 }
  let damage: LogDamage | undefined
  let at = 0
  let segment = at < ids.length ? load(config, ids[at]!) : undefined
  for (; segment !== undefined && damage === undefined; at++) {
    damage = faultOfStart(segment, { folder, expectedId: tail + at, before: kept.length === 0 ? undefined : end })
    if (damage !== undefined) break
    if (segment.header === undefined) {
      damage = begunBehind(config, ids.slice(at + 1), segment)
      break
    }
    const nextId = ids[at + 1]
    const next = nextId === undefined ? undefined : load(config, nextId)
    const walked = yield* walkProven(config, segment, next)
    kept.push({ id: segment.id, end: walked.end })
    end = { lsn: lsnOf(segment.id, walked.end), chain: walked.chain }
    damage = walked.damage
    if (damage !== undefined) break
    segment = next
  }
  damage ??= brokenPromise(config, end)
  if (damage === undefined) {
    return { tailSegment: tail, end, segments: kept, damage, droppedFiles: [], droppedBytes: 0, unreadableBytes: 0 }
  }
  const dropped = yield* walkDropped(config, ids, end, kept.length > 0)
  return { tailSegment: tail, end, segments: kept, damage, ...dropped }
}

function load({ platform, folder, fileId, seals }: SurveyConfig, id: number): Begun {
  const path = segmentPath(folder, id)
  const handle = platform.files.openSync(path, 'read')
  try {
    const bytes = readWhole(handle)
    const sealed = headerSealed(bytes.subarray(0, SEGMENT_HEAD))
    const header = sealed ? headerOf(bytes, { path, kind: 'log', id, fileId, seals }) : undefined
    return { id, path, bytes, header }
  } finally {
    handle.closeSync()
  }
}

function headerOf(bytes: Uint8Array, expected: ExpectedHeader): SegmentHeader | undefined {
  try {
    return decodeHeader(bytes.subarray(0, SEGMENT_HEAD), expected)
  } catch (error) {
    // A sealed header of another database, or of another segment: as good as none.
    if (isDamage(error)) return undefined
    throw error
  }
}

/** Larger than any segment. */
const MAX_BYTES = 0x1000000

function readWhole(handle: FileHandle): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(Math.min(MAX_BYTES, handle.sizeSync())))
  const size = readFully(handle, bytes, 0, bytes.length, 0)
  if (size < bytes.length) throw new FileError('EIO', 'read', handle.path)
  return bytes
}

/** What is wrong with a segment before its first frame. A file that never began is where the log ends. */
function faultOfStart(
  { id, path, header, bytes }: Begun,
  {
    folder,
    expectedId,
    before,
  }: { readonly folder: string; readonly expectedId: number; readonly before: LogPosition | undefined },
): LogDamage | undefined {
  if (id !== expectedId) {
    const file = segmentPath(folder, expectedId)
    return { file, offset: 0, expected: `segment ${expectedId}`, found: 'no such file' }
  }
  if (header === undefined) {
    if (lastNonZero(bytes, SEGMENT_HEAD) <= SEGMENT_HEAD) return undefined
    return { file: path, offset: 0, expected: 'a segment header', found: 'other bytes' }
  }
  if (before === undefined || (header.prevEnd === before.lsn && header.prevChain === before.chain)) return undefined
  const found = `${header.prevEnd} with chain ${header.prevChain}`
  return { file: path, offset: 72, expected: `the end ${before.lsn} with chain ${before.chain}`, found }
}

/** A file that never began is the last one, but for others like it. */
function begunBehind(config: SurveyConfig, ids: readonly number[], { path }: Begun): LogDamage | undefined {
  const begun = ids
    .map((id) => load(config, id))
    .find(({ header, bytes }) => {
      return header !== undefined || lastNonZero(bytes, SEGMENT_HEAD) > SEGMENT_HEAD
    })
  if (begun === undefined) return undefined
  return { file: path, offset: 0, expected: 'a segment header', found: `none, but ${begun.path} was begun` }
}

interface Walked {
  /** Where the proven frames end, and the chain there. */
  readonly end: number
  readonly chain: number
  readonly damage: LogDamage | undefined
}

/** The frames of a segment up to its successor's word, or to the first fault. */
function* walkProven(
  config: SurveyConfig,
  segment: Begun,
  next: Begun | undefined,
): Generator<SurveyedFrame, Walked, undefined> {
  const { id, path, bytes } = segment
  const header = segment.header!
  const stated =
    next?.header !== undefined && segmentOf(next.header.prevEnd) === id ? offsetOf(next.header.prevEnd) : undefined
  const endOffset = Math.min(stated ?? bytes.length, bytes.length)
  const seal = config.seals.frames('log', header)
  const handle = new BytesHandle(path, bytes)
  const buffer = new Uint8Array(new ArrayBuffer(endOffset))
  const scan = new SegmentScan({ handle, path, segment: id, seal, endOffset, buffer }, SEGMENT_HEAD, header.prevChain)
  for (let frame = scan.next(); frame !== undefined; frame = scan.next()) yield { frame, kept: true }
  const end = scan.offset
  const chain = scan.chain ?? header.prevChain
  const faulty = stated === undefined ? hasDurableFrame(config, segment, end) : end !== stated
  if (!faulty) return { end, chain, damage: undefined }
  const view = new DataView(bytes.buffer)
  const fault = describeFault(seal, bytes, view, end, bytes.length, lsnOf(id, end))
  return { end, chain, damage: { file: path, offset: end, ...fault } }
}

/** Invariant 3: a sound frame behind the fault that was written when its place was already durable. */
function hasDurableFrame(config: SurveyConfig, segment: Begun, fault: number): boolean {
  const view = new DataView(segment.bytes.buffer)
  for (const frame of soundFrames(config, segment, fault)) {
    if (view.getFloat64(frame.start + DURABLE_BEFORE_AT, true) > lsnOf(segment.id, fault)) return true
  }
  return false
}

/** Frames from an offset on that are sound by themselves, at whatever place. */
function* soundFrames(
  { seals }: SurveyConfig,
  { id, bytes, header }: Begun,
  from: number,
): Generator<Frame, void, undefined> {
  if (header === undefined) return
  const seal = seals.frames('log', header)
  const view = new DataView(bytes.buffer)
  const start = Math.max(SEGMENT_HEAD, Math.ceil(from / 8) * 8)
  for (let at = start; at + FRAME_HEAD <= bytes.length; ) {
    const lsn = lsnOf(id, at)
    const isFrame =
      view.getFloat64(at + LSN_AT, true) === lsn && frameFault(seal, bytes, view, at, bytes.length, lsn) === FRAME_SOUND
    if (!isFrame) {
      at += 8
      continue
    }
    const frame = frameAt(id, bytes, view, at)
    yield frame
    at = frame.payloadEnd
  }
}

/** All that lies behind the end. */
function* walkDropped(
  config: SurveyConfig,
  ids: readonly number[],
  end: LogPosition,
  any: boolean,
): Generator<SurveyedFrame, Pick<Survey, 'droppedFiles' | 'droppedBytes' | 'unreadableBytes'>, undefined> {
  const droppedFiles: string[] = []
  let droppedBytes = 0
  let unreadableBytes = 0
  for (const id of ids) {
    const from = any && id === segmentOf(end.lsn) ? offsetOf(end.lsn) : 0
    if (any && id < segmentOf(end.lsn)) continue
    const segment = load(config, id)
    let last = lastNonZero(segment.bytes, from)
    if (last <= from) continue
    droppedFiles.push(segment.path)
    let frames = from === 0 && segment.header !== undefined ? SEGMENT_HEAD : 0
    for (const frame of soundFrames(config, segment, from)) {
      frames += frame.payloadEnd - frame.start
      last = Math.max(last, frame.payloadEnd)
      yield { frame, kept: false }
    }
    droppedBytes += last - from
    unreadableBytes += last - from - frames
  }
  return { droppedFiles, droppedBytes, unreadableBytes }
}

/** A root, and a clean close, say how far the log reached. */
function brokenPromise({ folder, promised }: SurveyConfig, end: LogPosition): LogDamage | undefined {
  const furthest = Math.max(end.lsn, ...promised)
  if (furthest <= end.lsn) return undefined
  const file = segmentPath(folder, segmentOf(end.lsn))
  return { file, offset: offsetOf(end.lsn), expected: `a log up to ${furthest}`, found: 'its end' }
}

/** Offset behind the last byte from `from` on that is not zero, to whole frames' grain. */
function lastNonZero(bytes: Uint8Array, from: number): number {
  let end = bytes.length
  while (end > from && bytes[end - 1] === 0) end--
  return end > from ? Math.min(bytes.length, Math.ceil(end / 8) * 8) : from
}

/** A file that is in memory, for a scan. */
class BytesHandle extends ReadingHandle {
  readonly #bytes: Uint8Array

  constructor(path: string, bytes: Uint8Array) {
    super(path)
    this.#bytes = bytes
  }

  readSync(target: Uint8Array, offset: number, size: number, position: number): number {
    const part = this.#bytes.subarray(position, position + size)
    target.set(part, offset)
    return part.length
  }

  sizeSync(): number {
    return this.#bytes.length
  }
}
