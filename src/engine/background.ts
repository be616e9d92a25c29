/** What goes on behind an open database: checkpoints, cleaning, collecting, and making damaged indexes again. */
import { type Lsn, offsetOf, segmentOf } from '../base/ids.ts'
import {
  type CheckpointContext,
  type CheckpointResult,
  checkpoint as runCheckpoint,
  writeCleanClose,
} from '../gc/checkpoint.ts'
import { Cleaner } from '../gc/clean.ts'
import { Collector } from '../gc/collector.ts'
import type { PageMap } from '../gc/page-map.ts'
import { PageOutput } from '../gc/page-output.ts'
import { MAX_PAGE_RATIO } from '../gc/release.ts'
import type { Root } from '../gc/root.ts'
import type { Log } from '../wal/log.ts'
import type { PageFileConfig, PageSegmentReader } from '../wal/page-file.ts'
import { cleanTarget } from './clean-target.ts'
import type { CollectionState } from './collection-state.ts'
import type { Core } from './core.ts'
import { remakeIndex } from './ddl.ts'
import { checkpoints, cleanings } from './diagnostics.ts'
import { forgetRebuild } from './folder.ts'
import { captureImage } from './image.ts'
import type { IndexState } from './index-state.ts'
import type { Given, Opened } from './opened.ts'
import { writeRoot } from './root-file.ts'

interface Parts {
  readonly core: Core
  readonly reader: PageSegmentReader
  readonly map: PageMap
  readonly root: Root
  readonly pageConfig: PageFileConfig
  readonly epochSalt: Uint8Array
  readonly rebuild: boolean
}

/** Cleaner, checkpoints, collector: made, wired to the engine, not yet started. */
export function startBackground(
  given: Given,
  { core, reader, map, root, pageConfig, epochSalt, rebuild }: Parts,
): Opened {
  const { platform, folder, settings, seals } = given
  const { fileId } = given.identity
  let current = root
  const putRoot = (next: Root): void => {
    writeRoot(platform, folder, next, { fileId, seals })
    current = next
  }
  const cleaner = new Cleaner({
    clock: platform.clock,
    log: core.log,
    target: cleanTarget(core),
    retainBytes: settings.retainLogBytes,
    logTail: root.logTail,
    onCleaned: (cleaned) => cleanings.tell({ path: folder, ...cleaned }),
  })
  const context: CheckpointContext = {
    platform,
    folder,
    epochSalt,
    seals,
    pages: core.pages,
    map,
    output: new PageOutput(pageConfig, root.pageHead, epochSalt),
    directoryNumber: root.directory?.number ?? 0,
    pageRatio: MAX_PAGE_RATIO,
    captureAtBoundary: () =>
      captureImage(core, { tail: cleaner.logTail, dataCommits: () => core.dataCommits.entries() }),
    waitDurable: () => core.log.flush(),
    writeRoot: putRoot,
    afterRoot(next) {
      // Cleaned before somebody held them: void for the next open, and kept for him.
      core.log.removeBelow(Math.min(next.logTail, core.heldFrom()))
      core.dataCommits.forgetBelow(next.logTail)
      for (const [segment] of [...core.liveBytes.entries()]) {
        if (segment < next.logTail) core.liveBytes.forget(segment)
      }
      forgetRebuild(platform, folder)
    },
    markDirty: (structure, page) => core.markDirty(structure, page),
  }
  let rebuilt = rebuild
  const collector = new Collector({
    clock: platform.clock,
    cleaner,
    prune: (most) => {
      const more = core.prune(most)
      return core.texts.merge() || more
    },
    async checkpoint() {
      await saveTexts(core, map)
      const startedMs = platform.clock.monotonic()
      const result = await runCheckpoint(context)
      if (result.kind === 'written') rebuilt = false
      tellCheckpoint(folder, result, platform.clock.monotonic() - startedMs)
      return result
    },
    // After a rebuild nothing of the tables is on disk: the next open should not have to do it again.
    tailBytes: () => (rebuilt ? Number.MAX_SAFE_INTEGER : bytesFrom(core.log, current.checkpoint.lsn)),
    dirtyBytes: () => core.pages.dirtyBytes,
    deadPageBytes: () => Math.max(0, map.totalBytes - MAX_PAGE_RATIO * map.liveBytes),
    prepare: () => platform.directories.prepare?.() ?? Promise.resolve(),
    trim: () => core.budget.trim(),
    canWrite: () => core.takesWrites,
    onError: (error) => core.noteBackgroundError(error),
  })
  core.isMapped = (structure) => map.has(structure)
  core.takeDown = (run) => collector.afterCheckpoint(run)
  core.background = () => {
    const { checkpoints: taken, failedCheckpoints, lastCheckpointMs } = collector.stats()
    const { segmentsCleaned, copiedBytes, spilledEntries } = cleaner.stats()
    return {
      checkpoints: taken,
      failedCheckpoints,
      lastCheckpointMs,
      segmentsCleaned,
      copiedBytes,
      spilledVersions: spilledEntries,
      pageBytes: map.totalBytes,
      livePageBytes: map.liveBytes,
      directoryBytes: current.directory?.sizeBytes ?? 0,
      tailBytes: rebuilt ? core.log.totalBytes : bytesFrom(core.log, current.checkpoint.lsn),
      tailLimitBytes: collector.tailLimitBytes,
    }
  }
  return {
    core,
    collector,
    context,
    reader,
    root: () => current,
    rebuilding: () => rebuilt,
    markClean(end) {
      current = writeCleanClose(putRoot, current, end)
    },
  }
}

/** Bytes of the log from a position on. Not the difference of positions: segments may be shorter than their span. */
function bytesFrom(log: Log, lsn: Lsn): number {
  const first = segmentOf(lsn)
  let sum = 0
  for (const { id, sizeBytes } of log.segments()) {
    if (id === first) sum += Math.max(0, sizeBytes - offsetOf(lsn))
    else if (id > first) sum += sizeBytes
  }
  return sum
}

function tellCheckpoint(path: string, result: CheckpointResult, durationMs: number): void {
  if (!checkpoints.isHeard) return
  const failed = result.kind === 'failed' ? result : undefined
  checkpoints.tell({
    path,
    outcome: result.kind,
    durationMs,
    pagesWritten: result.kind === 'written' ? result.pagesWritten : 0,
    step: failed?.step,
    error: failed?.error,
  })
}

/** An image that cannot be made keeps no checkpoint from being taken: the index is made from the records when it is missing. */
async function saveTexts(core: Core, map: PageMap): Promise<void> {
  try {
    await core.texts.save(core.platform.clock, (structure) => map.locationOf(structure, 0) !== undefined)
  } catch (error) {
    core.noteBackgroundError(error instanceof Error ? error : new Error(String(error)))
  }
}

/** Makes a damaged index again in a later turn; what fails is noted, and the next damage of it tries again. */
export function remakeLater(
  { platform, settings }: Given,
  core: Core,
  collection: CollectionState,
  index: IndexState,
): void {
  if (settings.readOnly) return
  platform.clock.soon(() => {
    remakeIndex(core, collection, index).catch((error: unknown) => {
      core.noteBackgroundError(error instanceof Error ? error : new Error(String(error)))
    })
  })
}
