/**
 * The restore point: the commit up to which a restored log is true. The file lies in a folder that `restore` has made with
 * `until`, and the first writing open that finds it cuts the log there, for ever, before anybody reads or writes.
 *
 *   segment 9   … │ frame at p: [COMMIT 41] [COMMIT 42] [COMMIT 43] │ …            until: 42
 *   segment 10  header: prevEnd p │ frame: [COMMIT 41] [COMMIT 42]                  later segments: gone
 *
 * A frame may hold commits on both sides. It is not written anew, because bytes of a position have one content only; what
 * of it stays becomes a segment of its own, whose header says that the older one ends before that frame: what lies there is
 * void for every reader. That segment comes into being with its frame, by a rename, or there would be a moment in which
 * neither of the two counts.
 *
 * Each step may be the last one of a process: files go highest first, the file is removed when the cut is durable, and
 * until then the next open finds a log that reaches the restore point all the same, and does it again. A read-only open
 * cuts in memory.
 */
import { getU32, setU53 } from '../../base/binary.ts'
import { corrupt } from '../../base/errors.ts'
import { type Lsn, lsnOf, offsetOf, segmentOf } from '../../base/ids.ts'
import { invariant } from '../../base/invariant.ts'
import { ITEM_COMMIT, ITEM_DATA, type Item, readItem } from '../../codec/entry.ts'
import type { Platform } from '../../platform/platform.ts'
import { FRAME_HEAD, type Frame, PREV_CHAIN_AT } from '../../wal/frame.ts'
import { type Recovered, recoverLog } from '../../wal/recovery.ts'
import type { RecoveryConfig } from '../../wal/recovery-files.ts'
import { segmentIds, segmentPath } from '../../wal/segment.ts'
import { singleFrameStart, writeSingleFrame } from '../../wal/single-frame.ts'
import { readSmallFile } from '../root-file.ts'

export const RESTORE_POINT_FILE = 'restore-point'
const MAX_SIZE = 1024

/** The newest commit, or the latest time, that stays. Commits up to `after` stay whatever their time. */
export interface RestorePoint {
  readonly after: number
  readonly commit?: number
  readonly timeMs?: number
}

export function encodeRestorePoint(point: RestorePoint): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(point))
}

/** The restore point of a folder; undefined when it has none. CORRUPT when it is not readable: then nothing can be cut. */
export function readRestorePoint(platform: Platform, folder: string): RestorePoint | undefined {
  const path = `${folder}/${RESTORE_POINT_FILE}`
  const bytes = readSmallFile(platform.files, path, MAX_SIZE)
  if (bytes === undefined) return undefined
  try {
    const point: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (isPoint(point)) return point
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw corrupt(path, 0, 'a restore point', `${bytes.length} other bytes`)
}

function isPoint(value: unknown): value is RestorePoint {
  if (typeof value !== 'object' || value === null || !('after' in value)) return false
  const limit = 'commit' in value ? value.commit : 'timeMs' in value ? value.timeMs : undefined
  return Number.isSafeInteger(value.after) && Number.isSafeInteger(limit)
}

/** Removes the file: the cut is durable. */
export function forgetRestorePoint({ files }: Platform, folder: string): void {
  files.unlinkSync(`${folder}/${RESTORE_POINT_FILE}`)
  files.syncFolderSync(folder)
}

/** Where the log is cut: before the frame at `lsn`, of which `items` stay. */
export interface LogCut {
  readonly lsn: Lsn
  /** The chain before that frame. */
  readonly chain: number
  readonly frameSize: number
  /** The chain behind it. */
  readonly checksum: number
  /** A copy of its items before the first commit that goes. */
  readonly items: Uint8Array
}

/** Looks for the first commit that goes, in frames as recovery hands them out. */
class CutFinder {
  readonly #point: RestorePoint
  cut: LogCut | undefined

  constructor(point: RestorePoint) {
    this.#point = point
  }

  frame(frame: Frame): void {
    const { bytes, start, payloadStart, payloadEnd, lsn, checksum } = frame
    for (let at = payloadStart; this.cut === undefined && at < payloadEnd; ) {
      const item = readItem(bytes, at, payloadEnd)
      if (this.#goes(item)) {
        const chain = getU32(bytes, start + PREV_CHAIN_AT)
        this.cut = { lsn, chain, frameSize: payloadEnd - start, checksum, items: bytes.slice(payloadStart, at) }
      }
      at = item.end
    }
  }

  #goes({ kind, commit, time }: Item): boolean {
    const { after, commit: last, timeMs } = this.#point
    if (kind !== ITEM_COMMIT || commit <= after) return false
    return last === undefined ? time > (timeMs ?? Number.POSITIVE_INFINITY) : commit > last
  }
}

