import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/base/bytes.ts'
import { type MemoryPlatform, memoryPlatform } from '../../src/platform/memory-platform.ts'
import type { FileHandle } from '../../src/platform/platform.ts'
import { bytes, codeOf, readAll, write } from './small-files.ts'

const SECTOR = 512

describe('a crash of the memory platform', () => {
  test('a plain write survives a power cut only after a sync, through any descriptor', () => {
    const { platform, file } = begin()
    file.writeSync(bytes(1), 0, 1, 0)
    expect(left(platform.crash({ mode: 'lose-unsynced', seed: 1 }))).toEqual(bytes())
    const other = platform.files.openSync('/db/f', 'read')
    other.syncSync()
    expect(left(platform.crash({ mode: 'lose-unsynced', seed: 1 }))).toEqual(bytes(1))
    expect(platform.snapshotDurable()).toEqual(new Map([['/db/f', bytes(1)]]))
  })

  test('a durable write survives when it returns, and takes no other sector with it', () => {
    const { platform, file } = begin()
    file.writeSync(filled(2, 1), 0, 2 * SECTOR, 0)
    const durable = platform.files.openSync('/db/f', 'write-durable')
    durable.writeSync(filled(1, 2), 0, SECTOR, 2 * SECTOR)
    expect(sectors(left(platform.crash({ mode: 'lose-unsynced', seed: 1 })))).toBe('002')
    expect(outcomes(platform)).toEqual(['002', '012', '102', '112'])
  })

  test('without durable writes, a write-durable descriptor is a plain one', () => {
    const platform = memoryPlatform({ durableWrites: false })
    const file = created(platform, 'write-durable')
    file.writeSync(bytes(1), 0, 1, 0)
    expect(left(platform.crash({ mode: 'lose-unsynced', seed: 1 }))).toEqual(bytes())
  })

  test('a power cut leaves each sector as it stood at some moment since the sync', () => {
    const { platform, file } = begin()
    file.writeSync(filled(2, 1), 0, 2 * SECTOR, 0)
    file.syncSync()
    file.writeSync(filled(2, 2), 0, 2 * SECTOR, 0)
    file.writeSync(filled(1, 3), 0, SECTOR, SECTOR)
    expect(outcomes(platform)).toEqual(['11', '12', '13', '21', '22', '23'])
  })

  test('a file grown before a power cut has its old size, or the new one with or without the data', () => {
    const { platform, file } = begin()
    file.writeSync(filled(1, 1), 0, SECTOR, 0)
    file.syncSync()
    file.writeSync(filled(1, 2), 0, SECTOR, SECTOR)
    expect(outcomes(platform)).toEqual(['1', '10', '12'])
  })

  test('a cut that reached the device does not bring back what it cut', () => {
    const { platform, file } = begin()
    file.writeSync(filled(2, 1), 0, 2 * SECTOR, 0)
    file.syncSync()
    file.truncateSync(SECTOR)
    file.writeSync(filled(1, 2), 0, SECTOR, 2 * SECTOR)
    // Not cut: 11. Cut: 1. Cut and grown: 10 and the new sector or none.
    expect(outcomes(platform)).toEqual(['1', '100', '102', '11'])
    file.syncSync()
    expect(outcomes(platform)).toEqual(['102'])
  })

  test('a sync covers what was written when it was asked for, not what came while it ran', async () => {
    const { platform, file } = begin()
    file.writeSync(filled(1, 1), 0, SECTOR, 0)
    const sync = file.sync()
    file.writeSync(filled(1, 2), 0, SECTOR, 0)
    await sync
    expect(left(platform.crash({ mode: 'lose-unsynced', seed: 1 }))).toEqual(filled(1, 1))
    expect(readAll(platform.files, '/db/f')).toEqual(filled(1, 2))
  })

  test('after a failed sync the next one succeeds and promises nothing for the same data', () => {
    const { platform, file } = begin()
    file.writeSync(filled(1, 1), 0, SECTOR, 0)
    platform.faults.failNth('syncSync', 1, 'EIO')
    expect(codeOf(() => file.syncSync())).toBe('EIO')
    file.syncSync()
    expect(sectors(left(platform.crash({ mode: 'lose-unsynced', seed: 1 })))).toBe('0')
    file.writeSync(filled(1, 2), 0, SECTOR, 0)
    file.syncSync()
    expect(sectors(left(platform.crash({ mode: 'lose-unsynced', seed: 1 })))).toBe('2')
  })

  test('a durable write in flight is torn by sectors; a finished one is whole', async () => {
    const platform = memoryPlatform()
    const file = created(platform, 'write-durable')
    file.writeSync(filled(2, 1), 0, 2 * SECTOR, 0)
    platform.files.hold()
    const flying = file.write(filled(2, 2), 0, 2 * SECTOR, 0)
    expect(outcomes(platform)).toEqual(['11', '12', '21', '22'])
    expect(readAll(platform.files, '/db/f')).toEqual(filled(2, 1))
    platform.files.release()
    await flying
    expect(outcomes(platform)).toEqual(['22'])
  })

  test('a killed process loses no finished write; one in flight is there, or not, or in part by pages', async () => {
    const { platform, file } = begin()
    file.writeSync(filled(1, 1), 0, SECTOR, 0)
    platform.files.hold()
    const flying = file.write(filled(16, 2), 0, 16 * SECTOR, 0)
    const found = new Set<string>()
    for (let seed = 0; seed < 50; seed++) found.add(sectors(left(platform.crash({ mode: 'keep-all', seed }))))
    expect([...found].sort()).toEqual(['1', '2'.repeat(8), '2'.repeat(16)])
    platform.files.release()
    await flying
  })

  test('a file created survives under its name once its folder is synced, with what was synced of it', () => {
    const platform = memoryPlatform()
    platform.files.makeFolderSync('/db')
    platform.files.syncFolderSync('/')
    write(platform.files, '/db/a', bytes(1))
    expect(names(platform.crash({ mode: 'lose-unsynced', seed: 1 }))).toBe('')
    expect(folders(platform)).toEqual(['', 'a'])
    platform.files.syncFolderSync('/db')
    expect(folders(platform)).toEqual(['a'])
    expect(readAll(platform.crash({ mode: 'lose-unsynced', seed: 1 }).files, '/db/a')).toEqual(bytes())
  })

  test('a folder whose parent was not synced may be gone with all that was synced in it', () => {
    const platform = memoryPlatform()
    platform.files.makeFolderSync('/db/log')
    platform.files.syncFolderSync('/')
    write(platform.files, '/db/log/1', bytes(1))
    platform.files.syncFolderSync('/db/log')
    expect(folders(platform)).toEqual(['', 'log'])
  })

  test('a rename over a file leaves the old file or the new one, never neither', () => {
    const platform = memoryPlatform()
    platform.files.makeFolderSync('/db')
    platform.files.syncFolderSync('/')
    synced(platform, '/db/root', 1)
    synced(platform, '/db/tmp', 2)
    platform.files.renameSync('/db/tmp', '/db/root')
    expect(all(platform, contents)).toEqual(['root=1 tmp=2', 'root=2'])
    platform.files.syncFolderSync('/db')
    expect(all(platform, contents)).toEqual(['root=2'])
  })

  test('unlinks and renames not synced are kept or lost each for itself', () => {
    const platform = memoryPlatform()
    platform.files.makeFolderSync('/db')
    platform.files.syncFolderSync('/')
    synced(platform, '/db/a', 1)
    synced(platform, '/db/b', 2)
    platform.files.unlinkSync('/db/a')
    platform.files.renameSync('/db/b', '/db/c')
    expect(all(platform, contents)).toEqual(['a=1 b=2', 'a=1 c=2', 'b=2', 'c=2'])
  })

  test('a crash is a fork: the platform goes on, and the same seed leaves the same', async () => {
    const { platform, file } = begin()
    file.writeSync(filled(9, 1), 0, 9 * SECTOR, 0)
    const fork = platform.crash({ mode: 'torn', seed: 5 })
    expect(left(fork)).toEqual(left(platform.crash({ mode: 'torn', seed: 5 })))
    fork.files.unlinkSync('/db/f')
    expect(readAll(platform.files, '/db/f')).toEqual(filled(9, 1))
    await platform.locks.acquire('/db', 'read-write')
    expect(await platform.locks.acquire('/db', 'read-only')).toHaveProperty('holder')
    expect(await platform.crash({ mode: 'keep-all', seed: 1 }).locks.acquire('/db', 'read-write')).toHaveProperty(
      'lock',
    )
  })

  test('what survives of any history is, sector by sector, something the file held since its last sync', () => {
    const action = fc.oneof(
      fc.record({
        kind: fc.constantFrom('write' as const, 'durable' as const),
        at: fc.nat(3000),
        size: fc.integer({ min: 1, max: 1500 }),
      }),
      fc.record({ kind: fc.constantFrom('truncate' as const), at: fc.nat(3000), size: fc.constant(0) }),
      fc.record({ kind: fc.constantFrom('sync' as const), at: fc.constant(0), size: fc.constant(0) }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 12 }), fc.nat(), (actions, seed) => {
        const { platform, file } = begin()
        const durable = platform.files.openSync('/db/f', 'write-durable')
        let model: Uint8Array = new Uint8Array(0)
        let since: Uint8Array[] = [model]
        let surely: { at: number; bytes: Uint8Array }[] = []
        actions.forEach(({ kind, at, size }, index) => {
          const content = new Uint8Array(size).fill(index + 1)
          if (kind === 'write') file.writeSync(content, 0, size, at)
          else if (kind === 'durable') durable.writeSync(content, 0, size, at)
          else if (kind === 'truncate') file.truncateSync(at)
          else file.syncSync()
          model = changed(model, kind, at, content)
          since = kind === 'sync' ? [model] : [...since, model]
          // A later plain write or cut may or may not undo a durable write, so only untouched ones are sure.
          if (kind === 'durable') surely.push({ at, bytes: content })
          if (kind === 'write') surely = surely.filter((it) => at + size <= it.at || at >= it.at + it.bytes.length)
          if (kind === 'truncate' || kind === 'sync') surely = []
          if (kind === 'durable')
            surely = surely.filter((it) => it.bytes === content || at + size <= it.at || at >= it.at + it.bytes.length)
        })
        const crashed = platform.crash({ mode: 'torn', seed })
        const found = left(crashed)
        expect(since.map((it) => it.length)).toContain(found.length)
        for (let start = 0; start < found.length; start += SECTOR) {
          const sector = found.slice(start, start + SECTOR)
          const fits = [new Uint8Array(0), ...since].some((it) => sameSector(it, start, sector))
          expect(fits, `sector at ${start}`).toBe(true)
        }
        for (const it of surely) expect(equalBytes(found.slice(it.at, it.at + it.bytes.length), it.bytes)).toBe(true)
        file.syncSync()
        expect(equalBytes(left(platform.crash({ mode: 'torn', seed })), model)).toBe(true)
        expect(equalBytes(readAll(platform.files, '/db/f'), model)).toBe(true)
      }),
      { numRuns: 600, seed: 11 },
    )
  })
})

