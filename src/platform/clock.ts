import type { Clock } from './platform.ts'

/** The longest delay a Node timer takes; beyond it setTimeout fires at once, so longer ones are armed in parts. */
const MAX_TIMER_MS = 0x7fffffff

/** The machine's clock. Its timers never keep the process alive. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after,
    wait: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
    soon: (fn) => {
      setImmediate(fn)
    },
    yield: () => new Promise((resolve) => setImmediate(resolve)),
  }
}

function after(delayMs: number, fn: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = (leftMs: number): void => {
    const stepMs = Math.min(leftMs, MAX_TIMER_MS)
    timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : fn()), stepMs)
    timer.unref()
  }
  arm(Math.max(0, delayMs))
  return () => clearTimeout(timer)
}
