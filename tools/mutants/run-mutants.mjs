/**
 * Do the tests notice? Plants each bug of mutants.mjs in a copy of this checkout and runs the tests that should catch it:
 * `npm run mutants`, or `npm run mutants -- prune ignore` for those whose names contain a word. First those tests are run
 * without a bug: they must pass (`--skip-baseline` when they just have). Prints a line for each mutant and `killed/total`;
 * the status is 0 when all were killed. A mutant that lets the tests hang is killed by the clock.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runGroup } from '../process-group.mjs'
import { planted } from './apply.mjs'
import { MUTANTS } from './mutants.mjs'

/** What the tests need of a checkout. */
const COPIED = ['src', 'test', 'tools', 'package.json', 'tsconfig.json', 'vitest.config.ts']
/** Several times what the slowest of the tests takes, on a machine that has other things to do. */
const TEST_TIMEOUT_MS = 2 * 60 * 1000
const TIME_LIMIT_MS = 8 * 60 * 1000
const BASELINE_LIMIT_MS = 60 * 60 * 1000

const root = dirname(dirname(import.meta.dirname))
const skipsBaseline = process.argv.includes('--skip-baseline')
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const mutants = MUTANTS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
const folder = mkdtempSync(join(tmpdir(), 'blazedb-mutants-'))

/** 'passed', 'failed' or 'hung', with what was said. */
async function runTests(tests, limitMs) {
  const args = [join(folder, 'node_modules/vitest/vitest.mjs'), 'run', '--bail=1', `--testTimeout=${TEST_TIMEOUT_MS}`]
  const env = { ...process.env, BLAZEDB_EFFORT: '', BLAZEDB_SEED: '', NO_COLOR: '1' }
  const done = await runGroup(process.execPath, [...args, ...tests], { cwd: folder, env, limitMs })
  return { outcome: done.isHung ? 'hung' : done.status === 0 ? 'passed' : 'failed', output: done.output }
}

/** The first test that failed, as vitest names it. */
function firstFailed(output) {
  const line = output.split('\n').find((each) => each.includes('FAIL'))
  return line === undefined ? 'the run itself' : line.replace(/^\s*FAIL\s+/, '').trim()
}

function write(texts) {
  for (const [file, text] of texts) writeFileSync(join(folder, file), text)
}

/** Tests that fail without a bug cannot judge one. */
async function checkBaseline(tests) {
  const { outcome, output } = await runTests(tests, BASELINE_LIMIT_MS)
  if (outcome === 'passed') return
  console.log(output)
  throw new Error('The tests do not pass without a mutant, so they cannot judge one.')
}

/** True when its tests notice it. */
async function isKilled(mutant) {
  const read = (file) => readFileSync(join(folder, file), 'utf8')
  const changed = planted(mutant, read)
  const before = new Map([...changed.keys()].map((file) => [file, read(file)]))
  write(changed)
  try {
    const { outcome, output } = await runTests(mutant.tests, TIME_LIMIT_MS)
    const how = outcome === 'hung' ? 'by the clock' : `by ${firstFailed(output)}`
    console.log(outcome === 'passed' ? `SURVIVED ${mutant.name}: ${mutant.why}` : `killed   ${mutant.name}, ${how}`)
    return outcome !== 'passed'
  } finally {
    write(before)
  }
}

// Also when it is interrupted.
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const name of COPIED) cpSync(join(root, name), join(folder, name), { recursive: true })
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
if (!skipsBaseline) await checkBaseline([...new Set(mutants.flatMap((each) => each.tests))])
let killed = 0
for (const each of mutants) if (await isKilled(each)) killed++
console.log(`${killed}/${mutants.length} mutants killed`)
process.exitCode = killed === mutants.length && killed > 0 ? 0 : 1
