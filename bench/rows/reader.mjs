/** A writer while a long reader is open: the reader's snapshot stays as it was, the writer does not pay for it. */
import { diskBytes } from '../measure/directories.mjs'
import { quantile } from '../measure/statistics.mjs'

export const readerBesideWriter = [{ id: 'reader', run: reader }]

const HOT = 2000

async function reader(session) {
  const { options, folders } = session
  const count = options.quick ? 1000 : 4000
  const directory = folders.fresh('reader')
  const store = await session.adapters.get('blazedb').openStore(directory, { indexes: true })
  const records = session.spare(HOT)
  await store.insertBatch(records)
  const alone = []
  const beside = []
  for (let round = -1; round < options.rounds; round++) {
    const before = await updates(store, records, count, round)
    const snapshot = store.db.snapshot()
    const seen = records.map(({ id }) => snapshot.bugs.get(id).votes)
    const during = await updates(store, records, count, round + 1000)
    for (const [at, { id }] of records.entries()) {
      if (snapshot.bugs.get(id).votes !== seen[at]) throw new Error(`the snapshot changed at ${id}`)
    }
    snapshot.close()
    if (round < 0) continue
    alone.push(quantile(before, 0.99))
    beside.push(quantile(during, 0.99))
  }
  const kept = await settled(store)
  const bytes = diskBytes(directory)
  await store.close()
  const middle = (samples) => quantile(samples, 0.5)
  return {
    id: 'reader',
    title: 'update p99 while a long reader holds a snapshot',
    unit: 'µs',
    better: 'lower',
    n: `${options.rounds} × ${count}`,
    figures: { blazedb: middle(beside), 'without the reader': middle(alone) },
    goals: [{ against: 'without the reader', within: 1.5 }],
    note: `the snapshot did not change; ${kept} superseded versions left after release, ${(bytes / 2 ** 20).toFixed(1)} MiB on disk`,
  }
}

async function updates(store, records, count, round) {
  const taken = []
  for (let at = 0; at < count; at++) {
    const start = performance.now()
    await store.setVotes(records[(at * 7) % records.length].id, round)
    taken.push((performance.now() - start) * 1000)
  }
  return taken
}

/** Superseded versions once pruning has had its time: it runs in slices after the last commit. */
async function settled(store) {
  const deadline = performance.now() + 5000
  while (store.db.stats().versions.count > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return store.db.stats().versions.count
}
