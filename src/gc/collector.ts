/**
 * The conductor of everything that goes on behind commits and readers: pruning of versions nobody can see, cleaning of the
 * log, checkpoints, giving memory back. One thing at a time, in slices of a few milliseconds, each in a turn of its own.
 *
 *   commits ─noteCommit─▶ (timer) ─▶ tick: prune ▸ clean ▸ trim ▸ checkpoint due? ─▶ more: again soon │ done: sleep
 *
 * A checkpoint is due by size (the log's tail, what cleaning has freed, dead pages), and by time: what an open would
 * replay, and files that a root would free, do not stay so for longer than some minutes, also when nothing is written.
 *
 * Its timers do not keep the process alive. What fails is told to `onError` and counted; it is tried again after a pause
 * that doubles with each failure in a row. After stop() nothing runs.
 *
 * Invariants: at most one checkpoint runs; none begins while the log takes nothing; stop() resolves when the running one
 * has ended, whatever became of it.
 */
import { invariant } from '../base/invariant.ts'
import type { Clock } from '../platform/platform.ts'
import type { CheckpointResult } from './checkpoint.ts'
import type { Cleaner } from './clean.ts'

/** What the collector conducts: implemented by the engine. */
export interface CollectorHost {
  readonly clock: Clock
  readonly cleaner: Cleaner
  /** Drops up to `most` versions; true when more is left. */
  prune(most: number): boolean
  /** Runs one checkpoint (checkpoint.ts). */
  checkpoint(): Promise<CheckpointResult>
  /** Bytes of the log from the current root's C to its end: what an open would replay. */
  tailBytes(): number
  dirtyBytes(): number
  /** Bytes of dead page images beyond what checkpoints leave. */
  deadPageBytes(): number
  /** Loads what the first checkpoint will need; called once, when one will come. */
  prepare(): Promise<void>
  /** Gives memory above the budget back; called where nobody holds a page. */
  trim(): void
  /** False while the log takes nothing: poisoned, read-only. */
  canWrite(): boolean
  /** Something in the background failed; the database goes on. */
  onError(error: Error): void
}

/** For stats() and health(). */
export interface CollectorStats {
  readonly checkpoints: number
  /** Checkpoints that failed since the last one that succeeded. */
  readonly failedCheckpoints: number
  readonly lastCheckpointMs: number
  readonly lastError: Error | undefined
}

const MIN_TAIL = 0x4000000
const MAX_TAIL = 0x40000000
/** Cleaned segments that wait for a root. */
const MAX_UNLINKABLE = 0x4000000
/** Dead pages that are worth a checkpoint of their own: a segment's. */
const MAX_DEAD_PAGES = 0x1000000
/** Between checkpoints for the sake of dead pages: each moves up to a segment's live pages. */
const DEAD_PAGES_MS = 1000
/** A tail is checkpointed when it is this old … */
const TAIL_AGE_MS = 300_000
/** … and has at least so much: less is replayed in some milliseconds. */
const MIN_AGED_TAIL = 0x100000
/** After the last commit noted; many commits share one tick. */
const TICK_MS = 10
/** After the first commit: loading native code takes some ten milliseconds of a turn, which are not the first one's. */
const PREPARE_MS = 300
/** Between ticks while there is more to do: the foreground comes first. */
const NEXT_MS = 1
const THROTTLED_MS = 50
const SLICE_MS = 2
const PRUNE_COUNT = 4096
const RETRY_MS = 1000
const MAX_RETRY_MS = 60_000
/** A checkpoint that a dropped structure has undone is taken again at once, so many times. */
const MAX_SUPERSEDED = 3

export class Collector {
  readonly #host: CollectorHost
  #cancelTimer: (() => void) | undefined
  /** The timer is one that a commit need not wait for. */
  #asleep = false
  #running: Promise<CheckpointResult> | undefined
  #deferred: (() => void)[] = []
  #stopped = false
  #checkpoints = 0
  readonly #checkpointPause = new Pause()
  readonly #cleanPause = new Pause()
  #lastMs = 0
  #lastError: Error | undefined
  /** When something was committed for the first time since the last checkpoint. */
  #changedAtMs: number | undefined
  #checkpointedAtMs = Number.NEGATIVE_INFINITY
  /** Dead pages that the last checkpoint could not bring down: not tried again before there are more. */
  #stuckPages = 0
  #prepared = false

  constructor(host: CollectorHost) {
    this.#host = host
  }

