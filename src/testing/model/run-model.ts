/**
 * Random commands against a database and its model: what a Map would do, the database must do, whatever happens to the
 * machine in between.
 *
 *   seed ──► commands ──► database ─┐
 *                    └──► model ────┴─► agree? no: fewer and smaller commands, as long as they disagree
 *                                              ──► a script: a line for each command, to be run again as it stands
 *
 * Everything is simulated: files, power, time. So a run takes milliseconds, and a script fails the same way each time.
 *
 * Example, with a command of one's own beside those that are there:
 *
 *   await runModel({
 *     ...plainRecords,
 *     seed: 1,
 *     commands: { ...machineCommands(), ...recordCommands(), rename: modelCommand({ args: fc.string(), run: … }) },
 *   })
 *
 * What it does not do: real disks, several processes, and levels of isolation other than serializable.
 */
import fc from 'fast-check'
import { assertKnown } from '../../engine/known-options.ts'
import { assertFunction, assertHas, assertOptions, given, refused } from '../arguments.ts'
import { settle } from '../settle.ts'
import { LiveRun, type RunSettings } from './live-run.ts'
import type { BoundCommand, ModelCommands } from './model-command.ts'
import type { ModelRun } from './model-run.ts'

export interface RunModelOptions<M> extends RunSettings<M> {
  /** The same seed gives the same commands. */
  readonly seed: number
  readonly commands: ModelCommands<M>
  /** 50 by default. */
  readonly runs?: number
  /** Of one run; 40 by default. */
  readonly maxCommands?: number
  /** A script that a failure has printed: runs it once, and draws nothing. */
  readonly script?: string
}

export interface ModelReport {
  readonly runs: number
  /** Commands that were done. */
  readonly commands: number
  /** How often each was. */
  readonly counts: ReadonlyMap<string, number>
}

/** What {@link runModel} throws: `script` has a line for each command, as few as it takes. */
export class ModelFailure extends Error {
  override readonly name = 'ModelFailure'
  readonly script: string
  constructor(script: string, text: string, options: { readonly cause: unknown }) {
    super(text, options)
    this.script = script
  }
}

const KNOWN = [
  ...['seed', 'commands', 'runs', 'maxCommands', 'script', 'options', 'machine', 'prepare'],
  ...['model', 'copy', 'agrees'],
]
const DEFAULT_RUNS = 50
const DEFAULT_COMMANDS = 40

/** Throws {@link ModelFailure} when database and model disagree, with the fewest commands that it finds. */
export async function runModel<M extends object>(options: RunModelOptions<M>): Promise<ModelReport> {
  assertRunnable(options)
  const tally = new Tally()
  if (options.script !== undefined) {
    const commands = parseScript(options.script, options.commands)
    const failed = await runOnce(options, commands, tally)
    if (failed !== undefined) throw failureOf(failed, 'its script')
    return tally.report()
  }
  let last: Failed | undefined
  const property = fc.asyncProperty(drawn(options), async (commands) => {
    const failed = await runOnce(options, commands, tally)
    if (failed === undefined) return
    last = failed
    throw failed.error
  })
  const { failed, counterexamplePath, errorInstance } = await fc.check(property, {
    seed: options.seed,
    numRuns: options.runs ?? DEFAULT_RUNS,
  })
  // Shrinking only goes on from what fails, so the last that failed is the smallest.
  if (failed && last !== undefined) throw failureOf(last, `seed ${options.seed}, path ${counterexamplePath}`)
  // What is thrown outside a run (by open, say) says nothing of the commands.
  if (failed) throw errorInstance
  return tally.report()
}

/** A run that cannot begin, or has nothing to do, would find nothing. */
function assertRunnable<M extends object>(options: RunModelOptions<M>): void {
  assertKnown('runModel()', options, KNOWN)
  const { commands, model, copy, agrees } = options
  for (const [name, fn] of Object.entries({ model, copy, agrees })) assertFunction(name, fn)
  assertHas('commands', commands, 'constructor', 'an object of commands by name')
  if (Object.keys(commands).length === 0) throw refused('commands', 'runModel() needs commands')
  for (const [name, command] of Object.entries(commands)) {
    assertHas(`commands.${name}`, command, 'draws', 'made by modelCommand()')
    if (/\s/.test(name))
      throw refused('commands', `the name of a command begins its line in a script: no spaces in '${name}'`)
  }
  if (!Number.isSafeInteger(options.seed)) throw refused('seed', `seed is a whole number, found ${given(options.seed)}`)
  assertOptions(options, { runs: 1, maxCommands: 1, prepare: assertFunction, script: assertText })
}

