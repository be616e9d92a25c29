import { describe, expect, it, test } from 'vitest'
import { setU32 } from '../../src/base/binary.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { Database } from '../../src/engine/database.ts'
import type { EncryptionOptions, KeyDerivation } from '../../src/engine/encryption-options.ts'
import { verifyFolder } from '../../src/engine/verify/verify-folder.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { closeChecked, FOLDER, freshPlatform, openOn } from '../engine/fixture.ts'

const QUICK: KeyDerivation = { name: 'scrypt', cost: 2 ** 14, blockSize: 1, parallelism: 1 }
const KEY = new Uint8Array(32).fill(7)
const OTHER_KEY = new Uint8Array(32).fill(8)
const RECORD = { id: 1, text: 'a secret' }

/** A closed database with one record. */
async function locked(encryption: EncryptionOptions, platform = freshPlatform()): Promise<MemoryPlatform> {
  const db = await openOn(platform, { encryption })
  await db.collection('items').insert(RECORD)
  await closeChecked(db)
  return platform
}

/** Opens with a secret, and expects the record. */
async function expectOpens(platform: MemoryPlatform, encryption: EncryptionOptions): Promise<void> {
  const db = await openOn(platform, { encryption })
  expect(db.collection('items').get(1)).toEqual(RECORD)
  await closeChecked(db)
}

/** What opening is refused with; no byte and no name below the folder may have changed. */
async function refusal(platform: MemoryPlatform, encryption: EncryptionOptions | undefined): Promise<unknown> {
  const before = fingerprints(platform)
  try {
    const db = await openOn(platform, encryption === undefined ? {} : { encryption })
    await db.close()
    return 'opened'
  } catch (error) {
    expect(fingerprints(platform)).toEqual(before)
    expect(platform.files.openHandles).toBe(0)
    return (error as { code?: string }).code ?? error
  }
}

/** What is on the device, file by file. */
function fingerprints(platform: MemoryPlatform): string[] {
  return [...platform.snapshotDurable()].map(
    ([path, bytes]) => `${path} ${bytes.length} ${platform.crc32(bytes, 0, bytes.length, 0)}`,
  )
}

function readFile(platform: MemoryPlatform, name: string): Uint8Array {
  return platform.snapshotDurable().get(`${FOLDER}/${name}`)!.slice()
}

function writeFile(platform: MemoryPlatform, name: string, bytes: Uint8Array): void {
  const handle = platform.files.openSync(`${FOLDER}/${name}`, 'write')
  handle.truncateSync(bytes.length)
  handle.writeSync(bytes, 0, bytes.length, 0)
  handle.syncSync()
  handle.closeSync()
  platform.files.syncFolderSync(FOLDER)
}

/** Changes both identity files and makes their checksum right again: what a forger can do. */
function forge(platform: MemoryPlatform, change: (bytes: Uint8Array) => void): void {
  const bytes = readFile(platform, 'identity')
  change(bytes)
  setU32(bytes, 508, crc32(bytes, 0, 508))
  for (const name of ['identity', 'identity.copy']) writeFile(platform, name, bytes)
}

