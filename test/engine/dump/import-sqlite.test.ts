import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collection } from '../../../src/engine/collection-spec.ts'
import type { Database } from '../../../src/engine/database.ts'
import { openDatabase } from '../../../src/engine/open-database.ts'
import { memoryPlatform } from '../../../src/platform/memory-platform.ts'
import type { SqliteDoor, SqliteRow } from '../../../src/platform/platform.ts'
import { type BetterSqlite, openBetter, sqliteDoor } from '../../../src/platform/sqlite.ts'
import { closeChecked } from '../fixture.ts'

interface FakeIndex {
  readonly name: string
  readonly unique?: boolean
  readonly origin?: 'c' | 'u' | 'pk'
  readonly partial?: boolean
  readonly columns: readonly { readonly name: string | null; readonly desc?: boolean; readonly coll?: string }[]
}

interface FakeTable {
  readonly type?: 'table' | 'view'
  readonly withoutRowid?: boolean
  readonly columns: { readonly [name: string]: number }
  readonly indexes?: readonly FakeIndex[]
  readonly rows: readonly SqliteRow[]
}

interface Fake {
  readonly door: SqliteDoor
  readonly queries: string[]
  closed: number
}

/** What SQLite would answer, of tables given as data. */
function fakeSqlite(tables: { readonly [name: string]: FakeTable }): Fake {
  const named = (sql: string): FakeTable => tables[/pragma_\w+\('(.*)'\)/.exec(sql)?.[1]?.replaceAll("''", "'") ?? '']!
  const flag = (value: boolean | undefined): bigint => (value === true ? 1n : 0n)
  const answers: [RegExp, (sql: string) => SqliteRow[]][] = [
    [
      /pragma_table_list/,
      () =>
        Object.entries(tables).map(([name, { type = 'table', withoutRowid }]) => ({
          name,
          type,
          wr: flag(withoutRowid),
        })),
    ],
    [/pragma_table_info/, (sql) => Object.entries(named(sql).columns).map(([name, pk]) => ({ name, pk: BigInt(pk) }))],
    [
      /pragma_index_list/,
      (sql) =>
        (named(sql).indexes ?? []).map(({ name, unique, origin = 'c', partial }) => ({
          name,
          unique: flag(unique),
          origin,
          partial: flag(partial),
        })),
    ],
    [
      /pragma_index_xinfo/,
      (sql) => {
        const wanted = /pragma_index_xinfo\('(.*)'\)/.exec(sql)?.[1]
        const index = Object.values(tables)
          .flatMap(({ indexes = [] }) => indexes)
          .find(({ name }) => name === wanted)
        return (index?.columns ?? []).map(({ name, desc, coll = 'BINARY' }) => ({ name, desc: flag(desc), coll }))
      },
    ],
  ]
  const fake: Fake = {
    queries: [],
    closed: 0,
    door: {
      open: async () => ({
        all: (sql) => answers.find(([pattern]) => pattern.test(sql))?.[1](sql) ?? [],
        rows(sql) {
          fake.queries.push(sql)
          return (tables[/ FROM "(.*)"$/.exec(sql)?.[1]?.replaceAll('""', '"') ?? '']?.rows ?? []).values()
        },
        close() {
          fake.closed++
        },
      }),
    },
  }
  return fake
}

async function withImport(sqlite: SqliteDoor, fn: (db: Database<unknown>) => Promise<void>): Promise<void> {
  const db = await openDatabase(memoryPlatform({ sqlite }), '/db', {})
  try {
    await fn(db)
  } finally {
    await closeChecked(db)
  }
}

const id = { id: 1 } as const

