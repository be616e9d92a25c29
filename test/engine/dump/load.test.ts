import { expect, test } from 'vitest'
import * as z from 'zod'
import { type BlazeError, isBlazeError } from '../../../src/base/errors.ts'
import { collection } from '../../../src/engine/collection-spec.ts'
import type { RecordPlace } from '../../../src/engine/dump/record-writer.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import type { FileSystem } from '../../../src/platform/platform.ts'
import { withDatabase } from '../fixture.ts'
import { readBytes, readText, withOther, writeFile } from './dump-fixture.ts'

/** The error of a promise. */
async function errorOf(promise: Promise<unknown>): Promise<BlazeError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isBlazeError(error)) throw new Error(`no BlazeError: ${String(error)}`)
  return error
}

/** A dump of two collections in /dump. */
async function withDump(
  options: { format?: 'ndjson' | 'csv'; compress?: 'gzip' },
  fn: (platform: MemoryPlatform, files: FileSystem) => Promise<void>,
): Promise<void> {
  await withDatabase(async (db, platform) => {
    await db.collection('a').insertMany(Array.from({ length: 300 }, (_, id) => ({ id, text: `a\n"${id}"` })))
    await db.collection('b').insertMany(Array.from({ length: 300 }, (_, id) => ({ id, n: id / 2 })))
    await db.createIndex('a', { on: 'text', unique: true })
    await db.dump('/dump', options)
    await fn(platform, platform.outside)
  })
}

/** Loads /dump into an empty database, which must refuse and stay empty. */
async function refusalOf(platform: MemoryPlatform): Promise<BlazeError> {
  let refused: BlazeError | undefined
  await withOther(platform, async (db) => {
    refused = await errorOf(db.load('/dump'))
    expect(refused.message).toContain('No record was written')
    expect(db.collections()).toEqual([])
    expect(db.commitNumber).toBe(0)
  })
  return refused!
}

test('a file in which any byte is changed, cut, added or taken is CORRUPT, and nothing is written', async () => {
  for (const options of [{}, { format: 'csv' }, { compress: 'gzip' }] as const) {
    await withDump(options, async (platform, files) => {
      const name = files.listSync('/dump').find((each) => each.startsWith('b.'))!
      const path = `/dump/${name}`
      const whole = readBytes(files, path)
      const damages: Uint8Array[] = [
        whole.subarray(0, whole.length - 1),
        whole.subarray(0, 1),
        whole.subarray(0, 0),
        Uint8Array.of(...whole, 10),
        Uint8Array.of(...whole, ...whole),
        ...[0, 1, whole.length >> 1, whole.length - 1].map((at) =>
          whole.map((byte, i) => (i === at ? byte ^ 1 : byte)),
        ),
      ]
      for (const damaged of damages) {
        writeFile(files, path, damaged)
        const error = await refusalOf(platform)
        expect(error).toMatchObject({ code: 'CORRUPT', details: { file: path } })
      }
      files.unlinkSync(path)
      expect(await refusalOf(platform)).toMatchObject({ code: 'IO', details: { file: path } })
      writeFile(files, path, whole)
      await withOther(platform, async (db) => {
        await db.load('/dump')
        expect(db.collection('b').count()).toBe(300)
      })
    })
  }
})

/** What a forger changes: fields of the manifest, of its first file, of one index in it. */
interface Forgery {
  readonly manifest?: object
  readonly file?: object
  readonly index?: object
}

/** Rewrites the manifest with a seal that fits. */
function forge(platform: MemoryPlatform, { manifest: changed = {}, file = {}, index }: Forgery): void {
  const { sha256: _, ...manifest } = JSON.parse(readText(platform.outside, '/dump/manifest.json'))
  const plain = { name: 'x', on: ['x'], unique: false, each: false, collation: null, where: null, declared: true }
  const [first, ...others] = manifest.files
  const indexes = index === undefined ? first.indexes : [{ ...plain, ...index }]
  const forged = { ...manifest, files: [{ ...first, indexes, ...file }, ...others], ...changed }
  const seal = platform.digest.sha256(new TextEncoder().encode(JSON.stringify(forged)))
  const sha256 = Array.from(seal, (byte) => byte.toString(16).padStart(2, '0')).join('')
  writeFile(platform.outside, '/dump/manifest.json', JSON.stringify({ ...forged, sha256 }))
}