describe('an encrypted database', () => {
  const SECRETS: readonly (readonly [string, EncryptionOptions, EncryptionOptions])[] = [
    ['a password', { password: 'pässword', kdf: QUICK }, { password: 'password' }],
    ['a key', { key: KEY }, { key: OTHER_KEY }],
    ['a callback that gives a password', { callback: async () => 'word', kdf: QUICK }, { callback: () => 'Word' }],
    ['a callback that gives a key', { callback: () => KEY }, { callback: () => 'a password' }],
  ]

  it.each(SECRETS)('opens with %s, and with no other', async (_, right, wrong) => {
    const platform = await locked(right)
    await expectOpens(platform, right)
    expect(await refusal(platform, wrong)).toBe('WRONG_PASSWORD')
    expect(await refusal(platform, undefined)).toBe('PASSWORD_REQUIRED')
    await expectOpens(platform, right)
  })

  it('opens with the usual cost of scrypt when nothing is said, and says so in its identity', async () => {
    const platform = await locked({ password: 'word' })
    const view = new DataView(readFile(platform, 'identity').buffer)
    expect([40, 44, 48].map((at) => view.getUint32(at, true))).toEqual([2 ** 17, 8, 1])
    await expectOpens(platform, { password: 'word' })
  })

  it('takes a password as its text, however its characters are composed', async () => {
    const platform = await locked({ password: 'caf\u00e9', kdf: QUICK })
    await expectOpens(platform, { password: 'cafe\u0301' })
  })

  it('opens read-only, and changes nothing', async () => {
    const platform = await locked({ key: KEY })
    platform.files.unlinkSync(`${FOLDER}/identity.copy`)
    platform.files.syncFolderSync(FOLDER)
    const before = fingerprints(platform)
    const db = await openOn(platform, { encryption: { key: KEY }, readOnly: true })
    expect(db.collection('items').get(1)).toEqual(RECORD)
    await closeChecked(db)
    expect(fingerprints(platform)).toEqual(before)
  })

  it('mends a lost identity from the other when it is opened, and not before the key is proven', async () => {
    for (const name of ['identity', 'identity.copy']) {
      const platform = await locked({ key: KEY })
      const whole = readFile(platform, name)
      writeFile(platform, name, new Uint8Array(512))
      expect(await refusal(platform, { key: OTHER_KEY })).toBe('WRONG_PASSWORD')
      await expectOpens(platform, { key: KEY })
      expect(readFile(platform, name)).toEqual(whole)
    }
  })

  it.each([
    ['plain', {}],
    ['encrypted', { encryption: { key: KEY } }],
  ] as const)(
    'keeps the right identity where that of another database was put beside it, %s',
    async (_, options: { encryption?: EncryptionOptions }) => {
      const [platform, other] = [freshPlatform(), freshPlatform(2)]
      for (const each of [platform, other]) {
        const db = await openOn(each, options)
        await db.collection('items').insert(RECORD)
        await closeChecked(db)
      }
      const right = readFile(platform, 'identity')
      writeFile(platform, 'identity', readFile(other, 'identity'))
      expect(await refusal(platform, options.encryption)).toMatch(/CORRUPT|TAMPERED/)
      const [first] = (await verifyFolder(platform, FOLDER, { open: options })).problems
      expect(first).toMatchObject({ kind: 'identity', text: expect.stringContaining('of different databases') })
      writeFile(platform, 'identity', readFile(platform, 'identity.copy'))
      const db = await openOn(platform, options)
      expect(db.collection('items').get(1)).toEqual(RECORD)
      await closeChecked(db)
      expect(readFile(platform, 'identity')).toEqual(right)
    },
  )

  it('overwrites its keys when it is closed', async () => {
    const platform = freshPlatform()
    const made: Uint8Array[] = []
    const { hkdf } = platform.cipher
    const watched = {
      ...platform.cipher,
      hkdf: (...given: Parameters<typeof hkdf>) => made[made.push(hkdf(...given)) - 1]!,
    }
    const db = await openOn({ ...platform, cipher: watched }, { encryption: { key: KEY } })
    await db.collection('items').insert(RECORD)
    expect(made.filter((key) => key.some((byte) => byte !== 0)).length).toBeGreaterThan(2)
    await closeChecked(db)
    expect(made.filter((key) => key.some((byte) => byte !== 0))).toEqual([])
    await expectOpens(platform, { key: KEY })
  })

  it('does not keep the key that it was given: the caller may overwrite it', async () => {
    const key = KEY.slice()
    const opening = openOn(freshPlatform(), { encryption: { key } })
    key.fill(0)
    const db = await opening
    await db.collection('items').insert(RECORD)
    const platform = Database.coreOf(db).platform as MemoryPlatform // it is the one of freshPlatform
    await closeChecked(db)
    await expectOpens(platform, { key: KEY })
  })
})

