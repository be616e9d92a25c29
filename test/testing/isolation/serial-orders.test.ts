/**
 * The checker against all serial orders, of small histories of every kind: registers with values written twice, records read
 * by a filter, lists; transactions that rolled back or whose outcome is unknown; real time and sessions. What one order
 * explains is never said to be wrong.
 */
import { expect, it } from 'vitest'
import { type SeededRandom, seededRandom } from '../../../src/platform/seeded-random.ts'
import { checkHistory } from '../../../src/testing/isolation/check-history.ts'
import {
  type History,
  type HistoryTransaction,
  type Operation,
  valueKey,
} from '../../../src/testing/isolation/history.ts'
import { historySvg } from '../../../src/testing/isolation/history-svg.ts'
import { historyText } from '../../../src/testing/isolation/history-text.ts'
import { shrinkHistory } from '../../../src/testing/isolation/shrink-history.ts'
import { effort } from '../../support/effort.ts'
import { seed } from '../../support/seed.ts'
import { historyOf } from './notation.ts'

type State = Map<string, unknown>
type Kind = 'register' | 'record' | 'list'

const same = (a: unknown, b: unknown): boolean => valueKey(a) === valueKey(b)
const listIn = (state: State, key: string): unknown[] => (state.get(key) ?? []) as unknown[] // lists hold lists
const rowsIn = (state: State, n: unknown): { key: string; value: unknown }[] =>
  [...state]
    .filter(([, value]) => (value as { n?: unknown } | null)?.n === n)
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))

/** An operation as it would be in this state, which a write changes. */
function seenIn(state: State, operation: Operation): Operation {
  switch (operation.kind) {
    case 'write':
      state.set(operation.key, operation.value)
      return operation
    case 'append':
      state.set(operation.key, [...listIn(state, operation.key), operation.value])
      return operation
    case 'read':
      return { ...operation, value: state.get(operation.key) ?? null }
    case 'list':
      return { ...operation, values: listIn(state, operation.key) }
    case 'rows':
      return { ...operation, rows: rowsIn(state, (operation.where as { n: unknown }).n) }
  }
}

function explains(order: readonly HistoryTransaction[]): boolean {
  const state: State = new Map()
  return order.every(({ operations }) => operations.every((each) => same(seenIn(state, each), each)))
}

function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, i) => ordersOf(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))
}

interface Promised {
  readonly realTime: boolean
  readonly sessions: boolean
}

/** True when nobody comes before one that he had to follow. */
function keeps(order: readonly HistoryTransaction[], { transactions }: History, promised: Promised): boolean {
  return order.every((later, j) =>
    order.slice(j + 1).every((earlier) => {
      const hadEnded = earlier.end !== undefined && earlier.end < later.begin!
      const isBefore = transactions.indexOf(earlier) < transactions.indexOf(later)
      const isSession = earlier.session === later.session && isBefore
      return !(promised.realTime && hadEnded) && !(promised.sessions && isSession)
    }),
  )
}

/** Some order of those that committed, and of some of those that may have, gives what was seen. */
function hasOrder(history: History, promised: Promised): boolean {
  const unknown = history.transactions.filter(({ status }) => status === 'unknown')
  for (let some = 0; some < 1 << unknown.length; some++) {
    const counted = history.transactions.filter(
      (each) => each.status === 'committed' || (each.status === 'unknown' && (some >> unknown.indexOf(each)) & 1),
    )
    if (ordersOf(counted).some((order) => keeps(order, history, promised) && explains(order))) return true
  }
  return false
}

