/** What a database says of itself: counters and sums that are there, no scan. */
import type { Core } from './core.ts'
import type { HolderKind } from './diagnostics.ts'
import { kindOfHolder } from './holder-watch.ts'

/** Who holds a snapshot. */
export interface HolderStats {
  readonly kind: HolderKind
  readonly holder: string
  /** The commit that it reads at. */
  readonly commit: number
  readonly ageMs: number
  /** Where it was opened: the caller's frames, a line each; with `open({ trackHolders: true })`. */
  readonly openedAt: string | undefined
}

/** How often what was asked for was in memory. */
export interface CacheStats {
  readonly hits: number
  readonly misses: number
  /** Hits of all, from 0 to 1; 1 when nothing was asked. */
  readonly hitRate: number
}

/** Sizes are bytes, counts are since the open unless they say otherwise. */
export interface DatabaseStats {
  readonly collections: readonly {
    readonly name: string
    readonly records: number
    readonly indexes: readonly string[]
  }[]
  readonly commits: {
    /** The newest installed, and the newest that readers see. */
    readonly installed: number
    readonly visible: number
    readonly pending: number
    readonly sinceOpen: number
    /** Transactions that lost to another commit, each attempt. */
    readonly conflicts: number
  }
  readonly versions: {
    /** Superseded versions that are kept because a snapshot sees them, or to be dropped soon. */
    readonly count: number
    readonly bytes: number
    /** Above it the oldest snapshot is ended. */
    readonly limitBytes: number
  }
  readonly snapshots: {
    readonly count: number
    /** The commit that the oldest reads at. */
    readonly oldest: number | undefined
    readonly oldestHolder: HolderStats | undefined
    readonly holders: readonly HolderStats[]
    /** Dropped without an end, found by the garbage collector, and given back. */
    readonly leaked: number
  }
  readonly disk: {
    readonly logBytes: number
    readonly pageBytes: number
    readonly directoryBytes: number
    readonly spillBytes: number
    readonly totalBytes: number
  }
  readonly log: {
    readonly bytes: number
    readonly liveBytes: number
    readonly segments: number
    readonly tailSegment: number
    /** Behind the newest checkpoint: what an open would replay. */
    readonly bytesSinceCheckpoint: number
    readonly syncMethod: string
  }
  readonly cache: {
    /** Frames of the log: where records are read. */
    readonly log: CacheStats
    /** Pages of record tables, indexes and text indexes. */
    readonly pages: CacheStats
  }
  /** What the background has done since the open. */
  readonly gc: {
    readonly checkpoints: number
    readonly failedCheckpoints: number
    readonly lastCheckpointMs: number
    readonly segmentsCleaned: number
    readonly copiedBytes: number
    /** Page segments on disk. */
    readonly pageBytes: number
    /** What of them is needed. */
    readonly livePageBytes: number
    /** Versions that nobody could see any more. */
    readonly prunedVersions: number
    /** Versions spilled because their segment was cleaned while a snapshot saw them. */
    readonly spilledVersions: number
    readonly spilledBytes: number
    readonly lastError: string | undefined
  }
  readonly memory: {
    readonly usedBytes: number
    readonly limitBytes: number
    /** Changed pages that wait for a checkpoint. */
    readonly dirtyBytes: number
    readonly logBytes: number
    readonly pageBytes: number
    readonly columnBytes: number
    readonly textBytes: number
  }
  /** Set when a write to the log has failed: the database takes no more writes. */
  readonly poisoned: boolean
}

export function statsOf(core: Core): DatabaseStats {
  return {
    collections: [...core.collections.values()]
      .filter((each) => each.logged)
      .map((each) => ({
        name: each.name,
        records: each.heap.liveCount,
        indexes: each.indexes.map((index) => index.spec.name),
      })),
    commits: {
      installed: core.installed,
      visible: core.publisher.visible,
      pending: core.publisher.pendingCount,
      sinceOpen: core.installed - core.installedAtOpen,
      conflicts: core.conflictCount,
    },
    versions: { count: core.history.count, bytes: core.historyBytes, limitBytes: core.historyLimitBytes },
    snapshots: snapshotsOf(core),
    ...filesOf(core),
    memory: {
      usedBytes: core.budget.usedBytes(),
      limitBytes: core.budget.limitBytes,
      dirtyBytes: core.pages.dirtyBytes,
      logBytes: core.log.resident.usedBytes(),
      pageBytes: core.pages.usedBytes(),
      columnBytes: core.derived.usedBytes(),
      textBytes: core.texts.usedBytes(),
    },
    poisoned: core.publisher.failure !== undefined,
  }
}

function snapshotsOf(core: Core): DatabaseStats['snapshots'] {
  const nowMs = core.platform.clock.now()
  const holders: HolderStats[] = []
  let oldestHolder: HolderStats | undefined
  for (const { holder, commit, sinceMs, openedAt } of core.snapshots.holds()) {
    const each = { kind: kindOfHolder(holder), holder, commit, ageMs: nowMs - sinceMs, openedAt }
    holders.push(each)
    if (oldestHolder === undefined || commit < oldestHolder.commit) oldestHolder = each
  }
  return {
    count: core.snapshots.count,
    oldest: core.snapshots.oldest,
    oldestHolder,
    holders,
    leaked: core.watch.leakedCount,
  }
}

function filesOf(core: Core): Pick<DatabaseStats, 'disk' | 'log' | 'cache' | 'gc'> {
  const background = core.background()
  const log = core.log.stats()
  const logBytes = log.totalBytes
  const pageBytes = background?.pageBytes ?? 0
  const directoryBytes = background?.directoryBytes ?? 0
  const spillBytes = core.spill.sizeBytes
  const { reads, loads } = core.pages
  return {
    disk: {
      logBytes,
      pageBytes,
      directoryBytes,
      spillBytes,
      totalBytes: logBytes + pageBytes + directoryBytes + spillBytes,
    },
    log: {
      bytes: logBytes,
      liveBytes: core.liveBytes.total,
      segments: core.log.segments().length,
      tailSegment: core.log.tailSegment,
      bytesSinceCheckpoint: background?.tailBytes ?? 0,
      syncMethod: core.platform.files.syncMethod,
    },
    cache: {
      log: cacheStats(log.hits, log.coldReads),
      pages: cacheStats(reads - loads, loads),
    },
    gc: {
      checkpoints: background?.checkpoints ?? 0,
      failedCheckpoints: background?.failedCheckpoints ?? 0,
      lastCheckpointMs: background?.lastCheckpointMs ?? 0,
      segmentsCleaned: background?.segmentsCleaned ?? 0,
      copiedBytes: background?.copiedBytes ?? 0,
      pageBytes,
      livePageBytes: background?.livePageBytes ?? 0,
      prunedVersions: core.history.droppedCount,
      spilledVersions: background?.spilledVersions ?? 0,
      spilledBytes: spillBytes,
      lastError: core.backgroundError?.message,
    },
  }
}

function cacheStats(hits: number, misses: number): CacheStats {
  const asked = hits + misses
  return { hits, misses, hitRate: asked === 0 ? 1 : hits / asked }
}
