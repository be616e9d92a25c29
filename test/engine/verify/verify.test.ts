/**
 * The verification: finds nothing in sound databases, whatever they went through and whatever goes on beside it, and each
 * of a list of planted damages.
 */
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { RecordKey } from '../../../src/base/record-key.ts'
import { collection } from '../../../src/engine/collection-spec.ts'
import { Database } from '../../../src/engine/database.ts'
import type { TaskProgress } from '../../../src/engine/task.ts'
import type { ProblemKind } from '../../../src/engine/verify/problem.ts'
import { verifyFolder } from '../../../src/engine/verify/verify-folder.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import { type SeededRandom, seededRandom } from '../../../src/platform/seeded-random.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { History } from '../../torture/history.ts'
import { FOLDER, freshMachine, type Machine, OPTIONS, openAt, turns } from '../../torture/machine.ts'
import { begin, randomStep, randomWrite } from '../../torture/random-history.ts'
import type { Session } from '../../torture/workload.ts'
import { closeChecked, freshPlatform, openOn } from '../fixture.ts'

const collections = {
  notes: collection({ indexes: ['n', { on: 'email', unique: true }], search: { text: 1 } }),
}

async function database(platform: MemoryPlatform) {
  const db = await openOn(platform, { ...OPTIONS, collections })
  for (let i = 0; i < 40; i++) {
    await db.notes.upsert({ id: i, n: i % 5, email: `m${i}@x`, text: `word${i} of the many words`, pad: 'p'.repeat(i) })
  }
  await db.notes.insert({ id: 'large', n: 1, email: 'large', text: 'none', body: 'y'.repeat(1_100_000) })
  await db.notes.deleteMany({ id: { in: [3, 4] } })
  return db
}

type Notes = Awaited<ReturnType<typeof database>>

/** Where to plant: the state of the collection behind the door. */
function insidesOf(db: Notes) {
  const core = Database.coreOf(db)
  const notes = core.collections.get('notes')!
  const key = new RecordKey()
  const slotOf = (id: string | number): number => {
    key.set(id)
    return notes.heap.find(key)
  }
  const indexOf = (name: string) => notes.indexes.find((each) => each.spec.name === name)!
  return { core, notes, slotOf, indexOf }
}

const PLANTS: readonly (readonly [what: string, kind: ProblemKind, plant: (db: Notes) => unknown])[] = [
  [
    'a missing index entry',
    'index',
    (db) => {
      const { notes, slotOf, indexOf } = insidesOf(db)
      const slot = slotOf(7)
      const [key] = indexOf('n').keysOf(notes.readNewest(slot))
      indexOf('n').index.remove(key!.bytes, key!.bytes.length, slot)
    },
  ],
  [
    'an index entry of a record that is gone',
    'index',
    (db) => {
      const { notes, slotOf, indexOf } = insidesOf(db)
      const [key] = indexOf('n').keysOf(notes.readNewest(slotOf(7)))
      indexOf('n').index.insert(key!.bytes, key!.bytes.length, notes.heap.slots.highSlot + 5)
    },
  ],
  [
    'an index entry that is no key of its record',
    'index',
    (db) => {
      const { notes, slotOf, indexOf } = insidesOf(db)
      const [key] = indexOf('n').keysOf(notes.readNewest(slotOf(7)))
      indexOf('n').index.insert(key!.bytes, key!.bytes.length, slotOf(8))
    },
  ],
  [
    'two records with one unique key',
    'unique',
    (db) => {
      const { notes, slotOf, indexOf } = insidesOf(db)
      const [key] = indexOf('email').keysOf(notes.readNewest(slotOf(7)))
      indexOf('email').index.insert(key!.bytes, key!.bytes.length, 0)
    },
  ],
  [
    'a posting of another word',
    'text',
    (db) => {
      const { core, notes, slotOf } = insidesOf(db)
      const index = core.texts
        .of(notes)!
        .prepare(() => undefined)
        .finish()
      index.put(slotOf(7), index.commitOf(slotOf(7))!, ['word7 of the other words'])
    },
  ],
  [
    'a word at another place',
    'text',
    (db) => {
      const { core, notes, slotOf } = insidesOf(db)
      const index = core.texts
        .of(notes)!
        .prepare(() => undefined)
        .finish()
      index.put(slotOf(7), index.commitOf(slotOf(7))!, ['of word7 the many words'])
    },
  ],
  [
    'a text that is missing',
    'text',
    (db) => {
      const { core, notes, slotOf } = insidesOf(db)
      core.texts
        .of(notes)!
        .prepare(() => undefined)
        .finish()
        .remove(slotOf(7))
    },
  ],
  [
    'a slot without its bucket entry',
    'table',
    (db) => {
      const { notes, slotOf } = insidesOf(db)
      notes.heap.buckets.remove(slotOf(7))
    },
  ],
  [
    'a slot that points to an older version',
    'table',
    async (db) => {
      const { notes, slotOf } = insidesOf(db)
      const place = notes.heap.slots.placeOf(slotOf(7))
      const commit = notes.heap.slots.commitOf(slotOf(7))
      await db.notes.update(7, { n: 1 })
      notes.heap.slots.setNewest(slotOf(7), place, commit, false, false)
    },
  ],
  [
    'a count of records that is wrong',
    'table',
    (db) => {
      const { notes } = insidesOf(db)
      const slot = notes.heap.slots.allocate()
      notes.heap.slots.free(slot)
      Object.defineProperty(notes.heap.slots, 'liveCount', { value: 5 })
    },
  ],
  [
    'a missing piece',
    'piece',
    (db) => {
      const { core } = insidesOf(db)
      const { heap } = core.system.pieces
      heap.buckets.remove(liveSlots(heap)[1]!)
    },
  ],
  [
    'a piece of no record',
    'piece',
    (db) => {
      const { notes, slotOf } = insidesOf(db)
      // The record is what it was before it was large: its pieces stay.
      notes.heap.slots.setPlace(slotOf('large'), notes.heap.slots.placeOf(slotOf(7)))
    },
  ],
  ['a stale count of live bytes', 'space', (db) => insidesOf(db).core.liveBytes.add(insidesOf(db).core.log.end, 8)],
  [
    'columns that miss a record',
    'columns',
    (db) => {
      const { core, notes, slotOf } = insidesOf(db)
      const { live } = core.derived.of(notes).columns.prepare([]).finish()
      live.bytes[slotOf(7)] = 0
    },
  ],
]

