import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { lsnOf } from '../../src/base/ids.ts'
import { manualClock } from '../../src/platform/manual-clock.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { sealFrame } from '../../src/wal/frame.ts'
import type { Durability, LogPosition } from '../../src/wal/log.ts'
import { decodeHeader, encodeHeader } from '../../src/wal/segment.ts'
import { VARIANTS } from '../support/encrypted.ts'
import { plainSealsOf } from '../support/seals.ts'
import {
  commit,
  copyOf,
  editFile,
  FILE_ID,
  FOLDER,
  fileBytes,
  newPlatform,
  type OpenOptions,
  openLog,
  type Placed,
  START,
  turns,
} from './log-fixture.ts'

const FIRST = `${FOLDER}/1`

/** A log of `count` commits, each durable before the next, and closed: frame by frame what a crash test needs. */
async function written(
  count: number,
  size = 40,
): Promise<{ platform: MemoryPlatform; placed: Placed[]; end: LogPosition }> {
  const { platform, log } = openLog(newPlatform())
  const placed: Placed[] = []
  for (let i = 0; i < count; i++) {
    placed.push(commit(log, i, size))
    await log.flush()
  }
  return { platform, placed, end: await log.close({ truncate: true }) }
}

function numbers(platform: MemoryPlatform, options: OpenOptions = {}): number[] {
  return openLog(platform, { ...options, readOnly: true }).items.map((item) => item.number)
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** The CORRUPT error of opening, or a failed test. */
function corruption(platform: MemoryPlatform, options: OpenOptions = {}): { file: string; offset: number } {
  try {
    openLog(platform, { ...options, readOnly: true })
  } catch (error) {
    if (isBlazeError(error, 'CORRUPT')) return { file: error.details.file, offset: error.details.offset }
    throw error
  }
  return expect.fail('the damage was not noticed')
}

describe('invariant 3: a torn tail is cut, corruption is refused', () => {
  test('after every truncation of the newest segment the log is the prefix that is whole', async () => {
    const { platform, placed } = await written(12)
    const whole = fileBytes(platform, FIRST)
    for (let size = 512; size <= whole.length; size++) {
      editFile(platform, FIRST, () => whole.slice(0, size))
      const kept = placed.filter((item) => item.offset + item.size <= size)
      expect(numbers(platform)).toEqual(upTo(kept.length))
    }
  })

  test('every flipped bit of a durable frame is corruption that names file and offset', async () => {
    const { platform, placed } = await written(6)
    const whole = fileBytes(platform, FIRST)
    for (let bit = 512 * 8; bit < (placed[4]!.offset + 40) * 8; bit++) {
      const at = bit >>> 3
      editFile(platform, FIRST, () => flipped(whole, bit))
      const frame = placed.find((item) => at < item.offset + item.size)!
      expect(corruption(platform)).toEqual({ file: FIRST, offset: frame.offset - 40 })
    }
  })

  test('every flipped bit of the newest write cuts the log before it', async () => {
    const { platform, placed } = await written(3)
    const whole = fileBytes(platform, FIRST)
    for (let bit = (placed[2]!.offset - 40) * 8; bit < whole.length * 8; bit++) {
      editFile(platform, FIRST, () => flipped(whole, bit))
      expect(numbers(platform)).toEqual([0, 1])
    }
  })

  test('a flipped bit in any byte of a header is corruption', async () => {
    const { platform } = await written(2)
    const whole = fileBytes(platform, FIRST)
    for (let bit = 0; bit < 512 * 8; bit += 9) {
      editFile(platform, FIRST, () => flipped(whole, bit))
      expect(corruption(platform)).toMatchObject({ file: FIRST })
    }
  })

  test('damage in an older segment is corruption, whatever lies behind it', async () => {
    const { platform, placed } = await written(3)
    const second = openLog(platform)
    commit(second.log, 3, 40)
    await second.log.close({ truncate: true })
    const whole = fileBytes(platform, FIRST)
    for (const item of placed) {
      editFile(platform, FIRST, () => flipped(whole, item.offset * 8))
      expect(corruption(platform)).toEqual({ file: FIRST, offset: item.offset - 40 })
    }
    editFile(platform, FIRST, () => whole.slice(0, whole.length - 8))
    expect(corruption(platform)).toEqual({ file: FIRST, offset: placed[2]!.offset - 40 })
  })

  test('a group write torn in any subset of its sectors leaves what was durable and a prefix of the rest, for good', async () => {
    const { platform, log } = openLog(newPlatform({ clock: manualClock(0) }), { syncWrites: 'never' })
    const placed: Placed[] = []
    for (let i = 0; i < 2; i++) placed.push(commit(log, i, 400))
    await log.flush()
    platform.files.hold()
    for (let i = 2; i < 8; i++) {
      placed.push(commit(log, i, 328))
      log.boundary() // a frame of its own, so that the group holds several
    }
    await turns()
    expect(platform.files.inFlight).toBe(1)
    const outcomes = new Set<number>()
    let cases = 0
    for (const choose of everyChoice()) {
      cases++
      const left = platform.crash({ mode: 'torn', seed: 1, choose })
      const first = openLog(left)
      const kept = first.items.length
      outcomes.add(kept)
      expect(kept).toBeGreaterThanOrEqual(2)
      expect(first.items.map((item) => item.number)).toEqual(upTo(kept))
      commit(first.log, 100, 16)
      first.log.flushSync()
      const again = openLog(left.crash({ mode: 'lose-unsynced', seed: 1 }))
      expect(again.items.map((item) => item.number)).toEqual([...upTo(kept), 100])
    }
    expect(cases).toBeGreaterThanOrEqual(32)
    expect(outcomes.size).toBeGreaterThan(3)
    expect(openLog(copyOf(platform)).items.length).toBeGreaterThanOrEqual(2)
    platform.files.release()
    await log.close({ truncate: true })
    expect(numbers(platform)).toEqual(upTo(8))
  })

  test('frames sealed by a boundary while a write is in flight never claim more than what will be durable', async () => {
    const { platform, log } = openLog(newPlatform({ clock: manualClock(0) }), { syncWrites: 'never' })
    commit(log, 0, 400)
    await log.flush()
    platform.files.hold()
    commit(log, 1, 400)
    await turns()
    for (let i = 2; i < 6; i++) {
      commit(log, i, 488)
      log.boundary()
    }
    platform.files.release(1)
    await turns()
    expect(platform.files.inFlight).toBe(1)
    for (const choose of everyChoice()) {
      const kept = openLog(platform.crash({ mode: 'torn', seed: 1, choose })).items.length
      expect(kept).toBeGreaterThanOrEqual(2)
    }
    platform.files.release()
    await log.close({ truncate: true })
  })

  test('valid frames behind torn ones stay void in later opens', async () => {
    const { platform, log } = openLog(newPlatform({ clock: manualClock(0) }), { syncWrites: 'never' })
    commit(log, 0, 40)
    await log.flush()
    platform.files.hold()
    for (let i = 1; i < 5; i++) {
      commit(log, i, 1000)
      log.boundary()
    }
    await turns()
    const sectors: number[] = []
    const left = platform.crash({
      mode: 'torn',
      seed: 1,
      choose: (count) => {
        sectors.push(count)
        return sectors.length === 2 ? 0 : count - 1
      },
    })
    let open = openLog(left)
    expect(open.recovered.tornBytes).toBeGreaterThan(2000)
    expect(open.items.map((item) => item.number)).toEqual([0])
    for (let i = 1; i < 4; i++) {
      commit(open.log, 10 + i, 16)
      await open.log.close({ truncate: true })
      open = openLog(left)
      expect(open.items.map((item) => item.number)).toEqual([0, ...upTo(i).map((n) => n + 11)])
    }
    platform.files.release()
    await turns()
  })
})

describe('step 2: the files', () => {
  test('a segment that was prepared and never begun is void, and removed by a writing open only', async () => {
    const { platform, log } = openLog(newPlatform())
    for (let i = 0; i < 10; i++) commit(log, i, 60_000)
    await log.flush()
    await turns(60)
    const killed = copyOf(platform)
    expect(killed.files.listSync(FOLDER).length).toBe(3)
    expect(openLog(killed, { readOnly: true }).recovered.voidSegments).toEqual([2, 3])
    expect(killed.files.listSync(FOLDER).length).toBe(3)
    const open = openLog(killed)
    expect(killed.files.listSync(FOLDER)).toEqual(['1'])
    commit(open.log, 10, 16)
    await open.log.close({ truncate: true })
    expect(openLog(killed).items).toHaveLength(11)
  })

  test('a header torn by the crash is a segment never begun; with data behind it, it is corruption', async () => {
    const { platform } = await written(2)
    const second = openLog(platform)
    commit(second.log, 2, 40)
    await second.log.close({ truncate: true })
    const path = `${FOLDER}/2`
    const whole = fileBytes(platform, path)
    editFile(platform, path, () => new Uint8Array(100_000).fill(7, 0, 300))
    expect(numbers(platform)).toEqual([0, 1])
    for (const at of [512, 600, 99_999]) {
      editFile(platform, path, () => new Uint8Array(100_000).fill(1, at, at + 1))
      expect(corruption(platform)).toEqual({ file: path, offset: 0 })
    }
    editFile(platform, path, () => whole)
    expect(numbers(platform)).toEqual([0, 1, 2])
  })

  test('a gap among files that were never begun is no damage: a crash may leave any of them', async () => {
    const { platform, log } = openLog(newPlatform())
    for (let i = 0; i < 10; i++) commit(log, i, 60_000)
    await log.flush()
    await turns(60)
    const killed = copyOf(platform)
    killed.files.unlinkSync(`${FOLDER}/2`)
    expect(openLog(killed).items).toHaveLength(10)
    expect(killed.files.listSync(FOLDER)).toEqual(['1'])
  })

  test('a missing segment is corruption that names its file', async () => {
    const platform = newPlatform()
    for (let i = 0; i < 4; i++) {
      const { log } = openLog(platform)
      commit(log, i, 40)
      await log.close({ truncate: true })
    }
    expect(numbers(platform)).toEqual(upTo(4))
    for (const id of [1, 2, 3]) {
      const copy = copyOf(platform)
      copy.files.unlinkSync(`${FOLDER}/${id}`)
      expect(corruption(copy)).toEqual({ file: `${FOLDER}/${id}`, offset: 0 })
    }
  })

  test('a segment of another database is refused', async () => {
    const { platform } = await written(2)
    const other = newPlatform({ seed: 2 })
    const bytes = fileBytes(platform, FIRST)
    bytes[16]! ^= 1
    const handle = other.files.openSync(FIRST, 'write')
    handle.writeSync(bytes, 0, bytes.length, 0)
    expect(corruption(other)).toMatchObject({ file: FIRST })
  })

  test('a segment that continues another history of the same length is corruption', async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(async (seed) => {
        const platform = newPlatform({ seed })
        for (const number of [0, 1]) {
          const { log } = openLog(platform)
          commit(log, number, 40)
          await log.close({ truncate: true })
        }
        return platform
      }),
    )
    editFile(one!, `${FOLDER}/2`, () => fileBytes(other!, `${FOLDER}/2`))
    expect(corruption(one!)).toMatchObject({ file: `${FOLDER}/2` })
  })

  test('segments below the tail are void', async () => {
    const platform = newPlatform()
    const ends: LogPosition[] = []
    for (let i = 0; i < 3; i++) {
      const { log } = openLog(platform)
      commit(log, i, 40)
      ends.push(await log.close({ truncate: true }))
    }
    const open = openLog(platform, { from: { tailSegment: 3, position: ends[1]!.chain === 0 ? START : 'start' } })
    expect(open.items.map((item) => item.number)).toEqual([2])
    expect(open.recovered.voidSegments).toEqual([1, 2])
    expect(platform.files.listSync(FOLDER)).toEqual(['3'])
  })
})

