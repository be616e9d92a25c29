import { describe, expect, test } from 'vitest'
import { BlazeError } from '../../src/base/errors.ts'
import type { StructureId } from '../../src/base/ids.ts'
import { readRoot, writeRoot } from '../../src/engine/root-file.ts'
import { type CheckpointResult, checkpoint, writeCleanClose } from '../../src/gc/checkpoint.ts'
import type { Root } from '../../src/gc/root.ts'
import type { FaultCode } from '../../src/platform/fault-plan.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import {
  type Content,
  expectSame,
  expectSound,
  FOLDER,
  KEYS,
  newPlatform,
  pageFiles,
  steppingClock,
  World,
} from './checkpoint-fixture.ts'

function written(result: CheckpointResult): Root {
  if (result.kind !== 'written')
    throw new Error(result.kind === 'failed' ? `${result.step}: ${result.error}` : result.kind)
  expect(result.warnings).toEqual([])
  return result.root
}

/** A killed process's copy. */
function copyOf(platform: MemoryPlatform): MemoryPlatform {
  return platform.crash({ mode: 'lose-unsynced', seed: 1 })
}

test('a checkpoint writes the image at C whatever is written between its slices', async () => {
  let world: World | undefined
  const clock = steppingClock(1, () => world?.scribble(3))
  const platform = newPlatform({ clock })
  world = await World.open(platform, { seed: seed() })
  const { captured } = world
  for (let round = 0; round < 6; round++) {
    world.scribble(20)
    written(await checkpoint(world.context))
    const opened = await expectSound(copyOf(platform), captured, `round ${round}`)
    expect(opened.root.checkpoint).toEqual(world.root.checkpoint)
  }
  const before = world.content()
  world.evictAll()
  expectSame(world.content(), before, 'read back')
})

test('a page that was evicted is read back as it was', async () => {
  const world = await World.open(newPlatform())
  world.scribble(30)
  written(await checkpoint(world.context))
  const before = world.content()
  world.evictAll()
  expect(world.store.usedBytes()).toBe(0)
  expectSame(world.content(), before)
})

test('a second open goes on from the directory, in new page segments', async () => {
  const platform = newPlatform()
  const captured = new Map<number, Content>()
  for (let open = 0; open < 4; open++) {
    const world = await World.open(platform, { seed: open + 2, captured })
    const head = world.root.pageHead
    world.scribble(12)
    const root = written(await checkpoint(world.context))
    expect(root.pageHead).toBe(head + 1)
    await world.close()
    expect(platform.files.openHandles).toBe(0)
    await expectSound(copyOf(platform), captured, `open ${open}`)
  }
})

test('a checkpoint of nothing new switches the root and writes no page', async () => {
  const world = await World.open(newPlatform())
  world.scribble(5)
  written(await checkpoint(world.context))
  world.lsn += 8
  const result = await checkpoint(world.context)
  expect(result).toMatchObject({ kind: 'written', pagesWritten: 0 })
  await expectSound(copyOf(world.platform), world.captured)
})

test('old directories go, and the one that root names stays', async () => {
  const world = await World.open(newPlatform())
  for (let round = 0; round < 3; round++) {
    world.scribble(4)
    written(await checkpoint(world.context))
  }
  const names = world.platform.files.listSync(FOLDER).filter((name) => name.startsWith('directory'))
  expect(names).toEqual([`directory-${world.root.directory?.number}`])
})

test('the root carries the log tail of the turn in which C was taken', async () => {
  const world = await World.open(newPlatform())
  world.scribble(4)
  world.logTail = 5
  world.durable = async () => {
    world.logTail = 9
  }
  expect(written(await checkpoint(world.context)).logTail).toBe(5)
  expect(world.releasedBelow).toBe(5)
})

test('root is not switched before the log is durable at C', async () => {
  const world = await World.open(newPlatform())
  world.scribble(4)
  let rootThen: Root | undefined
  world.durable = async () => {
    rootThen = readRoot(world.platform, FOLDER, KEYS)
  }
  written(await checkpoint(world.context))
  expect(rootThen?.directory).toBeUndefined()
})

