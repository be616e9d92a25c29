import { describe, expect, it } from 'vitest'
import type { StoredRecord, Value } from '../../src/base/values.ts'
import { compileExpression } from '../../src/query/predicate.ts'
import type { Expression, ScalarFunction } from '../../src/query/query-data.ts'

const row: StoredRecord = { id: 'r1', gone: null, at: new Date(0) }
const literal = (value: Value | undefined): Expression =>
  value === undefined ? { kind: 'path', path: ['missing'] } : { kind: 'literal', value }

function call(fn: ScalarFunction, ...args: (Value | undefined)[]): Value | undefined {
  return compileExpression({ kind: 'call', fn, args: args.map(literal) })(row)
}

const place = (lat: number, lng: number): Value => ({ lat, lng })

describe('scalar functions', () => {
  it.each<[ScalarFunction, readonly (Value | undefined)[], Value]>([
    ['add', [1, 2], 3],
    ['add', [1n, 2n], 3n],
    ['add', [1n, 2.5], 3.5],
    ['subtract', [1, 2], -1],
    ['multiply', [3n, -2n], -6n],
    ['divide', [7, 2], 3.5],
    ['divide', [-7n, 2n], -3n],
    ['divide', [1, 0], Infinity],
    ['modulo', [-7, 3], -1],
    ['modulo', [-7n, 3n], -1n],
    ['negate', [5n], -5n],
    ['negate', [5], -5],
    ['abs', [-5n], 5n],
    ['abs', [-5.5], 5.5],
    ['round', [2.5], 3],
    ['round', [-2.5], -2],
    ['round', [7n], 7n],
    ['floor', [-2.5], -3],
    ['ceil', [2.1], 3],
    ['concat', ['a', 1, 2n, true, new Date(0)], 'a12true1970-01-01T00:00:00.000Z'],
    ['lower', ['ÄB'], 'äb'],
    ['upper', ['äß'], 'ÄSS'],
    ['trim', [' a\n'], 'a'],
    ['length', ['😀'], 1],
    ['length', [[1, 2, 3]], 3],
    ['length', [new Uint8Array(4)], 4],
    ['coalesce', [undefined, null, 0, 1], 0],
    ['coalesce', [undefined, null], null],
    ['distance', [place(0, 0), place(0, 0)], 0],
  ])('%s of %s is %s', (fn, args, expected) => {
    expect(call(fn, ...args)).toEqual(expected)
  })

  it.each<[ScalarFunction, Value]>([
    ['add', 1],
    ['multiply', 1n],
    ['divide', 1],
    ['modulo', 1],
    ['concat', 'a'],
    ['distance', place(1, 1)],
  ])('%s with null or missing is null', (fn, other) => {
    expect([call(fn, null, other), call(fn, other, undefined)]).toEqual([null, null])
  })

  it.each<ScalarFunction>(['negate', 'abs', 'round', 'floor', 'ceil', 'lower', 'upper', 'trim', 'length'])(
    '%s of null or missing is null',
    (fn) => {
      expect([call(fn, null), call(fn, undefined)]).toEqual([null, null])
    },
  )

  it.each<[ScalarFunction, readonly (Value | undefined)[], RegExp]>([
    ['add', [1, 'x'], /at add\(1, "x"\): it takes numbers, and record "r1" has a number and a string there/],
    ['round', [true], /it takes numbers, and record "r1" has a boolean there/],
    ['divide', [1n, 0n], /a divisor that is not 0n, and record "r1"/],
    ['modulo', [1n, 0n], /a divisor that is not 0n/],
    ['concat', ['a', [1]], /scalars, .* an array there/],
    ['lower', [1], /text, and record "r1" has a number there/],
    ['length', [1], /an array or bytes/],
    ['distance', [place(91, 0), place(0, 0)], /places/],
  ])('%s of what it cannot take is INVALID_QUERY that names the record', (fn, args, message) => {
    expect(() => call(fn, ...args)).toThrow(message)
  })

  it('of bins are Dates, null for null, and refuse what is no Date', () => {
    const bin = (of: string): Value | undefined =>
      compileExpression({ kind: 'bin', of: { kind: 'path', path: [of] }, unit: 'day', step: 1, timeZone: 'UTC' })(row)
    expect([bin('at'), bin('gone'), bin('missing')]).toEqual([new Date(0), null, null])
    expect(() => bin('id')).toThrow(/it takes dates, and record "r1" has a string there/)
  })
})
