import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { isBlazeError } from '../../src/base/errors.ts'
import { lsnOf } from '../../src/base/ids.ts'
import {
  beginFrame,
  CHECKSUM_AT,
  describeFault,
  FRAME_HEAD,
  FRAME_SOUND,
  type FrameSeal,
  frameFault,
  LENGTH_AT,
  plausibleLength,
  sealFrame,
} from '../../src/wal/frame.ts'
import { checksumSeed } from '../../src/wal/seal.ts'
import {
  decodeHeader,
  encodeHeader,
  headerSealed,
  ioError,
  isResident,
  markResident,
  Segment,
  segmentIds,
} from '../../src/wal/segment.ts'
import { encryptedSealsOf, plainSealsOf } from '../support/seals.ts'

const FILE_ID = new Uint8Array(16).fill(9)
const EPOCH = { epochSalt: new Uint8Array(32).fill(5), keyId: 0 }
const OTHER_EPOCH = { epochSalt: new Uint8Array(32).fill(6), keyId: 0 }
const PLACE = lsnOf(3, 512)

/** The two kinds of seals, each with the key id that its headers name. */
const SEALS = [
  { kind: 'plain', seals: plainSealsOf(FILE_ID), keyId: 0 },
  { kind: 'encrypted', seals: encryptedSealsOf(FILE_ID), keyId: 1 },
] as const

/** A frame as it lies on disk, and its items. */
function sealed(seal: FrameSeal, size: number): { bytes: Uint8Array; items: Uint8Array; chain: number } {
  const memory = new Uint8Array(size)
  const view = new DataView(memory.buffer)
  beginFrame(view, 0, PLACE, 0)
  view.setUint32(LENGTH_AT, size, true)
  for (let i = FRAME_HEAD; i < size; i++) memory[i] = i
  const items = memory.slice(FRAME_HEAD)
  const bytes = seal.encrypts ? new Uint8Array(size) : memory
  const chain = sealFrame(seal, memory, view, 0, lsnOf(2, 600), 77, bytes)
  expect(memory.subarray(FRAME_HEAD), 'what is in memory stays plain').toEqual(items)
  return { bytes, items, chain }
}

/** The fault of a copy of these bytes. */
function faultOf(seal: FrameSeal, bytes: Uint8Array, limit = bytes.length, lsn = PLACE): number {
  const copy = bytes.slice()
  return frameFault(seal, copy, new DataView(copy.buffer), 0, limit, lsn)
}

