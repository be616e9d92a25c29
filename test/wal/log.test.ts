import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { manualClock } from '../../src/platform/manual-clock.ts'
import { FileError } from '../../src/platform/platform.ts'
import { FRAME_HEAD, MAX_FRAME, MAX_ITEM, MAX_LARGE_ITEM } from '../../src/wal/frame.ts'
import { checksumSeed } from '../../src/wal/seal.ts'
import { VARIANTS } from '../support/encrypted.ts'
import {
  commit,
  copyOf,
  expectItem,
  FILE_ID,
  FOLDER,
  fileBytes,
  itemsOf,
  newPlatform,
  openLog,
  type Placed,
  put,
  turns,
} from './log-fixture.ts'

const sizes = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 2, max: 60 }) },
  { weight: 3, arbitrary: fc.integer({ min: 500, max: MAX_ITEM / 8 }) },
  { weight: 1, arbitrary: fc.integer({ min: MAX_ITEM / 8 - 2, max: MAX_ITEM / 8 + 2 }) },
  { weight: 1, arbitrary: fc.constantFrom(MAX_LARGE_ITEM / 8, 40_000) },
)

describe('the log against a list', () => {
  test.each(VARIANTS)(
    'what was committed is read back in order, from memory, after eviction, and by the next open: $variant',
    async ({ variant, share }) => {
      const step = fc.record({
        sizes: fc.array(sizes, { minLength: 1, maxLength: 5 }),
        durability: fc.constantFrom('full', 'full', 'relaxed', 'none'),
        after: fc.constantFrom('go on', 'go on', 'wait', 'flush', 'flushSync', 'boundary', 'reopen', 'evict'),
      })
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 25 }),
          fc.constantFrom('auto', 'never'),
          async (steps, syncWrites) => {
            const platform = newPlatform({}, variant)
            let open = openLog(platform, { syncWrites })
            const model: Placed[] = []
            for (const { sizes, durability, after } of steps) {
              open.log.canReserve(sizes.reduce((sum, size) => sum + size * 8, 0))
              for (const size of sizes) model.push(put(open.log, model.length, size * 8))
              open.log.submit(durability)
              if (after === 'wait') await turns()
              if (after === 'flush') await open.log.flush()
              if (after === 'flushSync') open.log.flushSync()
              if (after === 'boundary') expect(open.log.boundary().lsn).toBe(open.log.end)
              if (after === 'evict') open.log.resident.shrink(Number.MAX_SAFE_INTEGER)
              if (after === 'reopen') {
                const end = await open.log.close({ truncate: true })
                expect(platform.files.openHandles).toBe(0)
                open = openLog(platform, { syncWrites })
                expect(open.recovered.end).toEqual(end)
                expect(open.recovered.tornBytes).toBe(0)
                expect(open.items.map((item) => item.number)).toEqual(model.map((item) => item.number))
              }
              for (const item of model) expectItem(open.log.bytesOf(item.segment, item.offset), item.offset, item)
            }
            await open.log.flush()
            expect(open.log.durable).toBe(open.log.end)
            for (const fromDisk of [false, true]) {
              const read = open.log
                .segments()
                .flatMap(({ id }) => [...open.log.readSegment(id, { fromDisk })].flatMap(itemsOf))
              expect(read.map((item) => item.number)).toEqual(model.map((item) => item.number))
            }
            await open.log.close({ truncate: true })
            expect(platform.files.openHandles).toBe(0)
          },
        ),
        { numRuns: 40 * share, seed: 7 },
      )
    },
  )

  test('the synchronous path writes the same bytes as the asynchronous one', async () => {
    const written = await Promise.all(
      (['auto', 'never'] as const).map(async (syncWrites) => {
        const { platform, log } = openLog(newPlatform(), { syncWrites })
        for (let i = 0; i < 200; i++) {
          commit(log, i, 16 + (i % 50) * 8)
          await log.flush()
        }
        const used = log.segments()[0]!.sizeBytes
        expect(log.stats().syncWrites > 0).toBe(syncWrites === 'auto')
        return fileBytes(platform, `${FOLDER}/1`).subarray(512, used)
      }),
    )
    expect(written[0]).toEqual(written[1])
  })
})

