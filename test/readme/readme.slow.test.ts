import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The JavaScript blocks of the README, by the file name in their first line. */
const programs = new Map(
  [...readme.matchAll(/```js\n\/\/ (\S+\.mjs)\n(.*?)```/gs)].map(([, name = '', source = '']) => [name, source]),
)

let folder = ''
beforeAll(() => {
  if (!existsSync(join(root, 'dist/entry/index.js'))) throw new Error('dist is missing; npm run build makes it')
  folder = mkdtempSync(join(tmpdir(), 'blazedb-readme-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/blazedb'), 'dir')
  symlinkSync(join(root, 'node_modules/zod'), join(folder, 'node_modules/zod'), 'dir')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Pastes a program of the README into a folder that has the package, and runs it there. */
function paste(name: string): { status: number | null; out: string; err: string } {
  writeFileSync(join(folder, name), programs.get(name) ?? '')
  const { status, stdout, stderr } = spawnSync(process.execPath, [name], { cwd: folder, encoding: 'utf8' })
  return { status, out: stdout, err: stderr }
}

test('each program of the README is the one in examples', () => {
  expect([...programs.keys()]).toEqual(['first.mjs', 'transfer.mjs', 'queries.mjs', 'trust.mjs'])
  for (const [name, source] of programs) expect(readFileSync(join(root, 'examples', name), 'utf8')).toBe(source)
})

test('no block of JavaScript in the README is left out of these tests', () => {
  expect(readme.match(/```(js|ts|javascript|typescript)\b/g)).toHaveLength(programs.size)
})

test('the first example is twelve lines, prints what the README says, and finds its records again', () => {
  expect(programs.get('first.mjs')?.trimEnd().split('\n')).toHaveLength(12)
  const [, printed = ''] = /```text\n(.*?)```/s.exec(readme) ?? []
  expect(printed).not.toBe('')
  expect(paste('first.mjs')).toEqual({ status: 0, out: printed, err: '' })
  expect(paste('first.mjs')).toEqual({ status: 0, out: printed + printed, err: '' })
})

test('the example of queries joins, searches and ranks', () => {
  const { status, out, err } = paste('queries.mjs')
  expect({ status, err }).toEqual({ status: 0, err: '' })
  expect(out).toContain("{ 'owner.team': 'core', bugs: 2, votes: 16 }")
  expect(out).toContain("[ 'Login broken', 'Slow start' ]")
})

test('the example with a schema keeps its snapshot, refuses a bad balance and ends cleanly', () => {
  const { status, out, err } = paste('transfer.mjs')
  expect({ status, err }).toEqual({ status: 0, err: '' })
  expect(out).toContain("{ id: 'ada', balance: 70 } { id: 'ada', balance: 0 }")
  expect(out).toContain('accounts.balance: ')
  expect(out).toContain('nothing was written')
})

test('the example of an encrypted database backs it up, restores it, and finds both sound', () => {
  const printed = { status: 0, out: 'true []\nok\ntrue\n', err: '' }
  expect(paste('trust.mjs')).toEqual(printed)
  expect(paste('trust.mjs')).toEqual(printed)
})
