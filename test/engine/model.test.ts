import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import type { DatabaseWith } from '../../src/engine/database.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/seeded-random.ts'
import type { DynamicRecord } from '../../src/query/types.ts'
import { effort } from '../support/effort.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'
import { closeChecked, freshPlatform, openOn } from './fixture.ts'

/**
 * The whole engine against a Map: random writes, batches, transactions and snapshots, with checkpoints, cleaning, reopens,
 * kills and power cuts in between. After a kill every acknowledged commit is there; what was not acknowledged is there
 * whole or not at all, and the state is that after some prefix of the commits.
 */
type Model = Map<number, DynamicRecord>
type Db = DatabaseWith<Record<never, never>>

const IDS = 60
const KEYS = 25

function copyOf(model: Model): Model {
  return new Map([...model].map(([id, record]) => [id, { ...record }]))
}

function sorted(rows: Iterable<DynamicRecord>): DynamicRecord[] {
  return [...rows].map((row) => ({ ...row })).sort((a, b) => Number(a.id) - Number(b.id))
}

function randomRecord(random: SeededRandom, id: number): DynamicRecord {
  const record: DynamicRecord = { id, n: random.below(KEYS), text: 'x'.repeat(random.below(40)) }
  if (random.below(3) === 0) record['tags'] = ['a', 'b', 'c'].slice(random.below(3))
  if (random.below(40) === 0) record['big'] = 'y'.repeat(40_000 + random.below(60_000))
  return record
}

/** One random write on the database; `apply` is what it does to the model once it is known to have happened. */
function randomWrite(
  db: Db,
  model: Model,
  random: SeededRandom,
): { done: Promise<unknown>; apply: (m: Model) => void } {
  const items = db.collection('items')
  const id = random.below(IDS)
  const record = randomRecord(random, id)
  switch (random.below(6)) {
    case 0:
    case 1:
      return {
        done: items.upsert(record),
        apply: (m) => m.set(id, { ...m.get(id), ...record }),
      }
    case 2:
      return { done: items.delete(id), apply: (m) => m.delete(id) }
    case 3: {
      const batch = Array.from({ length: 1 + random.below(8) }, () => randomRecord(random, random.below(IDS)))
      return {
        done: items.upsertMany(batch),
        apply: (m) => {
          for (const each of batch) m.set(Number(each.id), { ...m.get(Number(each.id)), ...each })
        },
      }
    }
    case 4: {
      const n = random.below(KEYS)
      return {
        done: items.deleteMany({ n }),
        apply: (m) => {
          for (const [key, value] of m) if (value['n'] === n) m.delete(key)
        },
      }
    }
    default: {
      const other = random.below(IDS)
      const known = model.has(id)
      return {
        done: db.transaction(async (tx) => {
          const inside = tx.collection('items')
          if (inside.get(id) !== undefined) inside.update(id, { n: record['n'] })
          inside.upsert({ id: other, n: 3 })
          expect(inside.get(other)?.['n']).toBe(3)
        }),
        apply: (m) => {
          if (known && m.has(id)) m.set(id, { ...m.get(id)!, n: record['n'] })
          m.set(other, { ...m.get(other), id: other, n: 3 })
        },
      }
    }
  }
}

function expectSame(db: Db, model: Model, random: SeededRandom): void {
  const items = db.collection('items')
  expect(sorted(items.all())).toEqual(sorted(model.values()))
  expect(items.count()).toBe(model.size)
  const n = random.below(KEYS)
  expect(sorted(items.where({ n }).all())).toEqual(sorted([...model.values()].filter((each) => each['n'] === n)))
  const high = items
    .where({ n: { gte: n } })
    .orderBy('n', 'desc')
    .all()
  expect(high.map((row) => row['n'])).toEqual(
    [...model.values()]
      .map((each) => Number(each['n']))
      .filter((each) => each >= n)
      .sort((a, b) => b - a),
  )
  expect(sorted(items.where({ tags: { any: 'b' } }).all())).toEqual(
    sorted([...model.values()].filter((each) => Array.isArray(each['tags']) && each['tags'].includes('b'))),
  )
}

