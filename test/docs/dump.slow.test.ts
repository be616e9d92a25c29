import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/dump.md'), 'utf8')

/** The programs of the page, by the file name in their first line, each with what the page says it prints. */
const programs = [...page.matchAll(/```js\n\/\/ (\S+\.mjs)\n(.*?)```\n\n```text\n(.*?)```/gs)].map(
  ([, name = '', source = '', printed = '']) => ({ name, source, printed }),
)

let folder = ''
beforeAll(() => {
  if (!existsSync(join(root, 'dist/entry/index.js'))) throw new Error('dist is missing; npm run build makes it')
  folder = mkdtempSync(join(tmpdir(), 'blazedb-docs-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/blazedb'), 'dir')
})
afterAll(() => rmSync(folder, { recursive: true }))

test('no program of the page is left out', () => {
  expect(page.match(/```js\b/g)).toHaveLength(programs.length)
  expect(programs.map(({ name }) => name)).toEqual(['dump.mjs', 'sealed.mjs', 'csv.mjs', 'pipe.mjs'])
})

test.each(programs)('$name prints what the page says', ({ name, source, printed }) => {
  writeFileSync(join(folder, name), source)
  const { status, stdout, stderr } = spawnSync(process.execPath, [name], { cwd: folder, encoding: 'utf8' })
  expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: printed })
})
