/**
 * One contestant of the rows that read, in a process of its own: what one engine teaches the compiler (types of fields,
 * shapes of objects), and the garbage that it makes, must not cost another. The parent says when to run which block, so
 * that rounds still alternate and only one contestant runs at a time.
 *
 *   parent ── { block, parameters } ──▶ contestant ── { figure } ──▶ parent
 */
import { loadAdapter } from './adapters/adapters.mjs'
import { bugs, DATES, STATUSES } from './data/bugs.mjs'
import { seededRandom } from './data/random.mjs'
import { timed } from './measure/interleaved.mjs'

/** Each gives µs per operation. Everything is decoded, and two fields of each record are read. */
const BLOCKS = {
  get: ({ store, ids }, { count, among, seed }) => {
    const random = seededRandom(seed)
    const wanted = Array.from({ length: count }, () => ids[random.whole(0, among - 1)])
    return timed(count, () => {
      for (const id of wanted) touch(store.get(id))
    })
  },
  scan: ({ store, ids }) =>
    timed(ids.length, async () => {
      for (const record of await store.all()) touch(record)
    }),
  equality: ({ store, ids }) =>
    timed(ids.length, async () => {
      for (const status of STATUSES) {
        for (let priority = 1; priority <= 5; priority++) {
          for (const record of await store.equal(status, priority)) touch(record)
        }
      }
    }),
  /** Windows of a thousandth of the time: 100 records of 100,000. */
  range: ({ store }, { count, seed }) => {
    const random = seededRandom(seed)
    const spanMs = Math.floor(DATES.spanMs / 1000)
    const starts = Array.from(
      { length: count },
      () => DATES.fromMs + Math.floor(random.unit() * (DATES.spanMs - spanMs)),
    )
    return timed(count, async () => {
      for (const fromMs of starts) {
        for (const record of await store.range(new Date(fromMs), new Date(fromMs + spanMs))) touch(record)
      }
    })
  },
}

let sink = 0

function touch(record) {
  sink = (sink + record.votes + record.createdAt.getTime()) % 1_000_003
}

const { peer, directory, settings, records, seed } = JSON.parse(process.argv[2])
const { openStore } = await loadAdapter(peer)
const store = await openStore(directory, { indexes: true, existing: true, ...settings })
// Of the records only the ids are kept: flat strings, as from a request.
const ids = bugs(records, seed).map(({ id }) => id)
globalThis.gc()

process.on('message', async ({ block, parameters, collect }) => {
  if (block === 'close') {
    await store.close()
    process.disconnect()
    return
  }
  if (collect) globalThis.gc()
  process.send({ figure: await BLOCKS[block]({ store, ids }, parameters) })
})
process.send({ ready: true })
