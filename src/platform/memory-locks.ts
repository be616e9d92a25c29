import type { Clock, Lock, LockHolder, LockMode, LockStore } from './platform.ts'

/** The process lock in memory: one writer, or any number of read-only opens. A crash gives a platform without holders. */
export function memoryLocks(clock: Clock): LockStore {
  const holders = new Map<string, Set<LockHolder>>()

  return {
    acquire(folder: string, mode: LockMode) {
      const held = holders.get(folder) ?? new Set<LockHolder>()
      for (const holder of held) {
        if (mode === 'read-write' || holder.mode === 'read-write') return Promise.resolve({ holder })
      }
      const self = { pid: 1, host: 'memory', since: new Date(clock.now()).toISOString(), mode }
      held.add(self)
      holders.set(folder, held)
      const lock: Lock = {
        release() {
          held.delete(self)
          return Promise.resolve()
        },
      }
      return Promise.resolve({ lock })
    },
  }
}
