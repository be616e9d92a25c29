/**
 * The workload of the fault and crash tests: three opens of one small database that meet everything the engine does with
 * files: commits of all kinds, records in pieces and transactions in parts, indexes, checkpoints, cleaning, unlinking,
 * closing. Time stands still but where the workload moves it, so that the same calls are made in the same order each time.
 */
import { expect } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { InvariantError } from '../../src/base/invariant.ts'
import type { ManualClock } from '../../src/platform/manual-clock.ts'
import type { CrashMode } from '../../src/platform/memory-files.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import type { DynamicRecord } from '../../src/query/types.ts'
import {
  checked,
  contentOf,
  type Durability,
  difference,
  History,
  keyOf,
  type Model,
  NOTHING_TO_DO,
} from './history.ts'
import { type Db, type Machine, openAt, turns } from './machine.ts'

const ACCOUNTS = 4
const FIRST_BALANCE = 100
const TEXT = 'lorem ipsum dolor sit amet '

/** The money in all accounts, which transfers never change; undefined before there are any. */
export function sumOf(model: Model): number | undefined {
  const accounts = [...model].filter(([key]) => key.startsWith('accounts/'))
  if (accounts.length === 0) return undefined
  return accounts.reduce((sum, [, { balance }]) => sum + Number(balance), 0)
}

export function checkSum(model: Model): void {
  const sum = sumOf(model)
  if (sum !== undefined) expect(sum, 'transfers are whole or not at all').toBe(ACCOUNTS * FIRST_BALANCE)
}

/** One open database and what it must hold. */
export class Session {
  readonly db: Db
  readonly history: History
  readonly clock: ManualClock
  readonly errors: unknown[]

  constructor(db: Db, history: History, clock: ManualClock, errors: unknown[]) {
    this.db = db
    this.history = history
    this.clock = clock
    this.errors = errors
  }

  write(
    issue: () => Promise<unknown>,
    apply: (model: Model) => void,
    durability: Durability = 'full',
  ): Promise<boolean> {
    return this.history.run(durability, issue, apply, this.errors)
  }

  put(collection: string, record: DynamicRecord, durability: Durability = 'full'): Promise<boolean> {
    return this.write(
      () => this.db.collection(collection).upsert(record, { durability }),
      (model) => merge(model, collection, record),
      durability,
    )
  }

  remove(collection: string, id: DynamicRecord['id']): Promise<boolean> {
    return this.write(
      () => this.db.collection(collection).delete(id),
      (model) => model.delete(keyOf(collection, id)),
    )
  }

  batch(collection: string, records: readonly DynamicRecord[], durability: Durability = 'full'): Promise<boolean> {
    return this.write(
      () => this.db.collection(collection).upsertMany(records, { durability }),
      (model) => {
        for (const record of records) merge(model, collection, record)
      },
      durability,
    )
  }

  transfer(from: number, to: number, amount: number): Promise<boolean> {
    return this.write(
      () =>
        this.db.transaction((tx) => {
          const accounts = tx.collection('accounts')
          const [a, b] = [accounts.get(from), accounts.get(to)]
          if (a === undefined || b === undefined) throw NOTHING_TO_DO
          accounts.update(from, { balance: Number(a['balance']) - amount })
          accounts.update(to, { balance: Number(b['balance']) + amount })
        }),
      (model) => {
        add(model, from, -amount)
        add(model, to, amount)
      },
    )
  }

  count(id: string): Promise<boolean> {
    return this.write(
      async () => {
        const counters = this.db.collection('counters')
        if (!counters.has(id)) throw NOTHING_TO_DO
        await counters.update(id, (record) => ({ n: Number(record['n']) + 1 }))
      },
      (model) => {
        const record = model.get(keyOf('counters', id))!
        model.set(keyOf('counters', id), { ...record, n: Number(record['n']) + 1 })
      },
    )
  }

