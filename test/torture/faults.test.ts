/**
 * Every call to the machine fails once, or is the last one: the same workload is run again for each call it makes. At
 * effort 1 each of them is met in one run out of STRIDE (the seed says in which); from effort STRIDE on, all in one.
 */
import { expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import type { FaultCode } from '../../src/platform/fault-plan.ts'
import { effort } from '../support/effort.ts'
import { VARIANTS } from '../support/encrypted.ts'
import { seed } from '../support/seed.ts'
import { freshMachine, within } from './machine.ts'
import { runPhases, verifyCrashes } from './workload.ts'

const STRIDE = 16
const MODES = ['lose-unsynced', 'torn', 'keep-all'] as const
/** Two runs may differ by a call, so that the last one is not always made. */
const NO_CALL = { operation: 'no call', path: '' } as const

/** Codes that a failing machine may be told by; CORRUPT is not among them: no byte has changed. */
const TOLD = new Set(['IO', 'DISK_FULL', 'POISONED', 'COMMIT_UNKNOWN'])

/** The calls to be made to fail in this run, 1-based. */
async function chosenCalls(salt: number, { variant, share }: (typeof VARIANTS)[number]): Promise<number[]> {
  const probe = freshMachine(seed(), variant)
  const { errors } = await runPhases(probe, 'without a fault')
  expect(errors).toEqual([])
  const count = probe.platform.faults.callCount
  const stride = Math.max(1, Math.round(STRIDE / share / effort(1)))
  const calls: number[] = []
  for (let n = 1 + ((seed() + salt) % stride); n <= count; n += stride) calls.push(n)
  return calls
}

const CODES = ['EIO', 'ENOSPC', 'short'] as const satisfies FaultCode[]
const CASES = VARIANTS.flatMap((how) => CODES.map((code, index) => ({ ...how, code, salt: index * 5 })))

for (const { code, salt, ...how } of CASES) {
  it(`any call that fails by ${code} is told by a clear error, and nothing acknowledged is lost: ${how.variant}`, {
    timeout: 600_000,
  }, async () => {
    for (const n of await chosenCalls(salt, how)) {
      const machine = freshMachine(seed(), how.variant)
      const trace = machine.platform.faults.trace()
      machine.platform.faults.failNth('any', n, code)
      const { errors, history } = await within(runPhases(machine, `${code} at call ${n}`), `${code} at call ${n}`)
      const call = trace[n - 1] ?? NO_CALL
      const where = `${code} at call ${n}, ${call.operation} ${call.path}`
      for (const error of errors) {
        expect(isBlazeError(error) && TOLD.has(error.code), `${where}: ${String(error)}`).toBe(true)
      }
      // The directory store takes a short write for a full disk, as LMDB does; everybody else goes on where it ended.
      if (code === 'short' && !call.path.includes('/directory-')) expect(errors, where).toEqual([])
      await verifyCrashes(machine.platform, history, [MODES[n % 2]!], where, n)
    }
  })
}

it.each(VARIANTS)(
  'a power cut or a kill in the middle of any call leaves a promised prefix: $variant',
  {
    timeout: 600_000,
  },
  async (how) => {
    for (const n of await chosenCalls(3, how)) {
      const machine = freshMachine(seed(), how.variant)
      const trace = machine.platform.faults.trace()
      machine.platform.faults.failNth('any', n, 'crash')
      const { history } = await within(runPhases(machine, `a crash at call ${n}`), `a crash at call ${n}`)
      const call = trace[n - 1] ?? NO_CALL
      await verifyCrashes(machine.platform, history, MODES, `a crash at call ${n}, ${call.operation} ${call.path}`, n)
    }
  },
)
