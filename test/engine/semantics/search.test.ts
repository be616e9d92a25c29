import { describe, expect, it } from 'vitest'
import { type CollectionSpec, collection, type DynamicInsert } from '../../../src/engine/collection-spec.ts'
import type { DatabaseWith } from '../../../src/engine/database.ts'
import type { Reader } from '../../../src/engine/reader.ts'
import type { DynamicRecord } from '../../../src/query/types.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

/** Text search through the public door: what is found, ranked, seen by whom. */

type Bugs = CollectionSpec<DynamicRecord, DynamicInsert>
const bugs: Bugs = collection({ search: { title: 3, body: 1, tags: 1 }, indexes: ['status'] })
const users: Bugs = collection()
type Db = DatabaseWith<{ bugs: Bugs; users: Bugs }>

const RECORDS = [
  { id: 1, title: 'Login broken', body: 'The login page hangs since Monday', status: 'open', ownerId: 'a' },
  { id: 2, title: 'Logout is slow', body: 'It hangs, and the login too', status: 'open', ownerId: 'b' },
  { id: 3, title: 'Crash on start', body: 'Nothing else to say', status: 'closed', tags: ['login', 'crash'] },
  { id: 4, title: 'Größe falsch', body: 'Die Größe der Datei 東京都 ist falsch', status: 'open' },
  { id: 5, title: 'Untitled', status: 'open' },
]

async function filled(): Promise<{ db: Db; platform: ReturnType<typeof freshPlatform> }> {
  const platform = freshPlatform()
  const db = await openOn(platform, { collections: { bugs, users } })
  await db.bugs.insertMany(RECORDS)
  await db.users.insertMany([
    { id: 'a', team: 'x' },
    { id: 'b', team: 'y' },
  ])
  return { db, platform }
}

function found(db: { readonly bugs: Reader<DynamicRecord> }, text: string): unknown[] {
  return db.bugs
    .search(text)
    .select('id')
    .all()
    .map(({ id }) => id)
}

