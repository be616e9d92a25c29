/** What every Clock keeps. */
import type { Clock } from '../../platform/platform.ts'
import { type ContractCase, defineContract, type Ending, equal, type TestRunner } from './contract.ts'

/** A clock, and a way to let its time go by. */
export interface ClockSubject extends Ending {
  readonly clock: Clock
  /** Resolves when at least so many milliseconds of the clock have gone by, and what fell due has run. */
  pass(ms: number): Promise<void>
}

/**
 * Tests a clock with any runner.
 * @example
 * clockContract({ describe, test }, 'manual', () => {
 *   const clock = manualClock()
 *   return { clock, pass: async (ms) => clock.advance(ms) }
 * })
 */
export function clockContract(
  runner: TestRunner,
  name: string,
  begin: () => ClockSubject | Promise<ClockSubject>,
): void {
  defineContract(runner, `the clock contract: ${name}`, { cases: CASES, begin })
}

const CASES: readonly ContractCase<ClockSubject>[] = [
  {
    title: 'now is whole milliseconds since the epoch, and both times go forward',
    run: async ({ clock, pass }) => {
      const [now, monotonic] = [clock.now(), clock.monotonic()]
      equal(Number.isSafeInteger(now), true)
      await pass(5)
      equal(clock.now() > now, true, 'now goes on')
      equal(clock.monotonic() - monotonic >= 4, true, 'monotonic goes on')
    },
  },
  {
    title: 'timers run once, when they fall due, the earlier first, those of one time as they were set',
    run: async ({ clock, pass }) => {
      const ran: string[] = []
      clock.after(12, () => ran.push('c'))
      clock.after(2, () => ran.push('a'))
      clock.after(2, () => ran.push('b'))
      equal(ran, [])
      await pass(30)
      equal(ran, ['a', 'b', 'c'])
    },
  },
  {
    title: 'a cancelled timer does not run, and cancelling again or too late does no harm',
    run: async ({ clock, pass }) => {
      const ran: string[] = []
      const cancel = clock.after(2, () => ran.push('cancelled'))
      cancel()
      cancel()
      const late = clock.after(2, () => ran.push('ran'))
      await pass(20)
      late()
      equal(ran, ['ran'])
    },
  },
  {
    title: 'no timer runs within the call that sets it, whatever its delay',
    run: async ({ clock, pass }) => {
      let ran = 0
      for (const delayMs of [0, -5]) clock.after(delayMs, () => ran++)
      equal(ran, 0)
      await pass(5)
      equal(ran, 2)
    },
  },
  {
    title: 'a wait is over when its time has passed',
    run: async ({ clock, pass }) => {
      let over = false
      const waiting = clock.wait(5).then(() => {
        over = true
      })
      await clock.yield()
      equal(over && clock.monotonic() < 5, false)
      await pass(20)
      await waiting
      equal(over, true)
    },
  },
  {
    title: 'later turns come in the order asked for, after the present one',
    run: async ({ clock }) => {
      const ran: number[] = []
      clock.soon(() => ran.push(1))
      clock.soon(() => ran.push(2))
      await Promise.resolve()
      equal(ran, [])
      await clock.yield()
      equal(ran, [1, 2])
    },
  },
]
