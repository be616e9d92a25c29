/** `npm run bench -- profile [--only get]`: where the time of each workload goes, as functions by self time. */
import { Session } from 'node:inspector'
import { basename } from 'node:path'
import * as blazedb from './adapters/blazedb.mjs'
import { bugs } from './data/bugs.mjs'
import { scratch } from './measure/directories.mjs'

const BATCH = 1000
const COMMITTERS = 64
const SHOWN = 25
/** Starting the profiler is itself sampled, under this name. */
const PROFILER = 'dispatch '

/** Each is profiled alone, after a run that warms it up. */
const WORKLOADS = {
  load: async ({ fresh, library, records }) => {
    const store = await blazedb.openStore(library, fresh('load'), { indexes: true })
    for (let at = 0; at < records.length; at += BATCH) await store.insertBatch(records.slice(at, at + BATCH))
    await store.close()
    return records.length
  },
  get: ({ store, records }) => {
    const count = 300_000
    for (let at = 0; at < count; at++) store.get(records[(at * 7919) % records.length].id)
    return count
  },
  scan: ({ store, records }) => {
    for (let round = 0; round < 10; round++) store.all()
    return 10 * records.length
  },
  equal: ({ store }) => {
    let count = 0
    for (let round = 0; round < 20; round++) count += store.equal('open', 1 + (round % 5)).length
    return count
  },
  range: ({ store }) => {
    const fromMs = Date.UTC(2023, 6, 1)
    let count = 0
    for (let round = 0; round < 300; round++) {
      count += store.range(new Date(fromMs + round * 86_400_000), new Date(fromMs + (round + 1) * 86_400_000)).length
    }
    return count
  },
  concurrent: async ({ fresh, library, records }) => {
    const store = await blazedb.openStore(library, fresh('concurrent'), { indexes: false })
    let next = 0
    const committer = async () => {
      while (next < records.length) await store.insert(records[next++])
    }
    await Promise.all(Array.from({ length: COMMITTERS }, committer))
    await store.close()
    return records.length
  },
  serial: async ({ fresh, library, records }) => {
    const store = await blazedb.openStore(library, fresh('serial'), { indexes: false })
    const count = Math.min(4000, records.length)
    for (let at = 0; at < count; at++) await store.insert(records[at])
    await store.close()
    return count
  },
  relaxed: async ({ fresh, library, records }) => {
    const store = await blazedb.openStore(library, fresh('relaxed'), { indexes: false })
    const count = Math.min(20_000, records.length)
    for (let at = 0; at < count; at++) await store.insertRelaxed(records[at])
    await store.close()
    return count
  },
  counters: async ({ fresh, library }) => {
    const store = await blazedb.openStore(library, fresh('counters'), { indexes: false })
    const ids = Array.from({ length: 100 }, (_, at) => `c${at}`)
    await store.addCounters(ids)
    const writer = async (first) => {
      for (let at = 0; at < 1000; at++) await store.increment(ids[(first * 13 + at * 7) % 100])
    }
    await Promise.all(Array.from({ length: 8 }, (_, first) => writer(first)))
    await store.close()
    return 8000
  },
}

export async function profile(options) {
  const library = await blazedb.load()
  const { fresh, close } = scratch()
  const records = bugs(options.records, options.seed)
  const store = await blazedb.openStore(library, fresh('read'), { indexes: true })
  for (let at = 0; at < records.length; at += BATCH) await store.insertBatch(records.slice(at, at + BATCH))
  for (const [name, run] of Object.entries(WORKLOADS)) {
    if (options.only !== undefined && !options.only.includes(name)) continue
    const context = { library, fresh, records, store }
    await run(context)
    const { count, ms, profile: taken } = await profiled(() => run(context))
    console.log(`\n${name}: ${count} operations, ${((ms * 1000) / count).toFixed(2)} µs each`)
    for (const line of byself(taken).slice(0, SHOWN)) console.log(line)
  }
  await store.close()
  close()
}

async function profiled(run) {
  const session = new Session()
  session.connect()
  const post = (method, parameters) =>
    new Promise((resolve, reject) =>
      session.post(method, parameters, (error, result) => (error ? reject(error) : resolve(result))),
    )
  await post('Profiler.enable')
  await post('Profiler.setSamplingInterval', { interval: 200 })
  await post('Profiler.start')
  const start = performance.now()
  const count = await run()
  const ms = performance.now() - start
  const { profile: taken } = await post('Profiler.stop')
  session.disconnect()
  return { count, ms, profile: taken }
}

/** Lines of `share  function  file:line`, greatest self time first. */
function byself({ nodes, samples, timeDeltas }) {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, place(callFrame)]))
  const selfUs = new Map()
  let totalUs = 0
  for (const [at, id] of samples.entries()) {
    const name = places.get(id)
    if (name.startsWith(PROFILER)) continue
    selfUs.set(name, (selfUs.get(name) ?? 0) + timeDeltas[at])
    totalUs += timeDeltas[at]
  }
  return [...selfUs]
    .sort(([, a], [, b]) => b - a)
    .map(([name, us]) => `${((100 * us) / totalUs).toFixed(1).padStart(6)} %  ${name}`)
}

function place({ functionName, url, lineNumber }) {
  return `${functionName || '(anonymous)'}  ${url === '' ? '' : `${basename(url)}:${lineNumber + 1}`}`
}
