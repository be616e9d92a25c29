/**
 * How space comes back. `unlinkVoid`: after a durable root everything below its tails goes, the lowest first, and nothing
 * else. `moveOldPages`: before a checkpoint, when dead images take more than half as much space as live ones, the live
 * pages of the oldest page segments are made dirty, so that this checkpoint moves them and their segments can go. (Before
 * it, not after the last one: what is marked when a database is closed is lost, and many short opens would move nothing.)
 *
 * Failures here lose space only: they are collected as warnings, and the next checkpoint tries again.
 */
import type { StructureId } from '../base/ids.ts'
import { FileError, type Platform } from '../platform/platform.ts'
import { ioError, segmentIds, segmentPath } from '../wal/segment.ts'
import { directoriesBut } from './directory-file.ts'
import type { PageMap } from './page-map.ts'
import type { PageOutput } from './page-output.ts'
import type { Root } from './root.ts'

/** Page bytes over live page bytes, above which old segments are moved out. */
export const MAX_PAGE_RATIO = 1.5
/** Pages moved out for one checkpoint: a full segment's. */
const MAX_MOVED_PAGES = 1020
const SLICE_MS = 2
const SPACE_ONLY = 'Only space is lost; the next checkpoint tries again.'

/** What the release works on: part of the checkpoint's context. */
export interface ReleaseContext {
  readonly platform: Platform
  /** The database's folder. */
  readonly folder: string
  readonly map: PageMap
  readonly output: PageOutput
  /** The root is durable: unlink log segments below root.logTail, forget what they needed. */
  afterRoot(root: Root): void
  /** Page bytes over live page bytes, above which old segments are moved out; MAX_PAGE_RATIO but for a compaction. */
  pageRatio: number
  /** Makes a page dirty so that it moves to a newer segment; nothing when the structure is gone. */
  markDirty(structure: StructureId, page: number): void
}

/** Unlinks what a durable root has made void. */
export function unlinkVoid(context: ReleaseContext, root: Root, warnings: Error[]): void {
  const { platform, folder, map } = context
  const { files } = platform
  spare(warnings, () => {
    context.afterRoot(root)
  })
  spare(warnings, () => {
    for (const path of directoriesBut(files, folder, root.directory?.number)) files.unlinkSync(path)
  })
  spare(warnings, () => {
    // Asked of the folder, not of the map: it does not know what a failed checkpoint or a rebuild has left there.
    for (const id of segmentIds(files.listSync(`${folder}/pages`))) {
      if (id >= root.pageTail) break
      files.unlinkSync(segmentPath(`${folder}/pages`, id))
      map.forgetSegment(id)
    }
  })
}

/** Makes the live pages of the oldest segments dirty, in slices, when too much of the page segments is dead. */
export async function moveOldPages(context: ReleaseContext, warnings: Error[]): Promise<void> {
  const { map, output, pageRatio } = context
  if (map.totalBytes <= pageRatio * map.liveBytes) return
  try {
    let moved = 0
    for (let oldest = map.oldestLive(); oldest !== undefined; oldest = map.oldestLive(oldest)) {
      moved += map.livePagesIn(oldest)
      // Moving the pages of the segment that is being filled would put them where they are.
      if (oldest === output.current || moved > MAX_MOVED_PAGES) return
      await moveOut(context, oldest)
    }
  } catch (error) {
    warnings.push(asWarning(error))
  }
}

async function moveOut(context: ReleaseContext, segment: number): Promise<void> {
  const { platform, map } = context
  let endMs = platform.clock.monotonic() + SLICE_MS
  for (const { structure, pages } of map.moveOut(segment)) {
    for (const page of pages) {
      context.markDirty(structure, page)
      if (platform.clock.monotonic() < endMs) continue
      await platform.clock.yield()
      endMs = platform.clock.monotonic() + SLICE_MS
    }
  }
}

function spare(warnings: Error[], call: () => void): void {
  try {
    call()
  } catch (error) {
    warnings.push(asWarning(error))
  }
}

function asWarning(error: unknown): Error {
  const told = error instanceof FileError ? ioError(error, SPACE_ONLY) : error
  return told instanceof Error ? told : new Error(String(told))
}
