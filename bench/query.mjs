/**
 * The benchmark of queries: each row asked of all contestants, compared, then timed in rounds that alternate.
 *
 *   queryData ─▶ one filled folder per contestant ─▶ contestants (processes) ─▶ row: answers equal? ─▶ rounds ─▶ printed
 *
 * Two groups, each with contestants of its own: `tables` (rows/tables.mjs) and `text` (rows/texts.mjs). A contestant with
 * another answer is not timed. Rows with updates come after all others: they change the data, in all stores alike.
 */
import { loadAdapter } from './adapters/adapters.mjs'
import { queryData } from './data/query-data.mjs'
import { seededRandom } from './data/random.mjs'
import { scratch } from './measure/directories.mjs'
import { interleaved } from './measure/interleaved.mjs'
import { startQueryContestant } from './measure/query-children.mjs'
import { exposeCollector, machine, save, summary } from './measure/report.mjs'
import { median } from './measure/statistics.mjs'
import { judged, printed } from './measure/table.mjs'
import { COLD, tables } from './rows/tables.mjs'
import { texts, titleUpdates, vocabularyOf } from './rows/texts.mjs'

/** Who takes part in which group; `stored`: in files, so that it can be opened cold. */
const CONTESTANTS = {
  blazedb: { peer: 'blazedb', groups: ['tables', 'text'], stored: true },
  'better-sqlite3': { peer: 'better-sqlite3', groups: ['tables', 'text'], stored: true },
  'better-sqlite3, no indexes': { peer: 'better-sqlite3', groups: ['tables'], stored: true, indexes: false },
  duckdb: { peer: 'duckdb', groups: ['tables'], stored: true },
  minisearch: { peer: 'minisearch', groups: ['text'], stored: false },
  flexsearch: { peer: 'flexsearch', groups: ['text'], stored: false },
}
const CHECKED = 3
const OPERATIONS = 200
/** Operations with an update in a block: each changes all stores alike. */
const UPDATES = 3
const TITLES = 200
const WARM_UPS = 3

export async function query(options) {
  const known = [...rowIds(), 'memory']
  const unknown = options.only?.find((id) => !known.includes(id))
  if (unknown !== undefined) throw new Error(`no row '${unknown}'; there are ${known.join(', ')}`)
  exposeCollector()
  const host = machine()
  console.log(`${options.records} records, seed ${options.seed}, ${JSON.stringify(host)}`)
  const missing = await missingPeers(options)
  for (const peer of missing) console.log(`${peer}: not installed (npm run bench:setup)`)
  const folders = scratch(options.directory)
  const data = queryData(options.records, options.seed)
  data.vocabulary = vocabularyOf(data.bugs)
  const rows = []
  const report = (row) => {
    rows.push({ ...row, goals: judged(row) })
    console.log(printed(row, missing))
  }
  try {
    for (const [group, run] of Object.entries({ tables: tableRows, text: textRows })) {
      if (!rowIds(group).some((id) => isWanted(options, id)) && !isWanted(options, 'memory')) continue
      const session = await startGroup({ options, group, missing, folders, data, report })
      await run(session)
      await session.close()
    }
  } finally {
    folders.close()
  }
  console.log(`\n${summary(rows)}`)
  console.log(`written to ${save(options, { machine: host, options, missing, rows })}`)
}

const modeId = (row, mode) => (mode === 'warm' ? row.id : `${row.id}-${mode}`)

function rowIds(group) {
  const ofTables = tables.flatMap((row) => row.modes.map((mode) => modeId(row, mode)))
  const ofText = [...texts.map(({ id }) => id), 'text-update', 'text-or-updated']
  return group === 'tables' ? ofTables : group === 'text' ? ofText : [...ofTables, ...ofText]
}

const isWanted = ({ only }, id) => only === undefined || only.includes(id)

