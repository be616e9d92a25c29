/**
 * Verifies a database that nobody has open: first its files by themselves, then, where it opens read-only, everything as for
 * an open one. Nothing is created, changed or removed but the lock's sockets.
 */
import { isDamage } from '../../base/errors.ts'
import { readDirectory } from '../../gc/directory-file.ts'
import { PageMap } from '../../gc/page-map.ts'
import type { Root } from '../../gc/root.ts'
import { FileError, type Platform } from '../../platform/platform.ts'
import { PageSegmentReader } from '../../wal/page-file.ts'
import { EPOCH_SALT_SIZE, ioError } from '../../wal/segment.ts'
import { type Survey, surveyLog } from '../../wal/survey.ts'
import { Database } from '../database.ts'
import type { Encryption } from '../encryption-options.ts'
import { type Identified, identify, prepareFolder, takeLock } from '../folder.ts'
import { assertComplete } from '../incomplete.ts'
import { assertKnown } from '../known-options.ts'
import { openDatabase } from '../open-database.ts'
import { encryptionOf, type OpenOptions } from '../open-options.ts'
import { type RootKeys, readSoundRoot } from '../root-file.ts'
import { Task } from '../task.ts'
import { noCounts } from './check-database.ts'
import { checkDirectory, checkPages, checkSmallFiles } from './check-files.ts'
import { problem, problemOf } from './problem.ts'
import { checkedLimit, Findings, type VerifyOptions, type VerifyResult, verifyDatabase } from './verify-database.ts'

export interface VerifyFolderOptions extends VerifyOptions {
  /** How the database is opened: its declared collections, for `schema`; `encryption` of an encrypted one. */
  readonly open?: OpenOptions
}

/** Verifies the database in a folder. Errors: see `verify`. */
export async function verifyFolder(
  platform: Platform,
  path: string,
  options: VerifyFolderOptions = {},
): Promise<VerifyResult> {
  assertKnown('verify()', options, ['open', 'schema', 'limit', 'signal', 'onProgress'])
  const { open = {}, ...rest } = options
  const startedMs = platform.clock.monotonic()
  const limit = checkedLimit(rest)
  const encryption = encryptionOf(open)
  try {
    const folder = prepareFolder(platform, path, true)
    assertComplete(platform.files, folder)
    const lock = await takeLock(platform, folder, true)
    try {
      const findings = new Findings(limit)
      const files = await verifyFiles(platform, {
        folder,
        encryption,
        findings,
        task: new Task('the verification', platform.clock, rest),
      })
      const state = await verifyState(platform, folder, { open, rest, findings, files })
      const { problems, count } = findings
      const durationMs = platform.clock.monotonic() - startedMs
      return { ok: count === 0, checked: { ...state, pages: files.pages }, problems, problemCount: count, durationMs }
    } finally {
      await lock.release()
    }
  } catch (error) {
    throw error instanceof FileError ? ioError(error, 'Nothing was changed.') : error
  }
}

interface Verifying {
  readonly folder: string
  readonly encryption: Encryption | undefined
  readonly findings: Findings
  readonly task: Task
}

/** The files by themselves. `opens`: false when it is of no use to try. */
async function verifyFiles(
  platform: Platform,
  work: Verifying,
): Promise<{ readonly opens: boolean; readonly pages: number; readonly survey: Survey | undefined }> {
  const { folder, encryption, findings } = work
  let known: Identified
  try {
    const epochSalt = new Uint8Array(EPOCH_SALT_SIZE) // of no use: nothing is written
    known = await identify(platform, folder, { readOnly: true, encryption, epochSalt })
  } catch (error) {
    if (!isDamage(error)) throw error
    findings.add(problemOf('identity', error))
    return { opens: false, pages: 0, survey: undefined }
  }
  const keys = { fileId: known.identity.fileId, seals: known.seals }
  try {
    for (const found of checkSmallFiles(platform, folder, keys)) findings.add(found)
    const root = readSoundRoot(platform, folder, keys)
    const pages = root === undefined ? 0 : await verifyPages(platform, work, root, keys)
    const survey = await verifyLogFiles(platform, work, root, keys)
    return { opens: true, pages, survey }
  } finally {
    keys.seals.close()
  }
}

/** The directory, and every page image that it leads to. */
async function verifyPages(
  platform: Platform,
  { folder, findings, task }: Verifying,
  root: Root,
  keys: RootKeys,
): Promise<number> {
  if (root.directory === undefined) return 0
  const { seals } = keys
  const damaged = await checkDirectory(platform, folder, root, { readOnlyFolder: true, seals })
  findings.add(damaged)
  if (damaged !== undefined) return 0
  const image = await readDirectory(platform, folder, root.directory, { readOnlyFolder: true, seals })
  const reader = new PageSegmentReader({ platform, folder: `${folder}/pages`, ...keys })
  const counts = { pages: 0 }
  try {
    const map = new PageMap(reader)
    map.restore(image)
    for (const found of checkPages(map, counts)) {
      findings.add(found)
      task.tell('pages', counts.pages, counts.pages + 1)
      await task.rest()
    }
  } finally {
    reader.close()
  }
  return counts.pages
}

/** The log up to its first damage. Each segment behind it may have more: what is sound there is not followed. */
async function verifyLogFiles(
  platform: Platform,
  { folder, findings, task }: Verifying,
  root: Root | undefined,
  keys: RootKeys,
): Promise<Survey> {
  const promised = [root?.checkpoint.lsn, root?.cleanEnd?.lsn].filter((lsn) => lsn !== undefined)
  const walk = surveyLog({ platform, folder: `${folder}/log`, ...keys, tailSegment: root?.logTail, promised })
  let read = 0
  for (;;) {
    const step = walk.next()
    if (step.done === true) {
      const { damage } = step.value
      if (damage !== undefined) {
        const { file, offset, expected, found } = damage
        findings.add(
          problem('log', `${file} at byte ${offset}: expected ${expected}, found ${found}`, { file, offset }),
        )
      }
      return step.value
    }
    read += step.value.frame.payloadEnd - step.value.frame.start
    task.tell('files', read, read + 1)
    await task.rest()
  }
}

interface State {
  readonly open: OpenOptions
  readonly rest: VerifyOptions
  readonly findings: Findings
  readonly files: { readonly opens: boolean; readonly survey: Survey | undefined }
}

/** What the database has when it is open. */
async function verifyState(
  platform: Platform,
  folder: string,
  { open, rest, findings, files }: State,
): Promise<Omit<VerifyResult['checked'], 'pages'>> {
  if (!files.opens) return noCounts()
  let database: Awaited<ReturnType<typeof openDatabase>>
  try {
    database = await openDatabase(platform, folder, { ...open, readOnly: true })
  } catch (error) {
    if (!isDamage(error)) throw error
    findings.add(problemOf('open', error))
    return noCounts()
  }
  try {
    // Damage of the log has been told already, by the walk over its files.
    if (files.survey?.damage !== undefined) findings.ignore('log')
    return (await verifyDatabase(Database.filesOf(database), rest, findings)).checked
  } finally {
    await database.close()
  }
}