test('a manifest that is damaged, missing, newer, or does not fit its files is refused, and nothing is written', async () => {
  await withDump({ format: 'csv' }, async (platform, files) => {
    const path = '/dump/manifest.json'
    const whole = readText(files, path)
    for (const text of [
      '',
      '{',
      '[]',
      '{}',
      'null',
      whole.slice(0, -5),
      whole.replace('"records": 300', '"records": 701'),
    ]) {
      writeFile(files, path, text)
      expect(await refusalOf(platform), text).toMatchObject({ code: 'CORRUPT', details: { file: path } })
    }
    files.unlinkSync(path)
    expect(await refusalOf(platform)).toMatchObject({ code: 'INVALID_ARGUMENT', details: { argument: 'source' } })

    writeFile(files, path, whole)
    const forgeries: [Forgery, string][] = [
      [{ file: { records: 699 } }, 'CORRUPT'],
      [{ file: { records: 1e300 } }, 'CORRUPT'],
      [{ file: { file: '../secret.csv' } }, 'CORRUPT'],
      [{ file: { file: '/etc/passwd' } }, 'CORRUPT'],
      [{ file: { indexes: 5 } }, 'CORRUPT'],
      [{ index: { on: 'x' } }, 'CORRUPT'],
      [{ index: { on: [5] } }, 'INVALID_ARGUMENT'],
      [{ index: { on: [] } }, 'INVALID_ARGUMENT'],
      [{ index: { each: 5 } }, 'INVALID_ARGUMENT'],
      [{ index: { collation: 'klingon' } }, 'INVALID_ARGUMENT'],
      [{ index: { where: { bogus: 1 } } }, 'INVALID_QUERY'],
      [{ index: { where: 5 } }, 'INVALID_QUERY'],
      [
        { file: { search: { fields: [{ path: 'a', weight: -1 }], language: null, stopWords: null } } },
        'INVALID_ARGUMENT',
      ],
      [{ file: { search: { fields: [{ path: 'a', weight: 1 }], language: 5, stopWords: null } } }, 'INVALID_ARGUMENT'],
      [{ file: { collection: '' } }, 'INVALID_ARGUMENT'],
      [{ file: { schemaVersion: 'x' } }, 'CORRUPT'],
      [{ manifest: { files: {} } }, 'CORRUPT'],
      [{ manifest: { formatVersion: 2 } }, 'FORMAT_NEWER'],
      [{ manifest: { formatVersion: 0 } }, 'CORRUPT'],
    ]
    for (const [change, code] of forgeries) {
      writeFile(files, path, whole)
      forge(platform, change)
      expect(await refusalOf(platform), JSON.stringify(change)).toMatchObject({ code })
    }
    // One that only says it in other words is as good.
    writeFile(files, path, JSON.stringify(JSON.parse(whole)))
    await withOther(platform, async (db) => {
      expect((await db.load('/dump')).collections.map(({ records }) => records)).toEqual([300, 300])
    })
  })
})

