/**
 * An encrypted database, and somebody who can write its files. Whatever is done to them, opening and reading everything
 * ends in an error that names what is wrong, or gives what the database held after one of its commits (a log that was cut
 * where nothing proves that it was longer). Never other data, never a hang.
 *
 * One random change at a time: flipped bits, swapped frames, repeated blocks, cut and emptied files, files of another
 * database under the same key and of an earlier state of this one, edited parameters with their checksum made right.
 */
import { expect, it } from 'vitest'
import { setU32 } from '../../src/base/binary.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { isBlazeError } from '../../src/base/errors.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'
import { namesDamage } from '../torture/damage-subject.ts'
import { canonical, contentOf } from '../torture/history.ts'
import { type Db, FOLDER, freshMachine, OPTIONS, openAt, within } from '../torture/machine.ts'
import { indexScans } from '../torture/random-history.ts'

/** Ten of these are the two thousand of the goals: BLAZEDB_EFFORT=10. */
const TAMPERINGS = 200
/** One in so many opens is a writing one, which also cuts, removes and checkpoints. */
const WRITING = 4
/** Codes that a changed file may be met with. */
const NOTICED = new Set(['TAMPERED', 'CORRUPT', 'WRONG_PASSWORD', 'NOT_ENCRYPTED', 'FORMAT_NEWER', 'NOT_A_DATABASE'])

/** The files of a database, by path. */
type Files = ReadonlyMap<string, Uint8Array>

interface Subject {
  readonly platform: MemoryPlatform
  readonly files: Files
  /** The same database some commits and two checkpoints earlier. */
  readonly earlier: Files
  /** Its states, and what index scans gave in each. */
  readonly states: ReadonlyMap<string, ReadonlySet<string>>
}

function filesOf(platform: MemoryPlatform): Files {
  const files = platform.crash({ mode: 'keep-all', seed: 1 }).snapshotDurable()
  return new Map([...files].map(([path, bytes]) => [path, trimmed(bytes)]))
}

/** Without most of the zeros behind a log's end: a megabyte would only be copied about. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.slice(0, Math.min(bytes.length, ((end + 7) & ~7) + 4096))
}

/** A database that was closed, or killed behind a checkpoint. Its log begins in its second segment, its pages are old and new. */
async function subject(machineSeed: number, kind: 'closed' | 'killed'): Promise<Subject> {
  const { platform } = freshMachine(machineSeed, 'encrypted')
  const states = new Map<string, Set<string>>()
  let db = await openAt(platform)
  const note = (): void => {
    const text = canonical(contentOf(db))
    states.set(text, (states.get(text) ?? new Set()).add(JSON.stringify(indexScans(db))))
  }
  const commits = async (from: number): Promise<void> => {
    for (let i = from; i < from + 8; i++) {
      await db.collection('a').upsert({ id: i % 9, n: i % 3, text: `text ${i}`.repeat(1 + (i % 4)) })
      note()
    }
    await db.collection('b').upsert({ id: 'large', n: from, body: 'y'.repeat(70_000) })
    note()
    await db.transaction((tx) => {
      tx.collection('a').delete(from % 9)
      tx.collection('b').upsert({ id: from, n: 2 })
    })
    note()
  }
  const reopen = async (): Promise<void> => {
    await db.close()
    db = await openAt(platform)
  }
  note()
  await db.createIndex('a', 'n')
  note()
  await commits(0)
  await reopen()
  await commits(8)
  await db.checkpoint()
  const earlier = filesOf(platform)
  await commits(16)
  await reopen()
  await commits(24)
  await db.checkpoint()
  await commits(32)
  if (kind === 'closed') await db.close()
  const files = filesOf(platform)
  if (kind === 'killed') await db.close()
  return { platform, files, earlier, states }
}

