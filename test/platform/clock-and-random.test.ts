import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { crc32, digest } from '../../src/platform/checksums.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { manualClock } from '../../src/platform/manual-clock.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { clockContract } from '../../src/testing/contracts/clock.ts'
import { compilePlatform } from './compiled-platform.ts'

clockContract({ describe, test }, 'manual', () => {
  const clock = manualClock()
  return { clock, pass: async (ms) => clock.advance(ms) }
})

clockContract({ describe, test }, 'machine', () => {
  const clock = systemClock()
  return { clock, pass: (ms) => clock.wait(ms) }
})

describe('the manual clock', () => {
  test('runs timers when they fall due, oldest first, at their own time', () => {
    const clock = manualClock(1000)
    const ran: string[] = []
    clock.after(20, () => ran.push(`b@${clock.now()}`))
    clock.after(10, () => {
      ran.push(`a@${clock.now()}`)
      clock.after(5, () => ran.push(`c@${clock.now()}`))
    })
    const cancel = clock.after(12, () => ran.push('cancelled'))
    cancel()
    clock.advance(9)
    expect(ran).toEqual([])
    clock.advance(11)
    expect(ran).toEqual(['a@1010', 'c@1015', 'b@1020'])
    expect([clock.now(), clock.monotonic(), clock.pendingTimers]).toEqual([1020, 20, 0])
  })

  test('timers due at one time run in the order they were set', () => {
    const clock = manualClock()
    const ran: number[] = []
    for (const value of [1, 2, 3]) clock.after(5, () => ran.push(value))
    clock.advance(5)
    expect(ran).toEqual([1, 2, 3])
  })

  test('a blocked call lets time go by and nothing run, until time goes on', () => {
    const clock = manualClock(1000)
    const ran: number[] = []
    clock.after(10, () => ran.push(clock.monotonic()))
    clock.elapse(25)
    expect([ran, clock.now(), clock.nextTimerMs]).toEqual([[], 1025, 0])
    clock.advance(0)
    expect([ran, clock.nextTimerMs]).toEqual([[25], undefined])
  })

  test('a jump moves the wall clock alone', () => {
    const clock = manualClock(1000)
    let ran = 0
    clock.after(10, () => ran++)
    clock.jump(-600)
    clock.advance(9)
    expect([clock.now(), clock.monotonic(), ran, clock.nextTimerMs]).toEqual([409, 9, 0, 1])
    clock.jump(3_600_000)
    clock.advance(1)
    expect([clock.now(), ran]).toEqual([3_600_410, 1])
  })

  test('timers that set each other without delay are found out', () => {
    const clock = manualClock()
    const again = (): void => {
      clock.after(0, again)
    }
    again()
    expect(() => clock.advance(1)).toThrow('without end')
  })
})

describe('the clock of the machine', () => {
  test('later turns come in the order asked for, after the present one', async () => {
    const clock = systemClock()
    const ran: number[] = []
    clock.soon(() => ran.push(1))
    clock.soon(() => ran.push(2))
    expect(ran).toEqual([])
    await clock.yield()
    expect(ran).toEqual([1, 2])
  })

  test('a timer fires, a cancelled one does not, and a month is not at once', async () => {
    const clock = systemClock()
    const ran: string[] = []
    const cancelMonth = clock.after(31 * 86_400_000, () => ran.push('month'))
    clock.after(1, () => ran.push('cancelled'))()
    await new Promise<void>((resolve) => {
      clock.after(5, resolve)
    })
    expect(ran).toEqual([])
    cancelMonth()
  })

  test('a timer does not keep the process alive', () => {
    const compiled = compilePlatform()
    const code = `import { systemClock } from 'file://${compiled}/platform/clock.js'
      systemClock().after(60_000, () => console.log('late'))`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 10_000 })
    rmSync(compiled, { recursive: true })
    expect(output.toString()).toBe('')
  })
})

describe('randomness', () => {
  test('a seed gives the same sequence, another seed another', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed).next)
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    expect(seededRandom(3).fill(new Uint8Array(7))).toEqual(seededRandom(3).fill(new Uint8Array(7)))
  })

  test('seeded floats lie evenly in [0, 1), integers below their count', () => {
    const random = seededRandom(42)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) counts[Math.floor(random.next() * 10)]!++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
    const drawn = new Set(Array.from({ length: 200 }, () => random.below(3)))
    expect([...drawn].sort()).toEqual([0, 1, 2])
  })

  test('the machine fills what it is given, and only that', () => {
    const target = new Uint8Array(64)
    const view = target.subarray(16, 48)
    expect(systemRandom().fill(view)).toBe(view)
    expect(view.some((byte) => byte !== 0)).toBe(true)
    expect(target.subarray(0, 16).every((byte) => byte === 0)).toBe(true)
  })
})

describe('checksums', () => {
  test('short and long inputs have one CRC, also in parts', () => {
    expect(crc32(new TextEncoder().encode('123456789'), 0, 9, 0)).toBe(0xcbf43926)
    const source = seededRandom(9).fill(new Uint8Array(1000))
    for (const size of [0, 1, 99, 100, 101, 1000]) {
      const cut = size >> 1
      const inParts = crc32(source, cut, size, crc32(source, 0, cut, 0))
      expect(crc32(source, 0, size, 0)).toBe(inParts)
    }
  })

  test('SHA-256 is the standard one', () => {
    const abc = Buffer.from(digest.sha256(new TextEncoder().encode('abc'))).toString('hex')
    expect(abc).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})

test('the platform of this process knows its memory and whether it may generate code', () => {
  const platform = nodePlatform()
  expect(platform.memoryBytes).toBeGreaterThan(2 ** 26)
  expect(platform.codeGeneration).toBe(true)
  expect(platform.files.durableWrites).toBe(process.platform === 'linux')
})
