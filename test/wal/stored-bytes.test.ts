/** Bytes of the log as they are stored: whole frames, verified, and nothing else. */
import { expect, it } from 'vitest'
import type { FileHandle } from '../../src/platform/platform.ts'
import { SEGMENT_HEAD } from '../../src/wal/frame.ts'
import { storedBytes, storedHeader } from '../../src/wal/stored-bytes.ts'
import { VARIANTS, type Variant } from '../support/encrypted.ts'
import { FILE_ID, FOLDER, newPlatform, openLog, sealsOn } from './log-fixture.ts'

/** A log of one segment with some frames; where they begin, and the whole file. */
async function written(variant: Variant) {
  const platform = newPlatform({}, variant)
  const { log } = openLog(platform)
  for (let i = 0; i < 30; i++) {
    log.canReserve(50_000)
    log.reserve(50_000)
    log.itemBytes.fill(i + 1, log.itemOffset, log.itemOffset + 50_000)
    log.submit('full')
    await log.flush()
  }
  const frames = [...log.readSegment(1)].map(({ start, payloadEnd, checksum }) => ({
    start,
    end: payloadEnd,
    checksum,
  }))
  await log.close({ truncate: true })
  const handle = platform.files.openSync(`${FOLDER}/1`, 'read')
  const file = bytesOf(handle)
  handle.closeSync()
  return {
    platform,
    frames,
    file,
    part: { platform, folder: FOLDER, fileId: FILE_ID, seals: sealsOn(platform), segment: 1 },
  }
}

function bytesOf(handle: FileHandle): Uint8Array {
  const bytes = new Uint8Array(handle.sizeSync())
  handle.readSync(bytes, 0, bytes.length, 0)
  return bytes
}

function joined(pieces: Iterable<{ readonly bytes: Uint8Array }>): Buffer {
  return Buffer.concat([...pieces].map(({ bytes }) => bytes.slice()))
}

it.each(VARIANTS)('a segment is given as it is stored, in pieces of whole frames: $variant', async ({ variant }) => {
  const { platform, frames, file, part } = await written(variant)
  const end = frames.at(-1)!.end
  expect(joined(storedBytes({ ...part, from: 0, to: end, chain: 0 })).equals(file.subarray(0, end))).toBe(true)
  const ends = new Set(frames.map((frame) => frame.end))
  for (const { offset, bytes, chain } of storedBytes({ ...part, from: 0, to: end, chain: 0 })) {
    expect(ends.has(offset + bytes.length)).toBe(true)
    expect(chain).toBe(frames.find((frame) => frame.end === offset + bytes.length)!.checksum)
  }
  const [from, to] = [frames[3]!, frames[7]!]
  const middle = joined(storedBytes({ ...part, from: from.end, to: to.end, chain: from.checksum }))
  expect(middle.equals(file.subarray(from.end, to.end))).toBe(true)
  expect(storedHeader(part)).toMatchObject({ id: 1, prevChain: 0 })
  expect(platform.files.openHandles).toBe(0)
})

it.each(VARIANTS)(
  'a wrong chain, a place that is no frame, and any changed byte are refused: $variant',
  async ({ variant }) => {
    const { platform, frames, part } = await written(variant)
    const [from, to] = [frames[3]!, frames[7]!]
    const refused = (given: { readonly from: number; readonly to: number; readonly chain: number }) =>
      expect(() => joined(storedBytes({ ...part, ...given }))).toThrow(/at byte/)
    refused({ from: from.end, to: to.end, chain: from.checksum + 1 })
    refused({ from: from.end + 8, to: to.end, chain: from.checksum })
    refused({ from: from.end, to: to.end - 8, chain: from.checksum })
    const handle = platform.files.openSync(`${FOLDER}/1`, 'write')
    for (const at of [SEGMENT_HEAD - 1, from.start + 30, to.end - 1]) {
      const [byte] = bytesOf(handle).subarray(at)
      handle.writeSync(Uint8Array.of(byte! ^ 1), 0, 1, at)
      refused({ from: 0, to: to.end, chain: 0 })
      handle.writeSync(Uint8Array.of(byte!), 0, 1, at)
    }
    handle.closeSync()
    expect(joined(storedBytes({ ...part, from: 0, to: to.end, chain: 0 })).length).toBe(to.end)
    expect(platform.files.openHandles).toBe(0)
  },
)
