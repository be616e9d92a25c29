/**
 * Recovery of the log: what of it is true after a crash, a cut, or rot. Nothing is written or removed here, except that a
 * writing open makes durable what it believed: a killed process leaves bytes with the operating system only, and a failed
 * sync leaves bytes that no later sync writes. So they are written again, the same bytes at the same place.
 *
 *   tailSegment … C's segment … newest begun │ prepared, never begun
 *                     C ├── frames in order ──┤ end
 *
 *   step 2  the newest files without a valid header were never begun, if all behind it is zero; the rest is contiguous
 *   step 4  the log reaches C, and the end that a clean close promised, each with its chain
 *   step 5  frames from C in order: checksum, position, chain; at a segment's end its successor's prevEnd and prevChain
 *
 * At the first faulty frame at p, invariant 3 decides: a successor's header with prevEnd > p, or a valid frame anywhere
 * behind p with durableBefore > p, proves that p was durable: corruption, and nothing is opened. Anything else is a torn
 * tail: the log ends at p, in memory; the first commit's new segment says so for ever, in its header.
 *
 * A torn write leaves valid frames behind the damage in most states, so those alone prove nothing; cutting at every
 * damage would hide rot. Where the log ends exactly at C, the frame that ends there is sought backwards and must carry
 * C's chain, so that a log older than its root is noticed.
 */
import { corrupt } from '../base/errors.ts'
import { lsnOf, offsetOf, segmentOf } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import type { FileHandle, Platform } from '../platform/platform.ts'
import { FileError } from '../platform/platform.ts'
import { readFully } from './descriptors.ts'
import type { Frame } from './frame.ts'
import {
  CHECKSUM_AT,
  DURABLE_BEFORE_AT,
  FRAME_HEAD,
  FRAME_SOUND,
  frameFault,
  LENGTH_AT,
  LSN_AT,
  MAX_FRAME,
  MAX_LARGE_FRAME,
  SEGMENT_HEAD,
} from './frame.ts'
import type { LogConfig, LogPosition, LogStart } from './log-config.ts'
import type { ScanPlace, ScanSource } from './reader.ts'
import { SegmentScan } from './reader.ts'
import { dropUnbegun, endOf, headerOfSegment, makeDurable, type RecoveryConfig } from './recovery-files.ts'
import { damageOf } from './seal.ts'
import type { SegmentHeader } from './segment.ts'
import {
  HEADER_CHAIN_AT,
  ioError,
  markResident,
  Segment,
  segmentIds,
  segmentPath,
  segmentStart,
  TEMPORARY_SUFFIX,
} from './segment.ts'

/** Where recovery begins. */
export interface RecoveryStart {
  /** The oldest segment that is still needed: root.logTail. */
  readonly tailSegment: number
  /** C of the root with the chain there; 'start': the start of tailSegment with what its header says (rebuild). */
  readonly position: LogPosition | 'start'
  /** The end that a clean close promised. */
  readonly cleanEnd?: LogPosition
  /** True: the frames read stay in memory, for the reads that follow. */
  readonly keep?: boolean
  /** Ends of old segments that are known (from the directory), so that their successors' headers need not be read. */
  readonly sizes?: ReadonlyMap<number, number>
}

export interface Recovered extends LogStart {
  /** Bytes up to the last one that is not zero behind the end: a torn tail, void. */
  readonly tornBytes: number
  /** Ids of files that hold nothing: below the tail, or prepared and never begun. */
  readonly voidSegments: readonly number[]
}

/** The id of the oldest segment file in a log folder; undefined when there is none. For a rebuild without a root. */
export function oldestSegment(platform: Platform, folder: string): number | undefined {
  return segmentIds(platform.files.listSync(folder))[0]
}

/**
 * Verifies the log from C and hands its frames to `onFrame`, in order. A frame's bytes are valid during the call; with
 * `keep` they stay where the log serves them from. Throws CORRUPT or TAMPERED naming file and offset, FORMAT_NEWER, IO.
 */
export function recoverLog(config: RecoveryConfig, from: RecoveryStart, onFrame: (frame: Frame) => void): Recovered {
  try {
    return recover(config, from, onFrame)
  } catch (error) {
    if (error instanceof FileError) throw ioError(error, 'Nothing was changed.')
    throw error
  }
}

/** Removes what recovery found void, the lowest id first, and temporary names. Only when all else is proven. */
export function removeVoid(config: Pick<LogConfig, 'platform' | 'folder'>, recovered: Recovered): void {
  const { files } = config.platform
  for (const id of recovered.voidSegments) files.unlinkSync(segmentPath(config.folder, id))
  for (const name of files.listSync(config.folder)) {
    if (name.endsWith(TEMPORARY_SUFFIX)) files.unlinkSync(`${config.folder}/${name}`)
  }
}

