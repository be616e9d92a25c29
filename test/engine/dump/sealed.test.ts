import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { BlazeError, isBlazeError } from '../../../src/base/errors.ts'
import type { DumpOptions } from '../../../src/engine/dump/dump.ts'
import { openFile, sealedSizeOf, sealFile } from '../../../src/engine/dump/sealed-file.ts'
import { newSealing } from '../../../src/engine/dump/sealing.ts'
import { checkedEncryption } from '../../../src/engine/encryption-options.ts'
import { openDatabase } from '../../../src/engine/open-database.ts'
import { type MemoryPlatform, memoryPlatform } from '../../../src/platform/memory-platform.ts'
import { fields } from '../../../src/testing/arbitraries/record.ts'
import { expectSame } from '../../codec/same.ts'
import { effort } from '../../support/effort.ts'
import { figure } from '../../support/figure.ts'
import { seed } from '../../support/seed.ts'
import { closeChecked, freshPlatform, openOn, withDatabase } from '../fixture.ts'
import { byId, FORMS, readBytes, readText, withOther, writeFile } from './dump-fixture.ts'
import { bytesOf, filesIn, HEAD, KEY, OTHER_KEY, PLAIN_PIECE, QUICK, SECRETS, streamOf } from './sealed-fixture.ts'

const ENCRYPTION = { encryption: { key: KEY } }

