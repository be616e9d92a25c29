/** Long work beside everything else: in slices, ended by a signal, telling how far it is. */
import { BlazeError } from '../base/errors.ts'
import type { Clock } from '../platform/platform.ts'

/** Told while long work goes on. `done` and `total` are bytes or records, as `step` has them; `total` may grow. */
export interface TaskProgress {
  readonly step: string
  readonly done: number
  readonly total: number
}

export interface TaskOptions {
  /** Ends the work: it rejects with ABORTED. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TaskProgress) => void
}

/** A slice holds the event loop no longer. */
const SLICE_MS = 2
/** Told no more often than this, and at the end of a step. */
const TOLD_EVERY_MS = 50

export class Task {
  readonly #name: string
  readonly #clock: Clock
  readonly #options: TaskOptions
  readonly #assertAlive: () => void
  #sliceEndMs: number
  #tellAtMs = 0

  /** `assertAlive` throws when what is worked on has gone. */
  constructor(name: string, clock: Clock, options: TaskOptions, assertAlive: () => void = () => undefined) {
    this.#name = name
    this.#clock = clock
    this.#options = options
    this.#assertAlive = assertAlive
    this.#sliceEndMs = clock.monotonic() + SLICE_MS
    this.check()
  }

  /** Throws ABORTED, or what `assertAlive` throws. */
  check(): void {
    const { signal } = this.#options
    if (signal?.aborted === true) {
      throw new BlazeError('ABORTED', `${this.#name} was aborted by its signal`, undefined, { cause: signal.reason })
    }
    this.#assertAlive()
  }

  get sliceOver(): boolean {
    return this.#clock.monotonic() >= this.#sliceEndMs
  }

  /** Lets others run when the slice is over. */
  async rest(): Promise<void> {
    if (this.sliceOver) await this.pause()
    else this.check()
  }

  /** Lets others run. */
  async pause(): Promise<void> {
    await this.#clock.yield()
    this.check()
    this.#sliceEndMs = this.#clock.monotonic() + SLICE_MS
  }

  tell(step: string, done: number, total: number): void {
    const { onProgress } = this.#options
    if (onProgress === undefined) return
    const nowMs = this.#clock.monotonic()
    if (done < total && nowMs < this.#tellAtMs) return
    this.#tellAtMs = nowMs + TOLD_EVERY_MS
    onProgress({ step, done, total })
  }
}
