import { describe, expect, test } from 'vitest'
import { MAX_LARGE_ITEM } from '../../src/wal/frame.ts'
import { DAMAGE, VARIANTS, type Variant } from '../support/encrypted.ts'
import { commit, editFile, expectItem, FOLDER, newPlatform, type OpenLog, openLog, type Placed } from './log-fixture.ts'

/** A log of several segments, the newest of them begun by a second open, with nothing in memory. */
async function cold(
  count: number,
  size: (i: number) => number,
  variant: Variant = 'plain',
): Promise<{ open: OpenLog; placed: Placed[] }> {
  const platform = newPlatform({}, variant)
  const first = openLog(platform)
  const placed: Placed[] = []
  for (let i = 0; i < count; i++) {
    placed.push(commit(first.log, i, size(i)))
    if (i % 3 === 0) await first.log.flush()
  }
  await first.log.close({ truncate: true })
  return { open: openLog(platform), placed }
}

describe('cold reads', () => {
  test.each(VARIANTS)(
    'every item is found from its own address, in any order, verified, and stays: $variant',
    async ({ variant }) => {
      const { open, placed } = await cold(300, (i) => (i % 50 === 0 ? 300_000 : 16 + (i % 70) * 8), variant)
      const { log } = open
      expect(log.segments().length).toBeGreaterThan(1)
      expect(log.resident.usedBytes()).toBe(0)
      for (let i = 0; i < placed.length; i++) {
        const item = placed[(i * 113) % placed.length]!
        expectItem(log.bytesOf(item.segment, item.offset), item.offset, item)
      }
      const { coldReads } = log.stats()
      for (const item of placed) expectItem(log.bytesOf(item.segment, item.offset), item.offset, item)
      expect(log.stats().coldReads).toBe(coldReads)
      await log.close({ truncate: true })
    },
  )

  test.each(VARIANTS)('a sequential reader is met with windows that grow: $variant', async ({ variant }) => {
    const { open, placed } = await cold(4000, () => 512, variant)
    for (const item of placed) expectItem(open.log.bytesOf(item.segment, item.offset), item.offset, item)
    expect(open.log.stats().coldReads).toBeLessThan(40)
    await open.log.close({ truncate: true })
  })

  test('a single read brings in little more than its frame', async () => {
    const { open, placed } = await cold(4000, () => 512)
    const item = placed[2000]!
    open.log.bytesOf(item.segment, item.offset)
    expect(open.log.resident.usedBytes()).toBeLessThanOrEqual(16_384)
    await open.log.close({ truncate: true })
  })

  test.each(VARIANTS)(
    'invariant 15: a flipped bit of a cold frame is damage with file and offset, and its neighbours are read: $variant',
    async ({ variant }) => {
      const { open, placed } = await cold(60, () => 2000, variant)
      const victim = placed[31]!
      const path = `${FOLDER}/${victim.segment}`
      editFile(open.platform, path, (bytes) => {
        bytes[victim.offset + 100]! ^= 4
        return bytes
      })
      const fails = placed.filter((item) => {
        try {
          expectItem(open.log.bytesOf(item.segment, item.offset), item.offset, item)
          return false
        } catch (error) {
          expect(error).toMatchObject({ code: DAMAGE[variant], details: { file: path } })
          expect((error as { details: { offset: number } }).details.offset).toBeLessThan(victim.offset)
          return true
        }
      })
      expect(fails).toContain(victim)
      expect(fails.length).toBeLessThanOrEqual(3)
      await open.log.close({ truncate: true })
    },
  )

  test('a damaged distance never returns bytes that were not verified', async () => {
    const { open, placed } = await cold(40, () => 400)
    const victim = placed[20]!
    const previous = placed.findLast((item) => item.frame < victim.frame)!
    const toPrevious = (victim.offset - previous.frame) / 8
    for (const distance of [0, 1, 4, 100, 0xffffff, victim.offset / 8, toPrevious]) {
      editFile(open.platform, `${FOLDER}/${victim.segment}`, (bytes) => {
        new DataView(bytes.buffer).setUint32(victim.offset, distance, true)
        return bytes
      })
      const again = openLog(open.platform, { readOnly: true, from: { tailSegment: 1, position: open.recovered.end } })
      expect(() => again.log.bytesOf(victim.segment, victim.offset)).toThrow(
        expect.objectContaining({ code: 'CORRUPT' }),
      )
    }
    await open.log.close({ truncate: true })
  })

  test('addresses outside of the log are CORRUPT', async () => {
    const { open } = await cold(10, () => 400)
    for (const [segment, offset] of [
      [0, 512],
      [99, 512],
      [1, 8],
      [1, 513],
      [1, 0xfffff8],
    ] as const) {
      expect(() => open.log.bytesOf(segment, offset)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    }
    await open.log.close({ truncate: true })
  })

  test('a read that fails is IO, and the next one works', async () => {
    const { open, placed } = await cold(10, () => 400)
    const item = placed[5]!
    open.platform.faults.failNth('readSync', 1, 'EIO')
    expect(() => open.log.bytesOf(item.segment, item.offset)).toThrow(expect.objectContaining({ code: 'IO' }))
    expectItem(open.log.bytesOf(item.segment, item.offset), item.offset, item)
    await open.log.close({ truncate: true })
  })

  test('short reads go on where they ended', async () => {
    const { open, placed } = await cold(50, () => 3000)
    open.platform.faults.failNth('readSync', 2, 'short', { sticky: true })
    for (const item of placed) expectItem(open.log.bytesOf(item.segment, item.offset), item.offset, item)
    open.platform.faults.clear()
    await open.log.close({ truncate: true })
  })

  test('frames that recovery read stay when asked for', async () => {
    const { open, placed } = await cold(200, () => 400)
    await open.log.close({ truncate: true })
    const kept = openLog(open.platform, { keep: true })
    for (const item of placed) expectItem(kept.log.bytesOf(item.segment, item.offset), item.offset, item)
    expect(kept.log.stats().coldReads).toBe(0)
    await kept.log.close({ truncate: true })
  })
})

describe('eviction', () => {
  test('drops old segments, never the newest nor one that is not durable, and counts what it holds', async () => {
    const { log, platform } = openLog(newPlatform(), { syncWrites: 'never' })
    const placed: Placed[] = []
    for (let i = 0; i < 8; i++) {
      placed.push(commit(log, i, MAX_LARGE_ITEM))
      await log.flush()
    }
    const held = log.resident.usedBytes()
    expect(held).toBe(log.totalBytes)
    platform.files.hold()
    for (let i = 8; i < 12; i++) placed.push(commit(log, i, MAX_LARGE_ITEM))
    const before = log.resident.usedBytes()
    const freed = log.resident.shrink(Number.MAX_SAFE_INTEGER)
    expect(freed).toBeGreaterThan(0)
    expect(log.resident.usedBytes()).toBe(before - freed)
    const durableSegment = Math.floor(log.durable / 2 ** 24)
    for (const item of placed.filter(({ segment }) => segment >= durableSegment)) {
      expectItem(log.bytesOf(item.segment, item.offset), item.offset, item)
    }
    expect(log.stats().coldReads).toBe(0)
    for (const item of placed) expectItem(log.bytesOf(item.segment, item.offset), item.offset, item)
    expect(log.stats().coldReads).toBeGreaterThan(0)
    platform.files.release()
    await log.close({ truncate: true })
  })

  test('a segment that was read since the last round has a second chance', async () => {
    const { open, placed } = await cold(8, () => MAX_LARGE_ITEM)
    commit(open.log, 8, 16)
    await open.log.flush()
    const of = (segment: number): Placed => placed.find((item) => item.segment === segment)!
    const bytes = (segment: number): number => {
      open.log.bytesOf(segment, of(segment).offset)
      return open.log.resident.segments[segment - 1]!.residentBytes()
    }
    for (const segment of [1, 2, 3]) bytes(segment)
    open.log.resident.shrink(1)
    const reads = open.log.stats().coldReads
    const survivors = [1, 2, 3].filter((segment) => {
      const { coldReads } = open.log.stats()
      bytes(segment)
      return open.log.stats().coldReads === coldReads
    })
    expect(survivors).toHaveLength(2)
    expect(open.log.stats().coldReads).toBe(reads + 1)
    await open.log.close({ truncate: true })
  })
})

describe('removal', () => {
  test('invariant 8: segments go oldest first, and what remains is read on', async () => {
    const { open, placed } = await cold(6, () => MAX_LARGE_ITEM)
    const { log, platform } = open
    const calls = platform.faults.trace()
    const newest = log.headSegment
    expect(newest).toBeGreaterThan(2)
    log.removeBelow(newest)
    expect(calls.filter(({ operation }) => operation === 'unlinkSync').map(({ path }) => path)).toEqual(
      Array.from({ length: newest - 1 }, (_, i) => `${FOLDER}/${i + 1}`),
    )
    expect([log.tailSegment, log.segments().length]).toEqual([newest, 1])
    for (const item of placed) {
      if (item.segment === newest) expectItem(log.bytesOf(item.segment, item.offset), item.offset, item)
      else expect(() => log.bytesOf(item.segment, item.offset)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    }
    expect(() => log.removeBelow(newest + 1)).toThrow(/newest segment/)
    await log.close({ truncate: true })
  })

  test('a removal that fails stops there and can be done again', async () => {
    const { open } = await cold(6, () => MAX_LARGE_ITEM)
    open.platform.faults.failNth('unlinkSync', 2, 'EIO')
    expect(() => open.log.removeBelow(3)).toThrow(expect.objectContaining({ code: 'IO' }))
    expect(open.log.tailSegment).toBe(2)
    open.log.removeBelow(3)
    expect(open.log.tailSegment).toBe(3)
    await open.log.close({ truncate: true })
  })

  test('reading a whole segment finds its damage', async () => {
    const { open, placed } = await cold(30, () => 3000)
    const victim = placed[10]!
    editFile(open.platform, `${FOLDER}/1`, (bytes) => {
      bytes[victim.offset + 50]! ^= 128
      return bytes
    })
    expect(() => [...open.log.readSegment(1)]).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    await open.log.close({ truncate: true })
  })
})
