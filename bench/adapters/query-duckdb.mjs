/** DuckDB in the query benchmark: one thread, a file, prepared statements. Settings: bench/README.md. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { STATUSES } from '../data/bugs.mjs'
import { DIMENSIONS } from '../data/query-data.mjs'

export const name = 'duckdb'

const METERS = `2 * 6371008.8 * asin(sqrt(least(1.0,
  pow(sin((radians(lat) - radians($lat)) / 2), 2) +
  cos(radians(lat)) * cos(radians($lat)) * pow(sin((radians(lng) - radians($lng)) / 2), 2))))`

const OWNED = 'FROM bugs JOIN users ON users.id = bugs.ownerId'
const COSINE = `array_cosine_distance(embedding, $to::FLOAT[${DIMENSIONS}])`
const RECORD = '* EXCLUDE (createdAt, updatedAt), createdAt::DOUBLE AS createdAt, updatedAt::DOUBLE AS updatedAt'

/** Whole numbers are cast to types that come back as numbers, not as bigints. */
const COUNTS = {
  'filter-count': `SELECT count(*)::INTEGER AS n FROM bugs
    WHERE status = $status::status AND votes BETWEEN $from::INTEGER AND $to::INTEGER`,
  contains: 'SELECT count(*)::INTEGER AS n FROM bugs WHERE contains(description, $text)',
  'join-count': `SELECT count(*)::INTEGER AS n ${OWNED} WHERE users.team = $team`,
  subquery: 'SELECT count(*)::INTEGER AS n FROM bugs WHERE ownerId IN (SELECT id FROM users WHERE team = $team)',
  circle: `SELECT count(*)::INTEGER AS n FROM bugs WHERE ${METERS} <= $radiusMeters`,
}
const ROWS = {
  group: 'SELECT status, priority, count(*)::INTEGER AS n, avg(votes) AS votes FROM bugs GROUP BY status, priority',
  having: `SELECT assignee, count(*)::INTEGER AS n, sum(votes)::DOUBLE AS votes FROM bugs GROUP BY assignee
    HAVING n >= $least::INTEGER`,
  'join-group': `SELECT users.team, count(*)::INTEGER AS n, sum(votes)::DOUBLE AS votes ${OWNED} GROUP BY users.team`,
  'join-rows': `SELECT bugs.id, users.name, bugs.votes ${OWNED} WHERE createdAt >= $from::BIGINT AND createdAt < $to::BIGINT`,
  window: `SELECT id, (rank() OVER (PARTITION BY projectId ORDER BY priority DESC, createdAt))::INTEGER AS r FROM bugs
    QUALIFY r <= 3`,
  distinct: 'SELECT DISTINCT assignee, status FROM bugs',
  nearest: `SELECT id, ${METERS} AS meters FROM bugs ORDER BY meters LIMIT 10`,
  vector: `SELECT id FROM docs ORDER BY ${COSINE} LIMIT 10`,
  'vector-filtered': `SELECT id FROM docs WHERE kind = $kind ORDER BY ${COSINE} LIMIT 10`,
}
const RECORDS = {
  'filter-rows': `SELECT ${RECORD} FROM bugs WHERE isPublic AND votes BETWEEN $from::INTEGER AND $to::INTEGER`,
  equality: `SELECT ${RECORD} FROM bugs WHERE status = $status::status AND priority = $priority::INTEGER`,
  range: `SELECT ${RECORD} FROM bugs WHERE createdAt >= $from::BIGINT AND createdAt < $to::BIGINT`,
  top: `SELECT ${RECORD} FROM bugs ORDER BY bugs.priority DESC, bugs.createdAt, bugs.id LIMIT 20`,
  'top-filtered': `SELECT ${RECORD} FROM bugs WHERE votes <= $votes::INTEGER
    ORDER BY bugs.priority DESC, bugs.createdAt, bugs.id LIMIT 20`,
}

export async function load() {
  return createRequire(import.meta.url)('@duckdb/node-api')
}

