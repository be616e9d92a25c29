/**
 * COMPACTION: gives the disk back what nothing needs any more, while reading and writing go on.
 *
 *   1. prune    versions that nobody can see
 *   2. log      clean oldest first up to the newest segment with much dead in it, a checkpoint for every 64 MB freed
 *   3. indexes  those whose pages are mostly free are built anew beside the old ones (ddl.ts)
 *   4. pages    checkpoints that move live pages out of the oldest page segments, until that wins nothing
 *
 * It is made of what the background does anyway, without its thresholds and its pace; so it is as safe: at every point
 * some durable root names a whole state. What is written meanwhile is not compacted. One runs at a time.
 *
 * What it does not do: shorten the record table. Its numbers are dense and never move, so that of the most records that
 * there ever were at once about 40 bytes each stay in the page files; segments that are ready for the next writes (two of
 * up to 16 MB) stay too.
 */
import { MAX_PAGE_RATIO } from '../gc/release.ts'
import type { SegmentInfo } from '../wal/log.ts'
import type { CollectionState } from './collection-state.ts'
import { type Core, closedError } from './core.ts'
import { remakeIndex } from './ddl.ts'
import type { IndexState } from './index-state.ts'
import type { Opened } from './opened.ts'
import { throwIfAborted } from './run-transaction.ts'

/** Told as a compaction goes on. */
export interface CompactProgress {
  readonly step: 'log' | 'indexes' | 'pages'
  /** Of the step: segments of the log, indexes, page segments' bytes. */
  readonly done: number
  readonly total: number
}

export interface CompactOptions {
  readonly onProgress?: (progress: CompactProgress) => void
  /** Ends it between two slices; what was done stays. */
  readonly signal?: AbortSignal
}

/** Bytes of log and page segments, before and after. */
export interface CompactResult {
  readonly beforeBytes: number
  readonly afterBytes: number
}

/** A segment with less dead than this part of it is not worth rewriting. */
const WORTH_SHARE = 0.1
/** Copies handed to the log before the device is waited for: they wait in memory. */
const MAX_UNFLUSHED = 0x800000
/** An index is built anew when more of its pages are free than in use, and these are worth it: a megabyte. */
const MIN_FREE_PAGES = 64
/** Page bytes over live page bytes that are left. */
const PAGE_RATIO = 1.1

/** The one that runs, by database. */
const running = new WeakMap<Core, Promise<CompactResult>>()

export async function compactDatabase(opened: Opened, options: CompactOptions): Promise<CompactResult> {
  const { core } = opened
  for (let other = running.get(core); other !== undefined; other = running.get(core)) {
    // What became of it is told to whoever asked for it.
    await other.then(
      () => undefined,
      () => undefined,
    )
    assertGoingOn(core, options)
  }
  const run = compact(opened, options).finally(() => running.delete(core))
  running.set(core, run)
  return run
}

async function compact(opened: Opened, options: CompactOptions): Promise<CompactResult> {
  const { core, collector } = opened
  assertGoingOn(core, options)
  const beforeBytes = sizeOf(opened)
  await collector.pruneAll()
  await compactLog(opened, options)
  await compactIndexes(opened, options)
  await compactPages(opened, options)
  return { beforeBytes, afterBytes: sizeOf(opened) }
}

async function compactLog({ core, collector }: Opened, options: CompactOptions): Promise<void> {
  const { log } = core
  const first = log.tailSegment
  const through = lastWorth(core, log.segments())
  const total = through - first + 1
  let flushed = log.end
  await collector.cleanThrough(through, async () => {
    assertGoingOn(core, options)
    options.onProgress?.({ step: 'log', done: Math.max(0, log.tailSegment - first), total })
    if (log.end - flushed > MAX_UNFLUSHED) {
      await log.flush()
      flushed = log.end
    }
    core.safePoint()
    await core.platform.clock.yield()
  })
  assertGoingOn(core, options)
  await collector.checkpointOrThrow()
  options.onProgress?.({ step: 'log', done: total, total })
}

/** The newest segment that is worth rewriting; 0: none is. Everything older goes with it: the log is cleaned in order. */
function lastWorth(core: Core, segments: readonly SegmentInfo[]): number {
  let last = 0
  let total = 0
  let dead = 0
  for (const { id, sizeBytes, sealed } of segments) {
    if (!sealed) continue
    const deadHere = sizeBytes - core.liveBytes.of(id)
    total += sizeBytes
    dead += deadHere
    if (deadHere > WORTH_SHARE * sizeBytes) last = id
  }
  return dead > WORTH_SHARE * total ? last : 0
}

async function compactIndexes({ core }: Opened, options: CompactOptions): Promise<void> {
  const sparse: { readonly collection: CollectionState; readonly index: IndexState }[] = []
  for (const collection of core.collections.values()) {
    for (const index of collection.indexes) if (isSparse(index)) sparse.push({ collection, index })
  }
  for (const [done, { collection, index }] of sparse.entries()) {
    options.onProgress?.({ step: 'indexes', done, total: sparse.length })
    await remakeIndex(core, collection, index, options.signal)
    assertGoingOn(core, options)
  }
}

function isSparse(index: IndexState): boolean {
  if (index.building || index.broken || index.dropped) return false
  const { leafCount, interiorCount } = index.index.meta()
  const free = index.space.pageCount - leafCount - interiorCount
  return free >= MIN_FREE_PAGES && free > index.space.pageCount / 2
}

async function compactPages({ core, collector, context }: Opened, options: CompactOptions): Promise<void> {
  const { map, output } = context
  context.pageRatio = PAGE_RATIO
  try {
    // Each checkpoint frees what the one before has moved out; the first one after the indexes drops their old pages.
    let before = Number.POSITIVE_INFINITY
    for (let bytes = map.totalBytes; bytes < before; bytes = map.totalBytes) {
      before = bytes
      assertGoingOn(core, options)
      // Pages are not moved out of the segment that is being filled: when it is the oldest, another is begun.
      if (!collector.checkpointing && map.oldestLive() === output.current) await output.abandon()
      await collector.checkpointOrThrow()
      options.onProgress?.({ step: 'pages', done: map.liveBytes, total: map.totalBytes })
      if (map.totalBytes <= PAGE_RATIO * map.liveBytes) return
    }
  } finally {
    context.pageRatio = MAX_PAGE_RATIO
  }
}

function sizeOf({ core, context }: Opened): number {
  return core.log.totalBytes + context.map.totalBytes
}

function assertGoingOn(core: Core, { signal }: CompactOptions): void {
  throwIfAborted(signal)
  if (core.closing) throw closedError()
  core.assertWritable()
}