/** What somebody would see who saw the state that one before has left, now and then without what the last one wrote. */
function randomHistory(random: SeededRandom, kind: Kind): History {
  let values = 0
  let clock = 1
  let state: State = new Map()
  const ends = new Map<string, number>()
  const operation = (): Operation => {
    const key = 'xy'[random.below(2)]!
    const writes = random.below(2) === 0
    if (kind === 'list') return writes ? { kind: 'append', key, value: ++values } : { kind: 'list', key, values: [] }
    if (kind === 'record' && !writes && random.below(2) === 0)
      return { kind: 'rows', where: { n: random.below(2) }, rows: [] }
    if (!writes) return { kind: 'read', key, value: null }
    if (random.below(6) === 0) return { kind: 'write', key, value: null }
    if (kind === 'record') return { kind: 'write', key, value: { n: random.below(2), u: ++values } }
    return { kind: 'write', key, value: random.below(6) === 0 ? random.below(3) : ++values }
  }
  const transactions = Array.from({ length: 2 + random.below(3) }, (_, i): HistoryTransaction => {
    const session = `s${random.below(3)}`
    const begin = Math.max((ends.get(session) ?? 0) + 1, clock - random.below(4))
    const end = begin + random.below(6)
    clock = Math.max(clock, end - random.below(3)) + 1
    ends.set(session, end)
    const own: State = new Map(state)
    const operations = Array.from({ length: 1 + random.below(3) }, () => seenIn(own, operation()))
    const fate = random.below(8)
    const status = fate === 0 ? 'aborted' : fate === 1 ? 'unknown' : 'committed'
    if (status !== 'aborted' && random.below(5) > 0) state = own
    return { id: `T${i}`, session, begin, ...(status !== 'unknown' && { end }), status, operations }
  })
  return { transactions }
}

it.each<Kind>(['register', 'record', 'list'])(
  'what one order of a %s history explains is never found wrong',
  (kind) => {
    const random = seededRandom(seed())
    let wrong = 0
    for (let n = 0; n < effort(2000); n++) {
      const history = randomHistory(random, kind)
      for (const promised of [
        { realTime: false, sessions: false },
        { realTime: false, sessions: true },
        { realTime: true, sessions: true },
      ]) {
        const { ok, anomalies } = checkHistory(history, promised)
        if (ok) continue
        wrong++
        expect(hasOrder(history, promised), historyText(history, anomalies[0])).toBe(false)
        if (wrong % 10 > 0) continue
        const small = shrinkHistory(history, promised)
        expect(checkHistory(small, promised).anomalies.map(({ name }) => name)).toContain(anomalies[0]!.name)
        // Its text and its picture are of the shrunk history, too.
        expect(historyText(small, anomalies[0])).toContain(anomalies[0]!.text)
        expect(historySvg(small, anomalies[0])).toContain('</svg>')
      }
    }
    expect(wrong).toBeGreaterThan(50)
  },
)

it('what an unknown outcome may have left is no anomaly, however it was seen', () => {
  // A value that others wrote, too; a record that a filter did not find; a value that was there before.
  const histories: readonly History[] = [
    historyOf('T0?: wy=1 / T1: ry=1 wy=1 / T2: ry=1'),
    historyOf('T0@1-1: wy={"n":1,"v":1} / T1@1-2?: wy={"n":0,"v":2} / T2@4-9: q{"n":1}='),
    { ...historyOf('T0?: rz=0 wx=0 wz=1 / T1: rx=0 rz=0 wz=2'), initial: { x: 0, z: 0 } },
  ]
  for (const history of histories) expect(checkHistory(history)).toMatchObject({ ok: true, anomalies: [] })
  expect(checkHistory(histories[1]!, { realTime: true })).toMatchObject({ ok: true, anomalies: [] })
})

it('a shrunk history loses a write with the reads of it in its own transaction', () => {
  const history = historyOf('A: rx=0 wx=1 rz=1 rz=1 wz=1 / B: rx=0 wx=2')
  const small = shrinkHistory({ ...history, initial: { x: 0, z: 1 } })
  expect(small.transactions.flatMap(({ operations }) => operations.map(({ kind }) => kind))).toEqual([
    ...['read', 'write', 'read', 'write'],
  ])
})
