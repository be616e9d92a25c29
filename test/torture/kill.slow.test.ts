/**
 * SIGKILL for real: a child writes to a database on this machine's disk and is killed at random moments; each time the
 * parent opens what it left, checks it against the commits it was told of, and the next child goes on in the same folder.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { open } from '../../src/entry/index.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { effort } from '../support/effort.ts'
import { figure } from '../support/figure.ts'
import { seed } from '../support/seed.ts'
import { compileEngine } from './compiled-engine.ts'
import { canonical, checked, contentOf, difference, type Model } from './history.ts'
import {
  ACCOUNTS,
  FIRST_BALANCE,
  KILL_OPTIONS,
  type KillModel,
  type KillOperation,
  killOperations,
  prepare,
} from './kill-operations.ts'

const CHILD_FILES = ['kill-child', 'kill-operations'].map((name) => join('test', 'torture', `${name}.ts`))
/** The child lives so long after its first acknowledgement, at most. */
const MAX_LIFE_MS = 350
const MAX_IN_FLIGHT = 12

let compiled: string
beforeAll(() => {
  compiled = compileEngine(CHILD_FILES)
}, 120_000)
afterAll(() => rmSync(compiled, { recursive: true }))

/** Runs the child, kills it `lifeMs` after it has opened, and returns the numbers of what it acknowledged. */
function runAndKill(folder: string, childSeed: number, lifeMs: number): Promise<number[]> {
  const script = join(compiled, 'test', 'torture', 'kill-child.js')
  const child: ChildProcess = spawn(process.execPath, [script, folder, String(childSeed)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return new Promise((resolve, reject) => {
    let output = ''
    let errors = ''
    let timer: NodeJS.Timeout | undefined
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      timer ??= setTimeout(() => child.kill('SIGKILL'), lifeMs)
    })
    child.stderr!.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself (${code}): ${errors}`))
      else
        resolve(
          output
            .split('\n')
            .filter((line) => /^\d+$/.test(line))
            .map(Number),
        )
    })
  })
}

/** Operations of a seed up to the last one that may have been committed. */
function mayHaveHappened(childSeed: number, acknowledged: readonly number[]) {
  const next = killOperations(childSeed)
  const last = Math.max(-1, ...acknowledged)
  return Array.from({ length: last + 1 + MAX_IN_FLIGHT }, () => next())
}

/**
 * The last operation that a killed process has promised to keep, -1 when there is none. One that changed nothing wrote
 * nothing: its acknowledgement says that what it has seen is published, which 'none' commits before it are at once.
 */
function lastPromised(base: KillModel, operations: readonly KillOperation[], acknowledged: readonly number[]): number {
  const kept = new Set(acknowledged.filter((number) => operations[number]!.durability !== 'none'))
  const model: KillModel = new Map(base)
  let last = -1
  for (const [number, operation] of operations.entries()) {
    const before = new Map(model)
    operation.apply(model)
    if (kept.has(number) && !sameRecords(before, model)) last = number
  }
  return last
}

/** Records are replaced by an operation, never changed. */
function sameRecords(a: KillModel, b: KillModel): boolean {
  if (a.size !== b.size) return false
  for (const [key, record] of b) {
    const other = a.get(key)
    if (other !== record && JSON.stringify(other) !== JSON.stringify(record)) return false
  }
  return true
}

function asKillModel(model: Model): KillModel {
  return new Map([...model].map(([key, record]) => [key.replaceAll('"', ''), record]))
}

it('a killed process loses nothing that it acknowledged, and leaves a prefix of its commits', {
  timeout: 3_600_000,
}, async () => {
  const random = seededRandom(seed())
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-kill-'))
  try {
    const first = await open(folder, KILL_OPTIONS)
    await prepare(first)
    let base = asKillModel(contentOf(first))
    await first.close()
    let acknowledgedInAll = 0
    const rounds = effort(25)
    for (let round = 0; round < rounds; round++) {
      const childSeed = seed() + round
      const acknowledged = await runAndKill(folder, childSeed, random.below(MAX_LIFE_MS))
      acknowledgedInAll += acknowledged.length
      const operations = mayHaveHappened(childSeed, acknowledged)
      const promised = lastPromised(base, operations, acknowledged)
      const db = await open(folder, KILL_OPTIONS)
      const found = asKillModel(contentOf(db))
      checked(db)
      const accounts = [...found].filter(([key]) => key.startsWith('accounts/'))
      expect(accounts.reduce((sum, [, { balance }]) => sum + Number(balance), 0)).toBe(ACCOUNTS * FIRST_BALANCE)
      const text = canonical(found)
      const candidate: KillModel = new Map(base)
      let matched = promised < 0 && canonical(candidate) === text
      for (let number = 0; number < operations.length && !matched; number++) {
        operations[number]!.apply(candidate)
        matched = number >= promised && canonical(candidate) === text
      }
      const where = `round ${round}, ${acknowledged.length} acknowledged, ${promised} promised`
      if (!matched) expect(difference(found, candidate), where).toEqual([])
      base = found
      if (round % 3 === 0) await db.collection('items').upsertMany([{ id: round, n: 1, text: 'parent', body: null }])
      if (round % 3 === 0) base = asKillModel(contentOf(db))
      await db.close()
    }
    figure('kills', 'SIGKILLs survived', rounds)
    figure('kills', 'acknowledged commits, none lost', acknowledgedInAll)
    // A machine with much else to do lets a child do little before it is killed.
    expect(acknowledgedInAll, 'children get to work').toBeGreaterThan(rounds * 2)
    if (acknowledgedInAll > rounds * 20) {
      expect(Math.min(...readdirSync(join(folder, 'log')).map(Number)), 'the log was cleaned').toBeGreaterThan(1)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
