import { describe, expect, test } from 'vitest'
import { type MemoryPlatform, memoryPlatform } from '../../src/platform/memory-platform.ts'
import {
  type PageFileConfig,
  type PageLocation,
  PageSegmentReader,
  PageSegmentWriter,
  pageSegmentIds,
} from '../../src/wal/page-file.ts'
import { DAMAGE, VARIANTS, type Variant } from '../support/encrypted.ts'
import { encryptedSealsOf, plainSealsOf } from '../support/seals.ts'
import { editFile, FILE_ID } from './log-fixture.ts'

const FOLDER = '/db/pages'
const SALT = new Uint8Array(32).fill(3)
const PAGE = 16 + 16384

function configWith(variant: Variant): PageFileConfig & { readonly platform: MemoryPlatform } {
  const seals = (variant === 'encrypted' ? encryptedSealsOf : plainSealsOf)(FILE_ID)
  const platform = memoryPlatform()
  platform.files.makeFolderSync(FOLDER)
  for (const folder of ['/', '/db']) platform.files.syncFolderSync(folder)
  return { platform, folder: FOLDER, fileId: FILE_ID, seals }
}

function image(n: number): Uint8Array {
  return Uint8Array.from({ length: PAGE }, (_, i) => (i * 31 + n * 7) & 255)
}

describe.each(VARIANTS)('page segments, $variant', ({ variant }) => {
  const newConfig = (): ReturnType<typeof configWith> => configWith(variant)

  test('every image that was synced is read back after a power cut, by its location and checksum', async () => {
    const config = newConfig()
    const writer = new PageSegmentWriter(config, 5, SALT)
    const places: PageLocation[] = []
    for (let n = 0; n < 1200; n++) {
      places.push(writer.append(image(n)))
      if (writer.pendingBytes > 2 ** 22) await writer.drain()
    }
    await writer.sync()
    expect(writer.pendingBytes).toBe(0)
    const left = config.platform.crash({ mode: 'lose-unsynced', seed: 1 })
    expect(pageSegmentIds(left, FOLDER)).toEqual([5, 6])
    expect(writer.nextSegment).toBe(7)
    const reader = new PageSegmentReader({ ...config, platform: left })
    const target = new Uint8Array(PAGE)
    for (const [n, place] of places.entries()) {
      expect(reader.readPageFrame(place, place.checksum, target)).toBe(PAGE)
      expect(Buffer.compare(target, image(n))).toBe(0)
    }
    reader.close()
    expect(left.files.openHandles).toBe(0)
    await writer.close()
    expect(config.platform.files.openHandles).toBe(0)
  })

  test('images of different sizes follow one another', async () => {
    const config = newConfig()
    const writer = new PageSegmentWriter(config, 1, SALT)
    const sizes = [8, 16384, 64, 60_000, 24]
    const places = sizes.map((size) => writer.append(new Uint8Array(size).fill(size)))
    await writer.drain()
    const reader = new PageSegmentReader(config)
    for (const [i, place] of places.entries()) {
      const target = new Uint8Array(65_536)
      expect(reader.readPageFrame(place, place.checksum, target)).toBe(sizes[i])
      expect(target.subarray(0, sizes[i]).every((byte) => byte === (sizes[i]! & 255))).toBe(true)
    }
    reader.close()
    await writer.close()
  })

  test('a flipped bit, another checksum and another place are damage with file and offset', async () => {
    const config = newConfig()
    const writer = new PageSegmentWriter(config, 1, SALT)
    const [first, second] = [writer.append(image(0)), writer.append(image(1))]
    await writer.sync()
    const target = new Uint8Array(PAGE)
    const reader = new PageSegmentReader(config)
    const at = (offset: number) =>
      expect.objectContaining({
        code: DAMAGE[variant],
        details: expect.objectContaining({ file: `${FOLDER}/1`, offset }),
      })
    expect(() => reader.readPageFrame(first, second.checksum, target)).toThrow(at(first.offset))
    expect(() => reader.readPageFrame({ segment: 1, offset: first.offset + 8 }, first.checksum, target)).toThrow(
      at(first.offset + 8),
    )
    for (const byte of [0, 9, 30, 39, 40, 5000, PAGE + 39]) {
      const flip = (bytes: Uint8Array): Uint8Array => {
        bytes[second.offset + byte]! ^= 16
        return bytes
      }
      editFile(config.platform, `${FOLDER}/1`, flip)
      expect(() => reader.readPageFrame(second, second.checksum, target)).toThrow(at(second.offset))
      editFile(config.platform, `${FOLDER}/1`, flip)
    }
    expect(reader.readPageFrame(second, second.checksum, target)).toBe(PAGE)
    reader.close()
    await writer.close()
  })

  test('a writer whose write or sync failed is done, and one above it works', async () => {
    for (const operation of ['write', 'sync', 'syncFolder'] as const) {
      const config = newConfig()
      const writer = new PageSegmentWriter(config, 1, SALT)
      config.platform.faults.failNth(operation, 1, operation === 'write' ? 'ENOSPC' : 'EIO')
      writer.append(image(0))
      await expect(writer.sync()).rejects.toMatchObject({ code: 'IO' })
      expect(() => writer.append(image(1))).toThrow(expect.objectContaining({ code: 'IO' }))
      await writer.close()
      const next = new PageSegmentWriter(config, writer.nextSegment, SALT)
      const place = next.append(image(2))
      await next.sync()
      expect(place.segment).toBe(2)
      const reader = new PageSegmentReader(config)
      expect(reader.readPageFrame(place, place.checksum, new Uint8Array(PAGE))).toBe(PAGE)
      reader.close()
      await next.close()
      expect(config.platform.files.openHandles).toBe(0)
    }
  })

  test('short writes go on where they ended', async () => {
    const config = newConfig()
    const writer = new PageSegmentWriter(config, 1, SALT)
    config.platform.faults.failNth('write', 1, 'short', { sticky: true })
    const places = [0, 1, 2].map((n) => writer.append(image(n)))
    await writer.sync()
    const reader = new PageSegmentReader(config)
    for (const place of places) expect(reader.readPageFrame(place, place.checksum, new Uint8Array(PAGE))).toBe(PAGE)
    reader.close()
    await writer.close()
  })
})
