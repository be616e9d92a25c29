/** Rows that read: get, hot get, scan, indexed queries. Each contestant is a process of its own (contestant.mjs). */
import { startContestant } from '../measure/children.mjs'
import { interleaved } from '../measure/interleaved.mjs'

const HOT = 1000
const CACHED = 'lmdb cache: true (shared objects)'
/** SQLite gets by a text key quickest from a table without row ids, which is slower at all else. */
const KEYED = { 'better-sqlite3': { clustered: true } }

export const reads = [
  { id: 'get', run: get },
  { id: 'hot-get', run: hotGet },
  { id: 'scan', run: scan },
  { id: 'equality', run: equality },
  { id: 'range', run: range },
]

/** Many short rounds: of a busy machine's noise the median then sees little. */
function short({ quick }) {
  return { rounds: quick ? 11 : 51, collect: false }
}

async function get(session) {
  const { options } = session
  const count = 4000
  const { rounds, collect } = short(options)
  const parameters = { count, among: options.records }
  return {
    id: 'get',
    title: 'get by UUID, random, decoded',
    unit: 'µs',
    better: 'lower',
    n: `${rounds} × ${count}`,
    figures: await compare(session, 'get', { parameters, rounds, collect, settings: KEYED }),
    goals: [
      { against: 'better-sqlite3', times: 10 },
      { against: 'lmdb', times: 3 },
      { against: 'classic-level', times: 10 },
    ],
  }
}

async function hotGet(session) {
  const { options } = session
  const count = 4000
  const { rounds, collect } = short(options)
  const parameters = { count, among: Math.min(HOT, options.records) }
  return {
    id: 'hot-get',
    title: `get of a hot set of ${HOT}, decoded`,
    unit: 'µs',
    better: 'lower',
    n: `${rounds} × ${count}`,
    figures: await compare(session, 'get', { parameters, rounds, collect, settings: KEYED, cached: true }),
    goals: [{ against: 'lmdb', times: 6 }],
  }
}

async function scan(session) {
  const { rounds, records } = session.options
  return {
    id: 'scan',
    title: 'scan all into an array, decoded, per record',
    unit: 'µs',
    better: 'lower',
    n: `${rounds} × ${records}`,
    figures: await compare(session, 'scan', { parameters: {}, rounds, collect: true }),
    goals: [
      { against: 'better-sqlite3', times: 10 },
      { against: 'lmdb', times: 5 },
    ],
  }
}

async function equality(session) {
  const { rounds, records } = session.options
  return {
    id: 'equality',
    title: 'index equality on (status, priority), all 25 pairs, full records, per record',
    unit: 'µs',
    better: 'lower',
    n: `${rounds} × ${records}`,
    figures: await compare(session, 'equality', { parameters: {}, rounds, collect: true }),
    goals: [{ against: 'better-sqlite3', times: 5 }],
  }
}

async function range(session) {
  const count = 30
  const { rounds, collect } = short(session.options)
  return {
    id: 'range',
    title: 'index range on createdAt, a thousandth of the records, full records, per query',
    unit: 'µs',
    better: 'lower',
    n: `${rounds} × ${count} queries`,
    figures: await compare(session, 'range', { parameters: { count }, rounds, collect }),
    goals: [{ against: 'better-sqlite3', times: 5 }],
  }
}

/** The figures of one block. Each round draws other ids and places, the same for all contestants. */
async function compare(session, block, { parameters, rounds, collect, settings = {}, cached = false }) {
  const processes = new Map()
  for (const name of session.adapters.keys()) {
    processes.set(name, await startContestant(session, name, settings[name]))
  }
  if (cached && session.adapters.has('lmdb')) {
    processes.set(CACHED, await startContestant(session, 'lmdb', { cache: true }))
  }
  const contestants = {}
  for (const [name, process] of processes) {
    contestants[name] = (round) =>
      process.run(block, { ...parameters, seed: session.options.seed + 1000 + round }, collect)
  }
  const figures = await interleaved(contestants, { rounds, collect: false, warmUps: 3 })
  for (const process of processes.values()) await process.close()
  return figures
}