export async function openStore(library, directory, { group, existing }) {
  const instance = await library.DuckDBInstance.create(join(directory, 'data.duckdb'))
  const connection = await instance.connect()
  await connection.run('SET threads TO 1')
  if (!existing) await createTables(connection)
  // Prepared when first asked for: what is counted as cold prepares its own.
  const statements = new Map()
  const run = async (text, parameters = {}) => {
    let statement = statements.get(text)
    if (statement === undefined) {
      statement = await connection.prepare(text)
      statements.set(text, statement)
    }
    statement.bind(...bound(library, parameters))
    return (await statement.runAndReadAll()).getRowObjectsJS()
  }
  const each = (texts, finish) =>
    Object.fromEntries(
      Object.entries(texts).map(([id, text]) => [id, async (parameters) => finish(await run(text, parameters))]),
    )
  return {
    insertBatch: (table, records) => append(library, connection, table, records),
    loaded: () => connection.run('CHECKPOINT'),
    setVotes: (update) => run('UPDATE bugs SET votes = $votes::INTEGER WHERE id = $id::UUID', update),
    // Its full-text index is an extension to be downloaded, and is not kept in step with writes.
    queries:
      group === 'text'
        ? {}
        : { ...each(COUNTS, ([{ n }]) => n), ...each(ROWS, (rows) => rows), ...each(RECORDS, decoded) },
    close: async () => {
      for (const statement of statements.values()) statement.destroySync()
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** Values and types of named parameters; dates as milliseconds. */
function bound(library, parameters) {
  const values = {}
  const types = {}
  for (const [name, value] of Object.entries(parameters)) {
    if (value instanceof Date) values[name] = BigInt(value.getTime())
    else if (value instanceof Float32Array) {
      values[name] = library.arrayValue(Array.from(value))
      types[name] = library.ARRAY(library.FLOAT, value.length)
    } else values[name] = value
  }
  return [values, types]
}

async function createTables(connection) {
  const names = STATUSES.map((status) => `'${status}'`).join(', ')
  await connection.run(`CREATE TYPE status AS ENUM (${names})`)
  await connection.run(`CREATE TABLE bugs (id UUID PRIMARY KEY, status status, priority INTEGER, votes INTEGER,
    createdAt BIGINT, ownerId UUID, projectId UUID, assignee VARCHAR, lat DOUBLE, lng DOUBLE, isPublic BOOLEAN,
    blocked BOOLEAN, comments INTEGER, estimate DOUBLE, updatedAt BIGINT, title VARCHAR, description VARCHAR,
    tags VARCHAR[])`)
  await connection.run('CREATE TABLE users (id UUID PRIMARY KEY, name VARCHAR, team VARCHAR, country VARCHAR)')
  await connection.run('CREATE TABLE projects (id UUID PRIMARY KEY, name VARCHAR)')
  await connection.run(`CREATE TABLE docs (id UUID PRIMARY KEY, kind VARCHAR, embedding FLOAT[${DIMENSIONS}])`)
}

async function append(library, connection, table, records) {
  const { DuckDBUUIDValue, ENUM8, LIST, VARCHAR, FLOAT, ARRAY, listValue, arrayValue } = library
  const uuid = (text) => DuckDBUUIDValue.fromUint128(BigInt(`0x${text.replaceAll('-', '')}`))
  const appender = await connection.createAppender(table)
  const status = ENUM8(STATUSES)
  for (const r of records) {
    appender.appendUUID(uuid(r.id))
    if (table === 'bugs') {
      appender.appendEnum(r.status, status)
      appender.appendInteger(r.priority)
      appender.appendInteger(r.votes)
      appender.appendBigInt(BigInt(r.createdAt.getTime()))
      appender.appendUUID(uuid(r.ownerId))
      appender.appendUUID(uuid(r.projectId))
      appender.appendVarchar(r.assignee)
      appender.appendDouble(r.place.lat)
      appender.appendDouble(r.place.lng)
      appender.appendBoolean(r.isPublic)
      appender.appendBoolean(r.blocked)
      appender.appendInteger(r.comments)
      appender.appendDouble(r.estimate)
      appender.appendBigInt(BigInt(r.updatedAt.getTime()))
      appender.appendVarchar(r.title)
      appender.appendVarchar(r.description)
      appender.appendList(listValue(r.tags), LIST(VARCHAR))
    } else if (table === 'users') {
      for (const text of [r.name, r.team, r.country]) appender.appendVarchar(text)
    } else if (table === 'projects') {
      appender.appendVarchar(r.name)
    } else {
      appender.appendVarchar(r.kind)
      appender.appendArray(arrayValue(Array.from(r.embedding)), ARRAY(FLOAT, DIMENSIONS))
    }
    appender.endRow()
  }
  appender.closeSync()
}

function decoded(rows) {
  for (const row of rows) {
    row.createdAt = new Date(row.createdAt)
    row.updatedAt = new Date(row.updatedAt)
    row.place = { lat: row.lat, lng: row.lng }
  }
  return rows
}
