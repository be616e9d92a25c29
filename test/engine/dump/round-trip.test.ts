import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StoredRecord, Value } from '../../../src/base/values.ts'
import { fields } from '../../../src/testing/arbitraries/record.ts'
import { expectSame, fingerprint } from '../../codec/same.ts'
import { effort } from '../../support/effort.ts'
import { figure } from '../../support/figure.ts'
import { seed } from '../../support/seed.ts'
import { closeChecked, freshPlatform, openOn, withDatabase } from '../fixture.ts'
import { byId, FORMS, withOther } from './dump-fixture.ts'

const ids = fc.oneof(
  fc.constantFrom<string | number>(
    1,
    '1',
    0,
    '0',
    -1,
    'a',
    'A',
    'id',
    '\0',
    '\\N',
    '\\',
    'a,b\n"c"',
    '=1+1',
    ' ',
    'ключ',
  ),
  fc.maxSafeInteger(),
  fc.uuid(),
)

const names = fc.oneof(
  fc.constantFrom(
    'bugs',
    'Bugs',
    'BUGS',
    '../etc/passwd',
    '..',
    '.',
    '/',
    'a/b',
    'a\\b',
    '\0',
    'con',
    'CON',
    '-rf',
    '~',
    '$',
  ),
  fc.constantFrom(
    'manifest',
    'manifest.json',
    'x'.repeat(200),
    `${'x'.repeat(199)}y`,
    'ключ',
    'a b',
    '*',
    '__proto__',
    'then',
  ),
)

const collections = fc.dictionary(
  names,
  fc.uniqueArray(fc.tuple(ids, fields()), { maxLength: 6, selector: ([id]) => JSON.stringify(id) }),
  { maxKeys: 5, noNullPrototype: true },
)

/** The same without regard to the order of the fields at the top, which CSV has as the order of its columns. */
function withoutOrder(record: StoredRecord): { [name: string]: Value | undefined } {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}

test('every record of every collection comes back exactly, from NDJSON and CSV, compressed or not', async () => {
  let compared = 0
  await fc.assert(
    fc.asyncProperty(collections, fc.constantFrom(...FORMS), async (content, form) => {
      const platform = freshPlatform()
      const db = await openOn(platform)
      for (const [name, rows] of Object.entries(content)) {
        await db.collection(name).insertMany(rows.map(([id, record]) => ({ ...record, id })))
      }
      const report = await db.dump('/dump', form)
      expect(new Set(report.files.map(({ file }) => file.toLowerCase())).size).toBe(report.files.length)
      await withOther(platform, async (other) => {
        await other.load('/dump')
        expect(other.collections().sort()).toEqual(db.collections().sort())
        for (const name of db.collections()) {
          const found = byId(other, name)
          expect(found.size).toBe(db.collection(name).count())
          for (const [id, record] of byId(db, name)) {
            const same = found.get(id) as StoredRecord
            if (form.format === 'csv') expectSame(withoutOrder(same), withoutOrder(record as StoredRecord))
            else expectSame(same, record)
            compared++
          }
        }
      })
      await closeChecked(db)
    }),
    { seed: seed(), numRuns: effort(25) },
  )
  expect(compared).toBeGreaterThan(50)
  figure('dump', 'records dumped, loaded and compared', compared)
})

test('a dump of a load is the same dump', async () => {
  await withDatabase(async (db, platform) => {
    await db.collection('c').insertMany([
      { id: 2, a: -0 },
      { id: '2', b: [null] },
      { id: 1, a: 5n },
    ])
    for (const form of FORMS) {
      const folder = `/dump-${form.format}-${'compress' in form}`
      const first = await db.dump(folder, form)
      await withOther(platform, async (other) => {
        await other.load(folder)
        const again = await other.dump(`${folder}-again`, form)
        expect(again.files).toEqual(first.files)
      })
    }
  })
})

test('a collection with more field names than a table has columns comes back from CSV, and one of no records at all', async () => {
  await withDatabase(async (db, platform) => {
    const wide = Array.from({ length: 700 }, (_, i) => ({
      id: i,
      [`f${i % 350}`]: i,
      [`g${i}`]: `\\${i}`,
      every: null,
    }))
    await db.collection('wide').insertMany(wide)
    await db.collection('empty').insert({ id: 1 })
    await db.collection('empty').delete(1)
    const { files } = await db.dump('/dump', { format: 'csv' })
    expect(files.map(({ collection, records }) => [collection, records])).toEqual([
      ['wide', 700],
      ['empty', 0],
    ])
    await withOther(platform, async (other) => {
      await other.load('/dump')
      expect(fingerprint(byId(other, 'wide').get('699'))).toBe('{"id":699,"every":null,"f349":699,"g699":"\\\\699"}')
      expect(other.collection('wide').count()).toBe(700)
      for (const [id, record] of byId(db, 'wide')) {
        expectSame(withoutOrder(byId1(other, id)), withoutOrder(record as StoredRecord))
      }
      expect(other.collections()).toContain('empty')
    })
  })
})

function byId1(
  db: Parameters<typeof byId>[0] & { collection(name: 'wide'): { get(id: number): unknown } },
  id: string,
): StoredRecord {
  return db.collection('wide').get(JSON.parse(id)) as StoredRecord
}

test('the bytes of dumpStream are those of the file, and load from a stream', async () => {
  await withDatabase(async (db, platform) => {
    await db.collection('c').insertMany(Array.from({ length: 2000 }, (_, i) => ({ id: i, text: 'é'.repeat(i % 50) })))
    for (const format of ['ndjson', 'csv'] as const) {
      const { files } = await db.dump('/dump', { format, overwrite: true })
      let bytes = 0
      for await (const piece of db.dumpStream('c', { format })) bytes += piece.length
      expect(bytes).toBe(files[0]!.bytes)
      await withOther(platform, async (other) => {
        const report = await other.load(db.dumpStream('c', { format }), { collection: 'd', format })
        expect(report.collections).toEqual([{ name: 'd', records: 2000, skipped: 0, indexes: [] }])
        expect(other.collection('d').get(1999)).toEqual(db.collection('c').get(1999))
      })
    }
  })
})
