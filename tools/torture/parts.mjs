/**
 * The parts of the torture. A part's tests are those that report to it: each `figure('<part>', …)` in a file under test/
 * makes that file one of its tests, so that a new test joins by counting.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * - `weight`: its share of the minutes, among the parts that run.
 * - `effort`: BLAZEDB_EFFORT of its first round. Later ones are chosen so that a round takes about a minute.
 * - `most`: an effort beyond which a round does nothing more: only seeds make a difference then.
 */
export const PARTS = [
  { name: 'kills', about: 'processes killed by SIGKILL', weight: 3, effort: 1 },
  { name: 'writes', about: 'crashes in each call of a traced workload', weight: 2, effort: 1, most: 24 },
  { name: 'faults', about: 'each n-th call to the machine failing', weight: 2, effort: 1, most: 24 },
  { name: 'damage', about: 'files cut, flipped, zeroed, swapped, duplicated, removed', weight: 2, effort: 1 },
  { name: 'isolation', about: 'histories of transactions, searched for anomalies', weight: 2, effort: 1 },
  { name: 'model', about: 'random commands against a Map', weight: 2, effort: 1 },
  { name: 'rebuild', about: 'the log alone against root, pages and tail', weight: 1, effort: 1 },
  {
    name: 'encryption',
    about: 'tampering with encrypted files, and searching them for plain text',
    weight: 1,
    effort: 1,
  },
  { name: 'codec', about: 'mutated bytes to every reader of the format', weight: 1, effort: 5 },
  { name: 'backup', about: 'backups and restores, interrupted, up to any commit', weight: 1, effort: 1 },
  { name: 'repair', about: 'damaged logs, repaired', weight: 1, effort: 1 },
  { name: 'dump', about: 'dumps and loads, of any value and of hostile text', weight: 1, effort: 1 },
  { name: 'soak', about: 'memory and files under churn', weight: 1, effort: 1 },
]

const REPORTS = /\bfigure\(\s*'([^']+)'/g

/** Test files, relative to `root`, by the part that they report to, sorted. */
export function reportingFiles(root) {
  const files = new Map()
  for (const path of readdirSync(join(root, 'test'), { recursive: true }).sort()) {
    if (!path.endsWith('.test.ts')) continue
    const file = `test/${path.replaceAll('\\', '/')}`
    // Tests of the torture itself speak of parts without being of them.
    if (file.startsWith('test/house/')) continue
    for (const [, part] of readFileSync(join(root, file), 'utf8').matchAll(REPORTS)) {
      const known = files.get(part) ?? []
      if (!known.includes(file)) files.set(part, [...known, file])
    }
  }
  return files
}
