/**
 * Lets a database on a manual clock get on: turns of the event loop while calls to the disk settle, then time, as
 * far as the next timer. What takes an hour by that clock takes no time, and goes the same way each time.
 */
import { assertKnown } from '../engine/known-options.ts'
import type { ManualClock } from '../platform/manual-clock.ts'
import { assertHas, assertOptions, given, refused } from './arguments.ts'

/** What runs under a manual clock. */
export interface Settling {
  readonly clock: ManualClock
  readonly files: { readonly settling: number }
}

/** Turns without a call in flight after which time may go on: work is parted by single turns. */
const QUIET_TURNS = 4
/** Turns without anything to wait for: some tenths of a second, for work that really takes time outside. */
const LOST_TURNS = 20_000
/** What sets timers without end stops a drain here. */
const DEFAULT_DRAIN_MS = 600_000

/**
 * Waits for `work`, and moves the clock whenever nothing else happens. Rejects as `work` does, and when `work` waits for
 * something that never comes: no call under way, no timer set.
 * @example
 * await settle(platform, db.transaction(transfer, { retries: 100 }))
 */
export async function settle<T>(platform: Settling, work: PromiseLike<T>): Promise<T> {
  assertMachine(platform)
  if (typeof work?.then !== 'function') throw refused('work', `settle() waits for a promise, found ${given(work)}`)
  const result = Promise.resolve(work)
  let settled = false
  const note = (): void => {
    settled = true
  }
  result.then(note, note)
  for (let quiet = 0, lost = 0; !settled; ) {
    await platform.clock.yield()
    if (settled) break
    quiet = platform.files.settling > 0 ? 0 : quiet + 1
    if (quiet < QUIET_TURNS) continue
    const dueMs = platform.clock.nextTimerMs
    if (dueMs !== undefined) {
      platform.clock.advance(dueMs)
      lost = 0
    } else if (++lost > LOST_TURNS) {
      throw new Error('settle waits for what never comes: no call to the disk is under way, and no timer is set')
    }
  }
  return result
}

/**
 * Runs whatever goes on by itself until nothing is left to do: calls in flight, timers, also those set on the way.
 * Gives the milliseconds of the clock that it took; `maxMs` (ten minutes) ends it.
 * @example
 * await db.items.insert({ id: 1 }, { durability: 'relaxed' })
 * await drain(platform)                  // now it is on the device
 */
export async function drain(platform: Settling, options: { readonly maxMs?: number } = {}): Promise<number> {
  assertMachine(platform)
  assertKnown('drain()', options, ['maxMs'])
  assertOptions(options, { maxMs: 0 })
  const { clock, files } = platform
  const beganMs = clock.monotonic()
  const maxMs = options.maxMs ?? DEFAULT_DRAIN_MS
  for (let quiet = 0; ; ) {
    await clock.yield()
    quiet = files.settling > 0 ? 0 : quiet + 1
    if (quiet < QUIET_TURNS) continue
    const tookMs = clock.monotonic() - beganMs
    const dueMs = clock.nextTimerMs
    if (dueMs === undefined || tookMs + dueMs > maxMs) return tookMs
    clock.advance(dueMs)
    quiet = 0
  }
}

function assertMachine(platform: Settling): void {
  const clock: unknown = platform?.clock
  assertHas('platform.clock', clock, 'nextTimerMs', 'the clock of a faultyPlatform()')
}
