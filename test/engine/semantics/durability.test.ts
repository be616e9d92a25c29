import { describe, expect, it } from 'vitest'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

/** "Reads, time and durability": when a commit is seen, when it is acknowledged, what a crash may take. */
describe('a full commit', () => {
  it('is not visible right after an un-awaited call, and is after await', async () => {
    const db = await openOn(freshPlatform(), { syncWrites: 'never' })
    const c = db.collection('c')
    const pending = c.insert({ id: 1 })
    expect(c.get(1)).toBeUndefined()
    expect(c.count()).toBe(0)
    expect(db.stats().commits).toMatchObject({ pending: 1 })
    await pending
    expect(c.get(1)).toEqual({ id: 1 })
    await closeChecked(db)
  })

  it('is neither visible nor acknowledged while the device has not got it, and is in no power cut', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { syncWrites: 'never' })
    const c = db.collection('c')
    await c.insert({ id: 0 })
    platform.files.hold()
    let told = false
    const pending = c.insert({ id: 1 }).then(() => {
      told = true
    })
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect([told, c.has(1)]).toEqual([false, false])
    const cut = await openOn(platform.crash({ mode: 'lose-unsynced', seed: 1 }))
    expect(cut.collection('c').all()).toEqual([{ id: 0 }])
    await closeChecked(cut)
    platform.files.release()
    await pending
    expect(c.has(1)).toBe(true)
    const after = await openOn(platform.crash({ mode: 'lose-unsynced', seed: 1 }))
    expect(after.collection('c').count()).toBe(2)
    await closeChecked(after)
    await closeChecked(db)
  })

  it('makes every commit before it durable', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform)
    const c = db.collection('c')
    await c.insert({ id: 1 }, { durability: 'none' })
    await c.insert({ id: 2 }, { durability: 'relaxed' })
    await c.insert({ id: 3 }, { durability: 'full' })
    const cut = await openOn(platform.crash({ mode: 'lose-unsynced', seed: 1 }))
    expect(cut.collection('c').count()).toBe(3)
    await closeChecked(cut)
    await closeChecked(db)
  })

  it('refused because of one that is not yet durable is refused when that one is', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { syncWrites: 'never' })
    const c = db.collection('c')
    platform.files.hold()
    const first = c.insert({ id: 1 })
    const outcomes: string[] = []
    void first.then(() => outcomes.push('first'))
    const second = c.insert({ id: 1 }).catch(() => outcomes.push('refused'))
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(outcomes).toEqual([])
    platform.files.release()
    await Promise.all([first, second])
    expect(outcomes).toEqual(['first', 'refused'])
    await closeChecked(db)
  })
})

describe('weaker durabilities', () => {
  it('none is visible and acknowledged at once, and durable after flush', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { durability: 'none' })
    const pending = db.collection('c').insert({ id: 1 })
    expect(db.collection('c').has(1)).toBe(true)
    await pending
    await db.flush()
    const cut = await openOn(platform.crash({ mode: 'lose-unsynced', seed: 1 }))
    expect(cut.collection('c').has(1)).toBe(true)
    await closeChecked(cut)
    await closeChecked(db)
  })

  it('relaxed survives a kill once acknowledged; a power cut takes a suffix at most', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { durability: 'relaxed' })
    const c = db.collection('c')
    for (let id = 0; id < 50; id++) await c.insert({ id })
    for (let seed = 1; seed <= 5; seed++) {
      const killed = await openOn(platform.crash({ mode: 'keep-all', seed }))
      expect(killed.collection('c').count()).toBe(50)
      await closeChecked(killed)
      const cut = await openOn(platform.crash({ mode: 'torn', seed }))
      const ids = cut
        .collection('c')
        .orderBy('id')
        .all()
        .map(({ id }) => id)
      expect(ids).toEqual(Array.from({ length: ids.length }, (_, id) => id))
      await closeChecked(cut)
    }
    await closeChecked(db)
  })
})

describe('reads', () => {
  it('all and iteration give one snapshot, whatever is written between rows', async () => {
    const db = await openOn(freshPlatform())
    const c = db.collection('c')
    await c.insertMany(Array.from({ length: 300 }, (_, id) => ({ id, n: 0 })))
    const seen: unknown[] = []
    for await (const row of c.orderBy('id')) {
      seen.push(row)
      if (seen.length === 10) {
        await c.updateMany({}, { n: 1 })
        await c.deleteMany({ id: { gte: 200 } })
        await c.insert({ id: 1000, n: 1 })
      }
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, id) => ({ id, n: 0 })))
    const later = c.query().allAsync()
    await c.deleteMany({})
    expect(await later).toHaveLength(201)
    await closeChecked(db)
  })

  it('an iterator holds its snapshot from its first row to its end, return or break', async () => {
    const db = await openOn(freshPlatform())
    const c = db.collection('c')
    await c.insertMany([{ id: 1 }, { id: 2 }])
    const rows = c.query()[Symbol.asyncIterator]()
    expect(db.stats().snapshots.count).toBe(0)
    await rows.next()
    expect(db.stats().snapshots.count).toBe(1)
    await rows.return?.(undefined)
    expect(db.stats().snapshots.count).toBe(0)
    await closeChecked(db)
  })
})
