import { describe, expect, test } from 'vitest'
import { setU32 } from '../../src/base/binary.ts'
import { crc32 } from '../../src/base/checksum.ts'
import type { CommitNumber, Lsn } from '../../src/base/ids.ts'
import {
  createIdentity,
  identityBytes,
  mendIdentity,
  readIdentity,
  replaceIdentity,
} from '../../src/engine/identity-file.ts'
import { createFile, readRoot, readSoundRoot, writeRoot } from '../../src/engine/root-file.ts'
import { firstRoot, type Root } from '../../src/gc/root.ts'
import { type MemoryPlatform, memoryPlatform } from '../../src/platform/memory-platform.ts'
import { encryptedSealsOf, plainSealsOf } from '../support/seals.ts'

const FOLDER = '/db'
const FILE_ID = Uint8Array.from({ length: 16 }, (_, i) => i)
const KEYS = { fileId: FILE_ID, seals: plainSealsOf(FILE_ID) }
const ROOT: Root = {
  epochSalt: new Uint8Array(32).fill(4),
  checkpoint: { lsn: 123456789012 as Lsn, chain: 0xfedcba98 },
  commit: (2 ** 44) as CommitNumber,
  logTail: 7000,
  pageTail: 3,
  pageHead: 12,
  directory: { number: 9, sizeBytes: 32768, sha256: new Uint8Array(32).fill(200) },
  cleanEnd: { lsn: 223456789012 as Lsn, chain: 77 },
}

function newPlatform(): MemoryPlatform {
  const platform = memoryPlatform()
  platform.files.makeFolderSync(FOLDER)
  platform.files.syncFolderSync('/')
  return platform
}

function edit(platform: MemoryPlatform, name: string, at: number, value: number): void {
  const handle = platform.files.openSync(`${FOLDER}/${name}`, 'write')
  handle.writeSync(Uint8Array.of(value), 0, 1, at)
  handle.syncSync()
  handle.closeSync()
}

function put(platform: MemoryPlatform, name: string, text: string): void {
  createFile(platform.files, `${FOLDER}/${name}`, new TextEncoder().encode(text))
}

function fileOf(platform: MemoryPlatform, name: string): Uint8Array | undefined {
  return platform.snapshotDurable().get(`${FOLDER}/${name}`)
}

