/** The invariants of the storage rules that concern the log, each by its number. */
import { expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import type { Lsn } from '../../src/base/ids.ts'
import { Database } from '../../src/engine/database.ts'
import { openDatabase } from '../../src/engine/open-database.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { cutLog, flipBit } from '../torture/cut-log.ts'
import { checked, contentOf } from '../torture/history.ts'
import { type Db, FOLDER, freshMachine, OPTIONS, openAt, turns } from '../torture/machine.ts'
import { watched } from './watched-files.ts'

const LOG = `${FOLDER}/log/`

/** Ends of the frames of a database, and the places where they begin. */
function frames(db: Db): { readonly start: Lsn; readonly end: number; readonly bytes: Uint8Array }[] {
  const { log } = Database.coreOf(db)
  return log.segments().flatMap(({ id }) =>
    [...log.readSegment(id)].map((frame) => ({
      start: frame.lsn,
      end: frame.lsn - frame.start + frame.payloadEnd,
      bytes: frame.bytes.slice(frame.start, frame.payloadEnd),
    })),
  )
}

it('invariant 1: one write of the log is in flight, and what it acknowledges is on the device', async () => {
  const { platform } = freshMachine(1)
  let inFlight = 0
  let most = 0
  let writes = 0
  const seen = watched(platform, {
    write({ path }, bytes) {
      if (!path.startsWith(LOG) || bytes.every((byte) => byte === 0)) return () => undefined
      most = Math.max(most, ++inFlight)
      writes++
      return () => inFlight--
    },
  })
  const db = await openDatabase(seen, FOLDER, OPTIONS)
  const acknowledged: number[] = []
  const all = Array.from({ length: 200 }, async (_, id) => {
    await turns(id % 7)
    await db.collection('a').insert({ id }, { durability: id % 4 === 3 ? 'relaxed' : 'full' })
    if (id % 4 !== 3) acknowledged.push(id)
    if (id % 16 !== 0) return
    // A power cut in this very turn: what was acknowledged with `full` is there.
    const promised = [...acknowledged]
    const after = await openAt(platform.crash({ mode: 'lose-unsynced', seed: id }), { ...OPTIONS, readOnly: true })
    expect(promised.filter((each) => !after.collection('a').has(each))).toEqual([])
    await after.close()
  })
  await Promise.all(all)
  expect(most).toBe(1)
  expect(writes).toBeGreaterThan(5)
  await db.close()
})

it('invariant 2: the bytes of a position are written with one content only, by all opens', async () => {
  const { platform, clock } = freshMachine(1)
  const contents = new Map<number, Map<number, number>>()
  let again = 0
  const seen = watched(platform, {
    write({ number, path }, bytes, position) {
      if (!path.startsWith(LOG) || bytes.every((byte) => byte === 0)) return () => undefined
      const content = contents.get(number) ?? new Map<number, number>()
      contents.set(number, content)
      for (let i = 0; i < bytes.length; i++) {
        const before = content.get(position + i)
        if (before !== undefined) again++
        if (before !== undefined && before !== bytes[i]) expect(`${path} at ${position + i}`).toBe('written once')
        content.set(position + i, bytes[i]!)
      }
      return () => undefined
    },
  })
  for (let open = 0; open < 4; open++) {
    const db = await openDatabase(seen, FOLDER, OPTIONS)
    for (let id = 0; id < 30; id++) {
      const durability = (['full', 'relaxed', 'none'] as const)[id % 3]!
      await db.collection('a').upsert({ id, open, text: 'x'.repeat(300) }, { durability })
    }
    clock.advance(200)
    await turns()
    await db.checkpoint()
    await db.close()
  }
  expect(contents.size).toBe(4)
  expect(again).toBe(0)
})

async function threeCommits(): Promise<{ left: MemoryPlatform; starts: number[] }> {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  for (let id = 0; id < 3; id++) await db.collection('a').insert({ id, text: 'x'.repeat(50) })
  const starts = frames(db).map(({ start }) => start - 0x1000000)
  const left = platform.crash({ mode: 'keep-all', seed: 1 })
  await db.close()
  return { left, starts }
}

it('invariant 3: damage below what was durable is corruption; at the end it is a torn tail', async () => {
  const rotten = await threeCommits()
  flipBit(rotten.left, `${LOG}1`, rotten.starts[1]! + 60)
  await expect(openAt(rotten.left)).rejects.toMatchObject({
    code: 'CORRUPT',
    details: { file: `${LOG}1`, offset: rotten.starts[1] },
  })
  const torn = await threeCommits()
  flipBit(torn.left, `${LOG}1`, torn.starts[2]! + 60)
  const db = await openAt(torn.left)
  expect(db.collection('a').count()).toBe(2)
  await db.close()
})

it('invariant 4: everything that must survive is an entry of a record: the log alone has it', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  await db.createIndex('a', 'n')
  await db.createIndex('b', { on: 'email', unique: true })
  await db.collection('a').insertMany([
    { id: 1, n: 1 },
    { id: 2, other: { shape: [1, 2n, new Date(3)] } },
  ])
  await db.collection('b').insert({ id: 'x', email: 'a@b', body: 'y'.repeat(200_000) })
  await db.renameCollection('b', 'c')
  const { collections } = db.stats()
  const content = contentOf(db)
  await db.close()
  for (const name of platform.files.listSync(FOLDER)) {
    if (name.startsWith('directory-') || name === 'root') platform.files.unlinkSync(`${FOLDER}/${name}`)
  }
  for (const name of platform.files.listSync(`${FOLDER}/pages`)) platform.files.unlinkSync(`${FOLDER}/pages/${name}`)
  const again = await openAt(platform)
  expect(again.stats().collections).toEqual(collections)
  expect(contentOf(again)).toEqual(content)
  await expect(again.collection('c').insert({ email: 'a@b' })).rejects.toMatchObject({ code: 'UNIQUE' })
  checked(again)
  await again.close()
})

