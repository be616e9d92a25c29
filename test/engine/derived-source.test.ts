import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import { compareValues } from '../../src/codec/order.ts'
import { readableSlots } from '../../src/columns/readable.ts'
import { TransactionCollection } from '../../src/engine/collection.ts'
import { Database } from '../../src/engine/database.ts'
import { SnapshotSource } from '../../src/engine/record-source.ts'
import { TransactionSession } from '../../src/engine/transaction.ts'
import { ZONE_SLOTS } from '../../src/mvcc/slots.ts'
import { END, type Row } from '../../src/query/source.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { closeChecked, freshPlatform, openOn, withDatabase } from './fixture.ts'

/** Every record that the source sees, by the slow way that knows no derived structure. */
function scanned(source: SnapshotSource): Row[] {
  const rows: Row[] = []
  const cursor = source.scan()
  while (cursor.read(rows, 100) !== END);
  return rows.sort((a, b) => compareValues(a.id, b.id))
}

/** The same by the rules of DerivedSource: sure slots by their columns, then what changed since, then own rows. */
function derived(source: SnapshotSource): Row[] {
  const from = source.derived
  const { live, columns } = from.columns.prepare([['n'], ['id']]).finish()
  const masked = from.maskedSlots
  const { ranges, unsure } = readableSlots(from.rows, {
    snapshot: from.snapshot,
    from: 0,
    to: from.rows.highSlot,
    masked,
  })
  const rows: Row[] = []
  const cell = (f: number, slot: number): Value | undefined => {
    const column = columns[f]!
    if (column.kind === 'coded') return column.dictionary.values[column.codes[slot]!]
    expect.fail(`a column of kind ${column.kind}`)
  }
  for (let i = 0; i < ranges.length; i += 2) {
    for (let slot = ranges[i]!; slot < ranges[i + 1]!; slot++) {
      if (live.bytes[slot] === 0) continue
      const n = cell(0, slot)
      rows.push({ id: cell(1, slot) as string, ...(n === undefined ? {} : { n }) })
    }
  }
  const changed = from.changedSlots(0, from.rows.highSlot)
  // Where a snapshot sees something is known without a look at each slot that is unsure.
  expect(changed.filter((slot) => !masked.includes(slot))).toEqual(
    unsure.filter((slot) => from.recordAt(slot) !== undefined),
  )
  const others = changed.filter((slot) => !masked.includes(slot))
  expect(from.readRows(others, 0, others.length, rows)).toBe(others.length)
  rows.push(...from.ownRows())
  if (from.isNewest) expect([changed, unsure, masked]).toEqual([[], expect.anything(), []])
  return rows.sort((a, b) => compareValues(a.id, b.id))
}

const step = fc.record({
  kind: fc.constantFrom('put', 'put', 'delete', 'hold', 'release', 'await', 'prune', 'look', 'own put', 'own delete'),
  id: fc.integer({ min: 0, max: 9 }).map((n) => `record ${n}`),
  n: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
})

