/** What a backup and a restore refuse, and what is left when they fail. */
import { describe, expect, it } from 'vitest'
import { isBlazeError } from '../../../src/base/errors.ts'
import type { BackupResult } from '../../../src/engine/backup/backup.ts'
import { isFolder } from '../../../src/engine/backup/input.ts'
import { restoreDatabase } from '../../../src/engine/backup/restore.ts'
import { Database } from '../../../src/engine/database.ts'
import { markIncomplete } from '../../../src/engine/incomplete.ts'
import { openDatabase } from '../../../src/engine/open-database.ts'
import { repairDatabase } from '../../../src/engine/repair/repair.ts'
import type { TaskProgress } from '../../../src/engine/task.ts'
import type { MemoryPlatform } from '../../../src/platform/memory-platform.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { bytesOf, damaged } from '../../torture/damage-subject.ts'
import { canonical, checked, contentOf } from '../../torture/history.ts'
import { type Db, FOLDER, freshMachine, type Machine, OPTIONS, openAt, turns, within } from '../../torture/machine.ts'

async function small(machine: Machine): Promise<Db> {
  const db = await openAt(machine.platform)
  for (let i = 0; i < 20; i++) await db.collection('a').upsert({ id: i, n: i })
  return db
}

/** Makes what the log had so far go: rewrites all of it, cleans, unlinks. */
async function clean(db: Db, machine: Machine): Promise<void> {
  const tail = db.stats().log.tailSegment
  for (let round = 0; db.stats().log.tailSegment === tail; round++) {
    expect(round, 'the log is cleaned').toBeLessThan(20)
    for (let i = 0; i < 30; i++) await db.collection('a').upsert({ id: i % 20, n: i, text: 'x'.repeat(30_000) })
    for (let i = 0; i < 6; i++) {
      machine.clock.advance(60)
      await turns()
    }
    await db.checkpoint()
  }
}

/** What lies at and below a path. */
function filesOf(platform: MemoryPlatform, path: string): string[] {
  const { files } = platform
  if (!files.existsSync(path)) return []
  if (!isFolder(platform, path)) return [path]
  return files.listSync(path).flatMap((name) => filesOf(platform, `${path}/${name}`))
}

