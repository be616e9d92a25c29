/**
 * The torture: what `npm test` does briefly, for as long as you like. `npm run torture -- --minutes 60` gives each part of
 * parts.mjs its share, in rounds of about a minute. A round runs the part's tests with the next seed and an effort that
 * fills the minute; what they count is added up, and the last line of each part says it. It stops at the first failure and
 * prints the command that repeats it. The state is kept after each round: `--resume` goes on.
 */
import { randomInt } from 'node:crypto'
import { dirname } from 'node:path'
import { addFigures, figuresLine } from './figures.mjs'
import { optionsOf, UsageError } from './options.mjs'
import { reportingFiles } from './parts.mjs'
import { commandOf, runRound } from './round.mjs'
import { anotherRound, nextEffort, shares } from './schedule.mjs'
import { defaultStateFile, freshState, readState, writeState } from './state.mjs'

const root = dirname(dirname(import.meta.dirname))

/** Only the tests of some files, once. */
async function runOnce({ effort, files }, seed) {
  console.log(`torture: ${commandOf({ files, seed, effort })}`)
  const { passed, figures } = await runRound(root, { files, seed, effort }, true)
  for (const [part, counts] of Object.entries(addFigures({}, figures))) console.log(figuresLine(part, counts))
  return passed
}

async function runParts(options) {
  const stateFile = options.state ?? defaultStateFile(root)
  const known = options.resume ? readState(stateFile) : undefined
  if (options.resume && known === undefined) throw new UsageError(`There is nothing to resume in ${stateFile}.`)
  const files = reportingFiles(root)
  const present = options.parts.filter(({ name }) => files.has(name))
  for (const { name } of options.parts) if (!files.has(name)) console.log(`${name}: no test reports to it yet`)
  const run = {
    state: known ?? freshState(options.seed ?? randomInt(2 ** 31)),
    keep: (state) => writeState(stateFile, state),
  }
  console.log(`torture: ${options.minutes} minutes, seed ${run.state.seed}, state in ${stateFile}`)
  const share = shares(present, options.minutes)
  for (const part of present) {
    if (!(await runPart(run, part, files.get(part.name), share.get(part.name)))) return false
  }
  console.log('\nsummary')
  for (const { name } of present) console.log(figuresLine(name, run.state.totals[name]))
  return present.length > 0
}

/** Rounds of one part until its share is used; false when one has failed. */
async function runPart(run, part, files, shareMs) {
  console.log(`\n${part.name}: ${part.about}; ${Math.round(shareMs / 1000)} s of ${files.join(', ')}`)
  let leftMs = shareMs
  let tookMs = 0
  do {
    const { rounds = 0, effort = part.effort, ranMs = 0 } = run.state.parts[part.name] ?? {}
    const round = { files, seed: (run.state.seed + rounds) % 2 ** 32, effort }
    const done = await runRound(root, round)
    if (!done.passed) {
      console.log(done.output)
      console.log(`${part.name}: failed in round ${rounds + 1}. To repeat it:\n  ${commandOf(round)}`)
      return false
    }
    tookMs = done.tookMs
    leftMs -= tookMs
    const next = nextEffort({ effort, tookMs, leftMs: Math.max(leftMs, shareMs / 2), most: part.most })
    run.state.parts[part.name] = { rounds: rounds + 1, effort: next, ranMs: ranMs + tookMs }
    run.state.totals = addFigures(run.state.totals, done.figures)
    run.keep(run.state)
    const counted = figuresLine(part.name, addFigures({}, done.figures)[part.name])
    console.log(
      `  round ${rounds + 1}: seed ${round.seed}, effort ${effort}, ${(tookMs / 1000).toFixed(0)} s; ${counted}`,
    )
  } while (anotherRound(leftMs, tookMs))
  console.log(figuresLine(part.name, run.state.totals[part.name]))
  return true
}

try {
  const options = optionsOf(process.argv.slice(2))
  const passed =
    options.once === undefined
      ? await runParts(options)
      : await runOnce(options.once, options.seed ?? randomInt(2 ** 32))
  process.exitCode = passed ? 0 : 1
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