describe('building', () => {
  test('items of one turn share a frame, and a frame never passes 64 KB', async () => {
    const { log } = openLog(newPlatform())
    for (let i = 0; i < 100; i++) commit(log, i, 1024)
    await log.flush()
    const frames = [...log.readSegment(1)]
    expect(frames.map((frame) => frame.payloadEnd - frame.start)).toEqual([
      FRAME_HEAD + 63 * 1024,
      FRAME_HEAD + 37 * 1024,
    ])
    expect(frames.every((frame) => frame.payloadEnd - frame.start <= MAX_FRAME)).toBe(true)
  })

  test('a large item lies alone in its frame', async () => {
    const { log } = openLog(newPlatform())
    log.canReserve(200_000)
    for (const [i, size] of [16, 100_000, 16].entries()) put(log, i, size)
    log.submit('full')
    await log.flush()
    expect([...log.readSegment(1)].map((frame) => itemsOf(frame).map((item) => item.number))).toEqual([[0], [1], [2]])
  })

  test('an item above the largest is refused with TOO_LARGE and nothing is touched', async () => {
    const { log } = openLog(newPlatform())
    const before = log.end
    expect(() => log.reserve(MAX_LARGE_ITEM + 8)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
    expect(log.end).toBe(before)
    await log.close({ truncate: true })
  })

  test('segments begin with 1 MB and double up to 16 MB', async () => {
    const { platform, log } = openLog(newPlatform())
    for (let i = 0; i < 40; i++) {
      commit(log, i, MAX_LARGE_ITEM)
      await log.flush()
      await turns(20)
    }
    const sizes = log.segments().map(({ id }) => fileBytes(platform, `${FOLDER}/${id}`).length)
    expect(sizes.slice(0, 5)).toEqual([1, 2, 4, 8, 16].map((mb) => mb * 2 ** 20))
    await log.close({ truncate: true })
  })

  test('a small log occupies one segment of 1 MB, and its used bytes after a close', async () => {
    const { platform, log } = openLog(newPlatform())
    commit(log, 0, 304)
    await log.flush()
    await turns()
    expect(platform.files.listSync(FOLDER)).toEqual(['1'])
    expect(fileBytes(platform, `${FOLDER}/1`).length).toBe(2 ** 20)
    await log.close({ truncate: true })
    expect(fileBytes(platform, `${FOLDER}/1`).length).toBe(512 + FRAME_HEAD + 304)
  })

  test('half a segment later two more are ready, and a close removes them', async () => {
    const { platform, log } = openLog(newPlatform())
    for (let i = 0; i < 10; i++) commit(log, i, 60_000)
    await log.flush()
    await turns(60)
    expect(log.stats().preparedSegments).toBe(2)
    expect([...platform.files.listSync(FOLDER)].sort()).toEqual(['1', '2', '3'])
    await log.close({ truncate: true })
    expect(platform.files.listSync(FOLDER)).toEqual(['1'])
  })
})

describe('durability', () => {
  test('invariant 1: one write is in flight, and the next begins after it', async () => {
    const { platform, log, advances } = openLog(newPlatform({ clock: manualClock(0) }), { syncWrites: 'never' })
    commit(log, 0, 16)
    await log.flush().catch(() => expect.unreachable())
    platform.files.hold()
    const first = commit(log, 1, 16)
    await turns()
    const second = commit(log, 2, 16)
    const third = commit(log, 3, 16)
    await turns()
    expect(platform.files.inFlight).toBe(1)
    expect(log.durable).toBeLessThan(first.end)
    platform.files.release(1)
    await turns()
    expect(log.durable).toBe(first.end)
    expect(platform.files.inFlight).toBe(1)
    platform.files.release()
    await log.flush()
    expect(log.durable).toBe(third.end)
    expect(advances.map((advance) => advance.durable)).toEqual([expect.anything(), first.end, third.end])
    expect(second.end).toBeLessThan(third.end)
    await log.close({ truncate: true })
  })

  test('a full commit is durable when it says so, with and without durable writes', async () => {
    for (const durableWrites of [true, false]) {
      for (const syncWrites of ['auto', 'never'] as const) {
        const { platform, log } = openLog(newPlatform({ durableWrites }), { syncWrites })
        for (let i = 0; i < 30; i++) {
          commit(log, i, 512)
          await log.flush()
          const left = openLog(platform.crash({ mode: 'lose-unsynced', seed: i }))
          expect(left.items.map((item) => item.number)).toEqual(Array.from({ length: i + 1 }, (_, n) => n))
        }
        await log.close({ truncate: true })
      }
    }
  })

  test('a relaxed commit is accepted at once and durable within its bound', async () => {
    const clock = manualClock(0)
    const { platform, log, advances } = openLog(newPlatform({ clock }), { relaxedDelayMs: 100 })
    const placed = commit(log, 0, 64, 'relaxed')
    await turns()
    expect(advances.at(-1)).toEqual({ durable: openLog(newPlatform()).log.end, accepted: placed.end })
    expect(openLog(platform.crash({ mode: 'keep-all', seed: 1 })).items).toHaveLength(1)
    expect(openLog(platform.crash({ mode: 'lose-unsynced', seed: 1 })).items).toHaveLength(0)
    clock.advance(99)
    await turns()
    expect(log.durable).toBeLessThan(placed.end)
    clock.advance(1)
    await turns()
    expect(log.durable).toBe(placed.end)
    expect(openLog(platform.crash({ mode: 'lose-unsynced', seed: 1 })).items).toHaveLength(1)
    await log.close({ truncate: true })
  })

  test('a full commit makes the relaxed and the none before it durable', async () => {
    const { platform, log } = openLog(newPlatform({ clock: manualClock(0) }))
    commit(log, 0, 64, 'relaxed')
    await turns()
    commit(log, 1, 64, 'none')
    await turns()
    expect(log.accepted).toBeLessThan(log.end)
    const full = commit(log, 2, 64, 'full')
    await turns()
    expect(log.durable).toBe(full.end)
    expect(openLog(platform.crash({ mode: 'lose-unsynced', seed: 1 })).items).toHaveLength(3)
    await log.close({ truncate: true })
  })

  test('commits that ask for nothing wait in memory, 16 MB at most', async () => {
    const { log } = openLog(newPlatform())
    for (let i = 0; i < 16; i++) commit(log, i, MAX_LARGE_ITEM, 'none')
    await turns()
    const start = log.accepted
    expect(log.durable).toBe(start)
    for (let i = 16; i < 20; i++) commit(log, i, MAX_LARGE_ITEM, 'none')
    await turns(40)
    expect(log.accepted).toBeGreaterThan(start)
    await log.close({ truncate: true })
  })

  test('flushSync writes the write in flight itself and leaves its late completion without effect', async () => {
    const { platform, log, advances } = openLog(newPlatform(), { syncWrites: 'never' })
    commit(log, 0, 64)
    await log.flush()
    platform.files.hold()
    commit(log, 1, 64)
    await turns()
    expect(platform.files.inFlight).toBe(1)
    const last = commit(log, 2, 64)
    log.flushSync()
    expect(log.durable).toBe(last.end)
    expect(openLog(platform.crash({ mode: 'lose-unsynced', seed: 1 })).items).toHaveLength(3)
    const told = advances.length
    platform.files.release()
    await turns()
    expect(advances).toHaveLength(told)
    commit(log, 3, 64)
    await log.close({ truncate: true })
    expect(openLog(platform).items).toHaveLength(4)
  })

  test('the watchdog writes what the pool of threads does not come to', async () => {
    const clock = manualClock(0)
    const { platform, log } = openLog(newPlatform({ clock }))
    for (let i = 0; i < 20; i++) commit(log, i, 64)
    platform.files.hold()
    const last = commit(log, 20, 64)
    await turns()
    expect(log.durable).toBeLessThan(last.end)
    clock.advance(2)
    await turns()
    expect(log.durable).toBe(last.end)
    expect(log.stats().rescuedWrites).toBe(1)
    platform.files.release()
    await log.close({ truncate: true })
    expect(openLog(platform).items).toHaveLength(21)
  })

  test('committers that go on at once do not keep the event loop from coming round', async () => {
    let nowMs = 0
    const clock = {
      ...manualClock(0),
      monotonic: () => (nowMs += 0.2),
      soon: (fn: () => void) => void setImmediate(fn),
    }
    const { log } = openLog(newPlatform({ clock }))
    let rounds = 0
    const count = (): void => {
      rounds++
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    for (let i = 0; i < 300; i++) {
      commit(log, i, 64)
      await log.flush()
    }
    clearImmediate(timer)
    expect(rounds).toBeGreaterThan(5)
    expect(log.stats().syncWrites).toBeGreaterThan(100)
    await log.close({ truncate: true })
  })

  test('durable and accepted only rise, and durable never passes accepted', async () => {
    const { log, advances } = openLog(newPlatform())
    for (let i = 0; i < 300; i++) {
      commit(log, i, 64 + (i % 9) * 400, (['full', 'relaxed', 'none'] as const)[(i * 7) % 3])
      if (i % 5 === 0) await turns(1)
    }
    await log.flush()
    for (const [i, { durable, accepted }] of advances.entries()) {
      expect(durable).toBeLessThanOrEqual(accepted)
      if (i > 0) expect(durable).toBeGreaterThanOrEqual(advances[i - 1]!.durable)
      if (i > 0) expect(accepted).toBeGreaterThanOrEqual(advances[i - 1]!.accepted)
    }
    await log.close({ truncate: true })
  })
})

describe('failure', () => {
  test('invariant 16: after a failed write nothing more is written, reads go on, the failure is told once', async () => {
    for (const syncWrites of ['auto', 'never'] as const) {
      const { platform, log, failures } = openLog(newPlatform(), { syncWrites })
      const kept = commit(log, 0, 64)
      await log.flush()
      platform.faults.failNth(syncWrites === 'auto' ? 'writeSync' : 'write', 1, 'EIO')
      const lost = commit(log, 1, 64)
      await expect(log.flush()).rejects.toMatchObject({ code: 'POISONED' })
      const calls = platform.faults.trace()
      expect(failures).toHaveLength(1)
      expect(() => log.canReserve(16)).toThrow(expect.objectContaining({ code: 'POISONED' }))
      expect(() => log.flushSync()).toThrow(expect.objectContaining({ code: 'POISONED' }))
      expectItem(log.bytesOf(kept.segment, kept.offset), kept.offset, kept)
      expectItem(log.bytesOf(lost.segment, lost.offset), lost.offset, lost)
      await expect(log.close({ truncate: true })).rejects.toMatchObject({ code: 'POISONED' })
      expect(calls.filter(({ operation }) => operation === 'write' || operation === 'writeSync')).toEqual([])
      expect(failures).toHaveLength(1)
      expect(platform.files.openHandles).toBe(0)
      expect(openLog(platform).items[0]?.number).toBe(0)
    }
  })

  test('a failed sync poisons', async () => {
    const { platform, log, failures } = openLog(newPlatform({ durableWrites: false }))
    commit(log, 0, 64)
    await log.flush()
    platform.faults.failNth('sync', 1, 'EIO')
    commit(log, 1, 64)
    await expect(log.flush()).rejects.toMatchObject({ code: 'POISONED' })
    expect(failures).toHaveLength(1)
  })

  test('a short write goes on where it ended', async () => {
    for (const syncWrites of ['auto', 'never'] as const) {
      const { platform, log } = openLog(newPlatform(), { syncWrites })
      platform.faults.failNth(syncWrites === 'auto' ? 'writeSync' : 'write', 2, 'short', { sticky: true })
      for (let i = 0; i < 20; i++) {
        commit(log, i, 5000)
        await log.flush()
      }
      platform.faults.clear()
      await log.close({ truncate: true })
      expect(openLog(platform).items).toHaveLength(20)
    }
  })

  test('a full disk refuses the commit that needs a new segment, before anything is touched, and works later', async () => {
    const { platform, log } = openLog(newPlatform())
    for (const _ of [0, 1]) {
      platform.faults.failNth('writeSync', 2, 'ENOSPC', { sticky: true, path: '.tmp' })
      expect(() => log.canReserve(64)).toThrow(expect.objectContaining({ code: 'DISK_FULL', retryable: true }))
      expect(platform.files.listSync(FOLDER)).toEqual([])
      platform.faults.clear()
    }
    let number = 0
    commit(log, number++, 64)
    await log.flush()
    platform.faults.failNth('write', 1, 'ENOSPC', { sticky: true, path: '.tmp' })
    platform.faults.failNth('writeSync', 1, 'ENOSPC', { sticky: true, path: '.tmp' })
    const refused = (): unknown => {
      try {
        for (;;) {
          commit(log, number, 60_000)
          number++
        }
      } catch (error) {
        return error
      }
    }
    expect(isBlazeError(refused(), 'DISK_FULL')).toBe(true)
    const end = log.end
    expect(isBlazeError(refused(), 'DISK_FULL')).toBe(true)
    expect(log.end).toBe(end)
    await log.flush()
    platform.faults.clear()
    commit(log, number++, 60_000)
    await log.close({ truncate: true })
    expect(openLog(platform).items.map((item) => item.number)).toEqual(Array.from({ length: number }, (_, i) => i))
  })

  test('while space is short the last prepared segment is kept for those who free space', async () => {
    const { platform, log } = openLog(newPlatform())
    let number = 0
    for (; number < 10; number++) commit(log, number, 60_000)
    await log.flush()
    await turns(60)
    expect(log.stats().preparedSegments).toBe(2)
    platform.faults.failNth('write', 1, 'ENOSPC', { sticky: true, path: '.tmp' })
    platform.faults.failNth('writeSync', 1, 'ENOSPC', { sticky: true, path: '.tmp' })
    let refusal: unknown
    while (refusal === undefined) {
      try {
        commit(log, number, 60_000)
        number++
        await turns(1)
      } catch (error) {
        refusal = error
      }
    }
    expect(isBlazeError(refusal, 'DISK_FULL')).toBe(true)
    expect(log.stats().preparedSegments).toBe(1)
    log.canReserve(60_000, { useReserve: true })
    put(log, number++, 60_000)
    log.submit('full')
    await log.flush()
    await log.close({ truncate: true })
    expect(openLog(platform).items).toHaveLength(number)
  })
})

describe('a disk without room for a whole segment', () => {
  /** A log whose next segment would have 2 MB, of which none is ready. */
  function filled(): ReturnType<typeof openLog> & { number: number } {
    const opened = openLog(newPlatform())
    const { platform, log } = opened
    let number = 0
    commit(log, number++, 60_000)
    // The first segment is there; what is prepared after this turn finds the disk full.
    platform.faults.failNth('write', 1, 'ENOSPC', { sticky: true, path: '.tmp' })
    for (; number < 17; number++) commit(log, number, 60_000)
    return { ...opened, number }
  }
  const fileSizes = (platform: ReturnType<typeof newPlatform>): number[] =>
    platform.files.listSync(FOLDER).map((name) => {
      const handle = platform.files.openSync(`${FOLDER}/${name}`, 'read')
      const size = handle.sizeSync()
      handle.closeSync()
      return size
    })

  test('is told from one with room: nothing is kept back there', async () => {
    const { platform, log } = openLog(newPlatform())
    for (const _ of [0, 1]) log.canReserve(64)
    expect(fileSizes(platform)).toEqual([0x100000])
    await log.close({ truncate: true })
  })

  test('gives a smaller one to those who free space, and none to others', async () => {
    const opened = filled()
    const { platform, log } = opened
    await log.flush()
    await turns(5)
    platform.faults.clear()
    platform.faults.failNth('writeSync', 1, 'ENOSPC', { path: '.tmp' })
    expect(() => log.canReserve(60_000)).toThrow(expect.objectContaining({ code: 'DISK_FULL' }))
    expect(fileSizes(platform)).toEqual([0x100000])
    platform.faults.failNth('writeSync', 1, 'ENOSPC', { path: '.tmp' })
    log.canReserve(60_000, { useReserve: true })
    expect(fileSizes(platform)).toEqual([0x100000, 0x100000])
    put(log, opened.number++, 60_000)
    log.submit('full')
    await log.flush()
    platform.faults.clear()
    // There is room again: the next ones have their whole sizes.
    log.canReserve(1_500_000, { largestItem: 60_000 })
    expect(fileSizes(platform)).toEqual([0x100000, 0x100000, 0x200000, 0x400000])
    await log.close({ truncate: true })
    expect(openLog(platform).items).toHaveLength(opened.number)
  })

  test('takes as many smaller ones as a large delete needs, and no more', async () => {
    const { platform, log } = filled()
    await log.flush()
    await turns(5)
    platform.faults.clear()
    const { openSync } = platform.files
    // Whatever would make a file longer than a megabyte finds the disk full.
    platform.files.openSync = (path, mode) => {
      const handle = openSync.call(platform.files, path, mode)
      if (!path.endsWith('.tmp')) return handle
      const writeSync = handle.writeSync.bind(handle)
      handle.writeSync = (bytes, from, size, at) => {
        if (at >= 0x100000) throw new FileError('ENOSPC', 'write', path)
        return writeSync(bytes, from, size, at)
      }
      return handle
    }
    log.canReserve(3_000_000, { useReserve: true, largestItem: 65_000 })
    expect(fileSizes(platform)).toEqual(Array.from({ length: 4 }, () => 0x100000))
    await log.close({ truncate: true })
  })
})

describe('invariant 2', () => {
  test('a writing open never writes a segment of an earlier one, and cuts it to its end', async () => {
    const platform = newPlatform()
    const first = openLog(platform)
    commit(first.log, 0, 64)
    await first.log.flush()
    const killed = copyOf(platform)
    const second = openLog(killed)
    const calls = killed.faults.trace()
    commit(second.log, 1, 64)
    await second.log.flush()
    expect(calls.filter((call) => call.path === `${FOLDER}/1` && call.operation.startsWith('write'))).toEqual([])
    expect(fileBytes(killed, `${FOLDER}/1`).length).toBe(512 + FRAME_HEAD + 64)
    await second.log.close({ truncate: true })
  })

  test('each open seeds its checksums anew', () => {
    const salts = [1, 2].map((n) => new Uint8Array(32).fill(n))
    expect(checksumSeed(FILE_ID, 'log', salts[0]!)).not.toBe(checksumSeed(FILE_ID, 'log', salts[1]!))
    expect(checksumSeed(FILE_ID, 'log', salts[0]!)).not.toBe(checksumSeed(FILE_ID, 'pages', salts[0]!))
  })
})
