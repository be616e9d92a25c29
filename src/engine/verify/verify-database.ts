/**
 * VERIFY: reads everything an open database has, on disk and in memory, and holds it against everything else, in slices
 * while reading and writing go on. It changes nothing, and what it finds is data.
 *
 *   files      identity, root, directory, every page image that the map names
 *   log        every frame from its file, commits in order, every entry against the record tables
 *   records    decoded; table, buckets, indexes both ways, unique keys, pieces, counts, bytes in use
 *   texts      every word of every record, and nothing else
 *
 * Counts and bytes in use are compared when nothing was committed while they were added up; `checked.counts` says so.
 */
import { BlazeError, isDamage } from '../../base/errors.ts'
import { closedError } from '../core.ts'
import { assertKnown } from '../known-options.ts'
import type { DatabaseFiles } from '../opened.ts'
import { Task, type TaskOptions } from '../task.ts'
import { type Counts, checkDatabaseState, noCounts } from './check-database.ts'
import { checkDirectory, checkPages, checkSmallFiles } from './check-files.ts'
import type { Check, ProblemKind, VerifyProblem } from './problem.ts'

export interface VerifyOptions extends TaskOptions {
  /** Also runs every record through the schema that its collection is declared with. */
  readonly schema?: boolean
  /** Problems that are listed; 100 by default. All are counted. */
  readonly limit?: number
}

/** What was looked at. */
export interface Checked extends Readonly<Counts> {
  /** Page images, and map pages. */
  readonly pages: number
}

export interface VerifyResult {
  readonly ok: boolean
  readonly checked: Checked
  /** The first of them, in the order in which they were found. */
  readonly problems: readonly VerifyProblem[]
  readonly problemCount: number
  readonly durationMs: number
}

const DEFAULT_LIMIT = 100
/** What the log may grow by while it is held. */
const MAX_GROWTH_BYTES = 0x40000000
/** Steps between two looks at the clock. */
const STEPS_PER_LOOK = 16

/** Collects problems up to a limit. */
export class Findings {
  readonly problems: VerifyProblem[] = []
  count = 0
  readonly #limit: number
  #ignored: ProblemKind | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Problems of this kind have been told already. */
  ignore(kind: ProblemKind): void {
    this.#ignored = kind
  }

  add(found: VerifyProblem | undefined): void {
    if (found === undefined || found.kind === this.#ignored) return
    this.count++
    if (this.problems.length < this.#limit) this.problems.push(found)
  }
}

/** The limit of the options. INVALID_ARGUMENT. */
export function checkedLimit({ limit = DEFAULT_LIMIT }: { readonly limit?: number }): number {
  if (Number.isSafeInteger(limit) && limit >= 0) return limit
  throw new BlazeError('INVALID_ARGUMENT', `limit is a whole number, found ${String(limit)}; nothing was done`, {
    argument: 'limit',
  })
}

/**
 * Verifies an open database; `known`: what was found in its files, which are then not read again. Errors: INVALID_ARGUMENT, ABORTED, CLOSED, DISK_FULL when
 * the log grows too fast.
 */
export async function verifyDatabase(
  database: DatabaseFiles,
  options: VerifyOptions,
  known?: Findings,
): Promise<VerifyResult> {
  assertKnown('verify()', options, ['schema', 'limit', 'signal', 'onProgress'])
  const { core, seals } = database
  const { platform } = core
  const startedMs = platform.clock.monotonic()
  const findings = known ?? new Findings(checkedLimit(options))
  const counts = { ...noCounts(), pages: 0 }
  const hold = core.holds.hold(core.log.tailSegment, core.log.totalBytes + MAX_GROWTH_BYTES)
  try {
    const task = new Task('the verification', platform.clock, options, () => {
      if (core.closing) throw closedError()
      if (hold.lost) throw tooFast()
    })
    const run = (check: Check, tell: () => void): Promise<void> => runCheck(check, { task, findings, tell, database })
    if (known === undefined)
      await run(checkFiles(database, counts), () => task.tell('pages', counts.pages, counts.pages + 1))
    const root = database.root()
    if (known === undefined && root !== undefined)
      findings.add(await checkDirectory(platform, core.path, root, { readOnlyFolder: core.options.readOnly, seals }))
    const state = checkDatabaseState(core, {
      counts,
      schema: options.schema === true,
      fromDisk: true,
      makeTexts: true,
    })
    await run(state, () => {
      const total = recordTotal(database)
      if (counts.records === 0) task.tell('log', counts.logBytes, Math.max(counts.logBytes, core.log.totalBytes))
      else task.tell('records', counts.records, Math.max(counts.records, total))
    })
    task.tell('records', counts.records, counts.records)
  } finally {
    hold.release()
    core.onPublished()
  }
  const { problems, count } = findings
  const durationMs = platform.clock.monotonic() - startedMs
  return { ok: count === 0, checked: counts, problems, problemCount: count, durationMs }
}

function recordTotal({ core }: DatabaseFiles): number {
  let total = 0
  for (const { system, heap } of core.byId.values()) if (!system) total += heap.liveCount
  return total
}

function* checkFiles({ core, fileId, seals, map, root }: DatabaseFiles, counts: { pages: number }): Check {
  // After a rebuild nothing on disk says what is current: the next checkpoint will.
  if (root() !== undefined) yield* checkSmallFiles(core.platform, core.path, { fileId, seals })
  yield* checkPages(map, counts)
}

interface Running {
  readonly task: Task
  readonly findings: Findings
  readonly tell: () => void
  readonly database: DatabaseFiles
}

/** Runs a check in slices. It never rests at a problem: that is told in the turn of what follows. */
async function runCheck(check: Check, { task, findings, tell, database }: Running): Promise<void> {
  try {
    let steps = 0
    for (const found of check) {
      if (found !== undefined) {
        findings.add(found)
        continue
      }
      database.core.safePoint()
      if (++steps % STEPS_PER_LOOK !== 0 || !task.sliceOver) continue
      tell()
      await task.pause()
    }
    tell()
  } catch (error) {
    // What a check does not expect is damage of something that it reads all the same.
    if (!isDamage(error)) throw error
    findings.add({
      kind: 'table',
      text: error.message,
      whatToDo: 'Close the database and open it again: tables that cannot be read are made again from the log.',
      file: error.details.file,
      offset: error.details.offset,
    })
  }
}

function tooFast(): BlazeError<'DISK_FULL'> {
  return new BlazeError(
    'DISK_FULL',
    'the log has grown by 1 GiB since the verification began, which is more than it may hold; it was given up, and the database goes on. Verify while less is written.',
    undefined,
  )
}
