/**
 * REPAIR: what can be proven of a database that no longer opens. It keeps the log up to the first damage, says exactly what
 * comes after it and is given up, and writes a database of what it keeps beside the damaged one, which it only reads.
 *
 *   segment 7  frames … │ damage │ sound frames …     segment 8 …            read: all; kept: up to the damage
 *
 * The log up to any frame is the state after some commit, as long as it is all of the log; once the oldest segments have
 * been cleaned away, only from the last checkpoint on (`exact`): before it, records whose last copy lay behind the damage
 * are gone, and nothing tells which.
 *
 * Invariants: the patient is not written, not even in place: there its folder is renamed, whole, and the repaired copy
 * takes its name; frames kept and frames dropped are all the frames that can be read; nothing is dropped in silence.
 *
 * What it does not do: take records from behind the damage. A dump of a database that still opens can.
 */
import { BlazeError, isDamage } from '../../base/errors.ts'
import { firstRoot, type Root } from '../../gc/root.ts'
import { FileError, type Platform } from '../../platform/platform.ts'
import { readFully } from '../../wal/descriptors.ts'
import { SEGMENT_HEAD } from '../../wal/frame.ts'
import { NO_KEY, plainSeals } from '../../wal/seal.ts'
import {
  databaseOf,
  EPOCH_SALT_SIZE,
  headerSealed,
  ioError,
  segmentIds,
  segmentPath,
  segmentStart,
} from '../../wal/segment.ts'
import { storedBytes } from '../../wal/stored-bytes.ts'
import { type LogDamage, type Survey, surveyLog } from '../../wal/survey.ts'
import { FolderOutput } from '../backup/output.ts'
import type { Encryption } from '../encryption-options.ts'
import { identify, takeLock } from '../folder.ts'
import { encodeIdentity, FORMAT, IDENTITY_SIZE, isSealedIdentity } from '../identity.ts'
import { IDENTITY_FILES } from '../identity-file.ts'
import { isIncomplete, takenText } from '../incomplete.ts'
import { assertKnown } from '../known-options.ts'
import { openDatabase } from '../open-database.ts'
import { encryptionOf, type OpenOptions } from '../open-options.ts'
import { type RootKeys, readSmallFile, readSoundRoot, rootBytes } from '../root-file.ts'
import { Task, type TaskOptions } from '../task.ts'
import type { VerifyProblem } from '../verify/problem.ts'
import { LossCounter, type Losses } from './losses.ts'

export interface RepairOptions extends TaskOptions {
  /** Where the repaired database is written: a new folder, `<path>.repaired` by default. */
  readonly to?: string
  /** Puts the repaired database in the place of the damaged one, whose folder is kept as `<path>.damaged`. */
  readonly inPlace?: boolean
  /** Only says what would be kept and what dropped. */
  readonly dryRun?: boolean
  /** How the repaired database is opened to see that it opens; `encryption` of an encrypted one, which is needed to read it. */
  readonly open?: OpenOptions
}

export interface RepairReport {
  /** False when nothing is wrong with the log and the root: then nothing is written. */
  readonly needed: boolean
  /** The first damage of the log; undefined when it is whole. */
  readonly damage: LogDamage | undefined
  /** What else had to be made anew: 'identity', 'root'. */
  readonly remade: readonly string[]
  /** True when what is kept is all of the state after its newest commit. */
  readonly exact: boolean
  readonly kept: {
    readonly commitNumber: number
    readonly commits: number
    readonly frames: number
    readonly bytes: number
  }
  readonly dropped: Losses & {
    readonly files: readonly string[]
    /** Bytes behind the damage; of sound frames, and of what cannot be read. */
    readonly bytes: number
    readonly unreadableBytes: number
  }
  /** The folder of the repaired database; undefined when none was written. */
  readonly path: string | undefined
  /** The records that it holds, and what a verification of it has found. */
  readonly records: readonly { readonly collection: string; readonly records: number }[]
  readonly problems: readonly VerifyProblem[]
}

/** Repairs the database in a folder. Errors: see `repair`. */
export async function repairDatabase(
  platform: Platform,
  path: string,
  options: RepairOptions = {},
): Promise<RepairReport> {
  assertKnown('repair()', options, ['to', 'inPlace', 'dryRun', 'open', 'signal', 'onProgress'])
  try {
    const { folder, to } = places(platform, path, options)
    const lock = await takeLock(platform, folder, true)
    try {
      return await repairLocked(platform, { folder, to, options, release: () => lock.release() })
    } finally {
      await lock.release()
    }
  } catch (error) {
    throw error instanceof FileError ? ioError(error, 'The damaged database was not changed.') : error
  }
}

