/** One way to meet an error: what errors.test.ts runs. */
import type { ErrorCode } from '../../src/base/errors.ts'
import type { DatabaseWith } from '../../src/engine/database.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'

export type Db = DatabaseWith<Record<never, never>>

export interface Provocation {
  readonly code: ErrorCode
  readonly when: string
  /** On the open database. */
  readonly use?: (db: Db, platform: MemoryPlatform) => unknown
  /** On its closed files; what it changes in them it gives back as an undo. */
  readonly reopen?: (platform: MemoryPlatform) => unknown
  readonly undo?: (platform: MemoryPlatform) => void
  /** The outcome of the write is not known: it may be there after all. */
  readonly unknown?: boolean
}

/** What the database holds before, and after. */
export const START: readonly { readonly id: number; readonly email: string; readonly n: number }[] = [
  { id: 1, email: 'a', n: 1 },
  { id: 2, email: 'b', n: 2 },
]