test('a poisoned log drops the checkpoint and its pages are dirty again', async () => {
  const world = await World.open(newPlatform())
  world.scribble(9)
  const dirty = world.store.dirtyBytes
  const poison = new BlazeError('POISONED', 'the log takes nothing', undefined)
  world.durable = () => Promise.reject(poison)
  expect(await checkpoint(world.context)).toEqual({ kind: 'failed', step: 'durable', error: poison })
  expect(world.store.dirtyBytes).toBe(dirty)
  expect(readRoot(world.platform, FOLDER, KEYS)?.directory).toBeUndefined()
})

test('a checkpoint is given up when a structure whose pages wait is dropped, and the next one has it no more', async () => {
  let world: World | undefined
  let drops = 1
  const clock = steppingClock(1, () => {
    if (drops-- === 1) world?.drop(3 as StructureId)
  })
  world = await World.open(newPlatform({ clock }))
  world.scribble(40)
  expect(await checkpoint(world.context)).toEqual({ kind: 'superseded' })
  world.lsn += 8
  const { structures } = await (async () => {
    written(await checkpoint(world.context))
    return { structures: [...world.spaces.keys()].sort() }
  })()
  expect(structures).toEqual([1, 2])
  await expectSound(copyOf(world.platform), world.captured)
})

test('the pages of a dropped structure count as dead, and their segment goes', async () => {
  const platform = newPlatform()
  const first = await World.open(platform)
  first.scribble(40, 3)
  written(await checkpoint(first.context))
  await first.close()
  const world = await World.open(platform, { captured: first.captured })
  for (const structure of [1, 2, 3]) world.drop(structure as StructureId)
  world.lsn += 8
  written(await checkpoint(world.context))
  expect(world.map.liveBytes).toBe(0)
  expect(pageFiles(platform)).toEqual([])
  world.scribble(5)
  written(await checkpoint(world.context))
  expect(pageFiles(platform)).toEqual([2])
  await expectSound(copyOf(platform), world.captured)
})

test('page segments stay within a bound of the live pages when the same pages are written for ever', async () => {
  const platform = newPlatform()
  const captured = new Map<number, Content>()
  for (let open = 0; open < 30; open++) {
    const world = await World.open(platform, { seed: open + 2, captured })
    if (open === 0) world.scribble(80)
    for (let i = 0; i < 3; i++) world.fill(world.spaces.get(2 as StructureId)!, i)
    world.lsn += 8
    written(await checkpoint(world.context))
    expect(world.map.totalBytes).toBeLessThan(2.5 * world.map.liveBytes)
    await world.close()
  }
  const opened = await expectSound(copyOf(platform), captured)
  // The first segment, full of pages that nobody wrote again, has gone too.
  expect(opened.root.pageTail).toBeGreaterThan(1)
  expect(pageFiles(platform)[0]).toBe(opened.root.pageTail)
})

test('a clean close leaves its mark in the root until the next checkpoint', async () => {
  const world = await World.open(newPlatform())
  world.scribble(4)
  const root = written(await checkpoint(world.context))
  const end = { lsn: root.checkpoint.lsn, chain: 12 }
  writeCleanClose((next) => writeRoot(world.platform, FOLDER, next, KEYS), root, end)
  expect(readRoot(world.platform, FOLDER, KEYS)).toEqual({ ...root, cleanEnd: end })
  world.lsn += 8
  written(await checkpoint(world.context))
  expect(readRoot(world.platform, FOLDER, KEYS)?.cleanEnd).toBeUndefined()
})

test.each(['page', 'map page', 'directory'])('a rotten %s is told as CORRUPT and never returned', async (what) => {
  const platform = newPlatform()
  const first = await World.open(platform)
  first.scribble(6, 1)
  written(await checkpoint(first.context))
  const place = first.map.locationOf(1 as StructureId, 0)!
  const frames = first.store.slabs.usedCount
  await first.close()
  const path =
    what === 'directory' ? `${FOLDER}/directory-${first.root.directory?.number}` : `${FOLDER}/pages/${place.segment}`
  // The map page is the last frame of the segment.
  const offset = what === 'page' ? place.offset + 99 : what === 'directory' ? 40 : 512 + frames * 16440 + 60
  const handle = platform.files.openSync(path, 'write')
  handle.writeSync(Uint8Array.of(0xa5, 0x5a, 0xa5), 0, 3, offset)
  handle.closeSync()
  const read = async () => {
    const world = await World.open(platform)
    world.content()
  }
  await expect(read()).rejects.toMatchObject({ code: 'CORRUPT' })
})

