import { describe, expect, it } from 'vitest'
import type { DatabaseWith } from '../../../src/engine/database.ts'
import { type Scheduler, schedule, type Task } from '../../../src/testing/scheduler/schedule.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { closeChecked } from '../fixture.ts'

type Db = DatabaseWith<Record<never, never>>

/** Somebody always gets through, within bounds that are counted in turns and attempts, never in time. */
const COUNTERS = [1, 2, 3]

async function withCounters<V>(
  source: number | readonly number[],
  run: (db: Db, s: Scheduler) => Promise<V>,
): Promise<V> {
  const { value } = await schedule(source, async (s) => {
    const db: Db = await s.openMemory({})
    await db.collection('c').insertMany(COUNTERS.map((id) => ({ id, n: 0 })))
    const result = await run(db, s)
    await closeChecked(db)
    return result
  })
  return value
}

describe('under contention', () => {
  /** Each of them reads and writes every counter, with a step between. */
  const addToAll = (db: Db, task: Task, snapshots: number[], retries: number) =>
    db.transaction(
      async (tx) => {
        snapshots.push(tx.commitNumber)
        const c = tx.collection('c')
        for (const id of COUNTERS) {
          const n = Number(c.get(id)!['n'])
          await task.step()
          c.update(id, { n: n + 1 })
        }
      },
      { retries },
    )

  it('there is no round in which all abort: who loses, lost to a commit that was made meanwhile', async () => {
    const tasks = 5
    let lost = 0
    for (let n = 0; n < effort(12); n++) {
      await withCounters(seed() + n, async (db, s) => {
        const snapshots: number[][] = Array.from({ length: tasks }, () => [])
        await Promise.all(snapshots.map((own, i) => s.task(`t${i}`, (task) => addToAll(db, task, own, tasks))))
        expect(
          db
            .collection('c')
            .orderBy('id')
            .all()
            .map((record) => record['n']),
        ).toEqual(COUNTERS.map(() => tasks))
        for (const own of snapshots) {
          // A later attempt has a later snapshot: something was committed between the two.
          expect(own).toEqual([...new Set(own)].sort((a, b) => a - b))
          lost += own.length - 1
        }
        const attempts = snapshots.flat().length
        expect(attempts).toBeLessThanOrEqual((tasks * (tasks + 1)) / 2)
      })
    }
    expect(lost).toBeGreaterThan(0)
  })

  it('a transaction that keeps losing to others gets through alone, within its retries', async () => {
    for (let n = 0; n < effort(3); n++) {
      await withCounters(seed() + n, async (db, s) => {
        let done = false
        let rivals = 0
        const attempts: number[] = []
        const rival = (name: string) =>
          s.task(name, async (task) => {
            while (!done && rivals < 2000) {
              await db.transaction(
                (tx) => tx.collection('c').update(1 + (rivals % 3), (record) => ({ n: Number(record['n']) + 1 })),
                { retries: 100 },
              )
              rivals++
              await task.step()
            }
          })
        const slow = s.task('slow', async (task) => {
          await db.transaction(async (tx) => {
            attempts.push(rivals)
            for (let i = 0; i < 30; i++) {
              await task.step()
              tx.collection('c').get(COUNTERS[i % 3]!)
            }
            tx.collection('c').insert({ id: 99, n: 0 })
          })
          done = true
        })
        await Promise.all([slow, rival('a'), rival('b')])
        expect(db.collection('c').has(99)).toBe(true)
        // The first attempts are lost, the sixth keeps the others out.
        expect(attempts.length).toBeGreaterThan(1)
        expect(attempts.length).toBeLessThanOrEqual(8)
      })
    }
  })

  it('transactions that only read never fail, and see all of another or nothing', async () => {
    for (let n = 0; n < effort(8); n++) {
      await withCounters(seed() + n, async (db, s) => {
        const writers = ['w1', 'w2'].map((name) =>
          s.task(name, async (task) => {
            for (let i = 0; i < 4; i++) await addToAll(db, task, [], 100)
          }),
        )
        const look = async (task: Task, handle: Pick<Db, 'collection'>): Promise<void> => {
          const seen = new Set<unknown>()
          for (const id of COUNTERS) {
            seen.add(handle.collection('c').get(id)!['n'])
            await task.step()
          }
          expect(seen.size).toBe(1)
        }
        const readers = [
          s.task('transaction', async (task) => {
            // The cast: reading, a transaction has what a database has.
            for (let i = 0; i < 6; i++) await db.transaction((tx) => look(task, tx as unknown as Db), { retries: 0 })
          }),
          s.task('read', async (task) => {
            for (let i = 0; i < 6; i++) await db.read((snapshot) => look(task, snapshot as unknown as Db))
          }),
        ]
        await Promise.all([...writers, ...readers])
      })
    }
  })
})

describe('a long transaction beside a load of commits', () => {
  /** Its reads are validated while others go on committing. Gives how many they committed in that time. */
  async function commitsDuringValidation(load: { before: number; batch: number }): Promise<number> {
    return await withCounters(seed(), async (db, s) => {
      const tx = db.begin()
      expect(
        tx
          .collection('c')
          .where({ n: { gte: 1_000_000 } })
          .count(),
      ).toBe(0)
      tx.collection('mine').insert({ id: 1 })
      for (let at = 0; at < load.before; at += 100) {
        await db.collection('c').insertMany(Array.from({ length: 100 }, (_, i) => ({ id: 1000 + at + i, n: 0 })))
      }
      let during = 0
      let done = false
      const writer = s.task('load', async () => {
        while (!done && during < 150) {
          const first = 1_000_000 + during * load.batch
          await db.collection('c').insertMany(
            Array.from({ length: load.batch }, (_, i) => ({ id: first + i, n: 0 })),
            { durability: 'none' },
          )
          during++
          await s.clock.yield()
        }
      })
      const validated = s.task('long', async () => {
        await tx.commit()
        done = true
      })
      await Promise.all([validated, writer])
      expect(db.collection('mine').has(1)).toBe(true)
      return during
    })
  }

  it('is validated in as many turns as there are slices in what was written, and a few', async () => {
    expect(await commitsDuringValidation({ before: 5000, batch: 10 })).toBeLessThanOrEqual(30)
  })

  it('is validated in bounded time also when each turn brings more than a slice', async () => {
    expect(await commitsDuringValidation({ before: 2000, batch: 700 })).toBeLessThanOrEqual(30)
  })
})
