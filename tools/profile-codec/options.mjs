/** The command line. Paths count from where the user stands, also under `npm run`, which goes to the package's folder. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

const USAGE = `Usage: npm run profile:codec -- <file.ndjson | file.json> [options]
  --out <folder>     where the results go (codec-profile)
  --seconds <n>      about how long to measure (20)
  --records <n>      how many records to take from the front of the file (10000)
  --dates <paths>    fields that hold ISO dates, as in createdAt,history.at; 'none' for none
                     (by default those whose every text has the full form 2024-05-06T07:08:09.123Z)`

const DEFAULT_RECORDS = '10000'
const DEFAULT_SECONDS = '20'
/** Below this the medians say nothing. */
const MIN_SECONDS = 1

/** A mistake of the caller: its message is all there is to say. */
export class UsageError extends Error {}

export function optionsOf(args) {
  const { positionals, values } = parsed(args)
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new UsageError(USAGE)
  const folder = process.env.npm_lifecycle_event === 'profile:codec' ? process.env.INIT_CWD : process.cwd()
  return {
    folder,
    file: resolve(folder, file),
    out: resolve(folder, values.out),
    seconds: figure('seconds', values.seconds, MIN_SECONDS),
    records: Math.ceil(figure('records', values.records, 1)),
    dates: values.dates?.split(',').filter((path) => path !== ''),
  }
}

function parsed(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: { type: 'string', default: 'codec-profile' },
        seconds: { type: 'string', default: DEFAULT_SECONDS },
        records: { type: 'string', default: DEFAULT_RECORDS },
        dates: { type: 'string' },
      },
    })
  } catch (cause) {
    throw new UsageError(`${cause.message}\n${USAGE}`, { cause })
  }
}

function figure(name, text, least) {
  const value = Number(text)
  if (Number.isFinite(value) && value >= least) return value
  throw new UsageError(`--${name} takes a number from ${least}, not '${text}'.`)
}
