/**
 * `npm run fixtures`: writes small databases of the format that this code writes to test/fixtures/format-<n>/, where
 * test/fixtures/fixtures.test.ts opens them with every later version. What is there already is left as it is: the fixtures
 * of a format are made once, by the version that made the format.
 *
 *   fixture := gzip of JSON { format, encryption, content, files }
 *              files: path → base64; content: collection → records, in the JSON form of values
 *
 * And small sealed dumps of the format that this code writes to test/fixtures/sealed-<n>/, in the same way:
 * test/fixtures/sealed.test.ts loads them. Their files are those of the folder, and one that stands alone.
 *
 * Everything in them is made from constants, the clock and the randomness too.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { toJsonForm } from '../dist/codec/json-form.js'
import { collection } from '../dist/engine/collection-spec.js'
import { SEALED_FORMAT } from '../dist/engine/dump/sealed-head.js'
import { FORMAT } from '../dist/engine/identity.js'
import { openDatabase } from '../dist/engine/open-database.js'
import { manualClock } from '../dist/platform/manual-clock.js'
import { nodePlatform } from '../dist/platform/node-platform.js'
import { seededRandom } from '../dist/platform/seeded-random.js'

const KEY = '6b'.repeat(32)
const PASSWORD = 'fixture pässword'
const QUICK = { name: 'scrypt', cost: 2 ** 14, blockSize: 8, parallelism: 1 }

/** Each session is an open of the database, and how it ends: the state in which its files are kept is that of the last. */
const FIXTURES = [
  {
    name: 'plain-closed',
    seed: 1,
    collections: full,
    sessions: [
      [load, 'close'],
      [change, 'close'],
      [more, 'close'],
    ],
  },
  {
    name: 'plain-killed',
    seed: 2,
    collections: full,
    sessions: [
      [load, 'close'],
      [change, 'kill'],
      [more, 'kill'],
    ],
  },
  // Pages of encrypted ones do not compress, so they have one checkpoint, of few structures, and none.
  {
    name: 'key-closed',
    seed: 3,
    collections: few,
    encryption: { key: KEY },
    sessions: [
      [load, 'kill'],
      [more, 'close'],
    ],
  },
  {
    name: 'password-killed',
    seed: 4,
    collections: few,
    encryption: { password: PASSWORD },
    sessions: [
      [load, 'kill'],
      [more, 'kill'],
    ],
  },
]

/** Dumps, each with a file of `bugs` by itself. */
const DUMPS = [
  { name: 'key-ndjson-gzip', seed: 5, encryption: { key: KEY }, options: { format: 'ndjson', compress: 'gzip' } },
  { name: 'password-csv', seed: 6, encryption: { password: PASSWORD }, options: { format: 'csv' } },
]

function full() {
  return {
    bugs: collection({
      indexes: ['status', ['status', '-priority'], { on: 'key', unique: true }, { on: 'tags', each: true }],
      search: { title: 3, body: 1 },
    }),
  }
}

function few() {
  return { bugs: collection({ indexes: ['status'], search: { title: 3 } }) }
}

/** The options of an open; the secret as it is given to open(). */
function optionsOf(encryption) {
  if (encryption === undefined) return {}
  if (encryption.key !== undefined) return { encryption: { key: Buffer.from(encryption.key, 'hex') } }
  return { encryption: { password: encryption.password, kdf: QUICK } }
}

const bug = (id, round) => ({
  id,
  key: `BUG-${id}`,
  status: ['open', 'closed', 'active'][(id + round) % 3],
  priority: id % 5,
  title: `Login ${id} broken in round ${round}`,
  body: `the quick brown fox number ${id * 7}`,
  tags: ['ui', 'api', 'db'].slice(id % 3),
  at: new Date(Date.UTC(2024, 0, 1 + id)),
  ...(id % 6 === 0 ? { deep: { list: [1, 2.5, -0, null, true], big: 2n ** 70n } } : {}),
  ...(id % 7 === 0 ? { raw: Uint8Array.of(1, 2, 3, id), vector: Float32Array.of(0.5, id) } : {}),
})

/** Text that gzip makes small and that is no repetition of one letter. */
const long = (letter, size) => `${letter}0123456789`.repeat(Math.ceil(size / 11)).slice(0, size)

