/**
 * CLOSE: refuses new work, finishes every commit called before it, waits for open transactions and then ends them, takes
 * a last checkpoint, closes the log at its end, and says in root that it was clean. Everything is closed even when
 * something fails on the way; then the promise rejects.
 */
import { BlazeError } from '../base/errors.ts'
import { FileError, type Lock } from '../platform/platform.ts'
import type { Seals } from '../wal/seal.ts'
import { ioError } from '../wal/segment.ts'
import type { Core } from './core.ts'
import { atPlace, type OpenHandle } from './open-handle.ts'
import type { Opened } from './opened.ts'

/** How often an open transaction is looked at while close waits. */
const LOOK_MS = 5

/** What is taken down: what the open built, the lock of the folder, and what holds the keys. */
export interface Closing extends Opened {
  readonly lock: Lock
  readonly seals: Seals
}

export async function closeDatabase(opened: Closing): Promise<void> {
  const { core, collector, reader, lock, seals } = opened
  core.closing = true
  const left = await waitForTransactions(core)
  for (const handle of [...core.open]) handle.end()
  core.watch.stop()
  const failures: unknown[] = []
  await attempt(failures, () =>
    core.options.readOnly ? core.log.close({ truncate: false }) : closeLog(opened, failures),
  )
  core.closed = true
  await attempt(failures, () => collector.stop())
  await attempt(failures, () => opened.context.output.close())
  await attempt(failures, () => reader.close())
  await attempt(failures, () => core.spill.close())
  seals.close()
  await attempt(failures, () => lock.release())
  if (failures.length > 0) throw failures[0]
  if (left.length > 0) throw closeTimeout(core, left)
}

async function closeLog(opened: Opened, failures: unknown[]): Promise<void> {
  const { core, collector } = opened
  const healthy = core.takesWrites
  await collector.stop()
  // A checkpoint that fails takes nothing away: the log has everything, and the next open replays it.
  const changed = opened.rebuilding() || core.log.end > opened.root().checkpoint.lsn || core.texts.isUnsaved
  if (healthy && changed) await collector.checkpointNow()
  const marked = healthy && !opened.rebuilding()
  core.closed = true
  const end = await core.log.close({ truncate: true })
  if (marked) await attempt(failures, () => opened.markClean(end))
}

/** Notes what fails and goes on: a part that does not close keeps none of the others, nor the lock, open. */
async function attempt(failures: unknown[], call: () => unknown): Promise<void> {
  try {
    await call()
  } catch (error) {
    failures.push(error instanceof FileError ? ioError(error, 'The database is closed; the log has all of it.') : error)
  }
}

/** The transactions that are still open when the time is over. Snapshots are not waited for: they hold nothing back. */
async function waitForTransactions(core: Core): Promise<OpenHandle[]> {
  const { clock } = core.platform
  const deadline = clock.monotonic() + core.options.closeTimeoutMs
  const waiting = (): OpenHandle[] => [...core.open].filter((handle) => handle.holdsClose)
  while (waiting().length > 0 && clock.monotonic() < deadline) await clock.wait(LOOK_MS)
  return waiting()
}

function closeTimeout(core: Core, left: readonly OpenHandle[]): BlazeError<'CLOSE_TIMEOUT'> {
  return new BlazeError(
    'CLOSE_TIMEOUT',
    `the database is closed, but ${left.length} transaction(s) were still open after ${core.options.closeTimeoutMs} ms and were rolled back: ${left.map(({ label, openedAt }) => `${label}${atPlace(openedAt)}`).join(', ')}. End them before closing${left.some(({ openedAt }) => openedAt !== undefined) ? '' : '; open({ trackHolders: true }) says where they were begun'}.`,
    { transactions: left.map(({ label }) => label), openedAt: left.map(({ openedAt }) => openedAt) },
  )
}