/** The machine with these files in the folder, and no others. */
function machineWith(platform: MemoryPlatform, files: Files): MemoryPlatform {
  const copy = platform.crash({ mode: 'keep-all', seed: 1 })
  for (const path of copy.snapshotDurable().keys()) if (!files.has(path)) copy.files.unlinkSync(path)
  for (const [path, bytes] of files) {
    const handle = copy.files.openSync(path, 'write')
    handle.truncateSync(0)
    handle.writeSync(bytes, 0, bytes.length, 0)
    handle.closeSync()
  }
  return copy
}

/** Where the frames of a segment begin and end: their heads are no secret. */
function framesOf(bytes: Uint8Array): { readonly start: number; readonly end: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const frames: { start: number; end: number }[] = []
  for (let at = 512; at + 40 <= bytes.length; ) {
    const length = view.getUint32(at, true)
    if (length < 48 || at + length > bytes.length) break
    frames.push({ start: at, end: at + length })
    at += length
  }
  return frames
}

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)]!
}

/** Changes some files; says what it did, or undefined when there was nothing to do it to. */
type Tampering = (
  files: Map<string, Uint8Array>,
  random: SeededRandom,
  given: Subject,
  other: Subject,
) => string | undefined

const segments = (files: Files): string[] => [...files.keys()].filter((path) => /\/(log|pages)\/\d+$/.test(path))

const TAMPERED: Readonly<Record<string, Tampering>> = {
  'a flipped bit'(files, random) {
    const path = pick(
      random,
      [...files.keys()].filter((each) => files.get(each)!.length > 0),
    )
    const bytes = files.get(path)!.slice()
    const at = random.below(bytes.length)
    bytes[at]! ^= 1 << random.below(8)
    files.set(path, bytes)
    return `${path}, byte ${at}`
  },
  'two frames swapped'(files, random) {
    const path = pick(random, segments(files))
    const bytes = files.get(path)!.slice()
    const frames = framesOf(bytes)
    const first = pick(random, frames)
    const second = frames.find((each) => each.start > first.start && each.end - each.start === first.end - first.start)
    if (second === undefined) return undefined
    const kept = bytes.slice(first.start, first.end)
    bytes.copyWithin(first.start, second.start, second.end)
    bytes.set(kept, second.start)
    files.set(path, bytes)
    return `${path}, ${first.start} and ${second.start}`
  },
  'a frame over another'(files, random) {
    const [from, to] = [pick(random, segments(files)), pick(random, segments(files))]
    const source = pick(random, framesOf(files.get(from)!))
    const bytes = files.get(to)!.slice()
    const target = pick(random, framesOf(bytes))
    const frame = files.get(from)!.slice(source.start, source.end)
    // Its position made to fit: what a forger would try.
    if (random.below(2) === 0) frame.set(bytes.subarray(target.start + 8, target.start + 16), 8)
    bytes.set(frame.subarray(0, Math.min(frame.length, bytes.length - target.start)), target.start)
    files.set(to, bytes)
    return `${from} ${source.start} over ${to} ${target.start}`
  },
  'a block repeated'(files, random) {
    const path = pick(random, segments(files))
    const old = files.get(path)!
    const { start, end } = pick(random, framesOf(old))
    const bytes = new Uint8Array(old.length + end - start)
    bytes.set(old.subarray(0, end))
    bytes.set(old.subarray(start), end)
    files.set(path, bytes)
    return `${path}, ${start} to ${end}`
  },
  'a file cut short'(files, random) {
    const path = pick(random, [...files.keys()])
    const bytes = files.get(path)!
    const size = random.below(bytes.length + 1)
    files.set(path, bytes.slice(0, size))
    return `${path} at ${size}`
  },
  'a file ended by zeros'(files, random) {
    const path = pick(random, [...files.keys()])
    const bytes = files.get(path)!.slice()
    const from = random.below(bytes.length + 1)
    files.set(path, bytes.fill(0, from))
    return `${path} from ${from}`
  },
  'a file taken away'(files, random) {
    const path = pick(random, [...files.keys()])
    files.delete(path)
    return path
  },
  'a file of another database'(files, random, _given, other) {
    const path = pick(
      random,
      [...files.keys()].filter((each) => other.files.has(each)),
    )
    files.set(path, other.files.get(path)!)
    return path
  },
  'a file under the name of another'(files, random) {
    const [from, to] = [pick(random, [...files.keys()]), pick(random, [...files.keys()])]
    files.set(to, files.get(from)!)
    return `${from} as ${to}`
  },
  'a file of an earlier state'(files, random, { earlier }) {
    const path = pick(random, [...earlier.keys()])
    files.set(path, earlier.get(path)!)
    return path
  },
  'an earlier root and directory'(files, _random, { earlier }) {
    for (const [path, bytes] of earlier) if (/\/(root|directory-\d+)$/.test(path)) files.set(path, bytes)
    return 'root'
  },
  'edited parameters of the lock'(files, random) {
    const bytes = files.get(`${FOLDER}/identity`)!.slice()
    const at = pick(random, [8, 12, 28, 32, 36, 40, 44, 48, 52, 84, 90, 120]) + random.below(4)
    bytes[at] = bytes[at]! ^ (1 << random.below(8))
    setU32(bytes, 508, crc32(bytes, 0, 508))
    for (const name of ['identity', 'identity.copy']) files.set(`${FOLDER}/${name}`, bytes)
    return `byte ${at}`
  },
  'an edited header'(files, random) {
    const path = pick(random, segments(files))
    const bytes = files.get(path)!.slice()
    const at = 8 + random.below(468)
    bytes[at] = bytes[at]! ^ (1 << random.below(8))
    setU32(bytes, 508, crc32(bytes, 0, 508))
    files.set(path, bytes)
    return `${path}, byte ${at}`
  },
}
const KINDS = Object.keys(TAMPERED)

