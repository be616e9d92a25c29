/** One round: some test files, with a seed and an effort, in a process of their own. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runGroup } from '../process-group.mjs'

/** A test that takes a second by itself may take this long here. */
const TEST_TIMEOUT_MS = 10 * 60 * 1000
/** A round is meant to take a minute: what takes this long waits for something that never comes. */
const ROUND_TIMEOUT_MS = 15 * 60 * 1000
/** What is asked for by its effort may take as long as that needs. */
const ONCE_TIMEOUT_MS = 24 * 60 * 60 * 1000

/** The command that does a round once more. */
export function commandOf({ files, seed, effort }) {
  return `BLAZEDB_SEED=${seed} BLAZEDB_EFFORT=${effort} npx vitest run --testTimeout=${TEST_TIMEOUT_MS} ${files.join(' ')}`
}

/** Runs it. Resolves with `{ passed, output, figures (text), tookMs }`; `show`: its output goes to ours at once. */
export async function runRound(root, { files, seed, effort }, show = false) {
  const folder = mkdtempSync(join(tmpdir(), 'blazedb-figures-'))
  const figuresFile = join(folder, 'figures.jsonl')
  const began = performance.now()
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const env = {
      ...process.env,
      BLAZEDB_EFFORT: String(effort),
      BLAZEDB_SEED: String(seed),
      BLAZEDB_FIGURES: figuresFile,
    }
    const args = [vitest, 'run', `--testTimeout=${TEST_TIMEOUT_MS}`, ...files]
    const done = await runGroup(process.execPath, args, {
      cwd: root,
      env,
      limitMs: show ? ONCE_TIMEOUT_MS : ROUND_TIMEOUT_MS,
      show,
    })
    return {
      passed: done.status === 0,
      output: done.isHung
        ? `${done.output}\nThe round was ended after ${ROUND_TIMEOUT_MS / 60_000} minutes.`
        : done.output,
      figures: existsSync(figuresFile) ? readFileSync(figuresFile, 'utf8') : '',
      tookMs: performance.now() - began,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