  /** Something was committed, or a snapshot was released. Cheap: called after every commit. */
  noteCommit(): void {
    this.#changedAtMs ??= this.#host.clock.monotonic()
    if ((this.#cancelTimer === undefined || this.#asleep) && !this.#stopped) this.#schedule(TICK_MS)
  }

  /** Calls `fn` now, or when the running checkpoint has ended: for dropping a structure's pages. */
  afterCheckpoint(fn: () => void): void {
    if (this.#running === undefined) fn()
    else this.#deferred.push(fn)
  }

  get checkpointing(): boolean {
    return this.#running !== undefined
  }

  /** The tail that makes a checkpoint due. */
  get tailLimitBytes(): number {
    return Math.min(MAX_TAIL, Math.max(MIN_TAIL, this.#host.dirtyBytes()))
  }

  /** A checkpoint of at least what is committed now: waits for the running one, then takes its own. */
  async checkpointNow(): Promise<CheckpointResult> {
    while (this.#running !== undefined) await this.#running
    return this.#checkpoint()
  }

  /** All there is to do, at once: prune, clean, checkpoint. For tests and tools. Throws what cleaning throws. */
  async runNow(): Promise<CheckpointResult> {
    const { cleaner, clock } = this.#host
    await this.pruneAll()
    while (cleaner.cleanSlice(SLICE_MS, { hasten: true }) === 'more') await clock.yield()
    return this.checkpointNow()
  }

  /**
   * Cleans the log's segments up to `through`, as fast as it goes, with the checkpoints that unlink them. `between` is
   * called after each slice, and may throw to end it: what is done stays. Throws what cleaning throws, and what a failed
   * checkpoint says.
   */
  async cleanThrough(through: number, between: () => Promise<void>): Promise<void> {
    const { cleaner } = this.#host
    while (cleaner.cleanSlice(SLICE_MS, { hasten: true, through }) === 'more') {
      if (cleaner.unlinkableBytes >= MAX_UNLINKABLE) await this.checkpointOrThrow()
      await between()
    }
  }

  /** Drops every version that nobody can see. */
  async pruneAll(): Promise<void> {
    while (this.#host.prune(PRUNE_COUNT)) await this.#host.clock.yield()
  }

  /** As checkpointNow; throws what failed. */
  async checkpointOrThrow(): Promise<void> {
    const result = await this.checkpointNow()
    if (result.kind === 'failed') throw result.error
  }

  /** Ends everything; resolves when the running checkpoint has ended. Nothing begins afterwards but checkpointNow(). */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    while (this.#running !== undefined) await this.#running
    this.#host.cleaner.stop()
  }

  stats(): CollectorStats {
    return {
      checkpoints: this.#checkpoints,
      failedCheckpoints: this.#checkpointPause.failures,
      lastCheckpointMs: this.#lastMs,
      lastError: this.#lastError,
    }
  }

  #schedule(delayMs: number): void {
    // A slice may have published something, and that noted a commit.
    this.#cancelTimer?.()
    this.#asleep = false
    this.#cancelTimer = this.#host.clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      this.#tick()
    })
  }

  #tick(): void {
    const more = this.#slices()
    if (this.#stopped) return
    if (!this.#prepared && this.#host.tailBytes() > 0 && this.#host.canWrite()) this.#prepareLater()
    const nowMs = this.#host.clock.monotonic()
    const wanted = this.#checkpointWanted()
    const checkpointMs = wanted ? this.#checkpointPause.leftMs(nowMs) : 0
    if (wanted && checkpointMs === 0) void this.#checkpoint()
    const cleanMs = this.#cleanPause.leftMs(nowMs)
    if (more) this.#schedule(NEXT_MS)
    else if (this.#host.cleaner.throttled) this.#schedule(THROTTLED_MS)
    else if (checkpointMs > 0 || cleanMs > 0) this.#schedule(Math.max(checkpointMs, cleanMs))
    else if (!wanted) this.#sleep(nowMs)
  }

  #prepareLater(): void {
    this.#prepared = true
    this.#host.clock.after(PREPARE_MS, () => {
      // The checkpoint that cannot load it either says so.
      if (!this.#stopped) this.#host.prepare().catch((error: unknown) => this.#report(error))
    })
  }

  /** Wakes when time alone makes a checkpoint due. */
  #sleep(nowMs: number): void {
    const dueMs = Math.min(this.#tailDueMs(), this.#pagesDueMs())
    if (dueMs === Number.POSITIVE_INFINITY || !this.#host.canWrite()) return
    this.#schedule(Math.max(NEXT_MS, dueMs - nowMs))
    this.#asleep = true
  }

  /** When the tail, or what a root would free, is too old; Infinity: there is nothing worth it. */
  #tailDueMs(): number {
    if (this.#changedAtMs === undefined || this.#running !== undefined) return Number.POSITIVE_INFINITY
    const isWorth = this.#host.tailBytes() >= MIN_AGED_TAIL || this.#host.cleaner.unlinkableBytes > 0
    return isWorth ? this.#changedAtMs + TAIL_AGE_MS : Number.POSITIVE_INFINITY
  }

  /** When dead pages are worth a checkpoint; Infinity: they are not. */
  #pagesDueMs(): number {
    if (this.#running !== undefined) return Number.POSITIVE_INFINITY
    const isWorth = this.#host.deadPageBytes() > MAX_DEAD_PAGES + this.#stuckPages
    return isWorth ? this.#checkpointedAtMs + DEAD_PAGES_MS : Number.POSITIVE_INFINITY
  }

  /** A slice of each; true when one of them has more to do. */
  #slices(): boolean {
    let more = false
    try {
      more = this.#host.prune(PRUNE_COUNT)
      this.#host.trim()
      more = this.#clean() || more
    } catch (error) {
      this.#report(error)
    }
    return more
  }

  #clean(): boolean {
    const { cleaner, clock } = this.#host
    if (!this.#host.canWrite() || this.#cleanPause.leftMs(clock.monotonic()) > 0) return false
    try {
      const more = cleaner.cleanSlice(SLICE_MS) === 'more'
      this.#cleanPause.succeeded()
      return more
    } catch (error) {
      this.#cleanPause.failed(clock.monotonic())
      throw error
    }
  }

  #checkpointWanted(): boolean {
    if (this.#running !== undefined || !this.#host.canWrite()) return false
    if (this.#host.tailBytes() >= this.tailLimitBytes) return true
    if (this.#host.cleaner.unlinkableBytes >= MAX_UNLINKABLE) return true
    return Math.min(this.#tailDueMs(), this.#pagesDueMs()) <= this.#host.clock.monotonic()
  }

  /** Never rejects. */
  #checkpoint(): Promise<CheckpointResult> {
    invariant(this.#running === undefined, () => 'one checkpoint at a time')
    const running = this.#takeCheckpoint().finally(() => {
      this.#running = undefined
      this.#runDeferred()
      this.noteCommit()
    })
    this.#running = running
    return running
  }

  #runDeferred(): void {
    for (const fn of this.#deferred.splice(0)) {
      try {
        fn()
      } catch (error) {
        this.#report(error)
      }
    }
  }

  async #takeCheckpoint(): Promise<CheckpointResult> {
    const changedAtMs = this.#changedAtMs
    const deadBytes = this.#host.deadPageBytes()
    this.#changedAtMs = undefined
    let result = await this.#attempt()
    for (let again = 0; result.kind === 'superseded' && again < MAX_SUPERSEDED; again++) result = await this.#attempt()
    if (result.kind === 'written') {
      this.#checkpoints++
      this.#checkpointPause.succeeded()
      this.#lastMs = result.durationMs
      this.#checkpointedAtMs = this.#host.clock.monotonic()
      const leftBytes = this.#host.deadPageBytes()
      this.#stuckPages = leftBytes < deadBytes ? 0 : leftBytes
      for (const warning of result.warnings) this.#report(warning)
      return result
    }
    this.#changedAtMs = changedAtMs ?? this.#changedAtMs
    this.#checkpointPause.failed(this.#host.clock.monotonic())
    if (result.kind === 'failed') this.#report(result.error)
    return result
  }

  async #attempt(): Promise<CheckpointResult> {
    try {
      return await this.#host.checkpoint()
    } catch (error) {
      return { kind: 'failed', step: 'capture', error: asError(error) }
    }
  }

  #report(error: unknown): void {
    this.#lastError = asError(error)
    this.#host.onError(this.#lastError)
  }
}

/** How long to wait after failures in a row. */
class Pause {
  failures = 0
  #untilMs = 0

  failed(nowMs: number): void {
    this.#untilMs = nowMs + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** this.failures)
    this.failures++
  }

  succeeded(): void {
    this.failures = 0
    this.#untilMs = 0
  }

  leftMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
