/** The list of planted bugs follows the source: every text is found once, every test file is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root, toolModule } from './tool-module.ts'

interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

interface Mutant {
  readonly name: string
  readonly why: string
  readonly edits: readonly Edit[]
  readonly tests: readonly string[]
}

const { MUTANTS } = await toolModule<{ MUTANTS: readonly Mutant[] }>('mutants/mutants.mjs')
const { applied, planted } = await toolModule<{
  applied: (source: string, edit: Edit) => string
  planted: (mutant: Mutant, read: (file: string) => string) => ReadonlyMap<string, string>
}>('mutants/apply.mjs')

test('each mutant changes the source as it is now', () => {
  for (const mutant of MUTANTS) {
    const read = (file: string): string => readFileSync(join(root, file), 'utf8')
    for (const [file, text] of planted(mutant, read)) expect(text, `${mutant.name} in ${file}`).not.toBe(read(file))
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