test('the id is the primary key, a column id, or the rowid; of several columns it is their JSON', async () => {
  const fake = fakeSqlite({
    users: { columns: { user_id: 1, name: 0 }, rows: [{ user_id: 7n, name: 'Ada' }] },
    pairs: {
      columns: { b: 2, a: 1, n: 0 },
      rows: [
        { b: 'x', a: 1n, n: 5n },
        { b: Uint8Array.of(255), a: 2n ** 60n, n: null },
      ],
    },
    loose: { columns: { id: 0, n: 0 }, rows: [{ id: 'a', n: 1n }] },
    rows: { columns: { rowid: 0, n: 0 }, rows: [{ rowid: 'mine', n: 1n, $rowid: 3n }] },
    big: { columns: { id: 1 }, rows: [{ id: 2n ** 53n }, { id: 2n ** 53n - 1n }] },
    view: { type: 'view', columns: { n: 0 }, rows: [{ n: 1n }] },
  })
  await withImport(fake.door, async (db) => {
    const { collections } = await db.importSqlite('/x')
    expect(collections.map(({ name, records }) => [name, records])).toEqual([
      ['users', 1],
      ['pairs', 2],
      ['loose', 1],
      ['rows', 1],
      ['big', 2],
    ])
    expect(db.collection('users').all()).toEqual([{ id: 7, name: 'Ada' }])
    expect(db.collection('pairs').orderBy('n').all()).toEqual([
      { id: '["1152921504606846976","ff"]', b: Uint8Array.of(255), a: 2n ** 60n, n: null },
      { id: '[1,"x"]', b: 'x', a: 1, n: 5 },
    ])
    expect(db.collection('loose').get('a')).toEqual({ id: 'a', n: 1 })
    expect(db.collection('rows').get(3)).toEqual({ id: 3, rowid: 'mine', n: 1 })
    expect(fake.queries).toContain('SELECT *, _rowid_ AS "$rowid" FROM "rows"')
    expect(
      db
        .collection('big')
        .all()
        .map((row) => row.id)
        .sort(),
    ).toEqual(['9007199254740992', 9007199254740991].sort())
    await db.importSqlite('/x', { tables: ['view'] })
    expect(db.collection('view').first()).toMatchObject({ id: expect.stringMatching(/^[\da-f-]{36}$/), n: 1 })
    expect(fake.closed).toBe(2)
  })
})

test('values keep their kinds: integers beyond 2^53 are bigint, null is null, bytes are copies', async () => {
  const bytes = Buffer.from([1, 2])
  const row = { id: 1n, a: 2n ** 53n, b: -(2n ** 53n) + 1n, c: 1.5, d: 'x', e: null, f: bytes, __proto__x: 0n }
  await withImport(fakeSqlite({ t: { columns: id, rows: [row] } }).door, async (db) => {
    await db.importSqlite('/x')
    expect(db.collection('t').get(1)).toEqual({
      id: 1,
      a: 2n ** 53n,
      b: -(2 ** 53) + 1,
      c: 1.5,
      d: 'x',
      e: null,
      f: Uint8Array.of(1, 2),
      __proto__x: 0,
    })
  })
})

test('indexes that have a counterpart are made, and the others are told', async () => {
  const t: FakeTable = {
    columns: { key: 1, 'a.b': 0, c: 0 },
    rows: [{ key: 1n, 'a.b': 'x', c: 'A' }],
    indexes: [
      { name: 'sqlite_autoindex_t_1', origin: 'pk', unique: true, columns: [{ name: 'key' }] },
      { name: 'sqlite_autoindex_t_2', origin: 'u', unique: true, columns: [{ name: 'a.b' }] },
      { name: 'both', columns: [{ name: 'c', desc: true }, { name: 'key' }] },
      { name: 'folded', unique: true, columns: [{ name: 'c', coll: 'NOCASE' }] },
      { name: 'part', partial: true, columns: [{ name: 'c' }] },
      { name: 'computed', columns: [{ name: null }] },
      { name: 'mixed', columns: [{ name: 'c', coll: 'NOCASE' }, { name: 'key' }] },
      { name: 'trimmed', columns: [{ name: 'c', coll: 'RTRIM' }] },
    ],
  }
  await withImport(fakeSqlite({ t }).door, async (db) => {
    const { collections } = await db.importSqlite('/x')
    expect(collections[0]).toMatchObject({
      indexes: ['a\\.b', 'both', 'folded'],
      leftOut: [
        { index: 'part', reason: 'it is partial' },
        { index: 'computed', reason: 'it is over an expression' },
        { index: 'mixed', reason: 'its columns have different collations' },
        { index: 'trimmed', reason: 'its collation is RTRIM' },
      ],
    })
    await expect(db.collection('t').insert({ id: 2, c: 'a' })).rejects.toMatchObject({
      code: 'UNIQUE',
      details: { index: 'folded' },
    })
    expect(db.collection('t').where({ c: 'A' }).orderBy('c', 'desc').explain().text).toContain('both')
    await db.dropCollection('t')
    await db.importSqlite('/x', { indexes: false })
    expect(db.stats().collections[0]?.indexes).toEqual([])
  })
})

