/**
 * Runs every randomised test for longer: `npm run torture`, or `npm run torture -- 20 test/wal` for twenty times the
 * usual number of runs in one folder. Each call takes another seed unless BLAZEDB_SEED says which; the seed is printed.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { dirname, join } from 'node:path'

const DEFAULT_EFFORT = '50'
/** A test that takes a second by itself may take this long here. */
const TEST_TIMEOUT_MS = 30 * 60 * 1000

const root = dirname(import.meta.dirname)
const args = process.argv.slice(2)
const effort = /^[\d.]+$/.test(args[0] ?? '') ? args.shift() : DEFAULT_EFFORT
const seed = process.env.BLAZEDB_SEED || String(randomInt(2 ** 32))

console.log(`torture: BLAZEDB_EFFORT=${effort} BLAZEDB_SEED=${seed}`)
const run = spawn(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', `--testTimeout=${TEST_TIMEOUT_MS}`, ...args],
  { cwd: root, stdio: 'inherit', env: { ...process.env, BLAZEDB_EFFORT: effort, BLAZEDB_SEED: seed } },
)
run.on('exit', (code) => {
  process.exitCode = code ?? 1
})