describe('a backup refuses', () => {
  it('a target that is there already, and leaves it as it is', async () => {
    const machine = freshMachine(1)
    const db = await small(machine)
    await db.backup('/b')
    await db.backup('/f', { as: 'file' })
    for (const [target, as] of [
      ['/b', 'folder'],
      ['/f', 'file'],
      [FOLDER, 'folder'],
    ] as const) {
      const before = filesOf(machine.platform, target)
      await expect(db.backup(target, { as })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { argument: 'target' },
      })
      expect(filesOf(machine.platform, target)).toEqual(before)
    }
    await db.close()
  })

  it('a target that a killed one has left, as restore and repair do, and says what to do with it', async () => {
    const machine = freshMachine(1)
    const { platform } = machine
    const db = await small(machine)
    await db.backup('/whole', { as: 'file' })
    platform.files.makeFolderSync('/cut')
    markIncomplete(platform.files, '/cut', 'backup')
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('was not finished; delete it') }
    await expect(db.backup('/cut')).rejects.toMatchObject(refused)
    await db.close()
    await expect(restoreDatabase(platform, { from: '/whole', to: '/cut' })).rejects.toMatchObject(refused)
    await expect(repairDatabase(platform, FOLDER, { to: '/cut' })).rejects.toMatchObject(refused)
    expect(filesOf(platform, '/cut')).toEqual(['/cut/incomplete'])
  })

  it.each(['/b', '/log/2', '/log/deep/er', '/pages/9'])(
    'a target in the folder of the database, %s, where it might be taken for a segment',
    async (place) => {
      const machine = freshMachine(1)
      const db = await small(machine)
      for (const as of ['folder', 'file', 'archive'] as const) {
        const refused = db.backup(`${FOLDER}${place}`, { as })
        await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { argument: 'target' } })
        expect(filesOf(machine.platform, `${FOLDER}${place}`)).toEqual([])
      }
      // Its name begins in the same way, and it lies beside it.
      await db.backup(`${FOLDER}${place.replaceAll('/', '-')}`)
      await db.close()
    },
  )

  it.each([
    [{ as: 'tape' }, 'as'],
    [{ compress: true }, 'compress'],
    [{ full: true }, 'full'],
    [{ as: 'folder', since: '/b' }, 'since'],
    [{ as: 'archive', since: '/b' }, 'since'],
    [{ since: { lsn: 1 } }, 'since'],
  ])('options that mean nothing: %j', async (options, argument) => {
    const machine = freshMachine(1)
    const db = await small(machine)
    await expect(db.backup('/b', options as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { argument },
    })
    expect(machine.platform.files.existsSync('/b')).toBe(false)
    await db.close()
  })

  it('an increment whose log was cleaned away, that of another database, and that of another history', async () => {
    const machine = freshMachine(1)
    let db = await small(machine)
    const { position } = await db.backup('/b')
    const old = machine.platform.crash({ mode: 'keep-all', seed: 1 })
    await db.collection('a').insert({ id: 'new' })
    const after = (await db.backup('/after', { since: position })).position
    await clean(db, machine)
    for (const since of [position, '/b']) {
      await expect(db.backup('/i', { since })).rejects.toMatchObject({
        code: 'BACKUP_CHAIN',
        details: { reason: 'log-cleaned' },
      })
    }
    await db.close()

    // The copy from before, put in place: it lacks a commit that a backup has.
    db = await openAt(old)
    await expect(db.backup('/i', { since: after })).rejects.toMatchObject({ details: { reason: 'other-history' } })
    await db.collection('a').insert({ id: 'something else', text: 'longer than what was there' })
    await expect(db.backup('/i', { since: after })).rejects.toMatchObject({ details: { reason: 'other-history' } })
    expect((await db.backup('/i', { since: position })).kind).toBe('increment')
    await db.close()

    const other = freshMachine(2)
    db = await small(other)
    await expect(db.backup('/i', { since: position })).rejects.toMatchObject({ details: { reason: 'other-database' } })
    expect(other.platform.files.existsSync('/i')).toBe(false)
    await db.close()
  })

  it('an archive can begin again with a full backup, and a restore finds the right one', async () => {
    const machine = freshMachine(1)
    const db = await small(machine)
    const first = await db.backup('/archive', { as: 'archive' })
    await clean(db, machine)
    await expect(db.backup('/archive', { as: 'archive' })).rejects.toMatchObject({ details: { reason: 'log-cleaned' } })
    const second = await db.backup('/archive', { as: 'archive', full: true })
    await db.collection('a').insert({ id: 'late' })
    const third = await db.backup('/archive', { as: 'archive' })
    expect([first.kind, second.kind, third.kind]).toEqual(['full', 'full', 'increment'])
    await db.close()
    for (const [until, used] of [
      [first.position.commitNumber, [first.path]],
      [second.position.commitNumber, [second.path]],
      [third.position.commitNumber, [second.path, third.path]],
      [undefined, [second.path, third.path]],
    ] as const) {
      const to = `/r${until}`
      const restored = await restoreDatabase(machine.platform, { from: '/archive', to, ...(until && { until }) })
      expect(restored.used).toEqual(used)
      const opened = await openDatabase(machine.platform, to, OPTIONS)
      expect(opened.commitNumber).toBe(until ?? third.position.commitNumber)
      checked(opened)
      await opened.close()
    }
    for (const until of [1, first.position.commitNumber + 1, 100_000]) {
      await expect(restoreDatabase(machine.platform, { from: '/archive', to: '/no', until })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { argument: 'until' },
      })
    }
    expect(machine.platform.files.existsSync('/no')).toBe(false)
  })
})