function places(
  platform: Platform,
  path: string,
  { to, inPlace, dryRun }: RepairOptions,
): { readonly folder: string; readonly to: string } {
  const { files } = platform
  if (typeof path !== 'string' || path.length === 0) {
    throw new BlazeError('INVALID_ARGUMENT', 'repair() needs the path of a folder, as a text; nothing was done', {
      argument: 'path',
    })
  }
  if (!files.existsSync(path)) {
    throw new BlazeError('NOT_A_DATABASE', `${path} does not exist; nothing was done`, { path })
  }
  if (inPlace === true && to !== undefined) throw refused('to and inPlace do not go together', 'to')
  const folder = files.realPathSync(path)
  if (isIncomplete(files, folder)) {
    throw new BlazeError('NOT_A_DATABASE', `${path} was never finished, so there is nothing to repair`, { path })
  }
  const target = to ?? `${folder}.repaired`
  const taken = [target, ...(inPlace === true ? [damagedName(folder)] : [])].find((each) => files.existsSync(each))
  if (dryRun !== true && taken !== undefined) throw refused(takenText(files, taken), 'to')
  return { folder, to: target }
}

function damagedName(folder: string): string {
  return `${folder}.damaged`
}

interface Repairing {
  readonly folder: string
  readonly to: string
  readonly options: RepairOptions
  readonly release: () => Promise<void>
}

async function repairLocked(platform: Platform, { folder, to, options, release }: Repairing): Promise<RepairReport> {
  const task = new Task('the repair', platform.clock, options)
  const encryption = encryptionOf(options.open ?? {})
  const { keys, identity } = await knownIdentity(platform, folder, encryption)
  try {
    return await repairKnown(platform, { folder, to, options, release, task, keys, identity })
  } finally {
    keys.seals.close()
  }
}

interface Known {
  readonly task: Task
  readonly keys: RootKeys
  /** The bytes of the identity; undefined when it is lost. */
  readonly identity: Uint8Array | undefined
}

async function repairKnown(
  platform: Platform,
  { folder, to, options, release, task, keys, identity }: Repairing & Known,
): Promise<RepairReport> {
  const root = readSoundRoot(platform, folder, keys)
  const losses = new LossCounter()
  const survey = await surveyed(platform, { folder, keys, root, task, losses })
  const isRootLost = root === undefined && (survey.tailSegment !== 1 || keys.seals.encrypts)
  const remade = [...(identity === undefined ? ['identity'] : []), ...(isRootLost ? ['root'] : [])]
  const needed = survey.damage !== undefined || remade.length > 0
  const figures = {
    needed,
    damage: survey.damage,
    remade,
    exact: survey.tailSegment === 1 || (root !== undefined && survey.end.lsn >= root.checkpoint.lsn),
    kept: losses.kept(),
    dropped: {
      ...losses.dropped(),
      files: survey.droppedFiles,
      bytes: survey.droppedBytes,
      unreadableBytes: survey.unreadableBytes,
    },
  }
  if (!needed || options.dryRun === true) return { ...figures, path: undefined, records: [], problems: [] }
  await writeRepaired(platform, { folder, to, keys, identity, survey, task })
  const opened = await openRepaired(platform, to, options)
  if (options.inPlace !== true) return { ...figures, path: to, ...opened }
  await release()
  platform.files.renameSync(folder, damagedName(folder))
  platform.files.renameSync(to, folder)
  platform.files.syncFolderSync(folder.slice(0, Math.max(1, folder.lastIndexOf('/'))))
  return { ...figures, path: folder, ...opened }
}

/**
 * The identity, or what the headers of segments say of it: the file id. Throws its damage when nothing does, or when the
 * database is encrypted: its keys were in the identity. PASSWORD_REQUIRED, WRONG_PASSWORD.
 */
async function knownIdentity(
  platform: Platform,
  folder: string,
  encryption: Encryption | undefined,
): Promise<Pick<Known, 'keys' | 'identity'>> {
  try {
    const epochSalt = new Uint8Array(EPOCH_SALT_SIZE) // of no use: nothing is written
    const { identity, seals } = await identify(platform, folder, { readOnly: true, encryption, epochSalt })
    return { keys: { fileId: identity.fileId, seals }, identity: soundIdentity(platform, folder) }
  } catch (error) {
    const stated = isDamage(error) ? statedDatabase(platform, folder) : undefined
    if (stated?.keyId !== NO_KEY) throw error
    return { keys: { fileId: stated.fileId, seals: plainSeals(platform, stated.fileId) }, identity: undefined }
  }
}

