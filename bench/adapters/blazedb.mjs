/** BlazeDB as the benchmarks use it: the built package, through its public door. */
export const name = 'blazedb'

export async function load() {
  // The first checkpoint loads lmdb; the rows that say "modules loaded" mean this one too.
  await import('lmdb')
  return import('../../dist/entry/index.js')
}

export const INDEXES = ['assignee', ['status', 'priority'], 'createdAt']

/** What a store must do is in bench/README.md. */
export async function openStore(library, directory, settings) {
  const { open, collection } = library
  const db = await open(directory, {
    collections: { bugs: collection(settings.indexes ? { indexes: INDEXES } : {}), counters: collection({}) },
    retain: { logBytes: 0 },
    ...(settings.syncWrites === undefined ? {} : { syncWrites: settings.syncWrites }),
    ...(settings.memoryBytes === undefined ? {} : { memoryBytes: settings.memoryBytes }),
  })
  const { bugs, counters } = db
  const relaxed = { durability: 'relaxed' }
  return {
    db,
    insertBatch: (records) => bugs.insertMany(records),
    insert: (record) => bugs.insert(record),
    insertRelaxed: (record) => bugs.insert(record, relaxed),
    setVotes: (id, votes) => bugs.update(id, { votes }),
    setVotesOfMany: (ids, votes) =>
      db.transaction((tx) => {
        for (const id of ids) tx.bugs.update(id, { votes })
      }),
    get: (id) => bugs.get(id),
    all: () => bugs.all(),
    equal: (status, priority) => bugs.where({ status, priority }).all(),
    range: (from, to) => bugs.where({ createdAt: { gte: from, lt: to } }).all(),
    addCounters: (ids) => counters.insertMany(ids.map((id) => ({ id, n: 0 }))),
    increment: (id) =>
      db.transaction(
        (tx) => {
          const counter = tx.counters.get(id)
          tx.counters.update(id, { n: counter.n + 1 })
        },
        { retries: 1000 },
      ),
    counterSum: () => counters.all().reduce((sum, { n }) => sum + n, 0),
    close: () => db.close(),
  }
}
