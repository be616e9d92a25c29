import { describe, expect, test } from 'vitest'
import { manualClock } from '../../src/platform/manual-clock.ts'
import { type MemoryPlatform, memoryPlatform } from '../../src/platform/memory-platform.ts'
import { bytes, codeOf, readAll } from './small-files.ts'

describe('a fault plan', () => {
  test('fails the nth matching call, once or from then on', () => {
    const { platform, file } = begin()
    platform.faults.failNth('writeSync', 2, 'EIO')
    expect(file.writeSync(bytes(1), 0, 1, 0)).toBe(1)
    expect(codeOf(() => file.writeSync(bytes(1), 0, 1, 0))).toBe('EIO')
    expect(file.writeSync(bytes(1), 0, 1, 0)).toBe(1)
    platform.faults.failNth('writeSync', 1, 'ENOSPC', { sticky: true })
    expect(codeOf(() => file.writeSync(bytes(1), 0, 1, 0))).toBe('ENOSPC')
    expect(codeOf(() => file.writeSync(bytes(1), 0, 1, 0))).toBe('ENOSPC')
    platform.faults.clear()
    expect(file.writeSync(bytes(1), 0, 1, 0)).toBe(1)
  })

  test('may be limited to paths, and to the calls of any kind', () => {
    const { platform, file } = begin()
    platform.faults.failNth('any', 1, 'EIO', { path: '/db/g' })
    expect(file.sizeSync()).toBe(0)
    expect(codeOf(() => platform.files.openSync('/db/g', 'write'))).toBe('EIO')
    expect(platform.files.existsSync('/db/g')).toBe(false)
  })

  test('a write without space writes nothing; a short one writes half and says so', async () => {
    const { platform, file } = begin()
    platform.faults.failNth('writeSync', 1, 'ENOSPC')
    expect(codeOf(() => file.writeSync(bytes(1, 2, 3, 4), 0, 4, 0))).toBe('ENOSPC')
    expect(readAll(platform.files, '/db/f')).toEqual(bytes())
    platform.faults.failNth('write', 1, 'short')
    expect(await file.write(bytes(1, 2, 3, 4), 0, 4, 0)).toBe(2)
    expect(readAll(platform.files, '/db/f')).toEqual(bytes(1, 2))
  })

  test('a name means both ways to make a call, one that ends in Sync only that way', async () => {
    const { platform, file } = begin()
    platform.faults.failNth('write', 2, 'EIO').failNth('sync', 1, 'EIO').failNth('syncFolder', 1, 'EIO')
    await file.write(bytes(1), 0, 1, 0)
    expect(codeOf(() => file.writeSync(bytes(2), 0, 1, 0))).toBe('EIO')
    expect(codeOf(() => file.syncSync())).toBe('EIO')
    expect(codeOf(() => platform.files.syncFolderSync('/db'))).toBe('EIO')
    platform.faults.failNth('writeSync', 1, 'EIO')
    await file.write(bytes(3), 0, 1, 0)
    expect(codeOf(() => file.writeSync(bytes(4), 0, 1, 0))).toBe('EIO')
  })

  test('asynchronous calls fail when they settle', async () => {
    const { platform, file } = begin()
    platform.faults.failNth('write', 1, 'EIO').failNth('sync', 1, 'EIO').failNth('syncFolder', 1, 'EIO')
    await expect(file.write(bytes(1), 0, 1, 0)).rejects.toMatchObject({ code: 'EIO', operation: 'write' })
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO', operation: 'sync' })
    await expect(platform.files.syncFolder('/db')).rejects.toMatchObject({ code: 'EIO', operation: 'syncFolder' })
    await platform.files.syncFolder('/db')
  })

  test('after a crash within a call everything fails, and the call may have happened or not', () => {
    const { platform, file } = begin()
    platform.faults.failNth('writeSync', 1, 'crash')
    expect(codeOf(() => file.writeSync(bytes(1), 0, 1, 0))).toBe('EIO')
    expect(platform.faults.dead).toBe(true)
    expect(codeOf(() => file.sizeSync())).toBe('EIO')
    expect(codeOf(() => platform.files.listSync('/'))).toBe('EIO')
    const found = new Set<string>()
    for (let seed = 0; seed < 30; seed++) {
      found.add(readAll(platform.crash({ mode: 'torn', seed }).files, '/db/f').join())
    }
    expect([...found].sort()).toEqual(['', '0', '1'])
  })

  test('asynchronous calls in flight when the power fails are told, and stay in flight for the crash', async () => {
    const { platform, file } = begin()
    const first = file.write(bytes(1), 0, 1, 0)
    platform.faults.failNth('write', 1, 'crash')
    const second = file.write(bytes(2), 0, 1, 1)
    await expect(first).rejects.toMatchObject({ code: 'EIO' })
    await expect(second).rejects.toMatchObject({ code: 'EIO' })
    const found = new Set<string>()
    for (let seed = 0; seed < 60; seed++) {
      found.add(readAll(platform.crash({ mode: 'torn', seed }).files, '/db/f').join())
    }
    expect([...found].sort()).toEqual(['', '0', '0,0', '1', '1,0', '1,2'])
  })

  test('counts and traces each call, so that a test can fail them one by one', async () => {
    const scenario = async ({ files }: MemoryPlatform): Promise<void> => {
      files.makeFolderSync('/db')
      const file = files.openSync('/db/f', 'write-durable')
      try {
        await file.write(bytes(1, 2), 0, 2, 0)
        file.syncSync()
      } finally {
        file.closeSync()
      }
      files.renameSync('/db/f', '/db/g')
      files.syncFolderSync('/db')
    }
    const clean = memoryPlatform()
    const trace = clean.faults.trace()
    await scenario(clean)
    expect(trace.map((call) => call.operation)).toEqual([
      'makeFolderSync',
      'openSync',
      'write',
      'syncSync',
      'closeSync',
      'renameSync',
      'syncFolderSync',
    ])
    expect(trace[2]).toEqual({ operation: 'write', path: '/db/f', position: 0, size: 2 })
    expect(clean.faults.callCount).toBe(7)
    expect(clean.files.openHandles).toBe(0)
    for (let n = 1; n <= clean.faults.callCount; n++) {
      const broken = memoryPlatform()
      broken.faults.failNth('any', n, 'EIO')
      await expect(scenario(broken)).rejects.toMatchObject({ code: 'EIO' })
    }
  })

  test('held calls settle in order, as many as are released', async () => {
    const { platform, file } = begin()
    const settled: number[] = []
    platform.files.hold()
    const calls = [1, 2, 3].map((value) =>
      file.write(bytes(value), 0, 1, value).then(() => {
        settled.push(value)
      }),
    )
    await platform.clock.yield()
    expect([settled, platform.files.inFlight]).toEqual([[], 3])
    platform.files.release(1)
    await calls[0]
    await platform.clock.yield()
    expect([settled, platform.files.inFlight]).toEqual([[1], 2])
    platform.files.release()
    await Promise.all(calls)
    expect(settled).toEqual([1, 2, 3])
  })

  test('changing the bytes of a write in flight is a defect that is found', async () => {
    const { file } = begin()
    const source = bytes(1, 2)
    const write = file.write(source, 0, 2, 0)
    source[1] = 9
    await expect(write).rejects.toMatchObject({ name: 'InvariantError' })
  })
})

