import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { BlazeError } from '../../../src/base/errors.ts'
import { collection } from '../../../src/engine/collection-spec.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import { closeChecked, FOLDER, freshPlatform, openOn } from '../fixture.ts'

/** "Opening, closing, processes". */
/** Path and hash of each file that a power cut leaves. */
function contents(platform: MemoryPlatform): string[] {
  return [...platform.snapshotDurable()].map(
    ([path, bytes]) => `${path} ${createHash('sha256').update(bytes).digest('hex')}`,
  )
}

describe('open', () => {
  it('makes the folder when it is not there, and gives the path', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform)
    expect([db.path, db.readOnly]).toEqual([FOLDER, false])
    await closeChecked(db)
    expect(platform.files.openHandles).toBe(0)
  })

  it('by a second owner is LOCKED and names the first; after close it is not', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform)
    for (const readOnly of [false, true]) {
      const second = await openOn(platform, { readOnly }).then(
        () => undefined,
        (error: unknown) => error as BlazeError<'LOCKED'>,
      )
      expect(second).toMatchObject({
        code: 'LOCKED',
        retryable: true,
        details: { pid: 1, host: 'memory', mode: 'read-write' },
      })
      expect(second?.message).toContain('process 1')
    }
    await db.collection('c').insert({ id: 1 })
    await closeChecked(db)
    await closeChecked(await openOn(platform))
  })

  it('read-only may be shared, beside no writer; it changes no file and refuses every write', async () => {
    const platform = freshPlatform()
    const first = await openOn(platform)
    await first.collection('c').insertMany([
      { id: 1, n: 1 },
      { id: 2, n: 2 },
    ])
    await first.createIndex('c', 'n')
    await closeChecked(first)
    const before = contents(platform)
    const calls = platform.faults.trace()
    const collections = { c: collection({ version: 1, indexes: ['other'] }), fresh: collection() }
    const readers = await Promise.all([1, 2].map(() => openOn(platform, { readOnly: true, collections })))
    await expect(openOn(platform)).rejects.toMatchObject({ code: 'LOCKED', details: { mode: 'read-only' } })
    for (const db of readers) {
      expect(db.readOnly).toBe(true)
      expect(db.c.where({ n: { gte: 2 } }).all()).toEqual([{ id: 2, n: 2 }])
      expect(db.fresh.count()).toBe(0)
      expect(db.read((snapshot) => snapshot.c.count())).toBe(2)
      for (const write of [
        () => db.c.insert({ id: 3 }),
        () => db.fresh.insert({ id: 3 }),
        () => db.collection('new').insertMany([{}]),
        () => db.c.deleteMany({}),
        () => db.transaction(() => 1),
        async () => db.transactionSync(() => 1),
        async () => db.begin(),
        () => db.createIndex('c', 'x'),
        () => db.dropIndex('c', 'n'),
        () => db.dropCollection('c'),
        () => db.renameCollection('c', 'd'),
        () => db.checkpoint(),
      ]) {
        await expect(write(), String(write)).rejects.toMatchObject({ code: 'READ_ONLY' })
      }
    }
    for (const db of readers) await db.close()
    const changing = /^(write|truncate|rename|unlink|makeFolder|removeFolder|sync)/
    expect(calls.filter(({ operation }) => changing.test(operation))).toEqual([])
    expect(contents(platform)).toEqual(before)
    expect(platform.files.openHandles).toBe(0)
  })

  it('refuses options it does not know or cannot use, before anything is made', async () => {
    const wrong: object[] = [
      { durabilty: 'none' },
      { durability: 'sometimes' },
      { memoryBytes: 1 },
      { maxRecordBytes: 2 ** 40 },
      { closeTimeoutMs: -1 },
      { syncWrites: true },
      { retain: { logBytes: 0.5 } },
    ]
    for (const options of wrong) {
      const platform = freshPlatform()
      await expect(openOn(platform, options), JSON.stringify(options)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      expect(platform.files.listSync(FOLDER)).toEqual([])
    }
  })

  it('that fails lets the lock go and leaves no file open', async () => {
    const platform = freshPlatform()
    const seeded = await openOn(platform)
    await seeded.collection('c').insertMany([
      { id: 1, n: 1 },
      { id: 2, n: 1 },
    ])
    await closeChecked(seeded)
    const collections = { c: collection({ indexes: [{ on: 'n', unique: true }] }) }
    await expect(openOn(platform, { collections })).rejects.toMatchObject({ code: 'UNIQUE' })
    expect(platform.files.openHandles).toBe(0)
    const db = await openOn(platform)
    expect(db.collection('c').count()).toBe(2)
    expect(db.stats().collections[0]?.indexes).toEqual([])
    await closeChecked(db)
  })
})