function recover(config: RecoveryConfig, from: RecoveryStart, onFrame: (frame: Frame) => void): Recovered {
  const { platform, folder } = config
  const { tailSegment } = from
  const ids = segmentIds(platform.files.listSync(folder))
  const below = ids.filter((id) => id < tailSegment)
  const present = ids.filter((id) => id >= tailSegment)
  const handles = new Map<number, FileHandle>()
  try {
    const open = (id: number): FileHandle => {
      let handle = handles.get(id)
      if (handle === undefined) {
        handle = platform.files.openSync(segmentPath(folder, id), 'read')
        handles.set(id, handle)
      }
      return handle
    }
    const headers = new Map<number, SegmentHeader>()
    const headerOf = (id: number): SegmentHeader => {
      let header = headers.get(id)
      if (header === undefined) {
        header = headerOfSegment(config, id, open(id))
        headers.set(id, header)
      }
      return header
    }
    // First: a crash while prepared files are made or removed may leave any of them.
    const unbegun = dropUnbegun(config, present, open)
    present.forEach((id, i) => {
      const wanted = tailSegment + i
      if (id !== wanted) throw corrupt(segmentPath(folder, wanted), 0, `segment ${wanted}`, 'no such file')
    })
    const voidSegments = [...below, ...unbegun]
    if (present.length === 0) {
      const end = emptyLog(config, from)
      return { end, tailSegment, segments: [], tornBytes: 0, voidSegments }
    }
    const newest = present.at(-1)!
    const start = startPosition(config, from, newest, headerOf)
    const segments = describeSegments(config, from, present, headerOf, open)
    const walked = walk({ config, from, start, segments, headerOf, open, onFrame })
    const last = segments.at(-1)!
    last.usedBytes = offsetOf(walked.end.lsn)
    last.sealedTo = last.usedBytes
    last.writtenTo = last.usedBytes
    if (!config.readOnly && from.cleanEnd?.lsn !== walked.end.lsn) {
      makeDurable(config, last.id, provenOffset(last.id, start, walked.durableBefore), last.usedBytes)
    }
    invariant(last.seal !== undefined, () => 'the newest header was read')
    const { end, tornBytes } = walked
    return { end, tornBytes, tailSegment, segments, voidSegments }
  } finally {
    for (const handle of handles.values()) handle.closeSync()
  }
}

/** Up to here the newest segment was surely on the device: below C, and below what its last frame says was durable. */
function provenOffset(id: number, start: LogPosition, durableBefore: number): number {
  const inSegment = (lsn: number): number => (lsn >= lsnOf(id, 0) ? lsn - lsnOf(id, 0) : 0)
  return Math.max(inSegment(start.lsn), inSegment(durableBefore))
}

/** A log without segments is right only if nothing was ever committed. */
function emptyLog(config: RecoveryConfig, from: RecoveryStart): LogPosition {
  const first: LogPosition = { lsn: segmentStart(from.tailSegment), chain: 0 }
  const position = from.position === 'start' ? first : from.position
  const promised = from.cleanEnd ?? position
  if (position.lsn === first.lsn && position.chain === 0 && promised.lsn === first.lsn) return first
  throw corrupt(segmentPath(config.folder, from.tailSegment), 0, `a log up to ${promised.lsn}`, 'no segment')
}

/** C, in a segment that exists. */
function startPosition(
  config: RecoveryConfig,
  from: RecoveryStart,
  newest: number,
  headerOf: (id: number) => SegmentHeader,
): LogPosition {
  if (from.position === 'start') {
    return { lsn: segmentStart(from.tailSegment), chain: headerOf(from.tailSegment).prevChain }
  }
  const segment = segmentOf(from.position.lsn)
  invariant(segment >= from.tailSegment, () => 'C is not below the tail')
  if (segment > newest) {
    throw corrupt(segmentPath(config.folder, newest), 0, `a log up to ${from.position.lsn}`, `segments up to ${newest}`)
  }
  return from.position
}

/** The segments with their ends; that of the newest is not known yet. */
function describeSegments(
  config: RecoveryConfig,
  from: RecoveryStart,
  ids: readonly number[],
  headerOf: (id: number) => SegmentHeader,
  open: (id: number) => FileHandle,
): Segment[] {
  return ids.map((id, i) => {
    const path = segmentPath(config.folder, id)
    if (i === ids.length - 1) return new Segment(id, path, Math.min(open(id).sizeSync(), lsnOf(1, 0)))
    const known = from.sizes?.get(id)
    const segment = new Segment(id, path, known ?? endOf(config, id, headerOf(id + 1)))
    segment.closed = true
    return segment
  })
}

