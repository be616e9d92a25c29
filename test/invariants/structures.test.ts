/** The invariants of the storage rules that concern what is derived from the log, each by its number. */
import { expect, it } from 'vitest'
import type { Lsn } from '../../src/base/ids.ts'
import { RecordKey } from '../../src/base/record-key.ts'
import { ENTRY_PUT, EntryView, ITEM_COMMIT, ITEM_COPY, readItem } from '../../src/codec/entry.ts'
import { Database } from '../../src/engine/database.ts'
import { openDatabase } from '../../src/engine/open-database.ts'
import { currentRoot, cutLog } from '../torture/cut-log.ts'
import { canonical, checked, contentOf, History } from '../torture/history.ts'
import { type Db, FOLDER, freshMachine, type Machine, OPTIONS, openAt, turns } from '../torture/machine.ts'
import { Session } from '../torture/workload.ts'
import { watched } from './watched-files.ts'

/** A database that is opened, churned and cleaned several times. */
async function churned(
  machine: Machine,
  rounds = 5,
  open: () => Promise<Db> = () => openAt(machine.platform),
): Promise<Db> {
  for (let round = 0; ; round++) {
    const db = await open()
    const session = new Session(db, new History(), machine.clock, [])
    const a = db.collection('a')
    await a.upsertMany(Array.from({ length: 40 }, (_, id) => ({ id, n: (id + round) % 7, text: 'x'.repeat(200) })))
    for (let id = 0; id < 40; id += 3) await a.delete((id * 5 + round) % 40)
    await a.upsert({ id: 100, round, body: 'y'.repeat(40_000) })
    await session.background()
    await db.checkpoint()
    if (round === rounds - 1) return db
    await db.close()
  }
}

interface LoggedEntry {
  readonly key: string
  readonly commit: number
  readonly place: Lsn
  readonly put: boolean
  readonly text: string
}

/** The entries of user collections in the log, in their order. DATA is left out: these histories have none of it. */
function entriesOf(db: Db): LoggedEntry[] {
  const { log, byId } = Database.coreOf(db)
  const view = new EntryView()
  const key = new RecordKey()
  const entries: LoggedEntry[] = []
  for (const { id } of log.segments()) {
    for (const frame of log.readSegment(id)) {
      for (let at = frame.payloadStart; at < frame.payloadEnd; ) {
        const item = readItem(frame.bytes, at, frame.payloadEnd)
        at = item.end
        if (item.kind !== ITEM_COMMIT && item.kind !== ITEM_COPY) continue
        for (let entryAt = item.entriesStart; entryAt < item.end; entryAt = view.end) {
          view.read(frame.bytes, entryAt)
          const collection = [...byId.values()].find((each) => each.id === view.collection)
          if (collection === undefined || collection.system) continue
          key.setStored(frame.bytes, view.idKind, view.idStart, view.idSize)
          entries.push({
            key: `${collection.name}/${key.idNumber()}`,
            commit: item.kind === ITEM_COPY ? view.commit : item.commit,
            place: (frame.lsn - frame.start + view.start) as Lsn, // a position inside the frame
            put: view.kind === ENTRY_PUT,
            text: Buffer.from(frame.bytes.subarray(view.recordStart, view.recordEnd)).toString('latin1'),
          })
        }
      }
    }
  }
  return entries
}

it('invariant 6: the entry with the highest commit number is the truth, and equal numbers are the same content', async () => {
  const db = await churned(freshMachine(1))
  const newest = new Map<string, LoggedEntry>()
  let copies = 0
  for (const entry of entriesOf(db)) {
    const known = newest.get(entry.key)
    if (known !== undefined && known.commit === entry.commit) {
      copies++
      expect(entry.text, entry.key).toBe(known.text)
    }
    if (known === undefined || entry.commit >= known.commit) newest.set(entry.key, entry)
  }
  const live = [...newest.values()].filter(({ put }) => put).map(({ key }) => key)
  const found = db
    .collection('a')
    .all()
    .map(({ id }) => `a/${String(id)}`)
  expect(live.sort()).toEqual(found.sort())
  expect(copies + db.stats().log.tailSegment, 'there was something to copy').toBeGreaterThan(1)
  checked(db)
  await db.close()
})

it('invariant 7: no older version lies behind a newer one, copies included', async () => {
  const machine = freshMachine(2)
  for (let round = 1; round < 6; round++) {
    const db = await churned(machine, 1)
    const newest = new Map<string, number>()
    for (const { key, commit } of entriesOf(db)) {
      expect(commit, `${key} in round ${round}`).toBeGreaterThanOrEqual(newest.get(key) ?? 0)
      newest.set(key, commit)
    }
    expect(newest.size).toBeGreaterThan(30)
    await db.close()
  }
})