test('a dump brings indexes, search and schema version; what the code declares stays as declared', async () => {
  const bugs = collection({
    indexes: ['votes', { on: 'title', name: 'titles', unique: true }],
    search: { title: 2 },
    searchOptions: { stopWords: ['the'] },
    version: 2,
  })
  await withDatabase(
    async (db, platform) => {
      await db.bugs.insertMany([1, 2, 3].map((id) => ({ id, title: `the bug ${id}`, votes: id })))
      await db.createIndex('bugs', { on: '-votes', name: 'many', where: { votes: { gt: 2 } } })
      const { files } = await db.dump('/dump')
      await withOther(platform, async (other) => {
        const report = await other.load('/dump')
        expect(report.collections).toEqual([
          { name: 'bugs', records: 3, skipped: 0, indexes: ['votes', 'titles', 'many'] },
        ])
        expect(other.collection('bugs').search('bug').count()).toBe(3)
        expect(other.collection('bugs').search('the').count()).toBe(0)
        expect((await other.dump('/again')).files[0]).toEqual(files[0])
        expect(await errorOf(other.collection('bugs').insert({ id: 9, title: 'the bug 1' }))).toMatchObject({
          code: 'UNIQUE',
        })
      })
      await withOther(platform, async (other) => {
        const report = await other.load('/dump', { indexes: false })
        expect(report.collections[0]?.indexes).toEqual([])
        expect(other.stats().collections[0]?.indexes).toEqual([])
      })
      await withOther(
        platform,
        async (other) => {
          expect((await other.load('/dump')).collections[0]?.indexes).toEqual(['many'])
          expect(other.stats().collections[0]?.indexes).toEqual(['title', 'many'])
          expect(() => other.bugs.search('bug').count()).toThrow(expect.objectContaining({ code: 'INVALID_QUERY' }))
        },
        { collections: { bugs: collection({ indexes: ['title'], version: 2 }) } },
      )
      for (const [version, code] of [
        [1, 'VERSION_NEWER'],
        [3, 'INVALID_ARGUMENT'],
      ] as const) {
        await withOther(
          platform,
          async (other) => {
            expect(await errorOf(other.load('/dump'))).toMatchObject({ code })
            expect(other.bugs.count()).toBe(0)
          },
          { collections: { bugs: collection({ version }) } },
        )
      }
    },
    { collections: { bugs } },
  )
})

test('records go through the schema that the code declares, and a dump of one asks for it', async () => {
  const strict = collection({ schema: z.object({ id: z.number(), n: z.number() }) })
  await withDatabase(
    async (db, platform) => {
      await db.rows.insertMany([1, 2].map((id) => ({ id, n: id })))
      await db.dump('/dump')
      await withOther(platform, async (other) => {
        expect(await errorOf(other.load('/dump'))).toMatchObject({ code: 'SCHEMA_REQUIRED' })
        expect(other.collections()).toEqual([])
        await other.load('/dump', { unchecked: true })
        expect(other.collection('rows').count()).toBe(2)
        expect(await errorOf(other.collection('rows').insert({ id: 3 }))).toMatchObject({ code: 'SCHEMA_REQUIRED' })
      })
      writeFile(platform.outside, '/rows.csv', 'id,n\n1,1\n2,x\n3,3\n')
      const csv = { types: { id: 'number', n: 'string' } } as const
      await withOther(
        platform,
        async (other) => {
          await other.load('/dump')
          await other.rows.clear()
          const error = await errorOf(other.load('/rows.csv', { collection: 'rows', csv }))
          expect(error).toMatchObject({ code: 'SCHEMA', details: { issues: [{ path: 'rows.n' }] } })
          expect(error.message).toMatch(/^\/rows\.csv, line 2: rows\.n: .*No record was written/s)
        },
        { collections: { rows: strict } },
      )
    },
    { collections: { rows: strict } },
  )
})

test('a refusal names file, line and what was kept: all batches before it, and none after', async () => {
  await withDatabase(async (db, platform) => {
    const lines = Array.from({ length: 100 }, (_, i) => ({ id: i, key: i === 57 ? 3 : i }))
    writeFile(platform.outside, '/rows.ndjson', lines.map((line) => JSON.stringify(line)).join('\n'))
    const options = { collection: 'rows', batchSize: 10 }

    await db.collection('rows').insert({ id: 33 })
    const duplicate = await errorOf(db.load('/rows.ndjson', options))
    expect(duplicate).toMatchObject({ code: 'DUPLICATE_ID', details: { collection: 'rows', id: 33 } })
    expect(duplicate.message).toContain('/rows.ndjson, line 34: rows has a record with id 33')
    expect(duplicate.message).toContain(
      "The batches before it are written and stay: 30 of rows. To go on, load again with mode: 'upsert' or 'replace'.",
    )
    expect(db.collection('rows').count()).toBe(31)

    await db.collection('rows').clear()
    await db.createIndex('rows', { on: 'key', unique: true })
    const unique = await errorOf(db.load('/rows.ndjson', options))
    expect(unique).toMatchObject({ code: 'UNIQUE', details: { index: 'key', key: [3], id: 3 } })
    expect(unique.message).toContain('line 58: rows.key is unique and 3 has this key already')
    expect(
      db
        .collection('rows')
        .where({ id: { gte: 50 } })
        .count(),
    ).toBe(0)
    expect(db.collection('rows').count()).toBe(50)

    const wrong = await errorOf(db.load('/rows.ndjson', { ...options, mode: 'replace' }))
    expect(wrong.message).toContain('line 58: ')
    expect(db.collection('rows').count()).toBe(50)
  })
})

