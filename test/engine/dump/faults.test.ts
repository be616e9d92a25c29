import { expect, test } from 'vitest'
import { isBlazeError } from '../../../src/base/errors.ts'
import type { Database } from '../../../src/engine/database.ts'
import { openDatabase } from '../../../src/engine/open-database.ts'
import { memoryPlatform } from '../../../src/platform/memory-platform.ts'
import { effort } from '../../support/effort.ts'
import { figure } from '../../support/figure.ts'
import { seed } from '../../support/seed.ts'
import { closeChecked } from '../fixture.ts'

const RECORDS = 200

/** A platform whose outside is another memory, so that its faults meet dumps and loads alone. */
function twoPlaces() {
  const outer = memoryPlatform({ seed: seed() })
  const platform = memoryPlatform({ seed: seed(), outside: outer.files })
  return { outer, platform }
}

async function fill(db: Database<unknown>): Promise<void> {
  for (const name of ['a', 'b']) {
    const rows = Array.from({ length: RECORDS }, (_, id) => ({ id, pad: 'x'.repeat(700) }))
    await db.collection(name).insertMany(rows)
  }
}

const SECRET = { encryption: { key: new Uint8Array(32).fill(5) } } as const
const forms = [{ format: 'ndjson' }, { format: 'csv', compress: 'gzip' }, { format: 'ndjson', ...SECRET }] as const

/** What a load of a dump of this form needs. */
const secretOf = (form: (typeof forms)[number]) => ('encryption' in form ? SECRET : {})

test('whichever call on the target fails, the dump says so, leaves none behind, and the database is unharmed', async () => {
  let failures = 0
  for (const form of forms) {
    for (const code of form === forms[0] ? (['EIO', 'ENOSPC'] as const) : (['EIO'] as const)) {
      const { outer, platform } = twoPlaces()
      const db = await openDatabase(platform, '/db', {})
      await fill(db)
      const before = outer.faults.callCount
      await db.dump('/count', form)
      const calls = outer.faults.callCount - before
      expect(calls).toBeGreaterThan(15)
      for (let n = 1; n <= calls; n++) {
        outer.faults.failNth('any', n, code)
        const error: unknown = await db.dump(`/dump-${n}`, form).then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        outer.faults.clear()
        expect(
          isBlazeError(error, code === 'ENOSPC' ? 'DISK_FULL' : 'IO'),
          `${code} at call ${n}: ${String(error)}`,
        ).toBe(true)
        expect(String(error)).toContain('There is no dump')
        const left = outer.files.existsSync(`/dump-${n}`) ? outer.files.listSync(`/dump-${n}`) : []
        expect(left, `call ${n}`).toEqual([])
        expect(outer.files.openHandles).toBe(0)
        failures++
      }
      expect(db.stats().snapshots.count).toBe(0)
      expect(db.collection('a').count()).toBe(RECORDS)
      await db.dump('/dump-1', form)
      await closeChecked(db)
    }
  }
  figure('dump', 'failed calls on a target', failures)
})

test('a database whose log has failed can still be dumped, as its readers see it', async () => {
  const { platform } = twoPlaces()
  const db = await openDatabase(platform, '/db', {})
  await fill(db)
  platform.faults.failNth('any', 1, 'EIO', { sticky: true, path: '/db/log' })
  await expect(db.collection('a').insert({ id: 'new' })).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  platform.faults.clear()
  expect(db.stats().poisoned).toBe(true)
  const { files } = await db.dump('/dump')
  expect(files.map(({ records }) => records)).toEqual([RECORDS, RECORDS])
  await expect(db.close()).rejects.toMatchObject({ code: 'POISONED' })
})

