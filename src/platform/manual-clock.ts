import { BlazeError } from '../base/errors.ts'
import { invariant } from '../base/invariant.ts'
import type { Clock } from './platform.ts'

/**
 * A clock whose time moves only when a test says so. `soon` and `yield` are real turns of the event loop, in the order
 * they were asked for: time is simulated, turns are not.
 *
 *   advance(ms)   time goes by, and what falls due runs          monotonic and now
 *   elapse(ms)    time goes by within one blocked call           monotonic and now; nothing runs
 *   jump(ms)      somebody sets the clock, forwards or back      now alone; no timer notices
 */
export interface ManualClock extends Clock {
  /** Moves time on by `ms`, running each timer that falls due at its own time, oldest first, also those set on the way. */
  advance(ms: number): void
  /** Moves time on as a call does that blocks the thread: timers that fall due run at the next `advance`, late. */
  elapse(ms: number): void
  /** Sets the wall clock forwards, or back with a number below zero, as a time server does. Durations do not change. */
  jump(ms: number): void
  /** Milliseconds until the next timer falls due, 0 when it is late; undefined when none is set. */
  readonly nextTimerMs: number | undefined
  /** Timers set and neither run nor cancelled. */
  readonly pendingTimers: number
}

/** True for a clock that {@link manualClock} made. */
export function isManual(clock: Clock): clock is ManualClock {
  return 'elapse' in clock && 'jump' in clock
}

/** A timer loop that sets itself again with no delay would never let `advance` return. */
const MAX_TIMERS_PER_ADVANCE = 1_000_000

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly fn: () => void
}

/** A clock that stands at `startMs` until it is advanced. */
export function manualClock(startMs = 1_700_000_000_000): ManualClock {
  if (!Number.isFinite(startMs)) throw refused('startMs', `a clock stands at milliseconds, found ${String(startMs)}`)
  const timers = new Set<Timer>()
  let elapsedMs = 0
  let jumpedMs = 0
  let order = 0

  const after = (delayMs: number, fn: () => void): (() => void) => {
    const timer = { dueMs: elapsedMs + Math.max(0, delayMs), order: order++, fn }
    timers.add(timer)
    return () => {
      timers.delete(timer)
    }
  }

  return {
    // The engine takes now() for whole milliseconds, as Date.now() gives them.
    now: () => Math.floor(startMs + jumpedMs + elapsedMs),
    monotonic: () => elapsedMs,
    after,
    wait: (delayMs) =>
      new Promise((resolve) => {
        after(delayMs, resolve)
      }),
    soon(fn) {
      setImmediate(fn)
    },
    yield: () => new Promise((resolve) => setImmediate(resolve)),
    advance(ms) {
      assertSpan('advance', ms)
      const untilMs = elapsedMs + ms
      for (let run = 0; ; run++) {
        invariant(run < MAX_TIMERS_PER_ADVANCE, () => 'timers set each other again without end')
        const timer = earliest(timers)
        if (timer === undefined || timer.dueMs > untilMs) break
        timers.delete(timer)
        elapsedMs = Math.max(elapsedMs, timer.dueMs)
        timer.fn()
      }
      elapsedMs = untilMs
    },
    elapse(ms) {
      assertSpan('elapse', ms)
      elapsedMs += ms
    },
    jump(ms) {
      if (!Number.isFinite(ms)) throw refused('ms', `jump() takes milliseconds, found ${String(ms)}`)
      jumpedMs += ms
    },
    get nextTimerMs() {
      const timer = earliest(timers)
      return timer === undefined ? undefined : Math.max(0, timer.dueMs - elapsedMs)
    },
    get pendingTimers() {
      return timers.size
    },
  }
}

function assertSpan(call: string, ms: number): void {
  if (Number.isFinite(ms) && ms >= 0) return
  throw refused('ms', `${call}() takes milliseconds from 0, for time does not run backwards, found ${String(ms)}`)
}

function refused(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}. The clock is as it was.`, { argument })
}

function earliest(timers: ReadonlySet<Timer>): Timer | undefined {
  let best: Timer | undefined
  for (const timer of timers) {
    if (best === undefined || timer.dueMs < best.dueMs || (timer.dueMs === best.dueMs && timer.order < best.order)) {
      best = timer
    }
  }
  return best
}
