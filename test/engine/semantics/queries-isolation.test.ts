import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../../src/base/errors.ts'
import { exists } from '../../../src/query/exists.ts'
import { not } from '../../../src/query/where.ts'
import { bug, EVERY_KIND, type Filled, type Handle, withFilled } from './every-kind.ts'

/**
 * What must conflict at serializable, and what must not, for queries of more than one collection, block or row: a read in
 * a transaction, then a commit of somebody else.
 */
interface Case {
  readonly name: string
  readonly read: (handle: Handle) => unknown
  readonly other: (db: Filled) => Promise<unknown>
}

const bugs = (h: Handle) => h.collection('bugs').query()
const users = (h: Handle) => h.collection('users').query()
const comments = (h: Handle) => h.collection('comments').query()

const owned = (h: Handle) =>
  bugs(h)
    .where({ status: 'open' })
    .join('owner', users(h).where({ team: 'x' }), { ownerId: 'id' })
const byStatus = (h: Handle) =>
  bugs(h)
    .where({ votes: { lt: 8 } })
    .groupBy('status', { n: { sum: 'votes' } })
const discussed = (h: Handle) => bugs(h).where(exists(comments(h).where({ votes: 100 }), { id: 'bugId' }))
const ofTeam = (h: Handle) => bugs(h).where({ ownerId: { in: users(h).where({ team: 'z' }).select('id') } })
const ranked = (h: Handle) =>
  bugs(h)
    .where({ status: 'done' })
    .window({ place: { rank: true, orderBy: 'votes' } })
const both = (h: Handle) =>
  bugs(h)
    .where({ votes: 3 })
    .select({ n: 'votes' })
    .union(comments(h).where({ votes: 5 }).select({ n: 'votes' }))

