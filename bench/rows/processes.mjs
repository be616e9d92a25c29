/** Rows about whole processes, measured in children: opening, memory, disk, event-loop stalls. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { filledFolder, runTask } from '../measure/children.mjs'
import { interleaved } from '../measure/interleaved.mjs'

const MIB = 1024 * 1024
const TAIL_BYTES = 50 * MIB
const ENTRY = pathToFileURL(join(import.meta.dirname, '..', '..', 'dist', 'entry', 'index.js')).href

export const processes = [
  { id: 'open', run: openClean },
  { id: 'open-tail', run: openTail },
  { id: 'import', run: importing },
  { id: 'memory', run: memory },
  { id: 'disk', run: disk },
  { id: 'stalls', run: stalls },
]

async function openClean(session) {
  const { options, records } = session
  const folders = new Map()
  for (const name of session.adapters.keys()) folders.set(name, await filledFolder(session, name))
  const { id } = records[Math.floor(records.length / 2)]
  const contestants = session.each(({ name }) => async () => {
    const { ms } = await runTask('opening', { peer: name, directory: folders.get(name), id })
    return ms
  })
  return {
    id: 'open',
    title: `open() to the first record after a clean close, ${records.length} records`,
    unit: 'ms',
    better: 'lower',
    n: options.rounds,
    figures: await interleaved(contestants, options),
    goals: [{ against: 'better-sqlite3', within: 2 }],
  }
}

async function openTail(session) {
  const { options, folders } = session
  const rounds = Math.min(3, options.rounds)
  const contestants = {
    blazedb: async () => {
      const directory = folders.fresh('tail')
      const { id } = await runTask('tail', { directory, bytes: TAIL_BYTES, seed: options.seed }, { killed: true })
      const { ms } = await runTask('opening', { peer: 'blazedb', directory, id })
      folders.drop(directory)
      return ms
    },
  }
  return {
    id: 'open-tail',
    title: `open() to the first record after a kill, ${TAIL_BYTES / MIB} MiB of log to replay into three indexes`,
    unit: 'ms',
    better: 'lower',
    n: rounds,
    figures: await interleaved(contestants, { rounds, warmUps: 0 }),
    goals: [{ atMost: 500 }],
  }
}

async function importing({ options }) {
  const ofModule = (module) => async () => (await runTask('importing', { module })).ms
  const figures = await interleaved(
    { blazedb: ofModule(ENTRY), 'lmdb alone': ofModule(import.meta.resolve('lmdb')) },
    options,
  )
  return {
    id: 'import',
    title: 'importing the package into a fresh process',
    unit: 'ms',
    better: 'lower',
    n: options.rounds,
    figures,
    goals: [{ atMost: 50 }],
  }
}

async function memory(session) {
  const { records } = session
  const folders = new Map()
  for (const name of session.adapters.keys()) folders.set(name, await filledFolder(session, name))
  const empty = (await runTask('nothing', {})).rss
  const figures = {}
  for (const name of session.adapters.keys()) {
    const { rss } = await runTask('memory', { peer: name, directory: folders.get(name), records: records.length })
    figures[name] = (rss - empty) / MIB
  }
  return {
    id: 'memory',
    title: `resident memory after everything was read once, ${records.length} records, minus an empty process`,
    unit: 'MiB',
    better: 'lower',
    n: 1,
    figures,
    // The goal is for a million records; a share of it plus what does not grow holds for fewer.
    goals: records.length >= 1_000_000 ? [{ atMost: 500 }] : [],
    note: 'pages of files mapped into memory count where a peer maps them',
  }
}

async function disk(session) {
  const { options, records, folders } = session
  const loaded = {}
  const churned = {}
  let own
  for (const name of session.adapters.keys()) {
    const directory = folders.fresh('disk')
    const found = await runTask('disk', { peer: name, directory, records: records.length, seed: options.seed })
    folders.drop(directory)
    loaded[name] = found.afterLoad / MIB
    churned[name] = found.afterChurn / MIB
    if (name === 'blazedb') own = found
  }
  const live = (own.liveAfterLoad + own.pagesAfterLoad) / MIB
  const liveChurned = (own.liveAfterChurn + own.pagesAfterLoad) / MIB
  const row = (id, title, figures, atMost) => ({
    id,
    title: `disk after ${title}, closed, ${records.length} records, three indexes`,
    unit: 'MiB',
    better: 'lower',
    n: 1,
    figures,
    goals: [{ atMost }],
    note: `live: ${live.toFixed(1)} MiB (records, and pages as the first checkpoint wrote them)`,
  })
  return [
    row('disk-load', 'load', loaded, 1.2 * live + 64),
    row('disk-churn', `load and ${records.length * 10} updates`, churned, 2.2 * liveChurned + 64),
  ]
}

async function stalls(session) {
  const { options, records, folders } = session
  const directory = folders.fresh('stalls')
  const phases = await runTask('stalls', { directory, records: records.length, seed: options.seed })
  folders.drop(directory)
  const row = (measure, atMost) => {
    const figures = Object.fromEntries(Object.entries(phases).map(([name, found]) => [name, found[measure]]))
    return {
      id: `stalls-${measure}`,
      title: `event-loop delay, ${measure}, ${records.length} records (resolution 1 ms: idle shows what that adds)`,
      unit: 'ms',
      better: 'lower',
      n: 1,
      ratios: false,
      figures,
      goals: Object.keys(figures)
        .filter((name) => name !== 'idle')
        .map((of) => ({ of, atMost })),
    }
  }
  const churn = phases['churn: versions, cleaning, checkpoints']
  const worst = row('worst', 20)
  return [
    row('p99', 5),
    {
      ...worst,
      note: `the writer's own turns in churn: p99 ${churn.ownP99.toFixed(2)} ms, worst ${churn.ownWorst.toFixed(2)} ms`,
    },
  ]
}
