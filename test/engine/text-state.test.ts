import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { RecordKey } from '../../src/base/record-key.ts'
import { collection } from '../../src/engine/collection-spec.ts'
import { Database } from '../../src/engine/database.ts'
import { askForRebuild } from '../../src/engine/folder.ts'
import { SnapshotSource } from '../../src/engine/record-source.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { type MemoryPlatform, memoryPlatform } from '../../src/platform/memory-platform.ts'
import { TextIndex } from '../../src/text/text-index.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { closeChecked, FOLDER, freshPlatform, openOn } from './fixture.ts'

const bugs = collection({ search: { title: 3, 'author.names': 1 }, indexes: ['n'] })

const key = new RecordKey()

/** A word that no file holds otherwise. */
const RARE = 'quizzaciously'

async function opened(platform: MemoryPlatform) {
  return await openOn(platform, { collections: { bugs } })
}
type Db = Awaited<ReturnType<typeof opened>>

function sourceOf(db: Db): SnapshotSource {
  const core = Database.coreOf(db)
  const state = core.collections.get('bugs')!
  return new SnapshotSource(core, state, { snapshot: core.publisher.visible, assertAlive: () => undefined })
}

/** The index, caught up by small steps. */
function searched(db: Db, step = 7): TextIndex {
  const preparation = sourceOf(db).derived.text!.prepare()
  while (!preparation.step(step));
  return preparation.index
}

/** By slot, the commit of each document. */
function documents(index: TextIndex): Map<number, number> {
  const found = new Map<number, number>()
  index.eachDocument((slot, commit) => found.set(slot, commit))
  return new Map([...found].sort(([a], [b]) => a - b))
}

/** By slot, the commit of each record. */
function records(db: Db): Map<number, number> {
  const { heap } = Database.coreOf(db).collections.get('bugs')!
  const found = new Map<number, number>()
  for (let slot = 0; slot < heap.slots.highSlot; slot++) {
    if (heap.isLive(slot)) found.set(slot, heap.slots.commitOf(slot))
  }
  return found
}

/** The documents, and what a search of them finds. */
function expectFound(db: Db): void {
  const index = searched(db)
  expect(documents(index)).toEqual(records(db))
  const found = index.prepare({ kind: 'term', text: 'words' }).matches(sourceOf(db).derived.text!)
  const { heap } = Database.coreOf(db).collections.get('bugs')!
  const expected = db.bugs.where({ title: 'two words' }).all()
  const slots = expected.map(({ id }) => (key.set(id) ? heap.find(key) : -1)).sort((a, b) => a - b)
  expect([...found]).toEqual(slots)
}

/** Files whose bytes hold a word, with every occurrence changed when `flip` says so. */
function spoil(platform: MemoryPlatform, folder: string, word: string): number {
  let found = 0
  for (const name of platform.files.listSync(folder)) {
    const handle = platform.files.openSync(`${folder}/${name}`, 'write')
    const bytes = new Uint8Array(handle.sizeSync())
    handle.readSync(bytes, 0, bytes.length, 0)
    for (let at = 0; at >= 0; ) {
      at = Buffer.from(bytes.buffer).indexOf(word, at)
      if (at < 0) break
      found++
      handle.writeSync(Uint8Array.of(bytes[at]! ^ 1), 0, 1, at)
      at++
    }
    handle.closeSync()
  }
  return found
}

afterEach(() => {
  vi.restoreAllMocks()
})

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      id: fc.nat(12),
      title: fc.constantFrom('one', 'two words'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), id: fc.nat(12) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('search', 'prune', 'checkpoint', 'reopen', 'crash', 'rebuild') }),
  },
)

