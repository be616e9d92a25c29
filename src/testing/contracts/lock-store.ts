/** What every LockStore keeps, as far as one process can see it. */
import type { Lock, LockHolder, LockMode, LockStore } from '../../platform/platform.ts'
import { type ContractCase, ContractError, defineContract, type Ending, equal, type TestRunner } from './contract.ts'

/** A lock store, and two folders that nobody holds. */
export interface LockStoreSubject extends Ending {
  readonly locks: LockStore
  readonly folder: string
  readonly otherFolder: string
}

/**
 * Tests a lock store with any runner.
 * @example
 * lockStoreContract({ describe, test }, 'memory', () => ({ locks: faultyPlatform().locks, folder: '/a', otherFolder: '/b' }))
 */
export function lockStoreContract(
  runner: TestRunner,
  name: string,
  begin: () => LockStoreSubject | Promise<LockStoreSubject>,
): void {
  defineContract(runner, `the lock store contract: ${name}`, { cases: CASES, begin })
}

const CASES: readonly ContractCase<LockStoreSubject>[] = [
  {
    title: 'a writer keeps out writers and readers, and is named to them',
    run: async ({ locks, folder }) => {
      const lock = await taken(locks, folder, 'read-write')
      for (const mode of ['read-write', 'read-only'] as const) {
        const holder = await refused(locks, folder, mode)
        equal(holder.mode, 'read-write')
        equal(typeof holder.pid, 'number')
        equal(typeof holder.host, 'string')
        equal(Number.isNaN(Date.parse(holder.since)), false, `since ${holder.since} is a date`)
      }
      await lock.release()
    },
  },
  {
    title: 'readers are beside each other, and keep out a writer until the last has gone',
    run: async ({ locks, folder }) => {
      const readers = [await taken(locks, folder, 'read-only'), await taken(locks, folder, 'read-only')]
      for (const reader of readers) {
        equal((await refused(locks, folder, 'read-write')).mode, 'read-only')
        await reader.release()
      }
      await (await taken(locks, folder, 'read-write')).release()
    },
  },
  {
    title: 'what was released can be taken again, and a second release does no harm to who has it then',
    run: async ({ locks, folder }) => {
      const first = await taken(locks, folder, 'read-write')
      await first.release()
      const second = await taken(locks, folder, 'read-write')
      await first.release()
      await refused(locks, folder, 'read-write')
      await second.release()
    },
  },
  {
    title: 'folders are locked one by one',
    run: async ({ locks, folder, otherFolder }) => {
      const one = await taken(locks, folder, 'read-write')
      const other = await taken(locks, otherFolder, 'read-write')
      await one.release()
      await other.release()
    },
  },
  {
    title: 'of several who begin at once exactly one becomes the writer',
    run: async ({ locks, folder }) => {
      const answers = await Promise.all([1, 2, 3, 4].map(() => locks.acquire(folder, 'read-write')))
      const winners = answers.flatMap((answer) => ('lock' in answer ? [answer.lock] : []))
      equal(winners.length, 1)
      await winners[0]?.release()
    },
  },
]

async function taken(locks: LockStore, folder: string, mode: LockMode): Promise<Lock> {
  const answer = await locks.acquire(folder, mode)
  if ('lock' in answer) return answer.lock
  throw new ContractError(`${folder} is held ${answer.holder.mode}, and was thought to be free`)
}

async function refused(locks: LockStore, folder: string, mode: LockMode): Promise<LockHolder> {
  const answer = await locks.acquire(folder, mode)
  if ('holder' in answer) return answer.holder
  await answer.lock.release()
  throw new ContractError(`${folder} was given ${mode} beside another`)
}