function assertText(argument: string, value: unknown): void {
  if (typeof value !== 'string') throw refused(argument, `${argument} is text, found ${given(value)}`)
}

/** A command of fast-check: what it needs to leave out commands that were not done. */
class DrawnCommand<M extends object> implements fc.AsyncCommand<Step<M>, Step<M>> {
  readonly name: string
  readonly bound: BoundCommand<M>

  constructor(name: string, bound: BoundCommand<M>) {
    this.name = name
    this.bound = bound
  }

  get line(): string {
    return this.bound.text === 'null' ? this.name : `${this.name} ${this.bound.text}`
  }

  check({ run }: Readonly<Step<M>>): boolean {
    return this.bound.applies(run)
  }

  async run({ run, done, tally }: Step<M>): Promise<void> {
    done.push(this.line)
    tally.note(this.name)
    await settle(liveMachine(run), this.bound.run(run))
  }

  toString(): string {
    return this.line
  }
}

/** What the commands of one run share. */
interface Step<M> {
  readonly run: ModelRun<M>
  readonly done: string[]
  readonly tally: Tally
}

/** The machine of a run as it is at each moment: a crash puts another in its place. */
function liveMachine<M>(run: ModelRun<M>): Parameters<typeof settle>[0] {
  return {
    clock: run.platform.clock,
    files: {
      get settling() {
        return run.platform.files.settling
      },
    },
  }
}

function drawn<M extends object>(
  options: RunModelOptions<M>,
): fc.Arbitrary<Iterable<fc.AsyncCommand<Step<M>, Step<M>, false>>> {
  const draws = Object.entries(options.commands).flatMap(([name, command]) => {
    const one = command.draws.map((bound) => new DrawnCommand(name, bound))
    return Array.from({ length: command.weight }, () => one)
  })
  return fc.commands(draws, {
    maxCommands: options.maxCommands ?? DEFAULT_COMMANDS,
    size: 'max',
    disableReplayLog: true,
  })
}

interface Failed {
  readonly script: readonly string[]
  readonly error: unknown
}

async function runOnce<M extends object>(
  options: RunModelOptions<M>,
  commands: Iterable<fc.AsyncCommand<Step<M>, Step<M>>>,
  tally: Tally,
): Promise<Failed | undefined> {
  const run = await LiveRun.begin(options)
  const done: string[] = []
  tally.begin()
  try {
    const step = { run, done, tally }
    await fc.asyncModelRun(() => ({ model: step, real: step }), commands)
    await settle(liveMachine(run), run.close())
    return undefined
  } catch (error) {
    await run.abandon()
    return { script: done, error }
  }
}

function failureOf({ script, error }: Failed, how: string): ModelFailure {
  const text = error instanceof Error ? error.message : String(error)
  const lines = script.map((line) => `  ${line}`).join('\n')
  return new ModelFailure(
    script.join('\n'),
    `${text}\n\nafter ${script.length} commands (${how}); give them to runModel as \`script\` to run them again:\n${lines}\n`,
    { cause: error },
  )
}

function parseScript<M extends object>(script: string, kinds: ModelCommands<M>): DrawnCommand<M>[] {
  return script
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [name = ''] = line.split(' ', 1)
      const kind = kinds[name]
      if (kind === undefined) {
        throw refused('script', `no command is called ${name}; there are ${Object.keys(kinds).join(', ')}`)
      }
      try {
        return new DrawnCommand(name, kind.ofText(line.slice(name.length + 1) || 'null'))
      } catch {
        throw refused('script', `what follows ${name} is not JSON as a failure prints it: ${line}`)
      }
    })
}

/** Counts what was done. */
class Tally {
  #runs = 0
  readonly #counts = new Map<string, number>()

  begin(): void {
    this.#runs++
  }

  note(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  report(): ModelReport {
    const commands = [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
    return { runs: this.#runs, commands, counts: this.#counts }
  }
}