describe('a sealed dump', () => {
  it('comes back exactly, of any records, in each form, with each kind of secret', async () => {
    const rows = fc.array(fields(), { maxLength: 8 })
    let compared = 0
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom('bugs', 'users', 'ключ', '../x'), rows, { maxKeys: 3, noNullPrototype: true }),
        fc.constantFrom(...FORMS),
        fc.constantFrom(...SECRETS),
        async (content, form, { seals, opens }) => {
          const platform = freshPlatform()
          const db = await openOn(platform)
          for (const [name, records] of Object.entries(content)) {
            await db.collection(name).insertMany(records.map((record, id) => ({ ...record, id })))
          }
          await db.dump('/dump', { ...form, encryption: seals })
          await withOther(platform, async (other) => {
            await other.load('/dump', { encryption: opens })
            expect(other.collections().sort()).toEqual(db.collections().sort())
            for (const name of db.collections()) {
              const found = byId(other, name)
              expect(found.size).toBe(db.collection(name).count())
              for (const [id, record] of byId(db, name)) {
                if (form.format === 'csv') expect(found.get(id)).toEqual(record)
                else expectSame(found.get(id), record)
                compared++
              }
            }
            for (const name of db.collections()) {
              const sealed = await bytesOf(db.dumpStream(name, { format: form.format, encryption: seals }))
              const options = { collection: 'alone', format: form.format, encryption: opens }
              const [loaded] = (await other.load(streamOf(sealed, 1000), options)).collections
              expect(loaded?.records).toBe(db.collection(name).count())
              writeFile(platform.outside, '/alone', sealed)
              await other.load('/alone', { ...options, mode: 'replace' })
              expect(other.collection('alone').count()).toBe(loaded?.records)
              await other.dropCollection('alone')
            }
          })
          await closeChecked(db)
        },
      ),
      { seed: seed(), numRuns: effort(20) },
    )
    expect(compared).toBeGreaterThan(20)
    figure('encryption', 'records of sealed dumps, loaded and compared', compared)
  })

  it('of an empty database, and of an empty collection, is one too', async () => {
    await withDatabase(async (db, platform) => {
      expect((await db.dump('/none', ENCRYPTION)).files).toEqual([])
      expect(platform.outside.listSync('/none')).toEqual(['manifest.sealed'])
      await db.collection('c').insert({ id: 1 })
      await db.collection('c').delete(1)
      await db.dump('/empty', ENCRYPTION)
      await withOther(platform, async (other) => {
        expect(await other.load('/none', ENCRYPTION)).toEqual({ collections: [] })
        await other.load('/empty', ENCRYPTION)
        expect(other.collections()).toEqual(['c'])
      })
    })
  })

  it('names its files by numbers, and its report says which collection is in which', async () => {
    await withDatabase(async (db, platform) => {
      for (const name of ['b', 'a']) await db.collection(name).insertMany([{ id: 1 }, { id: 2 }])
      await db.createIndex('a', 'n')
      const report = await db.dump('/dump', { ...ENCRYPTION, format: 'csv', compress: 'gzip' })
      expect(report.files).toMatchObject([
        { file: '0001.sealed', collection: 'b', format: 'csv', compress: 'gzip', records: 2 },
        { file: '0002.sealed', collection: 'a', records: 2 },
      ])
      expect([...platform.outside.listSync('/dump')].sort()).toEqual(['0001.sealed', '0002.sealed', 'manifest.sealed'])
      for (const { file, bytes, sha256 } of report.files) {
        const found = readBytes(platform.outside, `/dump/${file}`)
        expect(found.length).toBe(bytes)
        expect(Buffer.from(platform.digest.sha256(found)).toString('hex')).toBe(sha256)
      }
      await withOther(platform, async (other) => {
        const loaded = await other.load('/dump', { ...ENCRYPTION, collections: ['a'] })
        expect(loaded.collections).toEqual([{ name: 'a', records: 2, skipped: 0, indexes: ['n'] }])
      })
    })
  })

  it('makes its key once, whatever the number of its files, and no two dumps are alike', async () => {
    const platform = freshPlatform()
    let derived = 0
    const { scrypt } = platform.cipher
    const cipher = {
      ...platform.cipher,
      scrypt: (...given: Parameters<typeof scrypt>) => {
        derived++
        return scrypt(...given)
      },
    }
    const db = await openOn({ ...platform, cipher })
    for (const name of ['a', 'b', 'c']) await db.collection(name).insert({ id: 1 })
    const options = { encryption: { password: 'word', kdf: QUICK } }
    await db.dump('/one', options)
    await db.dump('/two', options)
    expect(derived).toBe(2)
    const [one, two] = ['/one', '/two'].map((folder) => filesIn(platform.outside, folder))
    for (const [name, bytes] of one!) expect(bytes, name).not.toEqual(two!.get(name))
    await db.dropCollection('a')
    await db.load('/one', { collections: ['a', 'b'], mode: 'replace', encryption: { password: 'word' } })
    expect(derived).toBe(3)
    await closeChecked(db)
  })

  it('tells its progress in bytes of its files', async () => {
    await withDatabase(async (db, platform) => {
      await db.collection('c').insertMany(Array.from({ length: 2000 }, (_, id) => ({ id, pad: 'x'.repeat(100) })))
      const { files } = await db.dump('/dump', ENCRYPTION)
      const told = new Map<string, number>()
      await withOther(platform, async (other) => {
        const onProgress: DumpOptions['onProgress'] = ({ step, bytes }) => void told.set(step, bytes)
        await other.load('/dump', { ...ENCRYPTION, onProgress })
        expect(told).toEqual(
          new Map([
            ['verify', files[0]!.bytes],
            ['load', files[0]!.bytes],
          ]),
        )
      })
    })
  })

  it('has no older dump left beside it, of whichever kind, and leaves other files alone', async () => {
    await withDatabase(async (db, platform) => {
      for (const name of ['a', 'b']) await db.collection(name).insert({ id: 1 })
      const names = () => [...platform.outside.listSync('/dump')].sort()
      await db.dump('/dump')
      writeFile(platform.outside, '/dump/0009.sealed', 'mine')
      await db.dump('/dump', { ...ENCRYPTION, overwrite: true })
      expect(names()).toEqual(['0001.sealed', '0002.sealed', '0009.sealed', 'manifest.sealed'])
      await db.dump('/dump', { encryption: { key: OTHER_KEY }, overwrite: true, collections: ['a'] })
      expect(names()).toEqual(['0001.sealed', '0009.sealed', 'manifest.sealed'])
      await db.dump('/dump', { overwrite: true, collections: ['b'] })
      expect(names()).toEqual(['0009.sealed', 'b.ndjson', 'manifest.json'])
      expect(readText(platform.outside, '/dump/0009.sealed')).toBe('mine')
    })
  })

  it('may be of an encrypted database, under a secret of its own', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { encryption: { key: OTHER_KEY } })
    await db.collection('c').insert({ id: 1 })
    await db.dump('/sealed', ENCRYPTION)
    await db.dump('/plain')
    expect(readText(platform.outside, '/plain/c.ndjson')).toBe('{"id":1}\n')
    await withOther(platform, async (other) => {
      await expect(other.load('/sealed', { encryption: { key: OTHER_KEY } })).rejects.toMatchObject({
        code: 'WRONG_PASSWORD',
      })
      await other.load('/sealed', ENCRYPTION)
      expect(other.collection('c').all()).toEqual([{ id: 1 }])
    })
    await closeChecked(db)
  })
})