function liveSlots(heap: { readonly slots: { readonly highSlot: number }; isLive(slot: number): boolean }): number[] {
  return Array.from({ length: heap.slots.highSlot }, (_, slot) => slot).filter((slot) => heap.isLive(slot))
}

describe('planted in an open database', () => {
  it.each(PLANTS)('%s is found', async (_what, kind, plant) => {
    const db = await database(freshPlatform())
    expect(await db.verify()).toMatchObject({ ok: true, problems: [], problemCount: 0 })
    await plant(db)
    const result = await db.verify()
    expect(result.ok).toBe(false)
    expect(result.problems.map((each) => each.kind)).toContain(kind)
    for (const { text, whatToDo } of result.problems) expect(`${text} ${whatToDo}`).toMatch(/.{30,}/)
    expect(result.problemCount).toBe(result.problems.length)
    const limited = await db.verify({ limit: 0 })
    expect(limited).toMatchObject({ ok: false, problems: [] })
    expect(limited.problemCount).toBeGreaterThan(0)
    await db.close()
  })

  it('a record that its schema refuses is found when that is asked for', async () => {
    const platform = freshPlatform()
    const db = await openOn(platform, { collections: { notes: collection() } })
    await db.notes.insertMany([
      { id: 1, n: 1 },
      { id: 2, n: 'two' },
    ])
    await closeChecked(db)
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) =>
          typeof (value as { n: unknown }).n === 'number'
            ? { value: value as object }
            : { issues: [{ message: 'n is a number', path: ['n'] }] },
      },
    } as const
    const open = { collections: { notes: collection({ schema: schema as never }) } }
    const before = digests(platform)
    expect(await verifyFolder(platform, FOLDER, { open })).toMatchObject({ ok: true })
    expect(await verifyFolder(platform, FOLDER, { open, schema: true })).toMatchObject({
      problemCount: 1,
      problems: [{ kind: 'schema', collection: 'notes', id: 2 }],
    })
    expect(digests(platform)).toEqual(before)
  })
})

