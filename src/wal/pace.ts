/**
 * The writer's pace: whether this thread waits for a write itself, and how long it waits for one that the pool does.
 *
 * A lone commit on a fast device is acknowledged sooner when the thread writes it (an awaited write costs 1.4–1.7 times a
 * synchronous one); many commits gain more from the group that gathers meanwhile, and a slow device would hold the event
 * loop. Judged by the last 32 durable writes.
 *
 * A committer that is acknowledged within the turn commits again within the turn: without a bound the event loop would
 * never come round. So a turn that has waited long enough writes asynchronously, once.
 */
import type { Clock } from '../platform/platform.ts'
import type { Step } from './write-step.ts'

const SAMPLES = 32
/** The median is computed anew after so many samples. */
const REFRESH = 4
/** More commits than this gain from the group of the asynchronous path. */
const MAX_SYNC_COMMITS = 8
/** A larger write would hold the event loop. */
const MAX_SYNC_BYTES = 0x40000
/** A device whose median is above this is not waited for. */
const FAST_DEVICE_MS = 0.5
/** A write that has not come back after this, or four medians, is written again by the main thread. */
const WATCHDOG_MS = 2
/** One turn of the event loop waits for synchronous writes no longer than this. */
const MAX_TURN_MS = 5

export class Pace {
  readonly #mayBlock: boolean
  readonly #clock: Clock
  /** When this turn waited first; undefined: it has not. */
  #turnBegan: number | undefined
  readonly #samples = new Float64Array(SAMPLES)
  #count = 0
  #medianMs = 0
  /** Commits that the next write of frames will carry. */
  #commits = 0

  constructor(syncWrites: 'auto' | 'never', clock: Clock) {
    this.#mayBlock = syncWrites === 'auto'
    this.#clock = clock
  }

  /** The median duration of durable writes in milliseconds; 0 before the first. */
  get medianMs(): number {
    return this.#medianMs
  }

  /** How long a step of the pool is waited for; undefined: for ever. */
  get watchdogMs(): number | undefined {
    return this.#mayBlock ? Math.max(WATCHDOG_MS, 4 * this.#medianMs) : undefined
  }

  commit(): void {
    this.#commits++
  }

  /** A durable write has taken so long. */
  sample(durationMs: number): void {
    this.#samples[this.#count % SAMPLES] = durationMs
    this.#count++
    if (this.#count > REFRESH && this.#count % REFRESH !== 0) return
    const known = this.#samples.slice(0, Math.min(this.#count, SAMPLES)).sort()
    this.#medianMs = known[known.length >> 1]!
  }

  /** True when `step`, about to begin, is better done by this thread. `poolStuck`: the pool has not come to an earlier one. */
  blocks(step: Step, poolStuck: boolean): boolean {
    const commits = this.#commits
    if (step.kind === 'frames') this.#commits = 0
    if (!this.#mayBlock) return false
    return (poolStuck || this.#worthIt(step, commits)) && this.#turnHasTime()
  }

  #worthIt(step: Step, commits: number): boolean {
    if (step.kind === 'sync' || step.to - step.from > MAX_SYNC_BYTES) return false
    if (!step.full) return true // a copy into the system's cache
    return commits <= MAX_SYNC_COMMITS && this.#medianMs < FAST_DEVICE_MS
  }

  #turnHasTime(): boolean {
    const now = this.#clock.monotonic()
    if (this.#turnBegan !== undefined) return now - this.#turnBegan < MAX_TURN_MS
    this.#turnBegan = now
    this.#clock.soon(() => {
      this.#turnBegan = undefined
    })
    return true
  }
}