describe('root', () => {
  test('a root of a newer format is refused', () => {
    const platform = newPlatform()
    writeRoot(platform, FOLDER, ROOT, KEYS)
    const bytes = fileOf(platform, 'root')!
    bytes[8] = 1
    setU32(bytes, 252, crc32(bytes, 0, 252, crc32(FILE_ID, 0, FILE_ID.length)))
    createFile(platform.files, `${FOLDER}/root`, bytes)
    expect(() => readRoot(platform, FOLDER, KEYS)).toThrow(expect.objectContaining({ code: 'FORMAT_NEWER' }))
  })

  test('the format number of a sealed root is believed only where the seal does not open', () => {
    const platform = newPlatform()
    const keys = { fileId: FILE_ID, seals: encryptedSealsOf(FILE_ID) }
    writeRoot(platform, FOLDER, ROOT, keys)
    const whole = fileOf(platform, 'root')!
    const read = (at: readonly number[]): unknown => {
      const bytes = whole.slice()
      for (const each of at) bytes[each]! ^= 1
      createFile(platform.files, `${FOLDER}/root`, bytes)
      return readRoot(platform, FOLDER, keys)
    }
    expect(read([])).toMatchObject({ checkpoint: ROOT.checkpoint, commit: ROOT.commit })
    expect(() => read([8])).toThrow(expect.objectContaining({ code: 'TAMPERED' }))
    expect(() => read([100])).toThrow(expect.objectContaining({ code: 'TAMPERED' }))
    expect(() => read([8, 100])).toThrow(expect.objectContaining({ code: 'FORMAT_NEWER' }))
  })

  test.each([ROOT, { ...ROOT, directory: undefined }, { ...ROOT, cleanEnd: undefined }, firstRoot(new Uint8Array(32))])(
    'a root reads back as it was written',
    (root) => {
      const platform = newPlatform()
      writeRoot(platform, FOLDER, root, KEYS)
      expect(readRoot(platform, FOLDER, KEYS)).toEqual(root)
      expect(platform.files.openHandles).toBe(0)
    },
  )

  test('a lost root is none to those who can do without, and a disk that refuses to read it is no lost root', () => {
    for (const seals of [plainSealsOf(FILE_ID), encryptedSealsOf(FILE_ID)]) {
      const platform = newPlatform()
      const keys = { fileId: FILE_ID, seals }
      writeRoot(platform, FOLDER, ROOT, keys)
      expect(readSoundRoot(platform, FOLDER, keys)?.logTail).toBe(ROOT.logTail)
      platform.faults.failNth('openSync', 1, 'EIO')
      expect(() => readSoundRoot(platform, FOLDER, keys)).toThrow(expect.objectContaining({ code: 'IO' }))
      edit(platform, 'root', 60, 99)
      expect(readSoundRoot(platform, FOLDER, keys)).toBeUndefined()
    }
  })

  test('a missing root, a damaged one and that of another database are none', () => {
    const platform = newPlatform()
    expect(readRoot(platform, FOLDER, KEYS)).toBeUndefined()
    writeRoot(platform, FOLDER, ROOT, KEYS)
    expect(readRoot(platform, FOLDER, { ...KEYS, fileId: FILE_ID.map((byte) => byte + 1) })).toBeUndefined()
    const size = fileOf(platform, 'root')!.length
    for (let at = 0; at < size; at++) {
      const copy = platform.crash({ mode: 'keep-all', seed: 1 })
      edit(copy, 'root', at, fileOf(platform, 'root')![at]! ^ 16)
      expect(readRoot(copy, FOLDER, KEYS), `byte ${at}`).toBeUndefined()
    }
    edit(platform, 'root', size, 0)
    expect(readRoot(platform, FOLDER, KEYS)).toBeUndefined()
  })

  test('a sealed root of which any byte was changed is TAMPERED, also where it then says to be of a newer format', () => {
    const platform = newPlatform()
    const sealed = { fileId: FILE_ID, seals: encryptedSealsOf(FILE_ID) }
    writeRoot(platform, FOLDER, ROOT, sealed)
    expect(readRoot(platform, FOLDER, sealed)?.logTail).toBe(ROOT.logTail)
    const bytes = fileOf(platform, 'root')!
    for (let at = 0; at < bytes.length; at++) {
      const copy = platform.crash({ mode: 'keep-all', seed: 1 })
      edit(copy, 'root', at, bytes[at]! ^ (1 << (at % 8)))
      const refused = expect.objectContaining({ code: 'TAMPERED' })
      expect(() => readRoot(copy, FOLDER, sealed), `byte ${at}`).toThrow(refused)
    }
  })

  test('a crash at any call of a switch leaves the old root or the new one', () => {
    const next = { ...ROOT, logTail: 7001 }
    const seen = new Set<number>()
    for (let n = 1; n <= 10; n++) {
      const platform = newPlatform()
      writeRoot(platform, FOLDER, ROOT, KEYS)
      platform.faults.failNth('any', n, 'crash')
      let told = false
      try {
        writeRoot(platform, FOLDER, next, KEYS)
        told = true
      } catch (error) {
        expect(error).toMatchObject({ code: 'IO' })
      }
      for (let seed = 1; seed < 20; seed++) {
        const root = readRoot(platform.crash({ mode: 'torn', seed }), FOLDER, KEYS)
        expect([7000, 7001]).toContain(root?.logTail)
        if (told) expect(root?.logTail).toBe(7001)
        seen.add(root!.logTail)
      }
    }
    expect([...seen].sort()).toEqual([7000, 7001])
  })

  test('short writes are gone on with, a full disk is told and keeps the old root', () => {
    const platform = newPlatform()
    platform.faults.failNth('writeSync', 1, 'short')
    writeRoot(platform, FOLDER, ROOT, KEYS)
    expect(readRoot(platform, FOLDER, KEYS)).toEqual(ROOT)
    platform.faults.failNth('writeSync', 1, 'ENOSPC')
    expect(() => writeRoot(platform, FOLDER, firstRoot(new Uint8Array(32)), KEYS)).toThrow('free some space')
    expect(readRoot(platform, FOLDER, KEYS)).toEqual(ROOT)
  })
})

