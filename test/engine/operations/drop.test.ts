import { expect, it } from 'vitest'
import { Database } from '../../../src/engine/database.ts'
import { manualClock } from '../../../src/platform/manual-clock.ts'
import type { Clock } from '../../../src/platform/platform.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

const RECORDS = 4000

/** A clock on which each look takes a fifth of a millisecond, and which counts the turns that were given away. */
function slowClock(): Clock & { yields: number } {
  const clock = manualClock()
  const slow = {
    ...clock,
    yields: 0,
    monotonic: () => {
      clock.advance(0.2)
      return clock.monotonic()
    },
    yield: () => {
      slow.yields++
      return clock.yield()
    },
  }
  return slow
}

it('a dropped collection counts for nothing any more, and the event loop turns while its bytes are counted', async () => {
  const clock = slowClock()
  const db = await openOn(freshPlatform(1, clock), { syncWrites: 'never', retain: { logBytes: 0 } })
  const { liveBytes } = Database.coreOf(db)
  await db.collection('kept').insert({ id: 1, text: 'kept' })
  const before = liveBytes.total
  await db.collection('gone').insertMany(Array.from({ length: RECORDS }, (_, id) => ({ id, text: 'x'.repeat(100) })))
  await db.collection('gone').insert({ id: 'large', text: 'y'.repeat(100_000) })
  const yields = clock.yields
  const dropping = db.dropCollection('gone')
  await db.collection('kept').insert({ id: 2 })
  expect(await dropping).toBe(true)
  expect(clock.yields - yields).toBeGreaterThan(4)
  expect(liveBytes.total).toBeLessThan(before + 1000)
  expect(db.collections()).toEqual(['kept'])
  await db.compact()
  await closeChecked(db)
})

it('a database may be closed while a dropped collection is counted', async () => {
  const platform = freshPlatform(1, slowClock())
  const db = await openOn(platform, { syncWrites: 'never' })
  await db.collection('gone').insertMany(Array.from({ length: RECORDS }, (_, id) => ({ id })))
  const dropping = db.dropCollection('gone')
  await Promise.all([dropping, db.close()])
  const again = await openOn(platform)
  expect(again.collections()).toEqual([])
  await closeChecked(again)
})
