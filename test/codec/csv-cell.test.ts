import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Value } from '../../src/base/values.ts'
import { CELL_TYPES, CellFault, type CellType, readCell, readForeignCell, writeCell } from '../../src/codec/csv-cell.ts'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'
import { expectSame } from './same.ts'

const types = fc.constantFrom<CellType>(...CELL_TYPES)

test('every value comes back from a cell of every type, through UTF-8', () => {
  fc.assert(
    fc.property(arbitraries.value({ vectors: true }), types, (value, type) => {
      const text = writeCell(value, type)
      expect(text).not.toBe('')
      expect(text.isWellFormed()).toBe(true)
      expectSame(readCell(text, type), value)
    }),
    { seed: seed(), numRuns: effort(1500) },
  )
})

test('missing, null, the empty string and strings that look like them are told apart', () => {
  const cells: [Value | undefined, CellType, string][] = [
    [undefined, 'string', ''],
    [null, 'string', '\\N'],
    ['', 'string', '\\E'],
    ['\\N', 'string', '\\\\N'],
    ['null', 'string', 'null'],
    ['5', 'number', '\\J"5"'],
    [5, 'string', '\\J5'],
    ['\ud800', 'string', '\\J"\\ud800"'],
    [-0, 'number', '-0'],
    [Number.NaN, 'number', 'NaN'],
    [-12n, 'bigint', '-12'],
    [new Date(0), 'date', '1970-01-01T00:00:00.000Z'],
    [{ a: [1, null] }, 'json', '{"a":[1,null]}'],
    [null, 'json', '\\N'],
  ]
  for (const [value, type, text] of cells) {
    expect(writeCell(value, type)).toBe(text)
    expectSame(readCell(text, type), value)
  }
})

test('a backslash that means nothing is refused', () => {
  for (const text of ['\\', '\\x', '\\n', '\\NN', '\\Jx']) {
    expect(() => readCell(text, 'string'), text).toThrow(CellFault)
  }
})

const foreign = (text: string, type?: CellType, infer = false, empty: 'missing' | 'null' | 'string' = 'missing') =>
  readForeignCell(text, type, { infer, empty })

test('a cell from elsewhere is its text, unless the caller says more', () => {
  for (const text of ['007', 'true', 'null', '\\N', ' x ', '2024-01-01']) expect(foreign(text)).toBe(text)
  expect(foreign(' 7 ', 'number')).toBe(7)
  expect(foreign('+1.5e3', 'number')).toBe(1500)
  expect(foreign('TRUE', 'boolean')).toBe(true)
  expect(foreign('123456789012345678901', 'bigint')).toBe(123456789012345678901n)
  expect(foreign('2024-05-01', 'date')).toEqual(new Date('2024-05-01T00:00:00Z'))
  expect(foreign('2024-05-01T12:00:00+02:00', 'date')).toEqual(new Date('2024-05-01T10:00:00Z'))
  expect(foreign('[1,{"$bigint":"2"}]', 'json')).toEqual([1, 2n])
})

test('what is no value of the type is refused, never guessed', () => {
  const wrong: [string, CellType][] = [
    ['1,5', 'number'],
    ['0x10', 'number'],
    ['12345678901234567890', 'number'],
    ['9007199254740993', 'number'],
    ['1.0', 'bigint'],
    ['yes', 'boolean'],
    ['01.05.2024', 'date'],
    ['2024-02-30', 'date'],
    ['2024-05-01T12:00:00', 'date'],
    ['2024-13-01', 'date'],
    ['{', 'json'],
  ]
  for (const [text, type] of wrong) expect(() => foreign(text, type), text).toThrow(CellFault)
  expect(foreign('9007199254740992', 'number')).toBe(2 ** 53)
})

test('inference takes only texts that come back as they are', () => {
  const same = ['007', '1.10', '1e3', '+1', ' 1', '12345678901234567890', 'NaN', 'Infinity', 'True', '0x1', '1_000']
  for (const text of same) expect(foreign(text, undefined, true)).toBe(text)
  expect(['0', '-1', '1.5', 'true', 'false', '1e+21'].map((text) => foreign(text, undefined, true))).toEqual([
    0,
    -1,
    1.5,
    true,
    false,
    1e21,
  ])
})

test('an empty cell is what the caller says', () => {
  expect(foreign('')).toBe(undefined)
  expect(foreign('', 'number', false, 'null')).toBe(null)
  expect(foreign('', undefined, true, 'string')).toBe('')
  expect(foreign('', 'string', false, 'string')).toBe('')
  expect(foreign('', 'number', false, 'string')).toBe(undefined)
})
