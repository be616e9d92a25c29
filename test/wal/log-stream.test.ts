import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogStream } from '../../src/wal/log-stream.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { commit, editFile, expectItem, FOLDER, newPlatform, type OpenLog, openLog, type Placed } from './log-fixture.ts'

/** A log of several segments, the newest of them begun by a second open, with nothing in memory. */
async function cold(count: number, size: (i: number) => number): Promise<{ open: OpenLog; placed: Placed[] }> {
  const platform = newPlatform()
  const first = openLog(platform)
  const placed: Placed[] = []
  for (let i = 0; i < count; i++) {
    placed.push(commit(first.log, i, size(i)))
    if (i % 3 === 0) await first.log.flush()
  }
  await first.log.close({ truncate: true })
  return { open: openLog(platform), placed }
}

function expectFound(stream: LogStream, item: Placed): void {
  const at = stream.find(item.segment, item.offset)
  expectItem(stream.bytes, at, item)
}

describe('a stream of the log', () => {
  test('gives every item in the order of the log with few reads, and keeps no frame', async () => {
    const { open, placed } = await cold(4000, (i) => (i % 500 === 0 ? 300_000 : 512))
    const stream = open.log.stream()
    for (const item of placed) expectFound(stream, item)
    expect(open.log.segments().length).toBeGreaterThan(1)
    expect(open.log.resident.usedBytes()).toBe(0)
    expect(open.log.stats().coldReads).toBeLessThan(60)
    await open.log.close({ truncate: true })
  })

  test('gives in any order, whatever is in memory and goes from it, what a read of its own gives', async () => {
    const { open, placed } = await cold(900, (i) => (i % 90 === 0 ? 200_000 : 16 + (i % 70) * 40))
    const { log } = open
    const step = fc.record({
      from: fc.nat(placed.length - 1),
      length: fc.integer({ min: 1, max: 200 }),
      stride: fc.integer({ min: 1, max: 9 }),
      before: fc.constantFrom('nothing', 'read', 'shrink'),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        log.resident.shrink(Number.POSITIVE_INFINITY)
        const stream = log.stream()
        for (const { from, length, stride, before } of steps) {
          if (before === 'read') {
            const other = placed[(from * 31) % placed.length]!
            log.bytesOf(other.segment, other.offset)
          } else if (before === 'shrink') log.resident.shrink(Number.POSITIVE_INFINITY)
          for (let i = from; i < Math.min(placed.length, from + length); i += stride) expectFound(stream, placed[i]!)
        }
      }),
      { seed: seed(), numRuns: effort(40) },
    )
    await log.close({ truncate: true })
  })

  test('is given up where items do not lie in order, so that no frame is read for each of them', async () => {
    const { open, placed } = await cold(4000, () => 512)
    const stream = open.log.stream()
    for (let i = 0; i < placed.length; i++) expectFound(stream, placed[(i * 1_237) % placed.length]!)
    const { coldReads } = open.log.stats()
    for (let i = 0; i < placed.length; i++) expectFound(stream, placed[(i * 1_237) % placed.length]!)
    expect(open.log.stats().coldReads - coldReads).toBeLessThan(200)
    await open.log.close({ truncate: true })
  })

  test('invariant 15: a flipped bit is CORRUPT with file and offset, and the items around it are given', async () => {
    const { open, placed } = await cold(60, () => 2000)
    const victim = placed[31]!
    const path = `${FOLDER}/${victim.segment}`
    editFile(open.platform, path, (bytes) => {
      bytes[victim.offset + 100]! ^= 4
      return bytes
    })
    const stream = open.log.stream()
    const fails = placed.filter((item) => {
      try {
        expectFound(stream, item)
        return false
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT', details: { file: path } })
        return true
      }
    })
    expect(fails).toContain(victim)
    expect(fails.length).toBeLessThanOrEqual(3)
    await open.log.close({ truncate: true })
  })

  test('a read that fails is IO, and the next one works', async () => {
    const { open, placed } = await cold(200, () => 4000)
    const stream = open.log.stream()
    expectFound(stream, placed[0]!)
    open.platform.faults.failNth('readSync', 2, 'EIO')
    const readAll = (): void => {
      for (const item of placed) expectFound(stream, item)
    }
    expect(readAll).toThrow(expect.objectContaining({ code: 'IO' }))
    for (const item of placed) expectFound(stream, item)
    await open.log.close({ truncate: true })
  })

  test('addresses outside of the log are CORRUPT', async () => {
    const { open } = await cold(10, () => 400)
    const stream = open.log.stream()
    for (const [segment, offset] of [
      [0, 512],
      [99, 512],
      [1, 8],
      [1, 513],
      [1, 0xfffff8],
    ] as const) {
      expect(() => stream.find(segment, offset)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
    }
    await open.log.close({ truncate: true })
  })
})
