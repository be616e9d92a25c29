/** Commands of a model run: what may be done next, as data that can be drawn, shrunk, printed and read again. */
import type fc from 'fast-check'
import type { Value } from '../../base/values.ts'
import { fromJsonForm } from '../../codec/json-form.ts'
import { assertKnown } from '../../engine/known-options.ts'
import { assertArbitrary, assertFunction, assertOptions } from '../arguments.ts'
import { shown } from '../records-model.ts'
import type { ModelRun } from './model-run.ts'

/** A command with its arguments. */
export interface BoundCommand<M> {
  /** The arguments as JSON: with the command's name a line of a script. */
  readonly text: string
  applies(run: ModelRun<M>): boolean
  run(run: ModelRun<M>): Promise<void>
}

/** A kind of command, made by {@link modelCommand}. */
export interface ModelCommand<M> {
  readonly weight: number
  readonly draws: fc.Arbitrary<BoundCommand<M>>
  readonly ofText: (text: string) => BoundCommand<M>
}

/** Kinds of commands by name; the name begins their lines in a script. */
export type ModelCommands<M> = { readonly [name: string]: ModelCommand<M> }

export interface CommandSpec<M, A> {
  /** What it is called with: values that a record could hold, so that they can be printed and read again. */
  readonly args: fc.Arbitrary<A>
  /** How often it is drawn beside the others; 1 by default. A whole number. */
  readonly weight?: number
  /** False: it is left out here. Always true by default. */
  readonly applies?: (run: ModelRun<M>, args: A) => boolean
  /** Does it to the database and to the model, and throws when they disagree. */
  readonly run: (run: ModelRun<M>, args: A) => Promise<void> | void
}

/**
 * A command of your own.
 * @example
 * const deposit = modelCommand({
 *   args: fc.record({ id: arbitraries.id({ count: 3 }), amount: fc.nat(100) }),
 *   run: (run, { id, amount }) => run.write(() => bank.deposit(run.db, id, amount), (model) => model.deposit(id, amount)),
 * })
 */
export function modelCommand<M, A>(spec: CommandSpec<M, A>): ModelCommand<M> {
  assertKnown('modelCommand()', spec, ['args', 'weight', 'applies', 'run'])
  assertArbitrary('args', spec.args)
  assertFunction('run', spec.run)
  assertOptions(spec, { weight: 1, applies: assertFunction })
  const bind = (args: A): BoundCommand<M> => ({
    // What the spec promises of its arguments.
    text: shown(args as Value),
    applies: (run) => spec.applies?.(run, args) ?? true,
    run: async (run) => {
      await spec.run(run, args)
    },
  })
  return {
    weight: spec.weight ?? 1,
    draws: spec.args.map(bind),
    // The text is what `bind` made of an A.
    ofText: (text) => bind(fromJsonForm(JSON.parse(text)) as A),
  }
}