describe('damage of an encrypted database', () => {
  function flip(platform: MemoryPlatform, name: string, at: number): void {
    const bytes = readFile(platform, name)
    bytes[at]! ^= 1
    writeFile(platform, name, bytes)
  }

  it('in its root, or the loss of it, is TAMPERED by name: it says how far the log must reach', async () => {
    const platform = await locked({ key: KEY })
    const lost = platform.crash({ mode: 'keep-all', seed: 1 })
    flip(platform, 'root', 100)
    const named = { code: 'TAMPERED', details: { file: `${FOLDER}/root`, offset: 0 } }
    await expect(openOn(platform, { encryption: { key: KEY } })).rejects.toMatchObject(named)
    lost.files.unlinkSync(`${FOLDER}/root`)
    await expect(openOn(lost, { encryption: { key: KEY } })).rejects.toMatchObject(named)
  })

  it('in its directory is mended from the log, and told', async () => {
    const platform = await locked({ key: KEY })
    flip(platform, 'directory-1', 40)
    const db = await openOn(platform, { encryption: { key: KEY } })
    expect(db.collection('items').get(1)).toEqual(RECORD)
    expect(db.stats().gc.lastError).toContain('directory-1')
    await closeChecked(db)
    await expectOpens(platform, { key: KEY })
  })

  it('in the proven part of its log is TAMPERED with file and offset', async () => {
    const platform = await locked({ key: KEY })
    flip(platform, 'log/1', 600)
    writeFile(platform, 'rebuild', new Uint8Array(0))
    const opening = openOn(platform, { encryption: { key: KEY } })
    await expect(opening).rejects.toMatchObject({ code: 'TAMPERED', details: { file: `${FOLDER}/log/1`, offset: 512 } })
  })
})

describe('a secret that does not arrive', () => {
  const NOTHING: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['an empty object', {}],
    ['an undefined password', { password: undefined }],
    ['an empty password', { password: '' }],
    ['an undefined key', { key: undefined }],
    ['an empty key', { key: new Uint8Array(0) }],
    ['no callback', { callback: undefined }],
    ['a callback that gives nothing', { callback: () => undefined }],
    ['a callback that gives an empty password', { callback: async () => '' }],
    ['a callback that gives an empty key', { callback: () => new Uint8Array(0) }],
  ]

  it.each(NOTHING)('%s is PASSWORD_REQUIRED, and makes no database', async (_, encryption) => {
    const platform = freshPlatform()
    // What plain JavaScript can give: the types refuse it.
    const options = { encryption } as { encryption: EncryptionOptions }
    await expect(openOn(platform, options)).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' })
    expect(platform.files.listSync(FOLDER)).toEqual([])
  })

  it('of another kind is INVALID_ARGUMENT', async () => {
    const wrong: unknown[] = [
      null,
      'a password',
      { password: 5 },
      { password: KEY },
      { password: '\ud800' },
      { key: 'text' },
      { key: new Uint8Array(31) },
      { key: KEY, password: 'word' },
      { key: KEY, kdf: 'scrypt' },
      { password: 'word', kdf: 'pbkdf2' },
      { password: 'word', kdf: { name: 'scrypt', cost: 2 ** 15, blockSize: 8, parallelism: 1, memory: 1 } },
      { password: 'word', kdf: { name: 'scrypt', cost: 1000, blockSize: 8, parallelism: 1 } },
      { password: 'word', kdf: { name: 'scrypt', cost: 2 ** 20, blockSize: 32, parallelism: 1 } },
      { callback: () => 5 },
    ]
    for (const encryption of wrong) {
      const platform = freshPlatform()
      const opening = openOn(platform, { encryption } as { encryption: EncryptionOptions })
      await expect(opening, JSON.stringify(encryption)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(platform.files.listSync(FOLDER)).toEqual([])
    }
  })

  it('by a callback that throws is what it threw', async () => {
    const platform = await locked({ key: KEY })
    const thrown = new Error('the vault is shut')
    const callback = (): never => {
      throw thrown
    }
    expect(await refusal(platform, { callback })).toBe(thrown)
  })

  it('is not asked for where it is not needed', async () => {
    const platform = freshPlatform()
    await closeChecked(await openOn(platform))
    let asked = 0
    const callback = (): Uint8Array => {
      asked++
      return KEY
    }
    expect(await refusal(platform, { callback })).toBe('NOT_ENCRYPTED')
    expect(asked).toBe(0)
  })
})

