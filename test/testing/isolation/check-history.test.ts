import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/platform/seeded-random.ts'
import { checkHistory } from '../../../src/testing/isolation/check-history.ts'
import type { History, HistoryTransaction, Operation } from '../../../src/testing/isolation/history.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { type Flaw, type Model, simulate } from './simulators.ts'

/** What a flawed database may show at most, and what it is bound to show in some of many histories. */
interface Expected {
  readonly may: string[]
  readonly must: string[]
}
const SKEW = ['G2-item']
const READ = [...SKEW, 'G-single', 'G-nonadjacent', 'lost-update']
const DIRTY = [...READ, 'G0', 'G1a', 'G1b', 'G1c', 'dirty-update', 'internal']
const EXPECTED: Readonly<Record<Flaw, Expected>> = {
  serial: { may: [], must: [] },
  serializable: { may: [], must: [] },
  snapshot: { may: SKEW, must: SKEW },
  'lost-update': { may: READ, must: ['lost-update', 'G2-item'] },
  'read-committed': { may: READ, must: ['G-single', 'lost-update'] },
  'read-uncommitted': { may: DIRTY, must: ['G0', 'G1a', 'G1b', 'G1c'] },
}

function namesOf(flaw: Flaw, model: Model, count: number): Set<string> {
  const names = new Set<string>()
  for (let n = 0; n < count; n++) {
    const history = simulate(seed() + n, {
      flaw,
      model,
      transactions: 8,
      ...(flaw === 'read-uncommitted' && { abortOneIn: 4 }),
    })
    for (const { name } of checkHistory(history, { realTime: true }).anomalies) names.add(name)
  }
  return names
}

describe('histories of a simulated database that is', () => {
  const cases = (Object.keys(EXPECTED) as Flaw[]).flatMap((flaw) => [
    { flaw, model: 'list' as const },
    { flaw, model: 'register' as const },
  ])
  it.each(cases)('$flaw, of $model keys, show what it may and nothing else', ({ flaw, model }) => {
    const names = namesOf(flaw, model, effort(120))
    const { may, must } = EXPECTED[flaw]
    // A register in which two wrote in place does not tell in which order.
    const shown = model === 'register' ? must.filter((name) => name !== 'G0') : must
    expect([...names].filter((name) => !may.includes(name.replace(/-realtime|-session/, '')))).toEqual([])
    expect([...names]).toEqual(expect.arrayContaining(shown))
  })
})

describe('against all serial orders', () => {
  it('a history of lists is found serializable exactly when one of them explains it', () => {
    const random = seededRandom(seed())
    let serializable = 0
    const count = effort(600)
    for (let n = 0; n < count; n++) {
      const history = smallHistory(random)
      const expected = someOrderExplains(history)
      const { ok, anomalies } = checkHistory(history)
      expect({ ok, history, anomalies: anomalies.map(({ text }) => text) }).toEqual({
        ...{ ok: expected, history },
        anomalies: expected ? [] : expect.anything(),
      })
      if (expected) serializable++
    }
    expect(serializable).toBeGreaterThan(count / 10)
    expect(serializable).toBeLessThan((count * 9) / 10)
  })
})

/** Up to five transactions that read and append; what they read is likely, and often impossible. */
function smallHistory(random: ReturnType<typeof seededRandom>): History {
  const keys = ['x', 'y']
  let stamp = 0
  const appended = new Map<string, number[]>(keys.map((key) => [key, []]))
  const shapes = Array.from({ length: 2 + random.below(4) }, () =>
    Array.from({ length: 1 + random.below(3) }, () => {
      const key = keys[random.below(2)]!
      if (random.below(2) === 0) return { key, value: undefined }
      appended.get(key)!.push(++stamp)
      return { key, value: stamp }
    }),
  )
  const transactions = shapes.map((shape, i): HistoryTransaction => {
    const own = new Map<string, number[]>()
    const seen = new Map<string, number[]>()
    const operations = shape.map(({ key, value }): Operation => {
      const mine = own.get(key) ?? []
      if (value !== undefined) {
        own.set(key, [...mine, value])
        return { kind: 'append', key, value }
      }
      const whole = shapes[i]!.flatMap((each) => (each.key === key && each.value !== undefined ? [each.value] : []))
      const others = appended.get(key)!.filter((each) => !whole.includes(each))
      const before = seen.get(key) ?? others.slice(0, random.below(others.length + 1))
      if (random.below(12) > 0) seen.set(key, before)
      return { kind: 'list', key, values: [...before, ...mine] }
    })
    return { id: `T${i + 1}`, status: 'committed', operations }
  })
  return { transactions }
}

function someOrderExplains({ transactions }: History): boolean {
  return ordersOf(transactions).some((order) => {
    const lists = new Map<string, unknown[]>()
    return order.every(({ operations }) =>
      operations.every((operation) => {
        if (operation.kind === 'append') {
          lists.set(operation.key, [...(lists.get(operation.key) ?? []), operation.value])
          return true
        }
        return operation.kind === 'list' && String(lists.get(operation.key) ?? []) === String(operation.values)
      }),
    )
  })
}

function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, i) => ordersOf(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))
}

describe('a long history', () => {
  it('of 5,000 transactions is checked whole, and one swapped read in it is found', () => {
    const history = simulate(seed(), { flaw: 'serial', model: 'list', transactions: 5_000, keys: 700 })
    expect(checkHistory(history, { realTime: true })).toEqual({ ok: true, anomalies: [], allowed: [] })
    const at = history.transactions.findLastIndex(
      ({ operations }) =>
        operations.some((each) => each.kind === 'list' && each.values.length > 1) && operations.length < 5,
    )
    const transactions = history.transactions.map((each, i) =>
      i === at ? { ...each, operations: each.operations.map(shortened) } : each,
    )
    expect(checkHistory({ transactions }, { realTime: true }).ok).toBe(false)
  })
})

/** Reads as they were one append ago. */
function shortened(operation: Operation): Operation {
  return operation.kind === 'list' ? { ...operation, values: operation.values.slice(0, -1) } : operation
}
