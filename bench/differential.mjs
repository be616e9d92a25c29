/**
 * `npm run bench -- differential [--queries 5000] [--seed 7]`: random queries answered by the naive evaluator and by
 * SQLite, and by the engine and SQLite, until one differs; that one is printed as small as it can be made. The queries,
 * their translation and the comparison are test/query/sqlite.test.ts and differential/; this runs them at length.
 */
import { spawnSync } from 'node:child_process'

/** What the test does by itself: each of its two halves. */
const QUERIES_OF_TEST = 500

export function differential({ queries, seed }) {
  const effort = Math.max(1, Math.ceil(queries / QUERIES_OF_TEST))
  console.log(`${effort * QUERIES_OF_TEST} queries of either kind, seed ${seed}`)
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', 'test/query/sqlite.test.ts', '--testTimeout', String(60_000 * effort)],
    {
      cwd: new URL('..', import.meta.url),
      stdio: 'inherit',
      env: { ...process.env, BLAZEDB_SEED: String(seed), BLAZEDB_EFFORT: String(effort) },
    },
  )
  process.exitCode = status ?? 1
}
