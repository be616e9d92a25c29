import { BlazeError } from '../../base/errors.ts'
import type { Clock } from '../../platform/platform.ts'

/** Work between two turns of the event loop lasts about this long; with one more step of it, it stays below 5 ms. */
const SLICE_MS = 2

/** Lets the event loop turn in long work, and ends the work when its signal says so. */
export class Pacer {
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  readonly #what: string
  #started: number

  /** `what` is aborted: 'the dump'. */
  constructor(clock: Clock, what: string, signal: AbortSignal | undefined) {
    this.#clock = clock
    this.#what = what
    this.#signal = signal
    this.#started = clock.monotonic()
  }

  /** True when the event loop should turn before more is done. */
  get isOver(): boolean {
    return this.#clock.monotonic() - this.#started >= SLICE_MS
  }

  /** Throws ABORTED. */
  assertWanted(): void {
    if (this.#signal?.aborted !== true) return
    throw new BlazeError('ABORTED', `${this.#what} was aborted by its signal.`, undefined, {
      cause: this.#signal.reason,
    })
  }

  /** To be awaited between two steps of work. */
  async step(): Promise<void> {
    this.assertWanted()
    if (!this.isOver) return
    await this.#clock.yield()
    this.assertWanted()
    this.#started = this.#clock.monotonic()
  }
}