test('map changes records, leaves them out, and its errors are the caller’s', async () => {
  const rows = [1n, 2n, 3n].map((key) => ({ id: key, at: key * 1000n }))
  await withImport(
    fakeSqlite({ t: { columns: { id: 1, at: 0 }, rows }, u: { columns: id, rows: [] } }).door,
    async (db) => {
      const at = (record: { [field: string]: unknown }): object | undefined =>
        record['id'] === 2 ? undefined : { ...record, at: new Date(Number(record['at'])) }
      await db.importSqlite('/x', { tables: ['t'], map: { t: at } })
      expect(db.collection('t').orderBy('id').all()).toEqual([
        { id: 1, at: new Date(1000) },
        { id: 3, at: new Date(3000) },
      ])
      const mine = new Error('mine')
      const failing = (): never => {
        throw mine
      }
      await expect(db.importSqlite('/x', { mode: 'upsert', map: { t: failing } })).rejects.toBe(mine)
      await expect(db.importSqlite('/x', { tables: ['u'], map: { t: at } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    },
  )
})

test('a row that is refused is named, with what was kept, or told to onError', async () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ id: i === 57 ? null : BigInt(i) }))
  const fake = fakeSqlite({ t: { columns: id, rows } })
  await withImport(fake.door, async (db) => {
    const importing = db.importSqlite('/x', { batchSize: 10 })
    await expect(importing).rejects.toMatchObject({
      code: 'INVALID_VALUE',
      message: expect.stringMatching(/^t, row 58: .*stay: 50 of t/s),
    })
    const told: unknown[] = []
    const report = await db.importSqlite('/x', {
      mode: 'replace',
      onError: (error, place) => told.push([error.code, place]),
    })
    expect(told).toEqual([['INVALID_VALUE', { file: 't', line: 58, record: { id: null } }]])
    expect(report.collections[0]).toMatchObject({ records: 99, skipped: 1 })
    const signal = AbortSignal.abort('no')
    await expect(db.importSqlite('/x', { signal })).rejects.toMatchObject({ code: 'ABORTED', cause: 'no' })
    const controller = new AbortController()
    const aborted = db.importSqlite('/x', {
      mode: 'upsert',
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    expect(fake.closed).toBe(3)
  })
})

test('what cannot be imported as it is is refused before anything is written', async () => {
  const fake = fakeSqlite({
    t: { columns: { key: 1, id: 0 }, rows: [{ key: 1n, id: 2n }] },
    u: { columns: id, rows: [{ id: 1n }] },
  })
  await withImport(fake.door, async (db) => {
    await expect(db.importSqlite('/x')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('a column id that is not its primary key (key)'),
    })
    await expect(db.importSqlite('/x', { tables: ['v'] })).rejects.toMatchObject({
      message: expect.stringContaining('it has t, u'),
    })
    await expect(db.importSqlite('/x', { bogus: 1 } as object)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(db.collections()).toEqual([])
  })
  const foreign = Object.assign(new Error('for another Node'), { code: 'ERR_DLOPEN_FAILED' })
  await withImport({ open: () => Promise.reject(foreign) }, async (db) => {
    await expect(db.importSqlite('/x')).rejects.toMatchObject({ code: 'UNSUPPORTED', cause: foreign })
  })
  await withImport({ open: async () => undefined }, async (db) => {
    await expect(db.importSqlite('/x')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('npm install better-sqlite3'),
    })
  })
})

test('rows go through the schema that the code declares', async () => {
  const schema = {
    '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'never', path: ['n'] }] }) },
  } as const
  const fake = fakeSqlite({ t: { columns: id, rows: [{ id: 1n }] } })
  const db = await openDatabase(memoryPlatform({ sqlite: fake.door }), '/db', {
    collections: { t: collection({ schema }) },
  })
  await expect(db.importSqlite('/x')).rejects.toMatchObject({
    code: 'SCHEMA',
    message: expect.stringContaining('t, row 1: t.n: never'),
  })
  await closeChecked(db)
})

