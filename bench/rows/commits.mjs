/** Rows that commit: load, serial, concurrent, relaxed, hot counters. */
import { closeSync, constants, openSync, promises, writeSync } from 'node:fs'
import { join } from 'node:path'
import { interleaved, timed } from '../measure/interleaved.mjs'
import { median } from '../measure/statistics.mjs'
import { BATCH, loadAll } from '../session.mjs'

const COMMITTERS = 64
const WRITERS = 8
const COUNTERS = 100

export const commits = [
  { id: 'load', run: load },
  { id: 'serial', run: serial },
  { id: 'concurrent', run: concurrent },
  { id: 'relaxed', run: relaxed },
  { id: 'counters', run: counters },
]

async function load(session) {
  const { options, folders, records } = session
  const part = records.slice(0, 100_000)
  const rounds = Math.min(3, options.rounds)
  const contestants = session.each((adapter) => async () => {
    const directory = folders.fresh('load')
    const store = await adapter.openStore(directory, { indexes: true })
    const each = await timed(part.length, () => loadAll(store, part))
    await store.close()
    folders.drop(directory)
    return each
  })
  return {
    id: 'load',
    title: `load ${part.length} in durable batches of ${BATCH}, three indexes, per record`,
    unit: 'µs',
    better: 'lower',
    n: `${rounds} × ${part.length}`,
    figures: await interleaved(contestants, { rounds, warmUps: 0 }),
    goals: [
      { against: 'better-sqlite3', times: 2.5 },
      { against: 'lmdb', times: 2.5 },
    ],
  }
}

async function serial(session) {
  const { options } = session
  const count = options.quick ? 100 : 300
  const { stores, close } = await emptyStores(session)
  const never = await openEmpty(session, 'blazedb', { syncWrites: 'never' })
  const bytes = await frameBytes(stores.get('blazedb'), session)
  const raw = openRaw(session, bytes)
  const p50 = (run) => async () => {
    const taken = []
    for (const record of session.spare(count)) {
      const start = performance.now()
      await run(record)
      taken.push((performance.now() - start) * 1000)
    }
    return median(taken)
  }
  const contestants = {
    ...session.each(({ name }) => p50((record) => stores.get(name).insert(record))),
    "blazedb syncWrites: 'never'": p50((record) => never.insert(record)),
    'raw O_DSYNC writeSync': p50(raw.write),
    'raw O_DSYNC awaited write': p50(raw.writeAwaited),
  }
  const figures = await interleaved(contestants, options)
  await raw.close()
  await never.close()
  await close()
  return {
    id: 'serial',
    title: 'one durable commit at a time, p50',
    unit: 'µs',
    better: 'lower',
    n: `${options.rounds} × ${count}`,
    figures,
    goals: [
      { against: 'raw O_DSYNC writeSync', within: 1.2 },
      { of: "blazedb syncWrites: 'never'", against: 'raw O_DSYNC awaited write', within: 1.2 },
      ...options.peers.map((against) => ({ against, times: 1 })),
    ],
    note: `raw writes are of ${bytes} bytes, what one commit adds to the log`,
  }
}

/** What one insert of a bug adds to the log. */
async function frameBytes(store, session) {
  const before = store.db.stats().log.bytes
  const sample = session.spare(200)
  for (const record of sample) await store.insert(record)
  return Math.round((store.db.stats().log.bytes - before) / sample.length)
}

/** The same bytes, to a file whose space was written before, with nothing around them. */
function openRaw(session, sizeBytes) {
  const path = join(session.folders.fresh('raw'), 'file')
  const capacity = 8 * 1024 * 1024
  const prepare = openSync(path, 'w')
  writeSync(prepare, Buffer.alloc(capacity))
  closeSync(prepare)
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_DSYNC)
  const handle = promises.open(path, constants.O_WRONLY | constants.O_DSYNC)
  const bytes = Buffer.alloc(sizeBytes, 7)
  let at = 0
  const next = () => {
    at = at + sizeBytes > capacity ? 0 : at
    at += sizeBytes
    return at - sizeBytes
  }
  return {
    write: () => writeSync(descriptor, bytes, 0, sizeBytes, next()),
    writeAwaited: async () => (await handle).write(bytes, 0, sizeBytes, next()),
    close: async () => {
      closeSync(descriptor)
      await (await handle).close()
    },
  }
}

