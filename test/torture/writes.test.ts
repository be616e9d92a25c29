/**
 * The power fails, or the process is killed, in each call that a workload makes: its writes cut, torn and reordered, its
 * syncs, renames and removals done or not. What is left must open, be a prefix of the commits with everything that was
 * acknowledged, and go on. The workload is run again for each call: at effort 1 for one in STRIDE of them, from effort
 * STRIDE on for all.
 */
import { expect, it } from 'vitest'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'
import { freshMachine, within } from './machine.ts'
import { chosenCalls, isWrite, NO_CALL, tracedCalls } from './traced-calls.ts'
import { runPhases, verifyCrashes } from './workload.ts'

const STRIDE = 24
/** Power cuts that leave each unsynced sector, entry and size or not, by chance. */
const TORN = 3

it('a power cut or a kill in the middle of any call leaves a promised prefix', { timeout: 600_000 }, async () => {
  const calls = await tracedCalls()
  const kinds = new Set(calls.map(({ operation }) => operation))
  expect([...kinds], 'the workload meets what the engine does with files').toEqual(
    expect.arrayContaining([
      'write',
      'writeSync',
      'sync',
      'renameSync',
      'truncateSync',
      'unlinkSync',
      'syncFolderSync',
    ]),
  )
  for (const n of chosenCalls(calls, STRIDE, 3)) {
    const machine = freshMachine(seed())
    const trace = machine.platform.faults.trace()
    machine.platform.faults.failNth('any', n, 'crash')
    const { history } = await within(runPhases(machine, `a crash at call ${n}`), `a crash at call ${n}`)
    const made = trace[n - 1]
    const call = made ?? NO_CALL
    const where = `a crash at call ${n}, ${call.operation} ${call.path}`
    await verifyCrashes(machine.platform, history, ['lose-unsynced', 'keep-all'], where)
    for (let i = 0; i < TORN; i++)
      await verifyCrashes(machine.platform, history, ['torn'], where, seed() + n * TORN + i)
    figure('writes', 'calls of a traced workload crashed', 1)
    if (made !== undefined && isWrite(made)) figure('writes', 'of them writes', 1)
    figure('writes', 'states recovered, cut, torn and reordered', 2 + TORN)
    figure('writes', 'acknowledged commits, none lost, none partial', history.acknowledgedCount)
  }
})