describe('an identity that was changed', () => {
  it('without a right checksum in either file is TAMPERED', async () => {
    const platform = await locked({ key: KEY })
    for (const name of ['identity', 'identity.copy']) {
      const bytes = readFile(platform, name)
      bytes[60]! ^= 1
      writeFile(platform, name, bytes)
    }
    expect(await refusal(platform, { key: KEY })).toBe('TAMPERED')
  })

  it.each([
    ['the salt', 52],
    ['the cost', 41],
    ['the wrapped key', 110],
    ['the file id', 15],
  ])('with a right checksum, in %s, cannot be told from a wrong password', async (_, at) => {
    const platform = await locked({
      password: 'word',
      kdf: { name: 'scrypt', cost: 2 ** 15, blockSize: 1, parallelism: 1 },
    })
    // The cost halves: 2¹⁵ is 0x8000, its neighbour 0x4000.
    forge(platform, (bytes) => {
      bytes[at] = at === 41 ? 0x40 : bytes[at]! ^ 1
    })
    expect(await refusal(platform, { password: 'word' })).toBe('WRONG_PASSWORD')
  })

  it('with parameters that would take the memory of the machine is TAMPERED before any is taken', async () => {
    const platform = await locked({ password: 'word', kdf: QUICK })
    for (const [at, value] of [
      [40, 2 ** 30],
      [40, 3 * 2 ** 14],
      [44, 2 ** 20],
      [48, 2 ** 16],
      [32, 9],
      [36, 7],
      [36, 0],
    ] as const) {
      const copy = platform.crash({ mode: 'keep-all', seed: 1 })
      forge(copy, (bytes) => setU32(bytes, at, value))
      expect(await refusal(copy, { password: 'word' }), `${at}: ${value}`).toBe('TAMPERED')
    }
  })

  it('so that it says plain is NOT_ENCRYPTED with a key, and opens nothing without', async () => {
    const platform = await locked({ key: KEY })
    forge(platform, (bytes) => bytes.fill(0, 28, 508))
    expect(await refusal(platform, { key: KEY })).toBe('NOT_ENCRYPTED')
    expect(await refusal(platform, undefined)).toBe('CORRUPT')
  })

  it('of a newer format or cipher is FORMAT_NEWER', async () => {
    for (const at of [8, 28]) {
      const platform = await locked({ key: KEY })
      forge(platform, (bytes) => setU32(bytes, at, 99))
      expect(await refusal(platform, { key: KEY })).toBe('FORMAT_NEWER')
    }
  })
})

describe('Argon2id', () => {
  const argon: KeyDerivation = { name: 'argon2id', memoryKib: 8192, passes: 1, parallelism: 1 }

  test('locks and unlocks where the runtime has it, and is UNSUPPORTED elsewhere', async () => {
    const platform = freshPlatform()
    if (platform.cipher.argon2id === undefined) {
      expect(await refusal(platform, { password: 'word', kdf: argon })).toBe('UNSUPPORTED')
      expect(await refusal(platform, { password: 'word', kdf: 'argon2id' })).toBe('UNSUPPORTED')
      return
    }
    await locked({ password: 'word', kdf: argon }, platform)
    await expectOpens(platform, { password: 'word' })
    expect(await refusal(platform, { password: 'Word' })).toBe('WRONG_PASSWORD')
  })

  test('of an existing database, on a runtime that has none, is UNSUPPORTED', async () => {
    const platform = freshPlatform()
    const stand = async (password: Uint8Array): Promise<Uint8Array> => platform.cipher.hkdf(password, KEY, 'test')
    const able = { ...platform, cipher: { ...platform.cipher, argon2id: stand } }
    await locked({ password: 'word', kdf: argon }, able)
    await expectOpens(able, { password: 'word' })
    const unable = { ...platform, cipher: { ...platform.cipher, argon2id: undefined } }
    expect(await refusal(unable, { password: 'word' })).toBe('UNSUPPORTED')
  })
})

