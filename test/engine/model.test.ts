/**
 * The whole engine against maps: random writes, batches, transactions at once, snapshots and queries, with checkpoints,
 * cleaning, reopens, kills and power cuts in between, also within a call to the disk. After a crash every promised commit
 * is there, and the state is that after some prefix of the commits. The runner is that of `blazedb/testing`.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Database } from '../../src/engine/database.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { machineCommands } from '../../src/testing/model/machine-commands.ts'
import { modelCommand } from '../../src/testing/model/model-command.ts'
import { plainRecords, recordCommands } from '../../src/testing/model/record-commands.ts'
import { runModel } from '../../src/testing/model/run-model.ts'
import { type RecordsModel, recordsOf } from '../../src/testing/records-model.ts'
import { effort } from '../support/effort.ts'
import { KEY } from '../support/encrypted.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'

const KEYS = 25
const RUNS = 20

const ids = arbitraries.id({ count: 30 })
const fields = {
  n: fc.nat(KEYS),
  text: arbitraries.text({ maxLength: 40 }),
  tags: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
  // Larger than a page, so that it lies in pieces.
  big: fc.oneof(
    { weight: 20, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.integer({ min: 20_000, max: 100_000 }).map((size) => 'y'.repeat(size)) },
  ),
}

/** Both kinds of index, made when they are not there. */
async function withIndexes(db: Database<unknown>): Promise<void> {
  const known = new Set(db.stats().collections.flatMap((each) => each.indexes))
  if (!known.has('n')) await db.createIndex('items', 'n')
  if (!known.has('tags')) await db.createIndex('items', { on: 'tags', each: true })
}

/** Rows in the order of an index. */
const ordered = modelCommand<RecordsModel, number>({
  args: fc.nat(KEYS),
  weight: 2,
  run: async (run, least) => {
    await run.idle()
    const rows = run.db
      .collection('items')
      .where({ n: { gte: least } })
      .orderBy('n', 'desc')
      .all()
    const found = [...recordsOf(run.model, 'items').values()].map((each) => Number(each['n']))
    expect(rows.map((row) => row['n'])).toEqual(found.filter((n) => n >= least).sort((a, b) => b - a))
  },
})

it.each([
  { durability: 'full', variant: 'plain', runs: RUNS },
  { durability: 'relaxed', variant: 'plain', runs: RUNS / 2 },
  { durability: 'none', variant: 'plain', runs: RUNS / 2 },
  { durability: 'full', variant: 'encrypted', runs: RUNS / 4 },
] as const)(
  '$variant, with $durability durability, it gives after every operation, snapshot, checkpoint, reopen and crash what maps give',
  { timeout: 600_000 },
  async ({ durability, variant, runs }) => {
    const { commands, counts } = await runModel({
      ...plainRecords,
      seed: seed(),
      runs: effort(runs),
      maxCommands: 60,
      options: {
        retain: { logBytes: 0 },
        durability,
        ...(variant === 'encrypted' ? { encryption: { key: KEY } } : {}),
      },
      prepare: withIndexes,
      commands: { ...machineCommands(), ...recordCommands({ plan: { ids, fields, counter: 'n' } }), ordered },
    })
    figure('model', 'commands against the model', commands)
    const met = [
      'crash',
      'reopen',
      'transaction',
      'hold',
      'checkpoint',
      ...(runs < RUNS / 2 ? [] : ['atOnce', 'later', 'release']),
    ]
    for (const name of met) {
      expect(counts.get(name) ?? 0, name).toBeGreaterThan(0)
    }
  },
)