describe('a sound database', () => {
  it('has no problem after any history, open and closed, and nothing of a closed one is changed', {
    timeout: 600_000,
  }, async () => {
    const histories = effort(1)
    for (let run = 0; run < histories; run++) {
      const random = seededRandom(seed() + run)
      const machine = freshMachine(seed() + run)
      let session = await begin(machine, new History())
      for (let step = 0; step < 60; step++) {
        session = await randomStep(session, machine, random)
        if (step % 15 !== 14) continue
        const result = await session.db.verify()
        expect(result.problems, `history ${run}, step ${step}`).toEqual([])
        const left = machine.platform.crash({ mode: 'keep-all', seed: step })
        const files = digests(left)
        const closed = await verifyFolder(left, FOLDER)
        expect(closed.problems, `history ${run}, step ${step}, killed`).toEqual([])
        expect(closed.checked).toMatchObject({ records: result.checked.records, entries: result.checked.entries })
        expect(digests(left)).toEqual(files)
        expect(left.files.openHandles).toBe(0)
      }
      await session.db.close()
    }
  })

  it('may be written, cleaned and checkpointed while it is verified', { timeout: 600_000 }, async () => {
    const random = seededRandom(seed())
    const machine = freshMachine(seed())
    let session = await begin(machine, new History())
    for (let step = 0; step < 20; step++) session = await randomStep(session, machine, random)
    for (let round = 0; round < effort(6); round++) {
      let verifying = true
      const verification = session.db
        .verify({ onProgress: () => machine.clock.advance(3) })
        .finally(() => (verifying = false))
      while (verifying) {
        machine.clock.advance(5)
        const before = session.db
        // A reopen ends the verification: that is another test.
        session = await stepWithoutReopen(session, machine, random)
        expect(session.db).toBe(before)
      }
      expect((await verification).problems, `round ${round}`).toEqual([])
    }
    await session.db.close()
  })

  it('tells how far it is, and ends by its signal', async () => {
    const machine = freshMachine(1)
    const db = await openAt(machine.platform)
    await db.collection('a').insertMany(Array.from({ length: 500 }, (_, id) => ({ id, text: 'x'.repeat(100) })))
    const told: TaskProgress[] = []
    const result = await db.verify({
      onProgress: (progress) => {
        told.push(progress)
        machine.clock.advance(60)
      },
    })
    expect(result.checked).toMatchObject({ collections: 1, commits: 1, entries: 504 })
    expect(told.at(-1)).toMatchObject({ step: 'records', done: result.checked.records })
    await expect(db.verify({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(db.verify({ deep: true } as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await db.close()
  })
})

describe('a flipped byte in a closed database', () => {
  it.each([
    ['identity', 'identity'],
    ['identity.copy', 'identity'],
    ['root', 'root'],
    ['directory', 'directory'],
    ['pages/', 'page'],
    ['log/', 'log'],
  ] as const)('in %s is found', async (name, kind) => {
    const platform = freshPlatform()
    const db = await database(platform)
    await db.checkpoint()
    await db.notes.upsert({ id: 1, n: 1, email: 'late', text: 'late' })
    await db.close()
    expect(await verifyFolder(platform, FOLDER)).toMatchObject({ ok: true })
    const random = seededRandom(seed())
    let missed = 0
    const paths = [...platform.snapshotDurable().keys()].filter(
      (path) =>
        platform.files.existsSync(path) &&
        path.startsWith(`${FOLDER}/${name}`) &&
        !(name === 'identity' && path.endsWith('.copy')),
    )
    expect(paths.length).toBeGreaterThan(0)
    const runs = effort(3)
    for (let run = 0; run < runs; run++) {
      const copy = platform.crash({ mode: 'keep-all', seed: 1 })
      const path = paths[random.below(paths.length)]!
      const at = flip(copy, path, random.below(1 << 24))
      const { ok, problems } = await verifyFolder(copy, FOLDER)
      if (ok) missed++
      else
        expect(
          problems.map((each) => each.kind),
          `${path} at ${at}`,
        ).toContain(kind)
    }
    // Pages and frames that nothing names any more are void.
    expect(missed).toBeLessThanOrEqual(kind === 'page' ? runs / 2 : 0)
  })

  it('in both identity files leaves nothing to verify by', async () => {
    const platform = freshPlatform()
    await (await database(platform)).close()
    flip(platform, `${FOLDER}/identity`, 20)
    flip(platform, `${FOLDER}/identity.copy`, 20)
    expect(await verifyFolder(platform, FOLDER)).toMatchObject({ ok: false, problems: [{ kind: 'identity' }] })
    await expect(verifyFolder(platform, '/nowhere')).rejects.toMatchObject({ code: 'NOT_A_DATABASE' })
  })
})

/** Path and SHA-256 of every file. */
function digests(platform: MemoryPlatform): string[] {
  return [...platform.snapshotDurable()].map(([path, bytes]) => `${path} ${toHex(platform.digest.sha256(bytes))}`)
}

/** A random step that leaves the database open. */
async function stepWithoutReopen(session: Session, _machine: Machine, random: SeededRandom): Promise<Session> {
  const pick = random.below(10)
  if (pick === 0) await session.checkpoint()
  else if (pick === 1) await session.background()
  else await randomWrite(session, random)
  await turns(1)
  return session
}

/** Changes a byte of a file, below `most` and below its last byte that is not zero; gives its offset. */
function flip(platform: MemoryPlatform, path: string, most: number): number {
  const handle = platform.files.openSync(path, 'write')
  const bytes = new Uint8Array(handle.sizeSync())
  handle.readSync(bytes, 0, bytes.length, 0)
  const at = most % (bytes.findLastIndex((byte) => byte !== 0) + 1)
  bytes[at] = bytes[at]! ^ 32
  handle.writeSync(bytes, at, 1, at)
  handle.syncSync()
  handle.closeSync()
  return at
}

describe('a disk that refuses to read', () => {
  it('is told as such: it says nothing of what is in the file, and nobody is sent for a backup', async () => {
    const platform = freshPlatform()
    const db = await database(platform)
    platform.faults.failNth('read', 1, 'EIO', { path: '/log/', sticky: true })
    const { ok, problems } = await db.verify()
    expect(ok).toBe(false)
    const told = problems.filter(({ kind }) => kind === 'log')
    expect(told).not.toHaveLength(0)
    for (const { text, whatToDo } of told) {
      expect(text).toContain('EIO')
      expect(whatToDo).toContain('look at the disk')
    }
    platform.faults.clear()
    expect(await db.verify()).toMatchObject({ ok: true })
    await closeChecked(db)
  })
})