it('invariant 8: segments go oldest first, and only below the tail of a durable root', async () => {
  const machine = freshMachine(3)
  const { platform } = machine
  const gone: number[] = []
  const seen = watched(platform, {
    unlink(path) {
      const id = /\/log\/(\d+)$/.exec(path)?.[1]
      if (id === undefined || !platform.files.existsSync(path)) return
      gone.push(Number(id))
      const left = platform.crash({ mode: 'lose-unsynced', seed: 1 })
      expect(currentRoot(left).logTail, `segment ${id}`).toBeGreaterThan(Number(id))
    },
  })
  const db = await churned(machine, 6, () => openDatabase(seen, FOLDER, OPTIONS))
  expect(gone.length).toBeGreaterThan(1)
  expect(gone).toEqual(gone.map((_, at) => at + 1))
  await db.close()
})

it('invariant 9: a page image is that of exactly C, and the log is durable beyond C before root names it', async () => {
  const machine = freshMachine(4)
  const { platform } = machine
  let roots = 0
  const seen = watched(platform, {
    renamed(_, to) {
      // The first root is written before the database has an identity.
      if (!to.endsWith('/root') || !platform.files.existsSync(`${FOLDER}/identity`)) return
      roots++
      const left = platform.crash({ mode: 'lose-unsynced', seed: 1 })
      const named = currentRoot(platform)
      const { files } = left
      // Whatever root stands after a power cut now, C of the new one is on the device.
      const segment = Math.floor(named.checkpoint.lsn / 0x1000000)
      const handle = files.openSync(`${FOLDER}/log/${segment}`, 'read')
      expect(handle.sizeSync()).toBeGreaterThanOrEqual(named.checkpoint.lsn % 0x1000000)
      handle.closeSync()
    },
  })
  const db = await openDatabase(seen, FOLDER, OPTIONS)
  for (let round = 0; round < 4; round++) {
    await db.collection('a').upsertMany(Array.from({ length: 30 }, (_, id) => ({ id, n: round })))
    await db.checkpoint()
    const atC = canonical(contentOf(db))
    await db.collection('a').upsert({ id: 5, n: 99 })
    await db.collection('a').delete(6)
    const left = platform.crash({ mode: 'keep-all', seed: 1 })
    cutLog(left, currentRoot(left).checkpoint.lsn)
    const image = await openAt(left, { ...OPTIONS, readOnly: true })
    expect(canonical(contentOf(image))).toBe(atC)
    checked(image)
    await image.close()
  }
  expect(roots).toBe(4)
  await db.close()
})

it('invariant 10: main structures hold the newest installed state, what is superseded is volatile', async () => {
  const { platform, clock } = freshMachine(5)
  const db = await openAt(platform)
  await db.createIndex('a', 'n')
  const a = db.collection('a')
  await a.insertMany(Array.from({ length: 20 }, (_, id) => ({ id, n: id })))
  const snapshot = db.snapshot()
  for (let round = 0; round < 5; round++) await a.updateMany({}, { n: round })
  await a.deleteMany({ id: { lt: 5 } })
  clock.advance(100)
  await turns()
  const index = Database.coreOf(db).collections.get('a')!.indexes[0]!.index
  expect(index.count).toBe(15)
  expect(db.stats().versions.count).toBe(20)
  expect(
    snapshot
      .collection('a')
      .where({ n: { gte: 0 } })
      .orderBy('n')
      .all(),
  ).toHaveLength(20)
  checked(db)
  await db.checkpoint()
  const left = platform.crash({ mode: 'lose-unsynced', seed: 1 })
  const again = await openAt(left)
  expect(again.stats().versions.count).toBe(0)
  expect(
    again
      .collection('a')
      .where({ n: { gte: 0 } })
      .count(),
  ).toBe(15)
  checked(again)
  await again.close()
  snapshot.close()
  await db.close()
})

it('invariant 11: a record number is freed when its last version is gone, and not before', async () => {
  const { platform, clock } = freshMachine(6)
  const db = await openAt(platform)
  const a = db.collection('a')
  await a.insert({ id: 0 })
  const { slots } = Database.coreOf(db).collections.get('a')!.heap
  await a.insertMany([{ id: 1 }, { id: 2 }])
  const before = slots.highSlot
  const snapshot = db.snapshot()
  await a.delete(1)
  clock.advance(100)
  await a.insert({ id: 3 })
  expect(slots.highSlot, 'the snapshot still sees record 1').toBe(before + 1)
  expect(snapshot.collection('a').get(1)).toEqual({ id: 1 })
  snapshot.close()
  clock.advance(100)
  await a.insert({ id: 4 })
  expect(slots.highSlot, 'its number is taken again').toBe(before + 1)
  checked(db)
  await db.close()
  const again = await openAt(platform)
  checked(again)
  expect(again.collection('a').count()).toBe(4)
  await again.close()
})

