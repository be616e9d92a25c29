/** SQLite in the query benchmark: a column per field, narrow ones first. Settings and their reasons: bench/README.md. */
import { join } from 'node:path'
import { load, name } from './better-sqlite3.mjs'

export { load, name }

/** Metres by the haversine formula, on the sphere that BlazeDB takes: between (lat, lng) and (@lat, @lng). */
const METERS = `2 * 6371008.8 * asin(sqrt(min(1.0,
  pow(sin((radians(lat) - radians(@lat)) / 2), 2) +
  cos(radians(lat)) * cos(radians(@lat)) * pow(sin((radians(lng) - radians(@lng)) / 2), 2))))`

export async function openStore(Database, directory, { group, existing, indexes = true }) {
  const db = new Database(join(directory, 'data.sqlite'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = NORMAL')
  db.pragma('mmap_size = 4294967296')
  db.pragma('cache_size = -262144')
  db.pragma('temp_store = MEMORY')
  if (!existing) createTables(db, group, indexes)
  const insert = {
    bugs: db.prepare(`INSERT INTO bugs VALUES (${Array(18).fill('?').join(', ')})`),
    users: db.prepare('INSERT INTO users VALUES (?, ?, ?, ?)'),
    projects: db.prepare('INSERT INTO projects VALUES (?, ?)'),
    docs: undefined,
  }
  const values = { bugs: valuesOf, users: Object.values, projects: Object.values }
  const updateVotes = db.prepare('UPDATE bugs SET votes = @votes WHERE id = @id')
  const updateTitle = db.prepare('UPDATE bugs SET title = @title WHERE id = @id')
  return {
    insertBatch: db.transaction((table, records) => {
      // Vectors need an extension that this peer does not bring.
      if (insert[table] === undefined) return
      for (const record of records) insert[table].run(values[table](record))
    }),
    loaded: () => db.exec('ANALYZE'),
    setVotes: (update) => updateVotes.run(update),
    setTitle: (update) => updateTitle.run(update),
    setTitles: db.transaction((updates) => {
      for (const update of updates) updateTitle.run(update)
    }),
    queries: group === 'text' ? textQueries(db) : tableQueries(db, indexes),
    close: () => db.close(),
  }
}

function tableQueries(db, indexes) {
  const owned = 'FROM bugs JOIN users ON users.id = bugs.ownerId'
  const statements = {
    'filter-count': 'SELECT count(*) FROM bugs WHERE status = @status AND votes BETWEEN @from AND @to',
    contains: 'SELECT count(*) FROM bugs WHERE instr(description, @text) > 0',
    'join-count': `SELECT count(*) ${owned} WHERE users.team = @team`,
    subquery: 'SELECT count(*) FROM bugs WHERE ownerId IN (SELECT id FROM users WHERE team = @team)',
    circle: indexes
      ? `SELECT count(*) FROM places JOIN bugs ON bugs.rowid = places.id WHERE places.south >= @south AND
         places.north <= @north AND places.west >= @west AND places.east <= @east AND ${METERS} <= @radiusMeters`
      : `SELECT count(*) FROM bugs WHERE lat BETWEEN @south AND @north AND lng BETWEEN @west AND @east AND ${METERS} <= @radiusMeters`,
  }
  const rows = {
    group: 'SELECT status, priority, count(*) AS n, avg(votes) AS votes FROM bugs GROUP BY status, priority',
    having: 'SELECT assignee, count(*) AS n, sum(votes) AS votes FROM bugs GROUP BY assignee HAVING n >= @least',
    'join-group': `SELECT users.team, count(*) AS n, sum(votes) AS votes ${owned} GROUP BY users.team`,
    'join-rows': `SELECT bugs.id, users.name, bugs.votes ${owned} WHERE createdAt >= @from AND createdAt < @to`,
    window: `SELECT id, r FROM (SELECT id, rank() OVER (PARTITION BY projectId ORDER BY priority DESC, createdAt) AS r
      FROM bugs) WHERE r <= 3`,
    distinct: 'SELECT DISTINCT assignee, status FROM bugs',
    nearest: `SELECT id, ${METERS} AS meters FROM bugs ORDER BY meters, id LIMIT 10`,
  }
  const records = {
    'filter-rows': 'SELECT * FROM bugs WHERE isPublic = 1 AND votes BETWEEN @from AND @to',
    equality: 'SELECT * FROM bugs WHERE status = @status AND priority = @priority',
    range: 'SELECT * FROM bugs WHERE createdAt >= @from AND createdAt < @to',
    top: 'SELECT * FROM bugs ORDER BY priority DESC, createdAt, id LIMIT 20',
    'top-filtered': 'SELECT * FROM bugs WHERE votes <= @votes ORDER BY priority DESC, createdAt, id LIMIT 20',
  }
  return {
    ...prepared(db, statements, (statement) => {
      statement.pluck()
      return (parameters) => statement.get(bound(parameters))
    }),
    ...prepared(db, rows, (statement) => (parameters) => statement.all(bound(parameters))),
    ...prepared(db, records, (statement) => (parameters) => statement.all(bound(parameters)).map(decoded)),
  }
}

function textQueries(db) {
  const top =
    db.prepare(`SELECT bugs.* FROM (SELECT rowid, rank FROM fts WHERE fts MATCH ? ORDER BY rank LIMIT 20) AS found
    JOIN bugs ON bugs.rowid = found.rowid ORDER BY found.rank`)
  const match = (text) => top.all(text).map(decoded)
  return {
    or: ({ words }) => match(words.join(' OR ')),
    and: ({ words }) => match(words.join(' AND ')),
    phrase: ({ words }) => match(`"${words.join(' ')}"`),
    prefix: ({ prefix }) => match(`${prefix}*`),
  }
}

function prepared(db, texts, run) {
  return Object.fromEntries(Object.entries(texts).map(([id, text]) => [id, run(db.prepare(text))]))
}

/** Dates as milliseconds; of a circle also the box around it, which an R*Tree asks for. */
function bound(parameters) {
  const result = { ...parameters }
  for (const [name, value] of Object.entries(result)) if (value instanceof Date) result[name] = value.getTime()
  if (parameters.radiusMeters !== undefined) Object.assign(result, boxAround(parameters))
  return result
}

function boxAround({ lat, lng, radiusMeters }) {
  const height = (radiusMeters / 6_371_008.8) * (180 / Math.PI) * 1.001
  const width = height / Math.cos(((Math.abs(lat) + height) * Math.PI) / 180)
  return { south: lat - height, north: lat + height, west: lng - width, east: lng + width }
}

function createTables(db, group, indexes) {
  db.exec(`CREATE TABLE bugs (id TEXT PRIMARY KEY, status TEXT, priority INTEGER, votes INTEGER, createdAt INTEGER,
    ownerId TEXT, projectId TEXT, assignee TEXT, lat REAL, lng REAL, isPublic INTEGER, blocked INTEGER, comments INTEGER,
    estimate REAL, updatedAt INTEGER, title TEXT, description TEXT, tags TEXT)`)
  db.exec(`CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT, team TEXT, country TEXT)`)
  db.exec(`CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT)`)
  if (group === 'text') createSearch(db)
  if (group === 'text' || !indexes) return
  db.exec(`CREATE INDEX by_assignee ON bugs (assignee);
    CREATE INDEX by_status ON bugs (status, priority);
    CREATE INDEX by_created ON bugs (createdAt);
    CREATE VIRTUAL TABLE places USING rtree(id, south, north, west, east);
    CREATE TRIGGER place_added AFTER INSERT ON bugs BEGIN
      INSERT INTO places VALUES (new.rowid, new.lat, new.lat, new.lng, new.lng);
    END;`)
}

/** The index holds no copy of the texts; triggers keep it in step, as its documentation has them. */
function createSearch(db) {
  const columns = 'title, description'
  const removal = `INSERT INTO fts (fts, rowid, ${columns}) VALUES ('delete', old.rowid, old.title, old.description);`
  const addition = `INSERT INTO fts (rowid, ${columns}) VALUES (new.rowid, new.title, new.description);`
  db.exec(`CREATE VIRTUAL TABLE fts USING fts5(${columns}, content = 'bugs');
    INSERT INTO fts (fts, rank) VALUES ('rank', 'bm25(3.0, 1.0)');
    CREATE TRIGGER text_added AFTER INSERT ON bugs BEGIN ${addition} END;
    CREATE TRIGGER text_removed AFTER DELETE ON bugs BEGIN ${removal} END;
    CREATE TRIGGER text_changed AFTER UPDATE OF ${columns} ON bugs BEGIN ${removal} ${addition} END;`)
}

/** In the order of the columns. */
function valuesOf(r) {
  const ms = [r.createdAt.getTime(), r.updatedAt.getTime()]
  return [
    ...[r.id, r.status, r.priority, r.votes, ms[0], r.ownerId, r.projectId, r.assignee, r.place.lat, r.place.lng],
    ...[Number(r.isPublic), Number(r.blocked), r.comments, r.estimate, ms[1], r.title, r.description],
    JSON.stringify(r.tags),
  ]
}

function decoded(row) {
  row.createdAt = new Date(row.createdAt)
  row.updatedAt = new Date(row.updatedAt)
  row.isPublic = row.isPublic === 1
  row.blocked = row.blocked === 1
  row.tags = JSON.parse(row.tags)
  row.place = { lat: row.lat, lng: row.lng }
  return row
}
