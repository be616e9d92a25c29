import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyValue } from '../../src/base/copy-value.ts'
import { isBlazeError } from '../../src/base/errors.ts'
import type { Value } from '../../src/base/values.ts'
import { compareValues, equalValues } from '../../src/codec/order.ts'
import { compileGetter } from '../../src/query/getter.ts'
import { HashJoin } from '../../src/query/operators/hash-join.ts'
import { LookupJoin } from '../../src/query/operators/lookup-join.ts'
import { MergeJoin } from '../../src/query/operators/merge-join.ts'
import type { Operator } from '../../src/query/operators/operator.ts'
import type { JoinKind } from '../../src/query/query-data.ts'
import { QueryMemory } from '../../src/query/query-memory.ts'
import type { Row } from '../../src/query/source.ts'
import { compileJoinKey } from '../../src/query/value-key.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { anyRows, drain, inOrder, RowsInput, unlimited } from './support/rows.ts'

const KINDS: readonly JoinKind[] = ['inner', 'left', 'right', 'full', 'semi', 'anti']
const a = compileGetter(['a'])
const b = compileGetter(['b'])

interface Case {
  readonly left: readonly Row[]
  readonly right: readonly Row[]
  readonly pairs: 1 | 2
}

const cases: fc.Arbitrary<Case> = fc.record({ left: anyRows, right: anyRows, pairs: fc.constantFrom(1, 2) })

function joins({ pairs }: Case): (left: Row, right: Row) => boolean {
  const equal = (x: Row[string], y: Row[string]): boolean => (x ?? null) !== null && equalValues(x, y)
  return (left, right) => equal(left['a'], right['b']) && (pairs === 1 || equal(left['b'], right['a']))
}

/** Nested loops. */
function naive(kind: JoinKind, one: Case, as: string): object[] {
  const { left, right } = one
  const test = joins(one)
  const joined = (l: object, r: Row): object => ({ ...l, [as]: r })
  const both = left.flatMap((l) => right.filter((r) => test(l, r)).map((r) => joined(l, r)))
  const leftAlone = left.filter((l) => !right.some((r) => test(l, r)))
  const rightAlone = right.filter((r) => !left.some((l) => test(l, r))).map((r) => joined({}, r))
  if (kind === 'semi') return left.filter((l) => right.some((r) => test(l, r)))
  if (kind === 'anti') return leftAlone
  return [
    ...both,
    ...(kind === 'left' || kind === 'full' ? leftAlone : []),
    ...(kind === 'right' || kind === 'full' ? rightAlone : []),
  ]
}

interface Asked {
  readonly kind: JoinKind
  readonly as: string
  readonly memory: QueryMemory
  readonly copies?: boolean
}

function hashJoin(one: Case, build: 'left' | 'right', { kind, as, memory, copies = true }: Asked): Operator {
  const leftKey = compileJoinKey([a, b].slice(0, one.pairs))
  const rightKey = compileJoinKey([b, a].slice(0, one.pairs))
  const options = { kind, as, leftKey, rightKey, build, copies, memory }
  return new HashJoin(new RowsInput(one.left), new RowsInput(one.right, 2), options)
}

function lookupJoin(one: Case, { kind, as }: Asked, found: RowsInput[] = []): Operator {
  const open = (): Operator => {
    found.push(new RowsInput(one.right, 2))
    return found.at(-1)!
  }
  const find = { kind: 'several', open } as const
  const matches = joins(one) as (left: object, right: object) => boolean
  return new LookupJoin(new RowsInput(one.left), { kind: kind as 'inner', as, by: a, find, matches, findsOne: false })
}

/** Where a value finds one row at most, the first of the other side that has it. */
function oneJoin(one: Case, { kind, as }: Asked): Operator {
  const matches = joins(one) as (left: object, right: object) => boolean
  const get = (value: Value): Row | undefined => {
    const row = one.right.find((other) => compareValues(other['b'], value) === 0)
    return row && copyValue(row)
  }
  const find = { kind: 'one', get } as const
  return new LookupJoin(new RowsInput(one.left), { kind: kind as 'inner', as, by: a, find, matches, findsOne: true })
}

/** The case with the other side's first row of each value alone. */
function onceEach(one: Case): Case {
  const right = one.right.filter((row, at) => {
    return one.right.findIndex((other) => compareValues(other['b'], row['b']) === 0) === at
  })
  return { ...one, right }
}

