/**
 * Runs small text scripts of interleaved transactions against a real database in memory.
 *
 *   # what the script shows
 *   levels: serializable snapshot
 *   t1 begin
 *   t1 get items 1
 *   db update items 1 {"v":2}
 *   t1 commit
 *   ---
 *   [serializable]
 *   t1 get items 1 = {"id":1,"v":1}
 *   …
 *
 * `db` is the database outside transactions; each other first word is a transaction, opened by `begin`. Arguments are
 * words and JSON. A step prints what it gave, or the code it was refused with; `hold` keeps writes from reaching the
 * device until `release`, and `commit later` is awaited by `ended`. With BLAZEDB_UPDATE_SCRIPTS=1 the expected half is
 * written anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { BlazeError } from '../../src/base/errors.ts'
import type { Value } from '../../src/base/values.ts'
import type { DynamicInsert } from '../../src/engine/collection-spec.ts'
import type { Database } from '../../src/engine/database.ts'
import type { Isolation } from '../../src/engine/transaction.ts'
import type { Transaction } from '../../src/engine/transaction-handle.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import type { Query } from '../../src/query/builder.ts'
import type { DynamicRecord, Where } from '../../src/query/types.ts'
import { closeChecked, freshPlatform, openOn } from './fixture.ts'

/** What a collection of the database and one of a transaction have in common, with promises or without. */
interface AnyCollection {
  get(id: number): DynamicRecord | undefined
  where(filter: Where<DynamicRecord>): Query<DynamicRecord>
  orderBy(field: string): Query<DynamicRecord>
  insert(record: DynamicInsert): unknown
  update(id: number, change: Patch | ((record: Patch) => Patch)): unknown
  delete(id: number): unknown
  updateMany(where: Where<DynamicRecord>, patch: Patch): unknown
  deleteMany(where: Where<DynamicRecord>): unknown
}
type Patch = { readonly [name: string]: Value | undefined }

interface Stage {
  readonly db: Database
  readonly platform: MemoryPlatform
  readonly level: Isolation
  readonly open: Map<string, Transaction>
  readonly later: Map<string, Promise<string>>
}

/** What a script says, and what it gives now. */
export interface ScriptOutcome {
  readonly expected: string
  readonly actual: string
}

export async function runScript(path: string): Promise<ScriptOutcome> {
  const text = readFileSync(path, 'utf8')
  const [input = '', expected = ''] = text.split('\n---\n')
  const lines = input.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const levels = (lines.find((line) => line.startsWith('levels:')) ?? 'levels: serializable').slice(7).trim().split(' ')
  const steps = lines.filter((line) => !line.startsWith('levels:'))
  const output: string[] = []
  for (const level of levels) output.push(`[${level}]`, ...(await runAt(level as Isolation, steps)))
  const actual = `${output.join('\n')}\n`
  if (process.env['BLAZEDB_UPDATE_SCRIPTS'] === '1') writeFileSync(path, `${input}\n---\n${actual}`)
  return { expected, actual }
}

async function runAt(level: Isolation, steps: readonly string[]): Promise<string[]> {
  const platform = freshPlatform()
  const db = await openOn(platform, { syncWrites: 'never', closeTimeoutMs: 0 })
  const stage: Stage = { db, platform, level, open: new Map(), later: new Map() }
  const output: string[] = []
  try {
    for (const step of steps) {
      const result = await runStep(stage, step)
      if (result !== '') output.push(`${step} = ${result}`)
    }
  } finally {
    platform.files.release()
    for (const tx of stage.open.values()) tx.rollback()
    await closeChecked(db)
  }
  return output
}

/** What a step prints; '' when there is nothing to say. */
async function runStep(stage: Stage, step: string): Promise<string> {
  const [who = '', verb = '', ...rest] = words(step)
  if (who === 'hold') stage.platform.files.hold()
  else if (who === 'release') stage.platform.files.release()
  else if (verb === 'begin') stage.open.set(who, stage.db.begin({ isolation: stage.level }))
  else if (verb === 'commit') return commit(stage, who, rest[0] === 'later')
  else if (verb === 'ended') return (await stage.later.get(who)) ?? 'not begun'
  else if (verb === 'rollback') transactionOf(stage, who).rollback()
  else if (verb === 'index') await stage.db.createIndex(rest[0]!, rest[1]!)
  else return outcome(() => operate(handleOf(stage, who).collection(rest[0]!) as AnyCollection, verb, rest.slice(1)))
  return ''
}

async function commit(stage: Stage, who: string, later: boolean): Promise<string> {
  const tx = transactionOf(stage, who)
  const done = outcome(async () => {
    await tx.commit()
    return 'committed'
  })
  if (!later) return done
  stage.later.set(who, done)
  return ''
}

/** Reads print rows in the order of their ids unless an order was asked for; writes print nothing when they succeed. */
async function operate(on: AnyCollection, verb: string, rest: readonly string[]): Promise<string> {
  const first = rest[0] === undefined ? undefined : json(rest[0])
  const second = rest[1] === undefined ? undefined : json(rest[1])
  switch (verb) {
    case 'get':
      return show(on.get(first as number))
    case 'all':
      return show(
        on
          .where((first ?? {}) as Where<DynamicRecord>)
          .orderBy('id')
          .all(),
      )
    case 'count':
      return show(on.where((first ?? {}) as Where<DynamicRecord>).count())
    case 'first':
      return show(on.orderBy(rest[0]!).limit(1).all())
    case 'insert':
      await on.insert(first as DynamicInsert)
      return ''
    case 'update':
      await on.update(first as number, second as Patch)
      return ''
    case 'updateMany':
      return show(await on.updateMany(first as Where<DynamicRecord>, second as Patch))
    case 'add':
      await on.update(first as number, (record) => ({ v: Number(record['v']) + Number(second) }))
      return ''
    case 'delete':
      return show(await on.delete(first as number))
    case 'deleteMany':
      return show(await on.deleteMany(first as Where<DynamicRecord>))
    default:
      throw new RangeError(`a script cannot ${verb}`)
  }
}

async function outcome(run: () => Promise<string>): Promise<string> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof BlazeError) return error.code
    throw error
  }
}

function transactionOf(stage: Stage, who: string): Transaction {
  const tx = stage.open.get(who)
  if (tx === undefined) throw new RangeError(`${who} has not begun`)
  return tx
}

function handleOf(stage: Stage, who: string): Database | Transaction {
  return who === 'db' ? stage.db : transactionOf(stage, who)
}

/** Splits at spaces outside JSON. */
function words(step: string): string[] {
  return step.match(/(\{.*?\}+|\S+)/g) ?? []
}

/** A word that is no JSON is itself. */
function json(word: string): unknown {
  try {
    return JSON.parse(word)
  } catch {
    return word
  }
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value)
}
