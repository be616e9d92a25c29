/**
 * The log alone gives what root, pages and the log's tail give: at many points of random histories the database is opened
 * both ways, and every record and every index entry compared.
 */
import { expect, it } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { Database } from '../../src/engine/database.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { isEncrypted, VARIANTS } from '../support/encrypted.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'
import { canonical, checked, contentOf, difference, History } from './history.ts'
import { type Db, FOLDER, freshMachine, openAt } from './machine.ts'
import { begin, indexScans, LOG_FOLDER, randomStep } from './random-history.ts'

type Loss = 'asked' | 'directory' | 'pages' | 'root'
const LOSSES: readonly Loss[] = ['asked', 'directory', 'pages', 'root']
const STEPS = 70

/** Takes away what is derived, so that only the log is left. False when there is nothing to take. */
function lose(platform: MemoryPlatform, loss: Loss): boolean {
  const { files } = platform
  const names = files.listSync(FOLDER)
  switch (loss) {
    case 'asked':
      files.openSync(`${FOLDER}/rebuild`, 'write').closeSync()
      return true
    case 'root':
      files.unlinkSync(`${FOLDER}/root`)
      return true
    case 'directory': {
      const directories = names.filter((name) => /^directory-\d+$/.test(name))
      for (const name of directories) files.unlinkSync(`${FOLDER}/${name}`)
      return directories.length > 0
    }
    case 'pages': {
      const pages = files.listSync(`${FOLDER}/pages`)
      for (const name of pages) files.unlinkSync(`${FOLDER}/pages/${name}`)
      return pages.length > 0
    }
  }
}

function oldestSegment(platform: MemoryPlatform): number {
  const ids = platform.files.listSync(LOG_FOLDER).map(Number)
  return Math.min(...ids.filter(Number.isInteger))
}

/** Opens with the loss. Pages are found missing when they are first asked for: that read says so, and the next open rebuilds. */
async function openWithLoss(platform: MemoryPlatform, loss: Loss): Promise<Db> {
  for (let attempt = 0; ; attempt++) {
    let db: Db | undefined
    try {
      db = await openAt(platform)
      contentOf(db)
      indexScans(db)
      return db
    } catch (error) {
      if (loss !== 'pages' || attempt > 1) throw error
      expect(isBlazeError(error, 'CORRUPT') || isBlazeError(error, 'IO'), String(error)).toBe(true)
      await db?.close().catch((reason: unknown) => expect(isBlazeError(reason)).toBe(true))
      platform.files.openSync(`${FOLDER}/rebuild`, 'write').closeSync()
    }
  }
}

async function compare(platform: MemoryPlatform, loss: Loss, random: SeededRandom, where: string): Promise<boolean> {
  const mode = random.below(2) === 0 ? 'keep-all' : 'lose-unsynced'
  const [as, without] = [platform.crash({ mode, seed: 1 }), platform.crash({ mode, seed: 1 })]
  const db = await openAt(as)
  const expected = contentOf(db)
  const scans = indexScans(db)
  const { installed } = Database.coreOf(db)
  await db.close()
  if (!lose(without, loss)) return false
  if (loss === 'root' && (oldestSegment(without) > 1 || isEncrypted(without))) {
    await expect(openAt(without), `${where}: the missing part cannot be proven`).rejects.toMatchObject({
      code: isEncrypted(without) ? 'TAMPERED' : 'CORRUPT',
      details: { file: expect.stringContaining('root') },
    })
    return true
  }
  const rebuilt = await openWithLoss(without, loss)
  expect(difference(contentOf(rebuilt), expected), where).toEqual([])
  expect(indexScans(rebuilt), where).toEqual(scans)
  expect(Database.coreOf(rebuilt).installed, where).toBe(installed)
  checked(rebuilt)
  await rebuilt.collection('a').upsert({ id: 1, n: 1 })
  const after = canonical(contentOf(rebuilt))
  await rebuilt.close()
  const again = await openAt(without)
  expect(canonical(contentOf(again)), `${where}, opened again`).toBe(after)
  checked(again)
  await again.close()
  return true
}

/** As many without one that is cleaned would say that none is any more. */
const MOST_HISTORIES = 40

it.each(VARIANTS)(
  'a rebuild from the log alone finds what an open finds, at any point, also after cleaning: $variant',
  {
    timeout: 600_000,
  },
  async ({ variant, share }) => {
    const histories = effort(3 * share)
    const compared = new Map<Loss, number>()
    let cleaned = 0
    // Not every history cleans: with few of them it goes on until one has.
    for (let run = 0; run < histories || (cleaned === 0 && run < MOST_HISTORIES); run++) {
      const random = seededRandom(seed() + run)
      const machine = freshMachine(seed() + run, variant)
      let session = await begin(machine, new History())
      for (let step = 0; step < STEPS; step++) {
        session = await randomStep(session, machine, random)
        if (step % 9 !== 8) continue
        expect(difference(contentOf(session.db), session.history.visible()), `history ${run}, step ${step}`).toEqual([])
        const loss = LOSSES[random.below(LOSSES.length)]!
        const where = `history ${run}, step ${step}, lost: ${loss}`
        if (oldestSegment(machine.platform) > 1) cleaned++
        if (await compare(machine.platform, loss, random, where)) compared.set(loss, (compared.get(loss) ?? 0) + 1)
      }
      expect(session.errors).toEqual([])
      checked(session.db)
      await session.db.close()
    }
    const comparisons = [...compared.values()].reduce((sum, count) => sum + count, 0)
    figure('rebuild', 'points of random histories at which the log alone gave the same', comparisons)
    expect(comparisons).toBeGreaterThan(histories * 4)
    expect(cleaned, 'histories are cleaned').toBeGreaterThan(0)
  },
)
