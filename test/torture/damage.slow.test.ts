/**
 * Damaged files: every truncation of a log's tail, and flipped bits in every file. What is opened is a prefix of the
 * commits, or an error that names the file and the place; wrong data never, and never a hang.
 */
import { describe, expect, it } from 'vitest'
import { isBlazeError, isDamage } from '../../src/base/errors.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { VARIANTS, type Variant } from '../support/encrypted.ts'
import { seed } from '../support/seed.ts'
import { canonical, checked, contentOf } from './history.ts'
import { type Db, FOLDER, freshMachine, OPTIONS, openAt, within } from './machine.ts'
import { indexScans } from './random-history.ts'

/** A database in files, and the states it went through. */
interface Subject {
  readonly platform: MemoryPlatform
  /** State after each commit, by its canonical text: what the index scans may be then. */
  readonly states: ReadonlyMap<string, ReadonlySet<string>>
  /** The last of them. */
  readonly last: string
}

/**
 * A small database with some commits. 'crashed': the process was killed; 'checkpointed': killed some commits behind a
 * checkpoint; 'closed': cleanly.
 */
async function subject(kind: 'crashed' | 'checkpointed' | 'closed', variant: Variant): Promise<Subject> {
  const { platform } = freshMachine(seed(), variant)
  const db = await openAt(platform)
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
    const left = platform.crash({ mode: 'keep-all', seed: 1 })
    await db.close()
    // Most of the zeros behind the log's end: a megabyte would only be copied about.
    const path = `${FOLDER}/log/1`
    const used = usedSize(bytesOf(left, path))
    return { platform: damaged(left, path, (bytes) => bytes.slice(0, used + 4096)), states, last }
  }
  await db.close()
  return { platform, states, last }
}

function sizeOf(platform: MemoryPlatform, path: string): number {
  const handle = platform.files.openSync(path, 'read')
  const size = handle.sizeSync()
  handle.closeSync()
  return size
}

function bytesOf(platform: MemoryPlatform, path: string): Uint8Array {
  const handle = platform.files.openSync(path, 'read')
  const bytes = new Uint8Array(handle.sizeSync())
  handle.readSync(bytes, 0, bytes.length, 0)
  handle.closeSync()
  return bytes
}