describe('identity', () => {
  test('an identity reads back, from either copy', () => {
    const platform = newPlatform()
    const identity = createIdentity(platform, FOLDER, FILE_ID)
    expect(identity).toEqual({ fileId: FILE_ID, format: 0, lock: undefined })
    for (const lost of ['identity', 'identity.copy']) {
      const whole = fileOf(platform, lost)
      platform.files.unlinkSync(`${FOLDER}/${lost}`)
      expect(readIdentity(platform, FOLDER)).toEqual(identity)
      expect(platform.files.existsSync(`${FOLDER}/${lost}`)).toBe(false)
      mendIdentity(platform, FOLDER, identity)
      expect(fileOf(platform, lost)).toEqual(whole)
      edit(platform, lost, 20, 99)
      expect(readIdentity(platform, FOLDER)).toEqual(identity)
      mendIdentity(platform, FOLDER, identity)
      expect(fileOf(platform, lost)).toEqual(whole)
    }
  })

  test('when both are valid and differ, a rekey was cut, and identity wins', () => {
    const platform = newPlatform()
    createIdentity(platform, FOLDER, FILE_ID)
    const other = newPlatform()
    createIdentity(other, FOLDER, new Uint8Array(16).fill(1))
    createFile(platform.files, `${FOLDER}/identity.copy`, fileOf(other, 'identity')!)
    const before = platform.snapshotDurable()
    expect(readIdentity(platform, FOLDER)?.fileId).toEqual(FILE_ID)
    expect(platform.snapshotDurable()).toEqual(before)
  })

  test('an empty folder, an absent one and an unfinished creation have none yet', () => {
    const platform = newPlatform()
    expect(readIdentity(platform, '/nowhere')).toBeUndefined()
    expect(readIdentity(platform, FOLDER)).toBeUndefined()
    for (const name of ['log', 'pages']) platform.files.makeFolderSync(`${FOLDER}/${name}`)
    for (const name of ['root', 'lock-1f', 'identity.copy.tmp']) put(platform, name, 'x')
    expect(readIdentity(platform, FOLDER)).toBeUndefined()
  })

  test.each(['notes.txt', 'identity'])(
    'a folder with %s of somebody else is NOT_A_DATABASE, and left alone',
    (name) => {
      const platform = newPlatform()
      put(platform, name, 'hello, world')
      const before = platform.snapshotDurable()
      expect(() => readIdentity(platform, FOLDER)).toThrow(expect.objectContaining({ code: 'NOT_A_DATABASE' }))
      expect(platform.snapshotDurable()).toEqual(before)
    },
  )

  test.each(['log', 'pages'])('segments in %s without an identity are CORRUPT', (name) => {
    const platform = newPlatform()
    platform.files.makeFolderSync(`${FOLDER}/${name}`)
    put(platform, `${name}/4`, 'x')
    expect(() => readIdentity(platform, FOLDER)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  test('an identity that the disk refuses to replace says that both secrets may be the right one', () => {
    for (const code of ['ENOSPC', 'EIO'] as const) {
      for (const n of [1, 2]) {
        const platform = newPlatform()
        const identity = createIdentity(platform, FOLDER, FILE_ID)
        platform.faults.failNth('write', n, code)
        const refused = {
          code: code === 'EIO' ? 'IO' : 'DISK_FULL',
          message: expect.stringContaining('keep the older and the new one'),
        }
        expect(() => replaceIdentity(platform, FOLDER, identity)).toThrow(expect.objectContaining(refused))
        expect(readIdentity(platform, FOLDER)).toEqual(identity)
      }
    }
  })

  test('the bytes in force are those of either sound file; of none it is CORRUPT', () => {
    const platform = newPlatform()
    createIdentity(platform, FOLDER, FILE_ID)
    const whole = fileOf(platform, 'identity')
    expect(identityBytes(platform.files, FOLDER)).toEqual(whole)
    edit(platform, 'identity', 100, 1)
    expect(identityBytes(platform.files, FOLDER)).toEqual(whole)
    edit(platform, 'identity.copy', 100, 1)
    const corrupt = expect.objectContaining({ code: 'CORRUPT' })
    expect(() => identityBytes(platform.files, FOLDER)).toThrow(corrupt)
    for (const name of ['identity', 'identity.copy']) platform.files.unlinkSync(`${FOLDER}/${name}`)
    expect(() => identityBytes(platform.files, FOLDER)).toThrow(corrupt)
  })

  test('a sealed identity whose lock no version writes is TAMPERED', () => {
    const platform = newPlatform()
    createIdentity(platform, FOLDER, FILE_ID)
    const bytes = fileOf(platform, 'identity')!
    // A cipher without a key that it would be wrapped with.
    setU32(bytes, 28, 1)
    setU32(bytes, 508, crc32(bytes, 0, 508))
    for (const name of ['identity', 'identity.copy']) createFile(platform.files, `${FOLDER}/${name}`, bytes)
    expect(() => readIdentity(platform, FOLDER)).toThrow(expect.objectContaining({ code: 'TAMPERED' }))
  })

  test('damage in both copies is CORRUPT', () => {
    const platform = newPlatform()
    createIdentity(platform, FOLDER)
    for (const name of ['identity', 'identity.copy']) edit(platform, name, 100, 1)
    expect(() => readIdentity(platform, FOLDER)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  test('a crash at any call of the creation leaves none or a whole one', () => {
    for (let n = 1; n <= 16; n++) {
      const platform = newPlatform()
      platform.faults.failNth('any', n, 'crash')
      let told = false
      try {
        createIdentity(platform, FOLDER, FILE_ID)
        told = true
      } catch (error) {
        expect(error).toMatchObject({ code: 'IO' })
      }
      for (let seed = 1; seed < 10; seed++) {
        const found = readIdentity(platform.crash({ mode: 'torn', seed }), FOLDER)
        if (found !== undefined || told) expect(found?.fileId).toEqual(FILE_ID)
      }
    }
  })
})