const MUST: readonly Case[] = [
  {
    name: 'an inner join, and a record of its left side that comes to join',
    read: (h) => owned(h).all(),
    other: (db) => db.bugs.insert({ ...bug(400), status: 'open', ownerId: 'u2' }),
  },
  {
    name: 'an inner join, and a record of its left side that an update moves in',
    read: (h) => owned(h).count(),
    other: (db) => db.bugs.update(2, { status: 'open' }),
  },
  {
    name: 'an inner join, and a record of its other side that comes to join',
    read: (h) => owned(h).all(),
    other: (db) => db.users.insert({ id: 'u4711', team: 'x' }),
  },
  {
    name: 'an inner join, and a record of its other side that an update moves in',
    read: (h) => owned(h).all(),
    other: (db) => db.users.update('u1', { team: 'x' }),
  },
  {
    name: 'an inner join, and a record of its other side that goes',
    read: (h) => owned(h).all(),
    other: (db) => db.users.delete('u2'),
  },
  {
    name: 'a join filtered by the joined record, and one that an update moves in',
    read: (h) => bugs(h).join('owner', users(h), { ownerId: 'id' }).where({ 'owner.team': 'z' }).all(),
    other: (db) => db.users.update('u1', { team: 'z' }),
  },
  {
    name: 'a left join that gave no partner, and one that comes',
    read: (h) =>
      bugs(h)
        .where({ id: 3 })
        .leftJoin('comment', comments(h).where({ votes: 50 }), { id: 'bugId' })
        .all(),
    other: (db) => db.comments.insert({ id: 400, bugId: 3, votes: 50 }),
  },
  {
    name: 'a left join filtered by the absence of a partner, and one that comes',
    read: (h) =>
      bugs(h)
        .leftJoin('comment', comments(h), { id: 'bugId' })
        .where({ 'comment.id': { exists: false } })
        .all(),
    other: (db) => db.comments.insert({ id: 400, bugId: 39 }),
  },
  {
    name: 'a right join, and a record of its left side that moves in by a filter of both',
    read: (h) => bugs(h).rightJoin('owner', users(h), { ownerId: 'id' }).where({ status: 'lost' }).all(),
    other: (db) => db.bugs.update(2, { status: 'lost' }),
  },
  {
    name: 'a full join, and a record of its other side that comes',
    read: (h) => bugs(h).fullJoin('owner', users(h), { ownerId: 'id' }).count(),
    other: (db) => db.users.insert({ id: 'alone' }),
  },
  {
    name: 'a semi join that found nothing, and what it looked for comes',
    read: (h) =>
      users(h)
        .semiJoin(bugs(h).where({ votes: 77 }), { id: 'ownerId' })
        .all(),
    other: (db) => db.bugs.update(1, { votes: 77 }),
  },
  {
    name: 'an anti join, and what takes a row away comes',
    read: (h) =>
      users(h)
        .antiJoin(bugs(h).where({ votes: 77 }), { id: 'ownerId' })
        .all(),
    other: (db) => db.bugs.update(1, { votes: 77 }),
  },
  {
    name: 'a joined aggregate of a third collection, and a change there',
    read: (h) =>
      comments(h)
        .join('bug', bugs(h), { bugId: 'id' })
        .join('owner', users(h), { 'bug.ownerId': 'id' })
        .groupBy('owner.team', { n: { count: true } })
        .all(),
    other: (db) => db.users.update('u1', { team: 'new' }),
  },
  {
    name: 'an aggregate of a group, and a member that changes',
    read: (h) => byStatus(h).all(),
    other: (db) => db.bugs.update(1, { votes: 1 }),
  },
  {
    name: 'an aggregate of a group, and a member that appears',
    read: (h) => byStatus(h).all(),
    other: (db) => db.bugs.insert({ ...bug(400), votes: 1 }),
  },
  {
    name: 'an aggregate of a group, and a member that goes',
    read: (h) => byStatus(h).all(),
    other: (db) => db.bugs.delete(1),
  },
  {
    name: 'an aggregate of a group, and a record that an update moves into its filter',
    read: (h) => byStatus(h).all(),
    other: (db) => db.bugs.update(5, { votes: 0 }),
  },
  {
    name: 'an aggregate over nothing, and a first record',
    read: (h) =>
      bugs(h)
        .where({ status: 'none yet' })
        .aggregate({ n: { count: true } }),
    other: (db) => db.bugs.insert({ ...bug(400), status: 'none yet' }),
  },
  {
    name: 'groups of which having let none through, and a member that would change that',
    read: (h) =>
      bugs(h)
        .groupBy('status', { n: { count: true } })
        .having({ n: { gt: 10 } })
        .all(),
    other: (db) => db.bugs.insert({ ...bug(400), status: 'open' }),
  },
  {
    name: 'a comparison of two fields, and an update that makes it true',
    read: (h) =>
      comments(h)
        .where((e) => e.eq('votes', 'id'))
        .all(),
    other: (db) => db.comments.update(30, { votes: 30 }),
  },
  {
    name: 'a condition on a computed field, and an update that makes it true',
    read: (h) =>
      comments(h)
        .compute({ twice: (e) => e.multiply('votes', 2) })
        .where({ twice: 90 })
        .all(),
    other: (db) => db.comments.update(30, { votes: 45 }),
  },
  {
    name: 'a condition on a computed field that hides one of the record, and an update that makes it true',
    read: (h) =>
      comments(h)
        .compute({ by: (e) => e.multiply('votes', 2) })
        .where({ by: 90 })
        .all(),
    other: (db) => db.comments.update(30, { votes: 45 }),
  },
  {
    name: 'a filter by an expression, and a value that it cannot take',
    read: (h) =>
      comments(h)
        .where((e) => e.gt(e.add('votes', 1), 500))
        .all(),
    other: (db) => db.comments.update(30, { votes: 'many' }),
  },
  {
    name: 'first() by an order over groups, and a group that comes before it',
    read: (h) =>
      bugs(h)
        .groupBy('status', { n: { count: true } })
        .orderBy('n')
        .first(),
    other: (db) => db.bugs.insert({ ...bug(400), status: 'rare' }),
  },
  {
    name: 'first() by an order over a join, and a row that comes before it',
    read: (h) => owned(h).orderBy('votes').first(),
    other: (db) => db.bugs.insert({ ...bug(400), status: 'open', ownerId: 'u2', votes: -5 }),
  },
  {
    name: 'exists of a query within that was false, and what makes it true',
    read: (h) => discussed(h).all(),
    other: (db) => db.comments.update(7, { votes: 100 }),
  },
  {
    name: 'not exists, and what makes it false',
    read: (h) =>
      bugs(h)
        .where(not(exists(comments(h), { id: 'bugId' })))
        .all(),
    other: (db) => db.comments.insert({ id: 400, bugId: 35 }),
  },
  {
    name: 'exists with values of the row outside, and what makes it true',
    read: (h) =>
      bugs(h)
        .where(
          exists(
            users(h).where((e) => e.lt('minimum', e.outer('least'))),
            { ownerId: 'id' },
          ),
        )
        .all(),
    other: (db) => db.users.update('u1', { minimum: -1 }),
  },
  {
    name: 'in of a query within, and a record that it then gives',
    read: (h) => ofTeam(h).exists(),
    other: (db) => db.users.update('u1', { team: 'z' }),
  },
  {
    name: 'a query within a query within, and a change at the bottom',
    read: (h) =>
      users(h)
        .where({
          id: {
            in: bugs(h)
              .where(exists(comments(h).where({ votes: 100 }), { id: 'bugId' }))
              .select('ownerId'),
          },
        })
        .all(),
    other: (db) => db.comments.update(7, { votes: 100 }),
  },
  {
    name: 'a query within a condition of groups, and a change there',
    read: (h) =>
      bugs(h)
        .groupBy('ownerId', { n: { count: true } })
        .having({ ownerId: { in: users(h).where({ team: 'z' }).select('id') } })
        .all(),
    other: (db) => db.users.update('u1', { team: 'z' }),
  },
  {
    name: 'windows, and a record that changes the places of others',
    read: (h) => ranked(h).all(),
    other: (db) => db.bugs.insert({ ...bug(400), status: 'done', votes: -1 }),
  },
  {
    name: 'the first place of a window, and a record behind it that changes',
    read: (h) => ranked(h).where({ place: 1 }).all(),
    other: (db) => db.bugs.update(5, { votes: -1 }),
  },
  {
    name: 'distinct values, and a new one',
    read: (h) => bugs(h).select('status').distinct().all(),
    other: (db) => db.bugs.update(5, { status: 'new' }),
  },
  {
    name: 'a union, and a row of its first side',
    read: (h) => both(h).all(),
    other: (db) => db.bugs.update(5, { votes: 3 }),
  },
  {
    name: 'a union, and a row of its other side',
    read: (h) => both(h).all(),
    other: (db) => db.comments.update(5, { votes: 6 }),
  },
  {
    name: 'an except that left a row, and one that takes it away',
    read: (h) =>
      bugs(h)
        .select('votes')
        .except(comments(h).where({ votes: 12 }).select('votes'))
        .all(),
    other: (db) => db.comments.update(5, { votes: 12 }),
  },
  {
    name: 'an intersect, and what both have then',
    read: (h) => bugs(h).where({ votes: 40 }).select('votes').intersect(comments(h).select('votes')).all(),
    other: (db) => db.bugs.update(5, { votes: 40 }),
  },
  {
    name: 'the nearest, and one that is nearer',
    read: (h) => bugs(h).nearest('place', { lat: 1, lng: 1 }).limit(2).all(),
    other: (db) => db.bugs.update(5, { place: { lat: 1, lng: 1 } }),
  },
  {
    name: 'those nearer than a distance, and one that comes nearer',
    read: (h) =>
      bugs(h)
        .nearest('place', { lat: -80, lng: 0 })
        .where({ $distance: { lt: 1000 } })
        .all(),
    other: (db) => db.bugs.update(5, { place: { lat: -80, lng: 0 } }),
  },
  {
    name: 'the nearest vectors, and one that is nearer',
    read: (h) => bugs(h).nearest('vector', [9, 9, 9], { metric: 'l2' }).limit(2).all(),
    other: (db) => db.bugs.update(5, { vector: Float32Array.from([9, 9, 9]) }),
  },
  {
    name: 'rows of a limited block, and one that comes before its last',
    read: (h) =>
      bugs(h)
        .orderBy('votes')
        .limit(3)
        .rows()
        .groupBy([], { n: { sum: 'id' } })
        .all(),
    other: (db) => db.bugs.update(5, { votes: -1 }),
  },
  {
    name: 'a search, and an insert that matches it',
    read: (h) => bugs(h).search('unheard').all(),
    other: (db) => db.bugs.insert({ ...bug(400), title: 'an unheard thing' }),
  },
  {
    name: 'a search, and a match that no longer is one',
    read: (h) => bugs(h).search('broken').limit(1).all(),
    other: (db) => db.bugs.update(0, { title: 'mended' }),
  },
  {
    name: 'a search with a least score, and an insert that matches it',
    read: (h) =>
      bugs(h)
        .search('unheard')
        .where({ $score: { gt: 0 } })
        .all(),
    other: (db) => db.bugs.insert({ ...bug(400), title: 'an unheard thing' }),
  },
  {
    name: 'one search in two parts of a query, and a match of the first part only',
    read: (h) => {
      const found = bugs(h).search('unheard')
      return found
        .where({ votes: 500 })
        .select('id')
        .union(found.where({ votes: 600 }).select('id'))
        .all()
    },
    other: (db) => db.bugs.insert({ ...bug(400), title: 'an unheard thing', votes: 500 }),
  },
  {
    name: 'one search in two parts of a query, and a match of the other part only',
    read: (h) => {
      const found = bugs(h).search('unheard')
      return found
        .where({ votes: 500 })
        .select('id')
        .union(found.where({ votes: 600 }).select('id'))
        .all()
    },
    other: (db) => db.bugs.insert({ ...bug(400), title: 'an unheard thing', votes: 600 }),
  },
  {
    name: 'a search in a query within, and an insert that matches it',
    read: (h) =>
      users(h)
        .where(exists(bugs(h).search('unheard'), { id: 'ownerId' }))
        .all(),
    other: (db) => db.bugs.insert({ ...bug(400), title: 'an unheard thing' }),
  },
  {
    name: 'a join with a collection that does not exist, and its first record',
    read: (h) => bugs(h).leftJoin('thing', h.collection('things'), { id: 'bugId' }).count(),
    other: (db) => db.collection('things').insert({ id: 1, bugId: 3 }),
  },
  {
    name: 'an iteration that was left early, and what lies behind it in a group',
    read: async (h) => {
      for await (const _ of byStatus(h).iterate()) break
    },
    other: (db) => db.bugs.update(1, { votes: 0 }),
  },
]

