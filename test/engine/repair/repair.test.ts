/**
 * Repair: whatever is done to the log, what comes out is a state that was committed, all frames are accounted for, and the
 * damaged folder is as it was.
 */
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { isBlazeError } from '../../../src/base/errors.ts'
import { openDatabase } from '../../../src/engine/open-database.ts'
import { type RepairReport, repairDatabase } from '../../../src/engine/repair/repair.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import { seededRandom } from '../../../src/platform/seeded-random.ts'
import { effort } from '../../support/effort.ts'
import { figure } from '../../support/figure.ts'
import { seed } from '../../support/seed.ts'
import { canonical, checked, contentOf } from '../../torture/history.ts'
import { type Db, FOLDER, freshMachine, type Machine, OPTIONS, openAt, turns, within } from '../../torture/machine.ts'

/** A database in files, and the state after each of its commits. */
interface Subject {
  readonly platform: MemoryPlatform
  readonly states: ReadonlyMap<number, string>
  readonly last: number
}

async function subject(how: 'closed' | 'killed'): Promise<Subject> {
  const { platform } = freshMachine(seed())
  const states = new Map<number, string>([[0, '']])
  const note = (db: Db): void => {
    states.set(db.commitNumber, canonical(contentOf(db)))
  }
  let db = await openAt(platform)
  await db.createIndex('a', 'n')
  for (let i = 0; i < 12; i++) {
    await db.collection('a').upsert({ id: i % 8, n: i % 3, text: `text ${i}`.repeat(1 + (i % 4)) })
    note(db)
    if (i % 3 === 2) await db.collection('a').delete(i % 5)
    note(db)
    if (i !== 6) continue
    // Another segment.
    await db.close()
    db = await openAt(platform)
  }
  await db.collection('b').insertMany(Array.from({ length: 9 }, (_, id) => ({ id, text: 'z'.repeat(9_000) })))
  note(db)
  const last = db.commitNumber
  if (how === 'closed') {
    await db.close()
    return { platform, states, last }
  }
  const left = platform.crash({ mode: 'keep-all', seed: 1 })
  await db.close()
  return { platform: left, states, last }
}

function bytesOf(platform: MemoryPlatform, path: string): Uint8Array {
  const handle = platform.files.openSync(path, 'read')
  const bytes = new Uint8Array(handle.sizeSync())
  handle.readSync(bytes, 0, bytes.length, 0)
  handle.closeSync()
  return bytes
}

function usedSize(bytes: Uint8Array): number {
  return bytes.findLastIndex((byte) => byte !== 0) + 1
}

function damaged(platform: MemoryPlatform, path: string, change: (bytes: Uint8Array) => Uint8Array): MemoryPlatform {
  const copy = platform.crash({ mode: 'keep-all', seed: 1 })
  const bytes = change(bytesOf(copy, path))
  const handle = copy.files.openSync(path, 'write')
  handle.truncateSync(bytes.length)
  handle.writeSync(bytes, 0, bytes.length, 0)
  handle.syncSync()
  handle.closeSync()
  return copy
}

/** Path and SHA-256 of every file below a folder. */
function digests(platform: MemoryPlatform, folder: string): string[] {
  return [...platform.snapshotDurable()]
    .filter(([path]) => path.startsWith(`${folder}/`))
    .map(([path, bytes]) => `${path.slice(folder.length)} ${toHex(platform.digest.sha256(bytes))}`)
    .sort()
}

/** Kept and dropped commits are all that there were, as far as they can be read. */
function expectSum(report: RepairReport, { last }: Subject, where: string): void {
  const { kept, dropped } = report
  expect(kept.commits, where).toBe(kept.commitNumber)
  expect(kept.commits + dropped.commits, where).toBeLessThanOrEqual(last)
  if (dropped.firstCommit !== undefined) expect(dropped.firstCommit, where).toBeGreaterThan(kept.commitNumber)
  expect(dropped.frameList.length, where).toBe(Math.min(100, dropped.frames))
  const listed = dropped.frameList.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  // The rest: headers of segments, and what cannot be read.
  const rest = dropped.bytes - listed - dropped.unreadableBytes
  expect([0, 512, 1024], where).toContain(rest)
}

