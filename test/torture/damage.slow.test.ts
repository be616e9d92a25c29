/**
 * Damaged files: every truncation of a log's tail, and flipped bits in every file. What is opened is a prefix of the
 * commits, or an error that names the file and the place; wrong data never, and never a hang.
 */
import { describe, expect, it } from 'vitest'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { VARIANTS } from '../support/encrypted.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'
import { bytesOf, damaged, filesIn, outcome, subject, usedSize } from './damage-subject.ts'
import { FOLDER, within } from './machine.ts'

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
      figure('damage', 'truncations', 1)
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
        figure('damage', 'flipped bits', 1)
      }
    }
    return outcomes
  }

  const folder = (name: 'log' | 'pages') => (platform: MemoryPlatform) => filesIn(platform, name)

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