async function open(platform: MemoryPlatform): Promise<Db> {
  const db = await openOn(platform, { retain: { logBytes: 0 } })
  const known = new Set(db.stats().collections.flatMap((each) => each.indexes))
  if (!known.has('n')) await db.createIndex('items', 'n')
  if (!known.has('tags')) await db.createIndex('items', { on: 'tags', each: true })
  return db
}

describe('the engine against a model', () => {
  it('gives after every operation, snapshot, checkpoint and reopen what a Map gives', async () => {
    const random = seededRandom(seed())
    const platform = freshPlatform()
    let db = await open(platform)
    const model: Model = new Map()
    const snapshots: { snapshot: ReturnType<Db['snapshot']>; model: Model }[] = []
    const steps = effort(1500)
    for (let step = 0; step < steps; step++) {
      const action = random.below(100)
      if (action < 70) {
        const { done, apply } = randomWrite(db, model, random)
        await done
        apply(model)
      } else if (action < 80) snapshots.push({ snapshot: db.snapshot(), model: copyOf(model) })
      else if (action < 92 && snapshots.length > 0) {
        const [held] = snapshots.splice(random.below(snapshots.length), 1)
        const n = random.below(KEYS)
        const items = held!.snapshot.collection('items')
        expect(sorted(items.all())).toEqual(sorted(held!.model.values()))
        expect(sorted(items.where({ n }).all())).toEqual(
          sorted([...held!.model.values()].filter((each) => each['n'] === n)),
        )
        held!.snapshot.close()
      } else if (action < 96) await db.checkpoint()
      else if (action < 98) {
        for (const { snapshot } of snapshots.splice(0)) snapshot.close()
        await closeChecked(db)
        db = await open(platform)
      } else expectSame(db, model, random)
    }
    for (const { snapshot } of snapshots) snapshot.close()
    expectSame(db, model, random)
    await closeChecked(db)
    figure('model', 'commands', steps)
  })

  it('holds every acknowledged commit after a kill or a power cut, and a prefix of the others', async () => {
    const random = seededRandom(seed() + 1)
    let platform = freshPlatform()
    let model: Model = new Map()
    const rounds = effort(60)
    for (let round = 0; round < rounds; round++) {
      const db = await open(platform)
      expectSame(db, model, random)
      const commits: ((m: Model) => void)[] = []
      let acknowledged = 0
      for (let step = random.below(12); step > 0; step--) {
        const { done, apply } = randomWrite(db, model, random)
        if (random.below(8) === 0) await db.checkpoint()
        await done
        apply(model)
      }
      for (let step = random.below(5); step > 0; step--) {
        const items = db.collection('items')
        const record = randomRecord(random, random.below(IDS))
        const at = commits.push((m) => m.set(Number(record.id), { ...m.get(Number(record.id)), ...record }))
        items.upsert(record).then(
          () => {
            acknowledged = Math.max(acknowledged, at)
          },
          (error: unknown) => expect(isBlazeError(error)).toBe(true),
        )
        if (random.below(2) === 0) await Promise.resolve()
      }
      const survived = acknowledged
      const mode = (['lose-unsynced', 'torn', 'keep-all'] as const)[random.below(3)]!
      const crashed = platform.crash({ seed: seed() + round, mode })
      await db.close()
      platform = crashed
      const after = await open(platform)
      const found = sorted(after.collection('items').all())
      let matched: Model | undefined
      const candidate = copyOf(model)
      for (let count = 0; count <= commits.length; count++) {
        if (count > 0) commits[count - 1]!(candidate)
        if (count < survived) continue
        if (JSON.stringify(found) === JSON.stringify(sorted(candidate.values()))) matched = copyOf(candidate)
      }
      expect(matched, `round ${round}, ${mode}: the state after a crash is that after some prefix`).toBeDefined()
      model = matched!
      await closeChecked(after)
    }
    figure('model', 'crashes survived', rounds)
  })
})