describe('a restore refuses', () => {
  async function backups(): Promise<{ machine: Machine; full: BackupResult }> {
    const machine = freshMachine(1)
    const db = await small(machine)
    const full = await db.backup('/full', { as: 'file' })
    await db.collection('a').insert({ id: 'x' })
    const one = await db.backup('/one', { since: full.position })
    await db.collection('a').insert({ id: 'y' })
    await db.backup('/two', { since: '/one' })
    expect(one.position.commitNumber).toBe(full.position.commitNumber + 1)
    await db.close()
    return { machine, full }
  }

  it('to write over anything', async () => {
    const { machine } = await backups()
    for (const to of [FOLDER, '/one']) {
      await expect(restoreDatabase(machine.platform, { from: '/full', to })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { argument: 'to' },
      })
    }
    const db = await openAt(machine.platform)
    expect(db.collection('a').count()).toBe(22)
    checked(db)
    await db.close()
  })

  it('parts that do not continue one another', async () => {
    const { machine } = await backups()
    for (const from of [['/one'], ['/full', '/two'], ['/full', '/two', '/one']]) {
      await expect(restoreDatabase(machine.platform, { from, to: '/r' })).rejects.toMatchObject({
        code: 'BACKUP_CHAIN',
        details: { reason: 'part-missing' },
      })
    }
    expect(machine.platform.files.existsSync('/r')).toBe(false)
  })

  it.each(['', '/nothing', FOLDER, `${FOLDER}/root`])('what is no backup: %j', async (from) => {
    const { machine } = await backups()
    await expect(restoreDatabase(machine.platform, { from, to: '/r' })).rejects.toMatchObject({ code: 'NOT_A_BACKUP' })
    expect(machine.platform.files.existsSync('/r')).toBe(false)
  })

  it('a file cut anywhere, and one with any byte changed', async () => {
    const { machine } = await backups()
    const handle = machine.platform.files.openSync('/full', 'read')
    const bytes = new Uint8Array(handle.sizeSync())
    handle.readSync(bytes, 0, bytes.length, 0)
    handle.closeSync()
    const stride = Math.max(1, Math.round(41 / effort(1)))
    const outcomes = new Map<string, number>()
    for (let at = seed() % stride; at < bytes.length; at += stride) {
      for (const change of ['cut', 'flip'] as const) {
        const damaged = change === 'cut' ? bytes.slice(0, at) : bytes.slice()
        if (change === 'flip') damaged[at] = damaged[at]! ^ 16
        const { platform } = freshMachine(1)
        const file = platform.files.openSync('/full', 'write')
        file.writeSync(damaged, 0, damaged.length, 0)
        file.closeSync()
        const error = await restoreDatabase(platform, { from: '/full', to: '/r' }).catch((reason: unknown) => reason)
        const where = `${change} at ${at}`
        // White space between the manifest's words is of no concern.
        if (!isBlazeError(error)) expect(error, where).toMatchObject({ path: '/r' })
        else expect(['NOT_A_BACKUP', 'CORRUPT'], where).toContain(error.code)
        outcomes.set(change, (outcomes.get(change) ?? 0) + (isBlazeError(error) ? 1 : 0))
        if (isBlazeError(error)) expect(platform.files.existsSync('/r'), where).toBe(false)
        expect(platform.files.openHandles, where).toBe(0)
      }
    }
    expect(outcomes.get('cut')).toBeGreaterThan(40)
  })
})

