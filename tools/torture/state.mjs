/** What a run of the torture has done so far, kept in a file so that another run can go on. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One file for each checkout. */
export function defaultStateFile(root) {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 8)
  return join(tmpdir(), `blazedb-torture-${name}.json`)
}

/** `parts`: name -> { rounds, effort (of the next round), ranMs }; `totals`: see figures.mjs. */
export function freshState(seed) {
  return { seed, parts: {}, totals: {} }
}

/** The state in a file; undefined when there is none. */
export function readState(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

/** Replaces the file: an interrupted run leaves the state before, whole. */
export function writeState(file, state) {
  writeFileSync(`${file}.tmp`, JSON.stringify(state))
  renameSync(`${file}.tmp`, file)
}