async function missingPeers({ peers }) {
  const missing = []
  for (const peer of peers) if ((await loadAdapter(`query-${peer}`)) === undefined) missing.push(peer)
  return missing
}

/** Fills the folders and starts the contestants of one group. */
async function startGroup({ options, group, missing, folders, data, report }) {
  const starts = new Map()
  const processes = new Map()
  for (const [name, { peer, groups, stored, indexes = true }] of Object.entries(CONTESTANTS)) {
    if (!groups.includes(group) || missing.includes(peer)) continue
    if (peer !== 'blazedb' && !options.peers.includes(peer)) continue
    const { records, seed } = options
    const start = {
      module: `query-${peer}`,
      directory: folders.fresh(peer),
      settings: { group, indexes },
      records,
      seed,
    }
    if (stored) {
      await (await startQueryContestant({ ...start, fill: true })).close()
      starts.set(name, start)
    }
    processes.set(name, await startQueryContestant({ ...start, fill: !stored }))
  }
  return {
    ...{ options, group, data, starts, processes, report },
    /** Who had an answer to something: the memory of the others says nothing. */
    answered: new Set(),
    random: (salt) => seededRandom(options.seed * 1000 + salt),
    close: async () => {
      for (const process of processes.values()) await process.close()
    },
  }
}

/** All warm rows, then all cold ones: one process owns a folder, so that the warm contestants let go of theirs between. */
async function tableRows(session) {
  const { options, processes, starts, report } = session
  const agreed = new Map()
  for (const [at, row] of tables.entries()) {
    if (!row.modes.some((mode) => mode !== 'updated' && isWanted(options, modeId(row, mode)))) continue
    const checked = await agreeing(session, row, operations(session, row, at, CHECKED))
    agreed.set(row, checked)
    if (isWanted(options, row.id)) await timedRow(session, row, 'warm', at, checked)
  }
  if (isWanted(options, 'memory')) report(await memory(session))
  for (const process of processes.values()) await process.close()
  for (const [at, row] of tables.entries()) {
    if (!row.modes.includes('cold') || !isWanted(options, modeId(row, 'cold'))) continue
    await coldRow(session, row, at, agreed.get(row))
  }
  for (const [name, start] of starts) processes.set(name, await startQueryContestant(start))
  for (const [at, row] of tables.entries()) {
    if (!row.modes.includes('updated') || !isWanted(options, modeId(row, 'updated'))) continue
    const asked = operations(session, row, 100 + at, CHECKED, true)
    const checked = await agreeing(session, row, asked)
    await keepInStep(session, checked, asked)
    await timedRow(session, row, 'updated', 100 + at, checked)
  }
}

/** Operations drawn from the seed and the number of the row. */
function operations({ random, data }, row, salt, count, hasUpdates = false) {
  const drawn = random(salt)
  return Array.from({ length: count }, () => ({
    ...(hasUpdates ? { update: { id: drawn.pick(data.bugs).id, votes: drawn.whole(0, 500) } } : {}),
    parameters: row.parameters(drawn, data),
  }))
}

/** Who answers as most do; the others by name, with the reason. Answers are compared as JSON, sorted unless ordered. */
async function agreeing({ processes, answered }, row, asked) {
  const answers = new Map()
  const absent = {}
  for (const [name, process] of processes) {
    const result = await process.ask({ task: 'answers', query: row.query ?? row.id, operations: asked })
    if (result.absent === undefined)
      answers.set(name, JSON.stringify(result.answers.map((one) => comparable(row, one))))
    else if (result.absent !== 'n/a') absent[name] = result.absent
  }
  const votes = [...answers.values()]
  const count = (text) => votes.filter((other) => other === text).length
  const usual = votes.reduce((best, text) => (count(text) > count(best) ? text : best), votes[0])
  for (const [name, text] of answers)
    if (text !== usual) absent[name] = `another answer: ${firstDifference(text, usual)}`
  const names = [...answers.keys()].filter((name) => absent[name] === undefined)
  for (const name of names) answered.add(name)
  return { names, absent }
}