describe('close', () => {
  it('finishes every commit called before it, awaited or not, of each durability', async () => {
    for (const durability of ['full', 'relaxed', 'none'] as const) {
      const platform = freshPlatform()
      const db = await openOn(platform, { durability, syncWrites: 'never' })
      const done: Promise<unknown>[] = []
      for (let id = 0; id < 100; id++) done.push(db.collection('c').insert({ id }))
      done.push(db.transaction((tx) => tx.collection('c').insert({ id: 'late' })))
      const closed = db.close()
      expect(await Promise.allSettled(done)).toEqual(done.map(() => expect.objectContaining({ status: 'fulfilled' })))
      await closed
      const cut = await openOn(platform.crash({ mode: 'lose-unsynced', seed: 1 }))
      expect(cut.collection('c').count()).toBe(101)
      await closeChecked(cut)
    }
  })

  it('waits for open transactions, which may still commit', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform)
    let go: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const running = db.transaction(async (tx) => {
      tx.collection('c').insert({ id: 1 })
      await gate
      tx.collection('c').insert({ id: 2 })
    })
    const closed = db.close()
    await expect(db.collection('c').insert({ id: 3 })).rejects.toMatchObject({ code: 'CLOSED' })
    go()
    await running
    await closed
    const again = await openOn(platform)
    expect(again.collection('c').orderBy('id').all()).toEqual([{ id: 1 }, { id: 2 }])
    await closeChecked(again)
  })

  it('rolls back, after its time, what does not end, closes fully, and names it', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { closeTimeoutMs: 0 })
    const tx = db.begin()
    tx.collection('c').insert({ id: 1 })
    const snapshot = db.snapshot()
    await expect(db.close()).rejects.toMatchObject({ code: 'CLOSE_TIMEOUT', details: { transactions: ['begin'] } })
    expect(() => tx.collection('c').insert({ id: 2 })).toThrow(BlazeError)
    await expect(tx.commit()).rejects.toBeInstanceOf(BlazeError)
    expect(() => snapshot.collection('c').count()).toThrow(BlazeError)
    expect(platform.files.openHandles).toBe(0)
    const again = await openOn(platform)
    expect(again.collection('c').count()).toBe(0)
    await closeChecked(again)
  })

  it('may be repeated, and gives the same outcome', async () => {
    const db = await openOn(freshPlatform())
    const first = db.close()
    await Promise.all([first, db.close(), db[Symbol.asyncDispose]()])
    await db.close()
  })

  it('makes every call say CLOSED, and no read gives anything', async () => {
    const db = await openOn(freshPlatform())
    const c = db.collection('c')
    await c.insert({ id: 1 })
    const rows = c.query()[Symbol.asyncIterator]()
    await rows.next()
    await closeChecked(db)
    const closed = expect.objectContaining({ code: 'CLOSED' })
    for (const call of [
      () => c.get(1),
      () => c.all(),
      () => c.count(),
      () => c.where({ id: 1 }).first(),
      () => db.snapshot(),
      () => db.begin(),
      () => db.read(() => 1),
      () => db.transactionSync(() => 1),
      () => db.stats(),
      () => db.collections(),
    ]) {
      expect(call, String(call)).toThrow(closed)
    }
    for (const call of [
      () => c.insert({}),
      () => c.deleteMany({}),
      () => db.transaction(() => 1),
      () => db.flush(),
      () => db.checkpoint(),
      () => db.createIndex('c', 'a'),
      () => db.dropIndex('c', 'a'),
      () => db.dropCollection('c'),
      () => db.renameCollection('c', 'd'),
      () => c.query().allAsync(),
      () => rows.next(),
    ]) {
      await expect(call(), String(call)).rejects.toMatchObject({ code: 'CLOSED' })
    }
  })

  it('leaves a database that opens without its log being read again', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform)
    await db.collection('c').insertMany(Array.from({ length: 4000 }, (_, id) => ({ id, text: 'x'.repeat(600) })))
    await closeChecked(db)
    const trace = platform.faults.trace()
    const again = await openOn(platform)
    const bytes = trace.filter(({ path, operation }) => path.includes('/log/') && /read/i.test(operation))
    expect(bytes.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(400_000)
    expect(again.collection('c').count()).toBe(4000)
    await closeChecked(again)
  })
})
