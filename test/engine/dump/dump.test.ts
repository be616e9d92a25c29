import { expect, test, vi } from 'vitest'
import { collection } from '../../../src/engine/collection-spec.ts'
import { fileNames, isFileName } from '../../../src/engine/dump/file-names.ts'
import { manualClock } from '../../../src/platform/manual-clock.ts'
import { closeChecked, freshPlatform, openOn, withDatabase } from '../fixture.ts'
import { readText, tick, withOther, writeFile } from './dump-fixture.ts'

test('a dump is files that people can read, and a manifest that says what they are', async () => {
  await withDatabase(
    async (db, platform) => {
      await db.bugs.insertMany([
        { id: 1, title: 'Login "broken"', at: new Date(0), tags: ['a'] },
        { id: '1', title: null, votes: 3n },
      ])
      const report = await db.dump('/dump')
      expect(readText(platform.outside, '/dump/bugs.ndjson')).toBe(
        '{"id":1,"title":"Login \\"broken\\"","at":{"$date":"1970-01-01T00:00:00.000Z"},"tags":["a"]}\n' +
          '{"id":"1","title":null,"votes":{"$bigint":"3"}}\n',
      )
      const manifest = JSON.parse(readText(platform.outside, '/dump/manifest.json'))
      expect(manifest).toMatchObject({ format: 'blazedb-dump', formatVersion: 1, commit: db.commitNumber })
      expect(manifest.files).toEqual(report.files)
      expect(report).toMatchObject({ target: '/dump', commit: db.commitNumber })
      expect(report.files[0]).toMatchObject({
        file: 'bugs.ndjson',
        collection: 'bugs',
        records: 2,
        schemaVersion: 3,
        hasSchema: false,
        indexes: [
          {
            name: 'votes',
            on: ['-votes'],
            unique: true,
            collation: null,
            declared: true,
            where: { path: ['title'], op: 'eq', operand: 'x' },
          },
        ],
        search: { fields: [{ path: 'title', weight: 2 }], language: 'english', stopWords: ['the'] },
      })
      await db.dump('/csv', { format: 'csv' })
      expect(readText(platform.outside, '/csv/bugs.csv')).toBe(
        'id:number,title:string,at:date,tags:json,votes:bigint\n' +
          '1,"Login ""broken""",1970-01-01T00:00:00.000Z,"[""a""]",\n' +
          '"\\J""1""",\\N,,,3\n',
      )
    },
    {
      collections: {
        bugs: collection({
          version: 3,
          indexes: [{ on: '-votes', name: 'votes', unique: true, where: { title: 'x' } }],
          search: { title: 2 },
          searchOptions: { language: 'english', stopWords: ['the'] },
        }),
      },
    },
  )
})

test('a dump is one snapshot, while records are written, renamed and inserted', async () => {
  await withDatabase(async (db, platform) => {
    const rows = Array.from({ length: 3000 }, (_, i) => ({ id: i, version: 1, pad: 'x'.repeat(100) }))
    await db.collection('a').insertMany(rows)
    await db.collection('b').insertMany(rows)
    let dumping: ReturnType<typeof db.dump> | undefined
    let rounds = 0
    let going = true
    const begun = new Promise<void>((resolve) => {
      dumping = db.dump('/dump', { onProgress: () => resolve() })
    })
    await begun
    const writing = (async () => {
      for (let version = 2; going; version++, rounds++) {
        await db.transaction((tx) => {
          for (const name of ['a', version < 4 ? 'b' : 'renamed']) {
            tx.collection(name).updateMany({ id: { lt: 50 } }, { version })
            tx.collection(name).insert({ id: `new ${version}`, version })
          }
        })
        if (version === 3) await db.renameCollection('b', 'renamed')
        await tick()
      }
    })()
    const report = await dumping
    going = false
    await writing
    expect(rounds).toBeGreaterThan(2)
    expect(report?.files.map(({ collection: name, records }) => [name, records])).toEqual([
      ['a', 3000],
      ['b', 3000],
    ])
    await withOther(platform, async (other) => {
      await other.load('/dump')
      for (const name of ['a', 'b']) expect(other.collection(name).where({ version: 1 }).count()).toBe(3000)
    })
  })
})