describe('a slow disk', () => {
  test('settles asynchronous calls after their time, in the order of the calls', async () => {
    const { platform, file, clock } = begin()
    platform.faults.slow('write', 20)
    const settled: string[] = []
    const calls = [
      file.write(bytes(1), 0, 1, 0).then(() => settled.push(`write@${clock.monotonic()}`)),
      file.sync().then(() => settled.push(`sync@${clock.monotonic()}`)),
      file.write(bytes(2), 0, 1, 1).then(() => settled.push(`write@${clock.monotonic()}`)),
    ]
    await clock.yield()
    expect([settled, platform.files.inFlight]).toEqual([[], 3])
    clock.advance(20)
    await clock.yield()
    expect(settled).toEqual(['write@20', 'sync@20'])
    clock.advance(20)
    await Promise.all(calls)
    expect(settled.at(-1)).toBe('write@40')
  })

  test('blocks synchronous calls: time goes by in them, and what falls due is late', () => {
    const { platform, file, clock } = begin()
    platform.faults.slow('any', 1).slow('syncSync', 300, { path: '/db/f' })
    let due = 0
    clock.after(100, () => {
      due = clock.monotonic()
    })
    file.syncSync()
    file.sizeSync()
    expect([clock.monotonic(), due]).toEqual([301, 0])
    clock.advance(0)
    expect(due).toBe(301)
    platform.faults.clear()
    file.syncSync()
    expect(clock.monotonic()).toBe(301)
  })

  test('takes no time on a clock that cannot be moved', () => {
    const platform = memoryPlatform()
    platform.faults.slow('any', 3_600_000)
    expect(platform.files.existsSync('/db')).toBe(false)
  })
})

function begin() {
  const clock = manualClock()
  const platform = memoryPlatform({ clock })
  platform.files.makeFolderSync('/db')
  const file = platform.files.openSync('/db/f', 'write')
  platform.files.syncFolderSync('/')
  platform.files.syncFolderSync('/db')
  return { platform, file, clock }
}