/** Makes a file by SQL, with a library that this process has. */
interface Library {
  readonly name: string
  readonly door: SqliteDoor
  make(path: string, sql: string): void
}

function libraries(): Library[] {
  const found: Library[] = []
  const { getBuiltinModule } = process as { getBuiltinModule?: (id: string) => unknown }
  type Native = { DatabaseSync: new (path: string) => { exec(sql: string): void; close(): void } }
  const native = getBuiltinModule?.('node:sqlite') as Native | undefined
  if (native !== undefined) {
    const make = (path: string, sql: string): void => {
      const db = new native.DatabaseSync(path)
      db.exec(sql)
      db.close()
    }
    found.push({ name: 'node:sqlite', door: sqliteDoor, make })
  }
  try {
    const bench = createRequire(new URL('../../../bench/package.json', import.meta.url))
    type Better = BetterSqlite & (new (path: string) => { exec(sql: string): void; close(): void })
    const better = bench('better-sqlite3') as Better
    new better(':memory:').close()
    const make = (path: string, sql: string): void => {
      const db = new better(path)
      db.exec(sql)
      db.close()
    }
    found.push({ name: 'better-sqlite3', door: { open: async (path) => openBetter(better, path) }, make })
  } catch (error) {
    // Not installed, or for another version of Node.
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_DLOPEN_FAILED') throw error
  }
  return found
}

const SQL = `
  CREATE TABLE users (user_id INTEGER PRIMARY KEY, email TEXT UNIQUE COLLATE NOCASE, big INTEGER, score REAL, photo BLOB);
  INSERT INTO users VALUES (1, 'a@x', 9007199254740993, 1.5, x'00ff'), (2, 'b@x', NULL, 2, NULL);
  CREATE INDEX by_score ON users (score DESC, email COLLATE BINARY);
  CREATE INDEX partial ON users (score) WHERE score > 1;
  CREATE TABLE likes (user_id INTEGER, bug TEXT, at INTEGER, PRIMARY KEY (user_id, bug)) WITHOUT ROWID;
  INSERT INTO likes VALUES (1, 'b"1', 1700000000000);
  CREATE TABLE "odd "" name" (x); INSERT INTO "odd "" name" VALUES ('é'), (NULL);
  CREATE VIEW scores AS SELECT user_id AS id, score FROM users;
  CREATE VIRTUAL TABLE words USING fts5(body);
`

describe.each(libraries())('a real file by $name', ({ door, make }) => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'blazedb-sqlite-'))
    make(join(folder, 'app.sqlite'), SQL)
    writeFileSync(join(folder, 'text'), 'this is no SQLite file, and long enough for a header of one: '.repeat(20))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('is imported with its keys, values and indexes', async () => {
    await withImport(door, async (db) => {
      const { collections } = await db.importSqlite(join(folder, 'app.sqlite'))
      expect(
        collections.map(({ name, records, indexes, leftOut }) => [name, records, indexes, leftOut.length]),
      ).toEqual([
        ['likes', 1, [], 0],
        ['odd " name', 2, [], 0],
        ['users', 2, ['email', 'by_score'], 1],
      ])
      expect(db.collection('users').get(1)).toEqual({
        id: 1,
        email: 'a@x',
        big: 9007199254740993n,
        score: 1.5,
        photo: Uint8Array.of(0, 255),
      })
      expect(db.collection('users').get(2)).toEqual({ id: 2, email: 'b@x', big: null, score: 2, photo: null })
      expect(db.collection('likes').all()).toEqual([{ id: '[1,"b\\"1"]', user_id: 1, bug: 'b"1', at: 1700000000000 }])
      expect(db.collection('odd " name').get(1)).toEqual({ id: 1, x: 'é' })
      await expect(db.collection('users').insert({ email: 'A@X' })).rejects.toMatchObject({ code: 'UNIQUE' })
      await db.importSqlite(join(folder, 'app.sqlite'), { tables: ['scores'] })
      expect(db.collection('scores').get(2)).toEqual({ id: 2, score: 2 })
    })
  })

  test('that is none, or is not there, is refused', async () => {
    await withImport(door, async (db) => {
      for (const name of ['text', 'absent']) {
        await expect(db.importSqlite(join(folder, name))).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining('cannot be read as SQLite'),
        })
      }
      expect(db.collections()).toEqual([])
    })
  })
})
