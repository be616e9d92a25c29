/**
 * `db.health()`: is anything wrong, what does it mean, what is to be done. A list of checks, each a look at counters that
 * are there and one at the file system; nothing is scanned. The whole is as bad as the worst of them.
 *
 *   ok      as it should be
 *   warn    works, and will not for ever, or not as well as it could
 *   error   something is refused, or will be soon
 */
import { isBlazeError } from '../base/errors.ts'
import { networkFileSystem } from '../platform/file-system-kind.ts'
import { FileError } from '../platform/platform.ts'
import type { Core } from './core.ts'
import type { HealthLimits } from './health-limits.ts'
import { type DatabaseStats, type HolderStats, statsOf } from './stats.ts'

export type HealthStatus = 'ok' | 'warn' | 'error'

/** What is looked at. docs/operations.md has a section for each. */
export type HealthCheckName =
  | 'log-writes'
  | 'tables'
  | 'indexes'
  | 'checkpoints'
  | 'background'
  | 'disk-space'
  | 'log-size'
  | 'history'
  | 'snapshots'
  | 'transactions'
  | 'memory'
  | 'sync-method'

export interface HealthCheck {
  readonly name: HealthCheckName
  readonly status: HealthStatus
  /** What is, and what it means. */
  readonly text: string
  /** What to do; undefined when the check is `ok`. */
  readonly action: string | undefined
  /** What was measured, in the unit of `limit` (bytes, milliseconds, a count); undefined where there is no number. */
  readonly value: number | undefined
  /** From where on it warns. */
  readonly limit: number | undefined
}

/** The answer of `db.health()`. */
export interface DatabaseHealth {
  /** That of the worst check. */
  readonly status: HealthStatus
  readonly checks: readonly HealthCheck[]
}

/** Below this part of `freeDiskBytes` it is an error. */
const LITTLE_DISK = 1 / 8
/** Checkpoints that failed in a row, from which on it is an error. */
const FAILED_CHECKPOINTS = 3
/** A tail so many times the one that makes a checkpoint due: it should have been taken long ago. */
const LATE_TAIL = 2
/** What caches may exceed the budget by: dirty pages wait for a checkpoint, and one operation takes what it touches. */
const MEMORY_EXCESS = 1.25
/** Log bytes over live bytes that cleaning leaves. */
const CLEANED_RATIO = 2
const MIB = 1024 * 1024

interface Looked {
  readonly core: Core
  readonly stats: DatabaseStats
  readonly limits: HealthLimits
}

type Finding = Omit<HealthCheck, 'name'>

const CHECKS: Readonly<Record<HealthCheckName, (looked: Looked) => Finding>> = {
  'log-writes': logWrites,
  tables,
  indexes,
  checkpoints,
  background,
  'disk-space': diskSpace,
  'log-size': logSize,
  history,
  snapshots,
  transactions,
  memory,
  'sync-method': syncMethod,
}

const SEVERITY: readonly HealthStatus[] = ['ok', 'warn', 'error']

export function healthOf(core: Core): DatabaseHealth {
  const looked = { core, stats: statsOf(core), limits: core.options.health }
  // The keys of that record are its names.
  const names = Object.keys(CHECKS) as HealthCheckName[]
  const checks = names.map((name) => ({ name, ...CHECKS[name](looked) }))
  const worst = Math.max(...checks.map(({ status }) => SEVERITY.indexOf(status)))
  return { status: SEVERITY[worst]!, checks }
}

function logWrites({ core }: Looked): Finding {
  const { failure } = core.publisher
  if (failure === undefined) return fine('Every write of the log has succeeded.')
  return {
    ...bad('error', `A write of the log failed (${messageOf(failure.cause)}). Reads go on; every write is refused.`),
    action: 'See to the disk, then close the database and open it again.',
  }
}

function tables({ core }: Looked): Finding {
  if (core.damage === undefined) return fine('No damage of a record table has been met.')
  return {
    ...bad('error', `A page of a record table is damaged (${core.damage.message}). Every write is refused.`),
    action: 'Close the database and open it again: the tables are made anew from the log. Have a look at the disk.',
  }
}

