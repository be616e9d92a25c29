/**
 * What the garbage collector keeps, through the public API: of every record the versions that some holder sees, and
 * nothing else, whoever holds (snapshots, transactions, iterations, dropped ones) and in whatever order they end.
 */
import { expect, it } from 'vitest'
import { manualClock } from '../../../src/platform/manual-clock.ts'
import { seededRandom } from '../../../src/platform/seeded-random.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

const RECORDS = 40
const STEPS = 400

interface Holder {
  /** The commit it reads at. */
  readonly commit: number
  /** What it sees of n by id, read by the holder itself where it can be asked. */
  readonly see: (() => unknown[]) | undefined
  readonly expected: readonly number[]
  end(): Promise<unknown>
}

const collect = (globalThis as { gc?: () => void }).gc

it('is exactly what is seen, through random histories', async () => {
  const random = seededRandom(seed())
  for (let run = 0; run < effort(2); run++) {
    const clock = manualClock()
    const db = await openOn(freshPlatform(run, clock), { syncWrites: 'never' })
    const items = db.collection('items')
    await db.createIndex('items', 'n')
    const state = Array.from({ length: RECORDS }, () => 0)
    await items.insertMany(state.map((n, id) => ({ id, n })))
    /** [begin, end) of each superseded version. */
    const intervals: { readonly begin: number; readonly end: number }[] = []
    const since = state.map(() => db.commitNumber)
    const begin = async (): Promise<Holder> => {
      const commit = db.commitNumber
      const expected = [...state]
      const kind = random.below(4)
      if (kind === 0) {
        const snapshot = db.snapshot()
        const see = (): unknown[] =>
          snapshot
            .collection('items')
            .query()
            .orderBy('id')
            .all()
            .map(({ n }) => n)
        return { commit, expected, see, end: async () => snapshot.close() }
      }
      if (kind === 1) {
        const transaction = db.begin()
        const see = (): unknown[] =>
          transaction
            .collection('items')
            .where({ n: { gte: 0 } })
            .orderBy('id')
            .all()
            .map(({ n }) => n)
        return { commit, expected, see, end: async () => transaction.rollback() }
      }
      const iteration = items.query().orderBy('id').iterate()
      await iteration.next()
      if (kind === 2) return { commit, expected, see: undefined, end: () => iteration.return() }
      const rest = async (): Promise<void> => {
        const rows = [state[0]]
        for await (const { n } of iteration) rows.push(n as number)
        expect(rows.slice(1)).toEqual(expected.slice(1))
      }
      return { commit, expected, see: undefined, end: rest }
    }
    const live = async (): Promise<void> => {
      const holders: Holder[] = []
      for (let step = 0; step < STEPS; step++) {
        const id = random.below(RECORDS)
        const n = step + 1
        await items.update(id, { n }, { durability: 'none' })
        intervals.push({ begin: since[id]!, end: db.commitNumber })
        since[id] = db.commitNumber
        state[id] = n
        if (random.below(8) === 0) holders.push(await begin())
        if (random.below(9) === 0 && holders.length > 0) {
          const [gone] = holders.splice(random.below(holders.length), 1)
          await gone!.end()
        }
        if (step % 40 !== 39) continue
        clock.advance(50)
        const seen = intervals.filter((each) => holders.some(({ commit }) => commit >= each.begin && commit < each.end))
        expect(db.stats().versions.count).toBe(seen.length)
        for (const { see, expected } of holders) if (see !== undefined) expect(see()).toEqual(expected)
      }
    }
    await live()
    // The rest is dropped without an end.
    clock.advance(2000)
    for (let round = 0; db.stats().snapshots.count > 0 && round < 50; round++) {
      collect?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    clock.advance(100)
    expect(db.stats()).toMatchObject({ versions: { count: 0 }, snapshots: { count: 0 } })
    await closeChecked(db)
  }
})
