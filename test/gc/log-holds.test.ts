/** Holds on the log: what they keep, and that none keeps too much. */
import { expect, it } from 'vitest'
import { Database } from '../../src/engine/database.ts'
import { LogHolds } from '../../src/gc/log-holds.ts'
import { checked } from '../torture/history.ts'
import { freshMachine, openAt, turns } from '../torture/machine.ts'

it('the first segment that somebody holds stays, until he goes on or lets go', () => {
  const holds = new LogHolds()
  const bytesFrom = (): number => 10
  expect(holds.first(bytesFrom)).toBe(Number.POSITIVE_INFINITY)
  const [a, b] = [holds.hold(7, 100), holds.hold(5, 100)]
  expect(holds.first(bytesFrom)).toBe(5)
  b.advance(9)
  expect(holds.first(bytesFrom)).toBe(7)
  b.advance(8)
  expect(b.from).toBe(9)
  a.release()
  expect(holds.first(bytesFrom)).toBe(9)
  b.release()
  expect(holds.first(bytesFrom)).toBe(Number.POSITIVE_INFINITY)
  expect([a.lost, b.lost]).toEqual([false, false])
})

it('a hold that keeps more than its bound is lost, and keeps nothing', () => {
  const holds = new LogHolds()
  const [a, b] = [holds.hold(5, 100), holds.hold(6, 1000)]
  const bytesFrom = (segment: number): number => (segment === 5 ? 101 : 90)
  expect(holds.first(bytesFrom)).toBe(6)
  expect([a.lost, b.lost]).toEqual([true, false])
  expect(holds.first(() => 1)).toBe(6)
})

it('a held log is neither cleaned nor unlinked, also where it was cleaned before; afterwards it is', async () => {
  const machine = freshMachine(1)
  const db = await openAt(machine.platform)
  const core = Database.coreOf(db)
  const write = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) await db.collection('a').upsert({ id: i % 20, n: i, text: 'x'.repeat(30_000) })
  }
  const work = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      machine.clock.advance(60)
      await turns()
    }
  }
  await write()
  await write()
  await work()
  expect(db.stats().gc.segmentsCleaned, 'some is cleaned, and waits for a root').toBeGreaterThan(0)
  const tail = db.stats().log.tailSegment
  const hold = core.holds.hold(tail, Number.MAX_SAFE_INTEGER)
  const { segmentsCleaned } = db.stats().gc
  const checkpoints = db.stats().gc.checkpoints
  await write()
  await work()
  await db.checkpoint()
  await work()
  expect(db.stats().log.tailSegment).toBe(tail)
  expect(db.stats().gc.segmentsCleaned).toBe(segmentsCleaned)
  expect(db.stats().gc.checkpoints, 'no checkpoint is taken to unlink what is held').toBe(checkpoints + 1)
  for (const { id } of core.log.segments())
    expect([...core.log.readSegment(id, { fromDisk: true })].length).toBeGreaterThan(0)
  checked(db)
  hold.release()
  await write()
  await work()
  await db.checkpoint()
  expect(db.stats().log.tailSegment).toBeGreaterThan(tail)
  checked(db)
  await db.close()
})