/** Three checkpoints over two opens, with retirement; every image that was captured is noted. */
async function scenario(
  platform: MemoryPlatform,
  captured: Map<number, Content>,
  results: CheckpointResult[],
): Promise<void> {
  for (const openSeed of [5, 6]) {
    const world = await World.open(platform, { seed: openSeed, captured })
    for (let round = 0; round < 2; round++) {
      world.scribble(openSeed === 5 ? 6 : 2)
      world.logTail++
      results.push(await checkpoint(world.context))
    }
    await world.close()
  }
}

/** Whether the scenario ended early because the machine was gone. */
async function runBroken(
  platform: MemoryPlatform,
  captured: Map<number, Content>,
  results: CheckpointResult[],
): Promise<void> {
  try {
    await scenario(platform, captured, results)
  } catch (error) {
    expect(error).toMatchObject({ message: expect.stringMatching(/EIO|ENOSPC/) })
  }
}

describe('a checkpoint that is cut', () => {
  test('at any call, by any crash, leaves the old root or the new one with all its pages', async () => {
    const whole = newPlatform()
    const start = whole.faults.callCount
    await scenario(whole, new Map(), [])
    const calls = whole.faults.callCount - start
    expect(calls).toBeGreaterThan(60)
    const step = Math.max(1, Math.floor(3 / effort(1)))
    const seen = new Set<number>()
    for (let n = 1; n <= calls; n += step) {
      const platform = newPlatform()
      platform.faults.failNth('any', n, 'crash')
      const captured = new Map<number, Content>()
      const results: CheckpointResult[] = []
      await runBroken(platform, captured, results)
      const done = results.filter((result) => result.kind === 'written').map((result) => result.root.checkpoint.lsn)
      for (const [mode, crashSeed] of [
        ['lose-unsynced', 1],
        ['torn', n],
        ['keep-all', 1],
      ] as const) {
        const left = platform.crash({ mode, seed: crashSeed })
        const opened = await expectSound(left, captured, `call ${n}, ${mode} ${crashSeed}`)
        // What was told as written is there, or a newer one.
        expect(opened.root.checkpoint.lsn).toBeGreaterThanOrEqual(done.at(-1) ?? 0)
        seen.add(opened.root.checkpoint.lsn)
        opened.scribble(2)
        written(await checkpoint(opened.context))
      }
    }
    expect(seen.size).toBe(5)
  })

  test.each<FaultCode>(['EIO', 'ENOSPC', 'short'])(
    'by %s at any call is told, and the next one succeeds',
    async (code) => {
      let told = 0
      for (let n = 1, calls = 1; n <= calls; n++) {
        const platform = newPlatform()
        const captured = new Map<number, Content>()
        const world = await World.open(platform, { seed: 5, captured })
        world.scribble(9)
        written(await checkpoint(world.context))
        world.scribble(9)
        platform.faults.failNth('any', n, code)
        const before = platform.faults.callCount
        const result = await checkpoint(world.context)
        calls = Math.max(calls, platform.faults.callCount - before)
        platform.faults.clear()
        if (result.kind === 'failed') told++
        // Short writes are gone on with; only the twin's directory store takes one for a full disk.
        if (code === 'short' && result.kind === 'failed') expect(result.step).toBe('directory')
        await expectSound(copyOf(platform), captured, `call ${n} of ${calls}`)
        world.scribble(3)
        written(await checkpoint(world.context))
        const content = world.content()
        world.evictAll()
        expectSame(world.content(), content, `call ${n}`)
        await expectSound(copyOf(platform), captured, `after call ${n}`)
      }
      expect(told).toBeGreaterThan(0)
    },
  )
})
