/** The contracts: they hold for what ships, and fail for what is broken. */
import { describe, expect, test } from 'vitest'
import { FaultPlan } from '../../src/platform/fault-plan.ts'
import { faultyFiles } from '../../src/platform/faulty-files.ts'
import { FileError } from '../../src/platform/platform.ts'
import { clockContract } from '../../src/testing/contracts/clock.ts'
import type { TestRunner } from '../../src/testing/contracts/contract.ts'
import { directoryStoreContract } from '../../src/testing/contracts/directory-store.ts'
import { fileSystemContract } from '../../src/testing/contracts/file-system.ts'
import { lockStoreContract } from '../../src/testing/contracts/lock-store.ts'
import { faultyPlatform } from '../../src/testing/faulty-platform.ts'

lockStoreContract({ describe, test }, 'memory', () => ({
  locks: faultyPlatform().locks,
  folder: '/a',
  otherFolder: '/b',
}))

/** The names of the cases that fail, by a runner that only collects. */
async function failing(define: (runner: TestRunner) => void): Promise<string[]> {
  const cases: { readonly name: string; readonly run: () => Promise<void> | void }[] = []
  define({ describe: (_, body) => body(), test: (name, run) => void cases.push({ name, run }) })
  expect(cases.length).toBeGreaterThan(3)
  const failed: string[] = []
  for (const { name, run } of cases) {
    try {
      await run()
    } catch {
      failed.push(name)
    }
  }
  return failed
}

test('files that mind what is absent break the file system contract, and are ended all the same', async () => {
  let ended = 0
  const failed = await failing((runner) =>
    fileSystemContract(runner, 'broken', () => {
      const { files } = faultyPlatform()
      files.makeFolderSync('/db')
      const unlinkSync: typeof files.unlinkSync = (path) => {
        if (!files.existsSync(path)) throw new FileError('ENOENT', 'unlinkSync', path)
        files.unlinkSync(path)
      }
      const broken = { ...faultyFiles(files, new FaultPlan()), unlinkSync }
      return { files: broken, folder: '/db', end: () => void ended++ }
    }),
  )
  expect(failed).toEqual(['absent things: open and list refuse, unlink and removeFolder do not mind, exists says no'])
  expect(ended).toBeGreaterThan(10)
})

test('a lock that lets two writers in breaks the lock contract', async () => {
  const failed = await failing((runner) =>
    lockStoreContract(runner, 'broken', () => ({
      locks: { acquire: async () => ({ lock: { release: async () => undefined } }) },
      folder: '/a',
      otherFolder: '/b',
    })),
  )
  expect(failed).toContain('of several who begin at once exactly one becomes the writer')
  expect(failed).toHaveLength(4)
})

test('a store that forgets the last entry breaks the directory store contract', async () => {
  const failed = await failing((runner) =>
    directoryStoreContract(runner, 'broken', () => {
      const { files, directories } = faultyPlatform()
      files.makeFolderSync('/db')
      const load: typeof directories.load = async (...args) => (await directories.load(...args)).slice(0, -1)
      return { store: { build: directories.build, load }, files, folder: '/db' }
    }),
  )
  expect(failed).toContain('load gives back what build was given, in order')
})

test('a clock that runs timers late, or at once, breaks the clock contract', async () => {
  const failed = await failing((runner) =>
    clockContract(runner, 'broken', () => {
      const { clock } = faultyPlatform()
      const after: typeof clock.after = (delayMs, fn) => {
        if (delayMs <= 0) fn()
        return clock.after(delayMs, fn)
      }
      return { clock: { ...clock, after }, pass: async (ms) => clock.advance(ms) }
    }),
  )
  expect(failed).toEqual(['no timer runs within the call that sets it, whatever its delay'])
})
