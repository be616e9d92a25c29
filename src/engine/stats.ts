/** What a database says of itself. */
import type { Core } from './core.ts'

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
  }
  readonly versions: {
    /** Superseded versions that are kept because a snapshot sees them, or to be dropped soon. */
    readonly count: number
    readonly bytes: number
  }
  readonly snapshots: {
    readonly count: number
    readonly oldest: number | undefined
    readonly holders: readonly { readonly holder: string; readonly commit: number; readonly ageMs: number }[]
  }
  readonly log: {
    readonly bytes: number
    readonly liveBytes: number
    readonly segments: number
    readonly tailSegment: number
    readonly syncMethod: string
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
    /** Versions spilled because their segment was cleaned while a snapshot saw them. */
    readonly spilledBytes: number
    readonly lastError: string | undefined
  }
  readonly memory: { readonly usedBytes: number; readonly limitBytes: number; readonly dirtyBytes: number }
  /** Set when a write to the log has failed: the database takes no more writes. */
  readonly poisoned: boolean
}

export function statsOf(core: Core): DatabaseStats {
  const nowMs = core.platform.clock.now()
  const background = core.background()
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
    },
    versions: { count: core.history.count, bytes: core.historyBytes },
    snapshots: {
      count: core.snapshots.count,
      oldest: core.snapshots.oldest,
      holders: [...core.snapshots.holds()].map(({ holder, commit, sinceMs }) => ({
        holder,
        commit,
        ageMs: nowMs - sinceMs,
      })),
    },
    log: {
      bytes: core.log.totalBytes,
      liveBytes: core.liveBytes.total,
      segments: core.log.segments().length,
      tailSegment: core.log.tailSegment,
      syncMethod: core.platform.files.syncMethod,
    },
    gc: {
      checkpoints: background?.checkpoints ?? 0,
      failedCheckpoints: background?.failedCheckpoints ?? 0,
      lastCheckpointMs: background?.lastCheckpointMs ?? 0,
      segmentsCleaned: background?.segmentsCleaned ?? 0,
      copiedBytes: background?.copiedBytes ?? 0,
      pageBytes: background?.pageBytes ?? 0,
      spilledBytes: core.spill.sizeBytes,
      lastError: core.backgroundError?.message,
    },
    memory: {
      usedBytes: core.budget.usedBytes(),
      limitBytes: core.budget.limitBytes,
      dirtyBytes: core.pages.dirtyBytes,
    },
    poisoned: core.publisher.failure !== undefined,
  }
}