function begin(): { platform: MemoryPlatform; file: FileHandle } {
  const platform = memoryPlatform()
  return { platform, file: created(platform, 'write') }
}

function created(platform: MemoryPlatform, mode: 'write' | 'write-durable'): FileHandle {
  platform.files.makeFolderSync('/db')
  const file = platform.files.openSync('/db/f', mode)
  platform.files.syncFolderSync('/')
  platform.files.syncFolderSync('/db')
  return file
}

function synced(platform: MemoryPlatform, path: string, value: number): void {
  const file = platform.files.openSync(path, 'write')
  file.writeSync(bytes(value), 0, 1, 0)
  file.syncSync()
  file.closeSync()
  platform.files.syncFolderSync('/db')
}

function filled(sectorCount: number, value: number): Uint8Array {
  return new Uint8Array(sectorCount * SECTOR).fill(value)
}

function left(platform: MemoryPlatform): Uint8Array {
  return readAll(platform.files, '/db/f')
}

function sectors(content: Uint8Array): string {
  let text = ''
  for (let at = 0; at < content.length; at += SECTOR) text += content[at]
  return text
}

const outcomes = (platform: MemoryPlatform): string[] => all(platform, (crashed) => sectors(left(crashed)))
const folders = (platform: MemoryPlatform): string[] => all(platform, names)

