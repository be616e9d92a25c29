/** The programs of docs/testing.md and the example that fuzzes transactions, run as a user runs them. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/testing.md'), 'utf8')
const programs = [...page.matchAll(/^## (.*?)$.*?```js\n(.*?)```/gms)].map(([, title = '', source = '']) => ({
  title,
  source,
}))

let folder = ''
beforeAll(() => {
  if (!existsSync(join(root, 'dist/entry/testing.js'))) throw new Error('dist is missing; npm run build makes it')
  folder = mkdtempSync(join(tmpdir(), 'blazedb-testing-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/blazedb'), 'dir')
  for (const name of ['fast-check', 'zod']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'dir')
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

function run(file: string, cwd: string): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd, encoding: 'utf8' })
  return { status, out: stdout, err: stderr }
}

test('no program of the page is left out', () => {
  expect(page.match(/```js\n/g)).toHaveLength(programs.length)
})

test.each(programs)('the program under "$title" runs as it stands', ({ title, source }) => {
  const file = `${title.replace(/\W+/g, '-').toLowerCase()}.mjs`
  writeFileSync(join(folder, file), source)
  const { status, out, err } = run(file, folder)
  expect({ status, err }).toEqual({ status: 0, err: '' })
  // Node's own reports of tests have # in front of a line, or, from Node 24, ℹ.
  if (/^[#ℹ] tests/m.test(out)) expect(out).toMatch(/^[#ℹ] fail 0$/m)
  else expect(['', 'true\n']).toContain(out)
})

test('the example finds the bug that is planted in it, and says so in the words of its page', () => {
  const example = join(root, 'examples/fuzz-transactions')
  const [, printed = ''] = /```text\n(.*?)```/s.exec(readFileSync(join(example, 'README.md'), 'utf8')) ?? []
  expect(run('fuzz.mjs', example)).toEqual({ status: 0, out: printed, err: '' })
})