test('a file of any size is sealed in pieces, each full but the last, however its bytes come', async () => {
  const platform = freshPlatform()
  const sealing = await newSealing(platform, checkedEncryption('test', { key: KEY }))
  const sizes = [0, 1, 2].flatMap((n) => [n * PLAIN_PIECE - 1, n * PLAIN_PIECE, n * PLAIN_PIECE + 1])
  for (const size of sizes.filter((each) => each >= 0)) {
    for (const chunk of [1000, PLAIN_PIECE, 200_000]) {
      const plain = platform.random.fill(new Uint8Array(size))
      const sealed = await bytesOf(sealFile(platform, sealing, 7, streamOf(plain, chunk)))
      expect(sealed.length).toBe(sealedSizeOf(size))
      expect(sealed.length).toBe(HEAD + size + 16 * Math.max(1, Math.ceil(size / PLAIN_PIECE)))
      const source = { path: 'file', part: 7 }
      const opened = await bytesOf(openFile(platform.cipher, sealing, source, streamOf(sealed, chunk + 1)))
      expect(Buffer.compare(opened, plain)).toBe(0)
    }
  }
  sealing.close()
})

test('neither sealing nor opening reads more than two pieces ahead', async () => {
  const platform = freshPlatform()
  const sealing = await newSealing(platform, checkedEncryption('test', { key: KEY }))
  let read = 0
  const counted = async function* (pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      read += piece.length
      yield piece
    }
  }
  const plain = new Uint8Array(9 * PLAIN_PIECE + 5)
  const sealed: Uint8Array[] = []
  let written = 0
  for await (const piece of sealFile(platform, sealing, 1, counted(streamOf(plain)))) {
    sealed.push(piece)
    written += piece.length
    expect(read - written).toBeLessThan(2 * PLAIN_PIECE)
  }
  read = 0
  written = 0
  const source = { path: 'file', part: 1 }
  for await (const piece of openFile(platform.cipher, sealing, source, counted(streamOf(Buffer.concat(sealed))))) {
    written += piece.length
    expect(read - written).toBeLessThan(2 * PLAIN_PIECE + 10_000)
  }
  expect(written).toBe(plain.length)
  sealing.close()
})

test('a sealed file that changes between its proof and its load is TAMPERED, and the batches before it stay', async () => {
  await withDatabase(async (db, platform) => {
    const rows = Array.from({ length: 3000 }, (_, id) => ({ id, pad: 'x'.repeat(100) }))
    await db.collection('c').insertMany(rows)
    const { files } = await db.dump('/dump', ENCRYPTION)
    const whole = readBytes(platform.outside, '/dump/0001.sealed')
    for (const changed of [whole.slice(0, -20), whole.map((byte, at) => (at === whole.length - 1 ? byte ^ 1 : byte))]) {
      writeFile(platform.outside, '/dump/0001.sealed', whole)
      await withOther(platform, async (other) => {
        const onProgress: DumpOptions['onProgress'] = ({ step, bytes }) => {
          if (step === 'verify' && bytes === files[0]!.bytes) writeFile(platform.outside, '/dump/0001.sealed', changed)
        }
        const error: unknown = await other.load('/dump', { ...ENCRYPTION, onProgress }).then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        expect(error).toMatchObject({ code: 'TAMPERED', details: { file: '/dump/0001.sealed' } })
        const kept = other.collection('c').count()
        expect(kept).toBeGreaterThan(0)
        expect(String(error)).toContain(`stay: ${kept} of c`)
        expect(other.collection('c').orderBy('id').all()).toEqual(rows.slice(0, kept))
      })
    }
  })
})