describe('step 4: C and the clean end', () => {
  test('recovery from any commit boundary hands out what follows it', async () => {
    const { platform, log } = openLog(newPlatform())
    const boundaries: LogPosition[] = [START]
    for (let i = 0; i < 30; i++) {
      commit(log, i, 4000)
      boundaries.push(log.boundary())
    }
    await log.close({ truncate: true })
    for (const [i, position] of boundaries.entries()) {
      const from = { tailSegment: 1, position }
      expect(numbers(platform, { from })).toEqual(upTo(30).slice(i))
      const wrong = { tailSegment: 1, position: { lsn: position.lsn, chain: position.chain ^ 1 } }
      expect(corruption(platform, { from: wrong })).toMatchObject({ file: FIRST })
    }
  })

  test('a log that ends before C is corruption', async () => {
    const { platform, placed, end } = await written(5)
    const whole = fileBytes(platform, FIRST)
    const from = { tailSegment: 1, position: end }
    expect(numbers(platform, { from })).toEqual([])
    editFile(platform, FIRST, () => whole.slice(0, placed[3]!.offset))
    expect(corruption(platform, { from })).toMatchObject({ file: FIRST })
    editFile(platform, FIRST, (bytes) => {
      const zeros = new Uint8Array(whole.length)
      zeros.set(bytes)
      return zeros
    })
    expect(corruption(platform, { from })).toMatchObject({ file: FIRST })
    platform.files.unlinkSync(FIRST)
    expect(corruption(platform, { from })).toMatchObject({ file: FIRST })
  })

  test('no segment at all is right only when nothing was ever committed', async () => {
    expect(numbers(newPlatform())).toEqual([])
    const { platform, end } = await written(1)
    platform.files.unlinkSync(FIRST)
    expect(numbers(platform)).toEqual([])
    expect(corruption(platform, { from: { tailSegment: 1, position: START, cleanEnd: end } })).toMatchObject({
      file: FIRST,
    })
  })

  test('C in a segment that is not there is corruption that names the newest one', async () => {
    const { platform } = await written(3)
    const position = { lsn: lsnOf(4, 600), chain: 7 }
    expect(corruption(platform, { from: { tailSegment: 1, position } })).toMatchObject({ file: FIRST })
    expect(openLog(newPlatform(), { from: { tailSegment: 1, position: 'start' } }).items).toEqual([])
  })

  test('a header that states the end of another segment is corruption', async () => {
    const { platform } = await written(3)
    const second = openLog(platform)
    commit(second.log, 3, 40)
    await second.log.close({ truncate: true })
    const path = `${FOLDER}/2`
    const header = decodeHeader(fileBytes(platform, path), {
      path,
      kind: 'log',
      id: 2,
      fileId: FILE_ID,
      seals: plainSealsOf(FILE_ID),
    })
    const forged = encodeHeader({ ...header, prevEnd: lsnOf(9, 600) }, plainSealsOf(FILE_ID))
    const handle = platform.files.openSync(path, 'write')
    handle.writeSync(forged, 0, forged.length, 0)
    handle.closeSync()
    expect(corruption(platform)).toMatchObject({ file: path })
  })

  test('a clean end promises the log up to there, continued only by a segment that names it', async () => {
    const { platform, placed, end } = await written(4)
    const from = { tailSegment: 1, position: START, cleanEnd: end }
    expect(numbers(platform, { from })).toEqual(upTo(4))
    const older = copyOf(platform)
    editFile(older, FIRST, (bytes) => bytes.slice(0, placed[2]!.offset + 40))
    expect(numbers(older)).toEqual(upTo(3))
    expect(corruption(older, { from })).toMatchObject({ file: FIRST })
    expect(corruption(platform, { from: { ...from, cleanEnd: { lsn: end.lsn, chain: end.chain ^ 1 } } })).toMatchObject(
      {
        file: FIRST,
      },
    )

    const next = openLog(platform, { from })
    commit(next.log, 4, 40)
    await next.log.close({ truncate: true })
    expect(numbers(platform, { from })).toEqual(upTo(5))

    // Rolled back, then continued: the later segment names another end.
    const forked = openLog(older)
    commit(forked.log, 9, 40)
    await forked.log.close({ truncate: true })
    expect(numbers(older)).toEqual([0, 1, 2, 9])
    expect(corruption(older, { from })).toMatchObject({ file: FIRST })
  })

  test('a read-only open changes nothing', async () => {
    const { platform } = await written(4)
    editFile(platform, FIRST, (bytes) => bytes.slice(0, bytes.length - 8))
    const calls = platform.faults.trace()
    const open = openLog(platform, { readOnly: true })
    expect(open.items).toHaveLength(3)
    await open.log.close({ truncate: false })
    const changing = calls.filter(({ operation }) =>
      /write|truncate|unlink|rename|sync|make/i.test(operation.replace(/Sync$/, '')),
    )
    expect(changing).toEqual([])
  })

  test('what a killed process left with the system is made durable before it is believed', async () => {
    const { platform, log } = openLog(newPlatform({ clock: manualClock(0) }))
    commit(log, 0, 64)
    await log.flush()
    commit(log, 1, 64, 'relaxed')
    await turns()
    const lost = (): number => openLog(platform.crash({ mode: 'lose-unsynced', seed: 1 })).items.length
    expect(lost()).toBe(1)
    expect(openLog(platform).items).toHaveLength(2) // another process, the same machine
    expect(lost()).toBe(2)
  })

  test('a frame that does not follow its predecessor is none, whatever its checksum', async () => {
    const { platform, placed } = await written(4)
    const seals = plainSealsOf(FILE_ID)
    editFile(platform, FIRST, (bytes) => {
      const header = decodeHeader(bytes.subarray(0, 512), { path: FIRST, kind: 'log', id: 1, fileId: FILE_ID, seals })
      const view = new DataView(bytes.buffer)
      const at = placed[3]!.frame
      sealFrame(seals.frames('log', header), bytes, view, at, lsnOf(1, at), 12345, bytes)
      return bytes
    })
    expect(numbers(platform)).toEqual([0, 1, 2])
  })
})

