/**
 * The engine's benchmark: every row of the goals, one after the other, each with its peers interleaved.
 *
 *   session (records, stores) ─▶ row.run ─▶ { figures, goals } ─▶ printed ─▶ bench/results/engine-….json
 *
 * Rows that look at a whole process (opening, memory, disk, stalls) start children; see child.mjs.
 */
import { exposeCollector, machine, save, summary } from './measure/report.mjs'
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
  exposeCollector()
  const host = machine()
  console.log(`${options.records} records, seed ${options.seed}, ${JSON.stringify(host)}`)
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
  console.log(`\n${summary(rows)}`)
  console.log(`written to ${save(options, { machine: host, options, missing: session.missing, rows })}`)
}
