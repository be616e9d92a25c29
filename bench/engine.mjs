/**
 * The engine's benchmark: every row of the goals, one after the other, each with its peers interleaved.
 *
 *   session (records, stores) ─▶ row.run ─▶ { figures, goals } ─▶ printed ─▶ bench/results/engine-….json
 *
 * Rows that look at a whole process (opening, memory, disk, stalls) start children; see child.mjs.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { judged, printed } from './measure/table.mjs'
import { commits } from './rows/commits.mjs'
import { processes } from './rows/processes.mjs'
import { readerBesideWriter } from './rows/reader.mjs'
import { reads } from './rows/reads.mjs'
import { openSession } from './session.mjs'

const ROWS = [...commits, ...readerBesideWriter, ...reads, ...processes]

export async function engine(options) {
  const unknown = options.only?.find((id) => !ROWS.some((row) => row.id === id))
  if (unknown !== undefined) throw new Error(`no row '${unknown}'; there are ${ROWS.map(({ id }) => id).join(', ')}`)
  setFlagsFromString('--expose-gc')
  globalThis.gc = runInNewContext('gc')
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0] }
  console.log(`${options.records} records, seed ${options.seed}, ${JSON.stringify(machine)}`)
  const session = await openSession(options)
  for (const name of session.missing) console.log(`${name}: not installed (npm run bench:setup)`)
  const rows = []
  try {
    for (const { id, run } of ROWS) {
      if (options.only !== undefined && !options.only.includes(id)) continue
      for (const row of [await run(session)].flat()) {
        rows.push({ ...row, goals: judged(row) })
        console.log(printed(row, session.missing))
      }
    }
  } finally {
    session.close()
  }
  summarise(rows)
  save(options, { machine, options, missing: session.missing, rows })
}

function summarise(rows) {
  const goals = rows.flatMap((row) => row.goals)
  const met = goals.filter((goal) => goal.met === true).length
  const missed = goals.filter((goal) => goal.met === false).length
  console.log(`\n${met} goals met, ${missed} missed, ${goals.length - met - missed} not measured`)
}

function save(options, result) {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const path = join(folder, `engine-${options.records}-${stamp}.json`)
  writeFileSync(path, `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(`written to ${path}`)
}