test('a collection that is dropped while it is dumped ends the dump, and nothing is left of it', async () => {
  await withDatabase(async (db, platform) => {
    await db.collection('a').insertMany(Array.from({ length: 3000 }, (_, id) => ({ id, pad: 'x'.repeat(100) })))
    const dumping = db.dump('/dump', { onProgress: ({ records }) => void (records < 1000 && db.dropCollection('a')) })
    await expect(dumping).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('There is no dump'),
    })
    expect(platform.outside.existsSync('/dump')).toBe(false)
  })
})

test('file names are safe, and differ also where case does not count', () => {
  const names = [
    'bugs',
    'BUGS',
    'Bugs',
    '../x',
    '..',
    '.',
    'a/b',
    'a\\b',
    'nul',
    'COM1',
    '-rf',
    '\0',
    'ж',
    `${'x'.repeat(200)}`,
    `${'x'.repeat(199)}y`,
  ]
  const files = fileNames(names, '.ndjson.gz')
  expect(files.slice(0, 3)).toEqual(['bugs.ndjson.gz', 'BUGS~2.ndjson.gz', 'Bugs~3.ndjson.gz'])
  expect(files.slice(8, 11)).toEqual(['_nul.ndjson.gz', '_COM1.ndjson.gz', '_-rf.ndjson.gz'])
  expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(names.length)
  for (const file of files) {
    expect(isFileName(file), file).toBe(true)
    expect(file.length).toBeLessThan(120)
  }
  for (const file of [
    '../x.ndjson',
    '/etc/passwd',
    'a/b.ndjson',
    'a\\b.csv',
    '.ndjson',
    'x.txt',
    'x.ndjson\0',
    'x.ndjson.gz.gz',
    '..ndjson',
  ]) {
    expect(isFileName(file), file).toBe(false)
  }
})

test('a folder that is not empty is left alone, unless the dump may overwrite', async () => {
  await withDatabase(async (db, platform) => {
    const { outside } = platform
    await db.collection('a').insert({ id: 1 })
    await db.collection('b').insert({ id: 1 })
    outside.makeFolderSync('/dump')
    writeFile(outside, '/dump/notes.txt', 'mine')
    await expect(db.dump('/dump')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { argument: 'target' } })
    await expect(db.dump('/dump/notes.txt')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(outside.listSync('/dump')).toEqual(['notes.txt'])
    await db.dump('/dump', { overwrite: true })
    expect([...outside.listSync('/dump')].sort()).toEqual(['a.ndjson', 'b.ndjson', 'manifest.json', 'notes.txt'])
    await db.collection('a').update(1, { longer: 'x'.repeat(100) })
    await db.dump('/dump', { overwrite: true, collections: ['b'], format: 'csv' })
    expect([...outside.listSync('/dump')].sort()).toEqual(['b.csv', 'manifest.json', 'notes.txt'])
    expect(readText(outside, '/dump/notes.txt')).toBe('mine')
    await withOther(platform, async (other) => {
      expect((await other.load('/dump')).collections.map(({ name }) => name)).toEqual(['b'])
    })
  })
})

test('a dump is never put into the folder of a database', async () => {
  await withDatabase(async (db, platform) => {
    await db.collection('a').insert({ id: 1 })
    await withOther(platform, async (_, other) => {
      for (const folder of ['/db', '/db/log', '/db/log/9', '/db/new/one', other]) {
        const dumping = db.dump(folder, { overwrite: true })
        await expect(dumping, folder).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          details: { argument: 'target' },
        })
      }
    })
  })
})