describe('a search', () => {
  it('understands the words of a search box, the best first', async () => {
    const { db } = await filled()
    const asked: readonly (readonly [string, readonly number[]])[] = [
      ['login', [1, 2, 3]],
      ['LOGIN broken', [1]],
      ['broken OR crash', [3, 1]],
      ['login -hangs', [3]],
      ['NOT login', []],
      ['"login page"', [1]],
      ['"page login"', []],
      ['log*', [1, 2, 3]],
      ['logn~', [1, 2, 3]],
      ['title:login', [1]],
      ['(broken OR slow) hangs', [1, 2]],
      ['große', [4]],
      ['größe', [4]],
      ['東京', [4]],
      ['', []],
      ['"unclosed (', []],
    ]
    for (const [text, ids] of asked) {
      const isRanked = !text.includes('*')
      const actual = found(db, text)
      expect(isRanked ? actual : [...actual].sort(), text).toEqual(ids)
      expect(db.bugs.search(text).count(), text).toBe(ids.length)
    }
    await closeChecked(db)
  })

  it('gives scores that fall, ties in the order of ids, and words where they stand', async () => {
    const { db } = await filled()
    await db.bugs.insertMany([
      { id: 11, title: 'same words' },
      { id: 10, title: 'same words' },
    ])
    expect(found(db, 'same')).toEqual([10, 11])
    const rows = db.bugs.search('login').all()
    expect(rows.every(({ $score }, i) => $score > 0 && (i === 0 || $score <= rows[i - 1]!.$score))).toBe(true)
    const [first] = db.bugs.search('login').highlights().all()
    const places = first!.$highlights.map(({ field, start, end }) => [field, String(first![field]).slice(start, end)])
    expect(places).toEqual([
      ['title', 'Login'],
      ['body', 'login'],
    ])
    const [tagged] = db.bugs.search('crash').highlights().where({ id: 3 }).all()
    expect(tagged!.$highlights).toContainEqual({ field: 'tags', element: 1, start: 0, end: 5 })
    await closeChecked(db)
  })

  it('goes with filters, orders, joins, groups, pages and JSON', async () => {
    const { db } = await filled()
    const login = db.bugs.search('login')
    expect(login.where({ status: 'open' }).select('id').all()).toEqual([{ id: 1 }, { id: 2 }])
    expect(login.where({ status: 'open' }).limit(1).count()).toBe(1)
    expect(login.orderBy('id', 'desc').select('id').all()).toEqual([{ id: 3 }, { id: 2 }, { id: 1 }])
    expect(login.limit(1).offset(1).select('id').all()).toEqual([{ id: 2 }])
    const owned = login.join('owner', db.users, { ownerId: 'id' }).where({ 'owner.team': 'y' }).all()
    expect(owned.map(({ id }) => id)).toEqual([2])
    expect(
      login
        .groupBy('status', { n: { count: true }, best: { max: '$score' } })
        .orderBy('n')
        .all(),
    ).toMatchObject([
      { status: 'closed', n: 1 },
      { status: 'open', n: 2 },
    ])
    const paged: unknown[] = []
    let after: string | undefined
    do {
      const page = login.page({ size: 1, after })
      paged.push(...page.rows.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    expect(paged).toEqual([1, 2, 3])
    expect(db.bugs.fromJSON(JSON.parse(JSON.stringify(login.highlights()))).all()).toEqual(login.highlights().all())
    expect(db.users.where({ id: { in: login.select('ownerId') } }).count()).toBe(2)
    expect(login.limit(2).explain().text).toContain('search login, the best 2')
    expect(await login.allAsync()).toEqual(login.all())
    await closeChecked(db)
  })

  it('takes an object, and refuses what is wrong in it, or cannot be searched', async () => {
    const { db } = await filled()
    const ids = db.bugs
      .search({ all: ['login'], none: 'crash', fuzzy: { word: 'hamgs', edits: 1 } })
      .select('id')
      .all()
    expect(ids).toEqual([{ id: 1 }, { id: 2 }])
    const refused: readonly (readonly [() => unknown, string])[] = [
      [() => db.bugs.search({ every: 'x' } as never).all(), 'search.every'],
      [() => db.bugs.search({ all: 'x', field: 'nope' }).all(), 'search.field'],
      [() => db.bugs.search(5 as never).all(), 'search'],
      [() => db.users.search('x').all(), 'search'],
      [() => db.bugs.query().highlights(), 'highlights'],
      [() => db.bugs.limit(1).search('x'), 'search'],
      [() => db.bugs.search('x').search('y'), 'search'],
      [() => db.bugs.search('x').hint('scan').all(), 'hint'],
    ]
    for (const [ask, path] of refused) {
      expect(ask, path).toThrow(
        expect.objectContaining({ code: 'INVALID_QUERY', details: expect.objectContaining({ path }) }),
      )
    }
    await closeChecked(db)
  })

  it('sees what its reader sees: a snapshot the past, a transaction its own writes', async () => {
    const { db } = await filled()
    const before = db.snapshot()
    expect(found(db, 'login')).toEqual([1, 2, 3])
    await db.bugs.update(1, { title: 'Nothing', body: 'at all' })
    await db.bugs.delete(3)
    await db.bugs.insert({ id: 6, title: 'login login login' })
    expect(found(db, 'login')).toEqual([6, 2])
    expect([...found(before, 'login')].sort()).toEqual([1, 2, 3])
    expect(before.bugs.search('login').count()).toBe(3)
    await db.transaction((tx) => {
      tx.bugs.insert({ id: 7, title: 'a new login' })
      tx.bugs.update(2, { body: 'other words' })
      tx.bugs.delete(6)
      expect(found(tx, 'login')).toEqual([7])
      expect(tx.bugs.search('words').select('id').all()).toEqual([{ id: 2 }])
      expect(found(db, 'login')).toEqual([6, 2])
    })
    expect(found(db, 'login')).toEqual([7])
    before[Symbol.dispose]()
    await closeChecked(db)
  })

  it('is there after a checkpoint and an open, and keeps up with what came after it', async () => {
    const { db, platform } = await filled()
    expect(found(db, 'login')).toEqual([1, 2, 3])
    await db.checkpoint()
    await db.bugs.update(2, { body: 'no such word' })
    await closeChecked(db)
    const again = await openOn(platform, { collections: { bugs, users } })
    expect(found(again, 'login')).toEqual([1, 3])
    await closeChecked(again)
  })

  it('makes a transaction conflict with a later match, and with nothing else', async () => {
    const { db } = await filled()
    const run = async (write: () => Promise<unknown>): Promise<unknown> => {
      const tx = db.begin()
      const n = tx.bugs.search('login').count()
      tx.users.insert({ id: `n${n}${Math.random()}`, team: 'z' })
      await write()
      return tx.commit().then(
        () => 'committed',
        (error: { code: string }) => error.code,
      )
    }
    expect(await run(() => db.bugs.insert({ id: 20, title: 'another login' }))).toBe('CONFLICT')
    expect(await run(() => db.bugs.insert({ id: 21, title: 'another thing' }))).toBe('committed')
    expect(await run(() => db.bugs.update(1, { title: 'x', body: 'y' }))).toBe('CONFLICT')
    await closeChecked(db)
  })
})