describe('a backup or restore that ends early', () => {
  it('by its signal leaves nothing behind, and says how far it was', async () => {
    const machine = freshMachine(1)
    const db = await openAt(machine.platform)
    for (let i = 0; i < 40; i++) await db.collection('a').insert({ id: i, text: 'x'.repeat(150_000) })
    for (const as of ['folder', 'file', 'archive'] as const) {
      const stop = new AbortController()
      const told: TaskProgress[] = []
      const promise = db.backup('/b', {
        as,
        signal: stop.signal,
        onProgress: (progress) => {
          told.push(progress)
          if (progress.done > 2_000_000) stop.abort(new Error('enough'))
          machine.clock.advance(60)
        },
      })
      await expect(promise).rejects.toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: { message: 'enough' } })
      expect(told.length).toBeGreaterThan(1)
      expect(told.at(-1)!.total).toBeGreaterThan(6_000_000)
      expect(filesOf(machine.platform, '/b')).toEqual([])
    }
    const full = await db.backup('/full')
    const stop = new AbortController()
    const restore = restoreDatabase(machine.platform, {
      from: '/full',
      to: '/r',
      signal: stop.signal,
      onProgress: ({ done }) => done > 0 && stop.abort(),
    })
    await expect(restore).rejects.toMatchObject({ code: 'ABORTED' })
    expect(machine.platform.files.existsSync('/r')).toBe(false)
    const told: TaskProgress[] = []
    await restoreDatabase(machine.platform, { from: '/full', to: '/r', onProgress: (progress) => told.push(progress) })
    expect(told.at(-1)).toEqual({ step: 'files', done: full.bytes - 256, total: full.bytes - 256 })
    checked(db)
    await db.close()
    expect(machine.platform.files.openHandles).toBe(0)
  })

  it('because the log grows too fast gives the log free, and says so', async () => {
    const machine = freshMachine(1)
    const db = await openAt(machine.platform)
    for (let i = 0; i < 40; i++) await db.collection('a').insert({ id: i, text: 'x'.repeat(150_000) })
    const { holds } = Database.coreOf(db)
    // What the cleaner asks when the log has grown without end.
    const grown = (): void => {
      machine.clock.advance(60)
      holds.first(() => Number.POSITIVE_INFINITY)
    }
    await expect(db.backup('/b', { onProgress: grown })).rejects.toMatchObject({ code: 'DISK_FULL', retryable: true })
    expect(filesOf(machine.platform, '/b')).toEqual([])
    await expect(db.verify({ onProgress: grown })).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(holds.first(() => 1)).toBe(Number.POSITIVE_INFINITY)
    checked(db)
    await db.close()
  })

  it('a restore in which any call fails, or is the last one, leaves a database or what nobody opens', {
    timeout: 600_000,
  }, async () => {
    const machine = freshMachine(1)
    const db = await small(machine)
    const content = canonical(contentOf(db))
    await db.backup('/b', { as: 'file' })
    await db.close()
    const probe = machine.platform.crash({ mode: 'keep-all', seed: 1 })
    await restoreDatabase(probe, { from: '/b', to: '/r' })
    const stride = Math.max(1, Math.round(9 / effort(1)))
    for (let n = 1 + (seed() % stride); n <= probe.faults.callCount; n += stride) {
      for (const code of ['EIO', 'ENOSPC', 'crash'] as const) {
        const platform = machine.platform.crash({ mode: 'keep-all', seed: 1 })
        platform.faults.failNth('any', n, code)
        const error = await restoreDatabase(platform, { from: '/b', to: '/r' }).catch((reason: unknown) => reason)
        platform.faults.clear()
        const done = !(error instanceof Error)
        const lefts = code === 'crash' ? (['lose-unsynced', 'torn', 'keep-all'] as const) : (['keep-all'] as const)
        for (const mode of lefts) {
          const where = `${code} at call ${n}, ${mode}`
          if (!done) expect(isBlazeError(error), `${where}: ${String(error)}`).toBe(true)
          const left = platform.crash({ mode, seed: n })
          if (!left.files.existsSync('/r') || left.files.listSync('/r').length === 0) continue
          const opened = await openDatabase(left, '/r', OPTIONS).catch((reason: unknown) => reason)
          if (isBlazeError(opened)) {
            expect(opened.code, where).toBe('NOT_A_DATABASE')
            continue
          }
          const restored = opened as Db
          expect(canonical(contentOf(restored)), where).toBe(content)
          checked(restored)
          await restored.close()
        }
      }
    }
  })

  it('by the end of its database rejects with CLOSED', async () => {
    const machine = freshMachine(1)
    const db = await openAt(machine.platform)
    for (let i = 0; i < 40; i++) await db.collection('a').insert({ id: i, text: 'x'.repeat(150_000) })
    const backup = db.backup('/b').catch((error: unknown) => error)
    await turns(2)
    await db.close()
    expect(await backup).toMatchObject({ code: 'CLOSED' })
    await expect(db.backup('/c')).rejects.toMatchObject({ code: 'CLOSED' })
    expect(machine.platform.files.openHandles).toBe(0)
  })

  it('by any call that fails, or by a kill in any call, harms nothing, and what it leaves is opened by nobody', {
    timeout: 600_000,
  }, async () => {
    for (const as of ['folder', 'file'] as const) {
      const probe = freshMachine(1)
      const source = await small(probe)
      const content = canonical(contentOf(source))
      const before = probe.platform.faults.callCount
      await source.backup('/b', { as })
      const calls = probe.platform.faults.callCount - before
      await source.close()
      const stride = Math.max(1, Math.round(9 / effort(1)))
      for (let n = 1 + (seed() % stride); n <= calls; n += stride) {
        for (const code of ['EIO', 'ENOSPC', 'crash'] as const) {
          const where = `${as}, ${code} at call ${n} of ${calls}`
          const machine = freshMachine(1)
          const db = await small(machine)
          const trace = machine.platform.faults.trace()
          machine.platform.faults.failNth('any', n, code)
          const error = await within(
            db.backup('/b', { as }).then(
              () => undefined,
              (reason: unknown) => reason,
            ),
            where,
          )
          machine.platform.faults.clear()
          if (code !== 'crash') {
            expect(canonical(contentOf(db)), where).toBe(content)
            await db.collection('a').upsert({ id: 1, n: 1 })
            checked(db)
            if (error !== undefined) expect(isBlazeError(error), `${where}: ${String(error)}`).toBe(true)
            await expectCompleteOrNothing(machine.platform, error === undefined, content, where)
            await db.close()
            // A descriptor whose close fails is counted as open by the twin.
            const unclosed = trace[n - 1]?.operation === 'closeSync' ? 1 : 0
            expect(machine.platform.files.openHandles, where).toBeLessThanOrEqual(unclosed)
          } else {
            for (const mode of ['lose-unsynced', 'torn', 'keep-all'] as const) {
              const left = machine.platform.crash({ mode, seed: n })
              await expectCompleteOrNothing(left, undefined, content, `${where}, ${mode}`)
            }
            await db.close().catch(() => undefined)
          }
        }
      }
    }
  })
})