/** The bytes of the identity that is used: the first sealed one. */
function soundIdentity({ files }: Platform, folder: string): Uint8Array | undefined {
  const found = ['identity', 'identity.copy'].map((name) => readSmallFile(files, `${folder}/${name}`, IDENTITY_SIZE))
  return found.find((bytes) => bytes !== undefined && isSealedIdentity(bytes))
}

function statedDatabase({ files }: Platform, folder: string): ReturnType<typeof databaseOf> | undefined {
  for (const id of segmentIds(files.listSync(`${folder}/log`))) {
    const handle = files.openSync(segmentPath(`${folder}/log`, id), 'read')
    try {
      const bytes = new Uint8Array(SEGMENT_HEAD)
      const size = readFully(handle, bytes, 0, SEGMENT_HEAD, 0)
      if (headerSealed(bytes.subarray(0, size))) return databaseOf(bytes)
    } finally {
      handle.closeSync()
    }
  }
  return undefined
}

interface Surveying {
  readonly folder: string
  readonly keys: RootKeys
  readonly root: Root | undefined
  readonly task: Task
  readonly losses: LossCounter
}

async function surveyed(platform: Platform, { folder, keys, root, task, losses }: Surveying): Promise<Survey> {
  const promised = [root?.checkpoint.lsn, root?.cleanEnd?.lsn].filter((lsn) => lsn !== undefined)
  const walk = surveyLog({ platform, folder: `${folder}/log`, ...keys, tailSegment: root?.logTail, promised })
  for (;;) {
    const step = walk.next()
    if (step.done === true) return step.value
    losses.frame(step.value)
    task.tell('survey', losses.bytes, losses.bytes + 1)
    await task.rest()
  }
}

interface Writing {
  readonly folder: string
  readonly to: string
  readonly keys: RootKeys
  readonly identity: Uint8Array | undefined
  readonly survey: Survey
  readonly task: Task
}

/** The proven log with a root that says where it begins; the tables are made by the first open. */
async function writeRepaired(platform: Platform, { folder, to, keys, identity, survey, task }: Writing): Promise<void> {
  const output = new FolderOutput(platform.files, to, 'repair')
  const put = async (name: string, bytes: Uint8Array): Promise<void> => {
    await output.begin({ name, offset: 0, sizeBytes: bytes.length })
    await output.write(bytes)
    await output.end()
  }
  const total = survey.segments.reduce((sum, { end }) => sum + end, 0)
  let done = 0
  try {
    output.start()
    for (const { id: segment, end } of survey.segments) {
      await output.begin({ name: segmentPath('log', segment), offset: 0, sizeBytes: end })
      for (const { bytes } of storedBytes({
        platform,
        folder: `${folder}/log`,
        ...keys,
        segment,
        from: 0,
        to: end,
        chain: 0,
      })) {
        await output.write(bytes)
        done += bytes.length
        task.tell('copy', done, total)
        await task.pause()
      }
      await output.end()
    }
    await put('root', rootBytes(repairedRoot(platform, survey), keys))
    await put('rebuild', new Uint8Array(0))
    for (const name of IDENTITY_FILES)
      await put(name, identity ?? encodeIdentity({ fileId: keys.fileId, format: FORMAT, lock: undefined }))
    await output.finish(undefined)
  } catch (error) {
    output.abandon()
    throw error
  }
}

/** The log's tail, and no promise of how far it reaches. */
function repairedRoot(platform: Platform, { tailSegment }: Survey): Root {
  const epochSalt = platform.random.fill(new Uint8Array(EPOCH_SALT_SIZE))
  return {
    ...firstRoot(epochSalt),
    checkpoint: { lsn: segmentStart(tailSegment), chain: 0 },
    logTail: tailSegment,
  }
}

/** Opens what was written, which makes its tables, and looks at all of it. */
async function openRepaired(
  platform: Platform,
  path: string,
  { open = {}, signal }: RepairOptions,
): Promise<Pick<RepairReport, 'records' | 'problems'>> {
  const db = await openDatabase(platform, path, open)
  try {
    const { problems } = await db.verify({ ...(signal !== undefined && { signal }) })
    const records = db.stats().collections.map(({ name, records: count }) => ({ collection: name, records: count }))
    return { records, problems }
  } finally {
    await db.close()
  }
}

function refused(text: string, argument: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}; nothing was done`, { argument })
}