function indexes({ core }: Looked): Finding {
  const broken: string[] = []
  const building: string[] = []
  let isUnique = false
  for (const { name, indexes: all } of core.collections.values()) {
    for (const index of all) {
      const path = `${name}.${index.spec.name}`
      if (index.broken) {
        broken.push(path)
        isUnique ||= index.spec.unique
      } else if (index.building) building.push(path)
    }
  }
  if (broken.length > 0) {
    return {
      ...bad(
        isUnique ? 'error' : 'warn',
        `Damaged, and being made again from the records: ${broken.join(', ')}. ${isUnique ? 'Writes that a unique one must check are refused until then.' : 'Queries take another plan until then.'}`,
        broken.length,
        0,
      ),
      action: 'Wait; have a look at the disk. If it stays, drop the index and create it again.',
    }
  }
  const text = building.length > 0 ? `Being built: ${building.join(', ')}.` : 'All indexes can be used.'
  return { ...fine(text), value: 0, limit: 0 }
}

function checkpoints({ core, stats }: Looked): Finding {
  const failed = stats.gc.failedCheckpoints
  const tail = stats.log.bytesSinceCheckpoint
  const limit = LATE_TAIL * (core.background()?.tailLimitBytes ?? Number.POSITIVE_INFINITY)
  if (failed > 0) {
    return {
      ...bad(
        failed >= FAILED_CHECKPOINTS ? 'error' : 'warn',
        `${failed} checkpoint(s) in a row failed (${stats.gc.lastError ?? 'no error was told'}). Nothing is lost; the log grows, and the next open replays ${mib(tail)} of it.`,
        failed,
        1,
      ),
      action: 'Free disk space, or mend what the error says; it is tried again by itself.',
    }
  }
  if (tail > limit) {
    return {
      ...bad('warn', `The next open would replay ${mib(tail)} of the log.`, tail, limit),
      action: 'Give the event loop some room, or call db.checkpoint().',
    }
  }
  return { ...fine(`The next open would replay ${mib(tail)} of the log.`), value: tail, limit }
}

function background({ core, limits }: Looked): Finding {
  const error = core.backgroundError
  const ageMs = core.platform.clock.now() - core.backgroundErrorAtMs
  if (error === undefined || ageMs > limits.recentErrorMs) {
    return { ...fine('Nothing has failed lately.'), limit: limits.recentErrorMs }
  }
  return {
    ...bad(
      'warn',
      `Work behind the database failed ${seconds(ageMs)} ago: ${error.message}`,
      ageMs,
      limits.recentErrorMs,
    ),
    action: isBlazeError(error, 'DISK_FULL')
      ? 'Free disk space; it is tried again by itself.'
      : 'Mend what the error says; it is tried again by itself.',
  }
}

function diskSpace({ core, limits }: Looked): Finding {
  const limit = Math.max(limits.freeDiskBytes, core.options.minFreeDiskBytes)
  let free: number | undefined
  try {
    free = core.platform.files.freeBytesSync(core.path)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    return {
      ...bad('warn', `The free space of the file system cannot be read (${error.message}).`, undefined, limit),
      action: 'See to the folder of the database.',
    }
  }
  if (free === undefined) return { ...fine('The file system does not tell how much is free.'), limit }
  if (free >= limit) return { ...fine(`${mib(free)} of the file system are free.`), value: free, limit }
  const isError = free < limit * LITTLE_DISK || free < core.options.minFreeDiskBytes
  return {
    ...bad(
      isError ? 'error' : 'warn',
      `Only ${mib(free)} of the file system are free. When there is none left for the log, writes are refused with DISK_FULL; nothing breaks.`,
      free,
      limit,
    ),
    action: 'Free disk space: delete records and call db.compact(), or give the database a larger disk.',
  }
}

function logSize({ core, stats, limits }: Looked): Finding {
  const explained = CLEANED_RATIO * stats.log.liveBytes + core.options.retainLogBytes
  const value = Math.max(0, stats.log.bytes - explained)
  const text = `The log has ${mib(stats.log.bytes)}, of which ${mib(stats.log.liveBytes)} are live.`
  if (value <= limits.logExcessBytes) return { ...fine(text), value, limit: limits.logExcessBytes }
  return {
    ...bad('warn', `${text} That is more than cleaning should leave.`, value, limits.logExcessBytes),
    action: 'See whether checkpoints or the background fail; call db.compact().',
  }
}

