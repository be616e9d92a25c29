/**
 * The codec's benchmark: `blazedb/codec` beside other codecs, all in one process, each at its own best settings.
 *
 *   data set × seed ─▶ checked to round-trip ─▶ rounds, interleaved ─▶ rows ─▶ printed ─▶ bench/results/codec-….json
 *
 * For each data set the four modes and the sizes; for the bugs also fields read from bytes. Then, in processes of their
 * own: the first records of a codec (cold), and what decoded records keep alive (kept).
 */
import { CODEC_PEERS, loadCodecs } from './codecs/codecs.mjs'
import { DATA_SETS } from './data/data-sets.mjs'
import { exposeCollector, machine, save, summary } from './measure/report.mjs'
import { judged, printed, timesBetter } from './measure/table.mjs'
import { fields } from './rows/codec-fields.mjs'
import { MODES, modes } from './rows/codec-modes.mjs'
import { cold, kept } from './rows/codec-processes.mjs'
import { sizes } from './rows/codec-sizes.mjs'

/** What `--only` names. */
const PARTS = [
  ...DATA_SETS.map((dataSet) => ({
    id: dataSet.name,
    run: async (session) => [
      ...(await modes(session, dataSet)),
      ...sizes(session, dataSet),
      ...(dataSet.name === 'bugs' ? await fields(session, dataSet) : []),
    ],
    table: true,
  })),
  { id: 'cold', run: cold },
  { id: 'kept', run: kept },
]

export async function codec(options) {
  const unknown = options.only?.find((id) => !PARTS.some((part) => part.id === id))
  if (unknown !== undefined) throw new Error(`no part '${unknown}'; there are ${PARTS.map(({ id }) => id).join(', ')}`)
  exposeCollector()
  const host = machine()
  const { contestants, missing, versions } = await loadCodecs(options.peers)
  const session = { options, contestants, missing }
  const seeds = `seeds ${options.seed} to ${options.seed + options.seeds - 1}`
  console.log(`${options.records} records, ${seeds}, ${JSON.stringify(host)}`)
  for (const [peer, version] of Object.entries(versions)) console.log(`${peer} ${version}`)
  for (const peer of missing) console.log(`${peer}: not installed (npm ci)`)
  const rows = []
  for (const { id, run, table } of PARTS) {
    if (options.only !== undefined && !options.only.includes(id)) continue
    const found = (await run(session)).map((row) => ({ ...row, goals: judged(row) }))
    for (const row of found) console.log(printed(row, missing))
    if (table) console.log(`\n${markdown(id, found)}`)
    rows.push(...found)
  }
  console.log(`\n${summary(rows)}`)
  const noisy = rows.filter(({ noisy }) => noisy).map(({ id }) => id)
  if (noisy.length > 0) console.log(`too noisy to be quoted: ${noisy.join(', ')}`)
  console.log(`written to ${save(options, { machine: host, options, versions, missing, peers: CODEC_PEERS, rows })}`)
}

/** The data set's rows as one table: size as a share of JSON, speeds as multiples of JSON's. */
function markdown(dataSet, rows) {
  const row = (kind) => rows.find(({ id }) => id === `${dataSet}-${kind}`)
  const size = row('size-known')
  const speeds = MODES.map(({ id }) => row(id))
  const names = new Set(speeds.flatMap(({ figures, absent }) => Object.keys({ ...figures, ...absent })))
  const lines = [...names].map((name) => {
    const share = timesBetter(size, 'JSON', name)
    const cells = speeds.map((speed) => cell(timesBetter(speed, name, speed.baseline), (ratio) => ratio.toFixed(2)))
    return `| ${name} | ${cell(share, (ratio) => `${(100 * ratio).toFixed(1)} %`)} | ${cells.join(' | ')} |`
  })
  const head = [dataSet, 'size', ...MODES.map(({ id, title }) => (row(id).noisy ? `${title} (noisy)` : title))]
  return [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...lines].join('\n')
}

function cell(value, show) {
  return value === undefined ? '–' : show(value)
}
