import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../src/base/values.ts'
import { compilePredicate } from '../../src/query/predicate.ts'
import { parseWhere } from '../../src/query/where.ts'
import { seed } from '../support/seed.ts'
import { filterTree, records } from './support/generators.ts'
import { naiveMatches, toFilter } from './support/naive.ts'

function holds(where: object, record: object): boolean {
  return compilePredicate(parseWhere(where))({ id: 1, ...record } as StoredRecord)
}

describe('predicates', () => {
  it('answer as the table of operators says, and not is their exact complement', () => {
    let matched = 0
    fc.assert(
      fc.property(filterTree, records, (tree, rows) => {
        const test = compilePredicate(toFilter(tree).predicate)
        const complement = compilePredicate(toFilter({ kind: 'not', of: tree }).predicate)
        for (const row of rows) {
          const expected = naiveMatches(tree, row)
          if (expected) matched++
          expect(test(row)).toBe(expected)
          expect(complement(row)).toBe(!expected)
        }
      }),
      { seed: seed(), numRuns: 1_500 },
    )
    expect(matched).toBeGreaterThan(1_000)
  })

  it.each([
    // operator, operand, on missing, on null
    ['eq', 1, false, false],
    ['eq', null, false, true],
    ['ne', 1, true, true],
    ['ne', null, true, false],
    ['in', [1], false, false],
    ['in', [null], false, true],
    ['in', [], false, false],
    ['notIn', [1], true, true],
    ['notIn', [null], true, false],
    ['notIn', [], true, true],
    ['lt', 1, false, false],
    ['lte', null, false, false],
    ['gt', 1, false, false],
    ['gte', null, false, false],
    ['between', [null, 1], false, false],
    ['exists', true, false, true],
    ['exists', false, true, false],
    ['isNull', true, true, true],
    ['isNull', false, false, false],
    ['startsWith', '', false, false],
    ['contains', '', false, false],
    ['like', '%', false, false],
    ['ilike', '%', false, false],
    ['regex', '', false, false],
    ['any', 1, false, false],
    ['all', 1, false, false],
    ['none', 1, false, false],
  ])('%s %j is %s of a missing field and %s of null', (op, operand, ofMissing, ofNull) => {
    expect(holds({ a: { [op]: operand } }, {})).toBe(ofMissing)
    expect(holds({ a: { [op]: operand } }, { a: null })).toBe(ofNull)
  })

  it('compare within one type class only, numbers with bigints', () => {
    expect(holds({ a: { lt: 5 } }, { a: '1' })).toBe(false)
    expect(holds({ a: { lt: 5 } }, { a: true })).toBe(false)
    expect(holds({ a: { lt: 5 } }, { a: 4n })).toBe(true)
    expect(holds({ a: { gt: 2 ** 53 } }, { a: 2n ** 53n + 1n })).toBe(true)
    expect(holds({ a: { gte: Number.NaN } }, { a: Number.NaN })).toBe(false)
    expect(holds({ a: Number.NaN }, { a: Number.NaN })).toBe(true)
    expect(holds({ a: { in: [1, 2, 3, 4, 5] } }, { a: 5n })).toBe(true)
    expect(holds({ a: { between: [1, 3] } }, { a: 3 })).toBe(true)
  })

  it('are true of all elements of an empty array, and of none', () => {
    expect(holds({ a: { all: 1 } }, { a: [] })).toBe(true)
    expect(holds({ a: { none: 1 } }, { a: [] })).toBe(true)
    expect(holds({ a: { any: 1 } }, { a: [] })).toBe(false)
  })

  it('do not descend into arrays by themselves, and read elements by index', () => {
    expect(holds({ 'a.x': 1 }, { a: [{ x: 1 }] })).toBe(false)
    expect(holds({ 'a.0.x': 1 }, { a: [{ x: 1 }] })).toBe(true)
    expect(holds({ 'a\\.b': 1 }, { 'a.b': 1 })).toBe(true)
  })

  it('see own fields only', () => {
    expect(holds({ constructor: { exists: true } }, {})).toBe(false)
    expect(holds({ toString: { isNull: true } }, {})).toBe(true)
    expect(holds({ 'a.constructor': { exists: true } }, { a: {} })).toBe(false)
    expect(holds(JSON.parse('{"__proto__": 1}'), JSON.parse('{"__proto__": 1}'))).toBe(true)
    expect(holds({ ['__proto__']: 1 }, {})).toBe(false)
  })
})