describe('rekey', () => {
  it('locks with another secret, of another kind too, without touching the data', async () => {
    const platform = await locked({ key: KEY })
    const db = await openOn(platform, { encryption: { key: KEY } })
    const trace = platform.faults.trace()
    await db.rekey({ password: 'new', kdf: QUICK })
    const renamed = trace.filter(({ operation }) => operation === 'renameSync').map(({ path }) => path)
    expect(renamed).toEqual([`${FOLDER}/identity.tmp`, `${FOLDER}/identity.copy.tmp`])
    await db.collection('items').insert({ id: 2 })
    await closeChecked(db)
    expect(await refusal(platform, { key: KEY })).toBe('WRONG_PASSWORD')
    await expectOpens(platform, { password: 'new' })
  })

  it('takes effect in the order of the calls', async () => {
    const platform = await locked({ key: KEY })
    const db = await openOn(platform, { encryption: { key: KEY } })
    await Promise.all([db.rekey({ password: 'slow', kdf: QUICK }), db.rekey({ key: OTHER_KEY })])
    await closeChecked(db)
    await expectOpens(platform, { key: OTHER_KEY })
  })

  it('is refused with nothing given, and on a database that is read-only or closed', async () => {
    const platform = await locked({ key: KEY })
    const db = await openOn(platform, { encryption: { key: KEY } })
    await expect(db.rekey({ password: '' })).rejects.toMatchObject({ code: 'PASSWORD_REQUIRED' })
    const late = db.rekey({ password: 'new', kdf: QUICK })
    await Promise.all([expect(late).rejects.toMatchObject({ code: 'CLOSED' }), closeChecked(db)])
    await expect(db.rekey({ key: OTHER_KEY })).rejects.toMatchObject({ code: 'CLOSED' })
    const reader = await openOn(platform, { encryption: { key: KEY }, readOnly: true })
    await expect(reader.rekey({ key: OTHER_KEY })).rejects.toMatchObject({ code: 'READ_ONLY' })
    await closeChecked(reader)
    await expectOpens(platform, { key: KEY })
  })

  it('cut at any call leaves a database that one of the two unlocks, the new one once it has resolved', async () => {
    const outcomes = new Set<string>()
    for (let n = 1; ; n++) {
      const platform = await locked({ key: KEY })
      const db = await openOn(platform, { encryption: { key: KEY } })
      const { callCount } = platform.faults
      platform.faults.failNth('any', n, 'crash')
      const told = await db.rekey({ key: OTHER_KEY }).then(
        () => true,
        () => false,
      )
      const done = told && platform.faults.callCount - callCount < n
      for (const mode of ['lose-unsynced', 'torn', 'keep-all'] as const) {
        for (let seed = 1; seed <= (mode === 'torn' ? 6 : 1); seed++) {
          const left = platform.crash({ mode, seed })
          const old = await refusal(left, { key: KEY })
          if (old === 'WRONG_PASSWORD') await expectOpens(left, { key: OTHER_KEY })
          else expect(old).toBe('opened')
          if (told) expect(old).toBe('WRONG_PASSWORD')
          outcomes.add(`${old}, ${told ? 'told' : 'cut'}`)
        }
      }
      platform.faults.clear()
      await db.close().catch(() => undefined)
      if (done) break
    }
    expect([...outcomes].sort()).toEqual(['WRONG_PASSWORD, cut', 'WRONG_PASSWORD, told', 'opened, cut'])
  })

  it('that fails is told, and one of the two unlocks', async () => {
    const platform = await locked({ key: KEY })
    const db = await openOn(platform, { encryption: { key: KEY } })
    platform.faults.failNth('renameSync', 1, 'EIO', { path: 'identity.copy' })
    await expect(db.rekey({ key: OTHER_KEY })).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringContaining('keep the older and the new one'),
    })
    platform.faults.failNth('openSync', 1, 'ENOSPC', { path: 'identity.tmp' })
    await expect(db.rekey({ key: KEY })).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining('keep the older and the new one'),
    })
    await closeChecked(db)
    await expectOpens(platform, { key: OTHER_KEY })
  })
})