it('invariant 12: durable and visible only rise, visible never passes a full commit that is not durable, both before a promise resolves', async () => {
  const { platform } = freshMachine(7)
  const db = await openAt(platform)
  const core = Database.coreOf(db)
  const ends = new Map<number, number>()
  let [durable, visible] = [0, 0]
  const look = (): void => {
    expect(core.log.durable).toBeGreaterThanOrEqual(durable)
    expect(core.publisher.visible).toBeGreaterThanOrEqual(visible)
    durable = core.log.durable
    visible = core.publisher.visible
    if (visible > 0) expect(durable, `commit ${visible} is visible`).toBeGreaterThanOrEqual(ends.get(visible) ?? 0)
  }
  const writes: Promise<unknown>[] = []
  for (let id = 0; id < 120; id++) {
    const done = db.collection('a').insert({ id })
    const commit = core.installed
    ends.set(commit, core.log.end)
    writes.push(
      done.then(() => {
        expect(core.publisher.visible).toBeGreaterThanOrEqual(commit)
        expect(core.log.durable).toBeGreaterThanOrEqual(ends.get(commit)!)
        expect(db.collection('a').has(id)).toBe(true)
      }),
    )
    look()
    if (id % 5 === 0) await turns(1)
    look()
  }
  await Promise.all(writes)
  look()
  expect(visible).toBe(core.installed)
  await db.close()
})

it('invariant 13: what leaves the process is durable: a backup holds nothing that a power cut could take', async () => {
  const machine = freshMachine(13)
  const durableAtWrite: number[] = []
  let db: Db | undefined
  const seen = watched(machine.platform, {
    write({ path }) {
      if (path.startsWith('/b/log/')) durableAtWrite.push(Database.coreOf(db!).log.durable)
      return () => undefined
    },
  })
  db = await openDatabase({ ...seen, outside: seen.files }, FOLDER, { ...OPTIONS, durability: 'none' })
  for (let id = 0; id < 50; id++) await db.collection('a').insert({ id, text: 'x'.repeat(100) })
  const { log } = Database.coreOf(db)
  expect(log.durable, 'nothing is durable yet').toBeLessThan(log.end)
  const backup = db.backup('/b')
  for (let id = 50; id < 100; id++) await db.collection('a').insert({ id })
  const { position } = await backup
  expect(position.commitNumber).toBeGreaterThanOrEqual(50)
  expect(durableAtWrite.length).toBeGreaterThan(0)
  for (const durable of durableAtWrite) expect(durable).toBeGreaterThanOrEqual(position.lsn)
  const cut = await openAt(machine.platform.crash({ mode: 'lose-unsynced', seed: 1 }))
  expect(cut.commitNumber).toBeGreaterThanOrEqual(position.commitNumber)
  checked(cut)
  await cut.close()
  await db.close()
})

it('invariant 14: no address lives across an await: a cursor goes on while its data is copied, spilled and unlinked', async () => {
  const machine = freshMachine(8)
  const db = await openAt(machine.platform)
  const session = new Session(db, new History(), machine.clock, [])
  const a = db.collection('a')
  await db.createIndex('a', 'n')
  await a.insertMany(Array.from({ length: 300 }, (_, id) => ({ id, n: id % 50, text: 'x'.repeat(2000) })))
  await db.close()
  const again = await openAt(machine.platform)
  const b = again.collection('a')
  const expected = b.orderBy('n').all()
  const rows: unknown[] = []
  let round = 0
  for await (const row of b.where({ n: { gte: 0 } }).orderBy('n')) {
    rows.push(row)
    if (rows.length % 60 !== 0) continue
    round++
    await b.updateMany({}, { text: String(round).repeat(2000) })
    await b.deleteMany({ n: round })
    await new Session(again, session.history, machine.clock, []).background()
    await again.checkpoint()
  }
  expect(rows).toEqual(expected)
  expect(again.stats().log.tailSegment, 'the segment it began in is gone').toBeGreaterThan(1)
  checked(again)
  await again.close()
})

it('invariant 17: a rebuild from the log alone is what an open finds, also after cleaning', async () => {
  const machine = freshMachine(9)
  const db = await churned(machine, 6)
  expect(db.stats().log.tailSegment).toBeGreaterThan(1)
  await db.collection('a').delete(1)
  const expected = canonical(contentOf(db))
  const left = machine.platform.crash({ mode: 'lose-unsynced', seed: 1 })
  await db.close()
  left.files.openSync(`${FOLDER}/rebuild`, 'write').closeSync()
  const rebuilt = await openAt(left)
  expect(canonical(contentOf(rebuilt))).toBe(expected)
  checked(rebuilt)
  await rebuilt.close()
})
