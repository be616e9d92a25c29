import { afterEach, expect, test, vi } from 'vitest'
import { costlyChecks } from '../../src/base/invariant.ts'
import { effort } from '../support/effort.ts'
import { seed } from '../support/seed.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('the seed is the same in every run that sets none', () => {
  vi.stubEnv('BLAZEDB_SEED', '')
  expect(seed()).toBe(20_260_101)
})

test('BLAZEDB_SEED is the seed', () => {
  vi.stubEnv('BLAZEDB_SEED', '17')
  expect(seed()).toBe(17)
})

test.each(['x', '-1', '1.5', '4294967296'])('a seed of %s is refused', (text) => {
  vi.stubEnv('BLAZEDB_SEED', text)
  expect(() => seed()).toThrow(/BLAZEDB_SEED/)
})

test('BLAZEDB_EFFORT multiplies the runs of randomised tests', () => {
  vi.stubEnv('BLAZEDB_EFFORT', '')
  expect(effort(100)).toBe(100)
  vi.stubEnv('BLAZEDB_EFFORT', '50')
  expect(effort(100)).toBe(5000)
  vi.stubEnv('BLAZEDB_EFFORT', '0.001')
  expect(effort(100)).toBe(1)
  vi.stubEnv('BLAZEDB_EFFORT', 'much')
  expect(() => effort(1)).toThrow(/BLAZEDB_EFFORT/)
})

test('costly checks are on in every test', () => {
  expect(costlyChecks()).toBe(true)
})