  /** Something that commits no record of a user; false when it failed, with an error that says so. */
  async attempt(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action()
      return true
    } catch (error) {
      this.errors.push(error)
      expect(isBlazeError(error), `${String(error)}`).toBe(true)
      return false
    }
  }

  async checkpoint(): Promise<void> {
    if (await this.attempt(() => this.db.checkpoint())) this.history.flushed()
  }

  /** Lets the background work: the clock moves, and what it set off is waited for. */
  async background(): Promise<void> {
    for (let i = 0; i < 6; i++) {
      this.clock.advance(60)
      await turns()
    }
  }
}

function merge(model: Model, collection: string, record: DynamicRecord): void {
  const key = keyOf(collection, record.id)
  model.set(key, { ...model.get(key), ...record })
}

function add(model: Model, account: number, amount: number): void {
  const key = keyOf('accounts', account)
  const record = model.get(key)!
  model.set(key, { ...record, balance: Number(record['balance']) + amount })
}

function bug(id: number, round: number): DynamicRecord {
  return { id, n: (id * 7 + round) % 13, title: `${TEXT.slice(0, (id * 3) % 20)}${round}`, email: `u${id}-${round}@x` }
}

/** The three opens. */
export const PHASES: readonly ((session: Session) => Promise<void>)[] = [
  async function fill(s) {
    await s.attempt(() => s.db.createIndex('bugs', 'n'))
    for (let id = 0; id < 4; id++) await s.put('bugs', bug(id, 0))
    await s.batch(
      'accounts',
      Array.from({ length: ACCOUNTS }, (_, id) => ({ id, balance: FIRST_BALANCE })),
    )
    await s.put('counters', { id: 'hits', n: 0 })
    await s.batch(
      'bugs',
      Array.from({ length: 20 }, (_, i) => bug(i, 1)),
    )
    // A transaction's function runs a turn later, so it commits behind the calls beside it.
    await Promise.all([s.count('hits'), s.put('bugs', bug(30, 1)), s.remove('bugs', 3), s.transfer(0, 1, 5)])
    await s.transfer(1, 2, 7)
    await s.put('bugs', { id: 40, n: 2, body: 'y'.repeat(90_000) })
    await s.attempt(() => s.db.createIndex('bugs', { on: 'email', unique: true }))
    await s.batch(
      'notes',
      Array.from({ length: 40 }, (_, id) => ({ id, text: TEXT.repeat(120), n: id % 5 })),
    )
    await s.checkpoint()
    await s.put('bugs', bug(31, 2), 'relaxed')
    await s.put('bugs', bug(32, 2), 'none')
    await s.count('hits')
    await s.transfer(2, 3, 11)
    await s.put('bugs', bug(33, 2), 'relaxed')
    await s.background()
    await s.put('bugs', bug(34, 2), 'none')
  },
  async function churn(s) {
    for (let id = 0; id < 4; id++) await s.put('bugs', bug(id, 3))
    await s.put('bugs', { id: 40, n: 9, body: 'z'.repeat(70_000) })
    await s.batch(
      'notes',
      Array.from({ length: 40 }, (_, id) => ({ id, text: TEXT.repeat(110), n: (id + 1) % 5 })),
    )
    await s.background()
    await s.write(
      () => s.db.collection('notes').deleteMany({ n: 2 }),
      (model) => {
        for (const [key, record] of model) if (key.startsWith('notes/') && record['n'] === 2) model.delete(key)
      },
    )
    await s.transfer(3, 0, 2)
    await s.checkpoint()
    await s.remove('bugs', 40)
    await s.background()
    await s.write(
      async () => {
        s.db.transactionSync((tx) => {
          tx.collection('bugs').upsert(bug(50, 4))
          tx.collection('bugs').delete(5)
        })
      },
      (model) => {
        merge(model, 'bugs', bug(50, 4))
        model.delete(keyOf('bugs', 5))
      },
    )
    await s.checkpoint()
  },
  async function settle(s) {
    await s.background()
    await Promise.all([s.count('hits'), s.remove('bugs', 50), s.put('bugs', bug(51, 5)), s.transfer(0, 3, 1)])
    await s.checkpoint()
    await s.attempt(() => s.db.dropIndex('bugs', 'n'))
    await s.write(
      () => s.db.dropCollection('notes'),
      (model) => {
        for (const key of [...model.keys()]) if (key.startsWith('notes/')) model.delete(key)
      },
    )
    await s.background()
  },
]