const MUST_NOT: readonly Case[] = [
  {
    name: 'a join, and a record of its left side outside its filter',
    read: (h) => owned(h).all(),
    other: (db) => db.bugs.update(1, { votes: 99 }),
  },
  {
    name: 'a join, and a record of its other side outside its filter',
    read: (h) => owned(h).all(),
    other: (db) => db.users.update('u1', { team: 'w' }),
  },
  {
    name: 'a join filtered by the joined record, and one outside that filter',
    read: (h) => bugs(h).join('owner', users(h), { ownerId: 'id' }).where({ 'owner.team': 'x' }).all(),
    other: (db) => db.users.update('u1', { team: 'w' }),
  },
  {
    name: 'a left join that a filter of the joined record makes an inner one, and one outside that filter',
    read: (h) => bugs(h).leftJoin('owner', users(h), { ownerId: 'id' }).where({ 'owner.team': 'x' }).all(),
    other: (db) => db.users.update('u1', { team: 'w' }),
  },
  {
    name: 'a join, and another collection',
    read: (h) => owned(h).all(),
    other: (db) => db.comments.deleteMany({}),
  },
  {
    name: 'an aggregate of a group, and a record outside its filter',
    read: (h) => byStatus(h).all(),
    other: (db) => db.bugs.update(7, { votes: 99 }),
  },
  {
    name: 'a comparison of two fields that is true neither before nor after',
    read: (h) =>
      comments(h)
        .where((e) => e.eq('votes', 'id'))
        .all(),
    other: (db) => db.comments.update(30, { votes: 29 }),
  },
  {
    name: 'windows over a comparison of two fields that is true neither before nor after',
    read: (h) =>
      comments(h)
        .where((e) => e.eq('votes', 'id'))
        .window({ n: { rowNumber: true } })
        .all(),
    other: (db) => db.comments.update(30, { votes: 29 }),
  },
  {
    name: 'exists, and a record outside the filter of the query within',
    read: (h) => discussed(h).all(),
    other: (db) => db.comments.update(7, { votes: 99 }),
  },
  {
    name: 'in of a query within, and a record outside its filter',
    read: (h) => ofTeam(h).all(),
    other: (db) => db.users.update('u1', { team: 'w' }),
  },
  {
    name: 'windows, and a record outside their filter',
    read: (h) => ranked(h).all(),
    other: (db) => db.bugs.update(2, { votes: 99 }),
  },
  {
    name: 'a union, and records outside the filters of both',
    read: (h) => both(h).all(),
    other: async (db) => {
      await db.bugs.update(5, { votes: 5 })
      await db.comments.update(3, { votes: 4 })
    },
  },
  {
    name: 'the nearest of some, and a record that is none of them',
    read: (h) => bugs(h).where({ status: 'open' }).nearest('place', { lat: 1, lng: 1 }).limit(2).all(),
    other: (db) => db.bugs.update(1, { place: { lat: 1, lng: 1 } }),
  },
  {
    name: 'near a place, and a record that is far before and after',
    read: (h) =>
      bugs(h)
        .where({ place: { near: { lat: -80, lng: 0, radiusMeters: 1000 } } })
        .all(),
    other: (db) => db.bugs.update(1, { place: { lat: 80, lng: 0 } }),
  },
  {
    name: 'a search, and an insert that does not match it',
    read: (h) => bugs(h).search('unheard').all(),
    other: (db) => db.bugs.insert({ ...bug(400), title: 'a common thing' }),
  },
  {
    name: 'a search of some, and a match that is none of them',
    read: (h) => bugs(h).search('unheard').where({ status: 'open' }).all(),
    other: (db) => db.bugs.insert({ ...bug(400), title: 'an unheard thing', status: 'done' }),
  },
  {
    name: 'what contradicts itself, and any change',
    read: (h) =>
      bugs(h)
        .where({ status: 'open' })
        .where({ status: 'done' })
        .groupBy('votes', { n: { count: true } })
        .all(),
    other: (db) => db.bugs.update(4, { status: 'done' }),
  },
]

