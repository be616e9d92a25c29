import { describe, expect, test } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { lsnOf } from '../../src/base/ids.ts'
import { memoryPlatform } from '../../src/platform/memory-platform.ts'
import {
  beginFrame,
  describeFault,
  FRAME_HEAD,
  FRAME_SOUND,
  frameFault,
  LENGTH_AT,
  plausibleLength,
  sealFrame,
} from '../../src/wal/frame.ts'
import {
  checksumSeed,
  decodeHeader,
  encodeHeader,
  headerSealed,
  ioError,
  isResident,
  markResident,
  Segment,
  segmentIds,
} from '../../src/wal/segment.ts'

const platform = memoryPlatform()
const SEED = 0x1234

function sealed(size: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  beginFrame(view, 0, lsnOf(3, 512), 0)
  view.setUint32(LENGTH_AT, size, true)
  for (let i = FRAME_HEAD; i < size; i++) bytes[i] = i
  sealFrame(platform, bytes, view, 0, lsnOf(2, 600), 77, SEED)
  return { bytes, view }
}

describe('a frame', () => {
  test('is sound at its own place, in its own epoch, and nowhere else', () => {
    for (const size of [48, 200, 4096]) {
      const { bytes, view } = sealed(size)
      expect(frameFault(platform, bytes, view, 0, size, lsnOf(3, 512), SEED)).toBe(FRAME_SOUND)
      expect(frameFault(platform, bytes, view, 0, size, lsnOf(3, 520), SEED)).not.toBe(FRAME_SOUND)
      expect(frameFault(platform, bytes, view, 0, size, lsnOf(3, 512), SEED + 1)).not.toBe(FRAME_SOUND)
      expect(frameFault(platform, bytes, view, 0, size - 8, lsnOf(3, 512), SEED)).not.toBe(FRAME_SOUND)
    }
  })

  test('with any one bit flipped is not sound', () => {
    const { bytes, view } = sealed(120)
    for (let bit = 0; bit < 120 * 8; bit++) {
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
      expect(frameFault(platform, bytes, view, 0, 120, lsnOf(3, 512), SEED)).not.toBe(FRAME_SOUND)
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
    }
  })

  test('has a length in units of 8, with a payload, within its bound and its segment', () => {
    expect([0, 40, 44, 2 ** 20, 2 ** 31].map((length) => plausibleLength(length, 2 ** 24))).toEqual(
      Array(5).fill(false),
    )
    expect(plausibleLength(48, 48)).toBe(true)
    expect(plausibleLength(48, 47)).toBe(false)
  })
})

describe('a segment header', () => {
  const fileId = new Uint8Array(16).fill(9)
  const header = {
    kind: 'log',
    id: 12,
    fileId,
    epochSalt: new Uint8Array(32).fill(5),
    prevEnd: lsnOf(11, 4096),
    prevChain: 0xfedcba98,
    keyId: 3,
  } as const
  const expected = { path: 'log/12', kind: 'log', id: 12, fileId } as const

  test('comes back as it was written', () => {
    expect(decodeHeader(encodeHeader(header), expected)).toEqual(header)
  })

  test('of another kind, id or database is refused, and so is a newer format', () => {
    const bytes = encodeHeader(header)
    const refusal = (change: object): unknown => {
      try {
        return decodeHeader(bytes, { ...expected, ...change })
      } catch (error) {
        return isBlazeError(error) && error.code
      }
    }
    expect(refusal({ kind: 'pages' })).toBe('CORRUPT')
    expect(refusal({ id: 13 })).toBe('CORRUPT')
    expect(refusal({ fileId: new Uint8Array(16) })).toBe('CORRUPT')
    expect(headerSealed(bytes.slice(0, 511))).toBe(false)
  })

  test('a seed depends on file, kind and epoch', () => {
    const other = new Uint8Array(32).fill(6)
    const seeds = [
      checksumSeed(fileId, 'log', header.epochSalt),
      checksumSeed(fileId, 'pages', header.epochSalt),
      checksumSeed(fileId, 'log', other),
      checksumSeed(other.subarray(0, 16), 'log', header.epochSalt),
    ]
    expect(new Set(seeds).size).toBe(4)
  })

  test('ids are the names that are whole positive numbers', () => {
    expect(segmentIds(['10', '2', '1.tmp', '02', '0', '-1', 'x', '9'])).toEqual([2, 9, 10])
  })
})

test('residency marks exactly the frame that was read', () => {
  const segment = new Segment(1, 'log/1', 4096)
  segment.attach(new Uint8Array(new ArrayBuffer(4096)), false)
  for (const [start, end] of [
    [512, 560],
    [568, 1400],
    [2048, 2112],
  ] as const) {
    markResident(segment, start, end)
  }
  for (let at = 0; at < 4096; at += 8) {
    const inside = (at >= 512 && at < 560) || (at >= 568 && at < 1400) || (at >= 2048 && at < 2112)
    expect(isResident(segment, at)).toBe(inside)
  }
  expect(segment.residentBytes()).toBe(48 + 832 + 64)
  segment.drop()
  expect(isResident(segment, 512)).toBe(false)
})

test('a fault is described by what was expected and what was found', () => {
  const { bytes, view } = sealed(80)
  const describe = (limit: number, at = 0) => describeFault(platform, bytes, view, at, limit, lsnOf(3, 512), SEED)
  expect(describe(30)).toEqual({ expected: 'a frame of at least 40 bytes', found: '30 bytes' })
  expect(describe(48)).toEqual({ expected: 'a frame length up to 48', found: '80' })
  // Sound in itself: what is wrong is what it follows.
  expect(frameFault(platform, bytes, view, 0, 80, lsnOf(3, 512), SEED)).toBe(FRAME_SOUND)
  expect(describeFault(platform, bytes, view, 0, 80, lsnOf(3, 512), SEED).found).toBe('a frame of another history')
})

test('only failed calls of the machine become IO', () => {
  const bug = new TypeError('a bug')
  expect(() => ioError(bug, '')).toThrow(bug)
})
