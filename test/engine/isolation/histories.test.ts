import { describe, expect, it } from 'vitest'
import type { Isolation } from '../../../src/engine/transaction.ts'
import { type CheckResult, checkHistory } from '../../../src/testing/isolation/check-history.ts'
import type { History } from '../../../src/testing/isolation/history.ts'
import { historyText } from '../../../src/testing/isolation/history-text.ts'
import { shrinkHistory } from '../../../src/testing/isolation/shrink-history.ts'
import { effort } from '../../support/effort.ts'
import { figure } from '../../support/figure.ts'
import { seed } from '../../support/seed.ts'
import { openWorld, randomHistory } from './random-transactions.ts'

/** A database for so many histories: then a fresh one, so that none of them has a long past. */
const HISTORIES_OF_A_WORLD = 50
/** Of the worlds in turn. Where commits wait for the device there is most between installed and visible. */
const DURABILITIES = ['full', 'relaxed', 'full', 'none'] as const

interface Tally {
  readonly histories: number
  readonly committed: number
  readonly aborted: number
  /** Histories with an anomaly that the level allows. */
  readonly skewed: number
}

async function checkMany(count: number, level: Isolation): Promise<Tally> {
  let [committed, aborted, skewed] = [0, 0, 0]
  for (let n = 0; n < count; ) {
    const durability = DURABILITIES[(n / HISTORIES_OF_A_WORLD) % DURABILITIES.length]!
    const world = await openWorld(durability)
    for (const end = Math.min(count, n + HISTORIES_OF_A_WORLD); n < end; n++) {
      const history = await randomHistory(world, seed() + n, level)
      const result = checkHistory(history, { level, realTime: true })
      if (!result.ok) throw new Error(failure(history, result, level, n))
      for (const { status } of history.transactions) status === 'committed' ? committed++ : aborted++
      if (result.allowed.length > 0) skewed++
    }
    await world.close()
  }
  return { histories: count, committed, aborted, skewed }
}

function failure(history: History, { anomalies }: CheckResult, level: Isolation, n: number): string {
  const short = shrinkHistory(history, { level, realTime: true })
  return `history ${n} of seed ${seed()} at ${level}:\n${historyText(short, anomalies[0])}`
}

describe('random histories of lists, records and filters, in real time', () => {
  it('at serializable show no anomaly', async () => {
    const tally = await checkMany(effort(200), 'serializable')
    expect(tally.skewed).toBe(0)
    expect(tally.committed).toBeGreaterThan(tally.aborted)
    expect(tally.aborted).toBeGreaterThan(tally.histories / 10)
    figure('isolation', 'serializable histories checked', tally.histories)
  })

  it('at snapshot show write skew in some, and nothing graver', async () => {
    const tally = await checkMany(effort(200), 'snapshot')
    expect(tally.skewed).toBeGreaterThan(0)
    figure('isolation', 'snapshot histories checked, with write skew in some', tally.histories)
  })
})