/** What a run went through. */
export interface RunResult {
  readonly errors: readonly unknown[]
  readonly history: History
}

/**
 * All phases on one machine. After each the database is closed; each begins by checking that what is there is promised.
 * Stops where the machine is dead. Every failure met must be a BlazeError.
 */
export async function runPhases({ platform, clock }: Machine, where: string): Promise<RunResult> {
  const errors: unknown[] = []
  const history = new History()
  for (const [at, phase] of PHASES.entries()) {
    const name = `${where}, phase ${at + 1}`
    const db = await openTwice(platform, errors, name)
    if (db === undefined) return { errors, history }
    await settleOpened(db, history, platform, name)
    // What was found is durable from now on, whatever failed before.
    if (errors.length > 0 && !platform.faults.dead) await verifyCrashes(platform, history, ['lose-unsynced'], name)
    const session = new Session(db, history, clock, errors)
    await phase(session)
    await checkVisible(session, platform, name)
    if (await session.attempt(() => db.close())) {
      if (history.unsureCount === 0) history.flushed()
    }
    if (platform.faults.dead) return { errors, history }
  }
  return { errors, history }
}

/** Every way in which the machine can go down now leaves what was promised, and a database that goes on. */
export async function verifyCrashes(
  platform: MemoryPlatform,
  history: History,
  modes: readonly CrashMode[],
  where: string,
  seed = 1,
): Promise<void> {
  for (const mode of modes) {
    const how = mode === 'keep-all' ? 'kill' : 'power cut'
    const name = `${where}, ${mode}`
    const left = platform.crash({ mode, seed })
    const db = await openAt(left)
    const found = contentOf(db)
    checkSum(found)
    history.match(found, how, name)
    checked(db)
    await db.collection('after').insert({ id: 1, n: 1 })
    await db.close()
    const again = await openAt(left)
    const expected = new Map(found).set(keyOf('after', 1), { id: 1, n: 1 })
    expect(difference(contentOf(again), expected), `${name}: what it went on with`).toEqual([])
    await again.close()
  }
}

/** Opens; what fails once must succeed when it is tried again on a machine that works. */
async function openTwice(platform: MemoryPlatform, errors: unknown[], where: string): Promise<Db | undefined> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return await openAt(platform)
    } catch (error) {
      errors.push(error)
      expect(isBlazeError(error), `${where}: ${String(error)}\n${(error as Error).stack}`).toBe(true)
      if (platform.faults.dead) return undefined
      // What fails from some call on is mended by now.
      platform.faults.clear()
    }
  }
  throw errors.at(-1)
}

async function settleOpened(db: Db, history: History, platform: MemoryPlatform, where: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const found = contentOf(db)
      checkSum(found)
      history.settle(found, 'kill', where)
      return
    } catch (error) {
      if (!isBlazeError(error, 'IO')) throw error
      if (platform.faults.dead) return
      // The fault of this run has hit a read; the next one works.
      if (attempt > 0) throw error
    }
  }
}

/** While open, readers see what was acknowledged and nothing else; the structures agree with the log. */
async function checkVisible({ db, history }: Session, platform: MemoryPlatform, where: string): Promise<void> {
  if (platform.faults.dead) return
  for (let attempt = 0; ; attempt++) {
    try {
      const found = contentOf(db)
      expect(difference(found, history.visible()), `${where}: what readers see`).toEqual([])
      checked(db)
      return
    } catch (error) {
      // The fault of this run may hit the check itself, which then tells it as a problem. What is really wrong stays so.
      if (!isBlazeError(error, 'IO') && !(error instanceof InvariantError)) throw error
      if (platform.faults.dead) return
      if (attempt > 0) throw error
    }
  }
}