/** Opens, reads everything and closes: 'a state', or the code of the error. Anything else fails. */
async function outcome(
  platform: MemoryPlatform,
  { states }: Subject,
  readOnly: boolean,
  where: string,
): Promise<string> {
  let db: Db | undefined
  try {
    db = await openAt(platform, { ...OPTIONS, readOnly })
    const text = canonical(contentOf(db))
    expect(states.has(text), `${where}: a state that never was`).toBe(true)
    expect(states.get(text), `${where}: the indexes of that state`).toContain(JSON.stringify(indexScans(db)))
    return namesDamage(db, where) ? 'TAMPERED' : 'a state'
  } catch (error) {
    if (!isBlazeError(error) || !NOTICED.has(error.code)) throw error
    return error.code
  } finally {
    await db?.close().catch((error: unknown) => expect(isBlazeError(error), `${where}: ${String(error)}`).toBe(true))
  }
}

it('no change of the files of an encrypted database goes unnoticed', { timeout: 3_600_000 }, async () => {
  const random = seededRandom(seed())
  const subjects = [await subject(1, 'closed'), await subject(2, 'killed')] as const
  const met = new Map<string, Map<string, number>>()
  const wanted = effort(TAMPERINGS)
  let done = 0
  for (let run = 0; done < wanted; run++) {
    const kind = KINDS[run % KINDS.length]!
    const which = random.below(2)
    const [given, other] = [subjects[which]!, subjects[1 - which]!]
    const files = new Map(given.files)
    const what = TAMPERED[kind]!(files, random, given, other)
    if (what === undefined) continue
    const where = `${kind}: ${what}, run ${run}`
    const platform = machineWith(given.platform, files)
    const code = await within(outcome(platform, given, run % WRITING !== 0, where), where)
    const codes = met.get(kind) ?? new Map<string, number>()
    met.set(kind, codes.set(code, (codes.get(code) ?? 0) + 1))
    done++
  }
  figure('encryption', 'tamperings, none unnoticed', done)
  // The test can tell: the changes are met, and by errors that say what they are.
  expect([...met.keys()].sort()).toEqual([...KINDS].sort())
  const codes = new Set([...met.values()].flatMap((each) => [...each.keys()]))
  for (const code of ['TAMPERED', 'CORRUPT', 'WRONG_PASSWORD', 'a state']) expect([...codes]).toContain(code)
  expect([...met.get('an edited header')!.keys()].filter((code) => code === 'CORRUPT')).toEqual([])
})
