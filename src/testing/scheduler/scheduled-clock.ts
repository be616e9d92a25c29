import { systemClock } from '../../platform/clock.ts'
import type { Clock } from '../../platform/platform.ts'

/** Somebody's work in a later turn. */
type Work = () => void

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly fn: Work
  /** Takes back the real timer, while no schedule runs. */
  disarm: Work | undefined
}

const START_MS = 1_700_000_000_000

/**
 * A clock whose turns and timers a schedule decides. While a schedule runs, what is to happen in a later turn waits until the
 * schedule picks it, and time stands still until nothing else is left to do; then it moves to the next timer. While none runs
 * (a database is opened or closed) it goes by itself: turns are real ones, and a timer takes as long as it says.
 */
export class ScheduledClock implements Clock {
  readonly #machine = systemClock()
  #turns: Work[] = []
  readonly #timers = new Set<Timer>()
  #elapsedMs = 0
  #order = 0
  #held = false

  now(): number {
    return START_MS + Math.floor(this.#elapsedMs)
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, fn: Work): Work {
    const dueMs = this.#elapsedMs + Math.max(0, delayMs)
    const timer: Timer = { dueMs, order: this.#order++, fn, disarm: undefined }
    this.#timers.add(timer)
    if (!this.#held) this.#arm(timer)
    return () => {
      timer.disarm?.()
      this.#timers.delete(timer)
    }
  }

  wait(delayMs: number): Promise<void> {
    // Of the machine's clock only `wait` keeps the process alive.
    if (!this.#held) return this.#machine.wait(delayMs)
    return new Promise((resolve) => {
      this.after(delayMs, resolve)
    })
  }

  soon(fn: Work): void {
    if (this.#held) this.#turns.push(fn)
    else this.#machine.soon(fn)
  }

  yield(): Promise<void> {
    return new Promise((resolve) => this.soon(resolve))
  }

  /** True while a schedule decides. */
  get isHeld(): boolean {
    return this.#held
  }

  /** A schedule takes over. */
  hold(): void {
    this.#held = true
    for (const timer of this.#timers) {
      timer.disarm?.()
      timer.disarm = undefined
    }
  }

  /** A schedule has ended: what waits goes on by itself. */
  release(): void {
    this.#held = false
    const turns = this.#turns
    this.#turns = []
    for (const fn of turns) this.#machine.soon(fn)
    for (const timer of this.#timers) this.#arm(timer)
  }

  /** True when something waits for a later turn. */
  get hasTurn(): boolean {
    return this.#turns.length > 0
  }

  /** Does what has waited longest for a later turn. */
  runTurn(): void {
    this.#turns.shift()?.()
  }

  /** Moves time to the next timer and runs it; false when there is none. */
  runTimer(): boolean {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer
      }
    }
    if (next === undefined) return false
    this.#fire(next)
    return true
  }

  /** Resolves when all that can run without a decision has run. */
  settled(): Promise<void> {
    return this.#machine.yield()
  }

  #arm(timer: Timer): void {
    timer.disarm = this.#machine.after(timer.dueMs - this.#elapsedMs, () => this.#fire(timer))
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer)
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs)
    timer.fn()
  }
}
