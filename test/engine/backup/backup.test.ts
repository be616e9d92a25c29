/**
 * Backups of a database that is being written, and what is restored from them: the state at the commit that each names.
 */
import { describe, expect, it } from 'vitest'
import { restoreDatabase } from '../../../src/engine/backup/restore.ts'
import { Database } from '../../../src/engine/database.ts'
import { openDatabase } from '../../../src/engine/open-database.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import { type SeededRandom, seededRandom } from '../../../src/platform/seeded-random.ts'
import { effort } from '../../support/effort.ts'
import { figure } from '../../support/figure.ts'
import { seed } from '../../support/seed.ts'
import { canonical, checked, contentOf, difference, History, type Model } from '../../torture/history.ts'
import { type Db, freshMachine, OPTIONS, openAt } from '../../torture/machine.ts'
import { begin, randomStep, randomWrite } from '../../torture/random-history.ts'
import type { Session } from '../../torture/workload.ts'

/** The states of a database by commit number, as it was written. */
class States {
  readonly #states = new Map<number, string>()
  readonly #models = new Map<number, Model>()

  note(db: Db): void {
    const model = contentOf(db)
    this.#states.set(db.commitNumber, canonical(model))
    this.#models.set(db.commitNumber, model)
  }

  get commits(): number[] {
    return [...this.#states.keys()]
  }

  expect(db: Db, commit: number, where: string): void {
    const found = contentOf(db)
    if (canonical(found) === this.#states.get(commit)) return
    expect(difference(found, this.#models.get(commit)!), where).toEqual([])
    throw new Error(`${where}: no state of commit ${commit} was noted`)
  }
}

async function openFolder(platform: MemoryPlatform, folder: string, readOnly = false): Promise<Db> {
  return openDatabase(platform, folder, { ...OPTIONS, readOnly })
}

/** Opens a folder, compares it with the state of a commit, checks every structure. */
async function expectState(
  platform: MemoryPlatform,
  folder: string,
  { states, commit }: { readonly states: States; readonly commit: number },
  where: string,
): Promise<void> {
  const db = await openFolder(platform, folder)
  expect(Database.coreOf(db).installed, where).toBe(commit)
  states.expect(db, commit, where)
  checked(db)
  await db.collection('a').insert({ id: 'new', n: 1 })
  expect(db.commitNumber, where).toBe(commit + 1)
  const after = canonical(contentOf(db))
  await db.close()
  const again = await openFolder(platform, folder)
  expect(canonical(contentOf(again)), `${where}, opened again`).toBe(after)
  checked(again)
  await again.close()
}

async function writeSome(session: Session, random: SeededRandom, states: States, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await randomWrite(session, random)
    states.note(session.db)
  }
}

describe('a full backup', () => {
  it.each(['folder', 'file'] as const)('as a %s is the state at the commit that it names', async (as) => {
    const machine = freshMachine(1)
    const db = await openAt(machine.platform)
    await db.createIndex('a', 'n')
    for (let i = 0; i < 50; i++) await db.collection('a').upsert({ id: i % 20, n: i, text: 'x'.repeat(i) })
    const states = new States()
    states.note(db)
    const result = await db.backup('/backup', { as })
    expect(result).toMatchObject({ kind: 'full', path: '/backup', position: { commitNumber: db.commitNumber } })
    await db.collection('a').deleteMany({})
    await db.close()
    if (as === 'file') await restoreDatabase(machine.platform, { from: '/backup', to: '/restored' })
    const folder = as === 'file' ? '/restored' : '/backup'
    await expectState(machine.platform, folder, { states, commit: result.position.commitNumber }, as)
    expect(machine.platform.files.openHandles).toBe(0)
  })
})

it('backups of random histories, restored at each of their commits, are the state at that commit', {
  timeout: 600_000,
}, async () => {
  const histories = effort(2)
  let restored = 0
  for (let run = 0; run < histories; run++) {
    const random = seededRandom(seed() + run)
    const machine = freshMachine(seed() + run)
    let session = await begin(machine, new History())
    const states = new States()
    for (let step = 0; step < 25; step++) session = await randomStep(session, machine, random)
    states.note(session.db)
    const commits: number[] = []
    const positions: number[] = []
    for (let part = 0; part < 3; part++) {
      const [backup] = await Promise.all([
        session.db.backup('/archive', { as: 'archive' }),
        writeSome(session, random, states, 4),
      ])
      positions.push(backup.position.commitNumber)
      commits.push(...states.commits.filter((commit) => !commits.includes(commit)))
      if (part === 1) {
        session = await randomStep(session, machine, random)
        states.note(session.db)
      }
    }
    const last = positions.at(-1)!
    for (const commit of states.commits.filter((each) => each >= positions[0]! && each <= last)) {
      const where = `history ${run}, commit ${commit} of ${positions[0]} to ${last}`
      const target = machine.platform.crash({ mode: 'keep-all', seed: 1 })
      await restoreDatabase(target, { from: '/archive', to: '/restored', until: commit })
      if (commit % 2 === 0) {
        const db = await openFolder(target, '/restored', true)
        states.expect(db, commit, `${where}, read-only`)
        checked(db)
        await db.close()
      }
      await expectState(target, '/restored', { states, commit }, where)
      restored++
    }
    checked(session.db)
    await session.db.close()
  }
  expect(restored).toBeGreaterThan(histories * 4)
  figure('backup', 'restores equal the state at their commit', restored)
})

describe('commits that share a frame', () => {
  it('are told apart by a restore: each has its state, parts of large transactions included', async () => {
    const machine = freshMachine(2)
    const db = await openAt(machine.platform)
    await db.collection('a').insert({ id: 0, n: 0 })
    const full = await db.backup('/full')
    const first = db.commitNumber + 1
    const texts = 'z'.repeat(9_000)
    const writes: Promise<unknown>[] = []
    for (let i = 1; i < 30; i++) {
      writes.push(db.collection('a').insert({ id: i, n: i }))
      // Larger than a frame: DATA, some of it in the frame of the commits before, and its COMMIT in a later one.
      if (i % 10 === 5)
        writes.push(db.collection('b').insertMany(Array.from({ length: 9 }, (_, n) => ({ id: i * 100 + n, texts }))))
      if (i % 7 === 3) writes.push(db.collection('a').delete(i - 1))
    }
    await Promise.all(writes)
    const last = db.commitNumber
    await db.backup('/increment', { since: full.position })
    using oldest = db.snapshot()
    expect(oldest.commitNumber).toBe(last)
    await db.close()
    const counts = new Map<number, number>()
    for (let commit = first - 1; commit <= last; commit += 1 + (commit % 3)) {
      const target = machine.platform.crash({ mode: 'keep-all', seed: 1 })
      await restoreDatabase(target, { from: ['/full', '/increment'], to: '/r', until: commit })
      const readOnly = await openFolder(target, '/r', true)
      const model = canonical(contentOf(readOnly))
      checked(readOnly)
      await readOnly.close()
      const restored = await openFolder(target, '/r')
      expect(restored.commitNumber).toBe(commit)
      expect(canonical(contentOf(restored)), `commit ${commit}`).toBe(model)
      checked(restored)
      counts.set(commit, contentOf(restored).size)
      await restored.close()
      const again = await openFolder(target, '/r')
      expect(canonical(contentOf(again)), `commit ${commit}, opened again`).toBe(model)
      await again.close()
    }
    const expected: number[] = [1]
    for (let i = 1; i < 30; i++) {
      expected.push(expected.at(-1)! + 1)
      if (i % 10 === 5) expected.push(expected.at(-1)! + 9)
      if (i % 7 === 3) expected.push(expected.at(-1)! - 1)
    }
    for (const [commit, count] of counts)
      expect(count, `records after commit ${commit}`).toBe(expected[commit - first + 1])
    expect(counts.size).toBeGreaterThan(15)
  })
})