/** The log up to the frame of the cut, for a read-only open, which stops within it (upToCut). */
export function cutInMemory(recovered: Recovered, { lsn, frameSize, checksum }: LogCut): Recovered {
  const id = segmentOf(lsn)
  const segments = recovered.segments.filter((segment) => segment.id <= id)
  const last = segments.at(-1)
  invariant(last?.id === id, () => 'a cut lies in the log')
  const offset = offsetOf(lsn) + frameSize
  last.usedBytes = offset
  last.sealedTo = offset
  last.writtenTo = offset
  return { ...recovered, segments, end: { lsn: lsnOf(id, offset), chain: checksum }, tornBytes: 0 }
}

/** Where the log is cut; undefined when all of it stays. Verifies all of it. Throws CORRUPT, IO. */
export function findCut(config: RecoveryConfig, tailSegment: number, point: RestorePoint): LogCut | undefined {
  const finder = new CutFinder(point)
  recoverLog(config, { tailSegment, position: 'start' }, (frame) => finder.frame(frame))
  return finder.cut
}

/** Cuts the log for ever: durable when it returns. Throws FileError. */
export function cutForGood(config: RecoveryConfig, cut: LogCut): void {
  const { platform, folder, fileId, seals } = config
  const { files } = platform
  const id = segmentOf(cut.lsn)
  const keeps = cut.items.length > 0
  // The one right behind is replaced, if anything stays: it may not be missing for a moment.
  const above = segmentIds(files.listSync(folder)).filter((each) => each > (keeps ? id + 1 : id))
  for (const each of above.reverse()) files.unlinkSync(segmentPath(folder, each))
  files.syncFolderSync(folder)
  if (keeps) {
    const items = movedItems(cut, id + 1)
    writeSingleFrame({ platform, folder, fileId, seals, id: id + 1, prevEnd: cut.lsn, prevChain: cut.chain, items })
    return
  }
  const handle = files.openSync(segmentPath(folder, id), 'write')
  try {
    handle.truncateSync(offsetOf(cut.lsn))
    handle.syncSync()
  } finally {
    handle.closeSync()
  }
}

/** What stays of the frame, for the segment that it moves to. */
export function movedItems({ items, lsn, frameSize }: LogCut, segment: number): Uint8Array {
  const moved = items.slice()
  const distance = singleFrameStart(segment) - FRAME_HEAD - lsn
  for (let at = 0; at < moved.length; ) {
    const { kind, previousData, dataCount, end } = readItem(moved, at, moved.length)
    // DATA in the same frame moves with it.
    if (previousData > lsn && previousData < lsn + frameSize) {
      if (kind === ITEM_DATA) setU53(moved, at + 16, previousData + distance)
      else if (dataCount > 0) setU53(moved, at + 24, previousData + distance)
    }
    at = end
  }
  return moved
}

/** The frames up to a cut within one of them, which ends there. */
export function* upToCut(frames: Iterable<Frame>, cut: LogCut | undefined): Generator<Frame> {
  for (const frame of frames) {
    if (frame.lsn !== cut?.lsn) yield frame
    else if (cut.items.length > 0) yield { ...frame, payloadEnd: frame.payloadStart + cut.items.length }
  }
}