interface Walk {
  readonly config: RecoveryConfig
  readonly from: RecoveryStart
  readonly start: LogPosition
  readonly segments: readonly Segment[]
  readonly headerOf: (id: number) => SegmentHeader
  readonly open: (id: number) => FileHandle
  readonly onFrame: (frame: Frame) => void
}

/** Step 5: from C to the end. */
function walk(task: Walk): { readonly end: LogPosition; readonly tornBytes: number; readonly durableBefore: number } {
  const { config, from, start, segments, headerOf, open } = task
  const tail = from.tailSegment
  let chain = start.chain
  for (let id = segmentOf(start.lsn); ; id++) {
    const segment = segments[id - tail]
    invariant(segment !== undefined, () => `segment ${id} was listed`)
    const newest = id === tail + segments.length - 1
    const header = headerOf(id)
    segment.seal = config.seals.frames('log', header)
    const endOffset = newest ? segment.usedBytes : endOf(config, id, headerOf(id + 1))
    const first = id === segmentOf(start.lsn)
    const startOffset = first ? offsetOf(start.lsn) : SEGMENT_HEAD
    if (startOffset > endOffset) throw corrupt(segment.path, endOffset, `a log up to ${start.lsn}`, 'its end')
    const { path, seal } = segment
    const handle = open(id)
    if (first) verifyPosition({ handle, path, segment: id, seal }, start, header)
    if (newest && startOffset === endOffset) {
      // Closed cleanly: nothing to read, and no memory for it, which would be as much as the segment is long.
      const end: LogPosition = { lsn: lsnOf(id, endOffset), chain }
      checkCleanEnd(task, end, undefined)
      return { end, tornBytes: 0, durableBefore: 0 }
    }
    const buffer = new Uint8Array(new ArrayBuffer(endOffset))
    const source: ScanSource = { handle, path, segment: id, seal, endOffset, buffer }
    const walked = walkSegment(task, source, startOffset, chain, newest)
    chain = walked.chain
    const reached = segment.usedBytes // walkSegment has set it to where the frames end
    if (newest) {
      const end: LogPosition = { lsn: lsnOf(id, reached), chain }
      const tornBytes = tornTail(source, end)
      checkCleanEnd(task, end, undefined, tornBytes)
      return { end, tornBytes, durableBefore: walked.durableBefore }
    }
    const next = headerOf(id + 1)
    if (next.prevChain !== chain) {
      throw damageOf(
        seal,
        segments[id + 1 - tail]!.path,
        HEADER_CHAIN_AT,
        `the chain ${chain} of segment ${id}`,
        `${next.prevChain}`,
      )
    }
    checkCleanEnd(task, { lsn: next.prevEnd, chain }, id)
  }
}

/**
 * Hands the frames of one segment on; returns the chain at its end, and up to where its last frame says the log was
 * durable. A fault below a successor's prevEnd is corruption.
 */
function walkSegment(
  task: Walk,
  source: ScanSource,
  startOffset: number,
  chain: number,
  newest: boolean,
): { readonly chain: number; readonly durableBefore: number } {
  const segment = task.segments[source.segment - task.from.tailSegment]!
  const scan = new SegmentScan(source, startOffset, chain)
  const keep = task.from.keep === true
  if (keep) segment.attach(source.buffer, false)
  const view = new DataView(source.buffer.buffer)
  let durableBefore = 0
  for (let frame = scan.next(); frame !== undefined; frame = scan.next()) {
    if (keep) markResident(segment, frame.start, frame.payloadEnd)
    task.onFrame(frame)
    durableBefore = view.getFloat64(frame.start + DURABLE_BEFORE_AT, true)
  }
  if (!newest && scan.offset !== source.endOffset) throw scan.damage()
  if (newest) {
    refuseRot(source, scan)
    segment.usedBytes = scan.offset
  }
  return { chain: scan.chain ?? chain, durableBefore }
}

