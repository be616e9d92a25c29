/** What happens around the writes of any model: checks, snapshots, checkpoints, reopens, time, crashes. */
import fc from 'fast-check'
import { type ModelCommand, modelCommand } from './model-command.ts'

const MODES = ['torn', 'keep-all', 'lose-unsynced'] as const

/** The commands that suit every model, by name. */
export type MachineCommands = Readonly<
  Record<
    'check' | 'hold' | 'release' | 'checkpoint' | 'flush' | 'reopen' | 'wait' | 'jump' | 'crash',
    ModelCommand<unknown>
  >
>

/**
 * check, hold and release (snapshots), checkpoint, flush, reopen, wait (time goes by), jump (the wall clock is set),
 * crash (a power cut or a kill, also in the middle of the nth call to the disk).
 * @example
 * await runModel({ ...plainRecords, seed: 1, commands: { ...machineCommands(), ...recordCommands() } })
 */
export function machineCommands(): MachineCommands {
  const nothing = fc.constant(null)
  return {
    check: modelCommand({ args: nothing, weight: 2, run: (run) => run.check() }),
    hold: modelCommand({ args: nothing, run: (run) => run.hold() }),
    release: modelCommand({
      args: fc.nat(9),
      applies: (run) => run.snapshotCount > 0,
      run: (run, index) => run.release(index),
    }),
    checkpoint: modelCommand({ args: nothing, run: (run) => run.flushed(() => run.db.checkpoint()) }),
    flush: modelCommand({ args: nothing, run: (run) => run.flushed(() => run.db.flush()) }),
    reopen: modelCommand({ args: nothing, run: (run) => run.reopen() }),
    wait: modelCommand({
      args: fc.nat(10_000),
      run: async (run, ms) => {
        run.platform.clock.advance(ms)
        await run.turn()
      },
    }),
    jump: modelCommand({
      args: fc.integer({ min: -86_400_000, max: 86_400_000 }),
      run: (run, ms) => run.platform.clock.jump(ms),
    }),
    crash: modelCommand({
      args: fc.record({
        mode: fc.constantFrom(...MODES),
        seed: fc.nat(999),
        turns: fc.nat(3),
        call: fc.option(fc.nat(40), { nil: null }),
      }),
      run: async (run, { mode, seed, turns, call }) => {
        if (call !== null) {
          // The power fails within one of the next calls: of writes in flight, or of a checkpoint.
          run.platform.faults.failNth('any', call + 1, 'crash')
          await run.db.checkpoint().then(undefined, () => undefined)
        }
        for (let turn = 0; turn < turns; turn++) await run.turn()
        await run.crash({ mode, seed })
      },
    }),
  }
}