describe.each(SEALS)('a frame, $kind', ({ seals, keyId }) => {
  const seal = seals.frames('log', { ...EPOCH, keyId })

  test('is sound at its own place, in its own epoch, kind and database, and nowhere else', () => {
    const others = [
      seals.frames('log', { ...OTHER_EPOCH, keyId }),
      seals.frames('pages', { ...EPOCH, keyId }),
      (keyId === 0 ? plainSealsOf : encryptedSealsOf)(new Uint8Array(16)).frames('log', { ...EPOCH, keyId }),
    ]
    for (const size of [48, 200, 4096]) {
      const { bytes } = sealed(seal, size)
      expect(faultOf(seal, bytes)).toBe(FRAME_SOUND)
      expect(faultOf(seal, bytes, size, lsnOf(3, 520))).not.toBe(FRAME_SOUND)
      expect(faultOf(seal, bytes, size - 8)).not.toBe(FRAME_SOUND)
      for (const other of others) expect(faultOf(other, bytes)).not.toBe(FRAME_SOUND)
    }
  })

  test('gives back the items that were sealed, and its chain value where the next frame looks for it', () => {
    const { bytes, items, chain } = sealed(seal, 4096)
    const view = new DataView(bytes.buffer)
    expect(view.getUint32(CHECKSUM_AT, true)).toBe(chain)
    expect(frameFault(seal, bytes, view, 0, bytes.length, PLACE)).toBe(FRAME_SOUND)
    expect(bytes.subarray(FRAME_HEAD)).toEqual(items)
  })

  test('with any one bit flipped is not sound', () => {
    const { bytes } = sealed(seal, 120)
    for (let bit = 0; bit < 120 * 8; bit++) {
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
      expect(faultOf(seal, bytes), `bit ${bit}`).not.toBe(FRAME_SOUND)
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

describe.each(SEALS)('a segment header, $kind', ({ seals, keyId }) => {
  const header = {
    kind: 'log',
    id: 12,
    fileId: FILE_ID,
    epochSalt: EPOCH.epochSalt,
    prevEnd: lsnOf(11, 4096),
    prevChain: 0xfedcba98,
    keyId,
  } as const
  const expected = { path: 'log/12', kind: 'log', id: 12, fileId: FILE_ID, seals } as const
  const bytes = encodeHeader(header, seals)

  const refusal = (change: object, of = bytes): unknown => {
    try {
      return decodeHeader(of, { ...expected, ...change })
    } catch (error) {
      return isBlazeError(error) && error.code
    }
  }

  test('comes back as it was written', () => {
    expect(decodeHeader(bytes, expected)).toEqual(header)
  })

  test('of another kind, id or database is refused', () => {
    const damage = keyId === 0 ? 'CORRUPT' : 'TAMPERED'
    expect(refusal({ kind: 'pages' })).toBe(damage)
    expect(refusal({ id: 13 })).toBe(damage)
    expect(refusal({ fileId: new Uint8Array(16) })).toBe(damage)
    expect(headerSealed(bytes.slice(0, 511))).toBe(false)
  })

  test('with a bit flipped and a checksum made for it is a header only where nothing else seals it', () => {
    for (let at = 16; at < 508; at += 4) {
      const forged = bytes.slice()
      forged[at]! ^= 1
      const view = new DataView(forged.buffer)
      view.setUint32(508, crc32(forged, 0, 508), true)
      if (keyId !== 0) expect(refusal({}, forged), `byte ${at}`).toBe('TAMPERED')
    }
  })

  test('of the other kind of database is refused, plain for encrypted and encrypted for plain', () => {
    const [plain, encrypted] = SEALS
    const other = keyId === 0 ? encrypted : plain
    const theirs = encodeHeader({ ...header, keyId: other.keyId }, other.seals)
    expect(refusal({}, theirs)).toBe(keyId === 0 ? 'CORRUPT' : 'TAMPERED')
  })
})

describe('segments', () => {
  test('a seed depends on file, kind and epoch', () => {
    const other = new Uint8Array(32).fill(6)
    const seeds = [
      checksumSeed(FILE_ID, 'log', EPOCH.epochSalt),
      checksumSeed(FILE_ID, 'pages', EPOCH.epochSalt),
      checksumSeed(FILE_ID, 'log', other),
      checksumSeed(other.subarray(0, 16), 'log', EPOCH.epochSalt),
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
  const seal = plainSealsOf(FILE_ID).frames('log', EPOCH)
  const { bytes } = sealed(seal, 80)
  const view = new DataView(bytes.buffer)
  const describe = (limit: number, at = 0) => describeFault(seal, bytes, view, at, limit, PLACE)
  expect(describe(30)).toEqual({ expected: 'a frame of at least 40 bytes', found: '30 bytes' })
  expect(describe(48)).toEqual({ expected: 'a frame length up to 48', found: '80' })
  // Sound in itself: what is wrong is what it follows.
  expect(frameFault(seal, bytes, view, 0, 80, PLACE)).toBe(FRAME_SOUND)
  expect(describeFault(seal, bytes, view, 0, 80, PLACE).found).toBe('a frame of another history')
})

test('only failed calls of the machine become IO', () => {
  const bug = new TypeError('a bug')
  expect(() => ioError(bug, '')).toThrow(bug)
})
