/** lmdb-js with shared structures; `lmdb-cache` is the same with its object cache. Settings: bench/README.md. */
import { join } from 'node:path'

export const name = 'lmdb'

export async function load() {
  return import('lmdb')
}

export async function openStore({ open }, directory, settings) {
  const root = open({ path: join(directory, 'data.mdb'), maxDbs: 8, noMemInit: true })
  const structures = Symbol.for('structures')
  const bugs = root.openDB('bugs', { sharedStructuresKey: structures, cache: settings.cache === true })
  const counters = root.openDB('counters', { sharedStructuresKey: structures })
  const index = (each) => root.openDB(each, { dupSort: true, encoding: 'ordered-binary' })
  const byAssignee = index('by-assignee')
  const byStatus = index('by-status')
  const byCreated = index('by-created')

  // Writes of one turn share one transaction.
  const put = (record) => {
    const done = bugs.put(record.id, record)
    if (settings.indexes) {
      byAssignee.put(record.assignee, record.id)
      byStatus.put([record.status, record.priority], record.id)
      byCreated.put(record.createdAt.getTime(), record.id)
    }
    return done
  }
  const putFlushed = async (record) => {
    await put(record)
    await root.flushed
  }
  const setVotes = (id, votes) => bugs.put(id, { ...bugs.get(id), votes })
  return {
    insertBatch: async (records) => {
      root.transactionSync(() => {
        for (const record of records) put(record)
      })
      await root.flushed
    },
    insert: putFlushed,
    insertRelaxed: put,
    setVotes: async (id, votes) => {
      await setVotes(id, votes)
      await root.flushed
    },
    setVotesOfMany: async (ids, votes) => {
      root.transactionSync(() => {
        for (const id of ids) setVotes(id, votes)
      })
      await root.flushed
    },
    get: (id) => bugs.get(id),
    all: () => bugs.getRange({ snapshot: true }).map(({ value }) => value).asArray,
    equal: (status, priority) => byStatus.getValues([status, priority]).map((id) => bugs.get(id)).asArray,
    range: (from, to) =>
      byCreated.getRange({ start: from.getTime(), end: to.getTime() }).map(({ value }) => bugs.get(value)).asArray,
    addCounters: async (ids) => {
      for (const id of ids) counters.put(id, { n: 0 })
      await counters.committed
      await root.flushed
    },
    increment: async (id) => {
      await counters.transaction(() => counters.put(id, { n: counters.get(id).n + 1 }))
      await root.flushed
    },
    counterSum: () => counters.getRange().asArray.reduce((sum, { value }) => sum + value.n, 0),
    close: () => root.close(),
  }
}