async function load(db) {
  await db.bugs.insertMany(Array.from({ length: 40 }, (_, id) => bug(id, 0)))
  await db.collection('notes').insert({ id: 'large', text: long('x', 70_000) })
  await db.collection('notes').insert({ id: 'gone', text: long('y', 40_000) })
  await db.collection('notes').delete('gone')
}

async function change(db) {
  await db.bugs.upsertMany(Array.from({ length: 9 }, (_, id) => bug(id * 4, 1)))
  await db.bugs.delete(5)
  await db.collection('old').insert({ id: 1 })
  await db.renameCollection('old', 'renamed')
  await db.createIndex('notes', 'n')
  if (db.bugs.search('login').count() !== 39) throw new Error('the text index finds all')
  await db.checkpoint()
  await db.transaction((tx) => {
    tx.bugs.update(1, { status: 'moved' })
    tx.collection('notes').insert({ id: 'pair', n: 5 })
  })
}

async function more(db) {
  await db.bugs.deleteMany({ priority: 3 })
  await db.collection('notes').upsert({ id: 'large', n: 1, text: long('z', 50_000) })
  for (let id = 40; id < 44; id++) await db.bugs.insert(bug(id, 2))
  if (db.bugs.search('login').count() === 0) throw new Error('the text index finds some')
}

function filesBelow(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => statSync(join(folder, name)).isFile()).sort()
}

function contentOf(db) {
  const records = (name) => db.collection(name).orderBy('id').all().map(toJsonForm)
  return Object.fromEntries(
    db
      .collections()
      .sort()
      .map((name) => [name, records(name)]),
  )
}

async function make({ seed, sessions, encryption, collections }) {
  const base = mkdtempSync(join(tmpdir(), 'blazedb-fixture-'))
  const clock = manualClock()
  const random = seededRandom(seed)
  let folder = join(base, '0')
  let content
  try {
    for (const [at, [run, end]] of sessions.entries()) {
      const platform = { ...nodePlatform(base), clock, random }
      const settings = {
        collections: collections(),
        syncWrites: 'never',
        memoryBytes: 2 ** 24,
        ...optionsOf(encryption),
      }
      const db = await openDatabase(platform, folder, settings)
      await run(db)
      content = contentOf(db)
      const left = folder
      if (end === 'kill') {
        folder = join(base, `${at + 1}`)
        for (const name of filesBelow(left)) cpSync(join(left, name), join(folder, name))
        for (const name of ['log', 'pages']) mkdirSync(join(folder, name), { recursive: true })
      }
      await db.close()
    }
    const files = filesBelow(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')])
    return { format: FORMAT, encryption, content, files: Object.fromEntries(files) }
  } finally {
    rmSync(base, { recursive: true })
  }
}

async function makeDump({ seed, encryption, options }) {
  const base = mkdtempSync(join(tmpdir(), 'blazedb-fixture-'))
  try {
    const platform = { ...nodePlatform(base), clock: manualClock(), random: seededRandom(seed) }
    const db = await openDatabase(platform, join(base, 'database'), { collections: few(), syncWrites: 'never' })
    await load(db)
    const secret = optionsOf(encryption)
    await db.dump(join(base, 'dump'), { ...options, ...secret })
    const alone = []
    for await (const piece of db.dumpStream('bugs', { format: options.format, ...secret })) alone.push(piece)
    const content = contentOf(db)
    await db.close()
    const files = filesBelow(join(base, 'dump')).map((name) => [`dump/${name}`, readFileSync(join(base, 'dump', name))])
    files.push([`bugs.${options.format}.sealed`, Buffer.concat(alone)])
    const encoded = files.map(([name, bytes]) => [name, bytes.toString('base64')])
    return { format: SEALED_FORMAT, encryption, content, files: Object.fromEntries(encoded) }
  } finally {
    rmSync(base, { recursive: true })
  }
}

async function write(kind, fixtures, makeOne) {
  const folder = join(dirname(import.meta.dirname), 'test/fixtures', kind)
  mkdirSync(folder, { recursive: true })
  for (const fixture of fixtures) {
    const path = join(folder, `${fixture.name}.json.gz`)
    if (existsSync(path)) {
      console.log(`${path} is there and stays`)
      continue
    }
    const bytes = gzipSync(JSON.stringify(await makeOne(fixture)), { level: 9 })
    writeFileSync(path, bytes)
    console.log(`${path}: ${bytes.length} bytes`)
  }
}

await write(`format-${FORMAT}`, FIXTURES, make)
await write(`sealed-${SEALED_FORMAT}`, DUMPS, makeDump)
