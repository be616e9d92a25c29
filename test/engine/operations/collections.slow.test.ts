/** Very many collections: 2,000 in each run of the tests, 10,000 and more by BLAZEDB_EFFORT. On this machine's disk. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDatabase } from '../../../src/engine/open-database.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { effort } from '../../support/effort.ts'
import { heldBytes } from '../../support/held-bytes.ts'

const MIB = 1024 * 1024
const OPTIONS = { memoryBytes: 64 * MIB, durability: 'relaxed' } as const
/** Tables of its codec; its pages stay on the disk. */
const BYTES_PER_COLLECTION = 48 * 1024

it('many collections are all there after an open, in memory that is theirs and not their records', {
  timeout: 600_000,
}, async () => {
  const collections = Math.min(20_000, effort(2000))
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-many-'))
  try {
    const db = await openDatabase(nodePlatform(folder), folder, OPTIONS)
    for (let from = 0; from < collections; from += 500) {
      await db.transaction((tx) => {
        for (let n = from; n < Math.min(collections, from + 500); n++) tx.collection(`c${n}`).insert({ id: n, n })
      })
    }
    await db.close()
    const before = heldBytes()
    const again = await openDatabase(nodePlatform(folder), folder, OPTIONS)
    expect(again.collections()).toHaveLength(collections)
    expect((heldBytes() - before) / collections).toBeLessThan(BYTES_PER_COLLECTION)
    for (let n = 0; n < collections; n++) expect(again.collection(`c${n}`).get(n)).toEqual({ id: n, n })
    expect(again.stats().memory.usedBytes).toBeLessThan(OPTIONS.memoryBytes + 2 * MIB)
    await again.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
