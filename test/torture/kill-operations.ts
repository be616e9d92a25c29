/**
 * What the killed child does, by seed: the same list of operations for the child, which makes them, and for its parent,
 * which knows what they should have done. Calls commit in call order; transactions are made alone, so theirs is known too.
 */
import type { DatabaseWith } from '../../src/engine/database.ts'
import type { OpenOptions } from '../../src/engine/open-options.ts'
import type { Durability } from '../../src/engine/publisher.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/seeded-random.ts'
import type { DynamicRecord } from '../../src/query/types.ts'

export type KillDb = DatabaseWith<Record<never, never>>
export type KillModel = Map<string, DynamicRecord>

export interface KillOperation {
  readonly durability: Durability
  /** Made with nothing else in flight. */
  readonly alone: boolean
  issue(db: KillDb): Promise<unknown>
  apply(model: KillModel): void
}

export const ACCOUNTS = 8
export const FIRST_BALANCE = 1000
const ITEMS = 300
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

export const KILL_OPTIONS: OpenOptions<Record<never, never>> = {
  retain: { logBytes: 0 },
  memoryBytes: 16 * 1024 * 1024,
  relaxedDelayMs: 20,
}

/** Operation `k` of a round is the same for everybody who asks. */
export function killOperations(seed: number): () => KillOperation {
  const random = seededRandom(seed)
  return () => nextOperation(random)
}

function nextOperation(random: SeededRandom): KillOperation {
  const durability = (['full', 'full', 'relaxed', 'none'] as const)[random.below(4)]!
  const id = random.below(ITEMS)
  const pick = random.below(100)
  if (pick < 45) return upsert(durability, [item(random, id)])
  if (pick < 60)
    return upsert(
      durability,
      Array.from({ length: 1 + random.below(40) }, () => item(random, random.below(ITEMS))),
    )
  if (pick < 68) return remove(durability, id)
  if (pick < 72) return removeSome(durability, random.below(60))
  if (pick < 80) return count(durability)
  if (pick < 83) return updateSome(durability, random.below(60), random.below(1000))
  if (pick < 85) return upsert(durability, [{ ...item(random, id), body: LETTERS.repeat(1500 + random.below(20_000)) }])
  return transfer(durability, random.below(ACCOUNTS), random.below(ACCOUNTS), random.below(50))
}

function item(random: SeededRandom, id: number): DynamicRecord {
  const text = LETTERS.slice(random.below(20)).repeat(10 + random.below(80))
  return { id, n: random.below(60), text, body: null }
}

function put(model: KillModel, record: DynamicRecord): void {
  model.set(`items/${String(record.id)}`, { ...model.get(`items/${String(record.id)}`), ...record })
}

function upsert(durability: Durability, records: DynamicRecord[]): KillOperation {
  return {
    durability,
    alone: false,
    issue: (db) => db.collection('items').upsertMany(records, { durability }),
    apply(model) {
      for (const record of records) put(model, record)
    },
  }
}

function remove(durability: Durability, id: number): KillOperation {
  return {
    durability,
    alone: false,
    issue: (db) => db.collection('items').delete(id, { durability }),
    apply(model) {
      model.delete(`items/${id}`)
    },
  }
}

function removeSome(durability: Durability, n: number): KillOperation {
  return {
    durability,
    alone: false,
    issue: (db) => db.collection('items').deleteMany({ n }, { durability }),
    apply(model) {
      for (const [key, record] of model) if (key.startsWith('items/') && record['n'] === n) model.delete(key)
    },
  }
}

function updateSome(durability: Durability, n: number, mark: number): KillOperation {
  return {
    durability,
    alone: false,
    issue: (db) => db.collection('items').updateMany({ n }, { mark }, { durability }),
    apply(model) {
      for (const [key, record] of model) {
        if (key.startsWith('items/') && record['n'] === n) model.set(key, { ...record, mark })
      }
    },
  }
}

function count(durability: Durability): KillOperation {
  return {
    durability,
    alone: false,
    issue: (db) =>
      db.collection('counters').update('hits', (record) => ({ n: Number(record['n']) + 1 }), { durability }),
    apply(model) {
      const record = model.get('counters/hits')!
      model.set('counters/hits', { ...record, n: Number(record['n']) + 1 })
    },
  }
}

function transfer(durability: Durability, from: number, to: number, amount: number): KillOperation {
  const move = (read: (account: number) => DynamicRecord, write: (account: number, balance: number) => void): void => {
    write(from, Number(read(from)['balance']) - amount)
    write(to, Number(read(to)['balance']) + amount)
  }
  return {
    durability,
    alone: true,
    issue: (db) =>
      db.transaction(
        (tx) => {
          const accounts = tx.collection('accounts')
          move(
            (account) => accounts.getOrThrow(account),
            (account, balance) => accounts.update(account, { balance, moves: from * 100 + to }),
          )
        },
        { durability },
      ),
    apply(model) {
      move(
        (account) => model.get(`accounts/${account}`)!,
        (account, balance) => {
          const key = `accounts/${account}`
          model.set(key, { ...model.get(key)!, balance, moves: from * 100 + to })
        },
      )
    },
  }
}

/** What every database of this test begins with. */
export async function prepare(db: KillDb): Promise<void> {
  await db.createIndex('items', 'n')
  await db.createIndex('items', { on: 'mark' })
  await db
    .collection('accounts')
    .insertMany(Array.from({ length: ACCOUNTS }, (_, id) => ({ id, balance: FIRST_BALANCE, moves: 0 })))
  await db.collection('counters').insert({ id: 'hits', n: 0 })
}