test('short writes and reads are gone on with', async () => {
  const { outer, platform } = twoPlaces()
  const db = await openDatabase(platform, '/db', {})
  await fill(db)
  outer.faults.failNth('write', 1, 'short', { sticky: true })
  await db.dump('/dump')
  await db.dump('/sealed', SECRET)
  outer.faults.failNth('read', 1, 'short', { sticky: true })
  const other = await openDatabase(platform, '/other', {})
  await other.load('/dump')
  expect(other.collection('b').count()).toBe(RECORDS)
  await other.load('/sealed', { ...SECRET, mode: 'replace' })
  const alone = { ...SECRET, collection: 'c', format: 'ndjson' } as const
  const { collections } = await other.load('/sealed/0001.sealed', alone)
  expect(collections[0]?.records).toBe(RECORDS)
  await closeChecked(other)
  await closeChecked(db)
})

test('whichever call on the source fails, the load says so, and keeps whole batches in order', async () => {
  let failures = 0
  for (const form of forms) {
    const { outer, platform } = twoPlaces()
    const db = await openDatabase(platform, '/db', {})
    await fill(db)
    await db.dump('/dump', form)
    const before = outer.faults.callCount
    await loadInto('/count')
    const calls = outer.faults.callCount - before
    for (let n = 1; n <= calls; n++) {
      outer.faults.failNth('any', n, 'EIO')
      const { error, counts } = await loadInto(`/other-${n}`)
      outer.faults.clear()
      expect(isBlazeError(error, 'IO'), `call ${n}: ${String(error)}`).toBe(true)
      const kept = counts.filter(([, count]) => count > 0).map(([name, count]) => `${count} of ${name}`)
      expect(String(error), `call ${n}`).toContain(
        kept.length === 0 ? 'No record was written' : `stay: ${kept.join(', ')}.`,
      )
      for (const [, count] of counts) expect(count % 50).toBe(0)
      expect(outer.files.openHandles).toBe(0)
      failures++
    }
    await closeChecked(db)

    async function loadInto(path: string) {
      const other = await openDatabase(platform, path, {})
      const error: unknown = await other.load('/dump', { batchSize: 50, ...secretOf(form) }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      const counts = ['a', 'b'].map((name) => [name, other.collection(name).count()] as const)
      // Records of a batch are the first of the file, without a gap.
      for (const [name, count] of counts) {
        if (count > 0) expect(other.collection(name).orderBy('id', 'desc').first()?.id).toBe(count - 1)
      }
      await closeChecked(other)
      return { error, counts }
    }
  }
  expect(failures).toBeGreaterThan(10)
  figure('dump', 'failed calls on a source', failures)
})

test('a power cut at any call leaves a whole dump, or none that is taken for one', async () => {
  const { outer, platform } = twoPlaces()
  const db = await openDatabase(platform, '/db', {})
  await fill(db)
  const before = outer.faults.callCount
  await db.dump('/count')
  const calls = outer.faults.callCount - before
  await closeChecked(db)
  const step = Math.max(1, Math.round(2 / effort(1)))
  for (let n = 1; n <= calls; n += step) {
    const places = twoPlaces()
    const source = await openDatabase(places.platform, '/db', {})
    await fill(source)
    places.outer.faults.failNth('any', n, 'crash')
    await expect(source.dump('/dump')).rejects.toMatchObject({ code: 'IO' })
    await closeChecked(source)
    for (let cut = 0; cut < 2; cut++) {
      const left = places.outer.crash({ mode: 'torn', seed: seed() + n * 10 + cut })
      const after = memoryPlatform({ outside: left.files })
      const other = await openDatabase(after, '/db', {})
      const loaded = await other.load('/dump').then(
        () => true,
        (error: unknown) => {
          if (!isBlazeError(error)) throw error
          return false
        },
      )
      expect(other.collections()).toEqual(loaded ? ['a', 'b'] : [])
      if (loaded) expect(other.collection('b').count()).toBe(RECORDS)
      // Where a manifest is, all that it names is.
      expect(left.files.existsSync('/dump/manifest.json')).toBe(loaded)
      await closeChecked(other)
    }
  }
  figure('dump', 'power cuts in a dump', Math.ceil(calls / step) * 2)
})