describe('crash after crash', () => {
  test('a segment is durable whole before its successor is begun', async () => {
    const { platform, log } = openLog(newPlatform({ clock: manualClock(0) }))
    for (let i = 0; i < 12; i++) {
      commit(log, i, 300_000, 'relaxed')
      await turns(8)
      for (const mode of ['lose-unsynced', 'torn'] as const) {
        const found = openLog(platform.crash({ mode, seed: i })).items.map((item) => item.number)
        expect(found).toEqual(upTo(found.length))
      }
    }
    expect(log.headSegment).toBeGreaterThan(1)
    await log.close({ truncate: true })
  })

  test('a prepared segment is in its folder for sure before it is begun', async () => {
    const { platform, log } = openLog(newPlatform({ clock: manualClock(0) }))
    let number = 0
    for (; number < 10; number++) commit(log, number, 60_000)
    log.flushSync()
    platform.files.hold()
    while (!platform.files.listSync(FOLDER).includes('2')) {
      platform.files.release(1)
      await turns(1)
    }
    while (log.headSegment < 2) commit(log, number++, 60_000)
    log.flushSync()
    expect(openLog(platform.crash({ mode: 'lose-unsynced', seed: 1 })).items).toHaveLength(number)
    platform.files.release()
    await log.close({ truncate: true })
  })

  test.each(VARIANTS)(
    'every open finds a prefix of what was committed, with all that was acknowledged: $variant',
    async ({ variant, share }) => {
      const step = fc.record({
        size: fc.oneof(
          { weight: 9, arbitrary: fc.integer({ min: 2, max: 200 }) },
          fc.integer({ min: 200, max: 30_000 }),
        ),
        durability: fc.constantFrom<Durability>('full', 'full', 'relaxed', 'none'),
        after: fc.constantFrom('go on', 'turn', 'flush', 'flushSync', 'time'),
      })
      const session = fc.record({
        steps: fc.array(step, { minLength: 1, maxLength: 12 }),
        crashAt: fc.integer({ min: 1, max: 60 }),
        mode: fc.constantFrom('lose-unsynced', 'torn', 'keep-all'),
        seed: fc.integer({ min: 0, max: 1000 }),
        syncWrites: fc.constantFrom('auto', 'never'),
        closes: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(
          fc.array(session, { minLength: 1, maxLength: 5 }),
          fc.boolean(),
          async (sessions, durableWrites) => {
            const clock = manualClock(0)
            let platform = newPlatform({ clock, durableWrites }, variant)
            let history: number[] = []
            let next = 0
            for (const { steps, crashAt, mode, seed, syncWrites, closes } of sessions) {
              const { log, items } = openLog(platform, { syncWrites })
              expect(items.map((item) => item.number)).toEqual(history)
              const built: Placed[] = []
              platform.faults.failNth('any', crashAt, 'crash')
              try {
                for (const { size, durability, after } of steps) {
                  log.canReserve(size * 8)
                  built.push(commit(log, next++, size * 8, durability))
                  if (after === 'turn') await turns(1)
                  if (after === 'flush') await log.flush()
                  if (after === 'flushSync') log.flushSync()
                  if (after === 'time') clock.advance(100)
                }
                if (closes) await log.close({ truncate: true })
              } catch (error) {
                if (!isBlazeError(error)) throw error
              }
              const bound = mode === 'keep-all' ? log.accepted : log.durable
              const promised = built.filter((item) => item.end <= bound).length
              platform = platform.crash({ mode, seed })
              const found = openLog(copyOf(platform)).items.map((item) => item.number)
              const all = [...history, ...built.map((item) => item.number)]
              expect(found).toEqual(all.slice(0, found.length))
              expect(found.length).toBeGreaterThanOrEqual(history.length + promised)
              history = found
            }
          },
        ),
        { numRuns: 80 * share, seed: 11 },
      )
    },
    30_000,
  )
})

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >>> 3]! ^= 1 << (bit & 7)
  return copy
}

/** Every sequence of answers that a crash can ask for, as a counter with the radices it meets. */
function* everyChoice(): Generator<(count: number) => number> {
  let digits: { value: number; count: number }[] = []
  for (;;) {
    let at = 0
    yield (count) => {
      const digit = digits[at]
      at++
      if (digit !== undefined) return digit.value
      digits.push({ value: 0, count })
      return 0
    }
    while (digits.length > 0 && digits.at(-1)!.value === digits.at(-1)!.count - 1) digits = digits.slice(0, -1)
    const last = digits.at(-1)
    if (last === undefined) return
    last.value++
  }
}

test('the position of segment starts is that of their first frame', () => {
  expect(START.lsn).toBe(lsnOf(1, 512))
})