async function concurrent(session) {
  const { options } = session
  const count = options.quick ? 1280 : 6400
  const { stores, close } = await emptyStores(session)
  const contestants = session.each(({ name }) => async () => {
    const store = stores.get(name)
    // One connection commits one after the other: more committers change nothing for SQLite.
    const records = session.spare(name === 'better-sqlite3' ? Math.floor(count / 16) : count)
    const us = await timed(records.length, () => committers(records, (record) => store.insert(record)))
    return 1e6 / us
  })
  const figures = await interleaved(contestants, options)
  await close()
  return {
    id: 'concurrent',
    title: `${COMMITTERS} concurrent durable committers (SQLite: serial)`,
    unit: 'commits/s',
    better: 'higher',
    n: `${options.rounds} × ${count}`,
    figures,
    goals: [
      { against: 'better-sqlite3', times: 20 },
      { against: 'lmdb', times: 4 },
      { against: 'classic-level', times: 6 },
    ],
  }
}

/** Each committer takes the next record when its last commit is acknowledged. */
async function committers(records, insert) {
  let next = 0
  const committer = async () => {
    while (next < records.length) await insert(records[next++])
  }
  await Promise.all(Array.from({ length: COMMITTERS }, committer))
}

async function relaxed(session) {
  const { options } = session
  const count = options.quick ? 1000 : 5000
  const { stores, close } = await emptyStores(session)
  const contestants = session.each(({ name }) => async () => {
    const store = stores.get(name)
    const records = session.spare(count)
    return (
      1e6 /
      (await timed(count, async () => {
        for (const record of records) await store.insertRelaxed(record)
      }))
    )
  })
  contestants[`blazedb, ${COMMITTERS} at once`] = async () => {
    const records = session.spare(count)
    return (
      1e6 / (await timed(count, () => committers(records, (record) => stores.get('blazedb').insertRelaxed(record))))
    )
  }
  if (stores.has('classic-level')) {
    contestants[`classic-level, ${COMMITTERS} at once`] = async () => {
      const records = session.spare(count)
      const store = stores.get('classic-level')
      return 1e6 / (await timed(count, () => committers(records, (record) => store.insertRelaxed(record))))
    }
  }
  const figures = await interleaved(contestants, options)
  await close()
  return {
    id: 'relaxed',
    title: 'relaxed commits, one at a time (a killed process loses none)',
    unit: 'commits/s',
    better: 'higher',
    n: `${options.rounds} × ${count}`,
    figures,
    goals: [
      { against: 'better-sqlite3', times: 10 },
      { against: 'classic-level', times: 4 },
      { of: `blazedb, ${COMMITTERS} at once`, against: 'better-sqlite3', times: 10 },
      { of: `blazedb, ${COMMITTERS} at once`, against: `classic-level, ${COMMITTERS} at once`, times: 4 },
    ],
  }
}

async function counters(session) {
  const { options } = session
  const perWriter = options.quick ? 50 : 250
  const { stores, close } = await emptyStores(session)
  const ids = Array.from({ length: COUNTERS }, (_, at) => `counter-${at}`)
  const sums = new Map()
  const contestants = {}
  for (const [name, store] of stores) {
    if (store.increment === undefined) continue
    await store.addCounters(ids)
    sums.set(name, 0)
    contestants[name] = async () => {
      const writer = async (first) => {
        for (let at = 0; at < perWriter; at++) await store.increment(ids[(first * 31 + at * 17) % COUNTERS])
      }
      const us = await timed(WRITERS * perWriter, () =>
        Promise.all(Array.from({ length: WRITERS }, (_, at) => writer(at))),
      )
      sums.set(name, sums.get(name) + WRITERS * perWriter)
      return 1e6 / us
    }
  }
  const figures = await interleaved(contestants, options)
  for (const [name, sum] of sums) {
    const found = stores.get(name).counterSum()
    if (found !== sum) throw new Error(`${name}: ${sum} increments were acknowledged, the counters sum to ${found}`)
  }
  await close()
  return {
    id: 'counters',
    title: `${WRITERS} writers on ${COUNTERS} hot counters, read-modify-write in durable transactions`,
    unit: 'transactions/s',
    better: 'higher',
    n: `${options.rounds} × ${WRITERS * perWriter}`,
    figures,
    goals: [{ against: 'better-sqlite3', times: 20 }],
    note: 'the sum of the counters was right for each',
  }
}

async function emptyStores(session) {
  const stores = new Map()
  for (const name of session.adapters.keys()) stores.set(name, await openEmpty(session, name, {}))
  const close = async () => {
    for (const store of stores.values()) await store.close()
  }
  return { stores, close }
}

function openEmpty(session, name, settings) {
  return session.adapters.get(name).openStore(session.folders.fresh(name), { indexes: false, ...settings })
}