function history({ stats, limits }: Looked): Finding {
  const { count, bytes, limitBytes } = stats.versions
  const limit = Math.floor(limitBytes * limits.historyShare)
  const text = `${count} older versions take ${mib(bytes)} of ${mib(limitBytes)}.`
  if (bytes <= limit) return { ...fine(text), value: bytes, limit }
  return {
    ...bad(
      'warn',
      `${text} Beyond that the window of retain.historyMs is shortened, then the oldest snapshot is ended${heldBy(stats.snapshots.oldestHolder)}.`,
      bytes,
      limit,
    ),
    action: 'End snapshots sooner, or open with more memoryBytes.',
  }
}

function snapshots({ stats, limits }: Looked): Finding {
  const oldest = oldestOf(stats.snapshots.holders.filter(({ kind }) => kind !== 'transaction'))
  return held(oldest, limits.snapshotAgeMs, {
    none: 'No snapshot is held.',
    what: 'The oldest snapshot or iteration',
    meaning: 'The versions that it sees are kept for it.',
    action: 'End it (close(), using, break); open with trackHolders: true to see where it was opened.',
  })
}

function transactions({ stats, limits }: Looked): Finding {
  const oldest = oldestOf(stats.snapshots.holders.filter(({ kind }) => kind === 'transaction'))
  return held(oldest, limits.transactionAgeMs, {
    none: 'No transaction is open.',
    what: 'The oldest transaction',
    meaning: 'It will probably conflict, and the versions that it sees are kept for it.',
    action: 'End it, or give it timeoutMs; open with trackHolders: true to see where it was opened.',
  })
}

function held(
  oldest: HolderStats | undefined,
  limit: number,
  words: { readonly none: string; readonly what: string; readonly meaning: string; readonly action: string },
): Finding {
  if (oldest === undefined) return { ...fine(words.none), limit }
  const value = oldest.ageMs
  const text = `${words.what} is ${seconds(value)} old${heldBy(oldest)}.`
  if (value <= limit) return { ...fine(text), value, limit }
  return { ...bad('warn', `${text} ${words.meaning}`, value, limit), action: words.action }
}

function memory({ stats }: Looked): Finding {
  const { usedBytes, limitBytes, dirtyBytes } = stats.memory
  const limit = Math.floor(limitBytes * MEMORY_EXCESS)
  const text = `Caches take ${mib(usedBytes)} of ${mib(limitBytes)}; ${mib(dirtyBytes)} wait for a checkpoint.`
  if (usedBytes <= limit) return { ...fine(text), value: usedBytes, limit }
  return {
    ...bad('warn', text, usedBytes, limit),
    action: 'Call db.checkpoint(), write in smaller parts, or open with more memoryBytes.',
  }
}

function syncMethod({ core, stats }: Looked): Finding {
  const { syncMethod: method } = stats.log
  if (method === 'memory') return fine('The database lies in memory, and goes with the process.')
  if (networkFileSystem(core.path)) {
    return {
      ...bad(
        'warn',
        `The database lies on a network file system (${method}): its lock does not hold between machines.`,
      ),
      action: 'Move it to a local disk.',
    }
  }
  const { durability } = core.options
  if (durability === 'none') {
    return {
      ...bad('warn', `Commits are acknowledged before they are written (durability none, ${method}).`),
      action: 'Open with durability full or relaxed, unless what is written can be made again.',
    }
  }
  return fine(`Commits are ${durability}, by ${method}.`)
}

function oldestOf(holders: readonly HolderStats[]): HolderStats | undefined {
  let oldest: HolderStats | undefined
  for (const each of holders) if (oldest === undefined || each.ageMs > oldest.ageMs) oldest = each
  return oldest
}

function heldBy(holder: HolderStats | undefined): string {
  if (holder === undefined) return ''
  const place = holder.openedAt?.split('\n')[0]
  return `, held by ${holder.holder} at commit ${holder.commit}${place === undefined ? '' : ` (${place})`}`
}

function fine(text: string): Finding {
  return { status: 'ok', text, action: undefined, value: undefined, limit: undefined }
}

function bad(status: 'warn' | 'error', text: string, value?: number, limit?: number): Omit<Finding, 'action'> {
  return { status, text, value, limit }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MiB`
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}