/** A copy of the machine on which `change` is done to a file. */
function damaged(platform: MemoryPlatform, path: string, change: (bytes: Uint8Array) => Uint8Array): MemoryPlatform {
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
async function outcome(
  platform: MemoryPlatform,
  { states, last }: Subject,
  at: number,
  where: string,
): Promise<string> {
  let db: Db | undefined
  try {
    db = await openAt(platform, { ...OPTIONS, readOnly: at % WRITING !== 0 })
    const text = canonical(contentOf(db))
    expect(states.has(text), `${where}: a state that never was`).toBe(true)
    expect(states.get(text), `${where}: the indexes of that state`).toContain(JSON.stringify(indexScans(db)))
    checked(db)
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

/** Offset behind the last byte that is not zero. */
function usedSize(bytes: Uint8Array): number {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return end
}

describe.each(VARIANTS)('a log cut short, $variant', ({ variant, share }) => {
  const stride = Math.max(1, Math.round(14 / share / effort(1)))
  /** How many of what is counted at full length are at least met at this one. */
  const some = (count: number): number => Math.floor(count * share)

  async function cuts(kind: 'crashed' | 'checkpointed' | 'closed', zeros: boolean): Promise<Map<string, number>> {
    const given = await subject(kind, variant)
    const path = `${FOLDER}/log/1`
    const used = usedSize(bytesOf(given.platform, path))
    const outcomes = new Map<string, number>()
    for (let size = used - 1 - (seed() % stride); size >= 0; size -= stride) {
      const cut = damaged(given.platform, path, (bytes) => {
        if (!zeros) return bytes.slice(0, size)
        return bytes.fill(0, size)
      })
      const what = await within(outcome(cut, given, size, `${kind}, cut at ${size}`), `${kind}, cut at ${size}`)
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
    }
    return outcomes
  }

  it('anywhere, after a kill, is a shorter prefix', async () => {
    const outcomes = await cuts('crashed', false)
    expect(outcomes.get('prefix')).toBeGreaterThan(some(40))
    expect(outcomes.get('refused') ?? 0, 'nothing promised more').toBe(0)
  })

  it('by zeros, after a kill, is a shorter prefix', async () => {
    const outcomes = await cuts('crashed', true)
    expect(outcomes.get('prefix')).toBeGreaterThan(some(40))
    expect(outcomes.get('refused') ?? 0).toBeLessThan(512)
  })

  it('below a checkpoint is refused, behind it a prefix', async () => {
    const outcomes = await cuts('checkpointed', false)
    expect(outcomes.get('prefix')).toBeGreaterThan(some(20))
    expect(outcomes.get('refused')).toBeGreaterThan(some(20))
  })

  it('after a clean close is refused', async () => {
    const outcomes = await cuts('closed', false)
    expect(outcomes.get('refused')).toBeGreaterThan(some(40))
    expect([...outcomes.keys()]).toEqual(['refused'])
  })
})

describe.each(VARIANTS)('a flipped bit, $variant', ({ variant, share }) => {
  /** Every byte of small files, every so many bytes of larger ones. */
  const FLIPS_PER_FILE = 70 * share
  const some = (count: number): number => Math.floor(count * share)

  async function flips(
    kind: 'checkpointed' | 'closed',
    paths: (platform: MemoryPlatform) => string[],
  ): Promise<Map<string, number>> {
    const random = seededRandom(seed())
    const given = await subject(kind, variant)
    const outcomes = new Map<string, number>()
    for (const path of paths(given.platform)) {
      const used = usedSize(bytesOf(given.platform, path))
      const stride = Math.max(1, Math.floor(used / effort(FLIPS_PER_FILE)))
      for (let at = random.below(stride); at < used; at += stride) {
        const bit = 1 << random.below(8)
        const flipped = damaged(given.platform, path, (bytes) => {
          bytes[at] = bytes[at]! ^ bit
          return bytes
        })
        const where = `${kind}, ${path}, byte ${at} ^ ${bit}`
        const what = await within(outcome(flipped, given, at, where), where)
        outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
      }
    }
    return outcomes
  }

  const folder = (name: string) => (platform: MemoryPlatform) =>
    platform.files
      .listSync(`${FOLDER}/${name}`)
      .map((each) => `${FOLDER}/${name}/${each}`)
      .filter((path) => sizeOf(platform, path) > 0)

  it('in one of the identity files, the root or the directory costs nothing: the other, or the log, is there', async () => {
    const outcomes = await flips('closed', (platform) => [
      `${FOLDER}/identity`,
      `${FOLDER}/identity.copy`,
      `${FOLDER}/root`,
      ...platform.files
        .listSync(FOLDER)
        .filter((name) => name.startsWith('directory-'))
        .map((name) => `${FOLDER}/${name}`),
    ])
    // Without its root an encrypted database is not opened: it is what says how far the log must reach.
    expect([...outcomes.keys()].sort()).toEqual(variant === 'plain' ? ['whole'] : ['refused', 'whole'])
  })

  it('in the log of a closed database is found when it is read', async () => {
    const outcomes = await flips('closed', folder('log'))
    expect(outcomes.get('refused')).toBeGreaterThan(some(40))
    expect(outcomes.get('prefix') ?? 0).toBe(0)
  })

  it('in the log behind a checkpoint is a torn tail or damage', async () => {
    const outcomes = await flips('checkpointed', folder('log'))
    expect(outcomes.get('refused')).toBeGreaterThan(some(20))
  })

  it('in a page is found when it is read, and nothing wrong is given', async () => {
    const outcomes = await flips('closed', folder('pages'))
    expect(outcomes.get('prefix') ?? 0).toBe(0)
    expect((outcomes.get('refused') ?? 0) + (outcomes.get('whole') ?? 0)).toBeGreaterThan(some(40))
  })
})