test('onError is told of each record that is left out, with its place; throwing in it stops', async () => {
  await withDatabase(async (db, platform) => {
    const text = [
      '{"id":1,"k":1}',
      '{"id":2',
      '{"id":3,"k":1}',
      '',
      '[]',
      '{"id":1}',
      '{"id":7,"$x":1,"k":7}',
      '{"id":8,"at":{"$date":"x"}}',
      '{"id":9,"k":9}',
      '5',
      'null',
    ]
    writeFile(platform.outside, '/rows.jsonl', text.join('\r\n'))
    await db.createIndex('rows', { on: 'k', unique: true })
    for (const mode of ['insert', 'replace', 'upsert'] as const) {
      await db.collection('rows').clear()
      const told: [string, RecordPlace][] = []
      const report = await db.load('/rows.jsonl', {
        collection: 'rows',
        mode,
        onError: (error, place) => told.push([error.code, place]),
      })
      const codes = told.map(([code, { line }]) => [line, code]).sort((a, b) => Number(a[0]) - Number(b[0]))
      const expected = [
        [2, 'INVALID_VALUE'],
        [3, 'UNIQUE'],
        [5, 'INVALID_VALUE'],
        [7, 'INVALID_VALUE'],
        [8, 'INVALID_VALUE'],
        [10, 'INVALID_VALUE'],
        [11, 'INVALID_VALUE'],
      ]
      if (mode === 'insert') expected.splice(3, 0, [6, 'DUPLICATE_ID'])
      // Record 6 takes the key of record 1 away, so that record 3 may come after it, but it comes before.
      expect(codes, mode).toEqual(expected)
      expect(report.collections).toEqual([
        { name: 'rows', records: mode === 'insert' ? 2 : 3, skipped: told.length, indexes: [] },
      ])
      expect(told.find(([, { line }]) => line === 7)?.[1]).toEqual({
        file: '/rows.jsonl',
        line: 7,
        record: { id: 7, $x: 1, k: 7 },
      })
      expect(
        db
          .collection('rows')
          .all()
          .map(({ id }) => id)
          .sort(),
      ).toEqual([1, 9])
    }
    const mine = new Error('mine')
    const onError = (): never => {
      throw mine
    }
    await expect(db.load('/rows.jsonl', { collection: 'other', onError })).rejects.toBe(mine)
  })
})

test('the modes: insert refuses what is there, upsert patches it, replace replaces it', async () => {
  await withDatabase(async (db, platform) => {
    writeFile(platform.outside, '/rows.ndjson', '{"id":1,"b":2}\n{"id":2,"b":2}\n{"b":3}')
    const options = { collection: 'rows' }
    const one = (): unknown => db.collection('rows').get(1)
    await db.collection('rows').insert({ id: 1, a: 1, b: 1 })
    expect(await errorOf(db.load('/rows.ndjson', options))).toMatchObject({ code: 'DUPLICATE_ID' })
    expect(one()).toEqual({ id: 1, a: 1, b: 1 })
    await db.load('/rows.ndjson', { ...options, mode: 'upsert' })
    expect(one()).toEqual({ id: 1, a: 1, b: 2 })
    await db.load('/rows.ndjson', { ...options, mode: 'replace', batchSize: 1 })
    expect(one()).toEqual({ id: 1, b: 2 })
    // A record without an id gets one each time.
    expect(db.collection('rows').count()).toBe(4)
  })
})