/** What stands at /b is a whole backup of this content, or is refused by open and by restore. */
async function expectCompleteOrNothing(
  platform: MemoryPlatform,
  whole: boolean | undefined,
  content: string,
  where: string,
): Promise<void> {
  if (!platform.files.existsSync('/b')) {
    expect(whole, where).not.toBe(true)
    return
  }
  const restored = await restoreDatabase(platform, { from: '/b', to: '/r' }).catch((error: unknown) => error)
  if (whole === true) expect(restored, where).toMatchObject({ path: '/r' })
  if (isBlazeError(restored)) {
    expect(['NOT_A_BACKUP'], `${where}: ${restored.message}`).toContain(restored.code)
    if (platform.files.listSync('/b').length === 0) return
    const error = await openDatabase(platform, '/b', OPTIONS).catch((reason: unknown) => reason)
    expect(error, where).toMatchObject({ code: 'NOT_A_DATABASE' })
    return
  }
  const db = await openDatabase(platform, '/r', OPTIONS)
  expect(canonical(contentOf(db)), where).toBe(content)
  checked(db)
  await db.close()
}

it('a backup of which any byte was changed is refused, or that byte says nothing and the restored database is right', async () => {
  const machine = freshMachine(seed())
  const db = await small(machine)
  const content = canonical(contentOf(db))
  await db.backup('/b', { as: 'file' })
  await db.close()
  const size = bytesOf(machine.platform, '/b').length
  const codes: string[] = []
  for (let at = seed() % 61; at < size; at += 61) {
    const platform = damaged(machine.platform, '/b', (bytes) => {
      bytes[at] = bytes[at]! ^ 2
      return bytes
    })
    const error = await restoreDatabase(platform, { from: '/b', to: '/r' }).catch((reason: unknown) => reason)
    if (isBlazeError(error)) {
      codes.push(error.code)
      const opened = await openDatabase(platform, '/r', { ...OPTIONS, readOnly: true }).catch((reason) => reason)
      expect(opened, `byte ${at}`).toMatchObject({ code: 'NOT_A_DATABASE' })
      continue
    }
    // Heads of sections repeat what the manifest says.
    const restored = await openDatabase(platform, '/r', OPTIONS)
    expect(canonical(contentOf(restored)), `byte ${at}`).toBe(content)
    await restored.close()
  }
  expect([...new Set(codes)].sort()).toEqual(['CORRUPT', 'NOT_A_BACKUP'])
  expect(codes.length).toBeGreaterThan((size / 61) * 0.9)
})
