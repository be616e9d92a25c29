/** One round: some test files, with a seed and an effort, in a process of their own. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A test that takes a second by itself may take this long here. */
const TEST_TIMEOUT_MS = 10 * 60 * 1000
/** What takes this long waits for something that never comes. */
const ROUND_TIMEOUT_MS = 15 * 60 * 1000

/** The command that does a round once more. */
export function commandOf({ files, seed, effort }) {
  return `BLAZEDB_SEED=${seed} BLAZEDB_EFFORT=${effort} npx vitest run --testTimeout=${TEST_TIMEOUT_MS} ${files.join(' ')}`
}

/** Runs it. Resolves with `{ passed, output, figures (text), tookMs }`; `show`: its output goes to ours at once. */
export function runRound(root, { files, seed, effort }, show = false) {
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-figures-'))
  const figuresFile = join(folder, 'figures.jsonl')
  const began = performance.now()
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', `--testTimeout=${TEST_TIMEOUT_MS}`, ...files],
    {
      cwd: root,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
      env: {
        ...process.env,
        BLAZEDB_EFFORT: String(effort),
        BLAZEDB_SEED: String(seed),
        BLAZEDB_FIGURES: figuresFile,
      },
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  const timer = setTimeout(() => {
    output += `\nThe round was ended after ${ROUND_TIMEOUT_MS / 60_000} minutes.\n`
    child.kill()
  }, ROUND_TIMEOUT_MS)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      const figures = existsSync(figuresFile) ? readFileSync(figuresFile, 'utf8') : ''
      rmSync(folder, { recursive: true })
      resolve({ passed: code === 0, output, figures, tookMs: performance.now() - began })
    })
  })
}
