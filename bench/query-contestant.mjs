/**
 * One contestant of the query benchmark, in a process of its own (contestant.mjs says why). The parent sends what to do
 * and with which parameters; the data is made here only to be loaded, and is garbage when the queries run.
 *
 *   parent ── { task, query, operations } ──▶ contestant ── { answers | µs | rss | absent } ──▶ parent
 *
 * An operation is `{ update?, parameters? }`: the update, then the query; both are timed.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { loadAdapter } from './adapters/adapters.mjs'
import { queryData } from './data/query-data.mjs'
import { NotBuilt } from './measure/not-built.mjs'

const BATCH = 1000
/** A block of quick queries ends after this. One with updates does not: all peers must have made the same ones. */
const BLOCK_MS = 30
/** But not before so many: the first after a collection is slower than the rest. */
const LEAST = 3

const { module, directory, settings, records, seed, fill } = JSON.parse(process.argv[2])
const { openStore } = await loadAdapter(module)
const store = await openStore(directory, { ...settings, existing: !fill })
if (fill) await filled()
globalThis.gc()

async function filled() {
  const { bugs, users, projects, docs } = queryData(records, seed)
  const all = settings.group === 'text' ? { bugs } : { bugs, users, projects, docs }
  for (const [table, rows] of Object.entries(all)) {
    for (let at = 0; at < rows.length; at += BATCH) await store.insertBatch(table, rows.slice(at, at + BATCH))
  }
  await store.loaded?.()
}

async function operate(query, { update, parameters }) {
  if (update?.title !== undefined) await store.setTitle(update)
  else if (update !== undefined) await store.setVotes(update)
  return store.queries[query](parameters)
}

let sink = 0

/** Two fields of each row are read. */
function touch(result) {
  if (typeof result === 'number') sink = (sink + result) % 1_000_003
  else for (const row of result) sink = (sink + (row.votes ?? row.r ?? 1) + (row.id ?? '').length) % 1_000_003
}

const TASKS = {
  /** The results themselves, for the parent to compare. */
  answers: async ({ query, operations }) => {
    if (store.queries[query] === undefined) return { absent: 'n/a' }
    const answers = []
    for (const operation of operations) answers.push(await operate(query, operation))
    return { answers }
  },
  updates: async ({ operations }) => {
    for (const { update } of operations) await store.setVotes(update)
    return {}
  },
  /** µs per operation. */
  time: async ({ query, operations, collect }) => {
    if (collect) globalThis.gc()
    const hasUpdates = operations[0].update !== undefined
    const start = performance.now()
    let count = 0
    let ms = 0
    for (const operation of operations) {
      touch(await operate(query, operation))
      count++
      ms = performance.now() - start
      if (!hasUpdates && count >= LEAST && ms > BLOCK_MS) break
    }
    return { us: (ms * 1000) / count }
  },
  /** µs per title, many in one transaction. */
  titles: async ({ updates }) => {
    if (store.setTitles === undefined) return { absent: 'n/a' }
    const start = performance.now()
    await store.setTitles(updates)
    return { us: ((performance.now() - start) * 1000) / updates.length }
  },
  memory: async () => {
    for (let round = 0; round < 4; round++) {
      globalThis.gc()
      await pause(50)
    }
    return { rss: process.memoryUsage.rss() }
  },
}

process.on('message', async (message) => {
  if (message.task === 'close') {
    await store.close()
    process.disconnect()
    return
  }
  try {
    process.send(await TASKS[message.task](message))
  } catch (error) {
    process.send({ absent: error instanceof NotBuilt ? error.message : `error: ${error.message}` })
  }
})
process.send({ ready: true })
