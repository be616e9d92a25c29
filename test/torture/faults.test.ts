/**
 * Every call to the machine fails once, or a disk is full from some call on: the same workload is run again for each call
 * that it makes. At effort 1 each of them is met in one run out of STRIDE (the seed says in which); from effort STRIDE on,
 * all in one.
 */
import { expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import type { FaultCode } from '../../src/platform/fault-plan.ts'
import { VARIANTS } from '../support/encrypted.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'
import { freshMachine, within } from './machine.ts'
import { chosenCalls, isWrite, NO_CALL, tracedCalls } from './traced-calls.ts'
import { runPhases, verifyCrashes } from './workload.ts'

const STRIDE = 24
const MODES = ['lose-unsynced', 'torn'] as const

/** Codes that a failing machine may be told by; CORRUPT is not among them: no byte has changed. */
const TOLD = new Set(['IO', 'DISK_FULL', 'POISONED', 'COMMIT_UNKNOWN'])

const CODES = ['EIO', 'ENOSPC', 'short'] as const satisfies FaultCode[]
const CASES = VARIANTS.flatMap((how) => CODES.map((code, index) => ({ ...how, code, salt: index * 5 })))

for (const { code, salt, variant, share } of CASES) {
  it(`any call that fails by ${code} is told by a clear error, and nothing acknowledged is lost: ${variant}`, {
    timeout: 600_000,
  }, async () => {
    for (const n of chosenCalls(await tracedCalls(variant), STRIDE / share, salt)) {
      const machine = freshMachine(seed(), variant)
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
      figure('faults', `calls failed by ${code}`, 1)
    }
  })
}

for (const { code, salt, variant, share } of CASES) {
  it(`when every write fails by ${code} from some call on, it is told, and the next open on a sound machine goes on: ${variant}`, {
    timeout: 600_000,
  }, async () => {
    const calls = (await tracedCalls(variant)).filter(isWrite)
    for (const n of chosenCalls(calls, STRIDE / 2 / share, salt)) {
      const machine = freshMachine(seed(), variant)
      const place = calls[n - 1]!
      const before = calls.slice(0, n).filter(({ operation }) => operation === place.operation).length
      machine.platform.faults.failNth(place.operation, before, code, { sticky: true })
      const where = `${code} from write ${n} on, ${place.operation} ${place.path}`
      const { errors, history } = await within(runPhases(machine, where), where)
      for (const error of errors) {
        expect(isBlazeError(error) && TOLD.has(error.code), `${where}: ${String(error)}`).toBe(true)
      }
      machine.platform.faults.clear()
      await verifyCrashes(machine.platform, history, [MODES[n % 2]!], where, n)
      figure('faults', `writes from which on all failed by ${code}`, 1)
    }
  })
}
