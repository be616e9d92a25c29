/** The restore point: what stays of a frame that is cut, and an open that is killed while it cuts. */
import { expect, it } from 'vitest'
import { lsnOf } from '../../../src/base/ids.ts'
import {
  COMMIT_HEAD_WITH_DATA,
  DATA_HEAD,
  type Item,
  readItem,
  writeCommitHead,
  writeDataHead,
} from '../../../src/codec/entry.ts'
import { restoreDatabase } from '../../../src/engine/backup/restore.ts'
import { movedItems } from '../../../src/engine/backup/restore-point.ts'
import { openDatabase } from '../../../src/engine/open-database.ts'
import { FRAME_HEAD, type Frame } from '../../../src/wal/frame.ts'
import { recoverLog } from '../../../src/wal/recovery.ts'
import { writeSingleFrame } from '../../../src/wal/single-frame.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { canonical, checked, contentOf } from '../../torture/history.ts'
import { freshMachine, type Machine, OPTIONS, openAt } from '../../torture/machine.ts'
import { FILE_ID, FOLDER, newPlatform, sealsOn } from '../../wal/log-fixture.ts'

it('DATA that stays with the COMMIT that names it is named at its new place, older DATA at its own', () => {
  const cut = lsnOf(3, 4096)
  const older = lsnOf(2, 5000)
  const first = cut + FRAME_HEAD
  const items = new Uint8Array(2 * DATA_HEAD + COMMIT_HEAD_WITH_DATA)
  writeDataHead(items, 0, DATA_HEAD, 7, older)
  writeDataHead(items, DATA_HEAD, DATA_HEAD, 7, first)
  const commit = { size: COMMIT_HEAD_WITH_DATA, commit: 7, time: 1, relaxed: false, dataCount: 3 }
  writeCommitHead(items, 2 * DATA_HEAD, { ...commit, lastData: first + DATA_HEAD })
  const platform = newPlatform()
  const known = { platform, folder: FOLDER, fileId: FILE_ID, seals: sealsOn(platform) }
  const moving = { lsn: cut, chain: 5, checksum: 0, frameSize: 1000, items }
  const moved = movedItems(moving, 1)
  writeSingleFrame({ ...known, id: 1, prevEnd: cut, prevChain: 5, items: moved })
  const from = { tailSegment: 1, position: 'start' } as const
  const frames: Frame[] = []
  recoverLog({ ...known, readOnly: true }, from, (frame) => frames.push(frame))
  expect(frames.length).toBe(1)
  const { bytes, payloadStart, payloadEnd, lsn } = frames[0]!
  const found: Item[] = []
  for (let at = payloadStart; at < payloadEnd; at = found.at(-1)!.end) found.push(readItem(bytes, at, payloadEnd))
  const start = lsn + FRAME_HEAD
  expect(found.map(({ previousData }) => previousData)).toEqual([older, start, start + DATA_HEAD])
  expect(found.at(-1)).toMatchObject({ commit: 7, dataCount: 3 })
})

/** A full backup, and an increment with commits that share frames. */
async function backedUp(): Promise<{ machine: Machine; first: number; last: number }> {
  const machine = freshMachine(1)
  const db = await openAt(machine.platform)
  await db.collection('a').insert({ id: 'first' })
  await db.backup('/archive', { as: 'archive' })
  const first = db.commitNumber
  await Promise.all(Array.from({ length: 12 }, (_, id) => db.collection('a').insert({ id })))
  await db.close()
  const again = await openAt(machine.platform)
  await Promise.all(Array.from({ length: 4 }, (_, id) => again.collection('a').insert({ id: `late ${id}` })))
  await again.backup('/archive', { as: 'archive' })
  const last = again.commitNumber
  await again.close()
  return { machine, first, last }
}

