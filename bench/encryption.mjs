/**
 * `npm run bench -- encryption`: what encryption at rest costs. The same work on a plain database and on one that is
 * encrypted with a key, in turns in one process, then what a password adds to an open. Ratios are what counts: the two
 * share the machine and its noise. Beside that of the time that passed stands the ratio of the processor's time, all
 * threads together, which other work on the machine disturbs less.
 */
import { randomBytes } from 'node:crypto'
import { INDEXES, load } from './adapters/blazedb.mjs'
import { bugs } from './data/bugs.mjs'
import { scratch } from './measure/directories.mjs'
import { interleaved, timed } from './measure/interleaved.mjs'
import { exposeCollector, machine } from './measure/report.mjs'
import { median } from './measure/statistics.mjs'

const BATCH = 1000
const SERIAL = 200
const COMMITTERS = 64
const CONCURRENT = 6400
const GETS = 2000
const HOT = 1000
/** The least that an open takes: most records are then read from the disk. */
const COLD_MEMORY_BYTES = 16 * 1024 * 1024

export async function encryption({ records, seed, directory, quick }) {
  exposeCollector()
  console.log(`${records} records, seed ${seed}, ${JSON.stringify(machine())}`)
  const library = await load()
  const folders = scratch(directory)
  const all = bugs(records, seed)
  let spare = seed + 1_000_000
  const fresh = (count) => bugs(count, spare++)
  const stores = {
    plain: { folder: folders.fresh('plain'), options: {} },
    encrypted: { folder: folders.fresh('encrypted'), options: { encryption: { key: randomBytes(32) } } },
  }
  const opened = ({ folder, options }, more = {}) =>
    library.open(folder, {
      collections: { bugs: library.collection({ indexes: INDEXES }) },
      retain: { logBytes: 0 },
      ...options,
      ...more,
    })
  const rounds = quick ? 3 : 9
  const compare = async (title, unit, blockOf, settings = {}) => {
    const blocks = {}
    for (const [name, store] of Object.entries(stores)) {
      store.cpu = []
      blocks[name] = blockOf(store)
    }
    const plan = { rounds, ...settings }
    const { plain, encrypted } = await interleaved(blocks, plan)
    const cost = unit === 'commits/s' ? plain / encrypted : encrypted / plain
    const [before, after] = [stores.plain, stores.encrypted].map(({ cpu }) => median(cpu.slice(-plan.rounds)))
    console.log(
      `${title}: plain ${shown(plain)} ${unit}, encrypted ${shown(encrypted)} ${unit}: × ${cost.toFixed(2)} of the time, × ${(after / before).toFixed(2)} of the processor's`,
    )
  }
  try {
    await compare(
      'load in durable batches, three indexes',
      'µs a record',
      (store) => async () => {
        await store.db?.close()
        folders.drop(store.folder)
        store.db = await opened(store)
        return measured(store, records, async () => {
          for (let at = 0; at < records; at += BATCH) await store.db.bugs.insertMany(all.slice(at, at + BATCH))
        })
      },
      { rounds: 3, warmUps: 0 },
    )
    await compare('one durable commit, awaited', 'µs', (store) => () => {
      const list = fresh(SERIAL)
      return measured(store, SERIAL, async () => {
        for (const record of list) await store.db.bugs.insert(record)
      })
    })
    await compare(`${COMMITTERS} concurrent durable committers`, 'commits/s', (store) => async () => {
      const list = fresh(CONCURRENT)
      const committer = async (first) => {
        for (let at = first; at < CONCURRENT; at += COMMITTERS) await store.db.bugs.insert(list[at])
      }
      const each = await measured(store, CONCURRENT, () =>
        Promise.all(Array.from({ length: COMMITTERS }, (_, i) => committer(i))),
      )
      return 1_000_000 / each
    })
    await compare('get of a hot set', 'µs', (store) => (round) => gets(store, all.slice(0, HOT), round))
    await compare(
      'scan all, decoded',
      'µs a record',
      (store) => () => {
        const count = store.db.bugs.count()
        return measured(store, count, () => store.db.bugs.all())
      },
      { rounds: 5 },
    )
    await compare(
      'checkpoint and close',
      'ms',
      (store) => async () => {
        await store.db.bugs.updateMany({ status: 'open' }, { votes: 1 })
        const each = await measured(store, 1000, () => store.db.close())
        store.db = await opened(store)
        return each
      },
      { rounds: 3 },
    )
    for (const store of Object.values(stores)) await store.db.close()
    await compare('open after a clean close', 'ms', (store) => async () => {
      const each = await measured(store, 1000, async () => {
        store.db = await opened(store)
      })
      await store.db.close()
      return each
    })
    for (const store of Object.values(stores)) store.db = await opened(store, { memoryBytes: COLD_MEMORY_BYTES })
    await compare('get of records that are mostly cold', 'µs', (store) => (round) => gets(store, all, round))
    await passwords(stores.encrypted, opened, quick)
    await stores.plain.db.close()
  } finally {
    folders.close()
  }
}

/** What a password costs each time it is used, and that rekey does not depend on the data. */
async function passwords(store, opened, quick) {
  const password = 'correct horse battery staple'
  const rekey = await measured(store, 1000, () => store.db.rekey({ key: store.options.encryption.key }))
  console.log(`rekey to a key: ${shown(rekey)} ms`)
  const toPassword = await measured(store, 1000, () => store.db.rekey({ password }))
  console.log(`rekey to a password (scrypt, 2^17): ${shown(toPassword)} ms`)
  await store.db.close()
  const { open } = await interleaved(
    {
      open: async () => {
        let db
        const each = await measured(store, 1000, async () => {
          db = await opened({ ...store, options: { encryption: { password } } })
        })
        await db.close()
        return each
      },
    },
    { rounds: quick ? 1 : 5 },
  )
  console.log(`open with a password (scrypt, 2^17): ${shown(open)} ms`)
}

/** µs a get of random records of a list; warm-ups have rounds below 0. */
function gets(store, list, round) {
  const ids = Array.from({ length: GETS }, (_, i) => list[(i * 7919 + (round + 10) * 104_729) % list.length].id)
  return measured(store, GETS, () => {
    for (const id of ids) if (store.db.bugs.get(id) === undefined) throw new Error(`${id} is gone`)
  })
}

/** µs per operation; the processor's time is noted with the store. */
async function measured(store, count, run) {
  const before = process.cpuUsage()
  const each = await timed(count, run)
  const { user, system } = process.cpuUsage(before)
  store.cpu.push((user + system) / count)
  return each
}

function shown(value) {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
