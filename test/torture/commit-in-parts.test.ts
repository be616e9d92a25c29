/** A commit that fills several frames, and a log that is cut behind each of them: it is there whole, or not at all. */
import { expect, it } from 'vitest'
import { lsnOf } from '../../src/base/ids.ts'
import { Database } from '../../src/engine/database.ts'
import { Replay } from '../../src/engine/replay.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { LENGTH_AT, SEGMENT_HEAD } from '../../src/wal/frame.ts'
import { cutLog } from './cut-log.ts'
import { bytesOf } from './damage-subject.ts'
import { checked } from './history.ts'
import { FOLDER, freshMachine, OPTIONS, openAt } from './machine.ts'

const LOG = `${FOLDER}/log/1`

/** Offsets at which the frames of the first segment end. */
function frameEnds(platform: MemoryPlatform): number[] {
  const bytes = bytesOf(platform, LOG)
  const view = new DataView(bytes.buffer)
  const ends: number[] = []
  for (let at = SEGMENT_HEAD; at + 4 <= bytes.length; ) {
    const length = view.getUint32(at + LENGTH_AT, true)
    if (length === 0) break
    at += length
    ends.push(at)
  }
  return ends
}

it('a commit of which a part is missing is corruption, by replay and by rebuild', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  await db.collection('a').insertMany(Array.from({ length: 90 }, (_, id) => ({ id, text: 'x'.repeat(4000) })))
  const core = Database.coreOf(db as Database<unknown>)
  const frames = [...core.log.readSegment(core.log.headSegment)]
  expect(frames.length, 'the commit fills several frames').toBeGreaterThan(4)
  for (const rebuild of [false, true]) {
    const replay = new Replay(core, { only: 'all', rebuild, onCatalogue: () => undefined, onShape: () => undefined })
    expect(() => replay.frame(frames.at(-1)!)).toThrow(
      expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining('names a part') }),
    )
  }
  await db.close()
})

it('a commit in parts is there whole or not at all, wherever the log ends', async () => {
  const { platform } = freshMachine(1)
  const db = await openAt(platform)
  await db.createIndex('a', 'n')
  await db.collection('a').insertMany(Array.from({ length: 50 }, (_, id) => ({ id, n: 0 })))
  const before = frameEnds(platform).length
  // Changes, deletes and new records, in frames of 64 KB.
  await db.transaction((tx) => {
    const a = tx.collection('a')
    for (let id = 0; id < 90; id++) {
      if (id % 7 === 3 && id < 50) a.delete(id)
      else a.upsert({ id, n: 1, text: 'x'.repeat(4000) })
    }
  })
  const left = platform.crash({ mode: 'keep-all', seed: 1 })
  await db.close()
  const ends = frameEnds(left).slice(before)
  expect(ends.length, 'the commit fills several frames').toBeGreaterThan(4)
  for (const [at, end] of ends.entries()) {
    for (const readOnly of [true, false]) {
      const cut = left.crash({ mode: 'keep-all', seed: 1 })
      cutLog(cut, lsnOf(1, end))
      const found = await openAt(cut, { ...OPTIONS, readOnly })
      const a = found.collection('a')
      const counts = [a.where({ n: 0 }).count(), a.where({ n: 1 }).count(), a.count()]
      expect(counts, `cut behind part ${at + 1} of ${ends.length}`).toEqual(
        at === ends.length - 1 ? [0, 83, 83] : [50, 0, 50],
      )
      checked(found)
      await found.close()
    }
  }
})
