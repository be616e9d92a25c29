/** The machine that users test on: repeatable, breakable, and sound under every fault it has. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { checkDatabase } from '../../src/testing/check-database.ts'
import { type FaultyPlatform, faultyPlatform, openOn, withFaults } from '../../src/testing/faulty-platform.ts'
import { drain, settle } from '../../src/testing/settle.ts'
import { closeChecked } from '../engine/fixture.ts'

/** A short life of a database, and the bytes that a power cut leaves of it. */
async function life(platform: FaultyPlatform): Promise<string> {
  const db = await openOn(platform, '/db')
  const items = db.collection('items')
  for (let n = 0; n < 20; n++) await items.insert({ n })
  await Promise.all([1, 2, 3].map((n) => db.transaction((tx) => tx.collection('items').insert({ n }))))
  await db.checkpoint()
  const ids = items.all().map(({ id }) => id)
  await closeChecked(db)
  const files = [...platform.snapshotDurable()].map(([path, bytes]) => `${path} ${Buffer.from(bytes).toString('hex')}`)
  return [...ids, ...files.sort()].join('\n')
}

describe('a machine in memory', () => {
  it('gives the same ids and the same bytes for the same seed, and others for another', async () => {
    const first = await life(faultyPlatform({ seed: 7 }))
    expect(await life(faultyPlatform({ seed: 7 }))).toBe(first)
    expect(await life(faultyPlatform({ seed: 8 }))).not.toBe(first)
  })

  it('is crashed and opened again in three lines', async () => {
    const platform = faultyPlatform({ seed: 1 })
    const db = await openOn(platform, '/db')
    await db.collection('items').insert({ id: 1 })
    const after = platform.crash()
    const again = await openOn(after, '/db')
    expect(again.collection('items').all()).toEqual([{ id: 1 }])
    await closeChecked(again)
    await closeChecked(db)
  })

  it('crashes differently from one crash to the next, and may be told how', () => {
    const platform = faultyPlatform({ durableWrites: false })
    const file = platform.files.openSync('/f', 'write')
    platform.files.syncFolderSync('/')
    for (let sector = 0; sector < 64; sector++) file.writeSync(Uint8Array.of(1), 0, 1, sector * 512)
    const left = (crashed: FaultyPlatform): string => String([...crashed.snapshotDurable().values()])
    expect(left(platform.crash())).toBe(left(platform.crash({ seed: 2 })))
    expect(left(platform.crash().crash())).toBe(left(platform.crash()))
    expect(left(platform.crash({ seed: 3 }))).not.toBe(left(platform.crash()))
    expect(left(platform.crash({ mode: 'lose-unsynced' }))).toBe('')
  })

  it('refuses an option that it does not have', () => {
    expect(() => faultyPlatform({ sede: 1 } as object)).toThrow("no option 'sede'")
  })

  it('commits without time going by', async () => {
    const platform = faultyPlatform()
    const db = await openOn(platform, '/db', { syncWrites: 'never' })
    await Promise.all(Array.from({ length: 10 }, (_, id) => db.collection('items').insert({ id })))
    await db.checkpoint()
    expect(platform.clock.monotonic()).toBe(0)
    await closeChecked(db)
  })
})

describe('under a slow disk', () => {
  it('commits take their time by the clock, and are the same', async () => {
    const platform = faultyPlatform()
    const db = await settle(platform, openOn(platform, '/db', { syncWrites: 'never' }))
    platform.faults.slow('any', 30)
    const before = platform.clock.monotonic()
    await settle(platform, db.collection('items').insert({ id: 1 }))
    expect(platform.clock.monotonic() - before).toBeGreaterThanOrEqual(30)
    platform.faults.slow('write', 3_600_000)
    const timedOut = db.transaction((tx) => new Promise(() => tx.collection('items').get(1)), { timeoutMs: 500 })
    await expect(settle(platform, timedOut)).rejects.toMatchObject({ code: 'TRANSACTION_TIMEOUT' })
    platform.faults.clear()
    expect(db.collection('items').all()).toEqual([{ id: 1 }])
    checkDatabase(db)
    await settle(platform, db.close())
  })
})