describe('the text index of a collection', () => {
  it('has the newest version of each record when it is searched, whatever came between', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      let platform = freshPlatform()
      let db = await opened(platform)
      for (const each of steps) {
        if (each.kind === 'put') await db.bugs.upsert({ id: each.id, title: each.title })
        else if (each.kind === 'delete') await db.bugs.delete(each.id)
        else if (each.kind === 'search') expectFound(db)
        else if (each.kind === 'prune') while (Database.coreOf(db).prune(100));
        else if (each.kind === 'checkpoint') await db.checkpoint()
        else {
          if (each.kind === 'crash') {
            const left = platform.crash({ mode: 'keep-all', seed: seed() })
            await closeChecked(db)
            platform = left
          } else await closeChecked(db)
          if (each.kind === 'rebuild') {
            askForRebuild(platform, FOLDER)
          }
          db = await opened(platform)
        }
      }
      expectFound(db)
      await closeChecked(db)
    })
    await fc.assert(property, { seed: seed(), numRuns: effort(25) })
  })

  it('is loaded at the first search after an open, and only what is newer than its image is indexed again', async () => {
    const platform = freshPlatform()
    const first = await opened(platform)
    await first.bugs.insertMany(
      Array.from({ length: 1500 }, (_, id) => ({ id, title: `title ${id} ${RARE}`, n: id % 5 })),
    )
    searched(first)
    await first.checkpoint()
    await first.bugs.update(7, { title: 'another' })
    await first.bugs.delete(8)
    await first.bugs.insert({ id: 'new', title: 'new' })
    await closeChecked(first)
    const load = vi.spyOn(TextIndex, 'load')
    const put = vi.spyOn(TextIndex.prototype, 'put')
    const db = await opened(platform)
    expect(db.bugs.get(7)).toMatchObject({ title: 'another' })
    expect(load).not.toHaveBeenCalled()
    expect(documents(searched(db))).toEqual(records(db))
    expect([load.mock.calls.length, put.mock.calls.length]).toEqual([1, 2])
    searched(db)
    expect([load.mock.calls.length, put.mock.calls.length]).toEqual([1, 2])
    await closeChecked(db)
  })

  it('is made again from the records when its image is damaged', async () => {
    const platform = freshPlatform()
    const first = await opened(platform)
    await first.bugs.insertMany(Array.from({ length: 50 }, (_, id) => ({ id, title: `${RARE} ${id}` })))
    searched(first)
    await closeChecked(first)
    expect(spoil(platform, `${FOLDER}/pages`, RARE)).toBeGreaterThan(0)
    const db = await opened(platform)
    expect(documents(searched(db))).toEqual(records(db))
    // Writing goes on, and the next image is sound.
    await db.bugs.insert({ id: 'after', title: 'damage' })
    await closeChecked(db)
    const put = vi.spyOn(TextIndex.prototype, 'put')
    const again = await opened(platform)
    expect(documents(searched(again))).toEqual(records(again))
    expect(put.mock.calls.length).toBeLessThan(2)
    await closeChecked(again)
  })

  it('is saved on close by who has only searched', async () => {
    const platform = freshPlatform()
    const first = await opened(platform)
    await first.bugs.insertMany(Array.from({ length: 50 }, (_, id) => ({ id, title: `${RARE} ${id}` })))
    await closeChecked(first)
    const second = await opened(platform)
    searched(second)
    await closeChecked(second)
    const put = vi.spyOn(TextIndex.prototype, 'put')
    const third = await opened(platform)
    expect(documents(searched(third))).toEqual(records(third))
    expect(put).not.toHaveBeenCalled()
    await closeChecked(third)
  })

  it('loses the records that went since its image, also when nothing of their slots is left', async () => {
    const platform = freshPlatform()
    const first = await opened(platform)
    await first.bugs.insertMany(Array.from({ length: 10 }, (_, id) => ({ id, title: RARE })))
    searched(first)
    await first.checkpoint()
    await first.bugs.deleteMany({})
    // The check would catch the index up.
    await first.close()
    const db = await opened(platform)
    while (Database.coreOf(db).prune(100));
    expect(Database.coreOf(db).collections.get('bugs')!.heap.zoneCommit(0)).toBe(0)
    expect(documents(searched(db)).size).toBe(0)
    await closeChecked(db)
  })

  it('of another declaration is another index, and goes when it is not declared any more', async () => {
    const platform = freshPlatform()
    const first = await opened(platform)
    await first.bugs.insert({ id: 1, title: 'one', author: { names: ['Ada', 3, 'Grace'] } })
    const { text } = sourceOf(first).derived
    expect(text?.textsOf(first.bugs.get(1)!)).toEqual(['one', ['Ada', 'Grace']])
    searched(first)
    await closeChecked(first)
    const put = vi.spyOn(TextIndex.prototype, 'put')
    const other = await openOn(platform, { collections: { bugs: collection({ search: { title: 1 } }) } })
    // The options of `opened` and of this open give handles of one type.
    searched(other as unknown as Db)
    expect(put.mock.calls).toEqual([[0, expect.any(Number), ['one']]])
    await closeChecked(other)
    const without = await openOn(platform, { collections: { bugs: collection() } })
    expect(sourceOf(without as unknown as Db).derived.text).toBeUndefined()
    await closeChecked(without)
  })

  it('follows a rename, and goes with its collection', async () => {
    const platform = freshPlatform()
    const first = await opened(platform)
    await first.bugs.insertMany([{ id: 1, title: RARE }])
    searched(first)
    await first.checkpoint()
    await first.renameCollection('bugs', 'faults')
    const core = Database.coreOf(first)
    const state = core.collections.get('faults')!
    expect(core.texts.of(state)?.loaded).toBeDefined()
    await first.checkpoint()
    await first.dropCollection('faults')
    expect([core.texts.of(state), core.texts.usedBytes()]).toEqual([undefined, 0])
    await closeChecked(first)
    const db = await opened(platform)
    expect(db.bugs.count()).toBe(0)
    expect(documents(searched(db)).size).toBe(0)
    await closeChecked(db)
  })

  it.each(['written', 'searched', 'dropped'])('may be %s while it is saved', async (what) => {
    // Time flies: every look at the clock ends a slice.
    let nowMs = 0
    const platform = memoryPlatform({ seed: 1, clock: { ...systemClock(), monotonic: () => (nowMs += 5) } })
    platform.files.makeFolderSync(FOLDER)
    platform.files.syncFolderSync('/')
    const db = await opened(platform)
    const title = (n: number): string =>
      Array.from({ length: 20 }, (_, i) => (n * 7919 + i * 611_953) % 999_983).join(' ')
    await db.bugs.insertMany(Array.from({ length: 1500 }, (_, id) => ({ id, title: title(id) })))
    searched(db)
    const { texts } = Database.coreOf(db)
    const save = texts.save.bind(texts)
    let saving = true
    vi.spyOn(texts, 'save').mockImplementation((clock, isMapped) =>
      save(clock, isMapped).finally(() => {
        saving = false
      }),
    )
    const saved = db.checkpoint()
    let turns = 0
    for (; saving; turns++) {
      if (what === 'written') await db.bugs.upsert({ id: turns, title: 'beside' })
      if (what === 'searched') {
        await db.bugs.delete(turns)
        searched(db)
      }
      if (what === 'dropped' && turns === 1) await db.dropCollection('bugs')
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(turns).toBeGreaterThan(1)
    await saved
    const left = platform.crash({ mode: 'keep-all', seed: 1 })
    await closeChecked(db)
    const put = vi.spyOn(TextIndex.prototype, 'put')
    const again = await opened(left)
    expect(documents(searched(again))).toEqual(what === 'dropped' ? new Map() : records(again))
    expect(put.mock.calls.length).toBeLessThan(1000)
    await closeChecked(again)
  })

  it('is not made for a collection that is dropped meanwhile', async () => {
    const db = await opened(freshPlatform())
    await db.bugs.insertMany(Array.from({ length: 2000 }, (_, id) => ({ id, title: RARE })))
    const preparation = sourceOf(db).derived.text!.prepare()
    expect(preparation.step(100)).toBe(false)
    expect(() => preparation.index).toThrow('before it is prepared')
    await db.dropCollection('bugs')
    expect(() => preparation.step(100)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    await closeChecked(db)
  })

  it('keeps no checkpoint from being taken when it cannot be saved', async () => {
    const platform = freshPlatform()
    const db = await opened(platform)
    await db.bugs.insertMany([{ id: 1, title: RARE }])
    searched(db)
    const save = vi.spyOn(TextIndex.prototype, 'save').mockImplementation(() => {
      throw new Error('no image')
    })
    await db.checkpoint()
    expect([db.stats().gc.checkpoints, db.stats().gc.lastError]).toEqual([1, 'no image'])
    save.mockRestore()
    await db.checkpoint()
    await closeChecked(db)
    const put = vi.spyOn(TextIndex.prototype, 'put')
    const again = await opened(platform)
    searched(again)
    expect(put).not.toHaveBeenCalled()
    await closeChecked(again)
  })

  it('is searched in a database opened read-only, which writes nothing', async () => {
    const platform = freshPlatform()
    const first = await opened(platform)
    await first.bugs.insertMany([{ id: 1, title: RARE }])
    await closeChecked(first)
    const db = await openOn(platform, { collections: { bugs }, readOnly: true })
    expect(documents(searched(db as Db))).toEqual(records(db as Db))
    await closeChecked(db)
  })

  it('takes no part in what a snapshot does not see as it is indexed', async () => {
    const db = await opened(freshPlatform())
    await db.bugs.insertMany([
      { id: 1, title: 'a' },
      { id: 2, title: 'b' },
      { id: 3, title: 'c' },
    ])
    using before = db.snapshot()
    await db.bugs.update(1, { title: 'changed' })
    await db.bugs.delete(2)
    await db.bugs.insert({ id: 4, title: 'new' })
    const core = Database.coreOf(db)
    const state = core.collections.get('bugs')!
    const { derived } = new SnapshotSource(core, state, {
      snapshot: before.commitNumber,
      assertAlive: () => undefined,
    })
    const text = derived.text!
    const sure: number[] = []
    text
      .prepare()
      .finish()
      .eachDocument((slot, commit) => {
        if (text.isSure(slot, commit)) sure.push(slot)
      })
    expect([sure, derived.changedSlots(0, 9)]).toEqual([[2], [0, 1]])
    await closeChecked(db)
  })
})