it('invariant 5: a commit contains, or follows, every definition that its bytes use', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  for (let id = 0; id < 12; id++) {
    const fields = Object.fromEntries(Array.from({ length: 1 + (id % 5) }, (_, i) => [`field${id % 4}_${i}`, id]))
    await db.collection(`c${id % 3}`).insert({ id, ...fields })
    const refused = db.transaction((tx) => {
      tx.collection('c0').insert({ id: 1000 + id, [`only${id}`]: 1 })
      throw new Error('rolled back')
    })
    await expect(refused).rejects.toThrow('rolled back')
  }
  const ends = frames(db).map(({ end }) => end as Lsn) // an end is a position of the log
  const left = platform.crash({ mode: 'keep-all', seed: 1 })
  await db.close()
  expect(ends.length).toBeGreaterThan(11)
  for (const [at, end] of ends.entries()) {
    const cut = left.crash({ mode: 'keep-all', seed: 1 })
    cutLog(cut, end)
    const prefix = await openAt(cut, { ...OPTIONS, readOnly: true })
    expect(contentOf(prefix).size, `cut behind frame ${at}`).toBe(Math.min(12, at + 1))
    await prefix.close()
  }
})

it('invariant 15: every byte that is read from the log or from a page is verified', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  await db.collection('a').insert({ id: 1, text: 'x'.repeat(1000) })
  await db.close()
  for (const path of [`${LOG}1`, `${FOLDER}/pages/1`]) {
    const size = path === `${LOG}1` ? 900 : 9000
    const rotten = platform.crash({ mode: 'keep-all', seed: 1 })
    flipBit(rotten, path, size)
    const read = async (): Promise<unknown> => {
      const again = await openAt(rotten, { ...OPTIONS, readOnly: true })
      try {
        return again.collection('a').get(1)
      } finally {
        await again.close()
      }
    }
    // A damaged page may be made again from the log; a damaged record may not be given.
    const outcome = await read().catch((error: unknown) => {
      expect(isBlazeError(error, 'CORRUPT'), String(error)).toBe(true)
      return 'refused'
    })
    if (path === `${LOG}1`) expect(outcome).toBe('refused')
    else expect(['refused', { id: 1, text: 'x'.repeat(1000) }]).toContainEqual(outcome)
  }
})

it('invariant 16: after a failed write reads go on at visible, and all else is refused until it is opened again', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  const a = db.collection('a')
  await a.insert({ id: 1, n: 1 })
  platform.faults.failNth('write', 1, 'EIO', { path: LOG })
  const waiting = [a.insert({ id: 2 }), a.update(1, { n: 2 }), a.delete(1)]
  for (const outcome of await Promise.allSettled(waiting)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'COMMIT_UNKNOWN' } })
  }
  expect(a.all()).toEqual([{ id: 1, n: 1 }])
  expect(db.snapshot().collection('a').get(1)).toEqual({ id: 1, n: 1 })
  expect(db.stats().poisoned).toBe(true)
  const refused = [
    () => a.insert({ id: 3 }),
    () => db.transaction((tx) => tx.collection('a').insert({ id: 3 })),
    async () => db.transactionSync((tx) => tx.collection('a').insert({ id: 3 })),
    () => db.createIndex('a', 'n'),
    async () => db.checkpoint(),
    () => db.flush(),
  ]
  for (const call of refused) await expect(call()).rejects.toMatchObject({ code: 'POISONED' })
  await db.close().catch((error: unknown) => expect(isBlazeError(error, 'POISONED')).toBe(true))
  const again = await openAt(platform)
  await again.collection('a').upsert({ id: 3 })
  expect(again.collection('a').has(3)).toBe(true)
  checked(again)
  await again.close()
})