/** Repairs a damaged copy; gives whether something was dropped. */
async function repaired(platform: MemoryPlatform, given: Subject, where: string): Promise<RepairReport> {
  const before = digests(platform, FOLDER)
  const plan = await repairDatabase(platform, FOLDER, { dryRun: true })
  expect(platform.files.existsSync(`${FOLDER}.repaired`), where).toBe(false)
  const report = await repairDatabase(platform, FOLDER)
  expect({ ...plan, path: report.path, records: report.records }, where).toEqual(report)
  expect(digests(platform, FOLDER), `${where}: the patient`).toEqual(before)
  expectSum(report, given, where)
  const folder = report.path ?? FOLDER
  expect(report.needed, where).toBe(report.path !== undefined)
  const db = await openDatabase(platform, folder, OPTIONS)
  expect(canonical(contentOf(db)), `${where}: the state of commit ${db.commitNumber}`).toBe(
    given.states.get(db.commitNumber) ?? given.states.get(db.commitNumber - 1),
  )
  if (report.needed) expect(db.commitNumber, where).toBe(report.kept.commitNumber)
  expect(report.problems, where).toEqual([])
  checked(db)
  await db.close()
  expect(platform.files.openHandles, where).toBe(0)
  return report
}

it.each(['closed', 'killed'] as const)(
  'a log of a %s database, damaged at any byte, becomes the state after a commit, and the report adds up',
  { timeout: 600_000 },
  async (how) => {
    const random = seededRandom(seed())
    const given = await subject(how)
    let count = 0
    const kept = new Set<number>()
    for (const name of ['1', '2']) {
      const path = `${FOLDER}/log/${name}`
      const used = usedSize(bytesOf(given.platform, path))
      // The second segment is mostly one large transaction.
      const stride = Math.max(1, Math.round((name === '1' ? 250 : 12000) / effort(1)))
      for (let at = random.below(stride); at < used; at += stride) {
        for (const change of ['flip', 'cut', 'zeros'] as const) {
          const where = `${how}, segment ${name}, ${change} at ${at}`
          const platform = damaged(given.platform, path, (bytes) => {
            if (change === 'cut') return bytes.slice(0, at)
            if (change === 'zeros') return bytes.fill(0, at, Math.min(bytes.length, at + 600))
            bytes[at] = bytes[at]! ^ (1 << random.below(8))
            return bytes
          })
          const report = await within(repaired(platform, given, where), where)
          kept.add(report.kept.commitNumber)
          count++
        }
      }
    }
    expect(kept.size, 'the damage was at many places').toBeGreaterThan(5)
    figure('repair', 'damaged logs repaired to a committed prefix', count)
  },
)

describe('a database that lost a file', () => {
  async function without(names: readonly string[], how: 'closed' | 'killed' = 'closed') {
    const given = await subject(how)
    const platform = given.platform.crash({ mode: 'keep-all', seed: 1 })
    for (const name of names) platform.files.unlinkSync(`${FOLDER}/${name}`)
    platform.files.syncFolderSync(FOLDER)
    platform.files.syncFolderSync(`${FOLDER}/log`)
    return { given, platform }
  }

  it('its first segment: nothing can be proven, and the report says what was there', async () => {
    const { given, platform } = await without(['log/1'])
    const report = await repaired(platform, given, 'no first segment')
    expect(report).toMatchObject({
      needed: true,
      kept: { commitNumber: 0 },
      damage: { file: `${FOLDER}/log/1`, found: 'no such file' },
      dropped: {
        lastCommit: given.last,
        collections: [{ collection: '#16' }, { collection: 'b', puts: 9, records: 9 }],
      },
    })
  })

  it('its last segment: the commits before it are kept', async () => {
    const { given, platform } = await without(['log/2'])
    const report = await repaired(platform, given, 'no last segment')
    expect(report.kept.commitNumber).toBeGreaterThan(5)
    expect(report).toMatchObject({ exact: true, dropped: { frames: 0, commits: 0, bytes: 0, files: [] } })
  })

  it('both identity files: the log still says which database it is', async () => {
    const { given, platform } = await without(['identity', 'identity.copy'])
    await expect(openAt(platform)).rejects.toMatchObject({ code: 'CORRUPT' })
    const report = await repaired(platform, given, 'no identity')
    expect(report).toMatchObject({ damage: undefined, remade: ['identity'], kept: { commitNumber: given.last } })
  })

  it('nothing of its log: nothing is written', async () => {
    const { given, platform } = await without(['root'])
    const report = await repaired(platform, given, 'no root')
    expect(report).toMatchObject({ needed: false, path: undefined, exact: true })
  })

  it('its root, when the oldest segment is not the first: the log from there on is kept, and said to be perhaps not all', async () => {
    const machine = freshMachine(1)
    const db = await openAt(machine.platform)
    await cleaned(db, machine)
    const content = canonical(contentOf(db))
    await db.close()
    const { platform } = machine
    platform.files.unlinkSync(`${FOLDER}/root`)
    platform.files.syncFolderSync(FOLDER)
    await expect(openAt(platform)).rejects.toMatchObject({ code: 'CORRUPT' })
    const report = await repairDatabase(platform, FOLDER)
    expect(report).toMatchObject({ needed: true, remade: ['root'], exact: false, damage: undefined })
    const again = await openDatabase(platform, report.path!, OPTIONS)
    expect(canonical(contentOf(again))).toBe(content)
    checked(again)
    await again.close()
  })
})

