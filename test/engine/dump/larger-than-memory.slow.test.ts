import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Database } from '../../../src/engine/database.ts'
import { openDatabase } from '../../../src/engine/open-database.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { effort } from '../../support/effort.ts'
import { heldBytes } from '../../support/held-bytes.ts'
import { closeChecked } from '../fixture.ts'

const MIB = 1024 * 1024
const MEMORY = 16 * MIB
/** Beside the budget: segments of the log being written and prepared, a piece, two batches, what is not collected yet. */
const REST = 64 * MIB

const SECRET = { encryption: { key: new Uint8Array(32).fill(7) } } as const

/** How much more is held at most than at the beginning, looked at with garbage collected. */
class HeldBytes {
  readonly #base = heldBytes()
  #looks = 0
  most = 0

  look = (): void => {
    if (this.#looks++ % 100 !== 0) return
    this.most = Math.max(this.most, heldBytes() - this.#base)
  }
}

test('a database of five times its memory is dumped and loaded within it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-dump-'))
  const open = (name: string): Promise<Database<unknown>> =>
    openDatabase(nodePlatform(folder), join(folder, name), { memoryBytes: MEMORY, durability: 'relaxed' })
  const recordOf = (id: number) => ({ id, pad: `${id}`.padEnd(1600, 'abcdefg') })
  try {
    const count = Math.max(55_000, effort(55_000))
    const db = await open('from')
    for (let from = 0; from < count; from += 1000) {
      await db.collection('rows').insertMany(Array.from({ length: 1000 }, (_, i) => recordOf(from + i)))
    }
    const dumping = new HeldBytes()
    const { files } = await db.dump(join(folder, 'plain'), { onProgress: dumping.look })
    expect(files[0]).toMatchObject({ records: count })
    expect(files[0]?.bytes).toBeGreaterThan(5 * MEMORY)
    await db.dump(join(folder, 'packed'), { format: 'csv', compress: 'gzip', onProgress: dumping.look })
    await db.dump(join(folder, 'sealed'), { ...SECRET, onProgress: dumping.look })
    expect(dumping.most).toBeLessThan(MEMORY + REST)
    await closeChecked(db)

    for (const [dump, secret] of [
      ['plain', {}],
      ['packed', {}],
      ['sealed', SECRET],
    ] as const) {
      const loading = new HeldBytes()
      const other = await open(`from-${dump}`)
      await other.load(join(folder, dump), { ...secret, onProgress: loading.look })
      expect(loading.most).toBeLessThan(MEMORY + REST)
      expect(other.collection('rows').count()).toBe(count)
      for (const id of [0, 4711, count - 1]) expect(other.collection('rows').get(id)).toEqual(recordOf(id))
      await other.close()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 300_000)