describe('a secret', () => {
  /** What a load is refused with; nothing is written. */
  async function refusal(platform: MemoryPlatform, source: string, options: object): Promise<unknown> {
    let refused: unknown
    await withOther(platform, async (other) => {
      refused = await other.load(source, options).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(other.collections()).toEqual([])
      expect(String(refused)).toMatch(/No record was written|nothing was opened or changed/)
    })
    return refused
  }

  it('is needed for what is sealed, has to be the one, and is refused for what is plain', async () => {
    await withDatabase(async (db, platform) => {
      await db.collection('c').insert({ id: 1 })
      await db.dump('/key', ENCRYPTION)
      await db.dump('/word', { encryption: { password: 'word', kdf: QUICK } })
      await db.dump('/plain')
      writeFile(platform.outside, '/key.ndjson.sealed', await bytesOf(db.dumpStream('c', ENCRYPTION)))
      writeFile(platform.outside, '/plain.ndjson', await bytesOf(db.dumpStream('c')))
      const cases: readonly (readonly [string, object, string])[] = [
        ['/key', {}, 'PASSWORD_REQUIRED'],
        ['/key', { encryption: undefined }, 'PASSWORD_REQUIRED'],
        ['/key', { encryption: { password: '' } }, 'PASSWORD_REQUIRED'],
        ['/key', { encryption: { callback: () => undefined } }, 'PASSWORD_REQUIRED'],
        ['/plain', { encryption: { password: undefined } }, 'PASSWORD_REQUIRED'],
        ['/key', { encryption: { key: OTHER_KEY } }, 'WRONG_PASSWORD'],
        ['/key', { encryption: { password: 'word' } }, 'WRONG_PASSWORD'],
        ['/word', { encryption: { password: 'Word' } }, 'WRONG_PASSWORD'],
        ['/word', { encryption: { key: KEY } }, 'WRONG_PASSWORD'],
        ['/plain', ENCRYPTION, 'NOT_ENCRYPTED'],
        ['/key', { encryption: { key: KEY.subarray(1) } }, 'INVALID_ARGUMENT'],
      ]
      for (const [source, options, code] of cases) {
        expect(await refusal(platform, source, options), `${source} ${code}`).toMatchObject({ code })
      }
      const alone = { collection: 'c' }
      expect(await refusal(platform, '/key.ndjson.sealed', alone)).toMatchObject({ code: 'PASSWORD_REQUIRED' })
      const wrong = { ...alone, encryption: { key: OTHER_KEY } }
      expect(await refusal(platform, '/key.ndjson.sealed', wrong)).toMatchObject({ code: 'WRONG_PASSWORD' })
      const needless = { ...alone, ...ENCRYPTION }
      expect(await refusal(platform, '/plain.ndjson', needless)).toMatchObject({ code: 'NOT_ENCRYPTED' })
      const manifest = { ...needless, format: 'ndjson' }
      expect(await refusal(platform, '/key/manifest.sealed', manifest)).toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { argument: 'source' },
      })
    })
  })

  it('that is there and empty never makes a plain dump', async () => {
    await withDatabase(async (db, platform) => {
      await db.collection('c').insert({ id: 1 })
      for (const encryption of [undefined, {}, { password: '' }, { key: undefined }, { callback: () => '' }]) {
        // What callers without types may give.
        const options = { encryption } as unknown as DumpOptions
        await expect(db.dump('/dump', options)).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' })
        await expect(bytesOf(db.dumpStream('c', options as object))).rejects.toMatchObject({
          code: 'PASSWORD_REQUIRED',
        })
      }
      expect(platform.outside.existsSync('/dump')).toBe(false)
    })
  })

  it('is asked for once, and what its callback throws ends the call', async () => {
    await withDatabase(async (db, platform) => {
      await db.collection('c').insert({ id: 1 })
      let asked = 0
      const callback = () => {
        asked++
        return KEY
      }
      await db.dump('/dump', { encryption: { callback } })
      expect(asked).toBe(1)
      await withOther(platform, async (other) => {
        await other.load('/dump', { encryption: { callback } })
        expect(asked).toBe(2)
      })
      const failing = { encryption: { callback: () => Promise.reject(new RangeError('no key store')) } }
      await expect(db.dump('/other', failing)).rejects.toThrow('no key store')
      await expect(db.load('/dump', failing)).rejects.toThrow('no key store')
      expect(platform.outside.existsSync('/other')).toBe(false)
      expect(db.stats().snapshots.count).toBe(0)
    })
  })

  it('and every key made of it are overwritten when the work has ended, however it did', async () => {
    const platform = freshPlatform()
    const made: Uint8Array[] = []
    const { hkdf, decrypt, encrypt } = platform.cipher
    const kept = <T extends Uint8Array | undefined>(bytes: T): T => {
      if (bytes?.length === 32) made.push(bytes)
      return bytes
    }
    const cipher: typeof platform.cipher = {
      ...platform.cipher,
      hkdf: (key, salt, info) => {
        kept(key)
        return kept(hkdf(key, salt, info))
      },
      encrypt: (task, plain) => {
        kept(task.key)
        kept(plain)
        return encrypt(task, plain)
      },
      decrypt: (task, sealed, tag) => kept(decrypt(task, sealed, tag)),
    }
    const db = await openOn({ ...platform, cipher })
    await db.collection('c').insertMany(Array.from({ length: 3000 }, (_, id) => ({ id, pad: 'x'.repeat(100) })))
    const left = () => made.filter((key) => key.some((byte) => byte !== 0)).length
    const ended = async (work: Promise<unknown>, code?: string): Promise<void> => {
      made.length = 0
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(isBlazeError(error) ? error.code : error).toBe(code)
      expect(made.length).toBeGreaterThan(0)
      expect(left()).toBe(0)
    }
    await ended(db.dump('/dump', ENCRYPTION))
    await ended(db.load('/dump', { ...ENCRYPTION, mode: 'replace' }))
    await ended(db.load('/dump', { encryption: { key: OTHER_KEY } }), 'WRONG_PASSWORD')
    await ended(db.load('/dump', { ...ENCRYPTION, mode: 'insert' }), 'DUPLICATE_ID')
    const controller = new AbortController()
    const onProgress = () => controller.abort()
    const aborted = db.dump('/aborted', { ...ENCRYPTION, signal: controller.signal, onProgress })
    await ended(aborted, 'ABORTED')
    await ended(
      (async () => {
        for await (const piece of db.dumpStream('c', ENCRYPTION)) if (piece.length > 1000) break
      })(),
    )
    await closeChecked(db)
  })

  it('is not kept: the caller may overwrite the key as soon as the call has returned its promise', async () => {
    await withDatabase(async (db, platform) => {
      await db.collection('c').insert({ id: 1 })
      const key = KEY.slice()
      const dumping = db.dump('/dump', { encryption: { key } })
      key.fill(0)
      await dumping
      await withOther(platform, async (other) => {
        key.set(KEY)
        const loading = other.load('/dump', { encryption: { key } })
        key.fill(0)
        await loading
        expect(other.collection('c').count()).toBe(1)
      })
    })
  })
})

