import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the counter says of a vitest run over these test files. */
function countOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-count-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const report = join(folder, 'report.json')
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const options = ['--root', folder, '--config', 'none.config.mjs', '--reporter=json', `--outputFile=${report}`]
  writeFileSync(join(folder, 'none.config.mjs'), 'export default {}\n')
  spawnSync(process.execPath, [vitest, 'run', ...options], { cwd: folder, encoding: 'utf8' })
  return spawnSync(process.execPath, [join(root, 'tools/count-tests.mjs'), report], { encoding: 'utf8' }).stdout
}

const good = `import { expect, test } from 'vitest'\ntest('holds', () => expect(1).toBe(1))\n`
const bad = `import { expect, test } from 'vitest'\ntest('breaks', () => expect(1).toBe(2))\n`

test('passed and failed tests are counted', () => {
  expect(countOf({ 'a.test.mjs': good, 'b.test.mjs': good, 'c.test.mjs': bad })).toBe('2 1\n')
})

test('a test file that cannot be loaded counts as a failure', () => {
  expect(countOf({ 'a.test.mjs': good, 'b.test.mjs': `import './absent.mjs'\n${good}` })).toBe('1 1\n')
})

test('a report that is not there is an error, not a count', () => {
  const absent = join(tmpdir(), 'blazedb-no-such-report.json')
  const run = spawnSync(process.execPath, [join(root, 'tools/count-tests.mjs'), absent], { encoding: 'utf8' })
  expect(run.status).not.toBe(0)
  expect(run.stdout).toBe('')
})
