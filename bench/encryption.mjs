/**
 * `npm run bench -- encryption`: what encryption at rest costs. The same work on a plain database and on one that is
 * encrypted with a key, in turns in one process, then what a password adds to an open. Ratios are what counts: the two
 * share the machine and its noise.
 */
import { randomBytes } from 'node:crypto'
import { INDEXES, load } from './adapters/blazedb.mjs'
import { bugs } from './data/bugs.mjs'
import { scratch } from './measure/directories.mjs'
import { interleaved, timed } from './measure/interleaved.mjs'
import { exposeCollector, machine } from './measure/report.mjs'

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
    const blocks = Object.fromEntries(Object.entries(stores).map(([name, store]) => [name, blockOf(store)]))
    const { plain, encrypted } = await interleaved(blocks, { rounds, ...settings })
    const cost = unit === 'commits/s' ? plain / encrypted : encrypted / plain
    console.log(
      `${title}: plain ${shown(plain)} ${unit}, encrypted ${shown(encrypted)} ${unit}, cost × ${cost.toFixed(2)}`,
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
        return timed(records, async () => {
          for (let at = 0; at < records; at += BATCH) await store.db.bugs.insertMany(all.slice(at, at + BATCH))
        })
      },
      { rounds: 3, warmUps: 0 },
    )
    await compare('one durable commit, awaited', 'µs', (store) => () => {
      const list = fresh(SERIAL)
      return timed(SERIAL, async () => {
        for (const record of list) await store.db.bugs.insert(record)
      })
    })
    await compare(`${COMMITTERS} concurrent durable committers`, 'commits/s', (store) => async () => {
      const list = fresh(CONCURRENT)
      const committer = async (first) => {
        for (let at = first; at < CONCURRENT; at += COMMITTERS) await store.db.bugs.insert(list[at])
      }
      const each = await timed(CONCURRENT, () =>
        Promise.all(Array.from({ length: COMMITTERS }, (_, i) => committer(i))),
      )
      return 1_000_000 / each
    })
    await compare('get of a hot set', 'µs', (store) => (round) => gets(store.db, all.slice(0, HOT), round))
    await compare(
      'scan all, decoded',
      'µs a record',
      (store) => () => {
        const count = store.db.bugs.count()
        return timed(count, () => store.db.bugs.all())
      },
      { rounds: 5 },
    )
    await compare(
      'checkpoint and close',
      'ms',
      (store) => async () => {
        await store.db.bugs.updateMany({ status: 'open' }, { votes: 1 })
        const each = await timed(1000, () => store.db.close())
        store.db = await opened(store)
        return each
      },
      { rounds: 3 },
    )
    for (const store of Object.values(stores)) await store.db.close()
    await compare('open after a clean close', 'ms', (store) => async () => {
      const each = await timed(1000, async () => {
        store.db = await opened(store)
      })
      await store.db.close()
      return each
    })
    for (const store of Object.values(stores)) store.db = await opened(store, { memoryBytes: COLD_MEMORY_BYTES })
    await compare('get of records that are mostly cold', 'µs', (store) => (round) => gets(store.db, all, round))
    await passwords(stores.encrypted, opened, quick)
    await stores.plain.db.close()
  } finally {
    folders.close()
  }
}

/** What a password costs each time it is used, and that rekey does not depend on the data. */
async function passwords(store, opened, quick) {
  const password = 'correct horse battery staple'
  const rekey = await timed(1000, () => store.db.rekey({ key: store.options.encryption.key }))
  console.log(`rekey to a key: ${shown(rekey)} ms`)
  const toPassword = await timed(1000, () => store.db.rekey({ password }))
  console.log(`rekey to a password (scrypt, 2^17): ${shown(toPassword)} ms`)
  await store.db.close()
  const { open } = await interleaved(
    {
      open: async () => {
        let db
        const each = await timed(1000, async () => {
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
function gets(db, list, round) {
  const ids = Array.from({ length: GETS }, (_, i) => list[(i * 7919 + (round + 10) * 104_729) % list.length].id)
  return timed(GETS, () => {
    for (const id of ids) if (db.bugs.get(id) === undefined) throw new Error(`${id} is gone`)
  })
}

function shown(value) {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