describe('a snapshot over derived structures', () => {
  it('sees by columns, changed slots and own rows what it sees by a scan', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), (steps) =>
      withDatabase(async (db) => {
        const things = db.collection('things')
        await things.insertMany(Array.from({ length: 5 }, (_, n) => ({ id: `record ${n}`, n })))
        const core = Database.coreOf(db)
        const state = core.collections.get('things')!
        const session = new TransactionSession(core, {
          isolation: 'snapshot',
          durability: 'full',
          label: 'test',
        })
        const own = new TransactionCollection('things', session, { forWriting: () => state })
        const held = [db.snapshot()]
        const written: Promise<unknown>[] = []
        const look = (): void => {
          for (const snapshot of [core.publisher.visible, core.installed, ...held.map((each) => each.commitNumber)]) {
            const source = new SnapshotSource(core, state, { snapshot, assertAlive: () => undefined })
            expect(derived(source)).toEqual(scanned(source))
          }
          const source = session.view.open(state) as SnapshotSource
          expect(derived(source)).toEqual(scanned(source))
        }
        for (const { kind, id, n } of steps) {
          if (kind === 'put') written.push(things.upsert({ id, n }))
          else if (kind === 'delete') written.push(things.delete(id))
          else if (kind === 'hold') held.push(db.snapshot())
          else if (kind === 'release') held.shift()?.close()
          else if (kind === 'await') await Promise.all(written)
          else if (kind === 'prune') core.prune(1000)
          else if (kind === 'own put') own.upsert({ id, n })
          else if (kind === 'own delete') own.delete(id)
          else look()
        }
        look()
        await Promise.all(written)
        for (const each of held) each.close()
        session.rollback()
      }),
    )
    await fc.assert(property, { seed: seed(), numRuns: effort(60) })
  })

  it('keeps what a query took of its transaction from changing while it runs', () =>
    withDatabase(async (db) => {
      await db.collection('things').insertMany([{ id: 'a' }, { id: 'b' }])
      const core = Database.coreOf(db)
      const state = core.collections.get('things')!
      const session = new TransactionSession(core, {
        isolation: 'serializable',
        durability: 'full',
        label: 'test',
      })
      const own = new TransactionCollection('things', session, { forWriting: () => state })
      own.delete('a')
      own.insert({ id: 'c' })
      const { derived: running } = session.view.open(state)
      expect(running?.maskedSlots).toEqual([0])
      own.delete('b')
      own.insert({ id: 'd' })
      expect([running?.maskedSlots, running?.ownRows()]).toEqual([[0], [{ id: 'c' }]])
      expect(session.view.open(state).derived?.ownRows()).toEqual([{ id: 'c' }, { id: 'd' }])
      session.rollback()
    }))

  it('looks only at the slots of zones with a commit since', () =>
    withDatabase(async (db) => {
      const things = db.collection('things')
      await things.insertMany(Array.from({ length: 3 * ZONE_SLOTS }, (_, n) => ({ id: n })))
      using before = db.snapshot()
      await things.upsertMany([
        { id: 5, n: 1 },
        { id: 3 * ZONE_SLOTS - 1, n: 1 },
        { id: 2 * ZONE_SLOTS + 7, n: 1 },
      ])
      await things.delete(6)
      const core = Database.coreOf(db)
      const state = core.collections.get('things')!
      const { derived: from } = new SnapshotSource(core, state, {
        snapshot: before.commitNumber,
        assertAlive: () => undefined,
      })
      expect(from.changedSlots(0, from.rows.highSlot)).toEqual([5, 6, 2 * ZONE_SLOTS + 7, 3 * ZONE_SLOTS - 1])
      expect(from.changedSlots(6, 2 * ZONE_SLOTS)).toEqual([6])
      expect([from.isNewest, from.recordAt(5), from.recordAt(6)]).toEqual([false, { id: 5 }, { id: 6 }])
    }))

  it('throws CONFLICT when the collection has been dropped, and its columns are given back', () =>
    withDatabase(async (db) => {
      await db.collection('things').insertMany([{ id: 'a' }, { id: 'b' }])
      const core = Database.coreOf(db)
      const state = core.collections.get('things')!
      const source = new SnapshotSource(core, state, { snapshot: core.installed, assertAlive: () => undefined })
      const { derived: from } = source
      from.columns.prepare([['id']]).finish()
      expect(core.derived.usedBytes()).toBeGreaterThan(0)
      await db.dropCollection('things')
      expect(core.derived.usedBytes()).toBe(0)
      for (const use of [
        () => from.assertAlive(),
        () => from.recordAt(0),
        () => from.changedSlots(0, 2),
        () => from.readRows([0], 0, 1, []),
      ]) {
        expect(use).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
      }
    }))

  it('keeps the columns of all collections together within their share of the memory', async () => {
    const db = await openOn(freshPlatform(), { memoryBytes: 16 * 1024 * 1024 })
    const names = ['a', 'b', 'c']
    const embedding = new Float32Array(128).fill(1)
    for (const name of names) {
      await db.collection(name).insertMany(Array.from({ length: 4096 }, (_, id) => ({ id, embedding })))
    }
    const core = Database.coreOf(db)
    let made = 0
    for (const name of [...names, ...names]) {
      const { columns } = core.derived.of(core.collections.get(name)!)
      expect(core.derived.usedBytes()).toBeLessThan((16 * 1024 * 1024) / 4)
      const before = columns.usedBytes()
      const { columns: prepared } = columns.prepare([['embedding']]).finish()
      expect(prepared[0]?.kind).toBe('vector')
      made += columns.usedBytes() - before
    }
    // Each of 2 MB: the first to be asked for again had gone.
    expect(made).toBeGreaterThan(4 * 2 * 1024 * 1024)
    await closeChecked(db)
  })
})
