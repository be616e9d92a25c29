/** What goes on behind an open database: checkpoints, cleaning, collecting, and making damaged indexes again. */
import { type CheckpointContext, checkpoint as runCheckpoint, writeCleanClose } from '../gc/checkpoint.ts'
import { Cleaner } from '../gc/clean.ts'
import { Collector } from '../gc/collector.ts'
import type { PageMap } from '../gc/page-map.ts'
import { PageOutput } from '../gc/page-output.ts'
import type { Root } from '../gc/root.ts'
import type { Platform } from '../platform/platform.ts'
import type { PageSegmentReader } from '../wal/page-file.ts'
import { cleanTarget } from './clean-target.ts'
import type { CollectionState } from './collection-state.ts'
import type { Core } from './core.ts'
import { remakeIndex } from './ddl.ts'
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
  readonly pageConfig: { readonly platform: Platform; readonly folder: string; readonly fileId: Uint8Array }
  readonly epochSalt: Uint8Array
  readonly rebuild: boolean
}

/** Cleaner, checkpoints, collector: made, wired to the engine, not yet started. */
export function startBackground(
  given: Given,
  { core, reader, map, root, pageConfig, epochSalt, rebuild }: Parts,
): Opened {
  const { platform, folder, settings, identity } = given
  let current = root
  const putRoot = (next: Root): void => {
    writeRoot(platform, folder, next, identity.fileId)
    current = next
  }
  const cleaner = new Cleaner({
    clock: platform.clock,
    log: core.log,
    target: cleanTarget(core),
    retainBytes: settings.retainLogBytes,
    logTail: root.logTail,
  })
  const context: CheckpointContext = {
    platform,
    folder,
    epochSalt,
    pages: core.pages,
    map,
    output: new PageOutput(pageConfig, root.pageHead, epochSalt),
    directoryNumber: root.directory?.number ?? 0,
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
      const result = await runCheckpoint(context)
      if (result.kind === 'written') rebuilt = false
      return result
    },
    // After a rebuild nothing of the tables is on disk: the next open should not have to do it again.
    tailBytes: () => (rebuilt ? Number.MAX_SAFE_INTEGER : core.log.end - current.checkpoint.lsn),
    dirtyBytes: () => core.pages.dirtyBytes,
    trim: () => core.budget.trim(),
    canWrite: () => core.takesWrites,
    onError: (error) => core.noteBackgroundError(error),
  })
  core.takeDown = (run) => collector.afterCheckpoint(run)
  core.background = () => {
    const { checkpoints, failedCheckpoints, lastCheckpointMs } = collector.stats()
    const { segmentsCleaned, copiedBytes } = cleaner.stats()
    return {
      checkpoints,
      failedCheckpoints,
      lastCheckpointMs,
      segmentsCleaned,
      copiedBytes,
      pageBytes: map.totalBytes,
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

/** An image that cannot be made keeps no checkpoint from being taken: the index is made from the records when it is missing. */
async function saveTexts(core: Core, map: PageMap): Promise<void> {
  try {
    await core.texts.save(core.platform.clock, (structure) => map.locationOf(structure, 0) !== undefined)
  } catch (error) {
    core.noteBackgroundError(error instanceof Error ? error : new Error(String(error)))
  }
}

/** One checkpoint now; rejects with what failed. */
export async function checkpointNow(collector: Collector): Promise<void> {
  const result = await collector.checkpointNow()
  if (result.kind === 'failed') throw result.error
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
