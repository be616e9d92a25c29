/** A small database whose files are to be damaged, every state that it went through, and what an open makes of it then. */
import { expect } from 'vitest'
import { isBlazeError, isDamage } from '../../src/base/errors.ts'
import { integrityProblems } from '../../src/engine/check.ts'
import { Database } from '../../src/engine/database.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import type { Variant } from '../support/encrypted.ts'
import { seed } from '../support/seed.ts'
import { canonical, contentOf } from './history.ts'
import { type Db, FOLDER, freshMachine, OPTIONS, openAt } from './machine.ts'
import { indexScans } from './random-history.ts'

/** A database in files, and the states it went through. */
export interface Subject {
  readonly platform: MemoryPlatform
  /** State after each commit, by its canonical text: what the index scans may be then. */
  readonly states: ReadonlyMap<string, ReadonlySet<string>>
  /** The last of them. */
  readonly last: string
}

export type SubjectKind = 'crashed' | 'checkpointed' | 'closed' | 'reopened'

/**
 * A small database with some commits. 'crashed': the process was killed; 'checkpointed': killed some commits behind a
 * checkpoint; 'closed': cleanly; 'reopened': killed in its third open, so that its log has three segments.
 */
export async function subject(kind: SubjectKind, variant: Variant = 'plain'): Promise<Subject> {
  const { platform } = freshMachine(seed(), variant)
  let db = await openAt(platform)
  const states = new Map<string, Set<string>>()
  let last = ''
  const note = (): void => {
    last = canonical(contentOf(db))
    states.set(last, (states.get(last) ?? new Set()).add(JSON.stringify(indexScans(db))))
  }
  note()
  await db.createIndex('a', 'n')
  note()
  for (let i = 0; i < 12; i++) {
    await db.collection('a').upsert({ id: i % 8, n: i % 3, text: `text ${i}`.repeat(1 + (i % 4)) })
    note()
    if (i % 3 === 2) await db.collection('a').delete(i % 5)
    note()
    if (i === 6 && kind === 'checkpointed') await db.checkpoint()
    if (kind === 'reopened' && (i === 4 || i === 8)) {
      await db.close()
      db = await openAt(platform)
    }
  }
  await db.transaction((tx) => {
    tx.collection('a').upsert({ id: 100, n: 1 })
    tx.collection('b').upsert({ id: 'x', n: 2 })
  })
  note()
  await db.collection('b').insertMany([
    { id: 'y', n: 1, body: 'y'.repeat(300) },
    { id: 'z', n: 2 },
  ])
  note()
  if (kind !== 'closed') {
    let left = platform.crash({ mode: 'keep-all', seed: 1 })
    await db.close()
    // Most of the zeros behind the log's end: a megabyte would only be copied about.
    for (const path of filesIn(left, 'log')) {
      const used = usedSize(bytesOf(left, path))
      left = damaged(left, path, (bytes) => bytes.slice(0, used + 4096))
    }
    return { platform: left, states, last }
  }
  await db.close()
  return { platform, states, last }
}

/** Paths of the files of a folder of the database that hold something, sorted. */
export function filesIn(platform: MemoryPlatform, name: 'log' | 'pages'): string[] {
  return platform.files
    .listSync(`${FOLDER}/${name}`)
    .map((each) => `${FOLDER}/${name}/${each}`)
    .filter((path) => bytesOf(platform, path).length > 0)
    .sort()
}

/** All files of the database that hold something. */
export function allFiles(platform: MemoryPlatform): string[] {
  const own = platform.files.listSync(FOLDER).filter((name) => name !== 'log' && name !== 'pages')
  return [...own.map((name) => `${FOLDER}/${name}`).sort(), ...filesIn(platform, 'log'), ...filesIn(platform, 'pages')]
}

export function bytesOf(platform: MemoryPlatform, path: string): Uint8Array {
  const handle = platform.files.openSync(path, 'read')
  const bytes = new Uint8Array(handle.sizeSync())
  handle.readSync(bytes, 0, bytes.length, 0)
  handle.closeSync()
  return bytes
}

/** A copy of the machine on which `change` is done to a file. */
export function damaged(
  platform: MemoryPlatform,
  path: string,
  change: (bytes: Uint8Array) => Uint8Array,
): MemoryPlatform {
  const copy = platform.crash({ mode: 'keep-all', seed: 1 })
  const bytes = change(bytesOf(copy, path))
  const handle = copy.files.openSync(path, 'write')
  handle.truncateSync(bytes.length)
  handle.writeSync(bytes, 0, bytes.length, 0)
  handle.closeSync()
  return copy
}

/** One in so many opens is a writing one, which also cuts, removes and checkpoints. */
const WRITING = 8

/** Opens, reads everything and closes: 'prefix', 'whole', or 'refused'. Anything else fails. */
export async function outcome(
  platform: MemoryPlatform,
  { states, last }: Subject,
  at: number,
  where: string,
): Promise<'prefix' | 'whole' | 'refused'> {
  let db: Db | undefined
  try {
    db = await openAt(platform, { ...OPTIONS, readOnly: at % WRITING !== 0 })
    const text = canonical(contentOf(db))
    expect(states.has(text), `${where}: a state that never was`).toBe(true)
    expect(states.get(text), `${where}: the indexes of that state`).toContain(JSON.stringify(indexScans(db)))
    if (namesDamage(db, where)) return 'refused'
    return text === last ? 'whole' : 'prefix'
  } catch (error) {
    if (!isDamage(error)) throw error
    expect(
      error.details.file.startsWith('/db') || error.details.file.startsWith('log'),
      `${where}: ${error.message}`,
    ).toBe(true)
    expect(Number.isSafeInteger(error.details.offset), `${where}: ${error.message}`).toBe(true)
    return 'refused'
  } finally {
    await db?.close().catch((error: unknown) => expect(isBlazeError(error), `${where}: ${String(error)}`).toBe(true))
  }
}

/** The integrity check finds nothing, or damage with its place. What is wrong without a place is wrong data, and fails. */
export function namesDamage(db: Db, where: string): boolean {
  const problems = integrityProblems(Database.coreOf(db as Database<unknown>))
  const isNamed = problems.some(({ file, offset }) => file !== undefined && offset !== undefined)
  if (problems.length > 0 && !isNamed) expect.fail(`${where}: ${problems[0]?.text}`)
  return isNamed
}

/** Offset behind the last byte that is not zero. */
export function usedSize(bytes: Uint8Array): number {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return end
}
