/**
 * When the log is worth cleaning, which segment may go, and how fast copies may be written. Pure: figures in, answers out.
 */
import type { SegmentInfo } from '../wal/log.ts'

/** Log bytes over live bytes above which the log is cleaned: write amplification 1.24 (uniform) to 1.69 (90/10). */
const MAX_LOG_RATIO = 2
/** A segment below this is small: many short opens leave many. */
const SMALL_SEGMENT = 0x100000
const MIN_SMALL_SEGMENTS = 64
const LARGEST_SEGMENT = 0x1000000
/** More small segments than this are cleaned although retention would keep them: it promises bytes, not files. */
const MAX_RETAINED_SMALL = 1024
/** Above this ratio the copies may take what they need: the disk is filling. */
const FILLING_RATIO = 4
const FILLING_FLOOR = 0x10000000
/** Of the device's recent write rate. */
const COPY_SHARE = 0.25
/** A device that has hardly written has no rate to go by. */
const MIN_COPY_BYTES_PER_MS = 8192

/** The log as the triggers see it: segments from the cleaner's tail on, oldest first. */
export interface LogFigures {
  readonly segments: readonly SegmentInfo[]
  readonly liveBytes: number
}

/** Why the log is cleaned; undefined: it is not. */
export type CleanReason = 'dead-bytes' | 'small-segments' | undefined

export function cleanReason({ segments, liveBytes }: LogFigures): CleanReason {
  if (totalBytes(segments) > MAX_LOG_RATIO * liveBytes) return 'dead-bytes'
  return smallCount(segments) > smallLimit(liveBytes) ? 'small-segments' : undefined
}

/** Small segments that are one too many. */
export function excessSmall({ segments, liveBytes }: LogFigures): number {
  return Math.max(0, smallCount(segments) - smallLimit(liveBytes))
}

/** True when `retainBytes` of closed segments remain without the oldest; or when what is retained is mostly files. */
export function retentionAllows({ segments, liveBytes }: LogFigures, retainBytes: number): boolean {
  let remaining = 0
  for (let i = 1; i < segments.length; i++) if (segments[i]!.sealed) remaining += segments[i]!.sizeBytes
  return remaining >= retainBytes || smallCount(segments) > Math.max(MAX_RETAINED_SMALL, smallLimit(liveBytes))
}

/** Bytes of copies allowed each millisecond, given the device's recent write rate. */
export function copyRate(figures: LogFigures, deviceBytesPerMs: number): number {
  const filling = totalBytes(figures.segments) > FILLING_FLOOR + FILLING_RATIO * figures.liveBytes
  return filling ? Number.POSITIVE_INFINITY : Math.max(MIN_COPY_BYTES_PER_MS, COPY_SHARE * deviceBytesPerMs)
}

function totalBytes(segments: readonly SegmentInfo[]): number {
  let sum = 0
  for (const segment of segments) sum += segment.sizeBytes
  return sum
}

function smallCount(segments: readonly SegmentInfo[]): number {
  let count = 0
  for (const { sealed, sizeBytes } of segments) if (sealed && sizeBytes < SMALL_SEGMENT) count++
  return count
}

function smallLimit(liveBytes: number): number {
  return Math.max(MIN_SMALL_SEGMENTS, liveBytes / LARGEST_SEGMENT)
}
