import type { CollectionSpecs } from '../../engine/collection-spec.ts'
import type { DatabaseWith } from '../../engine/database.ts'
import { openDatabase } from '../../engine/open-database.ts'
import type { OpenOptions } from '../../engine/open-options.ts'
import { memoryPlatform } from '../../platform/memory-platform.ts'
import type { ScheduledClock } from './scheduled-clock.ts'

/**
 * A database in memory on a clock of schedules, for many schedules one after another: opening takes longer than most of
 * them. Writes of the log are never waited for on the spot (`syncWrites: 'never'` unless said otherwise), so that a schedule can put
 * other work between a commit and its acknowledgement. `s.openMemory()` is the same with the clock of one schedule.
 */
export function openScheduled<const C extends CollectionSpecs = Record<never, never>>(
  clock: ScheduledClock,
  options: OpenOptions<C> = {},
): Promise<DatabaseWith<C>> {
  return openDatabase(memoryPlatform({ seed: 1, clock }), '/memory', { syncWrites: 'never', ...options })
}
