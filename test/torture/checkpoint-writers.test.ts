/**
 * Checkpoints while others write: what a root names is the state at exactly its C, however many writes came between the
 * slices. Checked by cutting the log at C, so that nothing but the image is left to open.
 */
import { expect, it } from 'vitest'
import { Database } from '../../src/engine/database.ts'
import { manualClock } from '../../src/platform/manual-clock.ts'
import { memoryPlatform } from '../../src/platform/memory-platform.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { currentRoot, cutLog } from './cut-log.ts'
import { canonical, checked, contentOf, copyOf, difference, keyOf, type Model } from './history.ts'
import { FOLDER, OPTIONS, openAt } from './machine.ts'

const RECORDS = 2500
/** Time that passes with each look at the clock, so that a checkpoint parts its work into many slices. */
const LOOK_MS = 0.4

it('a checkpoint holds the state at exactly its commit, while writers go on', { timeout: 600_000 }, async () => {
  const random = seededRandom(seed())
  const clock = manualClock()
  let nowMs = 0
  const ticking = { ...clock, monotonic: () => (nowMs += LOOK_MS) }
  const platform = memoryPlatform({ seed: seed(), clock: ticking })
  platform.files.makeFolderSync(FOLDER)
  platform.files.syncFolderSync('/')
  const db = await openAt(platform)
  const core = Database.coreOf(db)
  await db.createIndex('items', 'n')
  const model: Model = new Map()
  /** State after each commit of the writers. */
  const states = new Map<number, Model>()
  const pending: Promise<unknown>[] = []
  const items = db.collection('items')
  const write = (): void => {
    const record = { id: random.below(RECORDS), n: random.below(500), text: 'x'.repeat(random.below(80)) }
    const gone = random.below(5) === 0
    pending.push(gone ? items.delete(record.id) : items.upsert(record))
    if (gone) model.delete(keyOf('items', record.id))
    else model.set(keyOf('items', record.id), record)
  }
  await items.insertMany(
    Array.from({ length: RECORDS }, (_, id) => {
      const record = { id, n: id % 500, text: '' }
      model.set(keyOf('items', id), record)
      return record
    }),
  )
  let between = 0
  for (let round = 0; round < effort(4); round++) {
    states.clear()
    states.set(core.installed, copyOf(model))
    let running = true
    const done = db.checkpoint().then(() => {
      running = false
    })
    // C is taken in the checkpoint's first turns; what is written in all later ones must not be in it.
    for (let turn = 0; running; turn++) {
      for (let i = random.below(6); i > 0; i--) write()
      if (turn < 20) states.set(core.installed, copyOf(model))
      between++
      await new Promise((resolve) => setImmediate(resolve))
    }
    await done
    await Promise.all(pending.splice(0))
    const left = platform.crash({ mode: 'keep-all', seed: round })
    const root = currentRoot(left)
    expect(root.commit, `round ${round}: writers have gone on since C`).toBeLessThan(core.installed)
    cutLog(left, root.checkpoint.lsn)
    const image = await openAt(left, { ...OPTIONS, readOnly: true })
    const expected = states.get(root.commit)
    expect(expected, `round ${round}: the state of commit ${root.commit} is known`).toBeDefined()
    expect(difference(contentOf(image), expected!), `round ${round}: the image at C`).toEqual([])
    checked(image)
    await image.close()
    const after = await openAt(platform.crash({ mode: 'lose-unsynced', seed: round }), OPTIONS)
    expect(canonical(contentOf(after)), `round ${round}: all that was acknowledged`).toBe(canonical(model))
    checked(after)
    await after.close()
  }
  expect(between, 'writers ran between the slices').toBeGreaterThan(8)
  checked(db)
  await db.close()
})
