/**
 * Damage of whole blocks, as devices and careless copies do it: zeroed, swapped, written twice, taken from another file;
 * and files that are gone. What is opened is a prefix of the commits, or an error that names the file; wrong data never.
 */
import { beforeAll, expect, it } from 'vitest'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'
import {
  allFiles,
  bytesOf,
  damaged,
  filesIn,
  outcome,
  type Subject,
  type SubjectKind,
  subject,
  usedSize,
} from './damage-subject.ts'
import { FOLDER, within } from './machine.ts'

const KINDS = ['crashed', 'checkpointed', 'closed', 'reopened'] as const satisfies SubjectKind[]
const BLOCK_SIZES = [512, 4096] as const
/** Damages of one kind for each subject at effort 1. */
const DAMAGES = 24

const subjects = new Map<SubjectKind, Subject>()
beforeAll(async () => {
  for (const kind of KINDS) subjects.set(kind, await subject(kind))
})

type Outcomes = Map<'prefix' | 'whole' | 'refused', number>

async function note(outcomes: Outcomes, given: Subject, left: MemoryPlatform, where: string, at: number) {
  const what = await within(outcome(left, given, at, where), where)
  outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
  return what
}

/** A file, and two blocks of it. */
interface Blocks {
  readonly path: string
  readonly size: number
  readonly from: number
  readonly to: number
}

/** Two blocks of a file, of the log as often as of all the others. */
function pickBlocks(platform: MemoryPlatform, random: SeededRandom): Blocks | undefined {
  const files = random.below(2) === 0 ? filesIn(platform, 'log') : allFiles(platform)
  const path = files[random.below(files.length)]!
  const size = BLOCK_SIZES[random.below(BLOCK_SIZES.length)]!
  const bytes = bytesOf(platform, path)
  const count = Math.ceil(usedSize(bytes) / size)
  if (count === 0) return undefined
  // One behind the last, so that zeros are moved in too.
  const [from, to] = [random.below(count), random.below(count)]
  return { path, size, from: from * size, to: (to === from ? count : to) * size }
}

/** What happens to a file's bytes. */
type Damage = (bytes: Uint8Array, blocks: Blocks) => Uint8Array

const zeroed: Damage = (bytes, { from, size }) => bytes.fill(0, from, from + size)

const duplicated: Damage = (bytes, { from, to, size }) => bytes.copyWithin(to, from, from + size)

const swapped: Damage = (bytes, { from, to, size }) => {
  const before = bytes.slice()
  bytes.copyWithin(to, from, from + size)
  bytes.set(before.subarray(to, to + Math.min(size, bytes.length - from)), from)
  return bytes
}

/** The end of the file comes a block earlier: what lies behind moves forward. */
const takenOut: Damage = (bytes, { from, size }) =>
  bytes.copyWithin(from, from + size).subarray(0, Math.max(from, bytes.length - size))

const DAMAGED = { zeroed, duplicated, swapped, 'taken out': takenOut }

for (const [name, damage] of Object.entries(DAMAGED)) {
  it(`blocks ${name} are found, or cost the end of a log that promised no more`, { timeout: 600_000 }, async () => {
    const random = seededRandom(seed() ^ (name.length * 65_537))
    let noticed = 0
    for (const [kind, given] of subjects) {
      const outcomes: Outcomes = new Map()
      for (let i = 0; i < effort(DAMAGES); i++) {
        const blocks = pickBlocks(given.platform, random)
        if (blocks === undefined) continue
        const left = damaged(given.platform, blocks.path, (bytes) => damage(bytes, blocks))
        await note(outcomes, given, left, `${kind}, ${name}: ${JSON.stringify(blocks)}`, i)
        figure('damage', `blocks ${name}`, 1)
      }
      if (kind === 'closed') expect(outcomes.get('prefix') ?? 0, 'a clean close promises the whole').toBe(0)
      noticed += (outcomes.get('refused') ?? 0) + (outcomes.get('prefix') ?? 0)
    }
    expect(noticed, 'some of it is damage').toBeGreaterThan(effort(DAMAGES) / 4)
  })
}

/** Nothing but its own frames promise the newest segment of a killed process: without it the log ends before. */
function mayBeMissed(kind: SubjectKind, path: string, platform: MemoryPlatform): boolean {
  return (kind === 'crashed' || kind === 'reopened') && path === filesIn(platform, 'log').at(-1)
}

it('a file that is gone is named, or made again from the log', async () => {
  for (const [kind, given] of subjects) {
    const outcomes: Outcomes = new Map()
    for (const [at, path] of allFiles(given.platform).entries()) {
      for (const mode of [0, 1]) {
        const left = given.platform.crash({ mode: 'keep-all', seed: 1 })
        left.files.unlinkSync(path)
        const where = `${kind}, ${path} removed`
        const what = await note(outcomes, given, left, where, at * 8 + mode)
        // The log is the truth: only it cannot be made again.
        if (!path.startsWith(`${FOLDER}/log`)) expect(what, where).toBe('whole')
        else expect(what, where).toBe(mayBeMissed(kind, path, given.platform) ? 'prefix' : 'refused')
        figure('damage', 'files removed', 1)
      }
    }
  }
})

it('a file that stands where another should is no file of that name', async () => {
  for (const [kind, given] of subjects) {
    const outcomes: Outcomes = new Map()
    const logs = filesIn(given.platform, 'log')
    for (const [at, to] of [...logs, ...filesIn(given.platform, 'pages')].entries()) {
      for (const from of allFiles(given.platform)) {
        if (from === to) continue
        const left = damaged(given.platform, to, () => bytesOf(given.platform, from))
        const where = `${kind}, ${from} in the place of ${to}`
        const what = await note(outcomes, given, left, where, at)
        if (mayBeMissed(kind, to, given.platform)) expect(what, where).not.toBe('whole')
        else if (logs.includes(to)) expect(what, where).toBe('refused')
        else expect(what, where).not.toBe('prefix')
        figure('damage', 'files exchanged', 1)
      }
    }
  }
})
