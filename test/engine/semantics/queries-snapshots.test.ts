import { describe, expect, it } from 'vitest'
import { Database } from '../../../src/engine/database.ts'
import { type SeededRandom, seededRandom } from '../../../src/platform/seeded-random.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import {
  bug,
  COLLECTIONS,
  comment,
  EVERY_KIND,
  everyAnswer,
  type Filled,
  type Handle,
  inOrder,
  unscored,
  user,
  withFilled,
} from './every-kind.ts'

/** `db.snapshot()` and `db.asOf(n)` give one answer to each kind of query, whatever goes on beside them. */

/** A write of some kind, to any collection; most records are there. */
async function write(db: Filled, random: SeededRandom): Promise<void> {
  const name = COLLECTIONS[random.below(3)]!
  const n = random.below(50)
  const record = { bugs: bug, users: user, comments: comment }[name](n)
  const { id, ...fields } = { bugs: bug, users: user, comments: comment }[name](random.below(50))
  if (random.below(3) === 0) await db.collection(name).delete(record.id as never)
  else await db.collection(name).upsert({ ...fields, id: record.id })
}

const INDEXES = [
  ['bugs', 'votes'],
  ['bugs', 'status'],
  ['bugs', 'ownerId'],
  ['users', 'team'],
  ['comments', 'bugId'],
] as const

/** What goes on beside readers. */
async function disturb(db: Filled, random: SeededRandom): Promise<void> {
  for (let i = 0; i < 15; i++) await write(db, random)
  const there = db.stats().collections.flatMap(({ name, indexes }) => indexes.map((index) => `${name} ${index}`))
  if (random.below(3) === 0) await db.checkpoint()
  for (const [name, index] of INDEXES) {
    if (random.below(2) === 0) continue
    if (there.includes(`${name} ${index}`)) await db.dropIndex(name, index)
    else await db.createIndex(name, index)
  }
  Database.coreOf(db as Database<unknown>).prune(Number.POSITIVE_INFINITY)
}

describe('the same answers to every kind of query', () => {
  it('come from a snapshot, and from the commit of its number, while others write, delete, index and checkpoint', async () => {
    for (let run = 0; run < effort(2); run++) {
      const random = seededRandom(seed() + run)
      await withFilled(
        async (db) => {
          const kept: {
            readonly commit: number
            readonly answers: ReturnType<typeof everyAnswer>
            readonly held: Handle
          }[] = []
          for (let round = 0; round < 6; round++) {
            kept.push({ commit: db.commitNumber, answers: everyAnswer(db), held: db.snapshot() })
            await disturb(db, random)
            for (const { commit, answers: expected, held } of kept) {
              expect(everyAnswer(held)).toEqual(expected)
              using past = db.asOf(commit)
              expect(everyAnswer(past)).toEqual(expected)
            }
          }
          expect(everyAnswer(db)).not.toEqual(kept[0]!.answers)
        },
        { retain: { historyMs: 3_600_000 } },
      )
    }
  })

  it('come from an iteration, to its end, of what was there at its beginning', () =>
    withFilled(async (db) => {
      const random = seededRandom(seed())
      for (const [name, make] of Object.entries(EVERY_KIND)) {
        const query = make(db)
        const expected = inOrder(unscored(query.all()))
        const rows: unknown[] = []
        for await (const row of query.iterate()) {
          rows.push(row)
          if (rows.length < 4) await write(db, random)
        }
        expect(inOrder(unscored(rows)), name).toEqual(expected)
      }
    }))
})
