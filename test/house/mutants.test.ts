/** The list of planted bugs follows the source: every text is found once, every test file is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { applied, planted } from '../../tools/mutants/apply.mjs'
import { MUTANTS } from '../../tools/mutants/mutants.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('each mutant changes the source as it is now', () => {
  for (const mutant of MUTANTS) {
    const read = (file: string): string => readFileSync(join(root, file), 'utf8')
    const texts: ReadonlyMap<string, string> = planted(mutant, read)
    for (const [file, text] of texts) expect(text, `${mutant.name} in ${file}`).not.toBe(read(file))
  }
})

test('each mutant has a name of its own, a reason, and tests that are there', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  for (const { name, why, tests } of MUTANTS) {
    expect(why.length, name).toBeGreaterThan(20)
    expect(tests.length, name).toBeGreaterThan(0)
    for (const file of tests) expect(existsSync(join(root, file)), `${name}: ${file}`).toBe(true)
  }
})

test('a text that is gone, or not alone, is an error that names the file', () => {
  const edit = { file: 'src/a.ts', find: 'x', replace: 'y' }
  expect(applied('a x b', edit)).toBe('a y b')
  expect(() => applied('a b', edit)).toThrow(/src\/a\.ts holds this 0 times/)
  expect(() => applied('x x', edit)).toThrow(/src\/a\.ts holds this 2 times/)
})