function comparable(row, result) {
  const answer = row.answer(result)
  if (row.ordered || !Array.isArray(answer)) return answer
  return answer.map((one) => JSON.stringify(one)).sort()
}

function firstDifference(text, usual) {
  let at = 0
  while (text[at] === usual[at]) at++
  const from = Math.max(0, at - 20)
  return `…${text.slice(from, at + 40)} instead of …${usual.slice(from, at + 40)}`
}

/** Who is not timed makes the updates alone, or its answers to later rows would be others. Doing one twice is harmless. */
async function keepInStep({ processes }, { names }, asked) {
  for (const [name, process] of processes) {
    if (!names.includes(name)) await process.ask({ task: 'updates', operations: asked })
  }
}

async function timedRow(session, row, mode, salt, { names, absent }) {
  const { options, processes, report } = session
  const hasUpdates = mode === 'updated'
  const count = hasUpdates ? UPDATES : OPERATIONS
  /** The same for all in a round. */
  const operationsOf = (round) => operations(session, row, 10_000 * (round + 10) + salt, count, hasUpdates)
  const blocks = {}
  for (const name of names) {
    blocks[name] = async (round) => {
      const task = { task: 'time', query: row.query ?? row.id, operations: operationsOf(round), collect: true }
      const { us } = await processes.get(name).ask(task)
      return us
    }
  }
  const { rounds } = options
  const figures = names.length === 0 ? {} : await interleaved(blocks, { rounds, warmUps: WARM_UPS, collect: false })
  for (let round = -WARM_UPS; hasUpdates && round < rounds; round++) {
    await keepInStep(session, { names }, operationsOf(round))
  }
  report({
    id: modeId(row, mode),
    title: hasUpdates ? `${row.title}; after an update of one record, its time included` : row.title,
    unit: 'µs',
    better: 'lower',
    n: `${rounds} × up to ${count} in 30 ms`,
    figures,
    absent,
    goals: hasUpdates ? [] : row.goals,
    ...(hasUpdates ? { n: `${rounds} × ${count}` } : {}),
  })
}

/** A process each time; opening is not part of it, what the first query builds, compiles and prepares is. */
async function coldRow(session, row, salt, { names, absent }) {
  const { options, starts, report } = session
  const rounds = options.quick ? 1 : 5
  const samples = Object.fromEntries(names.filter((name) => starts.has(name)).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const asked = operations(session, row, 20_000 * (round + 1) + salt, 1)
    for (const [name, of] of Object.entries(samples)) {
      const process = await startQueryContestant(starts.get(name))
      of.push((await process.ask({ task: 'time', query: row.id, operations: asked })).us)
      await process.close()
    }
  }
  report({
    id: modeId(row, 'cold'),
    title: `${row.title}; the first query of a process`,
    unit: 'µs',
    better: 'lower',
    n: rounds,
    figures: Object.fromEntries(Object.entries(samples).map(([name, of]) => [name, median(of)])),
    absent,
    goals: row.goals === undefined ? [] : COLD,
  })
}

async function textRows(session) {
  const { options, report } = session
  for (const [at, row] of texts.entries()) {
    if (!isWanted(options, row.id)) continue
    const asked = operations(session, row, 200 + at, CHECKED)
    await timedRow(
      session,
      { ...row, title: `text, top 20: ${row.title}` },
      'warm',
      200 + at,
      await matching(session, row, asked),
    )
  }
  if (isWanted(options, 'text-update')) await textUpdate(session)
  if (isWanted(options, 'text-or-updated')) await textUpdated(session)
  if (isWanted(options, 'memory')) report(await memory(session))
}