it('a kill in any call of the open that cuts leaves a log that the next open cuts', { timeout: 600_000 }, async () => {
  const { machine, first, last } = await backedUp()
  for (const until of [first, first + 5, last - 2]) {
    const from = machine.platform.crash({ mode: 'keep-all', seed: 1 })
    await restoreDatabase(from, { from: '/archive', to: '/r', until })
    const probe = from.crash({ mode: 'lose-unsynced', seed: 1 })
    const before = probe.faults.callCount
    const db = await openDatabase(probe, '/r', OPTIONS)
    const calls = probe.faults.callCount - before
    const content = canonical(contentOf(db))
    expect(db.commitNumber).toBe(until)
    expect(contentOf(db).size).toBe(1 + until - first)
    await db.close()
    const stride = Math.max(1, Math.round(19 / effort(1)))
    for (let n = 1 + (seed() % stride); n <= calls; n += stride) {
      const dying = from.crash({ mode: 'lose-unsynced', seed: 1 })
      dying.faults.failNth('any', n, 'crash')
      const opened = await openDatabase(dying, '/r', OPTIONS).catch(() => undefined)
      await opened?.close().catch(() => undefined)
      for (const mode of ['lose-unsynced', 'torn', 'keep-all'] as const) {
        const where = `until ${until}, killed in call ${n} of ${calls}, ${mode}`
        const left = dying.crash({ mode, seed: n })
        const after = await openDatabase(left, '/r', OPTIONS)
        expect(after.commitNumber, where).toBe(until)
        expect(canonical(contentOf(after)), where).toBe(content)
        checked(after)
        await after.collection('a').insert({ id: 'new' })
        await after.close()
        const again = await openDatabase(left, '/r', OPTIONS)
        expect(again.commitNumber, where).toBe(until + 1)
        await again.close()
      }
    }
  }
})

it('a time is reached by the newest commit before the first later one', async () => {
  const machine = freshMachine(1)
  const db = await openAt(machine.platform)
  await db.collection('a').insert({ id: 'before' })
  await db.backup('/archive', { as: 'archive' })
  const times: number[] = []
  for (let id = 0; id < 5; id++) {
    machine.clock.advance(1000)
    times.push(machine.clock.now())
    await db.collection('a').insert({ id })
  }
  machine.clock.advance(1000)
  await db.backup('/archive', { as: 'archive' })
  await db.close()
  for (const [until, count] of [
    [times[0]! - 1, 1],
    [times[2]!, 4],
    [times[2]! + 999, 4],
    [times[4]! + 5000, 6],
  ] as const) {
    const target = machine.platform.crash({ mode: 'keep-all', seed: 1 })
    await restoreDatabase(target, { from: '/archive', to: '/r', until: new Date(until) })
    const restored = await openDatabase(target, '/r', OPTIONS)
    expect(restored.collection('a').count(), `${until}`).toBe(count)
    checked(restored)
    await restored.close()
  }
  for (const until of [new Date(times[0]! - 10_000), new Date(Number.NaN), -1, 1.5, 'noon' as never]) {
    await expect(restoreDatabase(machine.platform, { from: '/archive', to: '/no', until })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { argument: 'until' },
    })
  }
})

it('a restore point that is damaged, or opened read-only, is never passed over', async () => {
  const { machine, first } = await backedUp()
  const { platform } = machine
  await restoreDatabase(platform, { from: '/archive', to: '/r', until: first + 3 })
  const reader = await openDatabase(platform, '/r', { ...OPTIONS, readOnly: true })
  expect(reader.commitNumber).toBe(first + 3)
  await expect(reader.backup('/b')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  expect((await reader.verify()).problems).toEqual([])
  await reader.close()
  const handle = platform.files.openSync('/r/restore-point', 'write')
  handle.writeSync(Uint8Array.of(0), 0, 1, 0)
  handle.closeSync()
  await expect(openDatabase(platform, '/r', OPTIONS)).rejects.toMatchObject({
    code: 'CORRUPT',
    details: { file: '/r/restore-point' },
  })
})