describe('nothing of what is dumped can be read', () => {
  const MARKERS = ['qzvalueqxjw', 'qzfieldqxjw', 'qzcollectqxjw', 'qzindexqxjw', 'qzidentqxjw'] as const
  const [VALUE, FIELD, NAME, INDEX, ID] = MARKERS
  const RECORDS = 300

  async function filled(platform: MemoryPlatform) {
    const db = await openDatabase(platform, '/db', {})
    const rows = Array.from({ length: RECORDS }, (_, n) => ({ id: `${ID}-${n}`, [FIELD]: `${VALUE} `.repeat(40), n }))
    await db.collection(NAME).insertMany(rows)
    await db.collection('other').insertMany(rows)
    await db.createIndex(NAME, { on: 'n', name: INDEX })
    return db
  }

  /** Which markers are in the names or the bytes of the files, and how many files there are. */
  function scan(platform: MemoryPlatform, folder: string): { readonly found: string[]; readonly files: number } {
    if (!platform.files.existsSync(folder)) return { found: [], files: 0 }
    const files = [...filesIn(platform.files, folder)]
    const found = MARKERS.filter((marker) =>
      files.some(([name, bytes]) => name.includes(marker) || Buffer.from(bytes).includes(marker)),
    )
    return { found, files: files.length }
  }

  it('in the files of a sealed dump nor in their names; in those of a plain one all of it can', async () => {
    const outer = memoryPlatform({ seed: seed() })
    const db = await filled(memoryPlatform({ seed: seed(), outside: outer.files }))
    await db.dump('/plain')
    expect(scan(outer, '/plain').found.sort()).toEqual([...MARKERS].sort())
    let files = 0
    for (const form of FORMS) {
      const folder = `/${form.format}-${'compress' in form}`
      await db.dump(folder, { ...form, ...ENCRYPTION })
      const scanned = scan(outer, folder)
      expect(scanned).toEqual({ found: [], files: 3 })
      files += scanned.files
    }
    const stream = Buffer.from(await bytesOf(db.dumpStream(NAME, ENCRYPTION)))
    for (const marker of MARKERS) expect(stream.includes(marker)).toBe(false)
    figure('encryption', 'files of sealed dumps searched for plaintext, none found', files)
    await closeChecked(db)
  })

  it('in what a power cut leaves of one, at whichever call', async () => {
    const places = () => {
      const outer = memoryPlatform({ seed: seed() })
      return { outer, platform: memoryPlatform({ seed: seed(), outside: outer.files }) }
    }
    const { outer, platform } = places()
    const first = await filled(platform)
    const before = outer.faults.callCount
    await first.dump('/dump', ENCRYPTION)
    const calls = outer.faults.callCount - before
    await closeChecked(first)
    let files = 0
    for (let n = 1; n <= calls; n += 2) {
      const cut = places()
      const db = await filled(cut.platform)
      cut.outer.faults.failNth('any', n, 'crash')
      await expect(db.dump('/dump', ENCRYPTION)).rejects.toMatchObject({ code: 'IO' })
      await closeChecked(db)
      for (const mode of ['keep-all', 'torn'] as const) {
        const left = cut.outer.crash({ mode, seed: seed() + n })
        const scanned = scan(left, '/dump')
        expect(scanned.found).toEqual([])
        files += scanned.files
        const other = await openDatabase(memoryPlatform({ outside: left.files }), '/other', {})
        const loaded = await other.load('/dump', ENCRYPTION).then(
          () => true,
          (error: unknown) => {
            if (!(error instanceof BlazeError)) throw error
            return false
          },
        )
        expect(other.collections().length).toBe(loaded ? 2 : 0)
        await closeChecked(other)
      }
    }
    expect(files).toBeGreaterThan(10)
    figure('encryption', 'files of cut sealed dumps searched for plaintext, none found', files)
  })

  it('in what is there while it is being written, and nothing is left of one that failed', async () => {
    const outer = memoryPlatform({ seed: seed() })
    const db = await filled(memoryPlatform({ seed: seed(), outside: outer.files }))
    let scans = 0
    const onProgress = () => {
      expect(scan(outer, '/dump').found).toEqual([])
      scans++
      if (scans === 4) throw new RangeError('enough')
    }
    await expect(db.dump('/dump', { ...ENCRYPTION, format: 'csv', onProgress })).rejects.toThrow('enough')
    expect(outer.files.existsSync('/dump')).toBe(false)
    expect(scans).toBe(4)
    await closeChecked(db)
  })
})