async function outcome(run: Case, options: { readonly isolation?: 'snapshot' } = {}): Promise<string> {
  let result = ''
  await withFilled(async (db) => {
    const tx = db.begin(options)
    await run.read(tx)
    tx.collection('log').insert({ id: 1 })
    await run.other(db)
    result = await tx.commit().then(
      () => 'committed',
      (error: unknown) => (isBlazeError(error) ? error.code : String(error)),
    )
    expect(db.collection('log').has(1)).toBe(result === 'committed')
  })
  return result
}

describe('a serializable transaction conflicts with', () => {
  it.each(MUST)('$name', async (each) => {
    expect(await outcome(each)).toBe('CONFLICT')
  })
})

describe('a serializable transaction does not conflict with', () => {
  it.each(MUST_NOT)('$name', async (each) => {
    expect(await outcome(each)).toBe('committed')
  })
})

describe('what never conflicts', () => {
  it('at snapshot level, is what was only read', async () => {
    for (const each of MUST) expect(await outcome(each, { isolation: 'snapshot' }), each.name).toBe('committed')
  })

  it('is a transaction that only read, a snapshot, and db.read, which go on to answer the same', () =>
    withFilled(async (db) => {
      const tx = db.begin()
      using snapshot = db.snapshot()
      const reading = db.read(async (read) => {
        const before = Object.values(EVERY_KIND).map((make) => make(read).count())
        for (const each of MUST) if (!each.name.includes('no longer')) await each.other(db).catch(() => undefined)
        expect(Object.values(EVERY_KIND).map((make) => make(read).count())).toEqual(before)
        return before
      })
      const counts = (handle: Handle) => Object.values(EVERY_KIND).map((make) => make(handle).count())
      const before = [counts(tx), counts(snapshot)]
      const read = await reading
      expect([counts(tx), counts(snapshot)]).toEqual(before)
      expect(before).toEqual([read, read])
      expect(counts(db)).not.toEqual(read)
      await tx.commit()
    }))
})
