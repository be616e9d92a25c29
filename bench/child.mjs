/**
 * One task in a process of its own: `node --expose-gc child.mjs <task> <json>`; prints its result as JSON. For what a
 * process does once (importing, opening) or is as a whole (memory), and for what must be killed.
 */
import { writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { loadAdapter } from './adapters/adapters.mjs'
import { coldCodec, keptByCodec } from './codecs/tasks.mjs'
import { bugs } from './data/bugs.mjs'
import { seededRandom } from './data/random.mjs'
import { diskBytes } from './measure/directories.mjs'
import { quantile } from './measure/statistics.mjs'
import { BATCH, loadAll } from './session.mjs'

const TASKS = { importing, opening, tail, filling, memory, disk, stalls, nothing: resident, coldCodec, keptByCodec }

/** Milliseconds that importing the module takes in a process that has loaded nothing else of it. */
async function importing({ module }) {
  const start = performance.now()
  await import(module)
  return { ms: performance.now() - start }
}

/** From calling open() to the first record, modules loaded. */
async function opening({ peer, directory, id }) {
  const adapter = await loadAdapter(peer)
  const start = performance.now()
  const store = await adapter.openStore(directory, { indexes: true, existing: true })
  const record = store.get(id)
  const ms = performance.now() - start
  if (record === undefined) throw new Error(`${peer} lost ${id}`)
  await store.close()
  return { ms }
}

/** Loads and closes. */
async function filling({ peer, directory, settings, records, seed }) {
  const store = await (await loadAdapter(peer)).openStore(directory, { indexes: true, ...settings })
  await loadAll(store, bugs(records, seed))
  await store.close()
  return {}
}

/** Leaves a log of `bytes` behind that no checkpoint has seen: writes until there is as much, and is killed. */
async function tail({ directory, bytes, seed }) {
  const store = await (await loadAdapter('blazedb')).openStore(directory, { indexes: true })
  const records = bugs(400_000, seed)
  let at = 0
  while (store.db.stats().log.bytes < bytes) {
    await store.insertBatch(records.slice(at, at + BATCH))
    at += BATCH
  }
  writeSync(1, JSON.stringify({ records: at, bytes: store.db.stats().log.bytes, id: records[at - 1].id }))
  process.kill(process.pid, 'SIGKILL')
}

/** Resident memory with every record, index entry and log frame read once. */
async function memory({ peer, directory, records }) {
  const store = await (await loadAdapter(peer)).openStore(directory, { indexes: true, existing: true })
  let count = 0
  for (const priority of [1, 2, 3, 4, 5]) {
    for (const status of ['open', 'triaged', 'active', 'resolved', 'closed']) {
      for (const record of await store.equal(status, priority)) {
        if (store.get(record.id) !== undefined) count++
      }
    }
  }
  if (count !== records) throw new Error(`${peer} has ${count} of ${records} records`)
  const result = await resident()
  await store.close()
  return result
}

/** RSS once garbage is collected and its pages are given back. */
async function resident() {
  for (let round = 0; round < 4; round++) {
    globalThis.gc()
    await pause(50)
  }
  return { rss: process.memoryUsage.rss() }
}

/** Disk after load, and after ten updates of each record; the store is closed each time. */
async function disk({ peer, directory, records, seed }) {
  const adapter = await loadAdapter(peer)
  const all = bugs(records, seed)
  const random = seededRandom(seed + 1)
  let store = await adapter.openStore(directory, { indexes: true })
  await loadAll(store, all)
  const liveAfterLoad = store.db?.stats?.().log.liveBytes
  await store.close()
  const afterLoad = diskBytes(directory)
  const pagesAfterLoad = peer === 'blazedb' ? diskBytes(`${directory}/pages`) : 0
  store = await adapter.openStore(directory, { indexes: true, existing: true })
  for (let at = 0; at < records * 10; at += BATCH) {
    const ids = Array.from({ length: BATCH }, () => all[random.whole(0, records - 1)].id)
    await store.setVotesOfMany(ids, random.whole(0, 500))
  }
  const liveAfterChurn = store.db?.stats?.().log.liveBytes
  await store.close()
  return { afterLoad, liveAfterLoad, pagesAfterLoad, afterChurn: diskBytes(directory), liveAfterChurn }
}

/**
 * Delays of the event loop while the engine works in the background. The writer beside it commits little at a time and
 * gives the turn back; its own synchronous part is measured too, because the delay contains it.
 */
async function stalls({ directory, records, seed }) {
  const store = await (await loadAdapter('blazedb')).openStore(directory, { indexes: true })
  const all = bugs(records, seed)
  const phases = {}
  phases.idle = await watched(() => pause(1500))
  await loadAll(store, all)
  phases.checkpoint = await watched(() => store.db.checkpoint())
  phases['index build'] = await watched(() => store.db.createIndex('bugs', 'votes'))
  phases['churn: versions, cleaning, checkpoints'] = await watched(async (note) => {
    const snapshot = store.db.snapshot()
    for (let at = 0; at < records; at += 20) {
      const start = performance.now()
      const done = store.setVotesOfMany(
        all.slice(at, at + 20).map(({ id }) => id),
        at % 500,
      )
      note(performance.now() - start)
      await done
      await turn()
      if (at === Math.floor(records / 40) * 20) snapshot.close()
    }
    snapshot.close()
    await store.db.checkpoint()
  })
  await store.close()
  return phases
}

async function watched(run) {
  await pause(200)
  globalThis.gc()
  const own = []
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const start = performance.now()
  await run((ms) => own.push(ms))
  await pause(20)
  delay.disable()
  return {
    p99: delay.percentile(99) / 1e6,
    worst: delay.max / 1e6,
    ms: performance.now() - start,
    ...(own.length === 0 ? {} : { ownP99: quantile(own, 0.99), ownWorst: quantile(own, 1) }),
  }
}

const [task, parameters] = process.argv.slice(2)
const result = await TASKS[task](JSON.parse(parameters))
writeSync(1, JSON.stringify(result))
