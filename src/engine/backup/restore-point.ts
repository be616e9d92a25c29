/**
 * The restore point: the commit up to which a restored log is true. The file lies in a folder that `restore` has made with
 * `until`, and the first writing open that finds it cuts the log there, for ever, before anybody reads or writes.
 *
 *   segment 9   … │ frame at p: [COMMIT 41] [COMMIT 42] [COMMIT 43] │ …            until: 42
 *   segment 10  header: prevEnd p │ frame: [COMMIT 41] [COMMIT 42]                  later segments: gone
 *
 * A frame may hold commits on both sides. It is not written anew, because bytes of a position have one content only; what
 * of it stays is written into the first segment of this open, whose header says that the older one ends before that frame:
 * what lies there is void for every reader.
 *
 * Each step may be the last one of a process: files go highest first, the file is removed when the cut is durable, and
 * until then the next open finds a log that reaches the restore point all the same, and does it again. A read-only open
 * cuts in memory.
 */
import { getU32, setU53 } from '../../base/binary.ts'
import { corrupt } from '../../base/errors.ts'
import { type Lsn, lsnOf, offsetOf, segmentOf } from '../../base/ids.ts'
import { invariant } from '../../base/invariant.ts'
import { COMMIT_HAS_DATA, ITEM_COMMIT, ITEM_DATA, type Item, readItem } from '../../codec/entry.ts'
import type { Platform } from '../../platform/platform.ts'
import { type Frame, PREV_CHAIN_AT } from '../../wal/frame.ts'
import type { Log } from '../../wal/log.ts'
import type { Recovered } from '../../wal/recovery.ts'
import { segmentPath } from '../../wal/segment.ts'
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
export class CutFinder {
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

/** The log up to the cut; `whole`: with all of the frame that is cut, for a reader that stops within it (upToCut). */
export function cutLog(recovered: Recovered, cut: LogCut, whole: boolean): Recovered {
  const id = segmentOf(cut.lsn)
  const segments = recovered.segments.filter((segment) => segment.id <= id)
  const last = segments.at(-1)
  invariant(last?.id === id, () => 'a cut lies in the log')
  const offset = offsetOf(cut.lsn) + (whole ? cut.frameSize : 0)
  last.usedBytes = offset
  last.sealedTo = offset
  last.writtenTo = offset
  last.closed = false
  const end = { lsn: lsnOf(id, offset), chain: whole ? cut.checksum : cut.chain }
  return { ...recovered, segments, end, tornBytes: 0 }
}

/** Removes the segments behind the cut; where nothing of the frame stays, the rest of its segment too. Durable. */
export function cutFiles({ files }: Platform, folder: string, recovered: Recovered, cut: LogCut): void {
  const id = segmentOf(cut.lsn)
  for (const segment of [...recovered.segments].reverse()) {
    if (segment.id > id) files.unlinkSync(segmentPath(folder, segment.id))
  }
  files.syncFolderSync(folder)
  if (cut.items.length > 0) return
  const handle = files.openSync(segmentPath(folder, id), 'write')
  try {
    handle.truncateSync(offsetOf(cut.lsn))
    handle.syncSync()
  } finally {
    handle.closeSync()
  }
}

/** Puts what stays of the frame at the end of the log, so that it can be read; flush() makes it durable. */
export function keepItems(log: Log, { items, lsn, frameSize }: LogCut): void {
  if (items.length === 0) return
  log.canReserve(items.length, { largestItem: items.length })
  log.reserve(items.length)
  const target = log.itemBytes.subarray(log.itemOffset, log.itemOffset + items.length)
  target.set(items)
  const moved = lsnOf(log.itemSegment, log.frameOffset) - lsn
  for (let at = 0; at < target.length; ) {
    const item = readItem(target, at, target.length)
    const { kind, previousData } = item
    // DATA in the same frame has moved with it.
    if (previousData > lsn && previousData < lsn + frameSize) {
      const hasData = kind === ITEM_COMMIT && (target[at + 1]! & COMMIT_HAS_DATA) !== 0
      if (hasData) setU53(target, at + 24, previousData + moved)
      else if (kind === ITEM_DATA) setU53(target, at + 16, previousData + moved)
    }
    at = item.end
  }
  log.boundary()
}

/** The frames up to a cut within one of them, which ends there. */
export function* upToCut(frames: Iterable<Frame>, cut: LogCut | undefined): Generator<Frame> {
  for (const frame of frames) {
    if (frame.lsn !== cut?.lsn) yield frame
    else if (cut.items.length > 0) yield { ...frame, payloadEnd: frame.payloadStart + cut.items.length }
  }
}
