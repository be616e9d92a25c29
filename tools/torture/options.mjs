/** The command line of the torture. */
import { parseArgs } from 'node:util'
import { PARTS } from './parts.mjs'

const USAGE = `Usage: npm run torture -- --minutes <n> [options]
  --minutes <n>     how long, in all (10)
  --part <name>     one part, or several with commas: ${PARTS.map(({ name }) => name).join(', ')}
  --seed <n>        the seed of the first round (a random one); each round takes the next
  --resume          go on where the last run ended: its seeds, and its figures, for <n> more minutes
  --state <file>    where that is kept (a file in the system's temporary folder)
or: npm run torture -- <effort> [files]    the randomised tests of some files, once, with that effort`

const DEFAULT_MINUTES = '10'

/** A mistake of the caller: its message is all there is to say. */
export class UsageError extends Error {}

export function optionsOf(args) {
  const { values, positionals } = parsed(args)
  const [effort, ...files] = positionals
  return {
    minutes: numberOf('minutes', values.minutes),
    seed: seedOf(values.seed ?? process.env.BLAZEDB_SEED),
    parts: partsOf(values.part),
    resume: values.resume,
    state: values.state,
    once: effort === undefined ? undefined : { effort: numberOf('effort', effort), files },
  }
}

function parsed(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        minutes: { type: 'string', default: DEFAULT_MINUTES },
        part: { type: 'string' },
        seed: { type: 'string' },
        resume: { type: 'boolean', default: false },
        state: { type: 'string' },
      },
    })
  } catch (cause) {
    throw new UsageError(`${cause.message}\n${USAGE}`, { cause })
  }
}

function numberOf(name, text) {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new UsageError(`${name} is a number above 0, not '${text}'.\n${USAGE}`)
}

function seedOf(text) {
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value
  throw new UsageError(`--seed is an integer from 0 to 4294967295, not '${text}'.\n${USAGE}`)
}

function partsOf(text) {
  if (text === undefined) return PARTS
  return text.split(',').map((name) => {
    const part = PARTS.find((each) => each.name === name)
    if (part === undefined) throw new UsageError(`There is no part '${name}'.\n${USAGE}`)
    return part
  })
}