describe('when the wall clock is set', () => {
  it.each([-86_400_000, -1, 86_400_000 * 365])('by %d ms, ids go on rising', async (jumpMs) => {
    const platform = faultyPlatform()
    const db = await openOn(platform, '/db')
    const ids: string[] = []
    for (let n = 0; n < 6; n++) {
      platform.clock.advance(1)
      if (n === 3) platform.clock.jump(jumpMs)
      ids.push(String((await db.collection('items').insert({ n })).id))
    }
    expect([...ids].sort()).toEqual(ids)
    await closeChecked(db)
  })

  it('timeouts, relaxed commits and history go by time that has passed', async () => {
    const platform = faultyPlatform()
    const { clock } = platform
    const db = await openOn(platform, '/db', { durability: 'relaxed', retain: { historyMs: 1000 } })
    const items = db.collection('items')
    await items.insert({ id: 1, n: 1 })
    const before = db.commitNumber
    await items.update(1, { n: 2 })
    let ended = false
    const waiting = db
      .transaction(() => new Promise(() => undefined), { timeoutMs: 500 })
      .catch(() => {
        ended = true
      })
    for (const jumpMs of [-10_000_000, 20_000_000]) {
      clock.jump(jumpMs)
      await clock.yield()
      expect(ended).toBe(false)
      expect(db.asOf(before).collection('items').get(1)).toEqual({ id: 1, n: 1 })
      for (const { ageMs } of db.stats().snapshots.holders) expect(Number.isFinite(ageMs)).toBe(true)
    }
    clock.advance(500)
    await waiting
    expect(ended).toBe(true)
    await settle(platform, db.close())
    const again = await openOn(platform, '/db')
    expect(again.collection('items').get(1)).toEqual({ id: 1, n: 2 })
    await closeChecked(again)
  })

  it('backwards between two opens, everything is found and ids do not repeat', async () => {
    const platform = faultyPlatform()
    const db = await openOn(platform, '/db')
    const first = await db.collection('items').insert({})
    await closeChecked(db)
    platform.clock.jump(-3_600_000)
    const again = await openOn(platform, '/db')
    const second = await again.collection('items').insert({})
    expect(
      new Set(
        again
          .collection('items')
          .all()
          .map(({ id }) => id),
      ),
    ).toEqual(new Set([first.id, second.id]))
    await closeChecked(again)
  })
})

describe('settling', () => {
  it('moves time as far as it takes, and no further', async () => {
    const platform = faultyPlatform()
    const { clock } = platform
    expect(
      await settle(
        platform,
        clock.wait(3_600_000).then(() => 'done'),
      ),
    ).toBe('done')
    expect(clock.monotonic()).toBe(3_600_000)
    await expect(settle(platform, Promise.reject(new Error('as it is')))).rejects.toThrow('as it is')
  })

  it('says when what it waits for never comes', async () => {
    await expect(settle(faultyPlatform(), new Promise(() => undefined))).rejects.toThrow('never comes')
  })

  it('drains what goes on by itself: a relaxed commit reaches the device', async () => {
    const platform = faultyPlatform()
    const db = await openOn(platform, '/db', { durability: 'relaxed' })
    await db.collection('items').insert({ id: 1 })
    const found = async (): Promise<number> => {
      const after = await openOn(platform.crash({ mode: 'lose-unsynced' }), '/db')
      const count = after.collection('items').count()
      await closeChecked(after)
      return count
    }
    expect(await found()).toBe(0)
    expect(await drain(platform)).toBeGreaterThanOrEqual(100)
    expect(await found()).toBe(1)
    await closeChecked(db)
  })

  it('stops a drain that would go on for ever', async () => {
    const platform = faultyPlatform()
    const again = (): void => void platform.clock.after(1000, again)
    again()
    expect(await drain(platform, { maxMs: 5500 })).toBe(5000)
  })
})

describe('faults over real files', () => {
  async function onDisk(run: (folder: string) => Promise<void>): Promise<void> {
    const root = mkdtempSync(join(tmpdir(), 'blazedb-faults-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    await run(join(root, 'db'))
  }

  it.each(['EIO', 'ENOSPC', 'short', 'crash'] as const)(
    '%s at a write of the log: told, and nothing acknowledged is lost',
    (code) =>
      onDisk(async (folder) => {
        const platform = withFaults(nodePlatform(folder))
        const db = await openOn(platform, folder, { syncWrites: 'never' })
        await db.collection('items').insert({ id: 0 })
        platform.faults.failNth('write', 2, code, { path: '/log/' })
        const acknowledged = [0]
        for (const id of [1, 2, 3]) {
          try {
            await db.collection('items').insert({ id })
            acknowledged.push(id)
          } catch (error) {
            expect(isBlazeError(error) && ['COMMIT_UNKNOWN', 'POISONED', 'IO', 'DISK_FULL'].includes(error.code)).toBe(
              true,
            )
          }
        }
        if (code === 'short') expect(acknowledged).toEqual([0, 1, 2, 3])
        else expect(acknowledged.length).toBeLessThan(4)
        platform.faults.clear()
        await db.close().catch((error: unknown) => expect(isBlazeError(error)).toBe(true))
        const again = await openOn(nodePlatform(folder), folder)
        const found = again
          .collection('items')
          .all()
          .map(({ id }) => id)
        expect(found).toEqual(expect.arrayContaining(acknowledged))
        await closeChecked(again)
      }),
  )

  it('a descriptor is given back even when its close fails', () =>
    onDisk(async (folder) => {
      const platform = withFaults(nodePlatform(folder))
      platform.files.makeFolderSync(folder)
      const file = platform.files.openSync(`${folder}/f`, 'write')
      platform.faults.failNth('closeSync', 1, 'EIO')
      expect(() => file.closeSync()).toThrow('EIO')
      expect(() => file.closeSync()).toThrow('EBADF')
    }))
})
