/** What every suite of rows says about its run: the machine before, the goals and the file of results after. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export function machine() {
  return { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0] }
}

/** Makes `gc()` callable without a flag on the command line. */
export function exposeCollector() {
  setFlagsFromString('--expose-gc')
  globalThis.gc = runInNewContext('gc')
}

/** How many goals were met, as a line. */
export function summary(rows) {
  const goals = rows.flatMap((row) => row.goals)
  const met = goals.filter((goal) => goal.met === true).length
  const missed = goals.filter((goal) => goal.met === false).length
  return `${met} goals met, ${missed} missed, ${goals.length - met - missed} not measured`
}

/** Writes results/<suite>-….json; gives its path. */
export function save(options, result) {
  const folder = join(import.meta.dirname, '..', 'results')
  mkdirSync(folder, { recursive: true })
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const path = join(folder, `${options.suite}-${options.records}-${stamp}.json`)
  writeFileSync(path, `${JSON.stringify(result, undefined, 2)}\n`)
  return path
}