/** Of one pair. */
function mergeJoin(one: Case, descending: boolean, { kind, as, memory, copies = true }: Asked): Operator {
  const by = (rows: readonly Row[], name: string): Row[] =>
    rows.toSorted((x, y) => (descending ? -1 : 1) * compareValues(x[name], y[name]))
  const options = { kind: kind as 'inner', as, left: a, right: b, descending, copies, memory }
  return new MergeJoin(new RowsInput(by(one.left, 'a')), new RowsInput(by(one.right, 'b'), 2), options)
}

describe('joins', () => {
  it('give by hash, by lookup and by merging what nested loops give', () => {
    let joined = 0
    fc.assert(
      fc.property(cases, fc.constantFrom('o', '__proto__'), (one, as) => {
        // A row with a field of that name is refused.
        fc.pre(!one.left.some((row) => Object.hasOwn(row, as)))
        for (const kind of KINDS) {
          const memory = unlimited()
          const asked = { kind, as, memory }
          const expected = inOrder(naive(kind, one, as))
          joined += expected.length
          for (const build of kind === 'inner' ? (['left', 'right'] as const) : (['right'] as const)) {
            expect(inOrder(drain(hashJoin(one, build, asked)))).toEqual(expected)
            expect(inOrder(drain(hashJoin(one, build, { ...asked, copies: false })))).toEqual(expected)
          }
          if (kind !== 'right' && kind !== 'full') {
            const found: RowsInput[] = []
            expect(inOrder(drain(lookupJoin(one, asked, found)))).toEqual(expected)
            expect(found.every(({ isClosed }) => isClosed)).toBe(true)
            const once = onceEach(one)
            expect(inOrder(drain(oneJoin(once, asked)))).toEqual(inOrder(naive(kind, once, as)))
          }
          if ((kind === 'inner' || kind === 'left') && one.pairs === 1) {
            expect(inOrder(drain(mergeJoin(one, false, asked)))).toEqual(expected)
            expect(inOrder(drain(mergeJoin(one, true, { ...asked, copies: false })))).toEqual(expected)
          }
          expect(memory.heldBytes).toBe(0)
        }
      }),
      { seed: seed(), numRuns: effort(150) },
    )
    expect(joined).toBeGreaterThan(1_000)
  })

  it('hand out rows that share nothing with one another, also while they go on', () => {
    const left: Row[] = [1, 2].map((id) => ({ id, a: 1, list: [1] }))
    const right: Row[] = [3, 4].map((id) => ({ id, b: 1, tags: ['x'] }))
    const one: Case = { left, right, pairs: 1 }
    const asked = { kind: 'inner', as: 'other', memory: unlimited() } as const
    for (const operator of [
      hashJoin(one, 'right', asked),
      hashJoin(one, 'left', asked),
      lookupJoin(one, asked),
      mergeJoin(one, false, asked),
    ]) {
      let count = 0
      for (let step = operator.next(); step !== undefined; step = operator.next()) {
        if (typeof step === 'symbol') continue
        const row = step as unknown as { list: number[]; other: { tags: string[] } }
        expect([row.list, row.other.tags]).toEqual([[1], ['x']])
        row.list.push(2)
        row.other.tags.push('y')
        count++
      }
      expect(count).toBe(4)
    }
  })

  it('end at the bound of their memory, and give all of it back when closed', () => {
    const rows: Row[] = Array.from({ length: 100 }, (_, id) => ({ id, a: 1, b: 1 }))
    const one: Case = { left: rows, right: rows, pairs: 1 }
    for (const make of [
      (memory: QueryMemory) => hashJoin(one, 'right', { kind: 'inner', as: 'o', memory }),
      (memory: QueryMemory) => mergeJoin(one, false, { kind: 'inner', as: 'o', memory }),
    ]) {
      const memory = new QueryMemory(5_000)
      const join = make(memory)
      let thrown: unknown
      try {
        drain(join)
      } catch (error) {
        thrown = error
      }
      expect(isBlazeError(thrown, 'MEMORY_LIMIT') && thrown.details.limit).toBe(5_000)
      expect((thrown as Error).message).toMatch(/the rows of one .* of a join it would hold about 5\d\d\d bytes/)
      join.close()
      expect(memory.heldBytes).toBe(0)
    }
  })
})
