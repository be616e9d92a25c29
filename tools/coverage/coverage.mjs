/**
 * Branches that the tests go through, in the parts that must not be wrong: `npm run coverage`. Prints a line for each part
 * and for each of its files that is not covered whole, with the lines of the branches that nothing takes; the status is 0
 * when every part is at least at the bound. `npm run coverage -- test/wal` runs the tests of some folders only.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { branchesOf, summary } from './branches.mjs'

/** What must be covered, by the beginnings of its files' names. */
const AREAS = {
  log: ['src/wal/'],
  versions: ['src/mvcc/'],
  commit: [
    'src/engine/commit.ts',
    'src/engine/conflict.ts',
    'src/engine/publisher.ts',
    'src/engine/write-set.ts',
    'src/engine/unique-keys.ts',
    'src/engine/key-changes.ts',
    'src/engine/transaction.ts',
  ],
  recovery: [
    'src/engine/replay.ts',
    'src/engine/open-database.ts',
    'src/engine/root-file.ts',
    'src/engine/identity-file.ts',
    'src/engine/folder.ts',
    'src/engine/touched-slots.ts',
    'src/gc/directory-file.ts',
  ],
  codec: ['src/codec/'],
}
const LEAST_PERCENT = 95
/** The tests that are about these parts; what starts processes or is about queries would only take time. */
const TESTS = [
  'test/wal',
  'test/mvcc',
  'test/engine',
  'test/gc',
  'test/codec',
  'test/invariants',
  'test/torture',
  'test/encryption',
]
const LEFT_OUT = ['**/queries-*.test.ts', '**/kill.slow.test.ts', '**/larger-than-memory.slow.test.ts']
/** Counting branches takes its time. */
const TEST_TIMEOUT_MS = 10 * 60 * 1000

const root = dirname(dirname(import.meta.dirname))
const args = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'blazedb-coverage-'))

function measure() {
  const flags = [
    '--coverage.enabled',
    '--coverage.reporter=json',
    '--coverage.reportOnFailure',
    `--coverage.reportsDirectory=${folder}`,
    `--testTimeout=${TEST_TIMEOUT_MS}`,
    ...LEFT_OUT.map((pattern) => `--exclude=${pattern}`),
  ]
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const run = spawnSync(process.execPath, [vitest, 'run', ...flags, ...(args.length > 0 ? args : TESTS)], {
    cwd: root,
    stdio: 'inherit',
  })
  // Less than all was run, so more may be covered than is said.
  if (run.status !== 0) process.exitCode = 1
  const report = JSON.parse(readFileSync(join(folder, 'coverage-final.json'), 'utf8'))
  return Object.entries(report).map(([path, coverage]) => {
    const file = relative(root, path).replaceAll('\\', '/')
    return { file, ...branchesOf(coverage) }
  })
}

try {
  const files = measure()
  for (const [area, beginnings] of Object.entries(AREAS)) {
    const own = files.filter(({ file }) => beginnings.some((beginning) => file.startsWith(beginning)))
    const { taken, count, percent } = summary(own)
    console.log(`${area}: ${percent.toFixed(1)} % of branches (${taken}/${count})`)
    for (const each of own) {
      if (each.missed.length === 0) continue
      console.log(`  ${each.file}: ${summary([each]).percent.toFixed(1)} %, not taken: ${each.missed.join(', ')}`)
    }
    if (percent < LEAST_PERCENT) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