/** Writes until the oldest segment is cleaned and unlinked. */
async function cleaned(db: Db, machine: Machine): Promise<void> {
  for (let round = 0; db.stats().log.tailSegment === 1; round++) {
    expect(round, 'the log is cleaned').toBeLessThan(20)
    for (let i = 0; i < 30; i++) await db.collection('a').upsert({ id: i % 20, n: i, text: 'x'.repeat(30_000) })
    for (let i = 0; i < 6; i++) {
      machine.clock.advance(60)
      await turns()
    }
    await db.checkpoint()
  }
}

describe('a repair', () => {
  async function broken(): Promise<{ given: Subject; platform: MemoryPlatform }> {
    const given = await subject('closed')
    const platform = damaged(given.platform, `${FOLDER}/log/2`, (bytes) => bytes.fill(7, 2000, 2008))
    return { given, platform }
  }

  it('in place keeps the damaged folder whole under another name', async () => {
    const { given, platform } = await broken()
    const before = digests(platform, FOLDER)
    const report = await repairDatabase(platform, FOLDER, { inPlace: true })
    expect(report.path).toBe(FOLDER)
    expect(digests(platform, `${FOLDER}.damaged`)).toEqual(before)
    expect(platform.files.existsSync(`${FOLDER}.repaired`)).toBe(false)
    const db = await openAt(platform)
    expect(canonical(contentOf(db))).toBe(given.states.get(db.commitNumber))
    checked(db)
    await db.close()
  })

  it('names the records that are given up, also those in sound parts of a commit whose end is lost', async () => {
    const given = await subject('closed')
    const path = `${FOLDER}/log/2`
    const end = usedSize(bytesOf(given.platform, path))
    const platform = damaged(given.platform, path, (bytes) => bytes.fill(7, end - 40, end - 32))
    const { dropped, damage, kept } = await repairDatabase(platform, FOLDER, { dryRun: true })
    expect(damage).toMatchObject({ file: path })
    expect(kept.commitNumber).toBe(given.last - 1)
    // The commit itself is in the damaged frame; the parts before it are sound, and void without it.
    expect(dropped).toMatchObject({ frames: 0, commits: 0 })
    expect(dropped.unreadableBytes).toBe(dropped.bytes)
    expect(dropped.collections).toMatchObject([{ deletes: 0 }])
    expect(dropped.collections[0]!.ids.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('refuses what is open, what is there, what is no database, and options that mean nothing', async () => {
    const { platform } = await broken()
    await expect(repairDatabase(platform, '/nowhere')).rejects.toMatchObject({ code: 'NOT_A_DATABASE' })
    await expect(repairDatabase(platform, FOLDER, { to: FOLDER })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(repairDatabase(platform, FOLDER, { to: '/x', inPlace: true })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await expect(repairDatabase(platform, FOLDER, { force: true } as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { argument: 'force' },
    })
    platform.files.makeFolderSync('/other')
    platform.files.openSync('/other/letter.txt', 'write').closeSync()
    await expect(repairDatabase(platform, '/other')).rejects.toMatchObject({ code: 'NOT_A_DATABASE' })
    const machine = freshMachine(1)
    const db = await openAt(machine.platform)
    await expect(repairDatabase(machine.platform, FOLDER)).rejects.toMatchObject({ code: 'LOCKED' })
    await db.close()
  })

  it('that is aborted, or fails, leaves nothing beside the patient', { timeout: 600_000 }, async () => {
    const { platform } = await broken()
    const before = digests(platform, FOLDER)
    await expect(repairDatabase(platform, FOLDER, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    const stop = new AbortController()
    await expect(
      repairDatabase(platform, FOLDER, {
        signal: stop.signal,
        onProgress: ({ step }) => step === 'copy' && stop.abort(),
      }),
    ).rejects.toMatchObject({ code: 'ABORTED' })
    expect(platform.files.existsSync(`${FOLDER}.repaired`)).toBe(false)
    for (let n = 1; n < 6; n++) {
      platform.faults.failNth('write', n, 'ENOSPC', { path: '.repaired' })
      const error = await repairDatabase(platform, FOLDER).catch((reason: unknown) => reason)
      platform.faults.clear()
      if (!isBlazeError(error)) break
      expect(platform.files.existsSync(`${FOLDER}.repaired`), `write ${n}`).toBe(false)
    }
    expect(digests(platform, FOLDER)).toEqual(before)
  })
})
