/** What replay owes to the indexes: a killed database opens with those that its records have. */
import { expect, it } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import { checkIntegrity } from '../../src/engine/check.ts'
import { collection } from '../../src/engine/collection-spec.ts'
import { Database } from '../../src/engine/database.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { seededRandom } from '../indexes/spaces.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { closeChecked, freshPlatform, openOn } from './fixture.ts'

interface Bug {
  readonly id: number
  readonly status: string
  readonly tags: readonly string[]
  readonly text: string
  readonly body: string
  readonly [name: string]: Value | undefined
}

const LARGE = 40_000

const declared = {
  collections: {
    bugs: collection<Bug>({
      indexes: [
        'status',
        ['status', '-id'],
        { on: 'tags', each: true },
        { on: 'text', name: 'short', where: { text: { lt: 'b' } } },
      ],
    }),
  },
}

const openBugs = (platform: MemoryPlatform) => openOn(platform, declared)

/** Kills the process and opens what it left. */
async function openAgain(platform: MemoryPlatform, db: Awaited<ReturnType<typeof openBugs>>) {
  const left = platform.crash({ mode: 'lose-unsynced', seed: 1 })
  await db.close()
  const again = await openBugs(left)
  checkIntegrity(Database.coreOf(again))
  return { db: again, platform: left }
}

const bug = (id: number, status: string, text = `a${id}`, body = ''): Bug => ({
  id,
  status,
  tags: [status, 'all'],
  text,
  body,
})

it('the first and the last state of a slot decide, whatever came between', async () => {
  const first = freshPlatform()
  const before = await openBugs(first)
  await before.bugs.insertMany([bug(1, 'open'), bug(2, 'open'), bug(3, 'open'), bug(4, 'open'), bug(5, 'open')])
  await before.checkpoint()
  await before.bugs.update(1, { status: 'done' })
  await before.bugs.update(1, { status: 'open' })
  await before.bugs.update(2, { status: 'done' })
  await before.bugs.delete(3)
  await before.bugs.insert(bug(3, 'again'))
  await before.bugs.delete(4)
  await before.bugs.insert(bug(6, 'new'))
  await before.bugs.delete(6)
  await before.bugs.insert(bug(7, 'open'))
  await before.bugs.update(5, { text: 'b is in no partial index' })
  const { db } = await openAgain(first, before)
  const ids = (status: string) =>
    db.bugs
      .where({ status })
      .all()
      .map(({ id }) => id)
      .toSorted((a, b) => a - b)
  expect(ids('open')).toEqual([1, 5, 7])
  expect(ids('done')).toEqual([2])
  expect(ids('again')).toEqual([3])
  expect(ids('new')).toEqual([])
  await closeChecked(db)
})

it('keys of a large record go although its pieces are gone when the indexes are settled', async () => {
  const first = freshPlatform()
  const before = await openBugs(first)
  await before.bugs.insertMany([
    bug(1, 'open', 'a', 'x'.repeat(LARGE)),
    bug(2, 'open', 'z', 'x'.repeat(LARGE)),
    bug(3, 'open', 'z', 'x'.repeat(LARGE)),
  ])
  await before.checkpoint()
  await before.bugs.update(2, { status: 'done', text: 'short', body: '' })
  await before.bugs.delete(3)
  await before.bugs.insert(bug(4, 'open', 'z', 'x'.repeat(LARGE)))
  const { db } = await openAgain(first, before)
  expect(db.bugs.where({ status: 'open' }).count()).toBe(2)
  expect(db.bugs.where({ status: 'done' }).all()).toEqual([{ ...bug(2, 'open', 'short'), status: 'done' }])
  await closeChecked(db)
})

it('an index made, dropped or declared anew in the tail is as its records say', async () => {
  const first = freshPlatform()
  const before = await openBugs(first)
  await before.bugs.insertMany([bug(1, 'open'), bug(2, 'open')])
  await before.checkpoint()
  await before.bugs.update(1, { status: 'done' })
  await before.createIndex('bugs', 'text')
  await before.bugs.update(2, { text: 'other' })
  await before.dropIndex('bugs', 'text')
  await before.createIndex('bugs', 'text')
  await before.bugs.insert(bug(3, 'open'))
  const { db } = await openAgain(first, before)
  expect(db.bugs.where({ text: 'other' }).count()).toBe(1)
  expect(db.bugs.where({ status: 'done' }).count()).toBe(1)
  await closeChecked(db)
})

it('random writes, checkpoints and kills leave indexes that agree with the records', async () => {
  const random = seededRandom(seed())
  const below = (limit: number): number => Math.floor(random() * limit)
  const states = ['open', 'done', 'new']
  for (let round = 0; round < effort(6); round++) {
    let platform = freshPlatform(round + 1)
    let db = await openBugs(platform)
    const model = new Map<number, Bug>()
    for (let step = 0; step < 150; step++) {
      const id = below(25)
      const what = below(20)
      if (what === 0) await db.checkpoint()
      else if (what === 1) ({ db, platform } = await openAgain(platform, db))
      else if (what < 6) {
        await db.bugs.delete(id)
        model.delete(id)
      } else {
        const body = below(10) === 0 ? 'x'.repeat(LARGE) : ''
        const put = bug(id, states[below(3)]!, 'abc'[below(3)]!.repeat(below(4)), body)
        await db.bugs.upsert(put)
        model.set(id, put)
      }
    }
    ;({ db, platform } = await openAgain(platform, db))
    expect(db.bugs.all().toSorted((a, b) => a.id - b.id)).toEqual([...model.values()].toSorted((a, b) => a.id - b.id))
    for (const status of states) {
      const expected = [...model.values()].filter((each) => each.status === status).length
      expect(db.bugs.where({ status }).count()).toBe(expected)
    }
    await closeChecked(db)
  }
})