/** Invariant 3: a valid frame behind the fault that was written when the fault's place was already durable. */
function refuseRot(source: ScanSource, scan: SegmentScan): void {
  const { buffer, segment, seal, endOffset } = source
  const fault = lsnOf(segment, scan.offset)
  scan.fill(endOffset)
  const limit = scan.readTo
  const view = new DataView(buffer.buffer)
  // Megabytes of zeros as a rule, so word by word: the field that would be a frame's position stands at a whole word.
  const words = new Float64Array(buffer.buffer, 0, limit >>> 3)
  const origin = lsnOf(segment, 0) - LSN_AT
  for (let word = (scan.offset + 8 + LSN_AT) >>> 3; word < words.length; word++) {
    if (words[word] !== origin + word * 8) continue
    const at = word * 8 - LSN_AT
    if (at + FRAME_HEAD > limit || view.getFloat64(at + DURABLE_BEFORE_AT, true) <= fault) continue
    if (frameFault(seal, buffer, view, at, limit, lsnOf(segment, at)) === FRAME_SOUND) throw scan.damage()
  }
}

/** Bytes behind the end, up to the last that is not zero. */
function tornTail(source: ScanSource, end: LogPosition): number {
  const { buffer } = source
  const from = offsetOf(end.lsn)
  let last = buffer.length
  while (last > from && last % 4 !== 0 && buffer[last - 1] === 0) last--
  if (last % 4 === 0) {
    const words = new Uint32Array(buffer.buffer, 0, last >>> 2)
    while (last - 4 >= from && words[(last >>> 2) - 1] === 0) last -= 4
  }
  while (last > from && buffer[last - 1] === 0) last--
  return last - from
}

/** Step 4: the frame that ends at C carries C's chain; at a segment's start its header does. */
function verifyPosition(source: ScanPlace, position: LogPosition, header: SegmentHeader): void {
  const end = offsetOf(position.lsn)
  const { path, seal } = source
  if (end === SEGMENT_HEAD) {
    if (header.prevChain === position.chain) return
    throw damageOf(seal, path, HEADER_CHAIN_AT, `the chain ${position.chain}`, `${header.prevChain}`)
  }
  for (const reach of [MAX_FRAME, MAX_LARGE_FRAME]) if (frameEndsAt(source, end, reach, position.chain)) return
  throw damageOf(seal, path, end, `a frame with checksum ${position.chain} that ends here`, 'none')
}

/** Looks for the frame with this checksum that ends at `end` and is at most `reach` long. */
function frameEndsAt(source: ScanPlace, end: number, reach: number, chain: number): boolean {
  const { handle, segment, seal } = source
  const from = Math.max(SEGMENT_HEAD, end - reach)
  const window = new Uint8Array(end - from)
  if (readFully(handle, window, 0, end - from, from) < end - from) return false
  const view = new DataView(window.buffer)
  // A search by the runtime: a loop over the window would take longer than the rest of an open that has nothing to replay.
  const words = new Uint32Array(window.buffer, 0, window.length >>> 2)
  for (let word = words.lastIndexOf(chain); word >= CHECKSUM_AT / 4; word = words.lastIndexOf(chain, word - 1)) {
    const at = word * 4 - CHECKSUM_AT
    if (at % 8 !== 0 || at + FRAME_HEAD > window.length) continue
    const lsn = lsnOf(segment, from + at)
    if (view.getFloat64(at + LSN_AT, true) !== lsn) continue
    if (at + view.getUint32(at + LENGTH_AT, true) !== window.length) continue
    if (frameFault(seal, window, view, at, window.length, lsn) === FRAME_SOUND) return true
  }
  return false
}

/** A clean close promised the log up to `cleanEnd`: it ends there, or a segment of a later open continues exactly there. */
function checkCleanEnd(task: Walk, reached: LogPosition, segment: number | undefined, tornBytes = 0): void {
  const { config, from } = task
  const promised = from.cleanEnd
  // Of a log that was still empty nothing is promised: the next open begins the first segment itself.
  if (promised === undefined || promised.lsn === segmentStart(1)) return
  const id = segmentOf(promised.lsn)
  const here = segmentOf(reached.lsn) === id
  if (here && reached.lsn === promised.lsn && reached.chain === promised.chain) return
  // The end of another segment than the promised one says nothing, unless the log ends here, before it.
  if (!here && (segment !== undefined || segmentOf(reached.lsn) > id)) return
  const path = segmentPath(config.folder, segmentOf(reached.lsn))
  const expected = `a log that a clean close ended at ${promised.lsn} with chain ${promised.chain}`
  const found = `${reached.lsn} with chain ${reached.chain}`
  // What fails its seal is told from what is missing: bytes that are there where the log stops to be one.
  if (tornBytes > 0) throw damageOf(config.seals, path, offsetOf(reached.lsn), expected, found)
  throw corrupt(path, offsetOf(reached.lsn), expected, found)
}
