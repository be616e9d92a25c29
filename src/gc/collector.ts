/**
 * The conductor of everything that goes on behind commits and readers: pruning of versions nobody can see, cleaning of the
 * log, checkpoints, giving memory back. One thing at a time, in slices of a few milliseconds, each in a turn of its own.
 *
 *   commits ─noteCommit─▶ (timer) ─▶ tick: prune ▸ clean ▸ trim ▸ checkpoint due? ─▶ more: again soon │ done: sleep
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
/** After the last commit noted; many commits share one tick. */
const TICK_MS = 10
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
  #running: Promise<CheckpointResult> | undefined
  #deferred: (() => void)[] = []
  #stopped = false
  #checkpoints = 0
  readonly #checkpointPause = new Pause()
  readonly #cleanPause = new Pause()
  #lastMs = 0
  #lastError: Error | undefined

  constructor(host: CollectorHost) {
    this.#host = host
  }

  /** Something was committed, or a snapshot was released. Cheap: called after every commit. */
  noteCommit(): void {
    if (this.#cancelTimer === undefined && !this.#stopped) this.#schedule(TICK_MS)
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
    while (this.#host.prune(PRUNE_COUNT)) await clock.yield()
    while (cleaner.cleanSlice(SLICE_MS, { hasten: true }) === 'more') await clock.yield()
    return this.checkpointNow()
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
    this.#cancelTimer = this.#host.clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      this.#tick()
    })
  }

  #tick(): void {
    const more = this.#slices()
    if (this.#stopped) return
    const nowMs = this.#host.clock.monotonic()
    const wanted = this.#checkpointWanted()
    const checkpointMs = wanted ? this.#checkpointPause.leftMs(nowMs) : 0
    if (wanted && checkpointMs === 0) void this.#checkpoint()
    const cleanMs = this.#cleanPause.leftMs(nowMs)
    if (more) this.#schedule(NEXT_MS)
    else if (this.#host.cleaner.throttled) this.#schedule(THROTTLED_MS)
    else if (checkpointMs > 0 || cleanMs > 0) this.#schedule(Math.max(checkpointMs, cleanMs))
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
    return this.#host.tailBytes() >= this.tailLimitBytes || this.#host.cleaner.unlinkableBytes >= MAX_UNLINKABLE
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
    let result = await this.#attempt()
    for (let again = 0; result.kind === 'superseded' && again < MAX_SUPERSEDED; again++) result = await this.#attempt()
    if (result.kind === 'written') {
      this.#checkpoints++
      this.#checkpointPause.succeeded()
      this.#lastMs = result.durationMs
      for (const warning of result.warnings) this.#report(warning)
      return result
    }
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