/** Who finds 20 records that match, or all there are. */
async function matching({ processes, answered, data }, row, asked) {
  const byId = new Map(data.bugs.map((record) => [record.id, record]))
  const wanted = asked.map(({ parameters }) => {
    let count = 0
    for (const record of data.bugs) if (row.matches(record, parameters)) count++
    return Math.min(20, count)
  })
  const absent = {}
  for (const [name, process] of processes) {
    const { answers, absent: reason } = await process.ask({ task: 'answers', query: row.query, operations: asked })
    if (reason !== undefined) {
      absent[name] = reason
      continue
    }
    for (const [at, rows] of answers.entries()) {
      const wrong = rows.find(({ id }) => !row.matches(byId.get(id), asked[at].parameters))
      if (wrong !== undefined)
        absent[name] = `another answer: ${JSON.stringify(asked[at].parameters)} found ${wrong.title}`
      else if (rows.length !== wanted[at]) absent[name] = `another answer: ${rows.length} of ${wanted[at]} rows`
    }
  }
  const names = [...processes.keys()].filter((name) => absent[name] === undefined)
  for (const name of names) answered.add(name)
  return { names, absent }
}

/** The upkeep alone: many titles in one transaction, so that the commit does not count. */
async function textUpdate({ options, processes, report, random, data }) {
  const { rounds } = options
  const absent = {}
  const blocks = {}
  for (const [name, process] of processes) {
    const first = await process.ask({ task: 'titles', updates: titleUpdates(random(300), data, TITLES) })
    if (first.absent !== undefined) absent[name] = first.absent
    else {
      blocks[name] = async (round) =>
        (await process.ask({ task: 'titles', updates: titleUpdates(random(310 + round), data, TITLES) })).us
    }
  }
  report({
    id: 'text-update',
    title: `text: another title, of ${TITLES} in one transaction`,
    unit: 'µs',
    better: 'lower',
    n: `${rounds} × ${TITLES}`,
    figures: await interleaved(blocks, { rounds, warmUps: WARM_UPS, collect: false }),
    absent,
    goals: [{ atMost: 30 }],
  })
}

/** One title changed in a commit of its own, then the OR of three words. */
async function textUpdated({ options, processes, report, random, data }) {
  const { rounds } = options
  const row = texts[0]
  const absent = {}
  const blocks = {}
  const asked = (salt) => {
    const drawn = random(salt)
    const updates = titleUpdates(drawn, data, UPDATES)
    return updates.map((update) => ({ update, parameters: row.parameters(drawn, data) }))
  }
  const words = ['quokka', 'wombat']
  const newTitle = { update: { id: data.bugs[0].id, title: words.join(' ') }, parameters: { words } }
  for (const [name, process] of processes) {
    const first = await process.ask({ task: 'answers', query: 'and', operations: [newTitle] })
    if (first.absent !== undefined) absent[name] = first.absent
    else if (first.answers[0].length !== 1 || first.answers[0][0].id !== data.bugs[0].id) {
      absent[name] = `another answer: a new title is found ${first.answers[0].length} times`
    } else {
      blocks[name] = async (round) =>
        (await process.ask({ task: 'time', query: row.query, operations: asked(410 + round), collect: true })).us
    }
  }
  report({
    id: 'text-or-updated',
    title: 'text: one title changed, then any of three words, both timed',
    unit: 'µs',
    better: 'lower',
    n: `${rounds} × ${UPDATES}`,
    figures: await interleaved(blocks, { rounds, warmUps: WARM_UPS, collect: false }),
    absent,
  })
}

/** RSS after the queries above and collected garbage. */
async function memory({ processes, answered, options, group }) {
  const figures = {}
  for (const [name, process] of processes) {
    if (answered.has(name)) figures[name] = (await process.ask({ task: 'memory' })).rss / 2 ** 20
  }
  return {
    id: `memory-${group}`,
    title: `resident after the queries of ${group}, ${options.records} records, garbage collected`,
    unit: 'MiB',
    better: 'lower',
    n: 1,
    figures,
  }
}