test('options that are none are refused, and names of collections that are not there', async () => {
  await withDatabase(async (db, platform) => {
    await db.collection('a').insert({ id: 1 })
    const wrong: [object, string][] = [
      [{ format: 'xml' }, 'format'],
      [{ compress: 'zip' }, 'compress'],
      [{ collections: ['a', 'c'] }, 'collections'],
      [{ collections: 'a' }, 'collections'],
      [{ bogus: 1 }, 'bogus'],
    ]
    for (const [options, argument] of wrong) {
      await expect(db.dump('/dump', options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { argument } })
    }
    await expect(db.dump('')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { argument: 'target' } })
    expect(platform.outside.existsSync('/dump')).toBe(false)
    await expect(db.dumpStream('c').next()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

test('a signal ends a dump in its middle: nothing is left of it, and no snapshot is held', async () => {
  await withDatabase(async (db, platform) => {
    await db.collection('a').insertMany(Array.from({ length: 5000 }, (_, id) => ({ id, pad: 'x'.repeat(100) })))
    for (const format of ['ndjson', 'csv'] as const) {
      const controller = new AbortController()
      const onProgress = vi.fn(
        ({ records }: { records: number }) => void (records > 1000 && controller.abort('enough')),
      )
      const dumping = db.dump('/dump', { format, compress: 'gzip', signal: controller.signal, onProgress })
      await expect(dumping).rejects.toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: 'enough' })
      expect(onProgress).toHaveBeenCalled()
      expect(platform.outside.existsSync('/dump')).toBe(false)
      await expect(db.dump('/dump', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    }
    const stream = db.dumpStream('a')
    await stream.next()
    await stream.return()
    expect(db.stats().snapshots.count).toBe(0)
    expect(platform.files.openHandles).toBeLessThan(10)
  })
})

test('an error of onProgress is the error of the dump, the same object', async () => {
  await withDatabase(async (db, platform) => {
    await db.collection('a').insert({ id: 1 })
    const mine = new Error('mine')
    const onProgress = (): never => {
      throw mine
    }
    await expect(db.dump('/dump', { onProgress })).rejects.toBe(mine)
    await expect(db.dump('/dump', { onProgress, compress: 'gzip' })).rejects.toBe(mine)
    expect(platform.outside.existsSync('/dump')).toBe(false)
  })
})

test('closing the database ends a dump that is being made', async () => {
  const platform = freshPlatform()
  const db = await openOn(platform)
  await db.collection('a').insertMany(Array.from({ length: 5000 }, (_, id) => ({ id, pad: 'x'.repeat(100) })))
  let closing: Promise<void> | undefined
  const onProgress = (): void => {
    closing ??= closeChecked(db)
  }
  await expect(db.dump('/dump', { onProgress })).rejects.toMatchObject({ code: 'CLOSED' })
  await closing
  expect(platform.outside.existsSync('/dump')).toBe(false)
})

test('a dump can be made of a database that is opened read-only, and of what a relaxed commit wrote', async () => {
  const platform = freshPlatform()
  const db = await openOn(platform, { durability: 'relaxed' })
  await db.collection('a').insert({ id: 1 })
  const { commit } = await db.dump('/first')
  expect(commit).toBe(db.commitNumber)
  // What was dumped is on the device, before the relaxed delay is over.
  const crashed = await openOn(platform.crash({ mode: 'lose-unsynced', seed: 1 }), { readOnly: true })
  expect(crashed.commitNumber).toBeGreaterThanOrEqual(commit)
  expect(crashed.collection('a').count()).toBe(1)
  await crashed.dump('/second')
  await closeChecked(crashed)
  await closeChecked(db)
})

test('work on records comes in slices between which the event loop turns', async () => {
  const clock = manualClock()
  const platform = freshPlatform(1, clock)
  const db = await openOn(platform)
  await db.collection('a').insertMany(Array.from({ length: 4000 }, (_, id) => ({ id, pad: 'x'.repeat(50) })))
  const yields = vi.spyOn(clock, 'yield')
  // Each look at the clock takes a millisecond: a slice is over after a few looks.
  let now = 0
  vi.spyOn(clock, 'monotonic').mockImplementation(() => ++now)
  await db.dump('/dump', { format: 'csv' })
  const dumped = yields.mock.calls.length
  expect(dumped).toBeGreaterThan(50)
  await withOther(platform, async (other) => {
    await other.load('/dump', { batchSize: 100 })
  })
  expect(yields.mock.calls.length).toBeGreaterThan(dumped + 4)
  await closeChecked(db)
})
