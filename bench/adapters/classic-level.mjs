/** LevelDB through classic-level, records as msgpack with shared structures. Settings: bench/README.md. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Packr } from 'msgpackr'

export const name = 'classic-level'

export async function load() {
  return createRequire(import.meta.url)('classic-level')
}

const SYNC = { sync: true }

export async function openStore({ ClassicLevel }, directory, settings) {
  const db = new ClassicLevel(join(directory, 'level'), {
    keyEncoding: 'utf8',
    valueEncoding: 'buffer',
    compression: false,
    cacheSize: 256 * 1024 * 1024,
    writeBufferSize: 16 * 1024 * 1024,
  })
  await db.open()
  const packr = new Packr({ structures: await readStructures(db) })

  const operations = (record, into) => {
    into.push({ type: 'put', key: `r!${record.id}`, value: packr.pack(record) })
    if (!settings.indexes) return
    const value = Buffer.from(record.id, 'latin1')
    into.push({ type: 'put', key: `a!${record.assignee}!${record.id}`, value })
    into.push({ type: 'put', key: `s!${record.status}!${record.priority}!${record.id}`, value })
    into.push({ type: 'put', key: `c!${timeKey(record.createdAt)}!${record.id}`, value })
  }
  const insert = (record, options) => {
    if (!settings.indexes) return db.put(`r!${record.id}`, packr.pack(record), options)
    const batch = []
    operations(record, batch)
    return db.batch(batch, options)
  }
  const get = (id) => packr.unpack(db.getSync(`r!${id}`))
  const found = async (bounds) => {
    const entries = await db.values(bounds).all()
    return entries.map((id) => get(id.latin1Slice()))
  }
  const voted = (id, votes) => ({ type: 'put', key: `r!${id}`, value: packr.pack({ ...get(id), votes }) })
  return {
    insertBatch: (records) => {
      const batch = []
      for (const record of records) operations(record, batch)
      return db.batch(batch, SYNC)
    },
    insert: (record) => insert(record, SYNC),
    insertRelaxed: (record) => insert(record, undefined),
    setVotes: (id, votes) => db.batch([voted(id, votes)], SYNC),
    setVotesOfMany: (ids, votes) =>
      db.batch(
        ids.map((id) => voted(id, votes)),
        SYNC,
      ),
    get,
    all: async () => {
      const values = await db.values({ gte: 'r!', lt: 'r"' }).all()
      return values.map((value) => packr.unpack(value))
    },
    equal: (status, priority) => found({ gte: `s!${status}!${priority}!`, lt: `s!${status}!${priority}"` }),
    range: (from, to) => found({ gte: `c!${timeKey(from)}`, lt: `c!${timeKey(to)}` }),
    close: async () => {
      await db.put('!structures', Buffer.from(JSON.stringify(packr.structures ?? [])))
      await db.close()
    },
  }
}

async function readStructures(db) {
  const bytes = await db.get('!structures')
  return bytes === undefined ? [] : JSON.parse(bytes.toString())
}

const timeKey = (date) => String(date.getTime()).padStart(15, '0')
