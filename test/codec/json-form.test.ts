import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import { fromJsonForm, toJsonForm } from '../../src/codec/json-form.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { expectSame } from './same.ts'

test('every value comes back through JSON text', () => {
  fc.assert(
    fc.property(arbitraries.value({ vectors: true }), (value) => {
      expectSame(fromJsonForm(JSON.parse(JSON.stringify(toJsonForm(value)))), value)
    }),
    { numRuns: 1500, seed: 1 },
  )
})

test('the forms are those of SEMANTICS', () => {
  const forms: [Value, string][] = [
    [new Date(0), '{"$date":"1970-01-01T00:00:00.000Z"}'],
    [-12n, '{"$bigint":"-12"}'],
    [Uint8Array.of(1, 2, 255), '{"$bytes":"AQL/"}'],
    [
      [Number.NaN, Infinity, -Infinity, -0, 0],
      '[{"$number":"NaN"},{"$number":"Infinity"},{"$number":"-Infinity"},{"$number":"-0"},0]',
    ],
    [Float32Array.of(1), '{"$f32":"AACAPw=="}'],
    [Float64Array.of(1), '{"$f64":"AAAAAAAA8D8="}'],
    [{ $date: 'x' }, '{"$object":{"$date":"x"}}'],
    [{ $object: {} }, '{"$object":{"$object":{}}}'],
    [{ $a: 1, b: 2 }, '{"$a":1,"b":2}'],
  ]
  for (const [value, text] of forms) {
    expect(JSON.stringify(toJsonForm(value))).toBe(text)
    expectSame(fromJsonForm(JSON.parse(text)), value)
  }
})

test('what is no form of a value is refused with its path', () => {
  const wrong = [
    '{"$date":"junk"}',
    '{"$date":"2024-01-01"}',
    '{"$date":5}',
    '{"$bigint":"1.5"}',
    '{"$bigint":"-0"}',
    '{"$bigint":""}',
    '{"$number":"1"}',
    '{"$bytes":"A"}',
    '{"$bytes":"AB=="}',
    '{"$bytes":"A-=="}',
    '{"$f32":"AAAA"}',
    '{"$f64":"AACAPw=="}',
    '{"$object":1}',
    '{"$object":[]}',
    '{"$other":"x"}',
    `${'['.repeat(200)}${']'.repeat(200)}`,
  ]
  for (const text of wrong) {
    expect(() => fromJsonForm(JSON.parse(text)), text).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }))
  }
  expect(() => fromJsonForm({ a: [{ $date: '' }] })).toThrow(expect.objectContaining({ details: { path: 'a[0]' } }))
})