function names({ files }: MemoryPlatform): string {
  return [...files.listSync('/db')].sort().join(' ')
}

function contents({ files }: MemoryPlatform): string {
  const listed = [...files.listSync('/db')].sort()
  return listed.map((name) => `${name}=${readAll(files, `/db/${name}`).join('')}`).join(' ')
}

/** Every outcome of a power cut: counts through the answers that the crash asks for. */
function all(platform: MemoryPlatform, describe: (crashed: MemoryPlatform) => string): string[] {
  const found = new Set<string>()
  let answers: number[] = []
  for (;;) {
    const counts: number[] = []
    const choose = (count: number): number => {
      counts.push(count)
      return answers[counts.length - 1] ?? 0
    }
    found.add(describe(platform.crash({ mode: 'torn', seed: 0, choose })))
    let at = counts.length - 1
    while (at >= 0 && (answers[at] ?? 0) + 1 === counts[at]) at--
    if (at < 0) return [...found].sort()
    answers = [...counts.slice(0, at).map((_, index) => answers[index] ?? 0), (answers[at] ?? 0) + 1]
  }
}

function changed(model: Uint8Array, kind: string, at: number, content: Uint8Array): Uint8Array {
  if (kind === 'sync') return model
  const size = kind === 'truncate' ? at : Math.max(model.length, at + content.length)
  const next = new Uint8Array(size)
  next.set(model.subarray(0, size))
  if (kind !== 'truncate') next.set(content, at)
  return next
}

/** True when `sector` is what `content` held there; beyond its end a file holds zeros. */
function sameSector(content: Uint8Array, start: number, sector: Uint8Array): boolean {
  return sector.every((byte, index) => byte === (content[start + index] ?? 0))
}