test('CSV from elsewhere: byte order mark, delimiter, types, what is empty', async () => {
  await withDatabase(async (db, platform) => {
    writeFile(
      platform.outside,
      '/rows.csv',
      '\ufeffid;name;votes;at\r\n7;"Ada; ""A"" \r\nL.";1e2;2024-05-01\r\n007;;;\r\n',
    )
    const load = (csv: object, name: string) =>
      db.load('/rows.csv', { collection: name, csv: { delimiter: ';', ...csv } })
    await load({}, 'plain')
    expect(db.collection('plain').get('7')).toEqual({
      id: '7',
      name: 'Ada; "A" \r\nL.',
      votes: '1e2',
      at: '2024-05-01',
    })
    expect(db.collection('plain').get('007')).toEqual({ id: '007' })
    await load({ types: { votes: 'number', at: 'date' }, empty: 'null' }, 'typed')
    expect(db.collection('typed').get('7')).toMatchObject({ votes: 100, at: new Date('2024-05-01') })
    expect(db.collection('typed').get('007')).toEqual({ id: '007', name: null, votes: null, at: null })
    await load({ infer: true, empty: 'string' }, 'inferred')
    expect(db.collection('inferred').get(7)).toMatchObject({ votes: '1e2' })
    expect(db.collection('inferred').get('007')).toEqual({ id: '007', name: '', votes: '', at: '' })

    const wrong = await errorOf(load({ types: { id: 'number', at: 'number' } }, 'wrong'))
    expect(wrong).toMatchObject({ code: 'INVALID_VALUE' })
    expect(wrong.message).toContain('/rows.csv, line 2, column "at": "2024-05-01" is not a number')
  })
})

test('what is wrong with a file or the call is said, and nothing is written', async () => {
  await withDatabase(async (db, platform) => {
    const { outside } = platform
    const files: { [name: string]: string | Uint8Array } = {
      'empty.csv': '',
      'twice.csv': 'a,b,a\n',
      'nameless.csv': 'a,,b\n',
      'short.csv': 'id,b\n1\n',
      'quote.csv': 'id\n"1\n',
      'latin.csv': Uint8Array.of(105, 100, 10, 0xe9, 10),
      'wide.ndjson': Uint8Array.of(0xff, 0xfe, 0x7b, 0),
      'cut.ndjson.gz': Uint8Array.of(0x1f, 0x8b, 8, 0, 0),
      'rest.csv': 'id:number,$rest:json\n1,[5]\n',
      'dump.csv': 'id:number,a:string\n1,\\x\n',
      'text.txt': '{}',
    }
    for (const [name, content] of Object.entries(files)) writeFile(outside, `/${name}`, content)
    outside.makeFolderSync('/folder')
    const c = { collection: 'c' }
    const cases: [string | object, object, string, string][] = [
      ['/empty.csv', c, 'INVALID_VALUE', 'begins with the names of its columns'],
      ['/twice.csv', c, 'INVALID_VALUE', 'two columns have the name "a"'],
      ['/nameless.csv', c, 'INVALID_VALUE', 'line 1: a column has no name'],
      ['/short.csv', c, 'INVALID_VALUE', 'line 2: the row has 1 cells, and the header names 2'],
      ['/quote.csv', c, 'INVALID_VALUE', 'line 2: this is no CSV'],
      ['/latin.csv', c, 'INVALID_VALUE', 'not UTF-8'],
      ['/wide.ndjson', c, 'INVALID_VALUE', 'not UTF-8'],
      ['/cut.ndjson.gz', c, 'INVALID_VALUE', 'gzip data is damaged or cut'],
      ['/rest.csv', c, 'INVALID_VALUE', 'line 2, column "$rest"'],
      ['/dump.csv', c, 'INVALID_VALUE', 'line 2, column "a": "\\\\x" begins with a backslash'],
      ['/short.csv', { ...c, csv: { types: { z: 'number' } } }, 'INVALID_ARGUMENT', 'names the column "z"'],
      ['/short.csv', { ...c, csv: { types: { b: 'int' } } }, 'INVALID_ARGUMENT', 'csv.types'],
      ['/short.csv', { ...c, csv: { delimiter: ',,' } }, 'INVALID_ARGUMENT', 'csv.delimiter'],
      ['/short.csv', { ...c, csv: { bogus: 1 } }, 'INVALID_ARGUMENT', 'bogus'],
      ['/short.csv', { ...c, csv: { empty: 'zero' } }, 'INVALID_ARGUMENT', 'csv.empty'],
      ['/short.csv', {}, 'INVALID_ARGUMENT', 'needs the collection'],
      ['/short.csv', { ...c, collections: ['c'] }, 'INVALID_ARGUMENT', 'collections is for a dump'],
      ['/wide.ndjson', { ...c, csv: { infer: true } }, 'INVALID_ARGUMENT', 'csv is for a CSV file'],
      ['/text.txt', c, 'INVALID_ARGUMENT', 'does not say its format'],
      ['/absent', c, 'INVALID_ARGUMENT', 'there is no file or folder'],
      ['/folder', {}, 'INVALID_ARGUMENT', 'has no manifest.json'],
      ['/short.csv', { ...c, mode: 'merge' }, 'INVALID_ARGUMENT', 'mode is'],
      ['/short.csv', { ...c, batchSize: 0 }, 'INVALID_ARGUMENT', 'batchSize is'],
      ['/short.csv', { ...c, maxLineLength: 0 }, 'INVALID_ARGUMENT', 'maxLineLength is'],
      ['/short.csv', { ...c, maxLineLength: 3 }, 'TOO_LARGE', 'line 1'],
      ['/short.csv', { ...c, bogus: 1 }, 'INVALID_ARGUMENT', 'bogus'],
      [{}, c, 'INVALID_ARGUMENT', 'async iterable'],
      [db.dumpStream('c'), c, 'INVALID_ARGUMENT', 'needs its format'],
      [numbers(), { ...c, format: 'csv' }, 'INVALID_ARGUMENT', 'a source gives Uint8Arrays or strings'],
    ]
    for (const [source, options, code, text] of cases) {
      const error = await errorOf(db.load(source as string, options))
      expect(error, String(source)).toMatchObject({ code, message: expect.stringContaining(text) })
      expect(error.message).toContain('No record was written')
    }
    expect(db.collections()).toEqual([])
    expect(platform.files.openHandles).toBeLessThan(10)
  })
})

