/** What the engine tells the cleaner of a delete whose commit lies in a later segment than its entry. */
import { expect, it } from 'vitest'
import type { CollectionId, CommitNumber } from '../../src/base/ids.ts'
import { ENTRY_DELETE, EntryView, readItem } from '../../src/codec/entry.ts'
import { cleanTarget } from '../../src/engine/clean-target.ts'
import type { Core } from '../../src/engine/core.ts'
import { Database } from '../../src/engine/database.ts'
import { withDatabase } from './fixture.ts'

/** Asks the cleaner's target about every delete in the log. */
function copyTombstones(core: Core): ('copied' | 'dropped')[] {
  const target = cleanTarget(core)
  const entry = new EntryView()
  const outcomes: ('copied' | 'dropped')[] = []
  // All of them first: what is copied goes to the end of the same segment.
  const frames = [...core.log.readSegment(core.log.headSegment)]
  for (const frame of frames) {
    for (let at = frame.payloadStart; at < frame.payloadEnd; ) {
      const item = readItem(frame.bytes, at, frame.payloadEnd)
      for (let next = item.entriesStart; next < item.end; next = entry.end) {
        entry.read(frame.bytes, next)
        if (entry.kind !== ENTRY_DELETE) continue
        const collection = entry.collection as CollectionId
        outcomes.push(target.copyTombstone(collection, frame.bytes, entry, item.commit as CommitNumber))
      }
      at = item.end
    }
  }
  target.submit()
  return outcomes
}

it('a delete is copied while nothing newer is installed of its record, and dropped when something is', async () => {
  await withDatabase(async (db) => {
    const core = Database.coreOf(db as Database<unknown>)
    const items = db.collection('items')
    await items.insertMany([
      { id: 1, n: 1 },
      { id: 2, n: 1 },
      { id: 'a name that no slot holds', n: 1 },
    ])
    // The slots of what is deleted stay while a snapshot sees what was there.
    using _held = db.snapshot()
    await items.delete(1)
    await items.delete(2)
    await items.delete('a name that no slot holds')
    await items.insert({ id: 1, n: 2 })
    expect(copyTombstones(core)).toEqual(['dropped', 'copied', 'copied'])
    await db.flush()
    expect(items.get(1)).toEqual({ id: 1, n: 2 })
    expect(items.orderBy('id').all()).toEqual([{ id: 1, n: 2 }])
  })
})
