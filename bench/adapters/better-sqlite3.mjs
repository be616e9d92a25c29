/** SQLite through better-sqlite3. Settings and their reasons: bench/README.md. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

export const name = 'better-sqlite3'

export async function load() {
  return createRequire(import.meta.url)('better-sqlite3')
}

export async function openStore(Database, directory, settings) {
  const db = new Database(join(directory, 'data.sqlite'))
  db.pragma('journal_mode = WAL')
  db.pragma('mmap_size = 4294967296')
  db.pragma('cache_size = -262144')
  db.pragma('temp_store = MEMORY')
  if (!settings.existing) createTables(db, settings)
  db.pragma('synchronous = FULL')
  let level = 'FULL'
  const synchronous = (wanted) => {
    if (level === wanted) return
    db.pragma(`synchronous = ${wanted}`)
    level = wanted
  }

  const insertOne = db.prepare('INSERT INTO bugs VALUES (?, ?, ?, ?, ?, ?)')
  const selectOne = db.prepare('SELECT body FROM bugs WHERE id = ?').pluck()
  const selectAll = db.prepare('SELECT body FROM bugs').pluck()
  const selectEqual = db.prepare('SELECT body FROM bugs WHERE status = ? AND priority = ?').pluck()
  const selectRange = db.prepare('SELECT body FROM bugs WHERE created >= ? AND created < ?').pluck()
  const updateVotes = db.prepare("UPDATE bugs SET body = json_set(body, '$.votes', ?) WHERE id = ?")
  const insertCounter = db.prepare('INSERT INTO counters VALUES (?, 0)')
  const selectCounter = db.prepare('SELECT n FROM counters WHERE id = ?').pluck()
  const updateCounter = db.prepare('UPDATE counters SET n = ? WHERE id = ?')
  const sumCounters = db.prepare('SELECT sum(n) FROM counters').pluck()

  const insert = (r) => insertOne.run(r.id, encode(r), r.status, r.priority, r.assignee, r.createdAt.getTime())
  const insertBatch = db.transaction((records) => {
    for (const record of records) insert(record)
  })
  const setVotesOfMany = db.transaction((ids, votes) => {
    for (const id of ids) updateVotes.run(votes, id)
  })
  const addCounters = db.transaction((ids) => {
    for (const id of ids) insertCounter.run(id)
  })
  const increment = db.transaction((id) => {
    updateCounter.run(selectCounter.get(id) + 1, id)
  }).immediate

  const durable = (run) => (a, b) => {
    synchronous('FULL')
    return run(a, b)
  }
  return {
    db,
    insertBatch: durable(insertBatch),
    insert: durable(insert),
    insertRelaxed: (record) => {
      synchronous('NORMAL')
      return insert(record)
    },
    setVotes: durable((id, votes) => updateVotes.run(votes, id)),
    setVotesOfMany: durable(setVotesOfMany),
    get: (id) => decode(selectOne.get(id)),
    all: () => selectAll.all().map(decode),
    equal: (status, priority) => selectEqual.all(status, priority).map(decode),
    range: (from, to) => selectRange.all(from.getTime(), to.getTime()).map(decode),
    addCounters: durable(addCounters),
    increment: durable(increment),
    counterSum: () => sumCounters.get(),
    close: () => db.close(),
  }
}

/** The columns beside the text are there for their indexes: the record is read from the text alone. */
function createTables(db, settings) {
  db.exec(`CREATE TABLE IF NOT EXISTS bugs (
    id TEXT PRIMARY KEY, body TEXT, status TEXT, priority INTEGER, assignee TEXT, created INTEGER)${settings.clustered ? ' WITHOUT ROWID' : ''}`)
  db.exec('CREATE TABLE IF NOT EXISTS counters (id TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID')
  if (!settings.indexes) return
  db.exec('CREATE INDEX IF NOT EXISTS by_assignee ON bugs (assignee)')
  db.exec('CREATE INDEX IF NOT EXISTS by_status ON bugs (status, priority)')
  db.exec('CREATE INDEX IF NOT EXISTS by_created ON bugs (created)')
}

/** Dates go as milliseconds: reading those is several times quicker than reading ISO text. */
function encode(record) {
  return JSON.stringify({
    ...record,
    createdAt: record.createdAt.getTime(),
    updatedAt: record.updatedAt.getTime(),
  })
}

function decode(body) {
  const record = JSON.parse(body)
  record.createdAt = new Date(record.createdAt)
  record.updatedAt = new Date(record.updatedAt)
  return record
}