async function* numbers(): AsyncGenerator<never> {
  yield 5 as never
}

test('a signal ends a load; what was committed stays, and upsert goes on', async () => {
  await withDump({}, async (platform) => {
    await withOther(platform, async (db) => {
      const controller = new AbortController()
      const error = await errorOf(
        db.load('/dump', {
          batchSize: 50,
          signal: controller.signal,
          onProgress: ({ step, collection: name, records }) =>
            void (step === 'load' && name === 'b' && records > 100 && controller.abort('enough')),
        }),
      )
      expect(error).toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: 'enough' })
      const kept = db.collection('b').count()
      expect(error.message).toContain(`300 of a, ${kept} of b`)
      expect(kept % 50).toBe(0)
      expect(await errorOf(db.load('/dump'))).toMatchObject({ code: 'DUPLICATE_ID' })
      await db.load('/dump', { mode: 'upsert' })
      expect(db.collection('b').count()).toBe(300)
      expect(await errorOf(db.load('/dump', { signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED' })
    })
  })
})

test('collections can be chosen, and progress tells what is done of what', async () => {
  await withDump({ compress: 'gzip' }, async (platform) => {
    await withOther(platform, async (db) => {
      const told: unknown[] = []
      await db.load('/dump', {
        collections: ['b'],
        onProgress: ({ step, collection: name, totalRecords }) => told.push([step, name, totalRecords]),
      })
      expect(db.collections()).toEqual(['b'])
      expect(new Set(told.map(String))).toEqual(new Set(['verify,b,300', 'load,b,300']))
      expect(await errorOf(db.load('/dump', { collections: ['c'] }))).toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(await errorOf(db.load('/dump', { csv: {} }))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    })
  })
})

test('a read-only database loads nothing', async () => {
  await withDump({}, async (platform) => {
    await withOther(platform, async (db, path) => {
      await db.collection('x').insert({ id: 1 })
      await db.close()
      await withOther(platform, async () => undefined)
      const { openDatabase } = await import('../../../src/engine/open-database.ts')
      const readOnly = await openDatabase(platform, path, { readOnly: true })
      expect(await errorOf(readOnly.load('/dump'))).toMatchObject({ code: 'READ_ONLY' })
      await readOnly.close()
    })
  })
})
